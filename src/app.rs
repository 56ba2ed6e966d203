//! Wiring: the one place where rooms meet, and the one file that starts tasks and threads.

use crate::clock::Clock;
use crate::config::Config;
use crate::engine::{self, Engine};
use crate::export::server::{self, Server, Source};
use crate::model::cohort::preset;
use crate::model::metric::Family;
use crate::model::otlp::Batch;
use crate::model::time::Timestamp;
use crate::normalise::{self, Normaliser};
use crate::receive::{self, Grpc, Http, Intake, Limits, Refusal, Taking};
use crate::shutdown::Grace;
use crate::state::{self, AppendError, memory};
use crate::telemetry::Telemetry;
use crate::{derive, stitch};
use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;
use tracing::{error, info};

/// Partitions where the configuration does not say.
const MAX_PARTITIONS: usize = 4;

/// The engine's part of the configuration.
pub fn engine_settings(config: &Config) -> engine::Settings {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    engine::Settings {
        partitions: config.partitions.unwrap_or(cores.min(MAX_PARTITIONS)),
        stitch: stitch::Settings {
            settle: config.settle,
            bind_timeout: config.bind_timeout,
            trace_timeout: config.trace_timeout,
            drop_timeout: config.drop_timeout,
            idle_timeout: config.idle_timeout,
            max_age: config.max_age,
            recontact_window: config.recontact_window,
            retention_threshold: config.retention_threshold,
            retention_of_delegations: config.retention_of_delegations,
            max_sessions: config.max_sessions,
            max_spans_per_session: config.max_spans_per_session,
        },
        derive: derive::Settings {
            max_series: config.max_series,
            max_label_values: config.max_label_values,
            expire_after: config.expire_after,
            dimensions: config
                .cohorts
                .iter()
                .map(|(name, _)| name.clone())
                .collect(),
            max_cohort_values: config.max_cohort_values,
        },
    }
}

/// The normaliser of a configuration.
pub fn normaliser(config: &Config) -> Normaliser {
    let settings = normalise::Settings {
        session_attributes: config.session_attributes.clone(),
        user_attributes: config.user_attributes.clone(),
        outcome_attributes: config.outcome_attributes.clone(),
        handoff_tools: config.handoff_tools.clone(),
        escalation_tools: config.escalation_tools.clone(),
        human_names: config.human_names.clone(),
        tenant_attributes: config.tenant_attributes.clone(),
        value_attributes: config.value_attributes.clone(),
        intent_attributes: intent_attributes(config),
        dimensions: config.cohorts.iter().map(|(_, a)| a.clone()).collect(),
        content_seed: content_seed(config),
    };
    Normaliser::new(settings, Arc::clone(&config.prices))
}

/// The seed of the hashes of content: by the configured key, else new in every process, which no sketch outlives.
fn content_seed(config: &Config) -> u64 {
    match &config.content_key {
        Some(key) => rapidhash::v3::rapidhash_v3(key.0.as_bytes()),
        None => RandomState::new().hash_one("baton"),
    }
}

/// What the operator says of the dimension `intent`, else what is known of it: intents matter without cohorts too.
fn intent_attributes(config: &Config) -> Vec<String> {
    let configured = config.cohorts.iter().find(|(name, _)| name == "intent");
    let known = || preset("intent").unwrap_or_default().iter();
    configured.map_or_else(
        || known().map(|a| (*a).to_owned()).collect(),
        |(_, attributes)| attributes.clone(),
    )
}

/// The limits of one request.
pub fn limits(config: &Config) -> Limits {
    Limits {
        max_request_bytes: config.max_request_bytes,
        max_decompressed_bytes: config.max_decompressed_bytes,
        max_attributes: config.max_attributes,
        max_depth: config.max_depth,
    }
}

/// Baton, bound to its addresses and working.
#[derive(Debug)]
pub struct App {
    engine: Arc<Engine>,
    stop: watch::Sender<bool>,
    /// The doors and the workers, in the order in which they end.
    doors: TaskTracker,
    workers: TaskTracker,
    server: TaskTracker,
    server_stop: watch::Sender<bool>,
    grace_period: Duration,
    pub grpc: SocketAddr,
    pub http: SocketAddr,
    pub metrics: SocketAddr,
}

/// What the server shows.
struct Shown {
    engine: Arc<Engine>,
    telemetry: Telemetry,
    stopping: Arc<AtomicBool>,
    clock: Clock,
}

impl Source for Shown {
    fn gather(&self) -> Vec<Family> {
        self.engine.gather()
    }

    fn own(&self) -> String {
        self.engine.measure();
        self.telemetry.render()
    }

    fn unready(&self) -> Vec<String> {
        let mut unready = self.engine.stuck();
        if self.stopping.load(Ordering::Acquire) {
            unready.push("stopping".into());
        }
        unready
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// The engine as the door sees it.
struct Entrance(Arc<Engine>);

impl Intake for Entrance {
    fn offer(&self, batch: &Batch<'_>) -> Taking {
        let appending = self.0.offer(batch);
        Box::pin(async move {
            appending.await.map_err(|error| match error {
                AppendError::Full => Refusal::Overloaded,
                AppendError::Closed => Refusal::Stopping,
                AppendError::TooMany => Refusal::TooLarge,
            })
        })
    }
}

impl App {
    /// Binds all addresses and starts all work.
    ///
    /// # Errors
    /// When an address cannot be bound, with the address.
    pub async fn start(config: &Config, clock: Clock) -> std::io::Result<Self> {
        let telemetry = Telemetry::new();
        let settings = engine_settings(config);
        let (log, readers) = memory::open(settings.partitions, config.queue_events);
        let engine = telemetry
            .register(|| Engine::new(&settings, normaliser(config), Arc::new(log), clock.clone()));
        let engine = Arc::new(engine);
        let metrics = Arc::new(telemetry.register(receive::Metrics::new));
        let door = receive::Settings {
            grpc: config.grpc,
            http: config.http,
            limits: limits(config),
            retry_after: config.retry_after,
        };
        let intake: Arc<dyn Intake> = Arc::new(Entrance(Arc::clone(&engine)));
        let stopping = Arc::new(AtomicBool::new(false));
        let grpc = named(
            Grpc::bind(&door, Arc::clone(&intake), Arc::clone(&metrics)).await,
            door.grpc,
        )?;
        let http = named(Http::bind(&door, intake, metrics).await, door.http)?;
        let server = server::Settings {
            endpoint: config.server,
            zero_hold: config.zero_hold,
            created: config.created,
        };
        let shown = Shown {
            engine: Arc::clone(&engine),
            telemetry,
            stopping: Arc::clone(&stopping),
            clock,
        };
        let server = named(Server::bind(server, Arc::new(shown)), config.server)?;
        let app = Self {
            engine,
            stop: watch::channel(false).0,
            doors: TaskTracker::new(),
            workers: TaskTracker::new(),
            server: TaskTracker::new(),
            server_stop: watch::channel(false).0,
            grace_period: config.grace_period,
            grpc: grpc.address(),
            http: http.address()?,
            metrics: server.address()?,
        };
        app.spawn(grpc, http, server, stopping, readers);
        for (endpoint, address) in [
            ("grpc", app.grpc),
            ("http", app.http),
            ("server", app.metrics),
        ] {
            info!(endpoint, %address, "listening");
        }
        Ok(app)
    }

    fn spawn(
        &self,
        grpc: Grpc,
        http: Http,
        server: Server,
        stopping: Arc<AtomicBool>,
        readers: Vec<state::Reader>,
    ) {
        for (index, reader) in readers.into_iter().enumerate() {
            let engine = Arc::clone(&self.engine);
            // Workers wait and compute: they have threads of their own.
            self.workers
                .spawn_blocking(move || engine.work(index, reader));
        }
        let stop = asked(&self.stop);
        self.doors.spawn(async move {
            if let Err(fault) = grpc.serve(stop).await {
                error!(%fault, "the gRPC door failed");
            }
        });
        let stop = asked(&self.stop);
        self.doors.spawn(async move {
            if let Err(fault) = http.serve(stop).await {
                error!(%fault, "the HTTP door failed");
            }
        });
        let stop = asked(&self.stop);
        self.doors.spawn(async move {
            stop.await;
            stopping.store(true, Ordering::Release);
        });
        let stop = asked(&self.server_stop);
        // Probes must answer when the doors are busy: they have a thread and a runtime of their own.
        self.server.spawn_blocking(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            if let Err(fault) = runtime.and_then(|own| own.block_on(server.serve(stop))) {
                error!(%fault, "the server of metrics failed");
            }
        });
    }

    /// The engine, for those who look at its figures.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Stops in order: doors, workers, server; all within one grace period. `true` when everything ended by itself.
    pub async fn stop(self) -> bool {
        let mut grace = Grace::begin(self.grace_period);
        self.stop.send_replace(true);
        self.doors.close();
        let doors = grace.phase(self.doors.wait()).await;
        self.engine.close();
        self.workers.close();
        let workers = grace.phase(self.workers.wait()).await;
        self.server_stop.send_replace(true);
        self.server.close();
        let server = grace.phase(self.server.wait()).await;
        let clean = doors.and(workers).and(server).is_some();
        if !clean {
            error!("the grace period ended before all work did");
        }
        clean
    }
}

impl Drop for App {
    /// The workers end however the app ends: the runtime waits for their threads.
    fn drop(&mut self) {
        self.engine.close();
    }
}

/// Ends when the sender says so, or is gone.
fn asked(stop: &watch::Sender<bool>) -> impl Future<Output = ()> + Send + 'static {
    let mut stop = stop.subscribe();
    async move {
        let _ = stop.wait_for(|stopping| *stopping).await;
    }
}

/// An error of binding with the address it is about.
fn named<T>(bound: std::io::Result<T>, address: SocketAddr) -> std::io::Result<T> {
    bound.map_err(|error| std::io::Error::new(error.kind(), format!("{address}: {error}")))
}
