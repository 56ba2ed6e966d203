//! Model calls of a turn, each counted once, however many spans show it.

use super::nesting;
use super::tree::Tree;
use crate::model::event::{Event, Kind, ModelCall, Operation};
use crate::model::ids::{SpanId, TraceId};
use rapidhash::{RapidHashMap as HashMap, RapidHashSet as HashSet};
use smallvec::{SmallVec, smallvec};

/// Of a call that two spans show side by side, the second may begin and end later by such a part of their time.
const SHIFT_DIVISOR: u64 = 20;
/// The same, where both tell the same tokens or the same response.
const PROVEN_SHIFT_DIVISOR: u64 = 4;

/// The model calls of a turn.
#[derive(Debug, Default)]
pub(super) struct ModelCalls {
    /// The event of each call, in order.
    pub(super) calls: Vec<usize>,
    /// The event that knows most of a call's tokens and cost, where that is another one.
    measures: HashMap<usize, usize>,
    /// Events that show a call which another event stands for.
    merged: HashSet<usize>,
}

/// One call.
#[derive(Clone, Copy, Debug)]
struct CountedCall {
    /// The event that stands for it as a step of its agent.
    step: usize,
    /// The event by which it is measured.
    measure: usize,
}

impl ModelCalls {
    /// The calls of a turn (C-1, C-4).
    pub(super) fn of(tree: &Tree<'_>) -> Self {
        let mut merged = HashSet::default();
        let mut nested = nested(tree, &mut merged);
        nested.sort_unstable_by_key(|call| call.step);
        let shown = side_by_side(tree, nested, &mut merged);
        let mut measures = HashMap::default();
        for call in &shown {
            if call.measure != call.step {
                measures.insert(call.step, call.measure);
            }
        }
        let mut calls: Vec<usize> = shown.iter().map(|call| call.step).collect();
        calls.sort_unstable();
        Self {
            calls,
            measures,
            merged,
        }
    }

    /// The event by which call `i` is measured.
    pub(super) fn measure(&self, i: usize) -> usize {
        self.measures.get(&i).copied().unwrap_or(i)
    }

    /// Whether event `i` shows a call that counts.
    pub(super) fn shows(&self, i: usize) -> bool {
        self.merged.contains(&i) || self.calls.binary_search(&i).is_ok()
    }
}

fn model<'e>(tree: &Tree<'e>, i: usize) -> Option<&'e ModelCall> {
    match &tree.events[i].kind {
        Kind::Model(call) => Some(call),
        _ => None,
    }
}

/// The nearest model event around event `i` that may show the same call: of the same agent, and asked for the same.
fn around(tree: &Tree<'_>, i: usize, nearest: &[Option<usize>]) -> Option<usize> {
    let inner = model(tree, i)?;
    // A call of another agent inside is a delegate's, made while this call went on.
    nesting::around(nearest, i).find(|&outer| {
        tree.agent(outer) == tree.agent(i)
            && model(tree, outer).is_some_and(|call| call.operation == inner.operation)
    })
}

/// Model events, each call once of those that show it inside each other; several SDKs wrap one call in two spans or more (C-1).
fn nested(tree: &Tree<'_>, merged: &mut HashSet<usize>) -> Vec<CountedCall> {
    let nearest = tree.nearest_around(|i| model(tree, i).is_some());
    let models = (0..tree.events.len()).filter(|&i| model(tree, i).is_some());
    let outer: HashMap<usize, Option<usize>> =
        models.map(|i| (i, around(tree, i, &nearest))).collect();
    let mut waiting: HashMap<usize, usize> = HashMap::default();
    for outer in outer.values().flatten() {
        *waiting.entry(*outer).or_default() += 1;
    }
    // From the innermost on; those around wait for all that is in them.
    let mut ready: Vec<usize> = outer.keys().copied().collect();
    ready.retain(|i| !waiting.contains_key(i));
    let mut inside: HashMap<usize, Vec<CountedCall>> = HashMap::default();
    let mut calls = Vec::new();
    while let Some(i) = ready.pop() {
        let found = of_event(tree, i, inside.remove(&i).unwrap_or_default(), merged);
        let Some(outer) = outer[&i] else {
            calls.extend(found);
            continue;
        };
        inside.entry(outer).or_default().extend(found);
        if let Some(left) = waiting.get_mut(&outer) {
            *left -= 1;
            if *left == 0 {
                ready.push(outer);
            }
        }
    }
    calls
}

/// The calls that event `i` shows with those inside it.
fn of_event(
    tree: &Tree<'_>,
    i: usize,
    mut inside: Vec<CountedCall>,
    merged: &mut HashSet<usize>,
) -> Vec<CountedCall> {
    let own = CountedCall {
        step: i,
        measure: i,
    };
    let failed = |i: usize| model(tree, i).is_none_or(|call| call.failed);
    let is_agent = model(tree, i).is_some_and(|call| call.is_agent);
    if inside.is_empty() {
        return vec![own];
    }
    let answered = inside.iter().any(|call| !failed(call.step));
    if failed(i) || is_agent && answered {
        return inside;
    }
    let mut well = inside.iter_mut().filter(|call| !failed(call.step));
    match (well.next(), well.next()) {
        // Each try inside failed, and yet it succeeded.
        (None, _) => inside.push(own),
        (Some(inner), None) => {
            merged.extend([inner.step, inner.measure, i]);
            // Of two that know as much the inner one is nearer to the wire.
            *inner = CountedCall {
                step: step_of(tree, *inner, own),
                measure: measure_of(tree, *inner, own),
            };
        }
        // It adds up several calls.
        (Some(_), Some(_)) => {}
    }
    inside
}

/// The event of two that stands for a call as a step: the first one, unless only the second one shows messages.
fn step_of(tree: &Tree<'_>, first: CountedCall, second: CountedCall) -> usize {
    let has_content = |i: usize| {
        model(tree, i).is_some_and(|call| call.answered.is_some() || !call.requests.is_empty())
    };
    match has_content(second.step) && !has_content(first.step) {
        true => second.step,
        false => first.step,
    }
}

/// The event of two by which a call is measured: the first one, unless the second one knows more.
fn measure_of(tree: &Tree<'_>, first: CountedCall, second: CountedCall) -> usize {
    match worth(tree, second.measure) > worth(tree, first.measure) {
        true => second.measure,
        false => first.measure,
    }
}

/// How much an event knows of what its call took.
fn worth(tree: &Tree<'_>, i: usize) -> (bool, bool, bool) {
    model(tree, i).map_or((false, false, false), |call| {
        (
            call.usage.is_some(),
            call.cost.usd().is_some(),
            call.model.is_some(),
        )
    })
}

/// A call with all events that show it, the first of them first.
struct ShownCall {
    by: SmallVec<[usize; 2]>,
    place: usize,
}

/// Calls, each once: an SDK that shows its calls itself, under an instrumentation that shows them too, gives two spans side by
/// side, one inside the other's time or nearly so. Several calls may be under way at once, but one instrumentation shows each of
/// them once (C-4).
fn side_by_side(
    tree: &Tree<'_>,
    nested: Vec<CountedCall>,
    merged: &mut HashSet<usize>,
) -> Vec<CountedCall> {
    let mut open = OpenCalls::default();
    let mut by_response: HashMap<(u64, Operation), usize> = HashMap::default();
    let mut kept: Vec<CountedCall> = Vec::new();
    for call in nested {
        let event = tree.events[call.step];
        let response = model(tree, call.step).and_then(|m| Some((m.response?, m.operation)));
        let known = response.and_then(|response| by_response.get(&response).copied());
        let same = known.filter(|&place| is_same_response(tree.events[kept[place].step], event));
        let place = same.or_else(|| find(tree, &mut open, call.step, kept.len()));
        let Some(place) = place else {
            by_response.extend(response.map(|response| (response, kept.len())));
            kept.push(call);
            continue;
        };
        let first = kept[place];
        merged.extend([first.step, first.measure, call.step, call.measure]);
        // The second one is nearer to the wire, where both know as much.
        kept[place] = CountedCall {
            step: step_of(tree, first, call),
            measure: measure_of(tree, call, first),
        };
    }
    kept
}

/// Calls that may still be under way, by the span around them.
type OpenCalls = HashMap<(TraceId, SpanId), Vec<ShownCall>>;

/// The place of the call beside event `i` that it shows again. If there is none, it is a call of its own, in place `next`.
fn find(tree: &Tree<'_>, open: &mut OpenCalls, i: usize, next: usize) -> Option<usize> {
    let event = tree.events[i];
    let calls = open.entry((event.trace, event.parent?)).or_default();
    calls.retain(|shown| tree.events[shown.by[0]].end >= event.start);
    let again = |other: &usize| is_shown_again(tree.events[*other], event);
    let other_hand = |other: &usize| instrumentation(tree.events[*other]) != instrumentation(event);
    let mut candidates = calls.iter_mut().rev();
    match candidates.find(|shown| again(&shown.by[0]) && shown.by.iter().all(other_hand)) {
        Some(shown) => {
            shown.by.push(i);
            Some(shown.place)
        }
        None => {
            calls.push(ShownCall {
                by: smallvec![i],
                place: next,
            });
            None
        }
    }
}

/// The instrumentation that shows a model call.
fn instrumentation(event: &Event) -> Option<u32> {
    match &event.kind {
        Kind::Model(call) => Some(call.instrumentation),
        _ => None,
    }
}

/// Whether two events that name one response show one call: one instrumentation twice at the same time, or two in overlapping
/// times. A server may give all its responses one id.
fn is_same_response(first: &Event, second: &Event) -> bool {
    let times = |event: &Event| (event.start, event.end);
    match instrumentation(first) == instrumentation(second) {
        true => times(first) == times(second),
        false => second.start <= first.end,
    }
}

/// Whether two model events under one span, the first one begun first, look like one call.
fn is_shown_again(first: &Event, second: &Event) -> bool {
    let (Kind::Model(a), Kind::Model(b)) = (&first.kind, &second.kind) else {
        return false;
    };
    // Instrumentations differ in how they add up the output of a stream.
    let (same_input, same_tokens) = match (a.usage, b.usage) {
        (Some(a), Some(b)) => (
            a.input == b.input,
            a.input == b.input && a.output == b.output,
        ),
        _ => (true, false),
    };
    let (other_response, same_response) = match (a.response, b.response) {
        (Some(a), Some(b)) => (a != b, a == b),
        _ => (false, false),
    };
    let shift = second
        .start
        .since(first.start)
        .max(second.end.since(first.end));
    let whole = second.end.since(first.start);
    let divisor = match same_tokens || same_response {
        true => PROVEN_SHIFT_DIVISOR,
        false => SHIFT_DIVISOR,
    };
    let is_near = shift.as_nanos() * u128::from(divisor) <= whole.as_nanos();
    a.operation == b.operation
        && a.model == b.model
        && same_input
        && !other_response
        && (second.end <= first.end || is_near)
}
