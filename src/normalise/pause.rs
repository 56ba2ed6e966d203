//! How a span shows that its run waits for a person, goes on after one decided, or was cancelled. All three look like errors to some SDKs.

use super::{SpanReader, tool_result, topics};
use crate::model::event::{Event, Kind, Pause, RareFields};
use crate::otlp::attribute_key::key;
use crate::otlp::view::{Status, Value};

/// What frameworks raise to stop a run until a person decides, without the path before it.
const PAUSES: &[&str] = &[
    "GraphInterrupt",
    "NodeInterrupt",
    "ApprovalRequired",
    "CallDeferred",
    "InterruptException",
    "ToolInterruptError",
    "HumanFeedbackPending",
];

/// What runtimes and clients raise when somebody cancels the work.
const CANCELLATIONS: &[&str] = &[
    "CancelledError",
    "CanceledError",
    "CancelledException",
    "CanceledException",
    "CancellationError",
    "CancellationException",
    "JobCancellationException",
    "OperationCanceledException",
    "OperationCancelledException",
    "OperationCanceled",
    "TaskCanceledException",
    "AbortError",
    "APIUserAbortError",
    "GeneratorExit",
    "KeyboardInterrupt",
];

/// The same as a whole status message or as `error.type`, in lower case, with blanks for `_` and `-`.
const CANCELLED: &[&str] = &[
    "cancelled",
    "canceled",
    "cancel",
    "abort",
    "aborted by user",
    "user abort",
    "user aborted",
    "user cancelled",
    "user canceled",
    "cancelled by user",
    "canceled by user",
    "request cancelled",
    "request canceled",
    "request was aborted",
    "context canceled",
    "context cancelled",
    "operation cancelled",
    "operation canceled",
    "the operation was cancelled",
    "the operation was canceled",
    "the operation was aborted",
    "this operation was aborted",
    "the user aborted a request",
    "task cancelled",
    "a task was canceled",
    "statuscode.cancelled",
    "grpc cancelled",
    "rpc error: code = canceled desc = context canceled",
    "interrupted by user",
    "user interrupted",
    "barge in",
    "bargein",
    "barged in",
    "1 cancelled: call cancelled",
    "499",
];

/// Tools that ask the user and end the turn with it where nothing follows.
const QUESTIONS: &[&str] = &[
    "ask_user",
    "ask_user_question",
    "askuserquestion",
    "ask_the_user",
    "ask_human",
    "ask_customer",
    "ask_followup_question",
    "ask_follow_up_question",
    "ask_clarification",
    "ask_clarifying_question",
    "ask_for_clarification",
    "human_input",
    "get_human_input",
    "request_human_input",
    "user_input",
    "get_user_input",
    "request_user_input",
];

/// Finds how a run stopped or goes on, unless its dialect knows, and takes away the errors that it is not.
pub(super) fn settle(source: &SpanReader<'_>, event: &mut Event, rare: &mut RareFields) {
    rare.pause = rare.pause.or_else(|| pause(source, event));
    let waits = rare.pause == Some(Pause::Waits);
    rare.cancelled = !waits && (rare.cancelled || is_cancelled(source, event));
    if waits || rare.cancelled {
        event.error = false;
        match &mut event.kind {
            Kind::Tool(tool) => tool.failed = false,
            Kind::Model(call) => call.failed = false,
            Kind::Handoff(handoff) => handoff.failed = false,
            _ => {}
        }
    }
}

fn pause(source: &SpanReader<'_>, event: &Event) -> Option<Pause> {
    if raised(source).any(|name| PAUSES.contains(&name)) || asks_confirmation(source, event) {
        return Some(Pause::Waits);
    }
    match &event.kind {
        Kind::Tool(tool) if QUESTIONS.contains(&&*plain(&tool.name)) => Some(Pause::Asks),
        Kind::Tool(tool) if tool.hands_to.is_none() && !tool.failed && !event.error => {
            tool_result::is_missing(source).then_some(Pause::MayWait)
        }
        Kind::Structure | Kind::Workflow | Kind::Agent { .. } => {
            let mut inputs = topics::RUN_INPUT.iter();
            let resumes = inputs.any(|key| source.str(*key).is_some_and(is_resume));
            resumes.then_some(Pause::Resumes)
        }
        _ => None,
    }
}

/// The names of what was raised in a span, without their paths, unless the application judged that all is well.
fn raised<'s>(source: &SpanReader<'s>) -> impl Iterator<Item = &'s str> {
    let span = source.span;
    let attributes = source.attributes();
    let handled = span.status == Status::Ok && source.str(key!("error.type")).is_none();
    let types = span.events.iter().filter(|event| event.name == "exception");
    let types = types.filter_map(|event| event.attributes.str(key!("exception.type")));
    let own = [
        source.str(key!("error.type")),
        attributes.str(key!("exception.type")),
        Some(span.status_message),
        attributes.first_str(topics::STATUS_MESSAGE),
        source.str(key!("error")),
        source.str(key!("pydantic_ai.tool.deferral.name")),
    ];
    let own = own.into_iter().flatten();
    types
        .chain(own)
        // What pauses a graph is recorded on spans that are well, as the graph goes on later.
        .map(name_at_start)
        .filter(move |name| !handled || PAUSES.contains(name))
}

/// The name with which a text begins, without its path: `asyncio.exceptions.CancelledError`, `GraphInterrupt((Interrupt(…`.
fn name_at_start(text: &str) -> &str {
    let text = text.trim_start_matches(['"', '\'', '<', ' ']);
    let text = text.strip_prefix("class '").unwrap_or(text);
    let text = text.strip_prefix("DOMException [").unwrap_or(text);
    let is_path = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | ':' | '$');
    let end = text.find(|c: char| !is_path(c)).unwrap_or(text.len());
    let path = text[..end].trim_end_matches([':', '.']);
    path.rsplit(['.', ':', '$']).next().unwrap_or(path)
}

/// ADK's answer of a tool that a person has to confirm first.
fn asks_confirmation(source: &SpanReader<'_>, event: &Event) -> bool {
    matches!(event.kind, Kind::Tool(_))
        && tool_result::text(source).is_some_and(|text| {
            text.contains("requires confirmation, please approve or reject")
                || text.contains("\"status\": \"pending_approval\"")
        })
}

/// The input with which LangGraph goes on after an interrupt: `Command(resume='yes')`, or that as JSON, perhaps in `inputs`.
fn is_resume(text: &str) -> bool {
    let start = text.trim_start_matches(['{', '[', '"', '\\', ' ']);
    let start = start
        .strip_prefix("inputs")
        .or_else(|| start.strip_prefix("input"))
        .map_or(start, |rest| {
            rest.trim_start_matches(['"', '\\', ':', '{', '[', ' '])
        });
    let end = start
        .char_indices()
        .nth(4096)
        .map_or(start.len(), |(at, _)| at);
    let start = &start[..end];
    let after = |sign: &str| Some(start[start.find(sign)? + sign.len()..].trim_start());
    if start.starts_with("Command(") {
        return after("resume=").is_some_and(|value| !value.starts_with("None"));
    }
    let is_command = [
        "graph\"",
        "graph\\\"",
        "update\"",
        "resume\"",
        "goto\"",
        "lg_name\"",
    ];
    is_command.iter().any(|key| start.starts_with(key))
        && ["resume\":", "resume\\\":"]
            .iter()
            .any(|sign| after(sign).is_some_and(|value| !value.starts_with("null")))
}

/// Whether somebody stopped the work of a span.
fn is_cancelled(source: &SpanReader<'_>, event: &Event) -> bool {
    let span = source.span;
    if raised(source).any(|name| CANCELLATIONS.contains(&name)) {
        return true;
    }
    let failed = match &event.kind {
        Kind::Tool(tool) => tool.failed,
        Kind::Model(call) => call.failed,
        _ => false,
    };
    let failed = failed || event.error || span.status == Status::Error;
    let said = [
        source.str(key!("error.type")),
        Some(span.status_message),
        source.attributes().first_str(topics::STATUS_MESSAGE),
        source.str(key!("gen_ai.tool.status")),
        source.str(key!("tool.status")),
        source.str(key!("rpc.response.status_code")),
    ];
    let is_word = |text: &str| CANCELLED.contains(&&*plain(text).replace('_', " "));
    let mut said = said.into_iter().flatten();
    failed && (said.any(is_word) || has_code(source)) || stopped_by_user(source, event)
}

/// gRPC's and HTTP's numbers for a request that its sender gave up.
fn has_code(source: &SpanReader<'_>) -> bool {
    let code = |key| source.attributes().get(key).and_then(Value::as_count);
    code(key!("rpc.grpc.status_code")) == Some(1)
        || code(key!("http.response.status_code")) == Some(499)
}

/// A model that the user made stop: its finish reason says so.
fn stopped_by_user(source: &SpanReader<'_>, event: &Event) -> bool {
    let is = |reason: &str| matches!(reason, "cancelled" | "canceled" | "abort" | "aborted");
    matches!(event.kind, Kind::Model(_)) && super::dialect::stopped(source, is)
}

/// A text as it is compared: in lower case, without a full stop, with `_` for dashes and blanks.
fn plain(text: &str) -> String {
    let text = text.trim().trim_end_matches('.');
    let lower = if text.len() > 80 {
        String::new()
    } else {
        text.to_ascii_lowercase()
    };
    lower.replace([' ', '-'], "_")
}
