//! The closed workflows of one user, to detect repeat contacts with the same intent.

use super::{Output, Settings};
use crate::model::fact::{Fact, Ignored, What};
use crate::model::record::Contact;
use crate::model::time::Timestamp;
use std::time::Duration;

/// Contacts kept of one user; the oldest is forgotten first.
const MAX_CONTACTS_PER_USER: usize = 64;

/// What is known of one user.
#[derive(Debug, Default)]
pub(super) struct Contacts {
    /// With the arrival, and whether a later contact made it a re-contacted one. In the order of arrival.
    pub(super) known: Vec<(Timestamp, Contact, bool)>,
}

impl Contacts {
    /// Roughly the bytes that it holds in memory.
    pub(super) fn weight(&self) -> usize {
        self.known.len() * (size_of::<Contact>() + 128)
    }

    /// Takes a closed workflow; says which ones are re-contacted now. Records come when workflows close, in any order.
    pub(super) fn take(
        &mut self,
        contact: Contact,
        arrival: Timestamp,
        settings: &Settings,
        out: &mut Output,
    ) {
        if self.known.iter().any(|(_, known, _)| *known == contact) {
            return;
        }
        let window = settings.recontact_window;
        let mut again = false;
        for (_, known, recontacted) in &mut self.known {
            if !*recontacted && follows(known, &contact, window) {
                *recontacted = true;
                out.facts.push(recontact(known));
            }
            again |= follows(&contact, known, window);
        }
        if again {
            out.facts.push(recontact(&contact));
        }
        self.known.push((arrival, contact, again));
        if self.known.len() > MAX_CONTACTS_PER_USER {
            let (_, forgotten, _) = self.known.remove(0);
            let what = What::Ignored {
                reason: Ignored::ContactsOverLimit,
                events: 1,
            };
            out.facts.push(fact_of(&forgotten, what));
        }
    }

    /// Forgets what no later contact can follow any more; when to look again.
    pub(super) fn expire(&mut self, now: Timestamp, settings: &Settings) -> Option<Timestamp> {
        // The workflow that follows may begin at the end of the window, and is told of when it closes.
        let wait = settings.recontact_window + settings.max_age;
        self.known.retain(|(arrival, ..)| *arrival + wait > now);
        self.known.first().map(|(arrival, ..)| *arrival + wait)
    }
}

/// Whether `later` is the same user's next contact about the same thing.
fn follows(earlier: &Contact, later: &Contact, window: Duration) -> bool {
    later.start > earlier.end
        && later.start <= earlier.end + window
        && later.intent == earlier.intent
}

fn recontact(earlier: &Contact) -> Fact {
    let what = What::Recontact {
        workflow: earlier.workflow.clone(),
        outcome: earlier.outcome,
    };
    fact_of(earlier, what)
}

fn fact_of(contact: &Contact, what: What) -> Fact {
    Fact {
        cohort: contact.cohort.clone(),
        threshold: contact.threshold,
        ..Fact::new(contact.end, contact.trace, what)
    }
}
