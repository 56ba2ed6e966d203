//! The spool and the destinations of a configuration.

use super::tasks::{Phase, Task, Tasks};
use super::{StartError, log_failure};
use crate::client::DestinationTarget;
use crate::clock::Clock;
use crate::config::Config;
use crate::engine::{FactPlace, FactSink};
use crate::forward::{Destination, Forwarder, GiveUpPolicy, VerdictRouting, VerdictWriter};
use crate::ingest::Ingest;
use crate::log::LogKind;
use crate::log::disk::files::Folder;
use crate::model::fact::Fact;
use crate::model::tenant::TENANT_HEADER;
use crate::reload::Reload;
use crate::spool::{Quarantine, Spool, SpoolLimits, SpoolWriter};
use futures_util::future::join_all;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The directory of the spool in the state directory.
const SPOOL: &str = "spool";
/// The share of the memory limit that a spool in memory may have where the operator gives no size: one part in so many.
const MEMORY_SHARE: u64 = 10;

/// What the largest request takes beside its body, with room to spare.
const HEADROOM: u64 = 64 << 10;

/// What forwards, not running yet.
pub(super) struct Relay {
    pub(super) forwarder: Arc<Forwarder>,
    /// Of a spool on disk.
    writer: Option<SpoolWriter>,
    destinations: Vec<Destination>,
    /// `None`: no destination takes verdicts.
    verdicts: Option<VerdictWriter>,
}

/// What forwards, running. Dropped, it ends the spool: its writer ends however the app ends.
pub(super) struct RunningRelay(pub(super) Arc<Forwarder>);

/// Takes verdicts from the partitions.
struct VerdictSink(Arc<Forwarder>);

/// The spool and the destinations; `None`: nothing is forwarded.
pub(super) fn open(config: &Config, clock: &Clock) -> Result<Option<Relay>, StartError> {
    let in_memory = config.state.log == LogKind::Memory;
    open_to(config, clock, in_memory)
}

/// The same. `drains`: all that waits is sent before the end.
fn open_to(config: &Config, clock: &Clock, drains: bool) -> Result<Option<Relay>, StartError> {
    let names = config.exporters.otlp.names();
    if names.is_empty() {
        return Ok(None);
    }
    let limits = limits(config);
    let mut policy = GiveUpPolicy {
        drains,
        max_age: config.spool.max_age,
        quarantine: None,
    };
    let (spool, writer) = if config.state.log == LogKind::Disk {
        let directory = spool_directory(config)?;
        let folder = Arc::new(Folder::open(&directory)?);
        let quarantine = Quarantine::open(&directory, config.spool.max_quarantine_size)?;
        policy.quarantine = Some(Arc::new(quarantine));
        let (spool, writer) = Spool::on_disk(folder, &names, limits, clock.clone())?;
        (spool, Some(writer))
    } else {
        (Spool::in_memory(&names, limits), None)
    };
    let made = Forwarder::new(&config.exporters.otlp, spool, policy, clock.clone())?;
    let (forwarder, destinations) = made;
    let verdicts = forwarder.verdict_writer(VerdictRouting {
        dimensions: config.cohorts.dimensions.clone(),
        has_tenant_header: forwards_tenant(config),
    });
    Ok(Some(Relay {
        forwarder: Arc::new(forwarder),
        writer,
        destinations,
        verdicts,
    }))
}

/// The ingest of a Baton that forwards, or the same one.
pub(super) fn ingest(relay: Option<&RunningRelay>, ingest: Arc<dyn Ingest>) -> Arc<dyn Ingest> {
    match relay {
        Some(relay) => Arc::new(relay.0.ingest(ingest)),
        None => ingest,
    }
}

/// Sends all that waits in the spool on disk, as long as destinations accept it. Baton must not run. What still waits for each destination
/// afterwards, those that are no longer configured among them.
///
/// # Errors
/// When the spool cannot be used.
pub async fn drain(config: &Config, clock: &Clock) -> Result<Vec<(String, u64)>, StartError> {
    let Some(relay) = open_to(config, clock, true)? else {
        return Ok(Vec::new());
    };
    let stop = CancellationToken::new();
    stop.cancel();
    let destinations = relay.destinations.into_iter();
    join_all(destinations.map(|one| one.run(stop.clone()))).await;
    relay.forwarder.end();
    if let Some(writer) = relay.writer {
        writer.work(|| ())?;
    }
    Ok(relay.forwarder.waiting())
}

/// Whether requests are forwarded with the header of their tenant: Baton sets it, or they keep it.
fn forwards_tenant(config: &Config) -> bool {
    let mut headers = config.receivers.otlp.forward_headers.iter();
    config.tenants.is_some() || headers.any(|name| name.eq_ignore_ascii_case(TENANT_HEADER))
}

/// The directory of the spool.
///
/// # Errors
/// When nothing says where it is.
pub fn spool_directory(config: &Config) -> Result<PathBuf, StartError> {
    let own = config.spool.directory.clone();
    let state = config.state.directory.as_ref();
    own.or_else(|| Some(state?.join(SPOOL)))
        .ok_or(StartError::NoDirectory)
}

fn limits(config: &Config) -> SpoolLimits {
    let memory = config.memory_limit() / MEMORY_SHARE;
    let in_memory = config.state.log == LogKind::Memory;
    let largest = config.receivers.otlp.max_decompressed_bytes as u64 + HEADROOM;
    SpoolLimits {
        max_bytes: config.spool.max_size.or(in_memory.then_some(memory)),
        // On disk, the segment that is written to is not removed, though everybody has all of it.
        min_bytes: if in_memory { largest } else { 2 * largest },
        segment_bytes: config.spool.segment_size,
        when_full: config.spool.when_full,
    }
}

/// The memory that a spool may take.
pub(super) fn memory(config: &Config) -> u64 {
    let limits = limits(config);
    let in_memory =
        config.state.log == LogKind::Memory && config.exporters.otlp.forwarded().next().is_some();
    let max = limits.max_bytes.unwrap_or(0).max(limits.min_bytes);
    if in_memory { max } else { 0 }
}

impl Relay {
    /// Where each destination is, by its key.
    pub(super) fn targets(&self) -> BTreeMap<String, DestinationTarget> {
        let destinations = self.destinations.iter();
        let targets = destinations.map(|one| (one.name().to_owned(), one.target().clone()));
        targets.collect()
    }

    /// What follows the files of all destinations.
    pub(super) fn files(&self) -> impl Iterator<Item = Arc<dyn Reload>> {
        self.destinations.iter().flat_map(Destination::files)
    }

    /// Starts the writer of the spool, that of verdicts, and the destinations.
    pub(super) fn start(self, tasks: &Tasks) -> RunningRelay {
        if let Some(writer) = self.writer {
            let heartbeat = self.forwarder.heartbeats().begin("the spool".into());
            let work = move || writer.work(|| heartbeat.beat()).map_err(log_failure);
            tasks.start(Task::blocking(
                "the writer of the spool",
                Phase::Spool,
                work,
            ));
        }
        if let Some(verdicts) = self.verdicts {
            // After the workers, whose last snapshots wait for it.
            let phase = Phase::Log;
            let work = verdicts.run(tasks.stopping(phase));
            tasks.start(Task::future("the writer of verdicts", phase, work));
        }
        for destination in self.destinations {
            let stop = tasks.stopping(Phase::Destinations);
            tasks.start(Task::destination(destination, stop));
        }
        RunningRelay(self.forwarder)
    }
}

impl RunningRelay {
    /// What the engine tells of facts. `None`: no destination takes verdicts.
    pub(super) fn sink(&self) -> Option<Arc<dyn FactSink>> {
        let sink = VerdictSink(Arc::clone(&self.0));
        self.0
            .has_verdicts()
            .then(|| Arc::new(sink) as Arc<dyn FactSink>)
    }

    /// Says that nothing more comes.
    pub(super) fn end(&self) {
        self.0.end();
    }
}

impl Drop for RunningRelay {
    fn drop(&mut self) {
        self.end();
    }
}

impl FactSink for VerdictSink {
    fn take(&self, place: FactPlace, facts: &[Fact]) {
        self.0.take_facts(place.partition, place.decided, facts);
    }

    fn is_durable(&self, partition: usize, wait: Duration) -> bool {
        self.0.has_written(partition, wait)
    }

    fn name(&self) -> &'static str {
        "the spool"
    }
}
