//! The agents of the spans of finalized traces, in a compact encoding, because they are kept until the session has been idle for long.

use crate::model::ids::SpanId;
use crate::model::small_map::SmallMap;
use crate::model::{List, Name};
use std::collections::BTreeMap;

/// An agent is looked for among so many known ones before it is noted again.
const RECENT: usize = 16;

/// The spans of a decided trace with their agents.
#[derive(Debug, Default)]
pub(super) struct Owners {
    /// In order, each with the place of its agent.
    decided: Box<[(SpanId, u32)]>,
    /// Those that came after the decision.
    late: SmallMap<SpanId, u32>,
    /// `None`: the spans do not say.
    agents: List<Option<Name>>,
}

impl Owners {
    pub(super) fn len(&self) -> usize {
        self.decided.len() + self.late.len()
    }

    pub(super) fn knows(&self, span: SpanId) -> bool {
        self.place(span).is_some()
    }

    /// The agent of a span, where both are known.
    pub(super) fn of(&self, span: SpanId) -> Option<&Name> {
        self.agents[self.place(span)? as usize].as_ref()
    }

    /// Adds a span that came late.
    pub(super) fn add(&mut self, span: SpanId, agent: Option<Name>) {
        let place = note(&mut self.agents, agent);
        self.late.insert(span, place);
    }

    /// The spans of both. Of two agents of one span the greater one stays.
    pub(super) fn merged(&self, other: &Self) -> Self {
        let mut all: BTreeMap<SpanId, Option<&Name>> = self.iter().collect();
        for (span, agent) in other.iter() {
            let known = all.entry(span).or_default();
            *known = (*known).max(agent);
        }
        let all = all.into_iter();
        all.map(|(span, agent)| (span, agent.cloned())).collect()
    }

    /// All spans with their agents.
    pub(super) fn iter(&self) -> impl Iterator<Item = (SpanId, Option<&Name>)> {
        let decided = self.decided.iter().copied();
        let late = self.late.iter().map(|(span, place)| (*span, *place));
        decided
            .chain(late)
            .map(|(span, place)| (span, self.agents[place as usize].as_ref()))
    }

    fn place(&self, span: SpanId) -> Option<u32> {
        match self.decided.binary_search_by(|(known, _)| known.cmp(&span)) {
            Ok(found) => Some(self.decided[found].1),
            Err(_) => self.late.get(&span).copied(),
        }
    }
}

impl FromIterator<(SpanId, Option<Name>)> for Owners {
    fn from_iter<I: IntoIterator<Item = (SpanId, Option<Name>)>>(spans: I) -> Self {
        let mut agents = List::new();
        let places = spans.into_iter();
        let mut decided: Vec<(SpanId, u32)> = places
            .map(|(span, agent)| (span, note(&mut agents, agent)))
            .collect();
        decided.sort_unstable();
        agents.shrink_to_fit();
        Self {
            decided: decided.into(),
            late: SmallMap::default(),
            agents,
        }
    }
}

/// The place of an agent, noted where it is new.
fn note(agents: &mut List<Option<Name>>, agent: Option<Name>) -> u32 {
    let recent = agents.len().saturating_sub(RECENT);
    let known = agents[recent..].iter().position(|known| *known == agent);
    let place = known.map_or(agents.len(), |found| recent + found);
    if known.is_none() {
        agents.push(agent);
    }
    place as u32
}

#[cfg(test)]
mod tests {
    use super::Owners;
    use crate::model::Name;
    use crate::model::ids::SpanId;

    fn span(n: u8) -> SpanId {
        SpanId::new(&[n; 8]).expect("not zero")
    }

    fn agent(n: u8) -> Option<Name> {
        Some(Name::from(format!("agent {n}")))
    }

    #[test]
    fn each_span_has_its_agent_however_many_there_are() {
        // Forty agents, one after the other, and each of the last ones again.
        let of = |n: u8| if n <= 40 { n } else { n - 8 };
        let mut owners: Owners = (1..=48).map(|n| (span(n), agent(of(n)))).collect();
        owners.add(span(49), agent(39));
        owners.add(span(50), None);
        for n in 1..=48 {
            assert_eq!(owners.of(span(n)), agent(of(n)).as_ref(), "{n}");
        }
        assert_eq!(owners.of(span(49)), agent(39).as_ref());
        assert!(owners.knows(span(50)) && owners.of(span(50)).is_none());
        assert!(!owners.knows(span(51)));
        assert_eq!(owners.agents.len(), 41, "who was noted lately is not again");
    }
}
