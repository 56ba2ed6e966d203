//! One simulated life: recordings come in waves, processes die, the clock moves.

use crate::capture::{self, Encoding};
use crate::dice::Dice;
use crate::disk::SimFiles;
use crate::log::{Answer, SimLog};
use baton::clock::Clock;
use baton::config::Config;
use baton::engine::{Engine, Settings, Worker};
use baton::model::event::Event;
use baton::model::metric::{Family, Point};
use baton::receive::{self, Limits};
use baton::state::disk::Fault;
use baton::state::disk::files::Files;
use baton::state::disk::journal::Journal;
use baton::state::disk::snapshots::Snapshots;
use baton::state::{AppendError, Next};
use baton::{app, engine};
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

const PARTITIONS: usize = 3;
const SECOND: u64 = 1_000_000_000;
/// Small, so that segments end often.
const SEGMENT: u64 = 16 * 1024;

/// Each series by name and labels; what a crash may change (retries are duplicates, and start times) is left out.
pub type Figures = BTreeMap<String, String>;

/// What happened under one seed.
#[derive(Debug)]
pub struct Told {
    pub figures: Figures,
    pub waves: Vec<usize>,
    crashes: u64,
    faults: u64,
    refused: u64,
    snapshots: u64,
}

/// What happened under all seeds.
#[derive(Debug, Default)]
pub struct Story {
    crashes: u64,
    faults: u64,
    refused: u64,
    snapshots: u64,
}

impl Story {
    pub fn add(&mut self, told: &Told) {
        self.crashes += told.crashes;
        self.faults += told.faults;
        self.refused += told.refused;
        self.snapshots += told.snapshots;
    }

    pub fn is_eventful(&self) -> bool {
        let all = [self.crashes, self.faults, self.refused, self.snapshots];
        all.iter().all(|n| *n > 0)
    }
}

/// The events of every recording.
fn recordings() -> &'static [Vec<Event>] {
    static ALL: OnceLock<Vec<Vec<Event>>> = OnceLock::new();
    ALL.get_or_init(|| {
        let normaliser = app::normaliser(&Config::default(), 7);
        let events = |capture: &capture::Capture| {
            let mut events = Vec::new();
            for request in capture.requests(Encoding::Protobuf) {
                let decode = match request.signal {
                    "logs" => receive::wire::logs,
                    _ => receive::wire::traces,
                };
                let batch = decode(&request.body, &Limits::default()).expect("a recording");
                for group in &batch.groups {
                    events.extend(normaliser.normalise(group));
                }
            }
            events
        };
        capture::all().iter().map(events).collect()
    })
}

fn settings() -> Settings {
    Settings {
        partitions: PARTITIONS,
        snapshot_interval: Duration::from_secs(1),
        ..app::engine_settings(&Config::default())
    }
}

/// What outlives processes: the disk, the time, and senders with what nobody acknowledged yet.
struct World {
    dice: Dice,
    files: SimFiles,
    time: Arc<AtomicU64>,
    process: Process,
    /// What senders still have, and what they wait for.
    unsent: Vec<Vec<Event>>,
    asked: Vec<(Vec<Event>, Answer)>,
    crashes: u64,
    refused: u64,
}

struct Process {
    engine: Engine,
    log: Arc<SimLog>,
    workers: Vec<Worker>,
}

impl Process {
    fn start(files: &SimFiles, time: &Arc<AtomicU64>) -> Result<Self, Fault> {
        let clock = Clock::Manual(Arc::clone(time));
        let folder: Arc<dyn Files> = Arc::new(files.clone());
        let (journal, _) = Journal::open(Arc::clone(&folder), SEGMENT)?;
        let snapshots = Snapshots::open(folder, PARTITIONS)?;
        let log = Arc::new(SimLog::new(journal, snapshots, PARTITIONS));
        let normaliser = app::normaliser(&Config::default(), 7);
        let shared = Arc::clone(&log);
        let engine = Engine::new(&settings(), normaliser, shared, clock.clone());
        let recovered: engine::Recovered =
            log.stored(|journal, snapshots| engine.recover(journal, snapshots))?;
        assert_eq!(recovered.lost, 0, "nothing that was synced is lost");
        let workers = (0..PARTITIONS).map(|_| Worker::new(clock.now())).collect();
        Ok(Self {
            engine,
            log,
            workers,
        })
    }
}

impl World {
    fn new(seed: u64, odds: u64) -> Self {
        let mut dice = Dice::new(seed);
        let files = SimFiles::default();
        let time = Arc::new(AtomicU64::new(1_800_000_000 * SECOND));
        let process = Process::start(&files, &time).expect("nothing fails yet");
        files.trouble(Dice::new(dice.roll()), odds);
        Self {
            dice,
            files,
            time,
            process,
            unsent: Vec::new(),
            asked: Vec::new(),
            crashes: 0,
            refused: 0,
        }
    }

    fn crash(&mut self) {
        self.crashes += 1;
        // Whoever waits for an answer will get none, and sends again.
        for (events, answer) in self.asked.drain(..) {
            if !is_taken(&answer) {
                self.unsent.push(events);
            }
        }
        self.files.crash(&mut self.dice);
        for _ in 0..5 {
            match Process::start(&self.files, &self.time) {
                Ok(process) => {
                    self.process = process;
                    return;
                }
                // It failed while it recovered, and starts again.
                Err(_) => self.files.crash(&mut self.dice),
            }
        }
        self.files.repair();
        self.process = Process::start(&self.files, &self.time).expect("a good disk");
    }

    /// One thing happens.
    fn act(&mut self, crashes: bool) {
        match self.dice.below(if crashes { 40 } else { 39 }) {
            0..10 => self.offer(),
            10..20 => self.commit(),
            20..38 => self.step(),
            38 => {
                let millis = self.dice.below(20);
                self.pass(millis * 1_000_000);
            }
            _ => self.crash(),
        }
        self.settle_answers();
    }

    fn offer(&mut self) {
        let Some(events) = self.unsent.pop() else {
            return;
        };
        drop(self.process.engine.take(events.clone()));
        self.asked.push((events, self.process.log.answer()));
    }

    fn commit(&mut self) {
        let pending = self.process.log.pending() as u64;
        let count = self.dice.below(pending + 1) as usize;
        if count > 0 && !self.process.log.commit(count) {
            self.crash();
        }
    }

    fn step(&mut self) {
        let index = self.dice.below(PARTITIONS as u64) as usize;
        let next = match self.process.log.next(index) {
            Some(delivery) => Next::Delivery(delivery),
            None => Next::Nothing,
        };
        let worker = &mut self.process.workers[index];
        self.process.engine.step(index, worker, next);
    }

    fn pass(&mut self, nanos: u64) {
        self.time.fetch_add(nanos, Ordering::AcqRel);
    }

    /// Senders learn what became of their requests, and try again what was refused.
    fn settle_answers(&mut self) {
        for (events, answer) in std::mem::take(&mut self.asked) {
            let outcome = *answer.lock().expect("an answer");
            match outcome {
                Some(Ok(())) => {}
                Some(Err(AppendError::Full)) => {
                    self.refused += 1;
                    self.unsent.push(events);
                }
                Some(Err(other)) => panic!("refused for {other:?}"),
                None => self.asked.push((events, answer)),
            }
        }
    }

    /// Until everything is applied and no timer is due now.
    fn drain(&mut self, crashes: bool) {
        let mut quiet = 0;
        while quiet < 3 * PARTITIONS {
            let idle =
                self.unsent.is_empty() && self.asked.is_empty() && self.process.log.is_empty();
            if !idle {
                quiet = 0;
                self.act(crashes);
                continue;
            }
            // Nothing is under way: all workers look at the time.
            for index in 0..PARTITIONS {
                let worker = &mut self.process.workers[index];
                self.process.engine.step(index, worker, Next::Nothing);
                quiet += 1;
            }
        }
    }
}

fn is_taken(answer: &Answer) -> bool {
    matches!(*answer.lock().expect("an answer"), Some(Ok(())))
}

/// Cuts a recording into requests, in an order of its own.
fn requests(recording: usize, dice: &mut Dice) -> Vec<Vec<Event>> {
    let mut events = recordings()[recording].clone();
    for i in (1..events.len()).rev() {
        events.swap(i, dice.below(i as u64 + 1) as usize);
    }
    let mut requests = Vec::new();
    while !events.is_empty() {
        let some = 1 + dice.below(12) as usize;
        requests.push(events.split_off(events.len().saturating_sub(some)));
    }
    requests
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
    live(World::new(dice.roll(), odds), waves, true)
}

/// The figures of the same recordings when nothing fails.
pub fn without_faults(waves: &[usize]) -> Figures {
    static KNOWN: OnceLock<Mutex<HashMap<Vec<usize>, Figures>>> = OnceLock::new();
    let known = KNOWN.get_or_init(Mutex::default);
    if let Some(figures) = known.lock().expect("no panic").get(waves) {
        return figures.clone();
    }
    let told = live(World::new(1, 0), waves.to_vec(), false);
    let mut known = known.lock().expect("no panic");
    known.insert(waves.to_vec(), told.figures.clone());
    told.figures
}

fn live(mut world: World, waves: Vec<usize>, crashes: bool) -> Told {
    for &wave in &waves {
        world.unsent = requests(wave, &mut world.dice);
        world.drain(crashes);
        // Time for turns, handoffs and workflows to end, in steps of any size.
        let end = world.time.load(Ordering::Acquire) + 7200 * SECOND;
        while world.time.load(Ordering::Acquire) < end {
            let step = 1 + world.dice.below(600);
            world.pass(step * SECOND);
            world.drain(crashes);
        }
        if crashes {
            world.crash();
            let sent = world.process.log.pending();
            assert_eq!(sent, 0, "what is in the log is not sent again");
        }
    }
    Told {
        figures: figures(&world.process.engine.gather()),
        waves,
        crashes: world.crashes,
        faults: world.files.faults(),
        refused: world.refused,
        snapshots: kept(&world.files),
    }
}

/// Snapshots on the disk at the end.
fn kept(files: &SimFiles) -> u64 {
    let names = files.list().expect("names");
    names.iter().filter(|n| n.ends_with(".snapshot")).count() as u64
}

fn figures(families: &[Family]) -> Figures {
    let mut figures = Figures::new();
    for family in families {
        if family.name == "baton_duplicate_events_total" {
            continue;
        }
        for series in &family.series {
            let point = match &series.point {
                Point::Gauge(level) => format!("{level}"),
                other => format!("{other:?}"),
            };
            figures.insert(format!("{} {:?}", family.name, series.labels), point);
        }
    }
    figures
}

/// The series that differ.
pub fn difference(one: &Figures, other: &Figures) -> String {
    let names = one.keys().chain(other.keys());
    let mut lines: Vec<String> = names
        .filter(|name| one.get(*name) != other.get(*name))
        .map(|name| format!("{name}\n  {:?}\n  {:?}", one.get(name), other.get(name)))
        .collect();
    lines.sort();
    lines.dedup();
    lines.join("\n")
}
