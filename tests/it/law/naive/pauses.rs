//! Turns that wait for the user, or for the next call behind a proxy, and traces that go on with them (T-13, T-14).

use baton::model::event::{Event, Kind, ModelCall, Operation, Pause};
use baton::model::time::Timestamp;

/// The chat calls, each with what it says.
fn calls<'t, 'e>(spans: &'t [&'e Event]) -> impl Iterator<Item = (&'e Event, &'e ModelCall)> + 't {
    spans.iter().filter_map(|event| match &event.kind {
        Kind::Model(call) if call.operation == Operation::Chat && !call.is_agent => {
            Some((*event, &**call))
        }
        _ => None,
    })
}

/// The calls that begin last; several where clocks are coarse.
fn last_calls<'e>(spans: &[&'e Event]) -> Vec<(&'e Event, &'e ModelCall)> {
    let last = calls(spans).map(|(event, _)| event.start).max();
    calls(spans)
        .filter(|(event, _)| Some(event.start) == last)
        .collect()
}

fn is_tool(event: &Event) -> bool {
    matches!(event.kind, Kind::Tool(_))
}

fn root_failed(spans: &[&Event]) -> bool {
    spans
        .iter()
        .any(|event| event.parent.is_none() && event.error)
}

fn went_well((event, call): &(&Event, &ModelCall)) -> bool {
    !call.failed && !event.rare.cancelled
}

/// Whether a turn waits for the user (T-13).
pub fn waits(spans: &[&Event]) -> bool {
    let last = calls(spans).map(|(event, _)| event.start).max();
    let marked = |pause| {
        let marked = spans
            .iter()
            .filter(move |event| event.rare.pause == Some(pause));
        marked.map(|event| event.end).max()
    };
    let shows = marked(Pause::Waits).is_some_and(|end| last.is_none_or(|last| last < end));
    let lacks_result = marked(Pause::MayWait).is_some_and(|end| last.is_some_and(|l| l < end));
    let ran = |since: Timestamp| {
        let ran = spans.iter().filter(|event| {
            let done = !matches!(event.rare.pause, Some(Pause::Waits | Pause::MayWait));
            is_tool(event) && done && event.start >= since
        });
        ran.count() as u32
    };
    let mut last_calls = last_calls(spans).into_iter().filter(went_well);
    let asks = last_calls.any(|(event, call)| ran(event.start) < call.asked_tools);
    !root_failed(spans) && (shows || lacks_result || asks)
}

/// Whether a turn shows model calls alone, and the last one only asks for another agent (T-14).
pub fn passes_on(spans: &[&Event]) -> bool {
    let calls_alone = spans.iter().all(|event| match &event.kind {
        Kind::Model(call) => !call.is_agent && event.agent.is_none(),
        kind => matches!(
            kind,
            Kind::Structure | Kind::Note(_) | Kind::Guardrail { .. } | Kind::Retrieval { .. }
        ),
    });
    let last: Vec<_> = last_calls(spans).into_iter().filter(went_well).collect();
    let hands = |call: &ModelCall| call.answered == Some(false) && !call.requests.is_empty();
    let asks_tools = last.iter().any(|(_, call)| call.asked_tools > 0);
    calls_alone && !root_failed(spans) && !asks_tools && last.iter().any(|(_, call)| hands(call))
}

/// Whether a trace goes on with what waits: it says so, begins with a tool, or with a call that gets a tool's result (T-14).
pub fn resumes(spans: &[&Event]) -> bool {
    let says = |event: &&Event| event.rare.pause == Some(Pause::Resumes);
    let tools = spans
        .iter()
        .filter(|event| is_tool(event) && event.rare.pause != Some(Pause::Waits));
    let tool = tools.map(|event| event.start).min();
    let call = |continues: Option<bool>| {
        let such = calls(spans).filter(move |(_, call)| call.continues == continues);
        such.map(|(event, _)| event.start).min()
    };
    let begun = tool.into_iter().chain(call(Some(true))).min();
    let goes_on = begun.is_some_and(|begun| {
        let none_before = |continues| call(continues).is_none_or(|at| at > begun);
        none_before(Some(false)) && (call(Some(true)) == Some(begun) || none_before(None))
    });
    spans.iter().any(says) || goes_on
}
