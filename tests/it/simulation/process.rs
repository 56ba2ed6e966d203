//! One process: it starts as the real one does, and ends without notice.

use crate::simulation::disk::SimFiles;
use crate::simulation::log::{self, SimLog};
use crate::simulation::rows::History;
use baton::app;
use baton::clock::Clock;
use baton::config::Config;
use baton::engine::{self, Engine, FactSinks, PartitionWorker, Settings};
use baton::ingest::Appender;
use baton::log::disk::files::Files;
use baton::log::disk::layout;
use baton::log::{Log, LogError};
use baton::proto::v1;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

/// Partitions of a new directory.
pub const PARTITIONS: usize = 3;

pub struct Process {
    pub engine: Engine,
    pub appender: Appender,
    pub log: Arc<SimLog>,
    pub workers: Vec<PartitionWorker>,
    pub recovered: engine::Recovered,
}

pub fn settings(partitions: usize) -> Settings {
    Settings {
        partitions,
        // Some processes live for a few milliseconds only, and a full log must shrink all the same.
        snapshot_interval: Duration::from_millis(50),
        ..app::engine_settings(&Config::default())
    }
}

impl Process {
    /// Goes on in a directory, with the number of partitions that is asked for.
    pub fn start(
        files: &SimFiles,
        time: &Arc<AtomicU64>,
        history: &mut History,
        partitions: usize,
    ) -> Result<Self, LogError> {
        let clock = Clock::manual(Arc::clone(time));
        let folder: Arc<dyn Files> = Arc::new(files.clone());
        let fresh = v1::Meta {
            partitions: partitions as u32,
            content_seed: 7,
            since: 0,
            instance: 9,
        };
        let mut meta = layout::meta(&*folder, fresh)?;
        assert_eq!(meta.content_seed, 7, "the folder is what it was");
        let before = meta.partitions as usize;
        if before != partitions {
            let log = log::open(&folder, before, meta.since)?;
            history.read(&folder, log.end())?;
            let settings = (&settings(before), &settings(partitions));
            let changed = engine::repartition((&*log, &*log), settings, &FactSinks::default())?;
            assert_eq!(changed.recovered.lost, 0, "nothing that was synced is lost");
            let states = changed.partitions.iter().enumerate();
            let states = states.map(|(index, partition)| partition.save(index));
            meta = layout::replace(&*folder, meta, changed.position, states)?;
        }
        let log = log::open(&folder, partitions, meta.since)?;
        history.read(&folder, log.end())?;
        let shared: Arc<dyn Log> = Arc::<SimLog>::clone(&log);
        let snapshots = Arc::<SimLog>::clone(&log);
        let settings = settings(partitions);
        let engine = Engine::new(&settings, Arc::clone(&shared), snapshots, clock.clone());
        let appender = Appender::new(shared, engine.memory_limit().clone(), clock);
        let (workers, recovered) = engine.assign(0..partitions)?;
        assert_eq!(recovered.lost, 0, "nothing that was synced is lost");
        Ok(Self {
            engine,
            appender,
            log,
            workers,
            recovered,
        })
    }
}
