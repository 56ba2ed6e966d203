//! What exporters are fed from: the engine, Baton's own metrics, and how the process is doing.

use super::relay::RunningRelay;
use crate::clock::Clock;
use crate::engine::Engine;
use crate::export::{FactSource, FamilySource, Feed, Readiness, ServiceIdentity, SessionVisitor};
use crate::forward::Forwarder;
use crate::log::disk::progress::Progress;
use crate::model::fact::Fact;
use crate::model::ids::{PartitionKey, TraceId};
use crate::model::metric::Family;
use crate::telemetry::Telemetry;
use std::sync::{Arc, OnceLock};
use tokio_util::sync::CancellationToken;

/// What the feed reads. Exporters hold it from before the state is recovered.
pub(super) struct FeedSource {
    /// Empty until the state is recovered and the receivers are open. The wiring sets it once.
    pub(super) engine: OnceLock<Arc<Engine>>,
    /// Empty where nothing is forwarded, and until the spool is open. The wiring sets it once.
    pub(super) forwarder: OnceLock<Arc<Forwarder>>,
    /// Empty until the state is recovered, and where nobody says who Baton is. The wiring sets it once.
    pub(super) identity: OnceLock<ServiceIdentity>,
    /// How far the recovery is.
    pub(super) progress: Arc<Progress>,
    pub(super) telemetry: Telemetry,
    /// Is cancelled when the process begins to stop.
    pub(super) stopping: CancellationToken,
}

impl FeedSource {
    /// What exporters read before anything is recovered.
    pub(super) fn new(telemetry: Telemetry, stopping: CancellationToken) -> Self {
        Self {
            engine: OnceLock::new(),
            forwarder: OnceLock::new(),
            identity: OnceLock::new(),
            progress: Arc::default(),
            telemetry,
            stopping,
        }
    }

    /// The feed of all exporters.
    pub(super) fn feed(self: Arc<Self>, clock: Clock) -> Feed {
        Feed {
            families: Arc::<Self>::clone(&self),
            facts: Arc::<Self>::clone(&self),
            readiness: self,
            clock,
        }
    }

    /// Knows what forwards, from here on.
    pub(super) fn forwarding(&self, relay: RunningRelay) -> RunningRelay {
        // It is set once: nobody else does.
        let _ = self.forwarder.set(Arc::clone(&relay.0));
        relay
    }

    /// What the engine says; nothing before there is one.
    fn of_engine<T: Default>(&self, ask: impl FnOnce(&Engine) -> T) -> T {
        self.engine
            .get()
            .map_or_else(T::default, |engine| ask(engine))
    }
}

impl FamilySource for FeedSource {
    fn exposition(&self) -> Vec<Family> {
        self.of_engine(Engine::exposition)
    }

    fn exact(&self) -> Vec<Family> {
        self.of_engine(Engine::gather)
    }

    fn internal(&self) -> Vec<Family> {
        self.of_engine(Engine::measure);
        if let Some(forwarder) = self.forwarder.get() {
            forwarder.measure();
        }
        self.telemetry.families()
    }

    fn identity(&self) -> Option<&ServiceIdentity> {
        self.identity.get()
    }
}

impl FactSource for FeedSource {
    fn of_session(&self, id: &str) -> Vec<(PartitionKey, Vec<Fact>)> {
        self.of_engine(|engine| engine.story(id))
    }

    fn of_trace(&self, trace: TraceId) -> Vec<(PartitionKey, Vec<Fact>)> {
        self.of_engine(|engine| engine.story_of_trace(trace))
    }

    fn visit(&self, visitor: SessionVisitor<'_>) {
        self.of_engine(|engine| engine.stories(visitor));
    }
}

impl Readiness for FeedSource {
    fn starting(&self) -> Option<String> {
        let starting = self.engine.get().is_none();
        starting.then(|| format!("recovering, {} read", self.progress.text()))
    }

    /// The one place that decides: signs of life, limits, and the phase of the process.
    fn unready(&self) -> Vec<String> {
        let Some(engine) = self.engine.get() else {
            return self.starting().into_iter().collect();
        };
        let forwarder = self.forwarder.get();
        let spool = forwarder.map(|forwarder| forwarder.heartbeats().stuck());
        let silent = engine.heartbeats().stuck().into_iter();
        let silent = silent.chain(spool.into_iter().flatten());
        let stuck = silent.map(|name| format!("{name} makes no progress"));
        let stopping = self.stopping.is_cancelled();
        let stopping = stopping.then(|| "stopping".to_owned());
        let spool = forwarder.and_then(|forwarder| forwarder.shortage());
        let full = engine.full().into_iter().chain(spool);
        let missed = engine.missed_time().map(|missed| {
            let seconds = missed.as_secs();
            format!("passing the time in which no process ran, {seconds} s are left")
        });
        stuck.chain(missed).chain(full).chain(stopping).collect()
    }
}
