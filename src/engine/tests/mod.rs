//! Properties of whole runs of the engine: partitions that move, outages, expiry over partitions, sampled populations, sessions of sessions.

mod assignment;
mod desk;
mod expiry;
mod memory;
mod outage;
mod sampling;
mod session;

use super::Settings;
use crate::log::AppendFuture;
use crate::model::ids::{SpanId, TraceId};
use crate::model::time::Timestamp;
use crate::otlp::view::{ScopeBatch, Span, Status, Value};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// A span of one second, until `end` in nanoseconds, in which the agent `desk` works in a session.
fn desk_span<'a>(session: &'a str, (trace, id): (TraceId, SpanId), end: u64) -> ScopeBatch<'a> {
    let attributes = [
        ("gen_ai.operation.name", "invoke_agent"),
        ("gen_ai.agent.name", "desk"),
        ("gen_ai.conversation.id", session),
    ];
    let span = Span {
        trace,
        id,
        parent: None,
        threshold: None,
        caller: crate::otlp::view::Caller::default(),
        name: "invoke_agent desk",
        start: Timestamp(end - 1_000_000_000),
        end: Timestamp(end),
        status: Status::Unset,
        status_message: "",
        attributes: attributes
            .map(|(key, value)| (key, Value::Str(value)))
            .into_iter()
            .collect(),
        events: Vec::new(),
        links: Vec::new(),
    };
    ScopeBatch {
        spans: std::iter::once(span).collect(),
        ..ScopeBatch::default()
    }
}

/// The settings of a recording that is played on so many partitions: nothing is saved or shed, and no story is remembered.
fn recording_settings(partitions: usize) -> Settings {
    Settings {
        partitions,
        snapshot_interval: Duration::MAX,
        soft_bytes: usize::MAX,
        stories: 0,
        ..Settings::default()
    }
}

/// An append that a settled log has answered, and taken.
fn taken(mut append: AppendFuture) {
    let mut context = Context::from_waker(Waker::noop());
    match append.as_mut().poll(&mut context) {
        Poll::Ready(outcome) => outcome.expect("there is room"),
        Poll::Pending => panic!("a settled log has answered"),
    }
}
