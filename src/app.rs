//! Application wiring. Builds the rooms, connects them, and starts and stops all tasks and threads. No other file spawns a task.

mod fronts;
mod ground;
mod settings;
mod warnings;

pub use settings::{
    connections, engine_settings, fresh_seed, limits, listener, manner, normaliser, room,
};

use crate::clock::{Clock, Pulse};
use crate::config::Config;
use crate::engine::{self, Engine};
use crate::export::server::{self, Server, Source};
use crate::export::session::Manner;
use crate::export::sessions::Visit;
use crate::ingest::{Appender, Ingest, Pipeline};
use crate::log::disk;
use crate::log::disk::files::Files;
use crate::log::disk::progress::Progress;
use crate::log::{self, LogError};
use crate::model::fact::Fact;
use crate::model::ids::{PartitionKey, TraceId};
use crate::model::metric::Family;
use crate::model::time::Timestamp;
use crate::net::{self, Reporter};
use crate::receive::{self, Admission, Grpc, Http};
use crate::shutdown::{Failure, Grace, Panicked, unwound};
use crate::telemetry::Telemetry;
use fronts::Fronts;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;
use tracing::{error, info};

/// Baton, bound to its addresses and working.
pub struct App {
    engine: Arc<Engine>,
    ingest: Arc<dyn Ingest>,
    stop: watch::Sender<bool>,
    /// The doors and the workers, in the order in which they end.
    doors: TaskTracker,
    workers: TaskTracker,
    writer: TaskTracker,
    probes: Probes,
    /// What makes going on useless.
    broken: watch::Sender<Option<Failure>>,
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

/// What the server shows.
struct Shown {
    /// Empty until the state is recovered and the doors are open.
    engine: OnceLock<Arc<Engine>>,
    progress: Arc<Progress>,
    telemetry: Telemetry,
    stopping: Arc<AtomicBool>,
    /// Of a log on disk.
    pulse: Option<Pulse>,
    clock: Clock,
    manner: Manner,
}

impl Source for Shown {
    fn starting(&self) -> Option<String> {
        let starting = self.engine.get().is_none();
        starting.then(|| format!("recovering, {} read", self.progress.text()))
    }

    fn exposition(&self) -> Vec<Family> {
        let engine = self.engine.get();
        engine.map_or_else(Vec::new, |engine| engine.exposition())
    }

    fn figures(&self) -> Vec<Family> {
        let engine = self.engine.get();
        engine.map_or_else(Vec::new, |engine| engine.gather())
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn story(&self, id: &str) -> Vec<(PartitionKey, Vec<Fact>)> {
        let engine = self.engine.get();
        engine.map_or_else(Vec::new, |engine| engine.story(id))
    }

    fn story_of_trace(&self, trace: TraceId) -> Vec<(PartitionKey, Vec<Fact>)> {
        let engine = self.engine.get();
        engine.map_or_else(Vec::new, |engine| engine.story_of_trace(trace))
    }

    fn stories(&self, visit: Visit<'_>) {
        if let Some(engine) = self.engine.get() {
            engine.stories(visit);
        }
    }

    fn manner(&self) -> &Manner {
        &self.manner
    }

    fn own(&self) -> String {
        if let Some(engine) = self.engine.get() {
            engine.measure();
        }
        self.telemetry.render()
    }

    fn unready(&self) -> Vec<String> {
        let Some(engine) = self.engine.get() else {
            return self.starting().into_iter().collect();
        };
        let mut unready = engine.stuck();
        if self
            .pulse
            .as_ref()
            .is_some_and(|pulse| pulse.silent() > engine::STUCK)
        {
            unready.push("the log makes no progress".into());
        }
        unready.extend(engine.full());
        if self.stopping.load(Ordering::Acquire) {
            unready.push("stopping".into());
        }
        unready
    }
}

/// The server of metrics and probes, serving. It ends when this is dropped.
#[derive(Debug)]
struct Probes {
    tasks: TaskTracker,
    stop: watch::Sender<bool>,
}

impl Probes {
    /// Probes must answer when the doors are busy and before they are open: they have a thread and a runtime of their own.
    fn start(server: Server) -> Self {
        let tasks = TaskTracker::new();
        let stop = watch::channel(false).0;
        let stopped = asked(&stop);
        tasks.spawn_blocking(move || {
            // A scrape that waits or computes steps aside, so that one more worker answers the probes.
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build();
            if let Err(fault) = runtime.and_then(|own| own.block_on(server.serve(stopped))) {
                error!(%fault, "the server of metrics failed");
            }
        });
        Self { tasks, stop }
    }

    async fn end(&self) {
        self.stop.send_replace(true);
        self.tasks.close();
        self.tasks.wait().await;
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

impl From<LogError> for StartError {
    fn from(fault: LogError) -> Self {
        Self::State(fault)
    }
}

impl App {
    /// Answers probes, goes on where the last process was, then opens the doors and starts all work.
    ///
    /// # Errors
    /// When the state cannot be used, or an address cannot be bound.
    pub async fn start(config: &Config, clock: Clock) -> Result<Self, StartError> {
        warnings::insecure(config);
        warnings::memory(config);
        let files = ground::folder(config)?;
        let shown = Arc::new(Shown {
            engine: OnceLock::new(),
            progress: Arc::default(),
            telemetry: Telemetry::new(),
            stopping: Arc::default(),
            pulse: files.as_ref().map(|_| Pulse::new(&clock)),
            clock: clock.clone(),
            manner: manner(config),
        });
        let reporter = Reporter::new(clock.clone());
        let fronts = shown.telemetry.register(|| Fronts::new(config, &reporter));
        let server = server::Settings {
            endpoint: config.server,
            connections: fronts.server,
            created: config.created,
        };
        let source: Arc<dyn Source> = Arc::<Shown>::clone(&shown);
        let server = named(Server::bind(server, source), config.server)?;
        let metrics = server.address()?;
        info!(server = %metrics, "probes are answered while the state is recovered");
        let probes = Probes::start(server);
        let (engine, ground) = recovered(config, files, clock.clone(), &shown).await?;
        let ingest = || pipeline(config, &engine, &ground, clock);
        let ingest = shown.telemetry.register(ingest);
        let (grpc, http) = doors(
            config,
            (fronts.grpc, fronts.http),
            &shown.telemetry,
            &ingest,
        )?;
        let app = Self {
            engine: Arc::clone(&engine),
            ingest,
            stop: watch::channel(false).0,
            doors: TaskTracker::new(),
            workers: TaskTracker::new(),
            writer: TaskTracker::new(),
            probes,
            broken: watch::channel(None).0,
            grace_period: config.grace_period,
            grpc: grpc.address(),
            http: http.address()?,
            metrics,
        };
        app.spawn_ground(ground.readers, ground.writer.zip(shown.pulse.clone()));
        app.spawn(grpc, http, Arc::clone(&shown.stopping));
        app.doors.spawn(reporter.run(asked(&app.stop)));
        // From here on it is ready. It is set once: nobody else does.
        let _ = shown.engine.set(engine);
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
    fn spawn_ground(&self, readers: Vec<log::Reader>, writer: Option<(disk::Writer, Pulse)>) {
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

    fn spawn(&self, grpc: Grpc, http: Http, stopping: Arc<AtomicBool>) {
        let stop = asked(&self.stop);
        self.doors.spawn(grpc.serve(stop));
        self.doors.spawn(http.serve(asked(&self.stop)));
        let stop = asked(&self.stop);
        self.doors.spawn(async move {
            stop.await;
            stopping.store(true, Ordering::Release);
        });
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
        let server = grace.phase(self.probes.end()).await;
        let clean = doors.and(workers).and(writer).and(server).is_some();
        if !clean {
            error!("the grace period (shutdown.grace_period) ended before all work was done");
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

/// Goes on where the last process was, on a thread of its own: who waits for it may be told to stop meanwhile.
async fn recovered(
    config: &Config,
    files: Option<Arc<dyn Files>>,
    clock: Clock,
    shown: &Arc<Shown>,
) -> Result<(Arc<Engine>, ground::Ground), StartError> {
    let (config, shown) = (config.clone(), Arc::clone(shown));
    let recovering = tokio::task::spawn_blocking(move || {
        let recover = || ground::recover(&config, files, &clock, &shown.progress);
        shown.telemetry.register(recover)
    });
    match recovering.await {
        Ok(recovered) => recovered,
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    }
}

/// What takes requests into the log of a recovered engine.
fn pipeline(
    config: &Config,
    engine: &Engine,
    ground: &ground::Ground,
    clock: Clock,
) -> Arc<dyn Ingest> {
    let normaliser = normaliser(config, ground.content_seed);
    let log = Arc::clone(&ground.log);
    let memory = engine.memory_limit().clone();
    let appender = Appender::new(log, memory, clock);
    Arc::new(Pipeline::new(limits(config), normaliser, appender))
}

/// Both receivers, bound to their addresses.
fn doors(
    config: &Config,
    (grpc_server, http_server): (net::Server, net::Server),
    telemetry: &Telemetry,
    ingest: &Arc<dyn Ingest>,
) -> std::io::Result<(Grpc, Http)> {
    let metrics = Arc::new(telemetry.register(receive::Metrics::new));
    let admission = telemetry.register(|| Admission::new(room(config)));
    let settings = receive::Settings {
        grpc: config.grpc,
        http: config.http,
        limits: limits(config),
        retry_after: config.retry_after,
        admission: Arc::new(admission),
        grpc_server,
        http_server,
    };
    let grpc = Grpc::bind(&settings, Arc::clone(ingest), Arc::clone(&metrics));
    let http = Http::bind(&settings, Arc::clone(ingest), metrics);
    Ok((named(grpc, settings.grpc)?, named(http, settings.http)?))
}

/// An error of binding with the address it is about.
fn named<T>(bound: std::io::Result<T>, address: SocketAddr) -> std::io::Result<T> {
    bound.map_err(|error| std::io::Error::new(error.kind(), format!("{address}: {error}")))
}
