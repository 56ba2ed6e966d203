//! SnapshotFiles of partitions, and the metadata of the directory.

use super::files::Files;
use super::format::{self, FileKind, FrameStep, Frames, Unreadable};
use super::in_file;
use super::journal::Journal;
use crate::log::{LogError, Position, Snapshot};
use crate::proto::v1;
use prost::Message;
use std::io;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(super) const SUFFIX: &str = ".snapshot";
/// SnapshotFiles of one partition: where the newest is damaged, the one before serves.
const KEPT: usize = 2;
/// A file is written in pieces of at least this size.
const PIECE: usize = 1 << 20;

/// The snapshots of one folder.
pub struct SnapshotFiles {
    files: Arc<dyn Files>,
    /// Positions of the snapshots of each partition, oldest first.
    kept: Mutex<Vec<Vec<u64>>>,
    /// Bytes that the log took so far, which the next snapshots may hold in addition.
    logged: AtomicU64,
    /// Of the newest snapshot of each partition.
    sizes: Mutex<Vec<SnapshotSize>>,
}

/// The size of a snapshot, and what the log had taken when it was begun.
#[derive(Clone, Copy, Debug, Default)]
struct SnapshotSize {
    bytes: u64,
    logged: u64,
}

impl std::fmt::Debug for SnapshotFiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SnapshotFiles").finish_non_exhaustive()
    }
}

impl SnapshotFiles {
    /// Finds the snapshots of a folder, and removes what was left half written.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn open(files: Arc<dyn Files>, partitions: usize) -> Result<Self, LogError> {
        let mut kept = vec![Vec::new(); partitions];
        for file in in_file("the folder", files.list())? {
            if file.ends_with(".new") {
                in_file(&file, files.remove(&file))?;
            } else if let Some((partition, position)) = parse(&file)
                && let Some(known) = kept.get_mut(partition)
            {
                known.push(position);
            }
        }
        kept.iter_mut().for_each(|known| known.sort_unstable());
        Ok(Self {
            files,
            kept: Mutex::new(kept),
            logged: AtomicU64::new(0),
            sizes: Mutex::new(vec![SnapshotSize::default(); partitions]),
        })
    }

    /// Learns the sizes that [`SnapshotFiles::next_bytes`] rests on, where a log is found that has some already.
    pub(super) fn measure(&self, journal: &Journal) -> Result<(), LogError> {
        for (index, newest) in self.sizes().iter_mut().enumerate() {
            if let Some(position) = self.of(index).pop() {
                let name = name(index, position);
                newest.bytes = in_file(&name, self.files.size(&name))?;
                newest.logged = journal.bytes_until(position);
            }
        }
        self.logged(journal.bytes());
        Ok(())
    }

    /// The log took so many bytes more.
    pub(super) fn logged(&self, bytes: u64) {
        self.logged.fetch_add(bytes, Ordering::AcqRel);
    }

    /// Bytes of two more snapshots of every partition, by estimate: each holds what its newest one does, and at most what the
    /// log took since.
    pub(super) fn next_bytes(&self) -> u64 {
        let newest = self.sizes();
        let known: u64 = newest.iter().map(|newest| newest.bytes).sum();
        let since = newest.iter().map(|newest| newest.logged).min();
        let logged = self.logged.load(Ordering::Acquire);
        let news = logged.saturating_sub(since.unwrap_or(logged));
        known.saturating_add(news).saturating_mul(KEPT as u64)
    }

    /// Positions of a partition's snapshots, oldest first.
    pub fn of(&self, partition: usize) -> Vec<u64> {
        self.lock()[partition].clone()
    }

    /// The position up to which every partition could do without the log, though its newest snapshot be damaged.
    pub fn covered(&self) -> u64 {
        let kept = self.lock();
        let oldest = |known: &Vec<u64>| match known.len() {
            0..KEPT => 0,
            n => known[n - KEPT],
        };
        kept.iter().map(oldest).min().unwrap_or(0)
    }

    /// Writes a snapshot: a new file, then its name; and removes those that are too many.
    ///
    /// # Errors
    /// When it cannot be written; the ones before stay.
    pub fn write(
        &self,
        partition: usize,
        position: u64,
        parts: impl Iterator<Item = v1::SnapshotPart>,
    ) -> Result<u64, LogError> {
        let name = name(partition, position);
        let logged = self.logged.load(Ordering::Acquire);
        let bytes = write(&*self.files, FileKind::Snapshot, &name, parts)?;
        self.sizes()[partition] = SnapshotSize { bytes, logged };
        let mut kept = self.lock();
        let known = &mut kept[partition];
        known.retain(|one| *one < position);
        known.push(position);
        while known.len() > KEPT {
            // Where it stays it is in nobody's way: the next start finds it again.
            let _ = self.files.remove(&self::name(partition, known.remove(0)));
        }
        Ok(bytes)
    }

    /// The newest snapshot of a partition at a position less than `below`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn newest(&self, partition: usize, below: Position) -> Result<Option<Snapshot>, LogError> {
        let known = self.of(partition);
        let Some(at) = known.into_iter().rfind(|at| *at < below) else {
            return Ok(None);
        };
        let name = name(partition, at);
        let parts = StoredMessages::open(&*self.files, FileKind::Snapshot, name)?;
        let parts = Box::new(parts);
        Ok(Some(Snapshot { at, parts }))
    }

    /// Removes a snapshot that is damaged.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn discard(&self, partition: usize, at: Position) -> Result<(), LogError> {
        self.lock()[partition].retain(|one| *one != at);
        let name = name(partition, at);
        in_file(&name, self.files.remove(&name))
    }

    /// The greatest position of any snapshot.
    pub(super) fn last(&self) -> Option<Position> {
        self.lock().iter().flatten().max().copied()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Vec<u64>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sizes(&self) -> MutexGuard<'_, Vec<SnapshotSize>> {
        self.sizes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn name(partition: usize, position: u64) -> String {
    format!("{partition}-{position:020}{SUFFIX}")
}

pub(super) fn parse(file: &str) -> Option<(usize, u64)> {
    let (partition, position) = file.strip_suffix(SUFFIX)?.split_once('-')?;
    Some((partition.parse().ok()?, position.parse().ok()?))
}

/// Writes a file of messages under another name, syncs it, and gives it its own. Returns its size.
pub(super) fn write<M: Message>(
    files: &dyn Files,
    kind: FileKind,
    name: &str,
    messages: impl Iterator<Item = M>,
) -> Result<u64, LogError> {
    let new = format!("{name}.new");
    let write = || -> io::Result<u64> {
        let mut bytes = 0;
        let mut file = files.append(&new)?;
        file.cut(0)?;
        let mut piece = format::header(kind, 1).to_vec();
        for (number, message) in (1..).zip(messages) {
            format::put(&mut piece, number, &[&message.encode_to_vec()], false);
            if piece.len() >= PIECE {
                file.write(&piece)?;
                bytes += piece.len() as u64;
                piece.clear();
            }
        }
        file.write(&piece)?;
        bytes += piece.len() as u64;
        file.sync()?;
        files.rename(&new, name)?;
        files.sync()?;
        Ok(bytes)
    };
    let written = in_file(&new, write());
    if written.is_err() {
        // Half a file takes room that a full disk does not have; where it stays, the next start removes it.
        let _ = files.remove(&new);
    }
    written
}

/// Reads a file of messages. It is damaged where it ends with [`LogError::Corrupt`].
pub(super) struct StoredMessages<M> {
    /// `None`: there is no more.
    frames: Option<Frames>,
    /// The header is damaged.
    torn: bool,
    name: String,
    messages: PhantomData<M>,
}

impl<M: Message + Default> StoredMessages<M> {
    /// # Errors
    /// When the file cannot be read, or is none of this kind and version.
    pub(super) fn open(files: &dyn Files, kind: FileKind, name: String) -> Result<Self, LogError> {
        let (frames, torn) = match Frames::open(in_file(&name, files.read(&name))?, kind) {
            Ok(frames) => (Some(frames), false),
            Err(Unreadable::Torn) => (None, true),
            Err(Unreadable::Io(error)) => return Err(LogError::Io(name, error)),
            Err(Unreadable::Foreign) => return Err(LogError::UnknownFormat(name)),
        };
        Ok(Self {
            frames,
            torn,
            name,
            messages: PhantomData,
        })
    }

    fn step(&mut self) -> Result<Option<M>, LogError> {
        if std::mem::take(&mut self.torn) {
            return Err(LogError::Corrupt(self.name.clone(), 0));
        }
        let Some(frames) = &mut self.frames else {
            return Ok(None);
        };
        let offset = frames.offset();
        let message = match in_file(&self.name, frames.step())? {
            FrameStep::Frame(_, payload) => M::decode(payload.as_slice()).ok(),
            FrameStep::End => return Ok(None),
            FrameStep::Torn => None,
        };
        match message {
            Some(message) => Ok(Some(message)),
            None => Err(LogError::Corrupt(self.name.clone(), offset)),
        }
    }
}

impl<M: Message + Default> Iterator for StoredMessages<M> {
    type Item = Result<M, LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.step().transpose();
        if !matches!(next, Some(Ok(_))) {
            self.frames = None;
        }
        next
    }
}
