//! The real log and its real writer without their threads: the writer works when the simulation says so.

use baton::log::disk::{self, DiskLog, Opened, Settings, Writer};
use baton::log::{AppendFuture, Log, LogError, Reader};
use baton::model::record::{Frame, Load};
use baton::proto::v1;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

#[derive(Debug)]
pub struct SimLog {
    log: DiskLog,
    pub writer: Mutex<Writer>,
    /// The writer has failed: a real process stops now.
    pub has_failed: AtomicBool,
}

/// Of the folder's log: segments end often, and the log is full at times.
pub fn open(
    files: &Arc<dyn disk::files::Files>,
    partitions: usize,
    since: u64,
) -> Result<(Arc<SimLog>, Vec<Reader>), LogError> {
    let settings = Settings {
        partitions,
        since,
        capacity: 1000,
        segment_bytes: 16 << 10,
        segment_age: Duration::from_secs(600),
        max_bytes: Some(96 << 10),
    };
    let Opened {
        log,
        writer,
        readers,
        ..
    } = disk::open(files, &settings)?;
    let writer = Mutex::new(writer);
    let has_failed = AtomicBool::new(false);
    let log = SimLog {
        log,
        writer,
        has_failed,
    };
    Ok((Arc::new(log), readers))
}

impl SimLog {
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

    /// As the log's own, where the writer is a thread.
    fn save_snapshot(
        &self,
        partition: usize,
        position: u64,
        parts: &mut dyn Iterator<Item = v1::SnapshotPart>,
    ) -> Result<u64, LogError> {
        let flushed = self.log.flush();
        if !self.round() || flushed.try_recv().is_err() {
            // The disk failed or is full: a real worker would wait here.
            return Err(LogError::Closed);
        }
        self.log.snapshots().write(partition, position, parts)
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
