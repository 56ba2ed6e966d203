//! To which of several sessions each span of one trace belongs (S-1, S-15, S-16).
//!
//! A job that works through many sessions names each of them below one root, and they have nothing to do with each other. A remote agent
//! with an ID of its own below its caller's session is the caller's session. What lies around what tells these two apart.

use crate::model::Name;
use crate::model::agent_name;
use crate::model::event::{Event, Kind, Target};
use crate::model::ids::{PartitionKey, SpanId};
use crate::model::time::Timestamp;
use crate::turn::{AT_ONCE, cut_circles};
use rapidhash::RapidHashMap as HashMap;
use std::collections::{BTreeMap, BTreeSet};

/// A span that was dealt out.
#[derive(Clone, Debug)]
pub(super) struct DealtSpan {
    pub(super) parent: Option<SpanId>,
    pub(super) start: Timestamp,
    pub(super) works: bool,
    /// Of a model call: its response, which log records may name.
    pub(super) response: Option<u64>,
    /// `None`: it belongs to no session.
    pub(super) session: Option<PartitionKey>,
}

/// A span or a note, as far as it says whose it is.
#[derive(Debug)]
pub(super) struct SessionHolder<'e> {
    /// `None`: a note, which nothing lies in.
    span: Option<SpanId>,
    parent: Option<SpanId>,
    /// Of a model call, and of a note that is about one.
    response: Option<u64>,
    start: Timestamp,
    end: Timestamp,
    /// The session that it names.
    named: Option<PartitionKey>,
    /// An agent is at work here: what lies inside is done for one session.
    works: bool,
    is_dealt: bool,
    agent: Option<&'e Name>,
    hands_to: Vec<&'e Name>,
}

impl<'e> SessionHolder<'e> {
    pub(super) fn new(event: &'e Event, named: Option<PartitionKey>) -> Self {
        let is_note = matches!(event.kind, Kind::Note(_));
        let works = event.kind.is_agentic() && !matches!(event.kind, Kind::Workflow);
        let response = match &event.kind {
            Kind::Model(call) => call.response,
            _ => event.rare.about,
        };
        Self {
            span: (!is_note).then_some(event.span),
            parent: if is_note {
                Some(event.span)
            } else {
                event.parent
            },
            response,
            start: event.start,
            end: event.end,
            named,
            works,
            is_dealt: false,
            agent: event.agent.as_ref(),
            hands_to: targets(event),
        }
    }

    /// A span that was dealt out before.
    pub(super) fn dealt(span: SpanId, dealt: &DealtSpan) -> Self {
        Self {
            span: Some(span),
            parent: dealt.parent,
            response: dealt.response,
            start: dealt.start,
            end: dealt.start,
            named: dealt.session.clone(),
            works: dealt.works,
            is_dealt: true,
            agent: None,
            hands_to: Vec::new(),
        }
    }

    /// The session that it names, or that it was dealt to.
    pub(super) fn named(&self) -> Option<&PartitionKey> {
        self.named.as_ref()
    }

    /// What is remembered of it once it is dealt to a session; nothing of a note.
    pub(super) fn dealt_to(&self, session: Option<PartitionKey>) -> Option<(SpanId, DealtSpan)> {
        let dealt = DealtSpan {
            parent: self.parent,
            start: self.start,
            works: self.works,
            response: self.response,
            session,
        };
        Some((self.span?, dealt))
    }
}

/// The agents that an event asks for.
fn targets(event: &Event) -> Vec<&Name> {
    let own = match &event.kind {
        Kind::Handoff(handoff) => Some(&handoff.to),
        Kind::Tool(tool) => tool.hands_to.as_ref(),
        _ => None,
    };
    let asked = match &event.kind {
        Kind::Model(call) => call.requests.as_slice(),
        _ => &[],
    };
    let asked = asked.iter().map(|request| &request.target);
    let all = own.into_iter().chain(asked);
    all.filter_map(|to| match to {
        Target::Agent(name) => Some(name),
        Target::Human | Target::Unknown => None,
    })
    .collect()
}

/// The session of each; `None`: it only lies around or beside several sessions.
pub(super) fn sessions_of(holders: &[SessionHolder<'_>]) -> Vec<Option<PartitionKey>> {
    let mut deal = Deal::of(holders);
    deal.join_nested();
    deal.join_inside_work();
    deal.join_handoffs();
    deal.assigned()
}

/// Sessions by their number, in the order of their keys, so that the smallest stands for all that belong together.
struct Deal<'h, 'e> {
    holders: &'h [SessionHolder<'e>],
    parents: Vec<Option<usize>>,
    sessions: Vec<&'h PartitionKey>,
    named: Vec<Option<usize>>,
    /// The session that each one names, or the nearest one around it.
    near: Vec<Option<usize>>,
    /// For each session another one that it belongs to, which is smaller; itself, where there is none.
    home: Vec<usize>,
}

impl<'h, 'e> Deal<'h, 'e> {
    fn of(holders: &'h [SessionHolder<'e>]) -> Self {
        let spans = holders.iter().enumerate();
        let index: HashMap<SpanId, usize> = spans.filter_map(|(i, h)| Some((h.span?, i))).collect();
        let calls = holders.iter().enumerate().filter(|(_, h)| h.span.is_some());
        let calls: HashMap<u64, usize> =
            calls.filter_map(|(i, h)| Some((h.response?, i))).collect();
        let parent = |holder: &SessionHolder<'_>| {
            let around = holder.parent.and_then(|parent| index.get(&parent));
            let about = || calls.get(&holder.response.filter(|_| holder.span.is_none())?);
            around.or_else(about).copied()
        };
        let mut parents: Vec<Option<usize>> = holders.iter().map(parent).collect();
        cut_circles(&mut parents);
        let mut sessions: Vec<&PartitionKey> =
            holders.iter().filter_map(|h| h.named.as_ref()).collect();
        sessions.sort_unstable();
        sessions.dedup();
        let number = |h: &SessionHolder<'_>| sessions.binary_search(&h.named.as_ref()?).ok();
        let named: Vec<Option<usize>> = holders.iter().map(number).collect();
        let near = inherited(&parents, &named);
        Self {
            home: (0..sessions.len()).collect(),
            holders,
            parents,
            sessions,
            named,
            near,
        }
    }

    fn ancestors(&self, i: usize) -> impl Iterator<Item = usize> + '_ {
        std::iter::successors(self.parents[i], |&p| self.parents[p])
    }

    /// The spans around one up to the nearest that belongs to a session.
    fn unnamed_around(&self, i: usize) -> impl Iterator<Item = usize> + '_ {
        self.ancestors(i).take_while(|&a| self.near[a].is_none())
    }

    fn find(&self, session: usize) -> usize {
        let next = |&at: &usize| (self.home[at] != at).then(|| self.home[at]);
        let chain = std::iter::successors(Some(session), next);
        chain.last().unwrap_or(session)
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.find(one), self.find(other));
        self.home[one.max(other)] = one.min(other);
    }

    fn each_named(&self) -> Vec<(usize, usize)> {
        let named = self.named.iter().enumerate();
        named
            .filter_map(|(i, named)| Some((i, (*named)?)))
            .collect()
    }

    /// A session inside another one is that one. What was dealt out before says nothing more about what it lies in.
    fn join_nested(&mut self) {
        for (i, session) in self.each_named() {
            let is_dealt = |i: usize| self.holders[i].is_dealt;
            if is_dealt(i) && self.parents[i].is_some_and(is_dealt) {
                continue;
            }
            if let Some(around) = self.parents[i].and_then(|parent| self.near[parent]) {
                self.join(session, around);
            }
        }
    }

    /// What an agent without a session does is one session.
    fn join_inside_work(&mut self) {
        let mut inside: Vec<Option<usize>> = vec![None; self.holders.len()];
        for (i, session) in self.each_named() {
            let around: Vec<usize> = self.unnamed_around(i).collect();
            for a in around {
                match inside[a] {
                    Some(known) if known == session => break,
                    Some(known) if self.holders[a].works => self.join(session, known),
                    Some(_) => {}
                    None => inside[a] = Some(session),
                }
            }
        }
    }

    /// A handoff to an agent with which another session begins at once, and which does not act in its own: the user's request goes on there.
    fn join_handoffs(&mut self) {
        let asks: Vec<usize> = (0..self.holders.len())
            .filter(|&i| !self.holders[i].hands_to.is_empty())
            .collect();
        if asks.is_empty() {
            return;
        }
        let mut acts: BTreeSet<(usize, String)> = BTreeSet::new();
        // The agent with which each session begins.
        let mut begins: BTreeMap<usize, (Timestamp, Option<SpanId>, String)> = BTreeMap::new();
        for (holder, near) in self.holders.iter().zip(&self.near) {
            if let (Some(agent), Some(session)) = (holder.agent, *near) {
                let agent = agent_name::key(agent);
                let first = (holder.start, holder.span, agent.clone());
                let known = begins.entry(session).or_insert_with(|| first.clone());
                *known = first.min(known.clone());
                acts.insert((session, agent));
            }
        }
        let by_start = begins
            .iter()
            .map(|(session, (start, _, agent))| (*start, *session, agent));
        let order: BTreeSet<(Timestamp, usize, &String)> = by_start.collect();
        for i in asks {
            let Some(own) = self.near[i] else { continue };
            for target in &self.holders[i].hands_to {
                let target = agent_name::key(target);
                let until = self.holders[i].end + AT_ONCE;
                let later = order.range((self.holders[i].start, 0, &target)..);
                let mut later = later.take_while(|(start, ..)| *start <= until);
                if !acts.contains(&(own, target.clone()))
                    && let Some((_, session, _)) = later.find(|(.., agent)| **agent == target)
                {
                    self.join(own, *session);
                }
            }
        }
    }

    fn assigned(&self) -> Vec<Option<PartitionKey>> {
        let near: Vec<Option<usize>> = self.near.iter().map(|n| n.map(|n| self.find(n))).collect();
        let homes = || near.iter().flatten();
        let only = homes().next().filter(|one| homes().all(|h| h == *one));
        let of: Vec<Option<usize>> = match only {
            Some(_) => near.iter().map(|near| near.or(only.copied())).collect(),
            None => self.among_several(&near),
        };
        let session = |home: usize| self.sessions[home].clone();
        of.into_iter().map(|home| home.map(session)).collect()
    }

    /// Whether it is work, or a note about some.
    fn is_work(&self, i: usize) -> bool {
        let about = self.parents[i].filter(|_| self.holders[i].span.is_none());
        self.holders[about.unwrap_or(i)].works
    }

    fn among_several(&self, near: &[Option<usize>]) -> Vec<Option<usize>> {
        // What lies inside each one that belongs to no session.
        let mut inside: Vec<Option<usize>> = vec![None; near.len()];
        let mut several = vec![false; near.len()];
        for (i, _) in self.each_named() {
            let Some(home) = near[i] else { continue };
            for a in self.unnamed_around(i) {
                match inside[a] {
                    _ if several[a] => break,
                    Some(known) if known == home => break,
                    Some(_) => several[a] = true,
                    None => inside[a] = Some(home),
                }
            }
        }
        let mut begun: Vec<(Timestamp, usize)> = self
            .holders
            .iter()
            .zip(near)
            .filter_map(|(holder, near)| Some((holder.start, (*near)?)))
            .collect();
        begun.sort_unstable();
        // What is not named lies in something that is somebody's, or beside all of them.
        let beside = |i: usize| {
            let mut chain = self.ancestors(i).skip_while(|&a| inside[a].is_none());
            if let Some(home) = chain.next().filter(|&a| !several[a]) {
                return inside[home];
            }
            let chain = self.ancestors(i).take_while(|&a| inside[a].is_none());
            let outermost = chain.last().unwrap_or(i);
            let start = self.holders[outermost].start;
            let next = begun.partition_point(|(other, _)| *other <= start);
            let (_, home) = begun.get(next.saturating_sub(1))?;
            self.is_work(i).then_some(*home)
        };
        (0..near.len())
            .map(|i| match (near[i], inside[i]) {
                (Some(home), _) => Some(home),
                (None, Some(_)) if several[i] => None,
                (None, Some(home)) => Some(home),
                (None, None) => beside(i),
            })
            .collect()
    }
}

/// What each one says itself, otherwise what its parent says or inherits.
fn inherited(parents: &[Option<usize>], own: &[Option<usize>]) -> Vec<Option<usize>> {
    let mut known: Vec<Option<Option<usize>>> = own.iter().map(|own| own.map(Some)).collect();
    let mut chain = Vec::new();
    for i in 0..parents.len() {
        let mut at = Some(i);
        let found = loop {
            match at {
                Some(i) => match known[i] {
                    Some(found) => break found,
                    None => chain.push(i),
                },
                None => break None,
            }
            at = at.and_then(|i| parents[i]);
        };
        for i in chain.drain(..) {
            known[i] = Some(found);
        }
    }
    known.into_iter().map(Option::flatten).collect()
}
