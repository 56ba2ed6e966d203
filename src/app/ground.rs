//! The log of a configuration, and the state of the last process.

use super::settings::partition_settings;
use super::{StartError, engine_settings, fresh_seed};
use crate::clock::Clock;
use crate::config::Config;
use crate::engine::{self, Engine, FactSinks, PartitionWorker};
use crate::log::disk::files::{Files, Folder};
use crate::log::disk::progress::{Progress, watched};
use crate::log::disk::{self, DiskLog, layout};
use crate::log::memory::{self, MemoryLog};
use crate::log::{Log, LogError, LogKind};
use crate::model::limit::Bytes;
use crate::proto::v1;
use std::sync::Arc;
use std::time::Duration;
use tracing::{error, info, warn};

/// How long a change of the number of partitions waits for verdicts that are not in the spool, and for rows that are not in the ledger.
const SINK_WAIT: Duration = Duration::from_secs(60);

/// What the engine stands on.
pub(super) struct Ground {
    /// One for each partition.
    pub(super) workers: Vec<PartitionWorker>,
    /// Of a log on disk.
    pub(super) writer: Option<disk::Writer>,
    /// What the ingest appends to.
    pub(super) log: Arc<dyn Log>,
    /// The seed of the hashes of content that this state was made with.
    pub(super) content_seed: u64,
    /// The random ID that the directory of the state has; `None`: the log is in memory.
    pub(super) instance: Option<u64>,
}

/// The directory of the state, taken for this process; `None`: the log is in memory.
pub(super) fn folder(config: &Config) -> Result<Option<Arc<dyn Files>>, StartError> {
    if config.state.log == LogKind::Memory {
        return Ok(None);
    }
    let directory = config.state.directory.as_ref();
    let folder = Folder::open(directory.ok_or(StartError::NoDirectory)?)?;
    Ok(Some(Arc::new(folder)))
}

/// The engine with the state of the last process.
pub(super) fn recover(
    config: &Config,
    files: Option<Arc<dyn Files>>,
    clock: &Clock,
    progress: &Arc<Progress>,
    sinks: FactSinks,
) -> Result<(Arc<Engine>, Ground), StartError> {
    match files {
        None => Ok(in_memory(config, clock, sinks)?),
        Some(files) => Ok(on_disk(config, files, (clock, progress), sinks)?),
    }
}

fn in_memory(
    config: &Config,
    clock: &Clock,
    sinks: FactSinks,
) -> Result<(Arc<Engine>, Ground), LogError> {
    let settings = engine_settings(config);
    let log = Arc::new(memory::open(
        settings.partitions,
        config.engine.queue_events,
    ));
    info!("the log is in memory: all state is lost when the process ends");
    sinks.begin(fresh_seed());
    let snapshots = Arc::<MemoryLog>::clone(&log);
    let engine = Engine::new(
        &settings,
        Arc::<MemoryLog>::clone(&log),
        snapshots,
        clock.clone(),
    )
    .telling(sinks);
    let (workers, _) = engine.assign(0..settings.partitions)?;
    let ground = Ground {
        workers,
        writer: None,
        log,
        content_seed: fresh_seed(),
        instance: None,
    };
    Ok((Arc::new(engine), ground))
}

fn on_disk(
    config: &Config,
    files: Arc<dyn Files>,
    (clock, progress): (&Clock, &Arc<Progress>),
    sinks: FactSinks,
) -> Result<(Arc<Engine>, Ground), LogError> {
    let begun = clock.now();
    let (files, work) = watched(files, progress)?;
    info!(
        directory = files.place(),
        log = %Bytes(work.log),
        snapshots = %Bytes(work.snapshots),
        "recovering state"
    );
    let fresh = v1::Meta {
        partitions: engine_settings(config).partitions as u32,
        content_seed: fresh_seed(),
        since: 0,
        instance: fresh_seed(),
    };
    let meta = layout::meta(&*files, fresh)?;
    progress.begin(work, meta.partitions as usize);
    sinks.begin(meta.instance);
    let meta = change_partitions(config, &files, meta, &sinks)?;
    let settings = partition_settings(config, meta.partitions as usize);
    let opened = disk::open(&files, &disk_settings(config, &meta))?;
    if opened.cut > 0 {
        let bytes = opened.cut;
        warn!(
            bytes,
            "cut off the incomplete end of the log, of which nothing was acknowledged"
        );
    }
    let log = Arc::new(opened.log);
    let engine = Engine::new(
        &settings,
        Arc::<DiskLog>::clone(&log),
        Arc::<DiskLog>::clone(&log),
        clock.clone(),
    )
    .telling(sinks);
    let (workers, recovered) = engine.assign(0..settings.partitions)?;
    let seconds = clock.now().since(begun).as_secs_f64();
    info!(
        directory = files.place(),
        partitions = meta.partitions,
        position = recovered.position,
        deliveries = recovered.deliveries,
        records_known = recovered.known,
        records_sent_again = recovered.sent,
        keys = engine.keys(),
        memory = %Bytes(engine.weight() as u64),
        damaged_snapshots = recovered.damaged,
        log = %Bytes(opened.writer.journal().bytes()),
        seconds,
        "state recovered"
    );
    super::warnings::recovered(config, engine.weight());
    let ground = Ground {
        workers,
        writer: Some(opened.writer),
        log,
        content_seed: meta.content_seed,
        instance: Some(meta.instance),
    };
    Ok((Arc::new(engine), ground))
}

/// Gives the state to another number of partitions, where the operator asks for one.
fn change_partitions(
    config: &Config,
    files: &Arc<dyn Files>,
    meta: v1::Meta,
    sinks: &FactSinks,
) -> Result<v1::Meta, LogError> {
    let from = meta.partitions as usize;
    let to = config.engine.partitions;
    // 0: as many as the directory has.
    if to == 0 || to == from {
        return Ok(meta);
    }
    info!(from, to, "changing the number of partitions");
    let log = disk::open(files, &disk_settings(config, &meta))?.log;
    let settings = (
        &partition_settings(config, from),
        &partition_settings(config, to),
    );
    let changed = engine::repartition((&log, &log), settings, sinks)?;
    if let Err(behind) = (0..from).try_for_each(|one| sinks.settle(one, SINK_WAIT)) {
        error!(
            from,
            %behind, "the old partitions cannot be left: keep this number until verdicts are in the spool and rows in the ledger"
        );
        return Err(behind);
    }
    let states = changed.partitions.iter().enumerate();
    let states = states.map(|(index, partition)| partition.save(index));
    let meta = layout::replace(&**files, meta, changed.position, states)?;
    info!(
        from,
        to,
        deliveries = changed.recovered.deliveries,
        position = meta.since,
        "changed the number of partitions"
    );
    Ok(meta)
}

fn disk_settings(config: &Config, meta: &v1::Meta) -> disk::Settings {
    disk::Settings {
        partitions: meta.partitions as usize,
        since: meta.since,
        capacity: config.engine.queue_events,
        segment_bytes: config.state.segment_size,
        segment_age: config.state.segment_age,
        max_bytes: config.state.max_log_size,
    }
}
