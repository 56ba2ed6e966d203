//! Known answers of the stitcher: each scene is a handful of events, its story the facts that must come out.

mod activations;
mod answers;
mod asks;
mod beside;
mod cases;
mod contacts;
mod contexts;
mod cumulative_usage;
mod event_buffer;
mod exchanges;
mod handoffs;
mod identity;
mod intents;
mod keys;
mod links;
mod memory;
mod model_calls;
mod money;
mod notes;
mod outcomes;
mod pauses;
mod remarks;
mod reopened;
mod repeated;
mod retention;
mod rounds;
mod sampling;
mod scene;
mod session_merge;
mod sessions;
mod shared;
mod shares;
mod standing;
mod targets;
mod tenants;
mod tool_calls;
mod turns;
mod waits;
mod workflows;

use super::*;
use crate::model::compact::{CowArc, OptionBox};
use crate::model::evaluation::Evaluation;
use crate::model::event::*;
use crate::model::fact::{Ignored, TurnResult};
use crate::model::ids::Link;
use crate::model::ids::{SpanId, TenantScoped};
use crate::model::{List, Name, list};
use crate::turn::Judge;
use scene::*;
use std::time::Duration;

const NOTHING: [&str; 0] = [];

/// Runs a scene as one session, each event at its own end, then lets all timers run out.
fn run(scene: &Scene) -> Vec<Fact> {
    let mut events = scene.events.clone();
    events.sort_by_key(|e| e.end);
    play(events.into_iter().map(|e| (e.end, e)).collect())
}

fn play(events: Vec<(Timestamp, Event)>) -> Vec<Fact> {
    play_with(events, &Settings::default())
}

fn play_with(events: Vec<(Timestamp, Event)>, settings: &Settings) -> Vec<Fact> {
    let mut stitcher = Stitcher::new(settings.clone());
    let mut out = Output::default();
    for (arrival, event) in events {
        settle(&mut stitcher, arrival, &mut out);
        let entry = Entry {
            key: session("s"),
            record: Record::Event(Box::new(event)),
        };
        stitcher.apply(entry, arrival, &mut out);
        // Every story goes through a snapshot at every step.
        stitcher = reborn(&stitcher, settings.clone());
    }
    while let Some(due) = stitcher.next_deadline() {
        settle(&mut stitcher, due, &mut out);
        stitcher = reborn(&stitcher, settings.clone());
    }
    assert_eq!(stitcher.keys(), 0, "all timers ran out, nothing is held");
    assert_eq!(stitcher.weight(), 0);
    out.facts
}

/// The same state, as the next process has it.
fn reborn(stitcher: &Stitcher, settings: Settings) -> Stitcher {
    let mut reborn = Stitcher::new(settings);
    for slot in stitcher.save() {
        let bytes = prost::Message::encode_to_vec(&slot);
        let slot = prost::Message::decode(bytes.as_slice()).expect("a slot");
        reborn.restore(slot).expect("what was saved is valid");
    }
    assert_eq!(reborn.keys(), stitcher.keys());
    assert_eq!(reborn.weight(), stitcher.weight());
    assert_eq!(reborn.next_deadline(), stitcher.next_deadline());
    reborn
}

/// Fires all timers up to `now` and delivers what they send to users.
fn settle(stitcher: &mut Stitcher, now: Timestamp, out: &mut Output) {
    stitcher.advance(now, out);
    for (key, record) in std::mem::take(&mut out.sends) {
        stitcher.apply(Entry { key, record }, now, out);
    }
}

/// The facts about handoffs and escalations, one a line.
fn handoffs(facts: &[Fact]) -> Vec<String> {
    facts
        .iter()
        .filter_map(|fact| match &fact.what {
            What::Handoff(h) => {
                let (result, reason) = h.result.labels();
                let kind = h.kind.as_str();
                let line = format!("{} -> {} {kind} {result} {reason}", h.from, h.to);
                Some(line.trim_end().to_owned())
            }
            What::Escalation { from, .. } => Some(format!("{from} escalates")),
            _ => None,
        })
        .collect()
}

fn turns(facts: &[Fact]) -> Vec<(TurnResult, u128)> {
    facts
        .iter()
        .filter_map(|fact| match &fact.what {
            What::Turn(turn) => Some((turn.result, turn.duration.as_millis())),
            _ => None,
        })
        .collect()
}

fn outcomes(facts: &[Fact]) -> Vec<Outcome> {
    facts
        .iter()
        .filter_map(|fact| match &fact.what {
            What::Workflow(workflow) => Some(workflow.outcome),
            _ => None,
        })
        .collect()
}

fn count(facts: &[Fact], pick: impl Fn(&What) -> bool) -> usize {
    facts.iter().filter(|fact| pick(&fact.what)).count()
}

fn is_call(what: &What) -> bool {
    matches!(what, What::Model(_))
}
