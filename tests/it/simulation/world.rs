//! One simulated life: recordings come in waves, processes die, the clock moves.

use crate::simulation::disk::SimFiles;
use crate::simulation::figures::{Figures, difference, figures, growing};
use crate::simulation::log;
use crate::simulation::process::{self, PARTITIONS, Process};
use crate::simulation::recordings::{recordings, requests};
use crate::simulation::rows::{History, Rows};
use crate::simulation::story::Told;
use crate::support::dice::Dice;
use baton::log::disk::files::Files;
use baton::log::{AppendFuture, LogError, Next};
use baton::model::event::Event;
use baton::model::limit::Limit;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

/// Bytes of the volume, where it is not endless: little more than what is kept free.
const VOLUME: u64 = 1600 << 10;
const SECOND: u64 = 1_000_000_000;

/// What outlives processes: the disk, the time, and senders with what nobody acknowledged yet.
struct World {
    dice: Dice,
    files: SimFiles,
    time: Arc<AtomicU64>,
    /// The latest that it ever was: clocks go back.
    latest: u64,
    process: Process,
    /// What senders still have, and what they wait for.
    unsent: Vec<Vec<Event>>,
    asked: Vec<(Vec<Event>, AppendFuture)>,
    history: History,
    /// What Prometheus was shown last of each series that only grows.
    scraped: BTreeMap<String, f64>,
    /// Others fill the volume and free it again.
    others: Option<Dice>,
    /// The number of partitions that the operator asks for, who asks for another one at times.
    partitions: usize,
    operator: Option<Dice>,
    /// No process runs for hours at times, while nobody sends anything.
    outages: Option<Dice>,
    missed: u64,
    changes: u64,
    crashes: u64,
    refused: u64,
    /// Requests refused because the volume is nearly full.
    short: u64,
    fallbacks: u64,
    damages: u64,
}

impl World {
    fn new(seed: u64, odds: u64) -> Self {
        let mut dice = Dice::new(seed);
        let files = SimFiles::default();
        let latest = 1_800_000_000 * SECOND;
        let time = Arc::new(AtomicU64::new(latest));
        let mut history = History::default();
        let process = Process::start(&files, &time, &mut history, PARTITIONS);
        let process = process.expect("nothing fails yet");
        files.trouble(Dice::new(dice.roll()), odds);
        Self {
            dice,
            files,
            time,
            latest,
            process,
            unsent: Vec::new(),
            asked: Vec::new(),
            history,
            scraped: BTreeMap::new(),
            others: None,
            partitions: PARTITIONS,
            operator: None,
            outages: None,
            missed: 0,
            changes: 0,
            crashes: 0,
            refused: 0,
            short: 0,
            fallbacks: 0,
            damages: 0,
        }
    }

    /// A scrape: no series is less than a scrape before it was shown, whatever happened in between.
    fn scrape(&mut self) {
        for (series, value) in growing(&self.process.engine.exposition()) {
            let before = self.scraped.insert(series.clone(), value).unwrap_or(0.0);
            assert!(value >= before, "{series} fell from {before} to {value}");
        }
    }

    fn crash(&mut self) {
        self.scrape();
        self.crashes += 1;
        // Whoever waits for an answer will get none, and sends again.
        for (events, _) in self.asked.drain(..) {
            self.unsent.push(events);
        }
        self.files.crash(&mut self.dice);
        if self.dice.one_in(4) {
            // The clock of the next process is behind that of the last one.
            let back = match self.dice.below(30) {
                few @ 0..24 => few * SECOND,
                many => (many - 23) * 1200 * SECOND,
            };
            self.time.fetch_sub(back, Ordering::AcqRel);
        }
        if self.unsent.is_empty()
            && let Some(dice) = &mut self.outages
            && dice.one_in(2)
        {
            let seconds = dice.below(3 * 3600);
            self.missed += seconds;
            self.pass(seconds * SECOND);
        }
        if self.files.odds() > 0 && self.dice.one_in(4) {
            // It goes down again while it recovers.
            self.files.goes_down_after(1 + self.dice.below(40));
        }
        if let Some(dice) = &mut self.operator
            && dice.one_in(2)
        {
            self.partitions = 1 + dice.below(4) as usize;
        }
        let damage = self.damage();
        for _ in 0..5 {
            if self.start() {
                return;
            }
            // It failed while it recovered, and starts again.
            self.files.crash(&mut self.dice);
        }
        self.files.repair();
        if !self.start() {
            // What cannot be repaired is told of; somebody brings a copy of the file.
            let (name, bit) = damage.expect("a good disk");
            self.damages += 1;
            self.files.flip(&name, bit);
            assert!(self.start(), "it starts when the damage is gone");
        }
    }

    /// Starts a process. `false`: it failed.
    fn start(&mut self) -> bool {
        match Process::start(&self.files, &self.time, &mut self.history, self.partitions) {
            Ok(process) => {
                self.fallbacks += process.recovered.damaged;
                let was = self.process.workers.len();
                self.changes += u64::from(process.workers.len() != was);
                self.process = process;
                self.scrape();
                true
            }
            Err(_) => false,
        }
    }

    /// At times a bit turns in what was durable: in the newest of two snapshots, or in the log before its last group.
    fn damage(&mut self) -> Option<(String, u64)> {
        if self.files.odds() == 0 || !self.dice.one_in(3) {
            return None;
        }
        let (name, bytes) = self.files.damageable(&mut self.dice)?;
        let bit = self.dice.below(8 * bytes);
        self.files.flip(&name, bit);
        Some((name, bit))
    }

    /// One thing happens.
    fn act(&mut self, crashes: bool) {
        match self.dice.below(if crashes { 41 } else { 39 }) {
            0..10 => self.offer(),
            10..20 => self.commit(),
            20..38 => self.step(),
            38 => {
                let millis = self.dice.below(20);
                self.pass(millis * 1_000_000);
            }
            39 => self.crash(),
            _ => {
                let operations = 1 + self.dice.below(30);
                self.files.goes_down_after(operations);
            }
        }
        self.fill_the_volume();
        self.settle_answers();
        self.crash_if_down();
    }

    /// Others write files and remove them, at times until nothing is free.
    fn fill_the_volume(&mut self) {
        if let Some(dice) = &mut self.others
            && dice.one_in(10)
        {
            let others = if dice.one_in(3) {
                0
            } else {
                dice.below(VOLUME + 1)
            };
            self.files.hold(VOLUME, others);
        }
    }

    /// Nobody lives on without a disk: it went down, or failed under the writer.
    fn crash_if_down(&mut self) {
        if self.files.is_down() || self.process.log.has_failed.load(Ordering::Acquire) {
            self.crash();
        }
    }

    fn offer(&mut self) {
        if let Some(events) = self.unsent.pop() {
            let boxed = events.iter().cloned().map(Box::new).collect();
            let appending = self.process.appender.append(boxed);
            self.asked.push((events, appending));
        }
    }

    fn commit(&mut self) {
        self.process.log.round();
        self.crash_if_down();
    }

    fn step(&mut self) {
        let index = self.dice.below(self.partitions as u64) as usize;
        self.step_of(index);
    }

    fn step_of(&mut self, index: usize) {
        let worker = &mut self.process.workers[index];
        let next = worker.read(Duration::ZERO).expect("it has caught up");
        if let Next::Delivery(delivery) = &next {
            self.history.meet(index, delivery);
        }
        self.process.engine.step(worker, next);
    }

    fn pass(&mut self, nanos: u64) {
        let now = self.time.fetch_add(nanos, Ordering::AcqRel) + nanos;
        self.latest = self.latest.max(now);
    }

    /// Senders learn what became of their requests, and try again what was refused.
    fn settle_answers(&mut self) {
        for (events, mut appending) in std::mem::take(&mut self.asked) {
            match log::outcome(&mut appending) {
                Some(Ok(())) => {}
                Some(Err(LogError::Full(limit))) => {
                    self.refused += 1;
                    self.short += u64::from(limit == Limit::Disk && self.others.is_some());
                    self.unsent.push(events);
                }
                // It failed, now or before: the crash is near.
                Some(Err(LogError::WriteFailed | LogError::Closed)) => self.unsent.push(events),
                Some(Err(other)) => panic!("refused for {other:?}"),
                None => self.asked.push((events, appending)),
            }
        }
    }

    /// The writer and each worker do what they have to, once.
    fn round(&mut self) {
        self.commit();
        for index in 0..self.partitions {
            self.step_of(index);
        }
        self.settle_answers();
    }

    /// Until everything is applied and no timer is due now.
    fn drain(&mut self, crashes: bool) {
        let mut quiet = 0;
        while quiet < 3 * self.partitions {
            let idle = self.unsent.is_empty() && self.asked.is_empty();
            if !idle || self.process.engine.backlog() > 0 {
                quiet = 0;
                self.act(crashes);
                continue;
            }
            // Who waits for the end frees the volume: on a full one timers wait.
            if self.others.is_some() {
                self.files.hold(VOLUME, 0);
            }
            // Nothing is under way: all workers look at the time, which comes back to them through the log.
            self.commit();
            for index in 0..self.partitions {
                self.step_of(index);
                quiet += 1;
            }
            // What an outage missed passes in many steps.
            if self.process.engine.missed_time().is_some() {
                quiet = 0;
            }
            self.crash_if_down();
        }
    }
}

impl World {
    /// What becomes of it in other processes: the next one goes down at an operation of its start, if one is given. The figures
    /// at the end, and whether it went down.
    fn resumed(&self, partitions: usize, operation: Option<u64>) -> (Figures, bool) {
        let files = self.files.copy();
        let time = Arc::new(AtomicU64::new(self.time.load(Ordering::Acquire)));
        if let Some(operation) = operation {
            files.goes_down_after(operation);
        }
        let mut history = History::default();
        let mut dice = Dice::new(operation.unwrap_or_default());
        let first = Process::start(&files, &time, &mut history, partitions);
        let went_down = first.is_err();
        let process = first.or_else(|_| {
            files.crash(&mut dice);
            // The operator may have thought better of it.
            let partitions = [partitions, PARTITIONS][dice.below(2) as usize];
            Process::start(&files, &time, &mut history, partitions)
        });
        files.repair();
        let process = process.expect("it starts");
        let mut world = Self {
            dice,
            files,
            time,
            latest: self.latest,
            partitions: process.workers.len(),
            process,
            unsent: self.unsent.clone(),
            asked: Vec::new(),
            history,
            scraped: growing(&self.process.engine.exposition())
                .into_iter()
                .collect(),
            others: None,
            operator: None,
            outages: None,
            missed: 0,
            changes: 0,
            crashes: 0,
            refused: 0,
            short: 0,
            fallbacks: 0,
            damages: 0,
        };
        world.scrape();
        world.run_out(false);
        (figures(&world.process.engine.gather()), went_down)
    }

    /// Time for turns, handoffs and workflows to end, in steps of any size.
    fn run_out(&mut self, crashes: bool) {
        self.drain(crashes);
        let end = self.latest + 7200 * SECOND;
        while self.time.load(Ordering::Acquire) < end {
            let step = 1 + self.dice.below(600);
            self.pass(step * SECOND);
            self.drain(crashes);
        }
    }
}

/// One life under a seed.
pub fn run(seed: u64) -> Told {
    let mut dice = Dice::new(seed ^ 0xBA70);
    let count = recordings().len() as u64;
    let mut waves: Vec<usize> = (0..2).map(|_| dice.below(count) as usize).collect();
    waves.sort_unstable();
    waves.dedup();
    // Some seeds live on a good disk and only crash, others meet a bad one.
    let odds = [0, 400, 120][dice.below(3) as usize];
    let mut world = World::new(dice.roll(), odds);
    if seed % 4 == 3 {
        world.others = Some(Dice::new(seed));
    }
    if seed % 5 == 4 {
        world.operator = Some(Dice::new(seed));
    }
    if seed % 3 == 1 {
        world.outages = Some(Dice::new(seed));
    }
    live(world, waves, true)
}

/// Fills the log, starts the next process with it and lets time pass. Whether the log takes something again.
pub fn a_full_log_makes_room() -> bool {
    let mut world = World::new(1, 0);
    let mut dice = Dice::new(1);
    let count = recordings().len();
    while world.refused == 0 {
        if world.unsent.is_empty() {
            world.unsent = requests(dice.below(count as u64) as usize, &mut dice);
        }
        world.offer();
        world.round();
    }
    let refused = world.unsent.pop().expect("it was refused");
    world.unsent = Vec::new();
    world.crash();
    for _ in 0..20 {
        world.pass(SECOND);
        world.round();
    }
    world.refused = 0;
    world.unsent.push(refused);
    world.offer();
    world.round();
    world.refused == 0 && world.unsent.is_empty()
}

/// Gives a directory whose process was killed at work another number of partitions, and the machine goes down at each operation
/// of that in turn. The figures are those without a change. Returns how many operations there were.
pub fn changes_that_are_interrupted(to: usize) -> u64 {
    let mut killed = World::new(to as u64, 0);
    killed.unsent = requests(to, &mut killed.dice);
    // Something is under way between partitions, and something is kept.
    while killed.unsent.len() > 3 || kept(&killed.files) == 0 {
        killed.act(false);
        if killed.unsent.len() < 2 {
            killed.pass(SECOND);
        }
    }
    killed.commit();
    killed.settle_answers();
    let expected = killed.resumed(PARTITIONS, None);
    for operation in 1.. {
        let figures = killed.resumed(to, Some(operation));
        assert!(
            figures.0 == expected.0,
            "{to} partitions, down at operation {operation}:\n{}",
            difference(&figures.0, &expected.0)
        );
        if !figures.1 {
            return operation - 1;
        }
    }
    unreachable!("a change ends");
}

/// The figures and the workflows of some recordings.
type Known = HashMap<Vec<usize>, (Figures, Rows)>;

/// The figures and the workflows of the same recordings when nothing fails.
pub fn without_faults(waves: &[usize]) -> (Figures, Rows) {
    static KNOWN: OnceLock<Mutex<Known>> = OnceLock::new();
    let known = KNOWN.get_or_init(Mutex::default);
    if let Some(told) = known.lock().expect("no panic").get(waves) {
        return told.clone();
    }
    let told = live(World::new(1, 0), waves.to_vec(), false);
    let told = (told.figures, told.rows.expect("three partitions"));
    let mut known = known.lock().expect("no panic");
    known.insert(waves.to_vec(), told.clone());
    told
}

fn live(mut world: World, waves: Vec<usize>, crashes: bool) -> Told {
    for &wave in &waves {
        world.unsent = requests(wave, &mut world.dice);
        world.run_out(crashes);
        if crashes {
            world.crash();
            let sent = world.process.recovered.sent;
            assert_eq!(sent, 0, "what is in the log is not sent again");
        }
    }
    Told {
        figures: figures(&world.process.engine.gather()),
        rows: world
            .operator
            .is_none()
            .then(|| world.history.rows(&process::settings(PARTITIONS))),
        waves,
        crashes: world.crashes,
        faults: world.files.faults(),
        refused: world.refused,
        short: world.short,
        snapshots: kept(&world.files),
        fallbacks: world.fallbacks,
        damages: world.damages,
        changes: world.changes,
        missed: world.missed,
    }
}

/// Snapshots on the disk at the end.
fn kept(files: &SimFiles) -> u64 {
    let names = files.list().expect("names");
    names.iter().filter(|n| n.ends_with(".snapshot")).count() as u64
}
