//! A feed with one figure, a protocol that tells the test of each attempt, and answers as the test says.

use crate::client::{RetrySettings, SendError, SendFailure};
use crate::clock::Clock;
use crate::export::push::{
    PointSet, PushAnswer, PushBatch, PushExporter, PushProtocol, PushSettings,
};
use crate::export::{
    Exporter, FactSource, FamilySource, Feed, Readiness, ServiceIdentity, SessionVisitor,
};
use crate::model::fact::Fact;
use crate::model::ids::{PartitionKey, TraceId};
use crate::model::metric::{Family, FamilyKind, Point, Series};
use crate::model::time::Timestamp;
use crate::telemetry::Telemetry;
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// What becomes of an attempt.
#[derive(Clone, Copy, Debug)]
pub enum Answer {
    Fails(SendFailure),
    /// So many points are written.
    Writes(u64),
}

/// How a test goes.
pub struct PushScript {
    pub shards: usize,
    pub queue_size: usize,
    /// Of the first attempts; all others are accepted.
    pub answers: Vec<Answer>,
    pub fails_always: bool,
    /// An attempt waits until the test lets it go on.
    pub holds: bool,
    pub starting: bool,
    /// There is one set at the start and one at the end.
    pub every_hour: bool,
    pub slow_retries: bool,
}

impl Default for PushScript {
    fn default() -> Self {
        Self {
            shards: 2,
            queue_size: 1000,
            answers: Vec::new(),
            fails_always: false,
            holds: false,
            starting: false,
            every_hour: false,
            slow_retries: false,
        }
    }
}

/// One attempt.
#[derive(Clone, Debug)]
pub struct Pushed {
    pub at: u64,
    pub value: f64,
}

struct FakeProtocol {
    answers: Mutex<VecDeque<Answer>>,
    fails_always: bool,
    /// `None`: attempts do not wait.
    gate: Option<Arc<Semaphore>>,
    told: UnboundedSender<Pushed>,
}

impl PushProtocol for FakeProtocol {
    fn batches(&self, points: &PointSet<'_>, _: &ServiceIdentity, shards: usize) -> Vec<PushBatch> {
        let Some((_, _, series, _)) = points.series().next() else {
            return Vec::new();
        };
        let Point::Gauge(value) = series.point else {
            return Vec::new();
        };
        let mut body = points.at.0.to_le_bytes().to_vec();
        body.extend(value.to_le_bytes());
        let body = Bytes::from(body);
        let batch = |shard| PushBatch {
            shard,
            points: 1,
            births: Vec::new(),
            body: body.clone(),
        };
        (0..shards).map(batch).collect()
    }

    async fn send(&self, batch: &PushBatch) -> PushAnswer {
        let number = |at: usize| batch.body[at..at + 8].try_into().expect("eight bytes");
        let pushed = Pushed {
            at: u64::from_le_bytes(number(0)),
            value: f64::from_le_bytes(number(8)),
        };
        self.told.send(pushed).expect("the test listens");
        if let Some(gate) = &self.gate {
            gate.acquire().await.expect("it is open").forget();
        }
        let next = self.answers.lock().expect("no panic").pop_front();
        let failed = Answer::Fails(SendFailure::Connection);
        let usual = if self.fails_always {
            failed
        } else {
            Answer::Writes(1)
        };
        match next.unwrap_or(usual) {
            Answer::Writes(written) => PushAnswer {
                written,
                is_known: written > 0,
                error: None,
            },
            Answer::Fails(reason) => PushAnswer {
                written: 0,
                is_known: false,
                error: Some(SendError {
                    reason,
                    wait: None,
                    what: "a test".into(),
                }),
            },
        }
    }
}

/// The one figure, and whether the state is complete.
struct FakeFeed {
    value: AtomicU64,
    starting: AtomicBool,
    looked: UnboundedSender<()>,
}

impl FamilySource for FakeFeed {
    fn exposition(&self) -> Vec<Family> {
        Vec::new()
    }

    fn exact(&self) -> Vec<Family> {
        vec![Family {
            name: "a_gauge".into(),
            help: "A gauge.",
            kind: FamilyKind::Gauge,
            unit: "".into(),
            series: vec![Series {
                expired: false,
                labels: Vec::new(),
                point: Point::Gauge(f64::from_bits(self.value.load(Ordering::Relaxed))),
                start: Timestamp(0),
            }],
        }]
    }

    fn internal(&self) -> Vec<Family> {
        Vec::new()
    }

    fn identity(&self) -> Option<&ServiceIdentity> {
        None
    }
}

impl FactSource for FakeFeed {
    fn of_session(&self, _: &str) -> Vec<(PartitionKey, Vec<Fact>)> {
        Vec::new()
    }

    fn of_trace(&self, _: TraceId) -> Vec<(PartitionKey, Vec<Fact>)> {
        Vec::new()
    }

    fn visit(&self, _: SessionVisitor<'_>) {}
}

impl Readiness for FakeFeed {
    fn starting(&self) -> Option<String> {
        let starting = self.starting.load(Ordering::Relaxed);
        // The test may have seen enough.
        let _ = self.looked.send(());
        starting.then(|| "a test".into())
    }

    fn unready(&self) -> Vec<String> {
        Vec::new()
    }
}

/// An exporter that runs.
pub struct RunningPush {
    feed: Arc<FakeFeed>,
    told: UnboundedReceiver<Pushed>,
    looks: UnboundedReceiver<()>,
    gate: Arc<Semaphore>,
    telemetry: Telemetry,
    shards: usize,
    stop: CancellationToken,
    task: Option<JoinHandle<()>>,
}

pub fn start(script: PushScript) -> RunningPush {
    // It stands.
    let clock = Clock::manual(Arc::new(AtomicU64::new(1_700_000_000_000_000_123)));
    let (tell, told) = unbounded_channel();
    let (looked, looks) = unbounded_channel();
    let gate = Arc::new(Semaphore::new(0));
    let protocol = FakeProtocol {
        answers: Mutex::new(script.answers.into()),
        fails_always: script.fails_always,
        gate: script.holds.then(|| Arc::clone(&gate)),
        told: tell,
    };
    let (short, long) = (Duration::from_millis(1), Duration::from_secs(3600));
    let retry = RetrySettings {
        initial_interval: if script.slow_retries { long } else { short },
        max_interval: long,
        ..RetrySettings::default()
    };
    let settings = PushSettings {
        name: "test/a".into(),
        endpoint: "http://h:1/w".into(),
        interval: if script.every_hour { long } else { short },
        retry,
        queue_size: script.queue_size,
        shards: script.shards,
    };
    let identity = ServiceIdentity {
        service: "baton".into(),
        instance: "one".into(),
    };
    let telemetry = Telemetry::new(Timestamp(0));
    let exporter =
        telemetry.register(|| PushExporter::new(settings, identity, protocol, None, clock.now()));
    let feed = Arc::new(FakeFeed {
        value: AtomicU64::new(1.0_f64.to_bits()),
        starting: AtomicBool::new(script.starting),
        looked,
    });
    let all = Feed {
        families: Arc::<FakeFeed>::clone(&feed),
        facts: Arc::<FakeFeed>::clone(&feed),
        readiness: Arc::<FakeFeed>::clone(&feed),
        clock,
    };
    let stop = CancellationToken::new();
    let run = exporter.run(all, stop.clone());
    RunningPush {
        feed,
        told,
        looks,
        gate,
        telemetry,
        shards: script.shards,
        stop,
        task: Some(tokio::spawn(async { run.await.expect("it ends well") })),
    }
}

impl RunningPush {
    /// The next attempt.
    pub async fn next(&mut self) -> Pushed {
        self.told.recv().await.expect("it runs")
    }

    /// One attempt for each shard.
    pub async fn next_of_all_shards(&mut self) -> Vec<Pushed> {
        let mut all = Vec::new();
        for _ in 0..self.shards {
            all.push(self.next().await);
        }
        all
    }

    pub fn is_silent(&mut self) -> bool {
        self.told.try_recv().is_err()
    }

    /// Ends when the exporter has asked whether the state is complete.
    pub async fn looked(&mut self) {
        self.looks.recv().await.expect("it runs");
    }

    pub fn complete(&self) {
        self.feed.starting.store(false, Ordering::Relaxed);
    }

    pub fn set(&self, value: f64) {
        self.feed.value.store(value.to_bits(), Ordering::Relaxed);
    }

    /// Lets attempts go on.
    pub fn go_on(&self) {
        self.gate.add_permits(1000);
    }

    pub fn families(&self) -> Vec<Family> {
        self.telemetry.families()
    }

    /// Ends when the exporter's own metrics are so.
    pub async fn wait_for(&self, is_so: impl Fn(&[Family]) -> bool) {
        while !is_so(&self.families()) {
            tokio::task::yield_now().await;
        }
    }

    /// Stops it. The attempts that were not looked at.
    pub async fn stop(&mut self) -> Vec<Pushed> {
        self.stop.cancel();
        let task = self.task.take().expect("it is stopped once");
        task.await.expect("no panic");
        let mut rest = Vec::new();
        while let Ok(pushed) = self.told.try_recv() {
            rest.push(pushed);
        }
        rest
    }
}

/// The sum of all series of a family.
pub fn counted(families: &[Family], name: &str) -> f64 {
    let family = families.iter().find(|family| family.name == name);
    let series = family.into_iter().flat_map(|family| &family.series);
    series
        .map(|series| match series.point {
            Point::Counter { value, .. } | Point::Gauge(value) => value,
            Point::Histogram(_) => 0.0,
        })
        .sum()
}
