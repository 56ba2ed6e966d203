//! A disk that loses what was not synced, tears what is written and fails when the seed says so.

use crate::dice::Dice;
use baton::state::disk::files::{File, Files};
use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};
use std::sync::{Arc, Mutex, MutexGuard};

/// The bytes of one file.
#[derive(Clone, Debug, Default)]
pub struct Data {
    pub bytes: Vec<u8>,
    /// So many of them survive a crash.
    durable: usize,
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

    /// Nothing fails any more.
    pub fn repair(&self) {
        self.lock().odds = 0;
    }

    pub fn faults(&self) -> u64 {
        self.lock().faults
    }

    /// The machine goes down: what was not synced is there in part, in whole or not at all.
    pub fn crash(&self, dice: &mut Dice) {
        let mut state = self.lock();
        let kept = dice.below(state.since.len() as u64 + 1) as usize;
        let mut names = state.durable.clone();
        for change in &state.since[..kept] {
            apply(&mut names, change);
        }
        state.since.clear();
        state.durable = names.clone();
        state.names = names;
        for data in state.files.values_mut() {
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
            to.files.insert(id, Data { bytes, durable });
        }
        copy
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
        let odds = self.odds;
        let fails = odds > 0 && self.dice.as_mut().is_some_and(|dice| dice.one_in(odds));
        self.faults += u64::from(fails);
        fails
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
        let state = self.lock();
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
            if !state.fails() {
                data(state, id).bytes.extend_from_slice(bytes);
                return Ok(());
            }
            // A short write: some of it is there.
            let some = state.below(bytes.len() as u64 + 1) as usize;
            data(state, id).bytes.extend_from_slice(&bytes[..some]);
            Err(match state.below(2) {
                0 => io::ErrorKind::StorageFull.into(),
                _ => broken(),
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
            Ok(())
        })
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.with(|state, id| {
            if state.fails() {
                return Err(broken());
            }
            let data = data(state, id);
            data.bytes.truncate(length as usize);
            data.durable = data.durable.min(data.bytes.len());
            Ok(())
        })
    }
}
