//! Pure. The state machine that stitches events into sessions, turns, handoffs and workflows: `(state, entry, now) → (state, facts)`.
//!
//! The caller provides the time. A fact is never taken back. Facts of a turn are created when the turn is finalized (*decided* in the code): its traces are
//! complete and no span has arrived for [`Settings::settle`]. `docs/semantics.md` has the rules.
//!
//! | File | Content |
//! |---|---|
//! | `settings.rs` | timeouts and limits |
//! | `key_table.rs` | all keys of a partition, found by hash and ordered by time |
//! | `shed.rs, idle_keys.rs` | what is closed early or forgotten while there is too much of everything |
//! | `session.rs` | one session, or one trace whose session is unknown: traces, open workflow, pending handoffs |
//! | `session_timers.rs` | what is due in a session, and when |
//! | `session_turns.rs` | which traces are one turn, and what its decision changes |
//! | `missing.rs` | what an open trace still waits for |
//! | `trace.rs, event_buffer.rs, event_codec.rs` | the events of a trace until its turn is finalized, in a compact encoding |
//! | `remarks.rs` | scores, feedback and outcomes in traces of their own |
//! | `workflow.rs` | the open workflow and its outcome |
//! | `outcomes.rs, session_outcomes.rs` | outcomes reported from outside, and the closed workflows that they can still correct |
//! | `user_messages.rs` | repeated messages of the user |
//! | `contacts.rs` | closed workflows of a user, to detect repeat contacts |
//! | `late.rs` | spans that arrive after their turn was finalized |
//! | `shared.rs, parts.rs, awaited_parts.rs` | traces that name several sessions, which span belongs to which, and what sessions wait for |
//! | `links.rs, session_merge.rs` | how traces and sessions find each other, and what moves when they merge |
//! | `owners.rs` | the agents of the spans of finalized traces |
//! | `snapshot.rs, snapshot_keys.rs, snapshot_outcomes.rs` | conversion of the state from and to protobuf |
//!
//! The room `turn` decides what happened in a turn.

mod awaited_parts;
mod contacts;
mod event_buffer;
mod event_codec;
mod idle_keys;
mod key_table;
mod late;
mod links;
mod missing;
mod outcomes;
mod owners;
mod parts;
mod remarks;
mod session;
mod session_merge;
mod session_outcomes;
mod session_timers;
mod session_turns;
mod settings;
mod shared;
mod shed;
mod snapshot;
mod snapshot_keys;
mod snapshot_outcomes;
mod trace;
mod user_messages;
mod workflow;

#[cfg(test)]
mod tests;

use crate::model::Name;
use crate::model::event::Event;
use crate::model::fact::{Fact, Shed, What};
use crate::model::ids::{PartitionKey, TraceId};
use crate::model::record::{Entry, Record};
use crate::model::time::Timestamp;
use contacts::Contacts;
use idle_keys::IdleKeys;
use key_table::{KeyIndex, KeyTable, TimeIndex};
use links::Links;
use session::SessionState;
use shared::SharedTrace;

pub use settings::{OutcomeSettings, Settings};

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
    keys: KeyTable,
    /// The timers: written by each entry and each timer that fires. A key is scheduled at most once, never later than its true
    /// deadline.
    deadlines: TimeIndex,
    /// Keys that are only remembered, by the time since when. Written when nothing of a key is open any more, read to free memory,
    /// cleared by the next entry of the key.
    idle: IdleKeys,
    /// The bytes of all keys together; follows each change of one.
    weight: usize,
    /// Bytes of the limits that others of the partition take; set by [`Stitcher::reserve`].
    reserved: usize,
}

/// State of one key: it forwards to another key, or holds a session.
#[derive(Debug, Default)]
struct KeyState {
    /// The key that everything of this one is forwarded to. Set when an ID or a link says whose it is, replaced when sessions
    /// merge, never cleared.
    bound: Option<PartitionKey>,
    /// What the key holds itself. Made by its first event, moved away when it is bound. Boxed, because most traces only forward.
    session: Option<Box<SessionState>>,
    /// Of a trace that names several sessions. Set when it names the second one, never cleared; it is bound to none from then on.
    shared: Option<Box<SharedTrace>>,
    /// Closed workflows, of the key of a user only. Written by closing workflows, cleared after `recontact_window`.
    contacts: Option<Box<Contacts>>,
    /// Its entry in `deadlines`.
    scheduled: Option<Timestamp>,
    /// Its entry in `idle`.
    idle_since: Option<Timestamp>,
    /// Arrival of its latest entry; read when memory is short.
    touched: Timestamp,
    /// Who asks for the session of this trace, and whom it asks. Boxed, because few traces link to others.
    links: Option<Box<Links>>,
}

impl Stitcher {
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            keys: KeyTable::default(),
            deadlines: TimeIndex::default(),
            idle: IdleKeys::default(),
            weight: 0,
            reserved: 0,
        }
    }

    /// Keys held, forwarding ones included.
    pub fn keys(&self) -> usize {
        self.keys.len()
    }

    /// The tenants of which it keeps sessions, traces or users.
    pub fn tenants(&self) -> impl Iterator<Item = &Name> {
        self.keys.tenants()
    }

    /// Whether any key is more than remembered.
    pub fn has_open_work(&self) -> bool {
        self.idle.len() < self.keys.len()
    }

    /// Roughly the bytes that all keys hold in memory.
    pub fn weight(&self) -> usize {
        self.weight
    }

    /// Takes one entry. Call [`Stitcher::advance`] to its arrival first, so that timers fire between the same entries in replay.
    pub fn apply(&mut self, entry: Entry, arrival: Timestamp, out: &mut Output) {
        let Entry { key, record } = entry;
        let from = out.facts.len();
        let index = self.keys.open(key);
        let Some((key, state)) = self.keys.at(index) else {
            return;
        };
        let before = state.weight();
        // A report does not make two sessions stay one for longer.
        if !matches!(record, Record::Outcome(_)) || state.touched == Timestamp::default() {
            state.touched = arrival;
        }
        if let Some(since) = state.idle_since.take() {
            self.idle.remove(since, key, index);
        }
        // Nothing that an entry changes is due sooner than this; the exact time is found when it fires.
        let mut soonest = arrival + self.settings.settle;
        match record {
            Record::Event(event) => {
                state.ask(key, &event, out);
                state.take(key, event, arrival, &self.settings, out);
            }
            Record::Dealt(event) => state.take_dealt(event, arrival, &self.settings, out),
            Record::Bind(to) => state.bind(key, to, out),
            Record::MergeState(other) => {
                // Something of it may be due already.
                soonest = arrival;
                state.adopt(other, arrival, &self.settings, out);
            }
            Record::ResolveSession(asker, asked) => state.asked(key, asker, asked, out),
            Record::SessionResolved(to, answered) => state.follow(key, to, answered, out),
            Record::Release(trace, to) => {
                state.recall(key, trace, (to, arrival), &self.settings, out);
            }
            Record::Outcome(report) => state.report(report, arrival, out),
            Record::Contact(contact) => {
                state
                    .contacts
                    .get_or_insert_default()
                    .take(*contact, arrival, &self.settings, out)
            }
        }
        // A key that is new weighs more than nothing.
        let is_new = state.scheduled.is_none();
        let after = state.weight();
        self.weight = self.weight + after - if is_new { 0 } else { before };
        sign(&mut out.facts[from..], key);
        self.schedule(index, soonest);
        self.keep_limits(index, arrival, out);
    }

    /// Leaves room for what others of the partition hold, at most half of the limits.
    pub fn reserve(&mut self, bytes: usize) {
        self.reserved = bytes.min(self.settings.soft_bytes / 2);
    }

    /// Fires all timers up to `now`, in their order.
    pub fn advance(&mut self, now: Timestamp, out: &mut Output) {
        while let Some((due, index)) = self.deadlines.first() {
            if due > now {
                break;
            }
            self.deadlines.pop_first();
            // In its own time: how late somebody looks leaves no mark.
            self.fire(index, due, out);
        }
        // Work that ended may be what makes room: above the limit nothing comes that would.
        self.forget_idle(out);
    }

    /// When [`Stitcher::advance`] has something to do next.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.deadlines.first().map(|(due, _)| due)
    }

    fn fire(&mut self, index: KeyIndex, now: Timestamp, out: &mut Output) {
        let from = out.facts.len();
        let Some((key, state)) = self.keys.at(index) else {
            return;
        };
        let before = state.weight();
        state.scheduled = None;
        let mut next = None;
        let due = |state: &KeyState| state.shared.as_ref()?.due(&self.settings);
        if due(state).is_some_and(|due| due <= now) {
            state.deal(key, out);
        }
        if let Some(due) = due(state) {
            next = Some(due);
        }
        if let Some(session) = &mut state.session {
            let after = session.on_time(key, now, &self.settings, out);
            next = after.next;
            if next.is_none() {
                state.session = None;
            }
            if let Some(session) = after.moved_to {
                state.tell(key, &session, out);
            }
        }
        sign(&mut out.facts[from..], key);
        let forgotten = state.touched + self.settings.remembered(key);
        let forwards = state.bound.is_some() || state.shared.is_some();
        let forwarding = (forwards && now < forgotten).then_some(forgotten);
        let asked = state.asked_until(now, &self.settings);
        let contacts = state.contacts.as_mut();
        let remembered = contacts.and_then(|c| c.expire(now, &self.settings));
        let after = state.weight();
        self.weight -= before;
        if state.is_idle() && state.idle_since.is_none() {
            state.idle_since = Some(now);
            self.idle.insert(now, key, index);
        }
        let looks = next.into_iter().chain(forwarding).chain(remembered);
        match looks.chain(asked).min() {
            Some(deadline) => {
                self.weight += after;
                self.schedule(index, deadline);
            }
            None => {
                self.take_out(index);
            }
        }
    }

    /// Schedules a key, unless it is due sooner already.
    fn schedule(&mut self, index: KeyIndex, deadline: Timestamp) {
        let Some((key, state)) = self.keys.at(index) else {
            return;
        };
        match state.scheduled {
            Some(earlier) if earlier <= deadline => {}
            scheduled => {
                if let Some(later) = scheduled {
                    self.deadlines.remove(later, key, index);
                }
                self.deadlines.insert(deadline, key, index);
                state.scheduled = Some(deadline);
            }
        }
    }

    /// Takes a key out, with its timers.
    fn take_out(&mut self, index: KeyIndex) -> Option<(PartitionKey, KeyState)> {
        let (key, state) = self.keys.remove(index)?;
        if let Some(since) = state.idle_since {
            self.idle.remove(since, &key, index);
        }
        if let Some(at) = state.scheduled {
            self.deadlines.remove(at, &key, index);
        }
        Some((key, state))
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
        let session = self.session.as_deref();
        self.bound.is_none()
            && self.shared.is_none()
            && session.is_none_or(SessionState::is_remembered)
    }

    /// Roughly the bytes that it holds in memory, its keys included.
    fn weight(&self) -> usize {
        /// The key with its text, and its places in the table and in the orders of time.
        const KEYS: usize = size_of::<PartitionKey>() + 128;
        let session = self.session.as_deref().map_or(0, SessionState::weight);
        let contacts = self.contacts.as_deref().map_or(0, Contacts::weight);
        let links = self.links.as_deref().map_or(0, Links::weight);
        let shared = self.shared.as_deref().map_or(0, SharedTrace::weight);
        size_of::<Self>() + KEYS + session + contacts + links + shared
    }

    /// The session that it holds, made where there is none.
    fn session_from(&mut self, arrival: Timestamp) -> &mut SessionState {
        let new = || Box::new(SessionState::new(arrival));
        self.session.get_or_insert_with(new)
    }

    /// Takes an event, or sends it where it belongs.
    fn take(
        &mut self,
        own: &PartitionKey,
        event: Box<Event>,
        arrival: Timestamp,
        settings: &Settings,
        out: &mut Output,
    ) {
        if let Some(shared) = &mut self.shared {
            if shared.take(*event, arrival, settings, out) {
                self.deal(own, out);
            }
            return;
        }
        if let Some(to) = &self.bound {
            out.sends.push((to.clone(), Record::Event(event)));
            return;
        }
        let session = self.session_from(arrival);
        match session.shared.has(event.trace) {
            true => {
                out.sends.push((event.trace_key(), Record::Event(event)));
            }
            false => session.take(event, arrival, settings, out),
        }
    }

    /// Takes an event of a trace that names several sessions: it belongs to this one.
    fn take_dealt(
        &mut self,
        event: Box<Event>,
        arrival: Timestamp,
        settings: &Settings,
        out: &mut Output,
    ) {
        if let Some(to) = &self.bound {
            out.sends.push((to.clone(), Record::Dealt(event)));
            return;
        }
        let session = self.session_from(arrival);
        session.take_part(event, arrival, settings, out);
    }

    /// Makes this key forward to `to`. Where two sessions meet, the greater id binds to the smaller one, whoever came
    /// first, so that bindings never form a circle.
    fn bind(&mut self, own: &PartitionKey, to: PartitionKey, out: &mut Output) {
        if *own == to {
            return;
        }
        let led = self.was_led();
        if !led && self.share(own, &to, out) {
            return;
        }
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
        self.tell(own, &to, out);
        self.forward_to(to, out);
    }
}
