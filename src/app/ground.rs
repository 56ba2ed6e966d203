//! The log of a configuration, and the state of the last process.

use super::settings::partition_settings;
use super::{StartError, engine_settings, fresh_seed};
use crate::clock::Clock;
use crate::config::Config;
use crate::engine::{self, Engine};
use crate::log::LogError;
use crate::log::disk::files::{Files, Folder};
use crate::log::disk::progress::{Progress, watched};
use crate::log::disk::{self, layout};
use crate::log::{self, Log, LogKind, memory};
use crate::model::limit::Bytes;
use crate::proto::v1;
use std::sync::Arc;
use tracing::{info, warn};

/// What the engine stands on.
pub(super) struct Ground {
    pub(super) readers: Vec<log::Reader>,
    /// Of a log on disk.
    pub(super) writer: Option<disk::Writer>,
    /// What the ingest appends to.
    pub(super) log: Arc<dyn Log>,
    /// The seed of the hashes of content that this state was made with.
    pub(super) content_seed: u64,
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
) -> Result<(Arc<Engine>, Ground), StartError> {
    match files {
        None => Ok(in_memory(config, clock)),
        Some(files) => Ok(on_disk(config, files, clock, progress)?),
    }
}

fn in_memory(config: &Config, clock: &Clock) -> (Arc<Engine>, Ground) {
    let settings = engine_settings(config);
    let (log, readers) = memory::open(settings.partitions, config.engine.queue_events);
    info!("the log is in memory: all state is lost when the process ends");
    let log: Arc<dyn Log> = Arc::new(log);
    let engine = Engine::new(&settings, Arc::clone(&log), clock.clone());
    let ground = Ground {
        readers,
        writer: None,
        log,
        content_seed: fresh_seed(),
    };
    (Arc::new(engine), ground)
}

fn on_disk(
    config: &Config,
    files: Arc<dyn Files>,
    clock: &Clock,
    progress: &Arc<Progress>,
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
    };
    let meta = change_partitions(config, &files, layout::meta(&*files, fresh)?)?;
    let settings = partition_settings(config, meta.partitions as usize);
    let mut opened = disk::open(&files, &disk_settings(config, &meta))?;
    if opened.cut > 0 {
        let bytes = opened.cut;
        warn!(
            bytes,
            "cut off the incomplete end of the log, of which nothing was acknowledged"
        );
    }
    let log: Arc<dyn Log> = Arc::new(opened.log);
    let engine = Engine::new(&settings, Arc::clone(&log), clock.clone());
    let (journal, snapshots) = opened.writer.stored();
    let recovered = engine.recover(journal, snapshots)?;
    let seconds = clock.now().since(begun).as_secs_f64();
    info!(
        directory = files.place(),
        partitions = meta.partitions,
        position = recovered.position,
        frames = recovered.frames,
        records_known = recovered.known,
        records_sent_again = recovered.sent,
        keys = engine.keys(),
        memory = %Bytes(engine.weight() as u64),
        damaged_snapshots = recovered.damaged,
        log = %Bytes(journal.bytes()),
        seconds,
        "state recovered"
    );
    super::warnings::recovered(config, engine.weight());
    let ground = Ground {
        readers: opened.readers,
        writer: Some(opened.writer),
        log,
        content_seed: meta.content_seed,
    };
    Ok((Arc::new(engine), ground))
}

/// Gives the state to another number of partitions, where the operator asks for one.
fn change_partitions(
    config: &Config,
    files: &Arc<dyn Files>,
    meta: v1::Meta,
) -> Result<v1::Meta, LogError> {
    let from = meta.partitions as usize;
    let to = config.engine.partitions;
    // 0: as many as the directory has.
    if to == 0 || to == from {
        return Ok(meta);
    }
    info!(from, to, "changing the number of partitions");
    let mut opened = disk::open(files, &disk_settings(config, &meta))?;
    let (journal, snapshots) = opened.writer.stored();
    let settings = (
        &partition_settings(config, from),
        &partition_settings(config, to),
    );
    let (meta, changed) = engine::repartition(&**files, meta, settings, (journal, snapshots))?;
    info!(
        from,
        to,
        frames = changed.frames,
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
