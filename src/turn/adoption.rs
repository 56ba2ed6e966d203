//! Calls that stand beside the span of their agent instead of inside it.

use super::tree::Tree;
use crate::model::event::Kind;

/// Moves the calls of a trace that belong to nobody into the agent in whose time they lie: where answers are streamed, some SDKs make
/// the calls siblings of their agent's span.
pub(super) fn adopt(tree: &mut Tree<'_>) {
    let homes: Vec<usize> = (0..tree.events.len())
        .filter(|&i| matches!(tree.events[i].kind, Kind::Agent { inferred: false }))
        .filter(|&i| tree.agent(i).is_some())
        .collect();
    if homes.is_empty() {
        return;
    }
    let is_orphan = |i: usize| {
        let acts = matches!(
            tree.events[i].kind,
            Kind::Model(_) | Kind::Tool(_) | Kind::Handoff(_) | Kind::Retrieval { .. }
        );
        acts && tree.agent(i).is_none()
    };
    let orphans: Vec<usize> = (0..tree.events.len()).filter(|&i| is_orphan(i)).collect();
    let outer = tree.nearest_around(is_orphan);
    let mut moves: Vec<(usize, usize)> = Vec::new();
    for outermost in orphans {
        // The outermost of nested calls takes those inside it along.
        if outer[outermost].is_some() {
            continue;
        }
        if let Some(home) = home_of(tree, &homes, outermost) {
            moves.push((outermost, home));
        }
    }
    if !moves.is_empty() {
        tree.move_into(&moves);
    }
}

/// The agent in whose time a call lies and beside whose span it stands; of several the one that began last.
fn home_of(tree: &Tree<'_>, homes: &[usize], i: usize) -> Option<usize> {
    let event = tree.events[i];
    let around = homes.iter().copied().filter(|&home| {
        let agent = tree.events[home];
        let beside = tree
            .parent(home)
            .is_none_or(|parent| tree.is_inside(i, parent));
        agent.trace == event.trace
            && agent.start <= event.start
            && event.end <= agent.end
            && beside
            && !tree.is_inside(home, i)
    });
    around.max_by_key(|&home| {
        (
            tree.parent(home) == tree.parent(i),
            tree.events[home].start,
            home,
        )
    })
}
