//! The real log and its real writer without their threads: the writer works when the simulation says so.

use baton::log::disk::{self, DiskLog, Opened, Settings, Writer};
use baton::log::{AppendFuture, Log, LogError, Position, Replay, Snapshot, Snapshots};
use baton::model::record::{Frame, Load};
use baton::proto::v1;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

#[derive(Debug)]
pub struct SimLog {
    log: DiskLog,
    writer: Mutex<Writer>,
    /// The writer has failed: a real process stops now.
    pub has_failed: AtomicBool,
}

/// Of the folder's log: segments end often, and the log is full at times.
pub fn open(
    files: &Arc<dyn disk::files::Files>,
    partitions: usize,
    since: u64,
) -> Result<Arc<SimLog>, LogError> {
    let settings = Settings {
        partitions,
        since,
        capacity: 1000,
        segment_bytes: 16 << 10,
        segment_age: Duration::from_secs(600),
        max_bytes: Some(96 << 10),
    };
    Ok(Arc::new(SimLog::new(disk::open(files, &settings)?)))
}

impl SimLog {
    fn new(opened: Opened) -> Self {
        Self {
            log: opened.log,
            writer: Mutex::new(opened.writer),
            has_failed: AtomicBool::new(false),
        }
    }

    /// The last position that is durable.
    pub fn end(&self) -> Position {
        let writer = self.writer.lock().expect("no test panics while it writes");
        writer.journal().next() - 1
    }

    /// One round of the writer. `false`: the disk failed.
    pub fn round(&self) -> bool {
        let mut writer = self.writer.lock().expect("no test panics while it writes");
        let failed = writer.round().is_err();
        self.has_failed.fetch_or(failed, Ordering::AcqRel);
        !failed
    }
}

impl Log for SimLog {
    fn append(&self, frame: Frame) -> AppendFuture {
        self.log.append(frame)
    }

    fn forward(&self, frame: Frame) {
        self.log.forward(frame);
    }

    fn replay(&self, partition: usize, after: Position) -> Result<Box<dyn Replay>, LogError> {
        self.log.replay(partition, after)
    }

    fn wake(&self) {
        self.log.wake();
    }

    fn backlog(&self) -> Load {
        self.log.backlog()
    }

    fn close(&self) {
        self.log.close();
    }

    fn appended_entries(&self) -> Option<u64> {
        self.log.appended_entries()
    }

    fn needs_compaction(&self) -> bool {
        self.log.needs_compaction()
    }

    fn shortage(&self) -> Option<String> {
        self.log.shortage()
    }
}

impl Snapshots for SimLog {
    fn newest(&self, partition: usize, below: Position) -> Result<Option<Snapshot>, LogError> {
        self.log.newest(partition, below)
    }

    /// As the log's own, where the writer is a thread.
    fn save(
        &self,
        partition: usize,
        at: Position,
        parts: &mut dyn Iterator<Item = v1::SnapshotPart>,
    ) -> Result<u64, LogError> {
        let flushed = self.log.flush();
        if !self.round() || flushed.try_recv().is_err() {
            // The disk failed or is full: a real worker would wait here.
            return Err(LogError::Closed);
        }
        self.log.snapshots().write(partition, at, parts)
    }

    fn discard(&self, partition: usize, at: Position) -> Result<(), LogError> {
        self.log.discard(partition, at)
    }
}

/// What an append came to, if that is known yet.
pub fn outcome(appending: &mut AppendFuture) -> Option<Result<(), LogError>> {
    let mut context = Context::from_waker(Waker::noop());
    match appending.as_mut().poll(&mut context) {
        Poll::Ready(outcome) => Some(outcome),
        Poll::Pending => None,
    }
}

/// The log on the simulated disk does what every log has to do.
mod conformance {
    use super::SimLog;
    use crate::simulation::disk::SimFiles;
    use crate::support::dice::Dice;
    use baton::log::conformance::{CAPACITY, LogUnderTest, PARTITIONS, check, parts_at};
    use baton::log::disk::files::Files;
    use baton::log::disk::{self, Settings};
    use baton::log::{Log, LogError, Position, Snapshots};
    use std::sync::Arc;
    use std::time::Duration;

    struct Simulated {
        files: SimFiles,
        log: Arc<SimLog>,
    }

    fn open(files: &SimFiles) -> Arc<SimLog> {
        let folder: Arc<dyn Files> = Arc::new(files.clone());
        let settings = Settings {
            partitions: PARTITIONS,
            since: 0,
            capacity: CAPACITY,
            segment_bytes: 100,
            segment_age: Duration::MAX,
            max_bytes: Some(1 << 30),
        };
        let opened = disk::open(&folder, &settings).expect("it opens");
        Arc::new(SimLog::new(opened))
    }

    impl LogUnderTest for Simulated {
        fn parts(&self) -> (Arc<dyn Log>, Arc<dyn Snapshots>) {
            let (log, snapshots) = (Arc::clone(&self.log), Arc::clone(&self.log));
            (log, snapshots)
        }

        fn settle(&mut self) {
            assert!(self.log.round(), "the disk works");
        }

        fn save(&mut self, partition: usize, at: Position) -> Result<u64, LogError> {
            let mut parts = parts_at(at).into_iter();
            self.log.save(partition, at, &mut parts)
        }

        /// The machine goes down: what was not synced is lost in part.
        fn restart(&mut self) -> bool {
            self.files.crash(&mut Dice::new(7));
            self.log = open(&self.files);
            true
        }
    }

    #[test]
    fn the_log_on_the_simulated_disk_conforms() {
        check(|| {
            let files = SimFiles::default();
            let log = open(&files);
            Simulated { files, log }
        });
    }
}
