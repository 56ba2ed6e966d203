//! The spool on the simulated disk: whatever fails, both destinations get everything that was acknowledged, in order, and nothing else.

use crate::simulation::asked;
use crate::simulation::disk::SimFiles;
use crate::support::dice::Dice;
use baton::clock::Clock;
use baton::log::disk::files::Files;
use baton::log::{LogError, Position};
use baton::model::limit::Limit;
use baton::spool::{
    Admitted, Spool, SpoolLimits, SpoolPayload, SpoolReader, SpoolWriter, WhenFull, WriteFuture,
};
use bytes::{Buf, Bytes};
use futures_util::FutureExt;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const DESTINATIONS: [&str; 2] = ["a", "b"];
/// The volume, where it is not endless: more than the spool keeps free.
const VOLUME: u64 = 32 << 20;
/// What a life is made of.
const STEPS: u64 = 400;

/// One process.
struct Process {
    spool: Spool,
    writer: SpoolWriter,
    readers: Vec<SpoolReader>,
    /// What senders wait for.
    asked: Vec<(u64, WriteFuture)>,
    /// The last number that each destination got in this process.
    last: [u64; 2],
}

/// What outlives processes.
struct Life {
    dice: Dice,
    files: SimFiles,
    time: Arc<AtomicU64>,
    process: Process,
    /// Requests are numbered in the order in which the spool gets them.
    next: u64,
    acknowledged: BTreeSet<u64>,
    delivered: [BTreeSet<u64>; 2],
    story: SpoolStory,
}

/// How eventful it was.
#[derive(Clone, Copy, Debug, Default)]
struct SpoolStory {
    acknowledged: u64,
    crashes: u64,
    failed_starts: u64,
    failed_reads: u64,
    no_space: u64,
    repeated: u64,
}

fn start(files: &SimFiles, time: &Arc<AtomicU64>) -> Result<Process, LogError> {
    let limits = SpoolLimits {
        max_bytes: Some(64 << 10),
        min_bytes: 1 << 10,
        segment_bytes: 1 << 10,
        when_full: WhenFull::Refuse,
    };
    let folder: Arc<dyn Files> = Arc::new(files.clone());
    let names = DESTINATIONS.map(str::to_owned);
    let (spool, writer) = Spool::on_disk(folder, &names, limits, Clock::manual(Arc::clone(time)))?;
    Ok(Process {
        readers: DESTINATIONS.map(|name| spool.reader(name)).into(),
        spool,
        writer,
        asked: Vec::new(),
        last: [0; 2],
    })
}

/// The number, and as many bytes as it says.
fn payload(number: u64) -> Bytes {
    let mut dice = Dice::new(number);
    let length = 8 + dice.below(300) as usize;
    let mut bytes = number.to_le_bytes().to_vec();
    bytes.resize(length, number as u8);
    bytes.into()
}

impl Life {
    fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let files = SimFiles::default();
        let time = Arc::new(AtomicU64::new(1));
        let process = start(&files, &time).expect("nothing fails yet");
        // Some disks are whole.
        let odds = [0, 40, 150][dice.below(3) as usize];
        files.trouble(Dice::new(dice.roll()), odds);
        Self {
            dice,
            files,
            time,
            process,
            next: 1,
            acknowledged: BTreeSet::new(),
            delivered: [BTreeSet::new(), BTreeSet::new()],
            story: SpoolStory::default(),
        }
    }

    fn step(&mut self) {
        match self.dice.below(12) {
            0..5 => self.send(),
            5..8 => self.write(),
            8..11 => self.read(),
            _ => match self.dice.below(6) {
                0 => self.crash(),
                1 => self.files.goes_down_after(1 + self.dice.below(12)),
                2 => self.files.hold(VOLUME, VOLUME - self.dice.below(4 << 10)),
                _ => self.files.hold(VOLUME, 0),
            },
        }
    }

    fn send(&mut self) {
        let payload = payload(self.next);
        match self.process.spool.reserve(payload.len()) {
            Ok(Admitted::Place(place)) => {
                let write = place.write(payload);
                self.process.asked.push((self.next, write));
                self.next += 1;
            }
            Ok(Admitted::Dropped) => panic!("it refuses"),
            Err(LogError::Full(Limit::Spool)) => {}
            Err(error) => panic!("{error}"),
        }
    }

    /// A round of the writer; the process dies of a disk that fails.
    fn write(&mut self) {
        self.time.fetch_add(400_000_000, Ordering::AcqRel);
        let written = self.process.writer.round();
        for (number, mut write) in std::mem::take(&mut self.process.asked) {
            match (&mut write).now_or_never() {
                Some(Ok(())) => {
                    self.acknowledged.insert(number);
                    self.story.acknowledged += 1;
                }
                Some(Err(LogError::Full(Limit::Spool))) => self.story.no_space += 1,
                Some(Err(error)) => assert!(written.is_err(), "{error}"),
                None => self.process.asked.push((number, write)),
            }
        }
        if written.is_err() || self.files.is_down() {
            self.crash();
        }
    }

    /// A destination gets some requests. What it got may be noted, or not yet.
    fn read(&mut self) {
        let index = self.dice.below(2) as usize;
        for _ in 0..self.dice.below(30) {
            match self.process.readers[index].read() {
                Ok(Some((_, payload))) => self.deliver(index, payload),
                Ok(None) => break,
                Err(_) => {
                    self.story.failed_reads += 1;
                    break;
                }
            }
        }
        if self.dice.one_in(2) {
            let reader = &self.process.readers[index];
            reader.delivered(reader.position());
        }
    }

    fn deliver(&mut self, index: usize, found: SpoolPayload) {
        let size = found.size();
        let bytes = found.into_buf().copy_to_bytes(size);
        let number = bytes
            .first_chunk()
            .map(|number| u64::from_le_bytes(*number));
        let number = number.expect("it has a number");
        assert_eq!(bytes, payload(number), "the body is another one");
        assert!(number < self.next, "nobody sent it");
        assert!(number > self.process.last[index], "it is not in order");
        self.process.last[index] = number;
        let is_new = self.delivered[index].insert(number);
        self.story.repeated += u64::from(!is_new);
    }

    /// The process dies, and mostly the machine with it; another one starts.
    fn crash(&mut self) {
        self.story.crashes += 1;
        for attempt in 0.. {
            if self.dice.below(4) > 0 || self.files.is_down() {
                self.files.crash(&mut self.dice);
            }
            self.files.hold(VOLUME, 0);
            if attempt > 4 {
                self.files.repair();
            } else if self.dice.one_in(4) {
                self.files.goes_down_after(1 + self.dice.below(12));
            }
            match start(&self.files, &self.time) {
                Ok(process) => {
                    self.process = process;
                    return;
                }
                Err(error) => assert!(matches!(error, LogError::Io(..)), "{error}"),
            }
            self.story.failed_starts += 1;
        }
    }

    /// Nothing fails any more: everything arrives.
    fn end(mut self) -> SpoolStory {
        self.files.repair();
        self.files.hold(0, 0);
        self.crash();
        self.files.repair();
        for (index, name) in DESTINATIONS.into_iter().enumerate() {
            while let Some((_, payload)) = self.process.readers[index].read().expect("it works") {
                self.deliver(index, payload);
            }
            let lost: Vec<&u64> = self
                .acknowledged
                .difference(&self.delivered[index])
                .collect();
            assert!(lost.is_empty(), "{name}: {lost:?}");
        }
        let waiting = |process: &Process| -> Position {
            let waiting = process.spool.waiting();
            waiting.iter().map(|(_, requests)| requests).sum()
        };
        for reader in &self.process.readers {
            reader.delivered(reader.position());
        }
        assert_eq!(waiting(&self.process), 0);
        self.story
    }
}

fn lived(seed: u64) -> SpoolStory {
    let lived = std::panic::catch_unwind(|| {
        let mut life = Life::new(seed);
        for _ in 0..STEPS {
            life.step();
        }
        life.end()
    });
    lived.unwrap_or_else(|_| panic!("SEED={seed} cargo test --test it simulation::spool"))
}

#[test]
fn whatever_fails_every_destination_gets_what_was_acknowledged() {
    let seeds = match asked("SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..asked("SEEDS").unwrap_or(50) * 2,
    };
    let is_one = seeds.end - seeds.start == 1;
    let mut all = SpoolStory::default();
    for one in seeds.map(lived) {
        all.acknowledged += one.acknowledged;
        all.crashes += one.crashes;
        all.failed_starts += one.failed_starts;
        all.failed_reads += one.failed_reads;
        all.no_space += one.no_space;
        all.repeated += one.repeated;
    }
    let SpoolStory {
        acknowledged,
        crashes,
        failed_starts,
        failed_reads,
        no_space,
        repeated,
    } = all;
    let events = [
        acknowledged / 100,
        crashes,
        failed_starts,
        failed_reads,
        no_space,
        repeated,
    ];
    assert!(
        is_one || events.iter().all(|events| *events > 10),
        "{all:?}"
    );
}
