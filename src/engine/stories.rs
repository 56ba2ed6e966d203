//! The facts of the latest sessions, for those who ask how a session went.

use crate::model::fact::Fact;
use crate::model::ids::Key;
use rapidhash::RapidHashMap as HashMap;
use std::collections::VecDeque;

/// Facts kept of one session; what comes later is left out.
const MOST_FACTS: usize = 500;

/// The latest stories of one partition. They are not part of its state: a restart begins with none.
#[derive(Debug)]
pub(super) struct Stories {
    most: usize,
    told: HashMap<Key, Vec<Fact>>,
    /// In the order in which they began.
    order: VecDeque<Key>,
}

impl Stories {
    /// Keeps the stories of at most so many sessions.
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            told: HashMap::default(),
            order: VecDeque::new(),
        }
    }

    pub(super) fn take(&mut self, facts: Vec<Fact>) {
        if self.most == 0 {
            return;
        }
        let mut facts = facts.into_iter().peekable();
        while let Some(fact) = facts.next() {
            let Some(key) = fact.key.clone().filter(|key| !matches!(key, Key::User(_))) else {
                continue;
            };
            if !self.told.contains_key(&key) {
                self.order.push_back(key.clone());
                if self.order.len() > self.most
                    && let Some(oldest) = self.order.pop_front()
                {
                    self.told.remove(&oldest);
                }
            }
            let story = self.told.entry(key).or_default();
            // Facts come session by session.
            let mut next = Some(fact);
            while let Some(fact) = next {
                let more = facts.next_if(|next| next.key == fact.key);
                if story.len() < MOST_FACTS {
                    story.push(fact);
                }
                next = more;
            }
        }
    }

    /// The facts about a session, by its id, or about a trace that has none, by its id in hexadecimal digits.
    pub(super) fn of(&self, id: &str) -> Vec<Fact> {
        let is_meant = |key: &Key| match key {
            Key::Session(session) => &*session.id == id,
            Key::Trace(trace) => trace.to_string() == id,
            Key::User(_) => false,
        };
        let stories = self.told.iter().filter(|(key, _)| is_meant(key));
        stories
            .flat_map(|(_, facts)| facts.iter().cloned())
            .collect()
    }
}
