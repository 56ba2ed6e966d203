//! Model and tool calls of a turn, each counted once, however many spans show it.

use super::tree::Tree;
use crate::model::Name;
use crate::model::event::{Event, Kind, Operation};
use crate::model::ids::{SpanId, TraceId};
use crate::model::time::Timestamp;
use rapidhash::{RapidHashMap as HashMap, RapidHashSet as HashSet};
use smallvec::{SmallVec, smallvec};

/// Whether event `i` is a chat call.
pub(super) fn is_chat(tree: &Tree<'_>, i: usize) -> bool {
    matches!(&tree.events[i].kind, Kind::Model(call) if call.operation == Operation::Chat)
}

/// Model events without a model call inside; several SDKs wrap one call in two spans (C-1).
fn leaf_calls(tree: &Tree<'_>) -> Vec<usize> {
    let models: Vec<usize> = (0..tree.events.len())
        .filter(|&i| matches!(tree.events[i].kind, Kind::Model(_)))
        .collect();
    let mut wraps = vec![false; tree.events.len()];
    for &inner in &models {
        for outer in tree.ancestors(inner) {
            // A call of another agent inside is a delegate's, made while this call went on.
            let same_agent = tree.agent(outer) == tree.agent(inner);
            if same_agent && matches!(tree.events[outer].kind, Kind::Model(_)) {
                wraps[outer] = true;
            }
        }
    }
    models.into_iter().filter(|&i| !wraps[i]).collect()
}

/// Model events, each call once: an SDK that shows its calls itself, under an instrumentation that shows them too, gives two
/// spans side by side, one inside the other's time. The outer one stays; the second answer names the inner one of each. Several
/// calls may be under way at once, but one instrumentation shows each of them once (C-4).
pub(super) fn shown_once(tree: &Tree<'_>) -> (Vec<usize>, HashMap<usize, usize>) {
    // Under each span the calls that may still be under way, each with the events that show it.
    let mut open: HashMap<(TraceId, SpanId), Vec<SmallVec<[usize; 2]>>> = HashMap::default();
    let mut twins = HashMap::default();
    let mut kept = Vec::new();
    for i in leaf_calls(tree) {
        let event = tree.events[i];
        let Some(parent) = event.parent else {
            kept.push(i);
            continue;
        };
        let calls = open.entry((event.trace, parent)).or_default();
        calls.retain(|shown| tree.events[shown[0]].end >= event.start);
        let again = |other: &usize| is_shown_again(tree.events[*other], event);
        let other_hand =
            |other: &usize| instrumentation(tree.events[*other]) != instrumentation(event);
        let known = calls
            .iter_mut()
            .rev()
            .find(|shown| again(&shown[0]) && shown.iter().all(other_hand));
        match known {
            Some(shown) => {
                twins.insert(shown[0], i);
                shown.push(i);
            }
            None => {
                calls.push(smallvec![i]);
                kept.push(i);
            }
        }
    }
    (kept, twins)
}

/// The instrumentation that shows a model call.
fn instrumentation(event: &Event) -> Option<u32> {
    match &event.kind {
        Kind::Model(call) => Some(call.instrumentation),
        _ => None,
    }
}

/// Whether two model events under one span, the first one begun first, look like one call.
fn is_shown_again(first: &Event, second: &Event) -> bool {
    let (Kind::Model(a), Kind::Model(b)) = (&first.kind, &second.kind) else {
        return false;
    };
    // Instrumentations differ in how they add up the output of a stream.
    let same_tokens = match (a.usage, b.usage) {
        (Some(a), Some(b)) => a.input == b.input,
        _ => true,
    };
    a.operation == b.operation && a.model == b.model && second.end <= first.end && same_tokens
}

/// Tool events, each call once: agent, MCP client and MCP server may all report it (C-2).
pub(super) fn outermost_tools(tree: &Tree<'_>) -> Vec<usize> {
    let mut ids = HashSet::default();
    // The ends of calls with an id, by their tool: a server in the agent's process shows its part beside the call, without the id.
    let mut ends: HashMap<(TraceId, &Name), Timestamp> = HashMap::default();
    (0..tree.events.len())
        .filter(|&i| {
            let Kind::Tool(tool) = &tree.events[i].kind else {
                return false;
            };
            let event = tree.events[i];
            let nested = tree.callers(i).any(
                |a| matches!(&tree.events[a].kind, Kind::Tool(outer) if outer.name == tool.name),
            );
            let end = ends.entry((event.trace, &tool.name)).or_default();
            let beside = tool.call_id.is_none() && event.end <= *end;
            if tool.call_id.is_some() {
                *end = event.end.max(*end);
            }
            let known = tool
                .call_id
                .as_ref()
                .is_some_and(|id| !ids.insert((event.trace, id)));
            !nested && !beside && !known
        })
        .collect()
}

/// Tool events of which another span of the same call, inside them or with the same id, says that it failed: the outer span may be
/// well although the tool was not (C-5).
pub(super) fn failed_inside(tree: &Tree<'_>) -> HashSet<usize> {
    let mut failed = HashSet::default();
    let mut failed_ids = HashSet::default();
    let id = |i: usize| match &tree.events[i].kind {
        Kind::Tool(tool) => Some((tree.events[i].trace, tool.call_id.as_ref()?)),
        _ => None,
    };
    for (i, event) in tree.events.iter().enumerate() {
        let Kind::Tool(inner) = &event.kind else {
            continue;
        };
        if has_failed(tree, i) {
            let around = tree.callers(i).filter(|&outer| {
                matches!(&tree.events[outer].kind, Kind::Tool(tool) if tool.name == inner.name)
            });
            let around: Vec<usize> = around.collect();
            failed_ids.extend(around.iter().copied().chain([i]).filter_map(id));
            failed.extend(around);
        }
    }
    if !failed_ids.is_empty() {
        let known = |&i: &usize| id(i).is_some_and(|id| failed_ids.contains(&id));
        failed.extend((0..tree.events.len()).filter(known));
    }
    failed
}

/// Whether step `i` failed. A tool that hands over never does, as the handoff is judged by itself.
pub(super) fn has_failed(tree: &Tree<'_>, i: usize) -> bool {
    let event = tree.events[i];
    match &event.kind {
        Kind::Model(call) => call.failed,
        Kind::Tool(tool) => tool.hands_to.is_none() && (tool.failed || event.error),
        _ => event.error,
    }
}
