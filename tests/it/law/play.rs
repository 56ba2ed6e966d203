//! A story played to Baton: the real engine, its log in memory, a clock that the test moves. What differs from play to play is the
//! way: in which order, how late, how often and in which requests the spans come, and how many partitions share the work.

use crate::law::figures::Figures;
use crate::law::story::{HOUR, MILLI, SECOND, Story};
use crate::support::dice::Dice;
use baton::app;
use baton::clock::Clock;
use baton::engine::{Engine, PartitionWorker, Settings};
use baton::ingest::Appender;
use baton::log::Log;
use baton::log::memory::{self, MemoryLog};
use baton::model::event::Event;
use baton::model::fact::{Fact, What};
use baton::model::metric::Family;
use baton::model::outcome_report::AddressedReport;
use baton::model::time::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Spans may come so late. A turn is decided after `settle` (5 s) without news, and a worker looks at the time once a second.
pub const BOUND: u64 = 3500 * MILLI;
/// Nothing waits for longer than this after the last span.
const END: u64 = 100 * 24 * HOUR;

/// How spans come.
#[derive(Clone, Debug)]
pub struct Way {
    pub partitions: usize,
    /// Each span comes up to so much later than it ended.
    pub delay: u64,
    /// Senders wait so long before they send what they have.
    pub batch: u64,
    /// One in so many spans comes again; 0: none.
    pub twice: u64,
    pub dice: Dice,
}

impl Way {
    /// As it happened: one span a request, each when it ended, one partition.
    pub fn plain() -> Self {
        Self {
            partitions: 1,
            delay: 0,
            batch: 1,
            twice: 0,
            dice: Dice::new(0),
        }
    }

    pub fn any(dice: &mut Dice, partitions: usize) -> Self {
        let batch = [1, 200 * MILLI, SECOND][dice.below(3) as usize];
        Self {
            partitions,
            delay: [0, 300 * MILLI, BOUND - batch][dice.below(3) as usize],
            batch,
            twice: [0, 3, 1][dice.below(3) as usize],
            dice: Dice::new(dice.roll()),
        }
    }

    /// The requests, each with the time at which it comes.
    fn requests(&mut self, events: &[Event]) -> Vec<(u64, Vec<Event>)> {
        let mut coming: Vec<(u64, Event)> = Vec::new();
        for event in events {
            coming.push((self.arrival(event), event.clone()));
            if self.twice > 0 && self.dice.one_in(self.twice) {
                coming.push((self.arrival(event), event.clone()));
            }
        }
        for i in (1..coming.len()).rev() {
            coming.swap(i, self.dice.below(i as u64 + 1) as usize);
        }
        coming.sort_by_key(|(at, _)| *at);
        let mut requests: Vec<(u64, Vec<Event>)> = Vec::new();
        for (at, event) in coming {
            match requests.last_mut() {
                Some((time, events)) if *time == at && self.batch > 1 => events.push(event),
                _ => requests.push((at, vec![event])),
            }
        }
        requests
    }

    fn arrival(&mut self, event: &Event) -> u64 {
        let at = event.end.0 + self.dice.below(self.delay + 1);
        at.next_multiple_of(self.batch)
    }
}

/// What Baton made of a story.
#[derive(Debug, PartialEq)]
pub struct Told {
    pub figures: Figures,
    /// In the order of their texts: which was found first is no matter.
    pub facts: Vec<String>,
}

/// Plays a story with reports from outside, each of which comes at a time of its own. What was found out about it, also that nobody's story
/// tells: the figures at the end.
pub fn play_reports(
    story: &Story,
    mut way: Way,
    mut reports: Vec<(u64, AddressedReport)>,
) -> (Vec<Family>, Vec<Fact>) {
    let mut coming: Vec<(u64, Coming)> = Vec::new();
    for (at, events) in way.requests(&story.events) {
        coming.push((at, Coming::Spans(events)));
    }
    while !reports.is_empty() {
        let (at, report) = reports.swap_remove(way.dice.below(reports.len() as u64) as usize);
        coming.push((at, Coming::Report(report)));
    }
    coming.sort_by_key(|(at, _)| *at);
    let first = coming.first().map_or(0, |(at, _)| *at);
    let mut stage = Stage::new(story, way);
    stage.set(first.min(stage.time()));
    for (at, coming) in coming {
        stage.pass_to(at);
        match coming {
            Coming::Spans(events) => {
                let events = events.into_iter().map(Box::new).collect();
                drop(stage.appender.append(events));
            }
            Coming::Report(report) => drop(stage.appender.append_outcomes(vec![report])),
        }
        stage.drain();
    }
    let end = stage.time() + END;
    stage.pass_to(end);
    (stage.engine.gather(), stage.facts())
}

/// What comes at one time.
enum Coming {
    Spans(Vec<Event>),
    Report(AddressedReport),
}

/// Plays a story. `look` sees the metrics along the way, and whether it is the end.
pub fn play(
    story: &Story,
    mut way: Way,
    look: &mut dyn FnMut(&[Family], bool),
) -> (Told, Vec<Fact>) {
    let requests = way.requests(&story.events);
    let mut stage = Stage::new(story, way);
    for (at, events) in requests {
        stage.pass_to(at);
        let events = events.into_iter().map(Box::new).collect();
        drop(stage.appender.append(events));
        stage.drain();
        if stage.dice.one_in(24) {
            look(&stage.engine.gather(), false);
        }
    }
    let end = stage.time() + END;
    stage.pass_to(end);
    let families = stage.engine.gather();
    look(&families, true);
    let all = stage.facts();
    let mut facts: Vec<String> = all.iter().map(told).collect();
    facts.sort();
    let figures = Figures::of(&families);
    (Told { figures, facts }, all)
}

fn told(fact: &Fact) -> String {
    let (at, trace, cohort) = (fact.at.0, fact.trace, fact.cohort.values());
    format!("{:?} {trace} {at} {cohort:?} {:?}", fact.key, fact.what)
}

struct Stage {
    appender: Appender,
    engine: Engine,
    time: Arc<AtomicU64>,
    workers: Vec<PartitionWorker>,
    dice: Dice,
}

impl Stage {
    fn new(story: &Story, way: Way) -> Self {
        let start = story.events.iter().map(|e| e.start.0).min().unwrap_or(0);
        let time = Arc::new(AtomicU64::new(start));
        let clock = Clock::manual(Arc::clone(&time));
        let memory = Arc::new(memory::open(way.partitions, usize::MAX));
        let log: Arc<dyn Log> = Arc::<MemoryLog>::clone(&memory);
        let mut settings = Settings {
            partitions: way.partitions,
            stories: usize::MAX,
            ..app::engine_settings(&story.config)
        };
        settings.derive.expire_after = Duration::MAX;
        let engine = Engine::new(&settings, Arc::clone(&log), memory, clock.clone());
        let (workers, _) = engine.assign(0..way.partitions).expect("a new log");
        let memory = engine.memory_limit().clone();
        Self {
            appender: Appender::new(log, memory, clock),
            engine,
            workers,
            time,
            dice: way.dice,
        }
    }

    fn time(&self) -> u64 {
        self.time.load(Ordering::Acquire)
    }

    fn set(&self, time: u64) {
        self.time.store(time, Ordering::Release);
    }

    /// Time passes; workers look at it within a second after they have to.
    fn pass_to(&mut self, end: u64) {
        loop {
            let now = self.time();
            if !self.is_due_by(end) {
                self.set(end.max(now));
                return;
            }
            // The first whole second by which something is due, found by doubling and halving.
            let (mut before, mut step) = (now, SECOND);
            while !self.is_due_by(before + step) {
                before += step;
                step *= 2;
            }
            while step > SECOND {
                step /= 2;
                if !self.is_due_by(before + step) {
                    before += step;
                }
            }
            self.set((before + step).min(end));
            self.drain();
        }
    }

    fn is_due_by(&self, time: u64) -> bool {
        !self.engine.is_settled_by(Timestamp(time))
    }

    /// Workers work, in any order, until nothing is left.
    fn drain(&mut self) {
        while !self.engine.is_settled() {
            let index = self.dice.below(self.workers.len() as u64) as usize;
            let worker = &mut self.workers[index];
            let next = worker.read(Duration::ZERO).expect("in memory");
            self.engine.step(worker, next);
        }
    }

    /// What was found out about all sessions, and traces without one.
    fn facts(&self) -> Vec<Fact> {
        let mut told = BTreeMap::new();
        self.engine.stories(&mut |key, facts| {
            told.insert(key.clone(), facts.to_vec());
        });
        let mut all: Vec<Fact> = told.into_values().flatten().collect();
        all.retain(|fact| fact.what != What::Duplicate);
        all
    }
}
