//! Application wiring: builds the rooms, connects them, and runs them as a list of tasks.
//!
//! | File | Content |
//! |---|---|
//! | `tasks.rs` | the tasks with their names and phases; the only file that spawns, apart from `net/server.rs` |
//! | `feed.rs` | what exporters are fed from |
//! | `relay.rs` | the spool and the destinations of a configuration |
//! | `ledger.rs` | the ledger of a configuration |
//! | `push.rs` | the exporters of a configuration that push metrics |
//! | `ground.rs` | the log of a configuration, and the state of the last process |
//! | `listeners.rs` | the TCP servers of all listeners |
//! | `settings.rs` | the settings of each room, from the configuration |
//! | `warnings.rs` | what is said at the start about memory and security |

mod feed;
mod ground;
mod ledger;
mod listeners;
mod push;
mod relay;
mod settings;
mod tasks;
mod warnings;

pub use relay::{drain, spool_directory};
pub use settings::{connections, display, engine_settings, fresh_seed, listener, normaliser};
pub use warnings::{insecure_settings, refused_listeners};

use crate::client::DestinationError;
use crate::clock::Clock;
use crate::config::Config;
use crate::engine::{Engine, FactSinks, PartitionWorker};
use crate::export::scrape::{self, ScrapeServer};
use crate::ingest::{Appender, Ingest, Pipeline, Signal, TenantRegistry};
use crate::log::LogError;
use crate::log::disk;
use crate::log::disk::files::Files;
use crate::model::Name;
use crate::net::Reporter;
use crate::receive::{self, Admission, Grpc, Http, Listeners, TenantLimiter};
use crate::reload::ReloadError;
use crate::shutdown::Failure;
use crate::telemetry::Telemetry;
use feed::FeedSource;
use ledger::RunningLedger;
use listeners::{ListenerParts, ListenerServers};
use relay::{Relay, RunningRelay};
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tasks::{Phase, Task, Tasks};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

/// Baton, bound to its addresses and working.
pub struct App {
    engine: Arc<Engine>,
    ingest: Arc<dyn Ingest>,
    /// Where requests are forwarded.
    relay: Option<RunningRelay>,
    ledger: Option<RunningLedger>,
    tasks: Tasks,
    grace_period: Duration,
    pub grpc: SocketAddr,
    pub http: SocketAddr,
    pub metrics: SocketAddr,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App")
            .field("engine", &self.engine)
            .field("grpc", &self.grpc)
            .field("http", &self.http)
            .field("metrics", &self.metrics)
            .finish_non_exhaustive()
    }
}

/// Why Baton did not start.
#[derive(Debug)]
pub enum StartError {
    /// An address cannot be bound.
    Listen(std::io::Error),
    /// The state of the last process cannot be had.
    State(LogError),
    /// Nobody says where the state is kept.
    NoDirectory,
    /// A listener has certificates that cannot be used.
    Tls(ReloadError),
    /// A listener has credentials that cannot be used.
    Auth(ReloadError),
    /// Everyone who reaches these listeners could use them, and the operator did not say so.
    Open(Vec<String>),
    /// A destination has certificates or credentials that cannot be used.
    Destination(DestinationError),
}

impl std::fmt::Display for StartError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Listen(error) => write!(f, "cannot listen on {error}"),
            Self::State(fault) => write!(f, "the state cannot be used: {fault}"),
            Self::Tls(error) => write!(f, "TLS cannot be used: {error}"),
            Self::Auth(error) => write!(f, "credentials cannot be used: {error}"),
            Self::Open(listeners) => f.write_str(&listeners.join("\n       ")),
            Self::Destination(error) => write!(f, "a destination cannot be used: {error}"),
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

impl From<DestinationError> for StartError {
    fn from(error: DestinationError) -> Self {
        Self::Destination(error)
    }
}

impl From<LogError> for StartError {
    fn from(fault: LogError) -> Self {
        Self::State(fault)
    }
}

impl App {
    /// Answers probes, goes on where the last process was, then opens the receivers and starts all work.
    ///
    /// # Errors
    /// When the state cannot be used, or an address cannot be bound.
    pub async fn start(config: &Config, clock: Clock) -> Result<Self, StartError> {
        refuse_open(config)?;
        warnings::insecure(config);
        warnings::memory(config);
        let files = ground::folder(config)?;
        let (tasks, begun) = (Tasks::new(), clock.now());
        let stopping = tasks.stopping(Phase::Receivers);
        let source = Arc::new(FeedSource::new(Telemetry::new(begun), stopping));
        let reporter = Reporter::new(clock.clone());
        let servers = || ListenerServers::new(config, &reporter);
        let servers = source.telemetry.register(servers)?;
        let server = scrape_server(config, servers.server)?;
        let metrics = server.address()?;
        info!(server = %metrics, "probes are answered while the state is recovered");
        let feed = Arc::clone(&source).feed(clock.clone());
        let stop = tasks.stopping(Phase::Exporters);
        tasks.start(Task::exporter(server, feed.clone(), stop.clone()));
        let issuers = servers.issuers.into_iter();
        issuers.for_each(|one| tasks.start(Task::issuer(one, stop.clone())));
        let mut followed = servers.files;
        // Before the state is recovered: what is found out again goes to the spool.
        let relay = || relay::open(config, &clock);
        let relay = source.telemetry.register(relay)?;
        followed.extend(relay.iter().flat_map(Relay::files));
        let targets = relay.as_ref().map(Relay::targets).unwrap_or_default();
        let relay = relay.map(|relay| source.forwarding(relay.start(&tasks)));
        let ledger = || ledger::start(config, &clock, &tasks);
        let ledger = source.telemetry.register(ledger)?;
        let sinks = sinks(relay.as_ref(), ledger.as_ref());
        let (engine, ground) = recovered(config, files, clock.clone(), &source, sinks).await?;
        let identity = config.service.identity(ground.instance);
        let before = (&targets, begun);
        let pushes = || push::open(config, before, identity.as_ref(), (&feed, &stop));
        let pushes = source.telemetry.register(pushes)?;
        followed.extend(pushes.files);
        pushes.tasks.into_iter().for_each(|task| tasks.start(task));
        // It is set once: nobody else does.
        let _ = identity.map(|identity| source.identity.set(identity));
        let followed = followed.into_iter();
        followed.for_each(|one| tasks.start(Task::reader(one, stop.clone())));
        let registry = tenant_registry(config, &engine, &clock);
        let ingest = || pipeline(config, &engine, &ground, (clock.clone(), registry.clone()));
        let ingest = source.telemetry.register(ingest);
        let ingest = relay::ingest(relay.as_ref(), ingest);
        let servers = (servers.grpc, servers.http);
        let shared = (&source.telemetry, clock, registry);
        let (grpc, http) = receivers(config, servers, shared, &ingest)?;
        let app = Self {
            engine: Arc::clone(&engine),
            relay,
            ledger,
            ingest,
            tasks,
            grace_period: config.shutdown.grace_period,
            grpc: grpc.address(),
            http: http.address()?,
            metrics,
        };
        let stop = app.tasks.stopping(Phase::Receivers);
        let tasks = writer_task(&app.engine, ground.writer).into_iter();
        let tasks = tasks.chain(worker_tasks(&app.engine, ground.workers));
        let tasks = tasks.chain(receiver_tasks(&app.engine, (grpc, http), reporter, &stop));
        tasks.for_each(|task| app.tasks.start(task));
        // From here on it is ready. It is set once: nobody else does.
        let _ = source.engine.set(engine);
        app.tell_addresses();
        Ok(app)
    }

    fn tell_addresses(&self) {
        for (endpoint, address) in [
            ("grpc", self.grpc),
            ("http", self.http),
            ("server", self.metrics),
        ] {
            info!(endpoint, %address, "listening");
        }
    }

    /// The engine, for those who look at its figures.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The ingest, for those who feed it without a network.
    pub fn ingest(&self) -> &dyn Ingest {
        &*self.ingest
    }

    /// Makes all workers look at the time, and waits until nothing waits to be applied and no timer is due: for those who move the clock.
    pub async fn settle(&self) {
        self.engine.wake();
        while !self.engine.is_settled() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Ends when the log or another task has failed: the process must stop, and recover.
    pub async fn broken(&self) -> Failure {
        self.tasks.failed().await
    }

    /// Stops phase by phase, all within one grace period. `true` when everything ended by itself.
    pub async fn stop(self) -> bool {
        let begin = |phase| match phase {
            Phase::Workers => self.engine.close(),
            Phase::Log => self.end_log(),
            Phase::Spool => self.end_spool(),
            Phase::Receivers | Phase::Destinations | Phase::Exporters => {}
        };
        let clean = self.tasks.stop(self.grace_period, begin).await;
        if !clean {
            error!("the grace period (shutdown.grace_period) ended before all work was done");
        }
        clean
    }
}

impl App {
    fn end_log(&self) {
        self.engine.end();
        self.ledger.iter().for_each(RunningLedger::end);
    }

    fn end_spool(&self) {
        if let Some(relay) = &self.relay {
            relay.end();
        }
    }
}

impl Drop for App {
    /// The workers end however the app ends: the runtime waits for their threads.
    fn drop(&mut self) {
        self.engine.close();
        self.engine.end();
    }
}

/// What the engine tells of facts.
fn sinks(relay: Option<&RunningRelay>, ledger: Option<&RunningLedger>) -> FactSinks {
    let verdicts = relay.and_then(RunningRelay::sink).into_iter();
    FactSinks(verdicts.chain(ledger.map(RunningLedger::sink)).collect())
}

/// The scrape server, bound to its address.
fn scrape_server(config: &Config, parts: ListenerParts) -> Result<ScrapeServer, StartError> {
    let server = ScrapeServer::bind(scrape::Settings {
        endpoint: config.server.endpoint,
        connections: parts.server,
        access: parts.access,
        created: config.metrics.created,
        identity_labels: config.service.scrape_labels,
        display: display(config),
    });
    Ok(named(server, config.server.endpoint)?)
}

/// Ends the start where everyone could use a listener, unless the operator says so.
fn refuse_open(config: &Config) -> Result<(), StartError> {
    let refused = refused_listeners(config);
    match refused.is_empty() {
        true => Ok(()),
        false => Err(StartError::Open(refused)),
    }
}

/// The writer of a log on disk.
fn writer_task(engine: &Engine, writer: Option<disk::Writer>) -> Option<Task> {
    let writer = writer?;
    let heartbeat = engine.heartbeats().begin("the log".into());
    let work = move || writer.work(|| heartbeat.beat()).map_err(log_failure);
    Some(Task::blocking("the writer of the log", Phase::Log, work))
}

/// The loops of the partitions.
fn worker_tasks(engine: &Arc<Engine>, workers: Vec<PartitionWorker>) -> impl Iterator<Item = Task> {
    workers.into_iter().map(|worker| {
        let engine = Arc::clone(engine);
        let name = format!("the worker of partition {}", worker.partition());
        let work = move || engine.work(worker).map_err(log_failure);
        Task::blocking(name, Phase::Workers, work)
    })
}

fn log_failure(error: LogError) -> Failure {
    Failure::Log(error.to_string())
}

/// The receivers, and the reports of what they refuse. Who connects while the engine catches up waits: what he sends would come too
/// early.
fn receiver_tasks(
    engine: &Arc<Engine>,
    (grpc, http): (Grpc, Http),
    reporter: Reporter,
    stop: &CancellationToken,
) -> [Task; 3] {
    let after_it = |serve: Pin<Box<dyn Future<Output = ()> + Send>>| {
        let (engine, stop) = (Arc::clone(engine), stop.clone());
        async move {
            tokio::select! {
                () = engine.caught_up() => {}
                () = stop.cancelled() => {}
            }
            serve.await;
        }
    };
    let stop = || stop.clone().cancelled_owned();
    let phase = Phase::Receivers;
    let (grpc, http) = (Box::pin(grpc.serve(stop())), Box::pin(http.serve(stop())));
    [
        Task::future("the gRPC receiver", phase, after_it(grpc)),
        Task::future("the HTTP receiver", phase, after_it(http)),
        Task::future("the reporter of refusals", phase, reporter.run(stop())),
    ]
}

/// Goes on where the last process was.
async fn recovered(
    config: &Config,
    files: Option<Arc<dyn Files>>,
    clock: Clock,
    source: &Arc<FeedSource>,
    sinks: FactSinks,
) -> Result<(Arc<Engine>, ground::Ground), StartError> {
    let (config, source) = (config.clone(), Arc::clone(source));
    tasks::on_a_thread(move || {
        let recover = || ground::recover(&config, files, &clock, &source.progress, sinks);
        source.telemetry.register(recover)
    })
    .await
}

/// What takes requests into the log of a recovered engine.
fn pipeline(
    config: &Config,
    engine: &Engine,
    ground: &ground::Ground,
    (clock, registry): (Clock, Option<Arc<TenantRegistry>>),
) -> Arc<dyn Ingest> {
    let normaliser = normaliser(config, ground.content_seed);
    let log = Arc::clone(&ground.log);
    let memory = engine.memory_limit().clone();
    let appender = Appender::new(log, memory, clock);
    let limits = config.receivers.otlp.limits();
    let pipeline = Pipeline::new(limits, normaliser, appender);
    Arc::new(match registry {
        Some(registry) => pipeline.label_tenants(&config.cohorts.dimensions, registry),
        None => pipeline,
    })
}

/// Which tenants have a place, if there are tenants.
fn tenant_registry(
    config: &Config,
    engine: &Arc<Engine>,
    clock: &Clock,
) -> Option<Arc<TenantRegistry>> {
    let tenants = config.tenants.as_ref()?;
    let named = tenants.named().map(|name| Name::from(name.as_str()));
    let limits = (tenants.max_tenants, config.metrics.expire_after);
    let engine = Arc::clone(engine);
    let registry = TenantRegistry::new(named, limits, clock.clone(), move || engine.tenants());
    Some(Arc::new(registry))
}

/// Both receivers, bound to their addresses.
fn receivers(
    config: &Config,
    (grpc, http): (ListenerParts, ListenerParts),
    (telemetry, clock, registry): (&Telemetry, Clock, Option<Arc<TenantRegistry>>),
    ingest: &Arc<dyn Ingest>,
) -> std::io::Result<(Grpc, Http)> {
    let metrics = Arc::new(telemetry.register(receive::Metrics::new));
    let admission = telemetry.register(|| {
        Admission::new(
            config
                .receivers
                .otlp
                .admission_limits(config.memory_limit()),
        )
    });
    let tenant_limiter = || TenantLimiter::new(config.tenants.as_ref(), registry, clock);
    let tenant_limiter = telemetry.register(tenant_limiter);
    let settings = &config.receivers.otlp;
    let listeners = Listeners {
        settings: settings.clone(),
        takes_metrics: config.exporters.otlp.takes(Signal::Metrics),
        admission: Arc::new(admission),
        tenant_limiter: Arc::new(tenant_limiter),
        grpc_server: grpc.server,
        http_server: http.server,
        grpc_access: grpc.access,
        http_access: http.access,
    };
    let grpc = Grpc::bind(&listeners, Arc::clone(ingest), Arc::clone(&metrics));
    let http = Http::bind(&listeners, Arc::clone(ingest), metrics);
    Ok((
        named(grpc, settings.grpc.endpoint)?,
        named(http, settings.http.endpoint)?,
    ))
}

/// An error of binding with the address it is about.
fn named<T>(bound: std::io::Result<T>, address: SocketAddr) -> std::io::Result<T> {
    bound.map_err(|error| std::io::Error::new(error.kind(), format!("{address}: {error}")))
}
