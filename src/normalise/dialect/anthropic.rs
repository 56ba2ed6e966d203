//! Spans of Anthropic's own SDK and of its API, which show one call twice.

use super::vocabulary::{SDK, Topic, terms};
use super::{Dialect, build, otel_genai};
use crate::model::event::{Event, Kind};
use crate::normalise::SpanReader;
use crate::otlp::view::Status;

/// The dialect.
pub(super) const DIALECT: Dialect = Dialect {
    name: "anthropic",
    title: "Anthropic",
    recognised_by: "scope `com.anthropic.sdk*`, `com.anthropic.claude-platform`",
    reading: "standard names; a call that the program closed before its answer is cancelled",
    vocabulary: &[
        terms(Topic::Session, SDK, &["anthropic.session.id"]),
        terms(
            Topic::FinishReason,
            SDK,
            &[
                "anthropic.message.stop_reason",
                "anthropic.session.turn.stop_reason",
            ],
        ),
    ],
    recognises,
    read,
};

fn recognises(source: &SpanReader<'_>) -> bool {
    let scope = source.scope.name;
    scope.starts_with("com.anthropic.sdk") || scope.starts_with("com.anthropic.claude-platform")
}

pub(super) fn read(source: &SpanReader<'_>, event: &mut Event) {
    let tool = source.span.name.strip_prefix("anthropic.tool_use ");
    match (source.operation(), tool) {
        (None, Some(tool)) => event.kind = build::tool(source, tool),
        _ => otel_genai::read(source, event),
    }
    let Kind::Model(call) = &mut event.kind else {
        return;
    };
    let stopped = build::stopped(source, |reason| !reason.is_empty());
    if call.answered.is_none() && build::stopped(source, |reason| reason == "tool_use") {
        call.answered = Some(false);
    }
    // What was done is marked as such here, and what failed too.
    let unfinished = !stopped && call.usage.is_none_or(|usage| usage.output == 0);
    event.rare.cancelled = source.span.status == Status::Unset && unfinished && !call.failed;
}
