//! One agent has one identity, however its name is spelt: a story with other spellings is the same story.

use crate::law::figures::difference;
use crate::law::play::{self, Told, Way};
use crate::law::story::{self, Story};
use crate::support::dice::Dice;
use baton::model::Name;
use baton::model::event::{Event, Kind, Target};
use baton::model::ids::TraceId;
use std::collections::{BTreeMap, BTreeSet};

/// Another spelling of a name, which its key makes the same.
fn spelt(name: &str, dice: &mut Dice) -> Name {
    let mut letters = name.chars();
    let first = letters.next().expect("a name");
    let rest = letters.as_str();
    let spelling = match dice.below(6) {
        0 => name.to_uppercase(),
        1 => format!("{first}_{rest}"),
        2 => format!("{first} {rest}."),
        3 => name.replace('i', "í"),
        4 => format!("{name}-3f2a9c1{}", dice.below(10)),
        _ => return name.into(),
    };
    spelling.into()
}

/// The agents that have spans of their own, by trace: what their spans say is what they are called.
fn acting(events: &[Event]) -> BTreeMap<TraceId, BTreeSet<Name>> {
    let mut acting: BTreeMap<TraceId, BTreeSet<Name>> = BTreeMap::new();
    for event in events {
        if let (Kind::Agent { inferred: false }, Some(agent)) = (&event.kind, &event.agent) {
            acting.entry(event.trace).or_default().insert(agent.clone());
        }
    }
    // The trace of a call or a job may have several turns, in one of which the agent does not act.
    let is_call = |event: &&Event| {
        let session = event.context.session.as_ref();
        let several = |id: &str| id.starts_with("call-") || id.starts_with("job-");
        event.rare.is_exchange || session.is_some_and(|hint| several(&hint.id))
    };
    for event in events.iter().filter(is_call) {
        acting.remove(&event.trace);
    }
    acting
}

/// The story with other spellings. Where an agent has a number, some spans call it by that alone.
fn respelt(story: &Story, seed: u64) -> Story {
    let acting = acting(&story.events);
    let mut dice = Dice::new(seed ^ 0xA6E);
    let mut events = story.events.clone();
    for event in &mut events {
        let Some(known) = acting.get(&event.trace) else {
            continue;
        };
        let numbered = event.trace.as_bytes()[15].is_multiple_of(2);
        let number = |name: &str| Name::from(format!("id/{name}").as_str());
        let own = matches!(event.kind, Kind::Agent { inferred: false });
        let mut respell = |name: &mut Name| {
            if known.contains(name) {
                *name = match numbered && dice.one_in(3) {
                    true => number(name),
                    false => spelt(name, &mut dice),
                };
            }
        };
        match &mut event.kind {
            Kind::Model(call) => {
                for request in call.requests.iter_mut() {
                    if let Target::Agent(name) = &mut request.target {
                        respell(name);
                    }
                }
            }
            Kind::Tool(tool) => {
                if let Some(Target::Agent(name)) = &mut tool.hands_to {
                    respell(name);
                }
            }
            Kind::Handoff(handoff) => {
                if let Target::Agent(name) = &mut handoff.to {
                    respell(name);
                }
                handoff.from.iter_mut().for_each(&mut respell);
            }
            _ => {}
        }
        if let Some(agent) = &mut event.agent {
            if own {
                event.rare.agent_id = numbered.then(|| number(agent));
            } else {
                respell(agent);
            }
        }
    }
    Story {
        config: story.config.clone(),
        events,
    }
}

fn told(story: &Story) -> Told {
    play::play(story, Way::plain(), &mut |_, _| {}).0
}

#[test]
fn an_agent_is_one_however_it_is_spelt() {
    crate::law::each("names", 40, |seed| {
        let story = story::tell(seed);
        let (plain, other) = (told(&story), told(&respelt(&story, seed)));
        let figures = difference(&plain.figures.0, &other.figures.0);
        let facts = difference(&plain.facts, &other.facts);
        let differ = plain != other;
        differ
            .then(|| format!("{figures}\n{facts}"))
            .into_iter()
            .collect()
    });
}
