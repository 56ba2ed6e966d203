//! A disk that loses what was not synced, tears what is written and fails when the seed says so.

use crate::support::dice::Dice;
use baton::log::disk::files::{File, Files};
use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};
use std::sync::{Arc, Mutex, MutexGuard};

/// The bytes of one file.
#[derive(Clone, Debug, Default)]
pub struct Data {
    pub bytes: Vec<u8>,
    /// So many of them survive a crash.
    durable: usize,
    /// What it was before it was cut, until that is durable.
    uncut: Option<Vec<u8>>,
}

#[derive(Debug, Default)]
struct State {
    /// By a number that a file keeps when it is renamed.
    files: BTreeMap<u64, Data>,
    names: BTreeMap<String, u64>,
    /// The names that survive a crash, and what was done to names since.
    durable: BTreeMap<String, u64>,
    since: Vec<Change>,
    next: u64,
    dice: Option<Dice>,
    /// One in so many operations fails; 0: none.
    odds: u64,
    /// Faults so far.
    faults: u64,
    /// Bytes that the volume holds; 0: any number.
    capacity: u64,
    /// Bytes of it that others took.
    others: u64,
    /// The machine goes down within so many operations; then nothing works until it is started again.
    life: Option<u64>,
}

#[derive(Clone, Debug)]
enum Change {
    Made(String, u64),
    Renamed(String, String),
    Removed(String),
}

/// A folder of it. Clones are the same folder.
#[derive(Clone, Debug, Default)]
pub struct SimFiles(Arc<Mutex<State>>);

struct SimFile {
    disk: SimFiles,
    id: u64,
}

impl SimFiles {
    /// From now on one in `odds` operations fails.
    pub fn trouble(&self, dice: Dice, odds: u64) {
        let mut state = self.lock();
        state.dice = Some(dice);
        state.odds = odds;
    }

    /// The volume holds so many bytes, of which others have some.
    pub fn hold(&self, capacity: u64, others: u64) {
        let mut state = self.lock();
        state.capacity = capacity;
        state.others = others;
    }

    /// Nothing fails any more.
    pub fn repair(&self) {
        let mut state = self.lock();
        state.odds = 0;
        state.life = None;
        state.others = 0;
    }

    /// The machine goes down after so many more operations, in the middle of whatever it does.
    pub fn goes_down_after(&self, operations: u64) {
        self.lock().life = Some(operations);
    }

    pub fn is_down(&self) -> bool {
        self.lock().life == Some(0)
    }

    /// One in so many operations fails.
    pub fn odds(&self) -> u64 {
        self.lock().odds
    }

    /// A file whose damage must be found, and how many of its bytes: the newer one of two snapshots, or a segment, without
    /// the group that was written last, which a torn end looks like.
    pub fn damageable(&self, dice: &mut Dice) -> Option<(String, u64)> {
        let state = self.lock();
        let size = |name: &String| state.files[&state.names[name]].bytes.len() as u64;
        let logs: Vec<&String> = state.names.keys().filter(|n| n.ends_with(".log")).collect();
        if dice.one_in(2) {
            let snapshots: Vec<&String> = state
                .names
                .keys()
                .filter(|n| n.ends_with(".snapshot"))
                .collect();
            // In the order of names, that of positions.
            let pair = snapshots
                .windows(2)
                .find(|pair| pair[0][..2] == pair[1][..2])?;
            return Some((pair[1].clone(), size(pair[1])));
        }
        let (last, before) = logs.split_last()?;
        match before.first() {
            Some(first) => Some(((*first).clone(), size(first))),
            None => Some(((*last).clone(), 16)),
        }
    }

    pub fn faults(&self) -> u64 {
        self.lock().faults
    }

    /// The machine goes down: what was not synced is there in part, in whole or not at all.
    pub fn crash(&self, dice: &mut Dice) {
        let mut state = self.lock();
        state.life = None;
        let mut names = state.durable.clone();
        // A journaling file system keeps names in order up to some moment; another one keeps any of the changes.
        let in_order = dice.one_in(2);
        let kept = dice.below(state.since.len() as u64 + 1) as usize;
        for (i, change) in state.since.iter().enumerate() {
            if if in_order { i < kept } else { dice.one_in(2) } {
                apply(&mut names, change);
            }
        }
        state.since.clear();
        state.durable = names.clone();
        state.names = names;
        for data in state.files.values_mut() {
            if let Some(uncut) = data.uncut.take()
                && dice.one_in(2)
            {
                // The cut was not durable: the bytes are there again.
                data.bytes = uncut;
            }
            let lost = data.bytes.len().saturating_sub(data.durable) as u64;
            let end = data.durable + dice.below(lost + 1) as usize;
            data.bytes.truncate(end);
            // A page that never reached the disk reads as zeros though a later one did.
            if end > data.durable && dice.one_in(3) {
                let from = data.durable + dice.below((end - data.durable) as u64) as usize;
                let to = end.min(from + 64);
                data.bytes[from..to].fill(0);
            }
            data.durable = data.bytes.len();
        }
    }

    /// A folder of its own with the same files.
    pub fn copy(&self) -> Self {
        let copy = Self::default();
        {
            let (from, mut to) = (self.lock(), copy.lock());
            to.files = from.files.clone();
            to.names = from.names.clone();
            to.durable = from.durable.clone();
            to.since = from.since.clone();
            to.next = from.next;
        }
        copy
    }

    /// A copy with other bytes in one file.
    pub fn with(&self, name: &str, bytes: Vec<u8>) -> Self {
        let copy = Self::default();
        {
            let (from, mut to) = (self.lock(), copy.lock());
            to.files = from.files.clone();
            to.names = from.names.clone();
            to.durable = from.names.clone();
            to.next = from.next;
            let id = to.names[name];
            let durable = bytes.len();
            let uncut = None;
            to.files.insert(
                id,
                Data {
                    bytes,
                    durable,
                    uncut,
                },
            );
        }
        copy
    }

    /// Turns one bit of a file; the same again turns it back.
    pub fn flip(&self, name: &str, bit: u64) {
        let mut state = self.lock();
        // A file that is gone needs no repair.
        let id = state.names.get(name).copied();
        if let Some(data) = id.and_then(|id| state.files.get_mut(&id))
            && let Some(byte) = data.bytes.get_mut((bit / 8) as usize)
        {
            *byte ^= 1 << (bit % 8);
        }
    }

    /// The bytes of a file.
    pub fn bytes(&self, name: &str) -> Vec<u8> {
        let state = self.lock();
        state.files[&state.names[name]].bytes.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0
            .lock()
            .expect("no test panics while it holds the disk")
    }
}

fn apply(names: &mut BTreeMap<String, u64>, change: &Change) {
    match change {
        Change::Made(name, id) => {
            names.insert(name.clone(), *id);
        }
        Change::Renamed(from, to) => {
            if let Some(id) = names.remove(from) {
                names.insert(to.clone(), id);
            }
        }
        Change::Removed(name) => {
            names.remove(name);
        }
    }
}

impl State {
    fn change(&mut self, change: Change) {
        apply(&mut self.names, &change);
        self.since.push(change);
    }

    fn fails(&mut self) -> bool {
        if let Some(life) = &mut self.life {
            *life = life.saturating_sub(1);
            if *life == 0 {
                return true;
            }
        }
        let odds = self.odds;
        let fails = odds > 0 && self.dice.as_mut().is_some_and(|dice| dice.one_in(odds));
        self.faults += u64::from(fails);
        fails
    }

    /// Bytes that may still be written.
    fn free(&self) -> u64 {
        let size = |id: &u64| self.files[id].bytes.len() as u64;
        let used: u64 = self.names.values().map(size).sum();
        match self.capacity {
            0 => u64::MAX,
            capacity => capacity.saturating_sub(self.others + used),
        }
    }

    fn below(&mut self, n: u64) -> u64 {
        self.dice.as_mut().map_or(0, |dice| dice.below(n))
    }
}

fn broken() -> io::Error {
    io::Error::other("the simulated disk failed")
}

impl Files for SimFiles {
    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.lock().names.keys().cloned().collect())
    }

    fn append(&self, name: &str) -> io::Result<Box<dyn File>> {
        let mut state = self.lock();
        if state.fails() {
            return Err(broken());
        }
        let id = match state.names.get(name) {
            Some(id) => *id,
            None => {
                let id = state.next;
                state.next += 1;
                state.files.insert(id, Data::default());
                state.change(Change::Made(name.to_owned(), id));
                id
            }
        };
        let disk = self.clone();
        Ok(Box::new(SimFile { disk, id }))
    }

    fn read(&self, name: &str) -> io::Result<Box<dyn Read + Send>> {
        let mut state = self.lock();
        if state.fails() {
            return Err(broken());
        }
        let id = state.names.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(Cursor::new(state.files[id].bytes.clone())))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.lock();
        if state.fails() {
            return Err(broken());
        }
        state.change(Change::Renamed(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.lock();
        if state.fails() {
            return Err(broken());
        }
        state.change(Change::Removed(name.to_owned()));
        Ok(())
    }

    fn size(&self, name: &str) -> io::Result<u64> {
        let state = self.lock();
        let id = state.names.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(state.files[id].bytes.len() as u64)
    }

    fn free(&self) -> Option<u64> {
        let state = self.lock();
        (state.capacity > 0).then(|| state.free())
    }

    fn is_gone(&self) -> bool {
        false
    }

    fn place(&self) -> String {
        "the simulated disk".to_owned()
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.lock();
        if state.fails() {
            return Err(broken());
        }
        state.durable = state.names.clone();
        state.since.clear();
        Ok(())
    }
}

impl SimFile {
    fn with<T>(&self, work: impl FnOnce(&mut State, u64) -> T) -> T {
        work(&mut self.disk.lock(), self.id)
    }
}

fn data(state: &mut State, id: u64) -> &mut Data {
    state.files.get_mut(&id).expect("the file is open")
}

impl File for SimFile {
    fn length(&self) -> io::Result<u64> {
        Ok(self.with(|state, id| data(state, id).bytes.len() as u64))
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.with(|state, id| {
            let room = usize::try_from(state.free()).unwrap_or(usize::MAX);
            if bytes.len() > room {
                data(state, id).bytes.extend_from_slice(&bytes[..room]);
                return Err(io::ErrorKind::StorageFull.into());
            }
            if !state.fails() {
                data(state, id).bytes.extend_from_slice(bytes);
                return Ok(());
            }
            // A short write: some of it is there.
            let some = state.below(bytes.len() as u64 + 1) as usize;
            data(state, id).bytes.extend_from_slice(&bytes[..some]);
            let is_full = state.life != Some(0) && state.below(2) == 0;
            Err(if is_full {
                io::ErrorKind::StorageFull.into()
            } else {
                broken()
            })
        })
    }

    fn sync(&mut self) -> io::Result<()> {
        self.with(|state, id| {
            let fails = state.fails();
            let data = data(state, id);
            if fails {
                return Err(broken());
            }
            data.durable = data.bytes.len();
            data.uncut = None;
            Ok(())
        })
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.with(|state, id| {
            if state.fails() {
                return Err(broken());
            }
            let data = data(state, id);
            if (length as usize) < data.bytes.len() {
                data.uncut.get_or_insert_with(|| data.bytes.clone());
            }
            data.bytes.truncate(length as usize);
            data.durable = data.durable.min(data.bytes.len());
            Ok(())
        })
    }
}
