//! What becomes of requests: in the log, refused, or malformed.

mod pipeline;

use super::{Appender, Encoding, ExportRequest, Pipeline, Signal, SubmitFuture};
use crate::clock::Clock;
use crate::log::{Log, Next, Replay, memory};
use crate::model::memory_limit::MemoryLimit;
use crate::normalise::{self, Normaliser};
use crate::otlp::Limits;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// An ingest over a log in memory that takes four events before it is full, its limit of memory, and the reader of its partition.
fn pipeline() -> (Pipeline, MemoryLimit, Box<dyn Replay>) {
    let memory = MemoryLimit::new(1 << 20, 1);
    let log: Arc<dyn Log> = Arc::new(memory::open(1, 4));
    let mut reader = log.replay(0, 0).expect("a new log");
    let caught_up = reader.read(Duration::ZERO);
    assert!(matches!(caught_up, Ok(Next::CaughtUp(0))));
    let appender = Appender::new(log, memory.clone(), Clock::manual(Arc::default()));
    let normaliser = Normaliser::new(normalise::Settings::default(), Arc::default());
    let pipeline = Pipeline::new(Limits::default(), normaliser, appender);
    (pipeline, memory, reader)
}

/// A request of so many spans that are fine, and one without ids.
fn request(spans: usize) -> ExportRequest {
    let span = |n: usize| {
        format!(
            r#"{{"traceId":"{:032x}","spanId":"{:016x}","startTimeUnixNano":"1","endTimeUnixNano":"2"}}"#,
            n + 1,
            n + 1
        )
    };
    let spans: Vec<String> = (0..spans).map(span).chain(["{}".to_owned()]).collect();
    let spans = spans.join(",");
    traces(&format!(
        r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{spans}]}}]}}]}}"#
    ))
}

fn traces(body: &str) -> ExportRequest {
    ExportRequest {
        signal: Signal::Traces,
        encoding: Encoding::Json,
        tenant: None,
        headers: Vec::new(),
        body: body.to_owned().into(),
    }
}

/// The outcome of a submission to a log in memory, which is known at once.
fn outcome(mut submitted: SubmitFuture) -> <SubmitFuture as Future>::Output {
    match submitted
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => panic!("a log in memory answers at once"),
    }
}
