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
    /// Of a model call: its response, which log records may name.
    pub(super) response: Option<u64>,
    /// `None`: it belongs to no session.
    pub(super) session: Option<PartitionKey>,
    /// It is work beside the sessions: it only adds to this one (S-16).
    pub(super) is_beside: bool,
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
    /// It is work: beside sessions it belongs to one (S-16).
    works: bool,
    /// An agent or a model is at work here: what lies inside is done for one session (S-1).
    joins: bool,
    is_dealt: bool,
    is_beside: bool,
    agent: Option<&'e Name>,
    hands_to: Vec<&'e Name>,
}

impl<'e> SessionHolder<'e> {
    pub(super) fn new(event: &'e Event, named: Option<PartitionKey>) -> Self {
        let is_note = matches!(event.kind, Kind::Note(_));
        let works = event.kind.is_agentic() && !matches!(event.kind, Kind::Workflow);
        let acts = matches!(event.kind, Kind::Agent { .. } | Kind::Model(_));
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
            joins: works && (acts || event.agent.is_some()),
            is_dealt: false,
            is_beside: false,
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
            works: false,
            joins: false,
            is_dealt: true,
            is_beside: dealt.is_beside,
            agent: None,
            hands_to: Vec::new(),
        }
    }

    /// What is remembered of it once it is dealt to a session; nothing of a note.
    pub(super) fn dealt_to(&self, share: &SpanShare) -> Option<(SpanId, DealtSpan)> {
        let dealt = DealtSpan {
            parent: self.parent,
            start: self.start,
            response: self.response,
            session: share.session.clone(),
            is_beside: share.is_beside,
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

/// Whose one span is.
#[derive(Clone, Debug, Default)]
pub(super) struct SpanShare {
    /// `None`: it only lies around several sessions, or beside them without being work.
    pub(super) session: Option<PartitionKey>,
    /// It is work beside the sessions: it only adds to this one (S-16).
    pub(super) is_beside: bool,
}

/// Whose the spans of a trace are.
#[derive(Debug)]
pub(super) struct Assigned {
    pub(super) shares: Vec<SpanShare>,
    /// The sessions that belong to a smaller one, each with that.
    pub(super) joined: Vec<(PartitionKey, PartitionKey)>,
    /// The sessions that lie in others, with those of this time and before.
    pub(super) callers: KnownCallers,
}

/// A session that lies in others of its trace, and the outermost of these.
pub(super) type KnownCallers = BTreeMap<PartitionKey, BTreeSet<PartitionKey>>;

/// Finds out whose the spans are. `known` is what was found before of spans that were dealt out.
pub(super) fn assign(holders: &[SessionHolder<'_>], known: &KnownCallers) -> Assigned {
    let mut deal = Deal::of(holders, known);
    let nested = deal.nested();
    let callers = deal.callers(&nested, known);
    let (one, contexts) = callers
        .clone()
        .into_iter()
        .partition(|(_, callers)| callers.len() == 1);
    deal.join_callers(&one);
    deal.join_inside_work();
    let shared = deal.join_contexts(contexts);
    deal.forget_names(&nested, &shared);
    deal.join_handoffs();
    deal.join_contexts(shared);
    Assigned {
        shares: deal.assigned(),
        joined: deal.joined(),
        callers: deal.keys(&callers),
    }
}

/// An ID, and the outermost sessions in which it lies.
type Callers = BTreeMap<usize, BTreeSet<usize>>;

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
    fn of(holders: &'h [SessionHolder<'e>], known: &'h KnownCallers) -> Self {
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
        let before = sessions.iter().filter_map(|session| known.get(session));
        let before: Vec<&PartitionKey> = before.flatten().collect();
        sessions.extend(before);
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

    /// The holders that name a session inside another one, each with the outermost that is around it. What was dealt out before says
    /// nothing more about what it lies in.
    fn nested(&self) -> Vec<(usize, usize)> {
        let outermost = self.outermost();
        let nested = |(i, session): (usize, usize)| {
            let is_dealt = |i: usize| self.holders[i].is_dealt;
            let parent = self.parents[i]?;
            if is_dealt(i) && is_dealt(parent) {
                return None;
            }
            let caller = outermost[parent]?;
            (caller != session).then_some((i, caller))
        };
        self.each_named().into_iter().filter_map(nested).collect()
    }

    /// The session of the outermost span around each one, or its own, that names one.
    fn outermost(&self) -> Vec<Option<usize>> {
        let is_inner = |i: usize| self.parents[i].is_some_and(|p| self.near[p].is_some());
        let outer = |(i, named): (usize, &Option<usize>)| named.filter(|_| !is_inner(i));
        let outer: Vec<Option<usize>> = self.named.iter().enumerate().map(outer).collect();
        inherited(&self.parents, &outer)
    }

    /// The sessions inside others: an ID that lies in several may be a context that these share.
    fn callers(&self, nested: &[(usize, usize)], known: &KnownCallers) -> Callers {
        let mut callers = Callers::default();
        for (i, caller) in nested {
            let Some(session) = self.named[*i] else {
                continue;
            };
            let before = || {
                let known = known.get(self.sessions[session]).into_iter().flatten();
                known.filter_map(|key| self.sessions.binary_search(&key).ok())
            };
            let of_it = callers.entry(session).or_insert_with(|| before().collect());
            of_it.insert(*caller);
        }
        callers
    }

    /// The same by their keys.
    fn keys(&self, callers: &Callers) -> KnownCallers {
        let key = |session: &usize| self.sessions[*session].clone();
        let all = callers.iter();
        all.map(|(session, callers)| (key(session), callers.iter().map(key).collect()))
            .collect()
    }

    /// A session inside another one is that one.
    fn join_callers(&mut self, callers: &Callers) {
        for (session, caller) in callers.iter().filter_map(|(s, c)| Some((*s, *c.first()?))) {
            self.join(session, caller);
        }
    }

    /// A context of several sessions is theirs if they are one otherwise. Returns those of sessions that are not.
    fn join_contexts(&mut self, contexts: Callers) -> Callers {
        let is_of_one = |deal: &Self, callers: &BTreeSet<usize>| {
            let homes: BTreeSet<usize> = callers.iter().map(|caller| deal.find(*caller)).collect();
            homes.len() == 1
        };
        // All are compared before any is joined, so that their order makes no difference.
        let (theirs, shared): (Callers, Callers) = contexts
            .into_iter()
            .partition(|(_, callers)| is_of_one(self, callers));
        self.join_callers(&theirs);
        shared
    }

    /// What names a context that sessions share belongs to the session that it lies in, as if it named none.
    fn forget_names(&mut self, nested: &[(usize, usize)], shared: &Callers) {
        for (i, _) in nested {
            self.named[*i] = self.named[*i].filter(|session| !shared.contains_key(session));
        }
        self.near = inherited(&self.parents, &self.named);
    }

    /// The sessions that follow a smaller one, as far as spans still name them.
    fn joined(&self) -> Vec<(PartitionKey, PartitionKey)> {
        let of = |session: usize| (session, self.find(session));
        let homes = (0..self.sessions.len())
            .map(of)
            .filter(|(own, home)| own != home);
        let key = |session: usize| self.sessions[session].clone();
        homes.map(|(own, home)| (key(own), key(home))).collect()
    }

    /// What an agent without a session does is one session.
    fn join_inside_work(&mut self) {
        let mut inside: Vec<Option<usize>> = vec![None; self.holders.len()];
        for (i, session) in self.each_named() {
            let around: Vec<usize> = self.unnamed_around(i).collect();
            for a in around {
                match inside[a] {
                    Some(known) if known == session => break,
                    Some(known) if self.holders[a].joins => self.join(session, known),
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

    fn assigned(&self) -> Vec<SpanShare> {
        let near: Vec<Option<usize>> = self.near.iter().map(|n| n.map(|n| self.find(n))).collect();
        let homes = || near.iter().flatten();
        let only = homes().next().filter(|one| homes().all(|h| h == *one));
        let of: Vec<(Option<usize>, bool)> = match only {
            Some(_) => near
                .iter()
                .map(|near| (near.or(only.copied()), false))
                .collect(),
            None => self.among_several(&near),
        };
        let share = |(home, is_beside): (Option<usize>, bool)| SpanShare {
            session: home.map(|home| self.sessions[home].clone()),
            is_beside: is_beside && home.is_some(),
        };
        of.into_iter().map(share).collect()
    }

    /// Whether one lies in work that was dealt out as beside the sessions, without naming one itself.
    fn is_beside(&self, i: usize) -> bool {
        let mut chain = std::iter::once(i).chain(self.ancestors(i));
        let nearest = chain.find(|&a| self.named[a].is_some());
        nearest.is_some_and(|a| self.holders[a].is_beside)
    }

    /// The session of each one, and whether it is only work beside it.
    fn among_several(&self, near: &[Option<usize>]) -> Vec<(Option<usize>, bool)> {
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
                return (inside[home], false);
            }
            let chain = self.ancestors(i).take_while(|&a| inside[a].is_none());
            let outermost = chain.last().unwrap_or(i);
            let start = self.holders[outermost].start;
            let next = begun.partition_point(|(other, _)| *other <= start);
            let before = begun.get(next.saturating_sub(1));
            let before = before.filter(|_| self.holders[i].works);
            (before.map(|(_, home)| *home), true)
        };
        let home = |i: usize| match (near[i], inside[i]) {
            (Some(home), _) => (Some(home), self.is_beside(i)),
            (None, Some(_)) if several[i] => (None, false),
            (None, Some(home)) => (Some(home), false),
            (None, None) => beside(i),
        };
        // A note goes where its span goes.
        let about = |i: usize| self.parents[i].filter(|_| self.holders[i].span.is_none());
        let numbers = 0..near.len();
        numbers.map(|i| home(about(i).unwrap_or(i))).collect()
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
