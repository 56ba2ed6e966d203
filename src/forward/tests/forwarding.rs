//! When a request goes to the spool, and when it is acknowledged.

use crate::clock::Clock;
use crate::forward::Forwarding;
use crate::ingest::{
    ExportRequest, Ingest, IngestError, OutcomeRequest, ReportFuture, SubmitFuture,
};
use crate::model::limit::Limit;
use crate::model::request::{Encoding, Signal};
use crate::otlp::Counts;
use crate::spool::{Spool, SpoolLimits, WhenFull};
use bytes::Bytes;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use tokio::sync::oneshot;

type LogAnswer = Result<Counts, IngestError>;

/// An ingest whose log answers when it is told to.
struct SlowLog(Mutex<Option<oneshot::Receiver<LogAnswer>>>);

impl Ingest for SlowLog {
    fn submit_outcomes(&self, _: OutcomeRequest) -> ReportFuture {
        Box::pin(std::future::ready(Ok(0)))
    }

    fn submit(&self, _: ExportRequest) -> SubmitFuture {
        let answer = self.0.lock().expect("whole").take().expect("one request");
        Box::pin(async { answer.await.expect("answered") })
    }
}

/// A request on its way.
struct Submitted {
    spool: Spool,
    log: Option<oneshot::Sender<LogAnswer>>,
    answer: SubmitFuture,
}

impl Submitted {
    fn new() -> Self {
        let (log, answer) = oneshot::channel();
        let limits = SpoolLimits {
            max_bytes: Some(1 << 20),
            min_bytes: 0,
            segment_bytes: 1 << 20,
            when_full: WhenFull::Refuse,
        };
        let spool = Spool::in_memory(&["otlp".into()], limits);
        let takers = Signal::ALL.map(|_| vec!["otlp".into()]);
        let log_ingest = Arc::new(SlowLog(Mutex::new(Some(answer))));
        let forwarding = Forwarding::new(log_ingest, spool.clone(), takers, Clock::system(), None);
        let answer = forwarding.submit(ExportRequest {
            signal: Signal::Traces,
            encoding: Encoding::Protobuf,
            tenant: None,
            headers: Vec::new(),
            body: Bytes::from_static(b"body"),
        });
        Self {
            spool,
            log: Some(log),
            answer,
        }
    }

    fn poll(&mut self) -> Poll<LogAnswer> {
        Pin::new(&mut self.answer).poll(&mut Context::from_waker(Waker::noop()))
    }

    fn log_answers(&mut self, answer: LogAnswer) {
        let log = self.log.take().expect("one answer");
        log.send(answer).expect("somebody waits");
    }

    fn spooled(&self) -> u64 {
        self.spool
            .waiting()
            .iter()
            .map(|(_, waiting)| waiting)
            .sum()
    }
}

#[test]
fn what_the_log_refuses_at_once_is_not_forwarded() {
    let full = IngestError::Full(Limit::Memory);
    let mut request = Submitted::new();
    request.log_answers(Err(full));
    assert!(matches!(request.poll(), Poll::Ready(Err(error)) if error == full));
    assert_eq!(request.spooled(), 0);
}

#[test]
fn log_and_spool_write_at_the_same_time_and_both_have_what_is_acknowledged() {
    let mut request = Submitted::new();
    assert!(request.poll().is_pending());
    assert_eq!(request.spooled(), 1, "it does not wait for the log");
    assert!(request.poll().is_pending(), "the log has not answered");
    request.log_answers(Ok(Counts::default()));
    assert!(matches!(request.poll(), Poll::Ready(Ok(_))));
}

#[test]
fn a_log_that_fails_later_acknowledges_nothing() {
    let mut request = Submitted::new();
    assert!(request.poll().is_pending());
    request.log_answers(Err(IngestError::Indeterminate));
    assert!(matches!(request.poll(), Poll::Ready(Err(_))));
}
