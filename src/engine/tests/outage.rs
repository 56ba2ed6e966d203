//! No process runs for a while: what was due meanwhile happens in its own time, in all partitions, before anything new.

use super::{recording_settings, taken};
use crate::clock::Clock;
use crate::engine::{Engine, PartitionWorker, Settings};
use crate::ingest::Appender;
use crate::log::memory::{self, MemoryLog};
use crate::log::{Log, Next};
use crate::model::ids::{Link, SpanId, TraceId};
use crate::model::metric::{Family, Point};
use crate::model::time::Timestamp;
use crate::normalise::{self, Normaliser, Scratch};
use crate::otlp::view::{Caller, ScopeBatch, Span, Status, Value};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

const SECOND: u64 = 1_000_000_000;
const START: u64 = 1_800_000_000 * SECOND;
const PARTITIONS: usize = 3;

/// A log in memory and the process that works on it.
struct Process {
    now: Arc<AtomicU64>,
    log: Arc<MemoryLog>,
    settings: Settings,
    engine: Engine,
    workers: Vec<PartitionWorker>,
}

impl Process {
    fn new() -> Self {
        let now = Arc::new(AtomicU64::new(START));
        let log = Arc::new(memory::open(PARTITIONS, 1000));
        let mut settings = recording_settings(PARTITIONS);
        settings.derive.expire_after = Duration::MAX;
        let (engine, workers) = Self::begin(&settings, &log, &now);
        Self {
            now,
            log,
            settings,
            engine,
            workers,
        }
    }

    fn begin(
        settings: &Settings,
        log: &Arc<MemoryLog>,
        now: &Arc<AtomicU64>,
    ) -> (Engine, Vec<PartitionWorker>) {
        let (shared, snapshots) = (Arc::clone(log), Arc::clone(log));
        let clock = Clock::manual(Arc::clone(now));
        let engine = Engine::new(settings, shared, snapshots, clock);
        let (workers, _) = engine.assign(0..PARTITIONS).expect("its state is known");
        (engine, workers)
    }

    /// Ends, and another one begins so many seconds later.
    fn outage(&mut self, seconds: u64) {
        for worker in self.workers.drain(..) {
            self.engine.release(worker).expect("in memory");
        }
        self.now.fetch_add(seconds * SECOND, Ordering::AcqRel);
        (self.engine, self.workers) = Self::begin(&self.settings, &self.log, &self.now);
    }

    fn send(&self, batches: &[ScopeBatch<'_>]) {
        let normaliser = Normaliser::new(normalise::Settings::default(), Arc::default());
        let clock = Clock::manual(Arc::clone(&self.now));
        let log = Arc::clone(&self.log) as Arc<dyn Log>;
        let appender = Appender::new(log, self.engine.memory_limit().clone(), clock);
        for batch in batches {
            taken(appender.append(normaliser.normalise(batch, &mut Scratch::default())));
        }
    }

    fn work(&mut self) {
        while !self.engine.is_settled() {
            for worker in &mut self.workers {
                let next = worker.read(Duration::ZERO).expect("in memory");
                assert!(!matches!(next, Next::End));
                self.engine.step(worker, next);
            }
        }
    }

    fn has_caught_up(&self) -> bool {
        let mut caught_up = pin!(self.engine.caught_up());
        let mut context = Context::from_waker(Waker::noop());
        caught_up.as_mut().poll(&mut context).is_ready()
    }

    /// Time passes, and everybody looks at it every second.
    fn pass(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.now.fetch_add(SECOND, Ordering::AcqRel);
            self.work();
        }
    }

    fn figures(&self) -> BTreeMap<String, String> {
        figures(&self.engine.gather())
    }
}

fn figures(families: &[Family]) -> BTreeMap<String, String> {
    let each = families.iter().flat_map(|family| {
        family.series.iter().map(|series| {
            let value = match &series.point {
                Point::Counter { value, .. } | Point::Gauge(value) => format!("{value}"),
                Point::Histogram(histogram) => format!("{:?}", histogram.buckets),
            };
            (format!("{} {:?}", family.name, series.labels), value)
        })
    });
    each.collect()
}

/// A desk that works for one second in a trace, as (trace, span, parent), and links to a span of another trace.
fn desk<'a>(
    (trace, id, parent): (u8, u8, u8),
    session: Option<&'a str>,
    linked: Option<(u8, u8)>,
) -> ScopeBatch<'a> {
    let attributes = [
        ("gen_ai.operation.name", "invoke_agent"),
        ("gen_ai.agent.name", "desk"),
    ];
    let attributes = attributes.into_iter();
    let attributes = attributes.chain(session.map(|session| ("session.id", session)));
    let id_of = |id: u8| SpanId::new(&[id; 8]);
    let trace_of = |trace: u8| TraceId::new(&[trace; 16]).expect("not zero");
    let link = |(trace, id)| Link {
        trace: trace_of(trace),
        span: id_of(id).expect("not zero"),
    };
    let span = Span {
        trace: trace_of(trace),
        id: id_of(id).expect("not zero"),
        parent: id_of(parent),
        threshold: None,
        caller: Caller::default(),
        name: "invoke_agent desk",
        start: Timestamp(START - SECOND),
        end: Timestamp(START),
        status: Status::Unset,
        status_message: "",
        attributes: attributes
            .map(|(key, text)| (key, Value::Str(text)))
            .collect(),
        events: Vec::new(),
        links: linked.map(link).into_iter().collect(),
    };
    ScopeBatch {
        spans: std::iter::once(span).collect(),
        ..ScopeBatch::default()
    }
}

/// What waits for other keys: a job over two sessions whose root never comes, of which one has another turn; and a trace whose
/// session only the resource names, to which another one links.
fn send_what_waits(process: &Process) {
    let of_resource = ScopeBatch {
        resource: std::iter::once(("session.id", Value::Str("C"))).collect(),
        ..desk((3, 5, 0), None, None)
    };
    process.send(&[
        desk((1, 1, 9), Some("A"), None),
        desk((1, 2, 9), Some("B"), None),
        desk((2, 3, 0), Some("A"), None),
        of_resource,
        desk((4, 6, 0), None, Some((3, 5))),
    ]);
}

#[test]
fn an_outage_changes_no_figure() {
    const DAY: u64 = 24 * 3600;
    let mut process = Process::new();
    send_what_waits(&process);
    process.work();
    process.pass(2 * DAY + 3600);
    let expected = process.figures();
    for outage in [20, 70, 3700, 7200, DAY, 2 * DAY] {
        let mut process = Process::new();
        send_what_waits(&process);
        process.work();
        process.outage(outage);
        assert!(!process.has_caught_up(), "receivers wait");
        process.work();
        assert!(process.has_caught_up());
        process.pass(2 * DAY + 3600 - outage);
        assert_eq!(process.figures(), expected, "{outage} s");
    }
}
