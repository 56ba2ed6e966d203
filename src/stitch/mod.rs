//! Pure. The state machine that stitches events into sessions, turns, handoffs and workflows: `(state, entry, now) → (state, facts)`.
//!
//! The caller provides the time. A fact is never taken back. Facts of a turn are created when the turn is finalized (*decided* in the code): its traces are
//! complete and no span has arrived for [`Settings::settle`]. `docs/semantics.md` has the rules.
//!
//! | File | Content |
//! |---|---|
//! | `settings.rs` | timeouts and limits |
//! | `slots.rs` | all keys of a partition, found by hash and ordered by time |
//! | `session.rs` | one session, or one trace whose session is unknown: traces, open workflow, pending handoffs |
//! | `trace.rs, event_buffer.rs, event_codec.rs` | the events of a trace until its turn is finalized, in a compact encoding |
//! | `turn.rs` | a turn, from its events to facts |
//! | `tree.rs` | the spans of a turn as a tree, with the agent of each |
//! | `activation.rs` | the steps of a turn, grouped into activations of agents |
//! | `handoff.rs` | handoffs: merges the spans that describe one, finds its target, determines the result |
//! | `retention.rs` | context and intent retention of a handoff |
//! | `cumulative_usage.rs` | calls of SDKs that report cumulative tokens |
//! | `agent_time.rs` | response time by agent |
//! | `cost.rs` | cost of calls and actions |
//! | `user_messages.rs` | repeated messages of the user |
//! | `workflow.rs, judge.rs` | the open workflow, its outcome, and the rules of the operator |
//! | `contacts.rs` | closed workflows of a user, to detect repeat contacts |
//! | `late.rs` | spans that arrive after their turn was finalized |
//! | `links.rs, session_merge.rs` | how traces and sessions find each other, and what moves when they merge |
//! | `owners.rs` | the agents of the spans of finalized traces |
//! | `small_map.rs` | compact maps and sets of few entries |
//! | `snapshot.rs` | conversion of the state from and to protobuf |

mod activation;
mod agent_time;
mod contacts;
mod cost;
mod cumulative_usage;
mod event_buffer;
mod event_codec;
mod handoff;
mod judge;
mod late;
mod links;
mod owners;
mod retention;
mod session;
mod session_merge;
mod settings;
mod slots;
mod small_map;
mod snapshot;
mod trace;
mod tree;
mod turn;
mod user_messages;
mod workflow;

#[cfg(test)]
mod tests;

use crate::model::fact::{Fact, Shed, What};
use crate::model::ids::{PartitionKey, TraceId};
use crate::model::record::{Entry, Record};
use crate::model::time::Timestamp;
use contacts::Contacts;
use links::Links;
use session::SessionState;
use slots::{Place, Slots, Times};
use std::time::Duration;

pub use judge::Judge;
pub use settings::Settings;

impl Settings {
    /// How long a key without open work is remembered: a session, so that it is not counted again, and so that two which met stay
    /// one. A trace does not come back.
    fn remembered(&self, key: &PartitionKey) -> Duration {
        match key {
            PartitionKey::Session(_) => self.max_age,
            PartitionKey::Trace(_) | PartitionKey::User(_) => self.idle_timeout,
        }
    }
}

/// What one step of the machine yields.
#[derive(Debug, Default)]
pub struct Output {
    /// What was found out, for good.
    pub facts: Vec<Fact>,
    /// Records for other keys; they go through the log.
    pub sends: Vec<(PartitionKey, Record)>,
}

/// The state of all keys of one partition.
#[derive(Debug)]
pub struct Stitcher {
    settings: Settings,
    slots: Slots,
    /// When to look at which slot. A slot is scheduled at most once, never later than its true deadline.
    deadlines: Times,
    /// Slots that are only remembered, by the time since when.
    idle: Times,
    /// That of all slots together.
    weight: usize,
    /// Bytes of the limits that others of the partition take.
    reserved: usize,
}

/// One key: it forwards to another key, or holds a conversation.
#[derive(Debug, Default)]
struct KeyState {
    bound: Option<PartitionKey>,
    /// OptionBox, because most traces only forward.
    conversation: Option<Box<SessionState>>,
    /// Of a user's key only.
    contacts: Option<Box<Contacts>>,
    /// The entry of this slot in `deadlines`.
    scheduled: Option<Timestamp>,
    /// The entry of this slot in `idle`.
    idle_since: Option<Timestamp>,
    touched: Timestamp,
    /// OptionBox, because few traces link to others.
    links: Option<Box<Links>>,
}

impl Stitcher {
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            slots: Slots::default(),
            deadlines: Times::default(),
            idle: Times::default(),
            weight: 0,
            reserved: 0,
        }
    }

    /// Keys held, forwarding ones included.
    pub fn keys(&self) -> usize {
        self.slots.len()
    }

    /// Roughly the bytes that all keys hold in memory.
    pub fn weight(&self) -> usize {
        self.weight
    }

    /// Takes one entry. Call [`Stitcher::advance`] to its arrival first, so that timers fire between the same entries in replay.
    pub fn apply(&mut self, entry: Entry, arrival: Timestamp, out: &mut Output) {
        let Entry { key, record } = entry;
        let from = out.facts.len();
        let place = self.slots.open(key);
        let Some((key, slot)) = self.slots.at(place) else {
            return;
        };
        let before = slot.weight();
        slot.touched = arrival;
        if let Some(since) = slot.idle_since.take() {
            self.idle.remove(since, key, place);
        }
        // Nothing that an entry changes is due sooner than this; the exact time is found when it fires.
        let mut soonest = arrival + self.settings.settle;
        match record {
            Record::Event(event) => {
                slot.ask(key, &event, out);
                match &slot.bound {
                    Some(to) => out.sends.push((to.clone(), Record::Event(event))),
                    None => slot
                        .conversation
                        .get_or_insert_with(|| Box::new(SessionState::new(arrival)))
                        .take(event, arrival, &self.settings, out),
                }
            }
            Record::Bind(to) => slot.bind(key, to, out),
            Record::MergeState(state) => {
                // Something of it may be due already.
                soonest = arrival;
                slot.adopt(state, arrival, &self.settings, out);
            }
            Record::ResolveSession(asker, steps) => slot.asked(asker, steps, out),
            Record::SessionResolved(to, steps) => slot.follow(key, to, steps, out),
            Record::Release(trace, to) => slot.recall(key, trace, to, out),
            Record::Contact(contact) => {
                slot.contacts
                    .get_or_insert_default()
                    .take(*contact, arrival, &self.settings, out)
            }
        }
        // A slot that is new weighs more than nothing.
        let is_new = slot.scheduled.is_none();
        let after = slot.weight();
        self.weight = self.weight + after - if is_new { 0 } else { before };
        sign(&mut out.facts[from..], key);
        self.schedule(place, soonest);
        self.forget_idle();
        // What was just touched stays, however large it is: its spans have a limit of their own.
        if self.slots.len() > self.settings.max_sessions.max(1) {
            self.shed(place, arrival, Shed::Sessions, out);
        }
        while self.weight + self.reserved > self.settings.max_bytes && self.slots.len() > 1 {
            self.shed(place, arrival, Shed::Memory, out);
        }
    }

    /// Leaves room for what others of the partition hold, at most half of the limits.
    pub fn reserve(&mut self, bytes: usize) {
        self.reserved = bytes.min(self.settings.soft_bytes / 2);
    }

    /// Fires all timers up to `now`, in their order.
    pub fn advance(&mut self, now: Timestamp, out: &mut Output) {
        while let Some((due, place)) = self.deadlines.first() {
            if due > now {
                break;
            }
            self.deadlines.pop_first();
            // In its own time: how late somebody looks leaves no mark.
            self.fire(place, due, out);
        }
        // Work that ended may be what makes room: above the limit nothing comes that would.
        self.forget_idle();
    }

    /// When [`Stitcher::advance`] has something to do next.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.deadlines.first().map(|(due, _)| due)
    }

    fn fire(&mut self, place: Place, now: Timestamp, out: &mut Output) {
        let from = out.facts.len();
        let Some((key, slot)) = self.slots.at(place) else {
            return;
        };
        let before = slot.weight();
        slot.scheduled = None;
        if let Some(conversation) = &mut slot.conversation {
            let gone = conversation.on_time(key, now, &self.settings, out);
            if conversation.is_over(key, now, &self.settings) {
                slot.conversation = None;
            }
            if let Some(session) = gone {
                slot.tell(&session, out);
            }
        }
        sign(&mut out.facts[from..], key);
        let forgotten = slot.touched + self.settings.remembered(key);
        let forwarding = (slot.bound.is_some() && now < forgotten).then_some(forgotten);
        let held = slot
            .conversation
            .as_ref()
            .map(|c| c.deadline(key, &self.settings));
        let asked = slot.asked_until(now, &self.settings);
        let contacts = slot.contacts.as_mut();
        let remembered = contacts.and_then(|c| c.expire(now, &self.settings));
        let after = slot.weight();
        self.weight -= before;
        if slot.is_idle() && slot.idle_since.is_none() {
            slot.idle_since = Some(now);
            self.idle.insert(now, key, place);
        }
        let looks = held.into_iter().chain(forwarding).chain(remembered);
        match looks.chain(asked).min() {
            Some(deadline) => {
                self.weight += after;
                self.schedule(place, deadline);
            }
            None => {
                self.take_out(place);
            }
        }
    }

    /// Puts a slot into the ordered set, unless it is due sooner already.
    fn schedule(&mut self, place: Place, deadline: Timestamp) {
        let Some((key, slot)) = self.slots.at(place) else {
            return;
        };
        match slot.scheduled {
            Some(earlier) if earlier <= deadline => {}
            scheduled => {
                if let Some(later) = scheduled {
                    self.deadlines.remove(later, key, place);
                }
                self.deadlines.insert(deadline, key, place);
                slot.scheduled = Some(deadline);
            }
        }
    }

    /// Forgets slots without open work while there is too much of everything. A session that comes back after that is counted
    /// again, and a user's re-contact is not recognised; no work is lost.
    fn forget_idle(&mut self) {
        while (self.weight + self.reserved > self.settings.soft_bytes
            || self.slots.len() > self.settings.max_sessions)
            && let Some((_, place)) = self.idle.first()
            && let Some((_, slot)) = self.take_out(place)
        {
            self.weight -= slot.weight();
        }
    }

    /// Takes a slot out, with what was to be done about it.
    fn take_out(&mut self, place: Place) -> Option<(PartitionKey, KeyState)> {
        let (key, slot) = self.slots.remove(place)?;
        if let Some(since) = slot.idle_since {
            self.idle.remove(since, &key, place);
        }
        if let Some(at) = slot.scheduled {
            self.deadlines.remove(at, &key, place);
        }
        Some((key, slot))
    }

    /// Closes the sixteenth of all slots that was touched least recently, oldest first, until a limit is kept again. Several
    /// at once, because all have to be looked at to find them.
    fn shed(&mut self, kept: Place, now: Timestamp, reason: Shed, out: &mut Output) {
        let others = || self.slots.iter().filter(|(place, ..)| *place != kept);
        let mut touched: Vec<Timestamp> = others().map(|(.., slot)| slot.touched).collect();
        let place = touched.len() / 16;
        let (_, youngest, _) = touched.select_nth_unstable(place);
        let old = others().filter(|(.., slot)| slot.touched <= *youngest);
        let old = old.map(|(place, key, slot)| (slot.touched, key.clone(), place));
        let mut old: Vec<(Timestamp, PartitionKey, Place)> = old.collect();
        old.sort_unstable();
        for (_, _, place) in old.into_iter().take(place + 1) {
            self.close_early(place, now, reason, out);
        }
    }

    fn close_early(&mut self, place: Place, now: Timestamp, reason: Shed, out: &mut Output) {
        let from = out.facts.len();
        let Some((key, mut slot)) = self.take_out(place) else {
            return;
        };
        self.weight -= slot.weight();
        let trace = slot
            .conversation
            .as_deref()
            .and_then(SessionState::any_trace);
        if let Some(conversation) = &mut slot.conversation {
            conversation.on_time(&key, Timestamp::MAX, &self.settings, out);
        }
        if let Some(trace) = trace {
            out.facts.push(shed_fact(now, trace, reason));
        }
        sign(&mut out.facts[from..], &key);
    }
}

/// Says whose the facts are.
fn sign(facts: &mut [Fact], key: &PartitionKey) {
    for fact in facts {
        fact.key = Some(key.clone());
    }
}

fn shed_fact(at: Timestamp, trace: TraceId, reason: Shed) -> Fact {
    Fact::new(at, trace, What::Shed(reason))
}

impl KeyState {
    /// Whether nothing of it is open: it is only remembered.
    fn is_idle(&self) -> bool {
        let conversation = self.conversation.as_deref();
        self.bound.is_none() && conversation.is_none_or(SessionState::is_remembered)
    }

    /// Roughly the bytes that it holds in memory, its keys included.
    fn weight(&self) -> usize {
        /// The key with its text, and its places in the table and in the orders of time.
        const KEYS: usize = size_of::<PartitionKey>() + 128;
        let conversation = self.conversation.as_deref().map_or(0, SessionState::weight);
        let contacts = self.contacts.as_deref().map_or(0, Contacts::weight);
        let links = self.links.as_deref().map_or(0, Links::weight);
        size_of::<Self>() + KEYS + conversation + contacts + links
    }

    /// Makes this key forward to `to`. Where two sessions meet, the greater id binds to the smaller one, whoever came
    /// first, so that bindings never form a circle.
    fn bind(&mut self, own: &PartitionKey, to: PartitionKey, out: &mut Output) {
        if *own == to {
            return;
        }
        let led = self.was_led();
        let to = match &self.bound {
            Some(bound) if led => {
                links::recall(own, bound, &to, out);
                to
            }
            Some(bound) if *bound == to => return,
            Some(bound) => {
                let mut both = [bound.clone(), to];
                both.sort();
                let [smaller, greater] = both;
                out.sends.push((greater, Record::Bind(smaller.clone())));
                smaller
            }
            None if matches!(own, PartitionKey::Session(_)) && *own < to => {
                out.sends.push((to, Record::Bind(own.clone())));
                return;
            }
            None => to,
        };
        self.tell(&to, out);
        self.forward_to(to, out);
    }
}
