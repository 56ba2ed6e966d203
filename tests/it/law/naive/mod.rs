//! The reference implementation of time, order and binding, written from `docs/semantics.md` alone: slow, simple, without a clock. It has all
//! events at once, in the order of their own time. Where the two disagree, one of three is wrong: this, Baton, or the document.
//!
//! It knows which spans are one turn, which turns are one session and one workflow, and when each of them is over. How a handoff is
//! judged, what an answer is and what a call costs it does not know: recordings, scenes and mutants prove those rules.

mod exchanges;
mod links;
mod parts;
mod pauses;
mod sessions;
mod shared;
mod turns;
mod workflows;

use baton::model::evaluation::Evaluation;
use baton::model::event::{Event, Kind};
use baton::model::ids::{TenantScoped, TraceId};
use baton::model::sampling::Threshold;
use baton::model::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use turns::Turn;

/// Sums by name and labels; labels without a value are left out.
#[derive(Debug, Default)]
pub struct Sheet(pub BTreeMap<String, f64>);

impl Sheet {
    pub fn add(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        let known = labels.iter().filter(|(_, value)| !value.is_empty());
        let labels: Vec<String> = known.map(|(key, value)| format!("{key}={value}")).collect();
        let key = format!("{name}{{{}}}", labels.join(","));
        *self.0.entry(key).or_default() += value;
    }
}

/// The families that are told, each with the labels that are: of the others the rules decide.
pub const FAMILIES: &[(&str, &[&str])] = &[
    ("baton_sessions_total", &[]),
    ("baton_turns_total", &["workflow"]),
    ("baton_observed_turns_total", &["sampling"]),
    ("baton_workflows_total", &["workflow"]),
    ("baton_workflow_recontacts_total", &["workflow"]),
    ("baton_workflows_without_user_total", &["workflow"]),
    ("baton_retrievals_total", &[]),
    ("baton_workflow_feedback_score", &["workflow"]),
    ("baton_evaluation_score", &["name"]),
];

/// What the operator decides.
pub struct Settings {
    pub settle: Duration,
    pub bind_timeout: Duration,
    pub trace_timeout: Duration,
    pub turn_timeout: Duration,
    pub drop_timeout: Duration,
    pub idle_timeout: Duration,
    pub max_age: Duration,
    pub recontact_window: Duration,
    /// The rules of the desk of the stories apply.
    pub ruled: bool,
}

/// The figures of all these events.
pub fn tell(events: &[Event], settings: &Settings) -> Sheet {
    let mut sheet = Sheet::default();
    let mut closed = Vec::new();
    let (events, dealt) = shared::dealt(&links::followed(events, settings), settings);
    for events in sessions::that_ever_met(&events) {
        let turns = turns::of(&events, settings, &dealt);
        for (number, turn) in turns.iter().enumerate() {
            scores(&events, &turn.events, turn, &mut sheet);
            // A remark is about the turn that was the last one.
            let mut before = turns[..=number].iter().rev();
            let about = before.find(|turn| turn.is_one()).unwrap_or(turn);
            scores(&events, &turn.remarks, about, &mut sheet);
        }
        for event in &dealt.beside {
            let of_trace = |turn: &&Turn<'_>| turn.events.iter().any(|e| e.trace == event.trace);
            if let Some(last) = turns.iter().rev().find(of_trace) {
                scores(&dealt.beside, &[event], last, &mut sheet);
            }
        }
        for turn in turns.iter().filter(|turn| turn.is_one()) {
            let weight = weight_of_trace(&events, turn.trace(), turn.shown);
            // What was counted as two sessions before they met stays so.
            let known = |(i, earlier): (usize, &Turn<'_>)| earlier.is_one() && turn.follows(i);
            if !turns.iter().enumerate().any(known)
                && !sessions::met_before_it_counted(&turns, turn)
            {
                sheet.add("baton_sessions_total", &[], weight);
            }
            let labels = [("workflow", &*turn.workflow())];
            sheet.add("baton_turns_total", &labels, weight);
            let sampling = match threshold(&events, turn.trace(), turn.shown) {
                Some(_) => "weighted",
                None => "unweighted",
            };
            let labels = [("sampling", sampling)];
            sheet.add("baton_observed_turns_total", &labels, 1.0);
        }
        closed.extend(workflows::of(&events, &turns, settings, &mut sheet));
    }
    workflows::recontacts(&closed, settings, &mut sheet);
    sheet
}

/// The IDs of each session, those that meet sooner or later together.
pub fn sessions(events: &[Event], settings: &Settings) -> Vec<BTreeSet<TenantScoped>> {
    let (events, _) = shared::dealt(&links::followed(events, settings), settings);
    let sessions = sessions::that_ever_met(&events).into_iter();
    let ids = |events: Vec<Event>| sessions::ids_of_all(&events.iter().collect::<Vec<_>>());
    sessions.map(ids).collect()
}

/// How often what the rules are about happens: the turns by what is special about them.
pub fn contents(events: &[Event], settings: &Settings) -> BTreeMap<&'static str, u64> {
    let mut contents = BTreeMap::new();
    let in_contexts = shared::in_shared_contexts(events);
    contents.insert("in a context that sessions share", in_contexts);
    let (events, dealt) = shared::dealt(&links::followed(events, settings), settings);
    for events in sessions::that_ever_met(&events) {
        let turns = turns::of(&events, settings, &dealt);
        for turn in &turns {
            let traces: BTreeSet<TraceId> = turn.events.iter().map(|event| event.trace).collect();
            let split = turns.iter().any(|other| {
                let mut shared = other.events.iter().filter(|e| traces.contains(&e.trace));
                !std::ptr::eq(other, turn) && shared.next().is_some()
            });
            let says = |is: fn(&Event) -> bool| turn.events.iter().any(|event| is(event));
            let exchange = says(|event| event.rare.is_exchange);
            let resumed = traces.iter().any(|trace| {
                let own = turn.events.iter().filter(|event| event.trace == *trace);
                traces.len() > 1 && pauses::resumes(&own.copied().collect::<Vec<_>>())
            });
            let lasts = turn.end.since(turn.start) > Duration::from_secs(600);
            for (what, happens) in [
                (
                    "one of several turns of its trace, as a span says",
                    split && exchange,
                ),
                (
                    "one of several turns of its trace, as nothing says",
                    split && !exchange,
                ),
                ("waits for the user", pauses::waits(&turn.events)),
                ("waits for the next call", pauses::passes_on(&turn.events)),
                ("goes on in another trace", resumed),
                ("lasts long", lasts),
                (
                    "one part of a trace of several sessions",
                    traces.iter().any(|trace| dealt.whole(*trace) != *trace),
                ),
                ("a remark that comes alone", turn.events.is_empty()),
                (
                    "one of a trace of which a turn was finalized before",
                    turns.iter().any(|other| {
                        let mut shared = other.events.iter().filter(|e| traces.contains(&e.trace));
                        other.decided < turn.start && shared.next().is_some()
                    }),
                ),
            ] {
                *contents.entry(what).or_default() += u64::from(happens);
            }
        }
    }
    contents
}

/// What adds up wherever it is bound, and counts once: searches, and scores of spans and of log records about them.
fn scores(events: &[Event], own: &[&Event], turn: &Turn<'_>, sheet: &mut Sheet) {
    for event in own {
        let weight = weight(event.rare.threshold, event.trace)
            .unwrap_or_else(|| weight_of_trace(events, event.trace, turn.shown));
        if matches!(event.kind, Kind::Retrieval { .. }) {
            sheet.add("baton_retrievals_total", &[], weight);
        }
        let own = event.rare.evaluations.iter();
        for evaluation in own.filter(|e| e.score.is_some() && is_new(events, event, e)) {
            if ["user_feedback", "csat", "rating"].contains(&&*evaluation.name) {
                let labels = [("workflow", &*turn.workflow())];
                sheet.add("baton_workflow_feedback_score", &labels, weight);
            } else {
                let labels = [("name", &*evaluation.name)];
                sheet.add("baton_evaluation_score", &labels, weight);
            }
        }
    }
}

/// A log record may say what its span says already.
fn is_new(events: &[Event], event: &Event, evaluation: &Evaluation) -> bool {
    about(events, event).is_none_or(|span| !span.rare.evaluations.contains(evaluation))
}

/// The span that a log record is about.
fn about<'e>(events: &'e [Event], note: &Event) -> Option<&'e Event> {
    let is_it = |span: &&Event| {
        (span.trace, span.span) == (note.trace, note.span) && !matches!(span.kind, Kind::Note(_))
    };
    let mut spans = events.iter();
    spans
        .find(is_it)
        .filter(|_| matches!(note.kind, Kind::Note(_)))
}

/// How a trace was sampled: as that span of it which was kept most surely, of those that had come by then.
fn threshold(events: &[Event], trace: TraceId, by: Timestamp) -> Option<Threshold> {
    let own = events
        .iter()
        .filter(|event| event.trace == trace && event.end <= by);
    own.filter_map(|event| event.rare.threshold).min()
}

fn weight(threshold: Option<Threshold>, trace: TraceId) -> Option<f64> {
    threshold.map(|threshold| threshold.weight(trace) as f64)
}

/// How many like it something stands for that is no single span.
fn weight_of_trace(events: &[Event], trace: TraceId, by: Timestamp) -> f64 {
    weight(threshold(events, trace, by), trace).unwrap_or(1.0)
}
