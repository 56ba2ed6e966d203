//! The tasks of the process. Each has a name and a phase; the phases stop one after the other, within one grace period. A task that
//! panics is reported by its name.

use crate::auth::Issuer;
use crate::export::{Exporter, Feed};
use crate::forward::Destination;
use crate::reload::Reload;
use crate::shutdown::{Failure, Grace, Panicked, unwound};
use std::borrow::Cow;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::error;

/// What stops together. Phases stop in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// The listeners: requests in flight are answered, no new ones come.
    Receivers,
    /// The partitions: what is in the log is applied.
    Workers,
    /// The writer of the log: what it was given is on disk. The writer of verdicts: what partitions found out is in the spool.
    Log,
    /// The destinations: requests in flight are answered.
    Destinations,
    /// The writer of the spool: what it was given is on disk, and how far each destination is.
    Spool,
    /// Exporters and probes answer until all else has ended.
    Exporters,
}

impl Phase {
    const ALL: [Self; 6] = [
        Self::Receivers,
        Self::Workers,
        Self::Log,
        Self::Destinations,
        Self::Spool,
        Self::Exporters,
    ];
}

/// One piece of work that goes on until its phase stops.
pub(super) struct Task {
    name: Cow<'static, str>,
    phase: Phase,
    work: TaskWork,
}

enum TaskWork {
    /// On the runtime of the process.
    Future(Pin<Box<dyn Future<Output = ()> + Send>>),
    /// On a thread of its own, because it waits and computes.
    Blocking(Box<dyn FnOnce() -> Result<(), Failure> + Send>),
}

impl Task {
    pub(super) fn future(
        name: impl Into<Cow<'static, str>>,
        phase: Phase,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            phase,
            work: TaskWork::Future(Box::pin(work)),
        }
    }

    pub(super) fn blocking(
        name: impl Into<Cow<'static, str>>,
        phase: Phase,
        work: impl FnOnce() -> Result<(), Failure> + Send + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            phase,
            work: TaskWork::Blocking(Box::new(work)),
        }
    }

    /// A destination, with a thread and a runtime of its own: it waits for the disk, and compresses.
    pub(super) fn destination(destination: Destination, stop: CancellationToken) -> Self {
        let name = format!("the exporter {}", destination.name());
        Self::blocking(name, Phase::Destinations, move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            match runtime {
                Ok(own) => own.block_on(destination.run(stop)),
                Err(fault) => error!(%fault, "a destination has no runtime: nothing is sent to it"),
            }
            Ok(())
        })
    }

    /// What looks at the files of certificates or credentials, which are in use until all else has ended.
    pub(super) fn reader(followed: Arc<dyn Reload>, stop: CancellationToken) -> Self {
        let name = "the reader of certificates and credentials";
        Self::future(name, Phase::Exporters, async move {
            while stop
                .run_until_cancelled(tokio::time::sleep(followed.interval()))
                .await
                .is_some()
            {
                let followed = Arc::clone(&followed);
                on_a_thread(move || followed.reload()).await;
            }
        })
    }

    /// What asks an issuer of tokens for its keys.
    pub(super) fn issuer(issuer: Arc<Issuer>, stop: CancellationToken) -> Self {
        let name = "the reader of the keys of an issuer";
        Self::future(
            name,
            Phase::Exporters,
            async move { issuer.run(stop).await },
        )
    }

    /// An exporter, with a thread and a runtime of its own: probes must be answered when the receivers are busy, and before they are
    /// open. Baton goes on without one that fails.
    pub(super) fn exporter<E: Exporter>(exporter: E, feed: Feed, stop: CancellationToken) -> Self {
        Self::blocking(format!("the {}", E::NAME), Phase::Exporters, move || {
            // Two threads of work, of which one may be blocked: a scrape that computes does not hold up the probes.
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build();
            let run = |own: tokio::runtime::Runtime| own.block_on(exporter.run(feed, stop));
            if let Err(fault) = runtime.map_err(Into::into).and_then(run) {
                error!(exporter = E::NAME, %fault, "an exporter failed");
            }
            Ok(())
        })
    }
}

/// All tasks that run. Dropped, it tells them to stop and does not wait.
#[derive(Debug)]
pub(super) struct Tasks {
    phases: [Running; Phase::ALL.len()],
    /// The first failure after which going on is useless. Written by tasks, read by who waits for it.
    failed: watch::Sender<Option<Failure>>,
}

/// The tasks of one phase.
#[derive(Debug, Default)]
struct Running {
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl Tasks {
    pub(super) fn new() -> Self {
        Self {
            phases: Default::default(),
            failed: watch::channel(None).0,
        }
    }

    /// Is cancelled when a phase begins to stop.
    pub(super) fn stopping(&self, phase: Phase) -> CancellationToken {
        self.phases[phase as usize].stop.clone()
    }

    pub(super) fn start(&self, task: Task) {
        let Task { name, phase, work } = task;
        let failed = self.failed.clone();
        let ended = move |result: Result<Result<(), Failure>, Panicked>| {
            let failure = match result {
                Ok(Ok(())) => return,
                Ok(Err(failure)) => failure,
                Err(Panicked) => Failure::Panic(name.into_owned()),
            };
            failed.send_if_modified(|first| {
                let is_first = first.is_none();
                first.get_or_insert(failure);
                is_first
            });
        };
        let tracker = &self.phases[phase as usize].tracker;
        match work {
            TaskWork::Future(work) => {
                tracker.spawn(async move { ended(caught(work).await.map(Ok)) });
            }
            TaskWork::Blocking(work) => {
                tracker.spawn_blocking(move || ended(unwound(work)));
            }
        }
    }

    /// Ends when a task has failed: the process must stop, and recover.
    pub(super) async fn failed(&self) -> Failure {
        let mut failed = self.failed.subscribe();
        let failure = failed.wait_for(Option::is_some).await;
        match failure.ok().and_then(|failure| failure.clone()) {
            Some(failure) => failure,
            None => std::future::pending().await,
        }
    }

    /// Stops phase by phase, all within one grace period. `begin` is told of each phase before its tasks are told to stop. `true` when all
    /// tasks ended by themselves.
    pub(super) async fn stop(&self, grace_period: Duration, begin: impl Fn(Phase)) -> bool {
        let mut grace = Grace::begin(grace_period);
        let mut clean = true;
        for phase in Phase::ALL {
            let running = &self.phases[phase as usize];
            begin(phase);
            running.stop.cancel();
            running.tracker.close();
            clean &= grace.phase(running.tracker.wait()).await.is_some();
        }
        clean
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        for running in &self.phases {
            running.stop.cancel();
        }
    }
}

/// Runs work to its end on a thread of its own: who waits for it may be told to stop meanwhile.
pub(super) async fn on_a_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    }
}

/// A future whose panic is its result.
async fn caught<T>(work: impl Future<Output = T>) -> Result<T, Panicked> {
    let mut work = pin!(work);
    std::future::poll_fn(|context| match unwound(|| work.as_mut().poll(context)) {
        Ok(poll) => poll.map(Ok),
        Err(Panicked) => Poll::Ready(Err(Panicked)),
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    const GRACE: Duration = Duration::from_secs(60);

    #[tokio::test(flavor = "multi_thread")]
    async fn phases_stop_one_after_the_other() {
        let tasks = Tasks::new();
        let ended = Arc::new(Mutex::new(Vec::new()));
        let note = |what| {
            let ended = Arc::clone(&ended);
            move || ended.lock().expect("no panic").push(what)
        };
        for phase in Phase::ALL.into_iter().rev() {
            let (stop, note) = (tasks.stopping(phase), note(("ended", phase)));
            tasks.start(Task::future("a task", phase, async move {
                stop.cancelled().await;
                note();
            }));
        }
        assert!(tasks.stop(GRACE, |phase| note(("begun", phase))()).await);
        let expected = Phase::ALL.map(|phase| [("begun", phase), ("ended", phase)]);
        assert_eq!(*ended.lock().expect("no panic"), expected.as_flattened());
    }

    #[tokio::test]
    async fn a_task_that_does_not_end_takes_the_grace_period_and_no_more() {
        let tasks = Tasks::new();
        tasks.start(Task::future(
            "stubborn",
            Phase::Receivers,
            std::future::pending(),
        ));
        assert!(!tasks.stop(Duration::ZERO, |_| ()).await);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_task_that_panics_is_reported_by_its_name() {
        let tasks = Tasks::new();
        tasks.start(Task::future("the fast one", Phase::Receivers, async {
            panic!("a test")
        }));
        assert_eq!(tasks.failed().await, Failure::Panic("the fast one".into()));
        let tasks = Tasks::new();
        let work = || panic!("a test");
        tasks.start(Task::blocking("the slow one", Phase::Workers, work));
        assert_eq!(tasks.failed().await, Failure::Panic("the slow one".into()));
        let failure = Failure::Log("full".into());
        let tasks = Tasks::new();
        let failing = failure.clone();
        tasks.start(Task::blocking("the log", Phase::Log, || Err(failing)));
        assert_eq!(tasks.failed().await, failure);
        assert!(tasks.stop(GRACE, |_| ()).await, "the others still stop");
    }
}
