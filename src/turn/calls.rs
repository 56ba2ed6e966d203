//! Tool calls of a turn, each counted once, however many spans show it.

use super::pause::WaitingTools;
use super::tree::Tree;
use crate::model::Name;
use crate::model::event::{Kind, Operation, ToolCall};
use crate::model::ids::TraceId;
use crate::model::time::Timestamp;
use rapidhash::{RapidHashMap as HashMap, RapidHashSet as HashSet};

/// Whether event `i` is a chat call.
pub(super) fn is_chat(tree: &Tree<'_>, i: usize) -> bool {
    matches!(&tree.events[i].kind, Kind::Model(call) if call.operation == Operation::Chat)
}

/// Tool events, each call once: agent, MCP client and MCP server may all report it (C-2).
pub(super) fn outermost_tools(tree: &Tree<'_>, waiting: &WaitingTools) -> Vec<usize> {
    let mut ids = HashSet::default();
    // The ends of calls with an id, by their tool: a server in the agent's process shows its part beside the call, without the id.
    let mut ends: HashMap<(TraceId, &Name), Timestamp> = HashMap::default();
    (0..tree.events.len())
        .filter(|&i| {
            let Kind::Tool(tool) = &tree.events[i].kind else {
                return false;
            };
            // It did not run (T-13); when it does, that is the call.
            if waiting.did_not_run(i) {
                return false;
            }
            let event = tree.events[i];
            let nested = tree.callers(i).any(
                |a| matches!(&tree.events[a].kind, Kind::Tool(outer) if is_same_call(outer, tool)),
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

/// Whether two tool events, one inside the other, show one call: they have one name, and their ids do not differ.
fn is_same_call(outer: &ToolCall, inner: &ToolCall) -> bool {
    let ids_differ = outer.call_id.is_some() && inner.call_id.is_some();
    outer.name == inner.name && (!ids_differ || outer.call_id == inner.call_id)
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
                matches!(&tree.events[outer].kind, Kind::Tool(tool) if is_same_call(tool, inner))
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

/// Whether step `i` was cancelled: it neither failed nor succeeded.
pub(super) fn is_cancelled(tree: &Tree<'_>, i: usize) -> bool {
    tree.events[i].rare.cancelled
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
