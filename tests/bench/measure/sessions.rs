//! What an open session costs: bytes, and the CPU of a span beside many of them.

use super::payload::{Kind, Payload};
use super::{BATCH, config, cpu, drain, engine, say, submit};
use baton::engine::{Engine, PartitionWorker};
use baton::ingest::Pipeline;
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Sessions of one request.
const SESSIONS: u64 = 10;
/// Sessions that the figures with many are set against.
const FEW: u64 = 10_000;
/// Requests of one measurement of CPU.
const MEASURED: u64 = 1_000;
/// Time between two requests.
const STEP: Duration = Duration::from_millis(4);

/// Sessions whose turns are not decided: they hold every event.
pub fn fresh(count: u64) {
    let mut world = World::new();
    world.step = Duration::ZERO;
    let empty = resident();
    world.open(count);
    say(&format!(
        "{count} sessions, no turn decided: {}",
        world.held(empty)
    ));
}

/// Sessions whose turn is decided and whose workflow is open: what each holds, and what a span costs beside them, of a new session
/// and of one that was open before.
pub fn settled(count: u64) {
    let mut world = World::new();
    let empty = resident();
    world.open(FEW.min(count));
    let few = world.costs();
    world.open(count);
    world.settle();
    let held = world.held(empty);
    say(&format!("{count} sessions, all turns decided: {held}"));
    let many = world.costs();
    for (whose, few, many) in [("a new", few.0, many.0), ("an old", few.1, many.1)] {
        say(&format!(
            "a span of {whose} session: {few:.0} ns beside {FEW}, {many:.0} ns beside {count}: {:.2} times",
            many / few
        ));
    }
}

/// An engine with one partition, and all that was submitted to it.
struct World {
    payload: Payload,
    engine: Engine,
    ingest: Pipeline,
    worker: PartitionWorker,
    time: Arc<AtomicU64>,
    step: Duration,
    /// Requests made so far, and the sessions that they opened.
    requests: u64,
    sessions: u64,
}

impl World {
    fn new() -> Self {
        let mut config = config();
        config.stitch.idle_timeout = Duration::from_secs(24 * 60 * 60);
        // A trace that only leads to its session is a key too: a million sessions are twice the usual limit.
        config.stitch.max_sessions = usize::MAX;
        let (engine, ingest, workers, time) = engine(&config);
        Self {
            payload: Payload::new(Kind::Lean, BATCH),
            engine,
            ingest,
            worker: workers.into_iter().next().expect("one partition"),
            time,
            step: STEP,
            requests: 0,
            sessions: 0,
        }
    }

    /// Opens sessions until there are so many.
    fn open(&mut self, sessions: u64) {
        while self.sessions < sessions {
            let body = self.payload.request(self.requests);
            self.requests += 1;
            self.sessions += SESSIONS;
            self.submit(body);
        }
    }

    fn submit(&mut self, body: Bytes) {
        submit(&self.ingest, body);
        self.pass(self.step);
    }

    fn pass(&mut self, time: Duration) {
        self.time
            .fetch_add(time.as_nanos() as u64, Ordering::Relaxed);
        drain(&self.engine, &mut self.worker);
    }

    /// Lets every turn be decided.
    fn settle(&mut self) {
        self.pass(Duration::from_secs(2));
        self.pass(Duration::ZERO);
    }

    fn held(&self, empty: u64) -> String {
        let sessions = self.sessions;
        format!(
            "{} bytes each, weighed at {}, {} keys",
            (resident() - empty) / sessions,
            self.engine.weight() as u64 / sessions,
            self.engine.keys(),
        )
    }

    /// Nanoseconds of CPU a span of new sessions, then of further turns of sessions all over the open ones.
    fn costs(&mut self) -> (f64, f64) {
        let open = self.sessions;
        let new = self.cost(|payload, number| payload.request(number));
        self.sessions += MEASURED * SESSIONS;
        // Each session of the first ones once, where there are enough; no two are near each other.
        let mut old = (0..).map(|turn: u64| (turn * 7_919_999) % open);
        let again = self.cost(|payload, number| {
            let sessions = number * SESSIONS..(number + 1) * SESSIONS;
            let renamed = |body: Bytes, (from, to)| renamed(&body, from, to);
            sessions
                .zip(&mut old)
                .fold(payload.request(number), renamed)
        });
        self.settle();
        (new, again)
    }

    fn cost(&mut self, mut request: impl FnMut(&Payload, u64) -> Bytes) -> f64 {
        let mut took = 0.0;
        for _ in 0..MEASURED {
            let body = request(&self.payload, self.requests);
            self.requests += 1;
            let begin = cpu();
            self.submit(body);
            took += cpu() - begin;
        }
        took * 1e9 / (MEASURED * BATCH) as f64
    }
}

/// A request in which the session of one number is that of another.
fn renamed(body: &[u8], from: u64, to: u64) -> Bytes {
    let name = |session: u64| format!("conversation-{:016x}", session + 1).into_bytes();
    let (from, to) = (name(from), name(to));
    let mut body = body.to_vec();
    let mut at = 0;
    while let Some(found) = body[at..].windows(from.len()).position(|part| part == from) {
        at += found;
        body[at..at + to.len()].copy_from_slice(&to);
    }
    body.into()
}

/// Bytes in memory.
pub fn resident() -> u64 {
    let told = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = told.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kilobytes.expect("a number") * 1024
}
