//! Tool calls of a turn, each counted once, however many spans show it.

use super::nesting;
use super::pause::WaitingTools;
use super::tree::Tree;
use crate::model::Name;
use crate::model::event::{Event, Kind, Operation};
use crate::model::ids::TraceId;
use crate::model::time::Timestamp;
use rapidhash::{RapidHashMap as HashMap, RapidHashSet as HashSet};

/// Whether an event is a chat call, and not one for embeddings or the like.
pub(super) fn is_chat(event: &Event) -> bool {
    matches!(&event.kind, Kind::Model(call) if call.operation == Operation::Chat)
}

/// Tool events, each call once: agent, MCP client and MCP server may all report it (C-2).
pub(super) fn outermost_tools(tree: &Tree<'_>, waiting: &WaitingTools) -> Vec<usize> {
    // The first event of the latest call of an id.
    let mut ids: HashMap<(TraceId, &Name, &Name), usize> = HashMap::default();
    // The ends of calls with an id, by their tool: a server in the agent's process shows its part beside the call, without the id.
    let mut ends: HashMap<(TraceId, &Name), Timestamp> = HashMap::default();
    let around = tools_around(tree);
    (0..tree.events.len())
        .filter(|&i| {
            let Kind::Tool(tool) = &tree.events[i].kind else {
                return false;
            };
            // It did not run (T-13); when it does, that is the call. Without a name it is a part of one.
            if waiting.did_not_run(i) || tool.name.is_empty() {
                return false;
            }
            let event = tree.events[i];
            let nested = nesting::around(&around, i).any(
                |a| matches!(&tree.events[a].kind, Kind::Tool(outer) if outer.is_same_call(tool)),
            );
            let end = ends.entry((event.trace, &tool.name)).or_default();
            let beside = tool.call_id.is_none() && event.end <= *end;
            if tool.call_id.is_some() {
                *end = event.end.max(*end);
            }
            let known = tool.call_id.as_ref().is_some_and(|id| {
                let first = ids.entry((event.trace, id, &tool.name)).or_insert(i);
                let again = *first != i && !is_asked_anew(tree, *first, i);
                if !again {
                    *first = i;
                }
                again
            });
            !nested && !beside && !known
        })
        .collect()
}

/// The nearest tool around each event.
fn tools_around(tree: &Tree<'_>) -> Vec<Option<usize>> {
    tree.nearest_callers(|i| matches!(tree.events[i].kind, Kind::Tool(_)))
}

/// Whether two tool events have one name, or one of them has none: a server may give several calls of one answer one id.
fn is_named_alike(tree: &Tree<'_>, first: usize, second: usize) -> bool {
    match (&tree.events[first].kind, &tree.events[second].kind) {
        (Kind::Tool(first), Kind::Tool(second)) => {
            first.name == second.name || first.name.is_empty() || second.name.is_empty()
        }
        _ => false,
    }
}

/// Whether the agent asked a model between two calls that have one id: servers that number the calls of each answer anew give
/// both the same.
fn is_asked_anew(tree: &Tree<'_>, first: usize, second: usize) -> bool {
    let (end, start) = (tree.events[first].end, tree.events[second].start);
    let begun = tree.events.partition_point(|event| event.start < end);
    let between = tree.events[begun..].iter().enumerate();
    let mut between = between.take_while(|(_, event)| event.start <= start);
    between.any(|(place, event)| {
        let call = begun + place;
        event.trace == tree.events[second].trace
            && is_chat(tree.events[call])
            && tree.agent(call) == tree.agent(second)
    })
}

/// Tool events of which another span of the same call, inside them or with the same id, says that it failed: the outer span may be
/// well although the tool was not (C-5).
pub(super) fn failed_inside(tree: &Tree<'_>) -> HashSet<usize> {
    let tools_around = tools_around(tree);
    let mut failed = HashSet::default();
    let mut failed_ids: HashMap<_, Vec<usize>> = HashMap::default();
    let id = |i: usize| match &tree.events[i].kind {
        Kind::Tool(tool) => Some((tree.events[i].trace, tool.call_id.as_ref()?)),
        _ => None,
    };
    for (i, event) in tree.events.iter().enumerate() {
        let Kind::Tool(inner) = &event.kind else {
            continue;
        };
        if has_failed(tree, i) {
            let around = nesting::around(&tools_around, i).filter(|&outer| {
                matches!(&tree.events[outer].kind, Kind::Tool(tool) if tool.is_same_call(inner))
            });
            let around: Vec<usize> = around.collect();
            for event in around.iter().copied().chain([i]) {
                if let Some(id) = id(event) {
                    failed_ids.entry(id).or_default().push(event);
                }
            }
            failed.extend(around);
        }
    }
    if !failed_ids.is_empty() {
        let known = |&i: &usize| {
            let places = id(i).and_then(|id| failed_ids.get(&id));
            places.is_some_and(|places: &Vec<usize>| {
                places.iter().any(|&failed| {
                    let (first, second) = (failed.min(i), failed.max(i));
                    is_named_alike(tree, first, second) && !is_asked_anew(tree, first, second)
                })
            })
        };
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
