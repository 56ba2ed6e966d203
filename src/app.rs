//! Application wiring. Builds the rooms, connects them, and starts and stops all tasks and threads. No other file spawns a task.

mod settings;

pub use settings::{engine_settings, fresh_seed, limits, manner, normaliser};

use crate::clock::{Clock, Pulse};
use crate::config::{Config, LogKind};
use crate::engine::{self, Engine};
use crate::export::server::{self, Server, Source};
use crate::export::session::Manner;
use crate::export::sessions::Visit;
use crate::model::fact::Fact;
use crate::model::ids::{Key, TraceId};
use crate::model::metric::Family;
use crate::model::time::Timestamp;
use crate::proto::v1;
use crate::receive::{self, Budget, Grpc, Http, Intake, Offer, Refusal, Taking};
use crate::shutdown::{Failure, Grace, Panicked, unwound};
use crate::state::disk::files::{Files, Folder};
use crate::state::disk::{self, Fault, snapshots};
use crate::state::{self, AppendError, Log, memory};
use crate::telemetry::Telemetry;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;
use tracing::{error, info, warn};

/// Baton, bound to its addresses and working.
#[derive(Debug)]
pub struct App {
    engine: Arc<Engine>,
    stop: watch::Sender<bool>,
    /// The doors and the workers, in the order in which they end.
    doors: TaskTracker,
    workers: TaskTracker,
    writer: TaskTracker,
    server: TaskTracker,
    /// What makes going on useless.
    broken: watch::Sender<Option<Failure>>,
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
    /// Of a log on disk.
    pulse: Option<Pulse>,
    clock: Clock,
    manner: Manner,
}

impl Source for Shown {
    fn exposition(&self) -> Vec<Family> {
        self.engine.exposition()
    }

    fn figures(&self) -> Vec<Family> {
        self.engine.gather()
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn story(&self, id: &str) -> Vec<(Key, Vec<Fact>)> {
        self.engine.story(id)
    }

    fn story_of_trace(&self, trace: TraceId) -> Vec<(Key, Vec<Fact>)> {
        self.engine.story_of_trace(trace)
    }

    fn stories(&self, visit: Visit<'_>) {
        self.engine.stories(visit);
    }

    fn manner(&self) -> &Manner {
        &self.manner
    }

    fn own(&self) -> String {
        self.engine.measure();
        self.telemetry.render()
    }

    fn unready(&self) -> Vec<String> {
        let mut unready = self.engine.stuck();
        if self
            .pulse
            .as_ref()
            .is_some_and(|pulse| pulse.silent() > engine::STUCK)
        {
            unready.push("the log makes no progress".into());
        }
        if self.stopping.load(Ordering::Acquire) {
            unready.push("stopping".into());
        }
        unready
    }
}

/// The engine as the door sees it.
struct Entrance(Arc<Engine>);

impl Intake for Entrance {
    fn open(&self) -> Box<dyn Offer + '_> {
        Box::new(self.0.request())
    }
}

impl Offer for engine::Request<'_> {
    fn close(self: Box<Self>) -> Taking {
        let appending = self.append();
        Box::pin(async move {
            appending.await.map_err(|error| match error {
                AppendError::Full => Refusal::Overloaded,
                AppendError::Closed => Refusal::Stopping,
                AppendError::Broken => Refusal::Unsure,
                AppendError::TooMany => Refusal::TooLarge,
            })
        })
    }
}

/// Why Baton did not start.
#[derive(Debug)]
pub enum StartError {
    /// An address cannot be bound.
    Listen(std::io::Error),
    /// The state of the last process cannot be had.
    State(Fault),
    /// Nobody says where the state is kept.
    NoDirectory,
}

impl std::fmt::Display for StartError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Listen(error) => write!(f, "cannot listen on {error}"),
            Self::State(fault) => write!(f, "the state cannot be used: {fault}"),
            Self::NoDirectory => {
                f.write_str("no directory for the state: set state.directory, or state.log: memory")
            }
        }
    }
}

impl std::error::Error for StartError {}

impl From<std::io::Error> for StartError {
    fn from(error: std::io::Error) -> Self {
        Self::Listen(error)
    }
}

impl From<Fault> for StartError {
    fn from(fault: Fault) -> Self {
        Self::State(fault)
    }
}

/// The log of a configuration, with what belongs to it.
struct Ground {
    log: Arc<dyn Log>,
    readers: Vec<state::Reader>,
    writer: Option<disk::Writer>,
    partitions: usize,
    seed: u64,
}

impl Ground {
    fn open(config: &Config) -> Result<Self, StartError> {
        let partitions = engine_settings(config).partitions;
        if config.state_log == LogKind::Memory {
            let (log, readers) = memory::open(partitions, config.queue_events);
            return Ok(Self {
                log: Arc::new(log),
                readers,
                writer: None,
                partitions,
                seed: fresh_seed(),
            });
        }
        let directory = config.state_directory.as_ref();
        let files = Folder::open(directory.ok_or(StartError::NoDirectory)?)?;
        let files: Arc<dyn Files> = Arc::new(files);
        let fresh = v1::Meta {
            partitions: partitions as u32,
            content_seed: fresh_seed(),
        };
        let meta = snapshots::meta(&*files, fresh)?;
        let partitions = meta.partitions as usize;
        if config.partitions.is_some_and(|asked| asked != partitions) {
            return Err(Fault::Partitions(partitions).into());
        }
        let settings = disk::Settings {
            partitions,
            capacity: config.queue_events,
            segment_bytes: config.segment_bytes,
            segment_age: config.segment_age,
            max_bytes: config.max_log_bytes,
        };
        let opened = disk::open(&files, &settings)?;
        if opened.cut > 0 {
            let bytes = opened.cut;
            warn!(
                bytes,
                "cut the torn end of the log: none of it was acknowledged"
            );
        }
        Ok(Self {
            log: Arc::new(opened.log),
            readers: opened.readers,
            writer: Some(opened.writer),
            partitions,
            seed: meta.content_seed,
        })
    }
}

impl App {
    /// Goes on where the last process was, binds all addresses and starts all work.
    ///
    /// # Errors
    /// When the state cannot be used, or an address cannot be bound.
    pub async fn start(config: &Config, clock: Clock) -> Result<Self, StartError> {
        let telemetry = Telemetry::new();
        let mut ground = telemetry.register(|| Ground::open(config))?;
        let settings = engine_settings(&Config {
            partitions: Some(ground.partitions),
            ..config.clone()
        });
        let normaliser = normaliser(config, ground.seed);
        let log = Arc::clone(&ground.log);
        let engine = telemetry.register(|| Engine::new(&settings, normaliser, log, clock.clone()));
        if let Some(writer) = &mut ground.writer {
            let (journal, snapshots) = writer.stored();
            let recovered = engine.recover(journal, snapshots)?;
            info!(
                frames = recovered.frames,
                records_known = recovered.known,
                records_sent_again = recovered.sent,
                keys = engine.keys(),
                damaged_snapshots = recovered.damaged,
                "state recovered"
            );
        }
        let engine = Arc::new(engine);
        let metrics = Arc::new(telemetry.register(receive::Metrics::new));
        let door = receive::Settings {
            grpc: config.grpc,
            http: config.http,
            limits: limits(config),
            retry_after: config.retry_after,
            budget: Arc::new(Budget::new(config.max_requests, config.max_bytes_in_flight)),
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
            created: config.created,
        };
        let pulse = ground.writer.as_ref().map(|_| Pulse::new(&clock));
        let shown = Shown {
            engine: Arc::clone(&engine),
            telemetry,
            stopping: Arc::clone(&stopping),
            pulse: pulse.clone(),
            clock,
            manner: manner(config),
        };
        let server = named(Server::bind(server, Arc::new(shown)), config.server)?;
        let app = Self {
            engine,
            stop: watch::channel(false).0,
            doors: TaskTracker::new(),
            workers: TaskTracker::new(),
            writer: TaskTracker::new(),
            server: TaskTracker::new(),
            broken: watch::channel(None).0,
            server_stop: watch::channel(false).0,
            grace_period: config.grace_period,
            grpc: grpc.address(),
            http: http.address()?,
            metrics: server.address()?,
        };
        app.spawn_ground(ground.readers, ground.writer.zip(pulse));
        app.spawn(grpc, http, server, stopping);
        for (endpoint, address) in [
            ("grpc", app.grpc),
            ("http", app.http),
            ("server", app.metrics),
        ] {
            info!(endpoint, %address, "listening");
        }
        Ok(app)
    }

    /// Workers and the writer wait and compute: they have threads of their own.
    fn spawn_ground(&self, readers: Vec<state::Reader>, writer: Option<(disk::Writer, Pulse)>) {
        if let Some((writer, pulse)) = writer {
            let broken = self.broken.clone();
            self.writer.spawn_blocking(move || {
                let failure = match unwound(|| writer.work(|| pulse.beat())) {
                    Ok(Ok(())) => return,
                    Ok(Err(fault)) => Failure::Log(fault.to_string()),
                    Err(Panicked) => Failure::Panic("the writer of the log".into()),
                };
                broken.send_replace(Some(failure));
            });
        }
        for (index, reader) in readers.into_iter().enumerate() {
            let (engine, broken) = (Arc::clone(&self.engine), self.broken.clone());
            self.workers.spawn_blocking(move || {
                if unwound(|| engine.work(index, reader)).is_err() {
                    let worker = format!("the worker of partition {index}");
                    broken.send_replace(Some(Failure::Panic(worker)));
                }
            });
        }
    }

    fn spawn(&self, grpc: Grpc, http: Http, server: Server, stopping: Arc<AtomicBool>) {
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
            // A scrape that waits or computes steps aside, so that one more worker answers the probes.
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
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

    /// Ends when the log or a worker has failed: the process must stop, and recover.
    pub async fn broken(&self) -> Failure {
        let mut broken = self.broken.subscribe();
        let failure = broken.wait_for(Option::is_some).await;
        match failure.ok().and_then(|failure| failure.clone()) {
            Some(failure) => failure,
            None => std::future::pending().await,
        }
    }

    /// Stops in order: doors, workers, the log, server; all within one grace period. `true` when everything ended by itself.
    pub async fn stop(self) -> bool {
        let mut grace = Grace::begin(self.grace_period);
        self.stop.send_replace(true);
        self.doors.close();
        let doors = grace.phase(self.doors.wait()).await;
        self.engine.close();
        self.workers.close();
        let workers = grace.phase(self.workers.wait()).await;
        self.engine.end();
        self.writer.close();
        let writer = grace.phase(self.writer.wait()).await;
        self.server_stop.send_replace(true);
        self.server.close();
        let server = grace.phase(self.server.wait()).await;
        let clean = doors.and(workers).and(writer).and(server).is_some();
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
        self.engine.end();
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
