//! Keys: how they forward to each other, when they are looked at, and which of them go first when there are too many.

use super::*;

/// A stitcher with the records that it sent, told the time in seconds.
pub(super) struct KeyedDesk {
    pub(super) stitcher: Stitcher,
    pub(super) out: Output,
}

impl KeyedDesk {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            stitcher: Stitcher::new(settings),
            out: Output::default(),
        }
    }

    pub(super) fn apply(&mut self, key: &PartitionKey, record: Record, second: u64) {
        let now = seconds(second);
        settle(&mut self.stitcher, now, &mut self.out);
        let key = key.clone();
        self.stitcher
            .apply(Entry { key, record }, now, &mut self.out);
    }

    /// Brings what was sent to those whom it is for.
    pub(super) fn deliver(&mut self, second: u64) {
        while !self.out.sends.is_empty() {
            settle(&mut self.stitcher, seconds(second), &mut self.out);
        }
    }

    /// One answered turn, in a trace of its own.
    pub(super) fn turn(&mut self, key: &PartitionKey, of: u8, second: u64) {
        for event in answered(of, second) {
            self.apply(key, Record::Event(Box::new(event)), second);
        }
    }

    /// What it sent since the last time, without the events' own words.
    pub(super) fn sent(&mut self) -> Vec<(PartitionKey, Option<PartitionKey>)> {
        let sends = std::mem::take(&mut self.out.sends).into_iter();
        let bound = |record| match record {
            Record::Bind(to) => Some(to),
            _ => None,
        };
        sends.map(|(key, record)| (key, bound(record))).collect()
    }

    fn shed(&self) -> usize {
        count(&self.out.facts, |what| matches!(what, What::Shed(_)))
    }

    pub(super) fn end(mut self) -> Vec<Fact> {
        while let Some(due) = self.stitcher.next_deadline() {
            settle(&mut self.stitcher, due, &mut self.out);
            // What was sent is where it belongs long before the next timer.
            while !self.out.sends.is_empty() {
                settle(&mut self.stitcher, due, &mut self.out);
            }
        }
        self.out.facts
    }
}

pub(super) fn seconds(n: u64) -> Timestamp {
    Timestamp(n * 1_000_000_000)
}

pub(super) fn answered(of: u8, second: u64) -> Vec<Event> {
    let mut s = Scene::default();
    let start = second * 1000;
    let desk = s.agent(0, "desk", (start, start + 100));
    s.in_trace(of);
    s.call(desk, (start + 1, start + 99));
    s.in_trace(of);
    s.events
}

/// What `n` keys weigh that hold one turn each.
fn weight_of(n: u8) -> usize {
    let mut desk = KeyedDesk::new(Settings::default());
    for i in 1..=n {
        desk.turn(&session(&i.to_string()), i, 0);
    }
    desk.stitcher.weight()
}

/// S-1.
#[test]
fn of_two_sessions_that_meet_the_greater_id_is_told_to_follow_the_smaller() {
    let [a, b, c] = ["a", "b", "c"].map(session);
    let held = PartitionKey::Trace(trace(1));
    // The key, the sessions that it is bound to one after the other, and what it sends because of the last one.
    for (own, to, sends) in [
        (&held, vec![&a], vec![]),
        (&held, vec![&a, &a], vec![]),
        // A trace that names several sessions is dealt out, whoever they are.
        (&held, vec![&a, &b], vec![]),
        (&held, vec![&b, &a, &c], vec![]),
        (&a, vec![&a], vec![]),
        (&a, vec![&b], vec![(&b, &a)]),
        (&b, vec![&a], vec![]),
        (&c, vec![&b, &a], vec![(&b, &a)]),
    ] {
        let mut desk = KeyedDesk::new(Settings::default());
        let mut sent = Vec::new();
        for to in &to {
            desk.apply(own, Record::Bind((*to).clone()), 0);
            sent = std::mem::take(&mut desk.out.sends);
        }
        sent.retain(|(_, record)| !matches!(record, Record::Release(..)));
        let expected: Vec<_> = sends
            .into_iter()
            .map(|(key, to): (&PartitionKey, &PartitionKey)| {
                (key.clone(), Record::Bind(to.clone()))
            })
            .collect();
        assert_eq!(sent, expected, "{own:?} to {to:?}");
    }
}

#[test]
fn a_bound_key_forwards_until_nothing_came_for_long() {
    // As long as a turn may wait for more (T-9).
    let idle = Settings::default().turn_timeout.as_secs();
    let (held, a) = (PartitionKey::Trace(trace(1)), session("a"));
    let mut desk = KeyedDesk::new(Settings::default());
    desk.apply(&held, Record::Bind(a.clone()), 0);
    for second in [60, 60 + idle - 1] {
        let event = answered(1, second).remove(0);
        desk.stitcher.advance(seconds(second), &mut desk.out);
        desk.apply(&held, Record::Event(Box::new(event)), second);
        assert_eq!(desk.sent(), [(a.clone(), None)], "after {second} s");
    }
    let last = 60 + idle - 1 + idle;
    desk.stitcher.advance(seconds(last - 1), &mut desk.out);
    assert_eq!(desk.stitcher.keys(), 1);
    desk.stitcher.advance(seconds(last), &mut desk.out);
    assert_eq!(desk.stitcher.keys(), 0);
}

/// S-9.
#[test]
fn two_sessions_that_met_stay_one_for_as_long_as_a_session_is_remembered() {
    let age = Settings::default().max_age.as_secs();
    let (a, b) = (session("a"), session("b"));
    let mut desk = KeyedDesk::new(Settings::default());
    desk.apply(&b, Record::Bind(a.clone()), 0);
    desk.stitcher.advance(seconds(age - 1), &mut desk.out);
    let event = answered(1, age - 1).remove(0);
    desk.apply(&b, Record::Event(Box::new(event)), age - 1);
    assert_eq!(desk.sent(), [(a, None)]);
    desk.stitcher.advance(seconds(2 * age - 2), &mut desk.out);
    assert_eq!(desk.stitcher.keys(), 1);
    desk.stitcher.advance(seconds(2 * age - 1), &mut desk.out);
    assert_eq!(desk.stitcher.keys(), 0);
}

#[test]
fn a_key_is_looked_at_as_soon_as_something_of_it_may_be_due() {
    let settle = Settings::default().settle.as_secs();
    let (a, mut desk) = (session("a"), KeyedDesk::new(Settings::default()));
    desk.turn(&a, 1, 0);
    assert_eq!(desk.stitcher.next_deadline(), Some(seconds(settle)));
    // What comes later puts off nothing.
    desk.turn(&a, 2, 2);
    assert_eq!(desk.stitcher.next_deadline(), Some(seconds(settle)));
    // Both are decided, the workflow is due in half an hour: a new turn is due sooner.
    desk.stitcher.advance(seconds(60), &mut desk.out);
    desk.turn(&a, 3, 60);
    assert_eq!(desk.stitcher.next_deadline(), Some(seconds(60 + settle)));
}

#[test]
fn facts_are_signed_with_the_key_that_told_them() {
    let mut desk = KeyedDesk::new(Settings::default());
    desk.turn(&session("a"), 1, 0);
    desk.turn(&session("a"), 1, 1);
    let facts = desk.end();
    assert_eq!(count(&facts, |what| *what == What::Duplicate), 2);
    assert!(facts.iter().all(|fact| fact.key == Some(session("a"))));
}

#[test]
fn one_session_more_than_the_limit_closes_the_one_that_is_due_first() {
    let mut desk = KeyedDesk::new(Settings {
        max_sessions: 2,
        ..Settings::default()
    });
    for (n, shed) in [(1, 0), (2, 0), (3, 1), (4, 2)] {
        desk.turn(&session(&n.to_string()), n, u64::from(n));
        assert_eq!(desk.shed(), shed, "after session {n}");
    }
    let first = desk.out.facts.iter().find_map(|fact| fact.key.clone());
    assert_eq!(first, Some(session("1")));
    assert_eq!(desk.stitcher.keys(), 2);
    reborn(&desk.stitcher, Settings::default());
    assert_eq!(turns(&desk.end()).len(), 4, "none is lost");
}

#[test]
fn memory_is_full_when_it_is_more_than_full_and_what_was_just_touched_stays() {
    for (max_bytes, shed, keys) in [
        (weight_of(2), 0, 2),
        (weight_of(2) - 1, 1, 1),
        (weight_of(1), 1, 1),
        (1, 1, 1),
    ] {
        let mut desk = KeyedDesk::new(Settings {
            max_bytes,
            soft_bytes: usize::MAX,
            ..Settings::default()
        });
        desk.turn(&session("1"), 1, 0);
        desk.turn(&session("2"), 2, 0);
        assert_eq!(
            (desk.shed(), desk.stitcher.keys()),
            (shed, keys),
            "{max_bytes} bytes"
        );
        reborn(&desk.stitcher, Settings::default());
    }
}

/// Sessions that are closed and remembered are the first to go, and nobody counts them as shed.
#[test]
fn what_is_remembered_is_forgotten_only_above_a_limit() {
    const DAY: u64 = 24 * 60 * 60;
    let remembered = || {
        let mut desk = KeyedDesk::new(Settings::default());
        desk.turn(&session("1"), 1, 0);
        // Its workflow is closed and its spans are forgotten.
        desk.stitcher.advance(seconds(DAY / 2), &mut desk.out);
        assert_eq!(desk.stitcher.keys(), 1);
        desk
    };
    let mut both = remembered();
    both.turn(&session("2"), 2, DAY / 2);
    let full = both.stitcher.weight();
    let enough = |soft: &usize| soft - soft / 8 >= full;
    let full = (full..).find(enough).expect("some limit is");
    for (max_sessions, soft_bytes, keys) in [
        (10, usize::MAX, 2),
        (2, usize::MAX, 2),
        (1, usize::MAX, 1),
        (10, full, 2),
        (10, full - 1, 1),
    ] {
        let mut desk = remembered();
        desk.stitcher.settings.max_sessions = max_sessions;
        desk.stitcher.settings.soft_bytes = soft_bytes;
        desk.turn(&session("2"), 2, DAY / 2);
        let context = format!("{max_sessions} sessions, {soft_bytes} bytes");
        assert_eq!((desk.stitcher.keys(), desk.shed()), (keys, 0), "{context}");
        let sessions = count(&desk.end(), |what| *what == What::Session);
        assert_eq!(sessions, 2, "{context}");
    }
}

#[test]
fn what_is_open_is_never_forgotten() {
    let mut desk = KeyedDesk::new(Settings {
        soft_bytes: 1,
        ..Settings::default()
    });
    // The first turn is decided and its workflow open, the second one undecided, the third key forwards.
    desk.turn(&session("1"), 1, 0);
    desk.turn(&session("2"), 2, 60);
    desk.apply(&session("z"), Record::Bind(session("a")), 60);
    desk.stitcher.advance(seconds(66), &mut desk.out);
    desk.turn(&session("3"), 3, 66);
    assert_eq!(desk.stitcher.keys(), 4);
    let facts = desk.end();
    assert_eq!(turns(&facts).len(), 3);
    assert_eq!(outcomes(&facts), [Outcome::Unverified; 3]);
}

/// A session of a tenant.
fn session_of(tenant: &str, number: u8) -> PartitionKey {
    let id = number.to_string().as_str().into();
    let tenant = Some(tenant.into());
    PartitionKey::Session(TenantScoped { tenant, id })
}

/// How often something was found out of a tenant.
fn count_of(tenant: &str, facts: &[Fact], is_it: impl Fn(&What) -> bool) -> usize {
    let is_own = |fact: &&Fact| {
        let key = fact.key.as_ref();
        key.and_then(PartitionKey::tenant) == Some(&tenant.into())
    };
    let own = facts.iter().filter(is_own);
    own.filter(|fact| is_it(&fact.what)).count()
}

/// The oldest session is that of another tenant than the one that has most of them.
#[test]
fn what_a_tenant_has_beyond_an_equal_share_is_shed_and_nothing_of_others() {
    for settings in [
        Settings {
            max_sessions: 4,
            ..Settings::default()
        },
        Settings {
            max_bytes: weight_of(4),
            soft_bytes: usize::MAX,
            ..Settings::default()
        },
    ] {
        let mut desk = KeyedDesk::new(settings);
        desk.turn(&session_of("b", 0), 1, 0);
        for number in 1..20 {
            desk.turn(&session_of("a", number), number + 1, number.into());
        }
        let is_shed = |what: &What| matches!(what, What::Shed(_));
        assert_eq!(count_of("b", &desk.out.facts, is_shed), 0);
        assert!(count_of("a", &desk.out.facts, is_shed) > 10);
        // The one that was just touched stays. There is nothing else to shed.
        desk.stitcher.settings.max_sessions = 1;
        desk.turn(&session_of("a", 19), 21, 20);
        desk.turn(&session_of("a", 19), 22, 21);
        desk.turn(&session_of("a", 19), 23, 22);
        assert_eq!(desk.stitcher.keys(), 1);
        assert_eq!(turns(&desk.end()).len(), 23, "none is lost");
    }
}

#[test]
fn what_is_remembered_of_a_tenant_is_not_forgotten_for_another_one_that_has_more() {
    const HALF_A_DAY: u64 = 12 * 60 * 60;
    let mut desk = KeyedDesk::new(Settings::default());
    desk.turn(&session_of("b", 0), 1, 0);
    for number in 1..7 {
        desk.turn(&session_of("a", number), number + 1, number.into());
    }
    desk.stitcher.advance(seconds(HALF_A_DAY), &mut desk.out);
    assert_eq!(desk.stitcher.keys(), 7);
    desk.stitcher.settings.max_sessions = 3;
    desk.turn(&session_of("a", 7), 8, HALF_A_DAY);
    assert_eq!(desk.stitcher.keys(), 3);
    // Both go on. What was forgotten is counted again.
    desk.turn(&session_of("b", 0), 9, HALF_A_DAY + 1);
    desk.turn(&session_of("a", 1), 10, HALF_A_DAY + 2);
    let facts = desk.end();
    let sessions = |tenant| count_of(tenant, &facts, |what| *what == What::Session);
    assert_eq!((sessions("b"), sessions("a")), (1, 8));
}
