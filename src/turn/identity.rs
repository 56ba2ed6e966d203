//! The agents of a turn, each with one name, however many spellings and ids its spans use.

use crate::model::Name;
use crate::model::agent_kin::{self, kinship};
use crate::model::agent_name;
use crate::model::event::{Event, Kind, Target};
use crate::model::small_map::SmallSet;
use rapidhash::RapidHashMap as HashMap;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// The identities of a turn, by what its spans call them.
#[derive(Debug, Default)]
pub(super) struct Identities<'a> {
    list: Vec<Identity>,
    by_text: HashMap<&'a Name, usize>,
}

/// One agent.
#[derive(Debug)]
struct Identity {
    /// The spelling that is reported.
    name: Name,
    rank: SpellingRank,
    /// A span says that it works for this agent: it is no mere target.
    acts: bool,
    /// Somebody hands over to it.
    wanted: bool,
}

/// Which of several spellings is reported, the smallest: who uses it, and how much it looks like a name.
type SpellingRank = (Speaker, Reverse<usize>, usize, Name);

/// Who uses a spelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Speaker {
    /// The agent's own span.
    Agent,
    /// A span of its work.
    Work,
    /// Somebody who hands over to it.
    Source,
    /// A span that mentions it.
    Other,
}

impl<'a> Identities<'a> {
    pub(super) fn of(events: &[&'a Event]) -> Self {
        let mut found = Found::default();
        for event in events {
            found.add_names(event);
        }
        let ids = found.ids();
        let mut identities = Self::default();
        let mut by_key: HashMap<String, usize> = HashMap::default();
        let mut mentions = std::mem::take(&mut found.mentions);
        // Who acts comes first: targets are looked up among those who act.
        mentions.sort_by_key(|(_, speaker)| *speaker);
        for (text, speaker) in mentions {
            let known = identities.by_text.get(text).copied();
            let index = known.unwrap_or_else(|| {
                let index = identities.place(text, speaker, &ids, &mut by_key);
                identities.by_text.insert(text, index);
                index
            });
            identities.list[index].hear(text, speaker, &ids);
        }
        identities
    }

    /// The number of the agent that a text stands for, which may be new.
    fn place(
        &mut self,
        text: &'a Name,
        speaker: Speaker,
        ids: &HashMap<String, String>,
        by_key: &mut HashMap<String, usize>,
    ) -> usize {
        let whole = agent_name::key(text);
        let key = match ids.get(&whole) {
            Some(named) => named.clone(),
            None => agent_name::key(agent_name::lasting(text)),
        };
        if let Some(&known) = by_key.get(&key) {
            return known;
        }
        let alike = |i: &Identity| i.acts && agent_name::is_alike(&i.name, text);
        if !matches!(speaker, Speaker::Agent | Speaker::Work)
            && let Some(known) = self.list.iter().position(alike)
        {
            return known;
        }
        let name = agent_name::lasting_name(text);
        self.list.push(Identity {
            rank: rank(Speaker::Other, &name),
            name,
            acts: false,
            wanted: false,
        });
        by_key.insert(key, self.list.len() - 1);
        self.list.len() - 1
    }

    /// Lets targets that do not act stand for the one agent at work whose name only says more or less of its role (H-2). `asked` are
    /// targets with the agents that hand over to them, by their numbers. Returns whether any target does.
    pub(super) fn join_kin(
        &mut self,
        asked: &[(usize, Option<usize>)],
        known: &SmallSet<Name>,
    ) -> bool {
        let mut sources: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (target, source) in asked {
            if !self.list[*target].acts {
                sources.entry(*target).or_default().extend(source);
            }
        }
        if sources.is_empty() {
            return false;
        }
        let mut actors: HashMap<String, Vec<usize>> = HashMap::default();
        for (number, identity) in self.list.iter().enumerate().filter(|(_, i)| i.acts) {
            let core = agent_kin::core(&identity.name);
            actors.entry(core).or_default().push(number);
        }
        let home = |(target, sources): (&usize, &Vec<usize>)| {
            let name = &self.list[*target].name;
            // It acted before under this very name.
            if known.iter().any(|agent| agent_name::is_alike(agent, name)) {
                return None;
            }
            let actors = actors.get(&agent_kin::core(name))?.iter();
            let others = actors.filter(|actor| !sources.contains(actor));
            let near = others.filter_map(|&i| Some((kinship(&self.list[i].name, name)?, i)));
            let mut near: Vec<_> = near.collect();
            near.sort_unstable();
            match near.as_slice() {
                [(first, _), (second, _), ..] if first == second => None,
                near => near.first().map(|(_, actor)| (*target, *actor)),
            }
        };
        let homes: HashMap<usize, usize> = sources.iter().filter_map(home).collect();
        for number in self.by_text.values_mut() {
            *number = homes.get(number).copied().unwrap_or(*number);
        }
        for actor in homes.values() {
            self.list[*actor].wanted = true;
        }
        !homes.is_empty()
    }

    /// The number of the agent that a span names.
    pub(super) fn number(&self, text: &Name) -> Option<usize> {
        self.by_text.get(text).copied()
    }

    /// The name of an agent by its number.
    pub(super) fn name(&self, number: usize) -> &Name {
        &self.list[number].name
    }

    /// The name under which an agent is reported.
    pub(super) fn reported<'n>(&'n self, text: &'n Name) -> &'n Name {
        self.number(text).map_or(text, |number| self.name(number))
    }

    /// Whether spans show an agent of that name at work.
    pub(super) fn acts(&self, text: &Name) -> bool {
        self.number(text)
            .is_some_and(|number| self.list[number].acts)
    }

    /// Whether somebody hands over to that agent.
    pub(super) fn is_wanted(&self, text: &Name) -> bool {
        self.number(text)
            .is_some_and(|number| self.list[number].wanted)
    }

    /// Whether spans show any agent at work.
    pub(super) fn any_acts(&self) -> bool {
        self.list.iter().any(|identity| identity.acts)
    }

    /// The number of the agent that a handoff leads to; people and what is only a number have none.
    pub(super) fn target_number(&self, text: &Name) -> Option<usize> {
        let number = self.number(text)?;
        let stands =
            self.list[number].acts || !agent_name::is_person(text) && !agent_name::is_number(text);
        stands.then_some(number)
    }

    /// A target under the name that its own spans use. `human_…` is a person unless an agent of that name is at work (H-9).
    pub(super) fn target(&self, target: &Target) -> Target {
        match target {
            Target::Agent(name) if !self.acts(name) && agent_name::is_person(name) => Target::Human,
            Target::Agent(name) => Target::Agent(self.reported(name).clone()),
            other => other.clone(),
        }
    }
}

impl Identity {
    /// Takes note of a spelling.
    fn hear(&mut self, text: &Name, speaker: Speaker, ids: &HashMap<String, String>) {
        self.acts |= matches!(speaker, Speaker::Agent | Speaker::Work);
        self.wanted |= speaker == Speaker::Source;
        let spelling = agent_name::lasting_name(text);
        // An id is no spelling of the name.
        let is_id = !ids.is_empty() && ids.contains_key(&agent_name::key(text));
        let rank = rank(speaker, &spelling);
        if !is_id && rank < self.rank || ids.contains_key(&agent_name::key(&self.name)) {
            self.rank = rank;
            self.name = spelling;
        }
    }
}

fn rank(speaker: Speaker, name: &Name) -> SpellingRank {
    let richness = Reverse(agent_name::richness(name));
    (speaker, richness, name.len(), name.clone())
}

/// What the spans of a turn say about names.
#[derive(Default)]
struct Found<'a> {
    mentions: Vec<(&'a Name, Speaker)>,
    /// Ids with the names that stand beside them.
    pairs: Vec<(&'a Name, &'a Name)>,
}

impl<'a> Found<'a> {
    fn add_names(&mut self, event: &'a Event) {
        let is_agent = match &event.kind {
            Kind::Agent { .. } => true,
            Kind::Model(call) => call.is_agent,
            _ => false,
        };
        if let Some(agent) = &event.agent {
            let speaker = if is_agent {
                Speaker::Agent
            } else {
                Speaker::Work
            };
            self.mentions.push((agent, speaker));
            self.pairs
                .extend(event.rare.agent_id.as_ref().map(|id| (id, agent)));
        }
        let other = |name: &'a Name| (name, Speaker::Other);
        let target = |name: &'a Name| (name, Speaker::Source);
        self.mentions.extend(event.rare.caller.iter().map(other));
        self.mentions.extend(event.rare.agent_id.iter().map(other));
        self.mentions.extend(targets(event).map(target));
        if let Kind::Handoff(handoff) = &event.kind {
            self.mentions.extend(handoff.from.iter().map(other));
        }
    }

    /// The key of the name that each id stands for. An id that stands beside several names, or is a name itself, stands for none.
    fn ids(&self) -> HashMap<String, String> {
        let mut ids: HashMap<String, Option<String>> = HashMap::default();
        for (id, name) in &self.pairs {
            let key = agent_name::key(agent_name::lasting(name));
            let known = ids
                .entry(agent_name::key(id))
                .or_insert_with(|| Some(key.clone()));
            if known.as_ref() != Some(&key) {
                *known = None;
            }
        }
        for (_, name) in &self.pairs {
            ids.remove(&agent_name::key(name));
        }
        let single = ids.into_iter().filter_map(|(id, name)| Some((id, name?)));
        single.collect()
    }
}

/// The agents that a span hands over to.
pub(super) fn targets(event: &Event) -> impl Iterator<Item = &Name> {
    let requests = match &event.kind {
        Kind::Model(call) => call.requests.as_slice(),
        _ => &[],
    };
    let own = match &event.kind {
        Kind::Tool(tool) => tool.hands_to.as_ref(),
        Kind::Handoff(handoff) => Some(&handoff.to),
        _ => None,
    };
    let all = event.rare.refused.iter().chain(requests);
    let all = all.map(|request| &request.target).chain(own);
    all.filter_map(named)
}

fn named(target: &Target) -> Option<&Name> {
    match target {
        Target::Agent(name) => Some(name),
        _ => None,
    }
}
