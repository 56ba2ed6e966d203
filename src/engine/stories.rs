//! The facts of the latest sessions, for `/sessions/ID`.

use super::tenant_queue::TenantQueue;
use crate::model::Name;
use crate::model::fact::Fact;
use crate::model::harmless::harmless;
use crate::model::ids::{PartitionKey, TraceId};
use crate::model::record::{Entry, Record};
use rapidhash::RapidHashMap as HashMap;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// Facts kept of one session; what comes later is left out.
const MOST_FACTS: usize = 500;
/// Facts kept of all sessions for each that may be kept: where sessions are longer than this, fewer are remembered. A fact takes
/// some two hundred bytes.
const FACTS_EACH: usize = 8;

/// The latest stories of one partition. They are not part of its state: a restart begins with none.
#[derive(Debug)]
pub(super) struct Stories {
    most: usize,
    told: HashMap<PartitionKey, Vec<Fact>>,
    /// Facts of all of them.
    facts: usize,
    /// Facts of those of each tenant, and of those of nobody.
    facts_of: HashMap<Option<Name>, usize>,
    /// In the order in which they began.
    order: TenantQueue,
    /// Sessions that turned out to be another one, the latest ones: that is where their story goes on.
    other_names: HashMap<PartitionKey, PartitionKey>,
    /// In the order in which that was found out.
    renamed: TenantQueue,
}

impl Stories {
    /// Keeps the stories of at most so many sessions.
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            told: HashMap::default(),
            facts: 0,
            facts_of: HashMap::default(),
            order: TenantQueue::default(),
            other_names: HashMap::default(),
            renamed: TenantQueue::default(),
        }
    }

    /// Notes which sessions turn out to be another one.
    pub(super) fn note(&mut self, entries: &[Entry]) {
        if self.most == 0 {
            return;
        }
        for entry in entries {
            if let (PartitionKey::Session(_), Record::Bind(to @ PartitionKey::Session(_))) =
                (&entry.key, &entry.record)
                // The greater id goes to the smaller one.
                && *to < entry.key
            {
                let known = self.other_names.insert(entry.key.clone(), to.clone());
                if known.is_none() {
                    self.renamed.push(entry.key.clone());
                }
                if self.renamed.len() > self.most
                    && let Some(oldest) = self.renamed.pop()
                {
                    self.other_names.remove(&oldest);
                }
            }
        }
    }

    pub(super) fn take(&mut self, mut facts: Vec<Fact>) {
        if self.most == 0 {
            return;
        }
        // Most traces of a web server are nobody's story.
        facts.retain(|fact| !fact.is_about_nobody());
        let mut facts = facts.into_iter();
        while let Some(first) = facts.as_slice().first() {
            // Facts come session by session.
            let of_one = |fact: &&Fact| fact.key == first.key;
            let count = facts.as_slice().iter().take_while(of_one).count();
            let key = first.key.clone();
            let more = facts.by_ref().take(count);
            let Some(key) = key.filter(|key| !matches!(key, PartitionKey::User(_))) else {
                more.for_each(drop);
                continue;
            };
            if !self.told.contains_key(&key) {
                self.order.push(key.clone());
            }
            let facts_of = self.facts_of.entry(key.tenant().cloned()).or_default();
            let story = self.told.entry(key).or_default();
            let room = MOST_FACTS - story.len();
            story.reserve_exact(count.min(room));
            self.facts += count.min(room);
            *facts_of += count.min(room);
            more.enumerate()
                .filter(|(i, _)| *i < room)
                .for_each(|(_, fact)| story.push(fact));
            self.forget();
        }
    }

    /// Forgets those that began first while there is too much; the latest one stays. The tenant that has the most of what is too much is
    /// the one that loses some.
    fn forget(&mut self) {
        while self.order.len() > self.most.max(1)
            && let Some(oldest) = self.order.pop()
        {
            self.drop_facts(&oldest, 0);
        }
        let most_facts = self.most.saturating_mul(FACTS_EACH);
        while self.facts > most_facts
            && self.order.len() > 1
            && let Some(tenant) = self.tenant_with_most_facts()
        {
            // Its only story is cut: what comes later is left out.
            let only = self.order.only_of(tenant.as_ref()).cloned();
            let length = only.as_ref().map_or(0, |key| self.facts(key).len());
            // Not all at once: another tenant may have nearly as much.
            let excess = self.facts - most_facts;
            let kept = length.saturating_sub(excess).max(length / 2);
            let cut = only.filter(|_| kept > 0);
            match cut.or_else(|| self.order.pop_of(tenant.as_ref())) {
                Some(key) => self.drop_facts(&key, kept),
                None => return,
            }
        }
    }

    /// The tenant whose stories have the most facts; of several, that whose name is the smallest.
    fn tenant_with_most_facts(&self) -> Option<Option<Name>> {
        let tenants = self.facts_of.iter();
        let most = tenants.max_by_key(|(tenant, facts)| (**facts, Reverse(*tenant)));
        most.map(|(tenant, _)| tenant.clone())
    }

    /// Leaves the first facts of a story; with none it is forgotten.
    fn drop_facts(&mut self, key: &PartitionKey, kept: usize) {
        let Some(story) = self.told.get_mut(key) else {
            return;
        };
        let dropped = story.len() - kept.min(story.len());
        story.truncate(kept);
        if kept == 0 {
            self.told.remove(key);
        }
        self.facts -= dropped;
        let tenant = key.tenant().cloned();
        if let Some(facts) = self.facts_of.get_mut(&tenant) {
            *facts -= dropped;
            if *facts == 0 {
                self.facts_of.remove(&tenant);
            }
        }
    }

    /// The sessions and traces that go by an id, of any tenant, where they are remembered; a trace by its hexadecimal digits.
    pub(super) fn named(&self, id: &str) -> Vec<PartitionKey> {
        let known = self.told.keys().filter(|key| goes_by(key, id));
        let either =
            |(from, to): &(&PartitionKey, &PartitionKey)| goes_by(from, id) || goes_by(to, id);
        let renamed = self.other_names.iter().filter(either);
        let all: BTreeSet<&PartitionKey> = known.chain(renamed.map(|(_, to)| to)).collect();
        all.into_iter().cloned().collect()
    }

    /// Sessions that turned out to be another one, each with that.
    pub(super) fn other_names(&self) -> impl Iterator<Item = (&PartitionKey, &PartitionKey)> {
        self.other_names.iter()
    }

    /// The sessions with facts of a trace.
    pub(super) fn with_trace(&self, trace: TraceId) -> Vec<PartitionKey> {
        let told = self.told.iter();
        told.filter(|(_, facts)| facts.iter().any(|fact| fact.trace == trace))
            .map(|(key, _)| key.clone())
            .collect()
    }

    /// All that are remembered, the one that began last first.
    pub(super) fn keys(&self) -> Vec<PartitionKey> {
        self.order.latest().cloned().collect()
    }

    /// What is known of a session; empty where it is not remembered.
    pub(super) fn facts(&self, key: &PartitionKey) -> &[Fact] {
        self.told.get(key).map_or(&[], Vec::as_slice)
    }
}

/// The stories of these keys, one for each session: what was found out under other ids, before they met or while they did, belongs to
/// it.
pub(super) fn joined(
    names: &HashMap<PartitionKey, PartitionKey>,
    found: impl IntoIterator<Item = PartitionKey>,
    facts: impl Fn(&PartitionKey) -> Vec<Fact>,
) -> Vec<(PartitionKey, Vec<Fact>)> {
    let now = |key: &PartitionKey| {
        let next = std::iter::successors(Some(key), |key| names.get(*key));
        next.take(names.len() + 1).last().unwrap_or(key).clone()
    };
    let mut others: BTreeMap<PartitionKey, Vec<&PartitionKey>> = BTreeMap::new();
    for key in names.keys() {
        others.entry(now(key)).or_default().push(key);
    }
    let sessions: BTreeSet<PartitionKey> = found.into_iter().map(|key| now(&key)).collect();
    let story = |session: PartitionKey| {
        let ids = others.get(&session).into_iter().flatten().copied();
        let mut parts: Vec<Vec<Fact>> = ids.chain([&session]).map(&facts).collect();
        parts.sort_by_key(|facts| facts.first().map(|fact| (fact.at, fact.trace)));
        (session, parts.concat())
    };
    let told = sessions.into_iter().map(story);
    told.filter(|(_, facts)| !facts.is_empty()).collect()
}

/// Whether a key has this id: as it is shown, or as it was sent.
fn goes_by(key: &PartitionKey, id: &str) -> bool {
    match key {
        PartitionKey::Session(session) => &*session.id == id || *session.id == *harmless(id),
        PartitionKey::Trace(trace) | PartitionKey::TenantTrace(_, trace) => trace.to_string() == id,
        PartitionKey::User(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fact::What;
    use crate::model::ids::{TenantScoped, TraceId};
    use crate::model::time::Timestamp;

    fn facts(session: u8, count: usize) -> Vec<Fact> {
        facts_of(None, session, count)
    }

    fn facts_of(tenant: Option<&str>, session: u8, count: usize) -> Vec<Fact> {
        let trace = TraceId::new(&[1; 16]).expect("not zero");
        let id = session.to_string().as_str().into();
        let tenant = tenant.map(Name::from);
        let fact = Fact {
            key: Some(PartitionKey::Session(TenantScoped { tenant, id })),
            ..Fact::new(Timestamp(1), trace, What::Session)
        };
        vec![fact; count]
    }

    /// How many facts are kept of each session.
    fn kept(stories: &Stories) -> [usize; 5] {
        [0, 1, 2, 3, 4].map(|session| {
            let keys = stories.named(&session.to_string());
            keys.iter().map(|key| stories.facts(key).len()).sum()
        })
    }

    #[test]
    fn the_latest_sessions_are_remembered_fewer_where_they_are_long() {
        let mut stories = Stories::new(3);
        for session in 0..4 {
            stories.take(facts(session, 2));
        }
        assert_eq!(kept(&stories), [0, 2, 2, 2, 0]);
        stories.take(facts(2, 3));
        assert_eq!(kept(&stories), [0, 2, 5, 2, 0]);
        stories.take(facts(4, 3 * FACTS_EACH - 7));
        assert_eq!(kept(&stories), [0, 0, 5, 2, 17], "as many as may be");
        stories.take(facts(3, 1));
        assert_eq!(kept(&stories), [0, 0, 0, 3, 17], "one more");
        stories.take(facts(4, MOST_FACTS));
        assert_eq!(
            kept(&stories),
            [0, 0, 0, 0, MOST_FACTS],
            "the latest one stays"
        );
        assert_eq!(stories.facts, MOST_FACTS);
    }

    /// The sessions that are remembered, the latest first: tenant, id and facts.
    fn remembered(stories: &Stories) -> Vec<String> {
        let told = stories.keys().into_iter();
        let told = told.map(|key| {
            let count = stories.facts(&key).len();
            match &key {
                PartitionKey::Session(session) => {
                    let tenant = session.tenant.as_deref().unwrap_or("-");
                    format!("{tenant} {} {count}", session.id)
                }
                _ => unreachable!("sessions alone"),
            }
        });
        told.collect()
    }

    #[test]
    fn a_tenant_with_many_sessions_forgets_its_own_and_those_of_others_stay() {
        let mut stories = Stories::new(4);
        stories.take(facts_of(Some("b"), 0, 2));
        stories.take(facts(1, 2));
        for session in 2..90 {
            stories.take(facts_of(Some("a"), session, 2));
        }
        assert_eq!(remembered(&stories), ["a 89 2", "a 88 2", "- 1 2", "b 0 2"]);
        // Where all have one, the oldest goes.
        stories.take(facts_of(Some("c"), 3, 2));
        stories.take(facts_of(Some("d"), 4, 2));
        assert_eq!(remembered(&stories), ["d 4 2", "c 3 2", "a 89 2", "- 1 2"]);
    }

    #[test]
    fn a_tenant_with_long_sessions_loses_facts_and_those_of_others_stay() {
        let mut stories = Stories::new(4);
        let most_facts = 4 * FACTS_EACH;
        stories.take(facts_of(Some("b"), 0, 3));
        stories.take(facts_of(Some("a"), 1, 9));
        stories.take(facts_of(Some("a"), 2, MOST_FACTS));
        let expected = format!("a 2 {}", most_facts - 3);
        assert_eq!(remembered(&stories), [expected.as_str(), "b 0 3"]);
        stories.take(facts_of(Some("a"), 2, 9));
        assert_eq!(remembered(&stories), [expected.as_str(), "b 0 3"]);
        // Of two that have much, both lose some.
        stories.take(facts_of(Some("c"), 3, 30));
        let lengths = |stories: &Stories| {
            let keys = stories.keys().into_iter();
            keys.map(|key| stories.facts(&key).len())
                .collect::<Vec<_>>()
        };
        let kept = lengths(&stories);
        assert_eq!((kept.iter().sum::<usize>(), kept[2]), (most_facts, 3));
        assert!(kept[..2].iter().all(|length| *length >= 7), "{kept:?}");
        assert_eq!(stories.facts, most_facts);
    }

    #[test]
    fn a_tenant_whose_sessions_meet_often_leaves_others_their_names() {
        let mut stories = Stories::new(2);
        let key = |tenant: &str, id: u8| {
            let (tenant, id) = (Some(tenant.into()), id.to_string().as_str().into());
            PartitionKey::Session(TenantScoped { tenant, id })
        };
        let bind = |tenant: &str, id| Entry {
            key: key(tenant, id),
            record: Record::Bind(key(tenant, 1)),
        };
        stories.note(&[bind("b", 2)]);
        for id in 2..9 {
            stories.note(&[bind("a", id)]);
        }
        let mut names: Vec<_> = stories
            .other_names()
            .map(|(from, _)| from.clone())
            .collect();
        names.sort();
        assert_eq!(names, [key("a", 8), key("b", 2)]);
    }

    fn session(id: &str) -> PartitionKey {
        let id = id.into();
        PartitionKey::Session(TenantScoped { tenant: None, id })
    }

    #[test]
    fn a_session_is_found_by_each_id_it_goes_by_and_by_its_traces() {
        let mut stories = Stories::new(2);
        stories.take(facts(1, 2));
        let bind = |from: &str, to: &str| Entry {
            key: session(from),
            record: Record::Bind(session(to)),
        };
        // The smaller id stays: it only tells the other one.
        stories.note(&[bind("2", "1"), bind("1", "2")]);
        assert_eq!(stories.named("2"), [session("1")]);
        assert_eq!(stories.named("1"), [session("1")]);
        stories.note(&[bind("3", "1"), bind("4", "1")]);
        assert_eq!(stories.named("2"), [], "as many names as sessions");
        assert_eq!(stories.named("4"), [session("1")]);
        let trace = TraceId::new(&[1; 16]).expect("not zero");
        assert_eq!(stories.with_trace(trace), [session("1")]);
        assert_eq!(stories.keys(), [session("1")]);
    }

    #[test]
    fn a_story_is_whole_under_every_id_however_many_met() {
        let mut stories = Stories::new(9);
        stories.take(facts(3, 2));
        stories.take(facts(2, 1));
        stories.take(facts(4, 1));
        let bind = |from: &str, to: &str| Entry {
            key: session(from),
            record: Record::Bind(session(to)),
        };
        stories.note(&[bind("3", "2"), bind("2", "1")]);
        let names = stories.other_names();
        let names = names.map(|(from, to)| (from.clone(), to.clone())).collect();
        for id in ["1", "2", "3"] {
            let told = joined(&names, stories.named(id), |key| stories.facts(key).to_vec());
            let told: Vec<_> = told
                .iter()
                .map(|(key, facts)| (key.clone(), facts.len()))
                .collect();
            assert_eq!(told, [(session("1"), 3)], "{id}");
        }
        let told = joined(&names, stories.named("4"), |key| {
            stories.facts(key).to_vec()
        });
        assert_eq!(told, [(session("4"), facts(4, 1))]);
    }

    #[test]
    fn none_is_remembered_where_nobody_is_to_be_told() {
        let mut stories = Stories::new(0);
        stories.take(facts(1, 1));
        assert_eq!(kept(&stories), [0; 5]);
    }
}
