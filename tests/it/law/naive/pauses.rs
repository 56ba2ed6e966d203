//! Turns that wait for the user, or for the next call behind a proxy, and traces that go on with them (T-13, T-14).

use baton::model::event::{Event, Kind, ModelCall, Operation, Pause};
use baton::model::ids::{SpanId, TraceId};
use std::collections::BTreeSet;

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

fn is_note(event: &Event) -> bool {
    matches!(event.kind, Kind::Note(_))
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

/// The spans of a turn, to look up what is around each.
struct Around<'t, 'e>(&'t [&'e Event]);

impl<'e> Around<'_, 'e> {
    /// The spans around one, innermost first.
    fn up(&self, event: &'e Event) -> Vec<&'e Event> {
        let parent = |of: &&'e Event| {
            let mut spans = self.0.iter().filter(|span| !is_note(span)).copied();
            spans.find(|span| span.trace == of.trace && Some(span.span) == of.parent)
        };
        let up = std::iter::successors(parent(&event), parent);
        up.take(self.0.len()).collect()
    }

    /// The tool call around a span.
    fn tool_around(&self, event: &'e Event) -> Option<&'e Event> {
        let mut around = self.up(event).into_iter().filter(|span| is_tool(span));
        around.next().map(|tool| self.call(tool))
    }

    /// The tool call that a tool span shows: of those around each other that are one call the outermost (C-2).
    fn call(&self, tool: &'e Event) -> &'e Event {
        match self.tool_around(tool) {
            Some(outer) if is_one_call(outer, tool) => outer,
            _ => tool,
        }
    }

    /// The tool call around that of a span, by its id; nothing around all.
    fn scope(&self, event: &'e Event) -> Option<&'e Event> {
        match is_tool(event) {
            true => self.tool_around(self.call(event)),
            false => self.tool_around(event),
        }
    }

    /// The chat calls of the run that a span belongs to, and of the runs around it.
    fn calls_of_run(&self, event: &'e Event) -> Vec<(&'e Event, &'e ModelCall)> {
        let scope = |of: &&'e Event| self.scope(of);
        let mut scopes: Vec<_> = std::iter::successors(self.scope(event), scope).collect();
        scopes.truncate(self.0.len());
        let belongs = |call: &'e Event| match self.scope(call) {
            None => true,
            Some(own) => scopes.iter().any(|scope| id(scope) == id(own)),
        };
        let calls = calls(self.0).filter(|(call, _)| belongs(call));
        calls.collect()
    }

    /// How many tools ran of those that a call asked for.
    fn ran(&self, (event, call): (&'e Event, &ModelCall)) -> usize {
        let scope = self.scope(event).map(id);
        let mut ran = BTreeSet::new();
        for tool in self.0.iter().filter(|span| is_tool(span)) {
            let shown = self.call(tool);
            let done = !matches!(tool.rare.pause, Some(Pause::Waits | Pause::MayWait));
            let own = self.scope(tool).map(id) == scope && shown.start >= event.start;
            let Kind::Tool(what) = &shown.kind else {
                continue;
            };
            if done && own && !self.is_beside_its_call(shown) {
                let span = what.call_id.is_none().then(|| id(shown));
                ran.insert((what.call_id.clone(), span, what.hands_to.is_some()));
            }
        }
        let handed = ran.iter().filter(|(_, _, hands)| *hands).count();
        ran.len() - handed.min(call.requests.len())
    }

    /// Whether a tool span without an ID shows what another one of its time shows with one, or has no name (C-2).
    fn is_beside_its_call(&self, tool: &Event) -> bool {
        let named = |event: &Event| match &event.kind {
            Kind::Tool(tool) => (tool.name.clone(), tool.call_id.clone()),
            _ => unreachable!("a tool"),
        };
        let (name, call_id) = named(tool);
        let order = |event: &Event| (event.start, event.end, id(event));
        let mut tools = self.0.iter().filter(|span| is_tool(span));
        let hides = |other: &&&Event| {
            let (of, id) = named(self.call(other));
            let before = other.trace == tool.trace && order(other) < order(tool);
            before && of == name && id.is_some() && other.end >= tool.end
        };
        call_id.is_none() && (name.is_empty() || tools.any(|other| hides(&other)))
    }
}

fn id(event: &Event) -> (TraceId, SpanId) {
    (event.trace, event.span)
}

fn is_one_call(outer: &Event, inner: &Event) -> bool {
    let (Kind::Tool(outer), Kind::Tool(inner)) = (&outer.kind, &inner.kind) else {
        return false;
    };
    match (&outer.call_id, &inner.call_id) {
        (Some(one), Some(other)) => one == other,
        _ => outer.name == inner.name || inner.name.is_empty(),
    }
}

/// Whether a turn waits for the user (T-13).
pub fn waits(spans: &[&Event]) -> bool {
    let around = Around(spans);
    let shows = spans.iter().any(|event| {
        let last = || {
            around
                .calls_of_run(event)
                .iter()
                .map(|(c, _)| c.start)
                .max()
        };
        match event.rare.pause {
            Some(Pause::Waits) => last().is_none_or(|last| last < event.end),
            Some(Pause::MayWait) => last().is_some_and(|last| last < event.end),
            _ => false,
        }
    });
    let lacks_tools = calls(spans).filter(went_well).any(|(event, call)| {
        let broke =
            |span: &&Event| matches!(span.kind, Kind::Agent { .. } | Kind::Workflow) && span.error;
        let is_last = || {
            let calls = around.calls_of_run(event);
            calls.iter().all(|(other, _)| other.start <= event.start)
        };
        call.asked_tools > 0
            && is_last()
            && !around.up(event).iter().any(broke)
            && around.ran((event, call)) < call.asked_tools as usize
    });
    !root_failed(spans) && (shows || lacks_tools)
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
