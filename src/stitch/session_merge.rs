//! What a key holds goes along when it is bound to another one: the session goes on there and is not counted again.
//!
//! What two keys hold becomes one, whichever comes to the other first. When each of them learnt what it knows is not told: of two
//! names the greater one stays.

use super::session::SessionState;
use super::trace::Trace;
use super::workflow::OpenWorkflow;
use super::{KeyState, Output, Settings};
use crate::model::ids::PartitionKey;
use crate::model::record::Record;
use crate::model::time::Timestamp;
use crate::proto::v1;
use prost::Message;

impl KeyState {
    /// Gives all that it holds to the key that it is bound to from now on.
    pub(super) fn forward_to(&mut self, to: PartitionKey, out: &mut Output) {
        if let Some(mut conversation) = self.conversation.take() {
            let open = conversation.release(|_| true);
            if conversation.is_begun() {
                let state = conversation.save().encode_to_vec();
                out.sends
                    .push((to.clone(), Record::MergeState(state.into())));
            }
            let open = open.map(|event| (to.clone(), Record::Event(event)));
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
        match &mut self.conversation {
            Some(own) => own.join(other, arrival, settings, out),
            none => *none = Some(Box::new(other)),
        }
    }
}

impl SessionState {
    /// Takes over what another conversation has decided.
    fn join(&mut self, other: Self, arrival: Timestamp, settings: &Settings, out: &mut Output) {
        self.cohort = self.cohort.joined(&other.cohort);
        self.said.join(other.said);
        self.rows.join(other.rows);
        self.pending.extend(other.pending);
        self.pending
            .sort_by_key(|(due, verdict)| (*due, verdict.at, verdict.trace));
        self.counted |= other.counted;
        self.opened = self.opened.min(other.opened);
        self.last_arrival = self.last_arrival.max(other.last_arrival);
        let both = (self.workflow.take(), other.workflow);
        self.workflow = match both {
            (Some(one), Some(another)) => Some(Box::new(OpenWorkflow::joined(*one, *another))),
            (one, another) => one.or(another),
        };
        let mut late = Vec::new();
        for (id, theirs) in other.traces {
            let Trace::Decided(theirs) = theirs else {
                continue;
            };
            let joined = match self.traces.remove(&id) {
                None => theirs,
                Some(Trace::Decided(own)) => Box::new(own.joined(*theirs)),
                Some(Trace::Open(open)) => {
                    late.extend(open.into_events());
                    theirs
                }
            };
            self.traces.insert(id, Trace::Decided(joined));
        }
        self.weigh();
        for event in late {
            self.take(Box::new(event), arrival, settings, out);
        }
    }
}
