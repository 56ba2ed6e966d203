//! State that a key holds moves when it is bound to another one: the session goes on there and is not counted again (S-1, S-2, S-7).
//!
//! What two keys hold becomes one, whichever comes to the other first. When each of them learnt what it knows is not told: of two
//! names the greater one stays.

use super::session::SessionState;
use super::trace::Trace;
use super::{KeyState, Output, Settings};
use crate::model::ids::PartitionKey;
use crate::model::record::Record;
use crate::model::time::Timestamp;
use crate::proto::v1;
use prost::Message;

impl KeyState {
    /// Gives all that it holds to the key that it is bound to from now on.
    pub(super) fn forward_to(&mut self, to: PartitionKey, out: &mut Output) {
        if let Some(mut session) = self.session.take() {
            let open = session.release(|_| true);
            if session.is_begun() {
                let state = session.save().encode_to_vec();
                out.sends
                    .push((to.clone(), Record::MergeState(state.into())));
            }
            let open = open.map(|event| {
                let record = match session.shared.has(event.trace) {
                    true => Record::Dealt(event),
                    false => Record::Event(event),
                };
                (to.clone(), record)
            });
            out.sends.extend(open);
        }
        self.bound = Some(to);
    }

    /// Goes on with what another key held.
    pub(super) fn adopt(
        &mut self,
        state: Box<[u8]>,
        arrival: Timestamp,
        settings: &Settings,
        out: &mut Output,
    ) {
        if let Some(to) = &self.bound {
            out.sends.push((to.clone(), Record::MergeState(state)));
            return;
        }
        let stored = v1::Conversation::decode(&*state).ok();
        let Some(other) = stored.and_then(|stored| SessionState::restore(stored).ok()) else {
            // What is damaged is refused where the log is read, and every Baton reads what an older one wrote.
            return;
        };
        match &mut self.session {
            Some(own) => own.merge(other, arrival, settings, out),
            none => *none = Some(Box::new(other)),
        }
    }
}

impl SessionState {
    /// Takes over what another session has decided.
    fn merge(&mut self, other: Self, arrival: Timestamp, settings: &Settings, out: &mut Output) {
        self.cohort = self.cohort.joined(&other.cohort);
        self.user_messages.merge(other.user_messages);
        self.usage.merge(other.usage);
        self.pending.extend(other.pending);
        self.pending
            .sort_by_key(|(due, state)| (*due, state.at, state.trace));
        self.counted |= other.counted;
        self.last_answer = self.last_answer.take().max(other.last_answer);
        self.opened = self.opened.min(other.opened);
        self.last_arrival = self.last_arrival.max(other.last_arrival);
        match (&mut self.workflow, other.workflow) {
            (Some(own), Some(other)) => own.merge(*other),
            (own, other) => *own = own.take().or(other),
        }
        self.shared.merge(other.shared);
        if let Some(theirs) = other.outcomes {
            let open = self.open_since();
            let own = self.outcomes.get_or_insert_default();
            own.merge(*theirs);
            own.correct(open, out);
        }
        let mut late = Vec::new();
        for (id, theirs) in other.traces {
            let Some(theirs) = theirs.decided else {
                continue;
            };
            let own = self.traces.get_or_insert_with(id, Trace::default);
            own.decided = Some(match own.decided.take() {
                Some(own) => Box::new(own.merged(*theirs)),
                None => theirs,
            });
            // What of it is late shows only now.
            late.extend(own.open.take());
        }
        self.weigh();
        for event in late.into_iter().flat_map(|open| open.into_events()) {
            self.take(Box::new(event), arrival, settings, out);
        }
    }
}
