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
        let mut facts = facts.into_iter();
        while let Some(first) = facts.as_slice().first() {
            // Facts come session by session.
            let of_one = |fact: &&Fact| fact.key == first.key;
            let count = facts.as_slice().iter().take_while(of_one).count();
            let key = first.key.clone();
            let more = facts.by_ref().take(count);
            let Some(key) = key.filter(|key| !matches!(key, Key::User(_))) else {
                more.for_each(drop);
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
            let room = MOST_FACTS - story.len();
            story.reserve_exact(count.min(room));
            more.enumerate()
                .filter(|(i, _)| *i < room)
                .for_each(|(_, fact)| story.push(fact));
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
