//! CumulativeUsage of calls, of which each counts those before it.

use super::keys::KeyedDesk;
use super::*;

/// A call that told these tokens, the `n`th of its row. It costs its output, and caching saved half of that.
fn call(n: u64, tokens: Option<(u64, u64)>, usage_is_cumulative: bool) -> (u64, Kind) {
    let usage = tokens.map(|(input, output)| Usage {
        input,
        output,
        reasoning: Some(output / 2),
        ..Usage::default()
    });
    let call = ModelCall {
        usage,
        cost: usage.map_or(Cost::Unknown, |usage| Cost::Computed(usage.output as f64)),
        cache_savings: usage.map(|usage| usage.output as f64 / 2.0),
        usage_is_cumulative,
        ..ModelCall::default()
    };
    (n, Kind::Model(Box::new(call)))
}

/// What the calls took, as it is told; what they cost is their output.
fn took(facts: &[Fact]) -> Vec<(u64, u64)> {
    let took = |fact: &Fact| match &fact.what {
        What::Model(call) => {
            let usage = call.usage?;
            assert_eq!(Some(usage.output as f64), call.cost.usd());
            assert_eq!(Some(usage.output as f64 / 2.0), call.cache_savings);
            assert!(usage.reasoning <= Some(usage.output));
            Some((usage.input, usage.output))
        }
        _ => None,
    };
    facts.iter().filter_map(took).collect()
}

/// The calls of a desk, each under the first or the second span of it.
fn desk(calls: &[(u64, (u64, Kind))]) -> Vec<(u64, u64)> {
    let mut s = Scene::default();
    let around = [s.agent(0, "desk", (0, 100)), s.agent(0, "clerk", (0, 100))];
    for (under, (n, kind)) in calls {
        s.add(around[*under as usize], (10 * n, 10 * n + 5), kind.clone());
    }
    took(&run(&s))
}

/// C-7.
#[test]
fn a_call_that_counts_those_before_it_is_counted_without_them() {
    let first = || (0, call(1, Some((100, 10)), true));
    let second = || (0, call(2, Some((220, 24)), true));
    let last = |n| (0, call(n, Some((360, 40)), false));
    let own = [(100, 10), (120, 14), (140, 16)];
    assert_eq!(desk(&[first(), second(), last(3)]), own);
    // Another row begins after the last call of one, and under another span.
    let again = [(100, 10), (260, 30), (360, 40)];
    assert_eq!(desk(&[first(), last(3), last(4)]), again);
    let other = (1, call(3, Some((360, 40)), false));
    assert_eq!(desk(&[first(), other]), [(100, 10), (360, 40)]);
    // A call that failed tells nothing, and the row goes on after it.
    let failed = (0, call(2, None, false));
    assert_eq!(desk(&[first(), failed, last(3)]), again[..2]);
}

/// C-8.
#[test]
fn an_app_that_runs_the_tools_itself_asks_anew_each_time() {
    let row = |tokens: [(u64, u64); 3]| {
        let [a, b, c] = tokens.map(Some);
        desk(&[
            (0, call(1, a, true)),
            (0, call(2, b, true)),
            (0, call(3, c, false)),
        ])
    };
    let alone = [(100, 10), (130, 24), (170, 40)];
    assert_eq!(row(alone), alone);
    // The prompt of the one before is what the next one took at least.
    assert_eq!(
        row([(100, 10), (200, 24), (300, 40)]),
        [(100, 10), (100, 14), (100, 16)]
    );
    assert_eq!(
        row([(100, 10), (199, 24), (397, 40)]),
        [(100, 10), (199, 24), (397, 40)]
    );
    assert_eq!(
        row([(100, 10), (220, 9), (360, 8)]),
        [(100, 10), (220, 9), (360, 8)]
    );
}

/// C-9.
#[test]
fn a_call_that_comes_late_is_counted_without_those_of_its_row() {
    let row = [((100, 10), true), ((220, 24), true), ((360, 40), false)];
    let mut s = Scene::default();
    let around = s.agent(0, "desk", (0, 100));
    for (n, (tokens, usage_is_cumulative)) in (1..).zip(row) {
        let (n, kind) = call(n, Some(tokens), usage_is_cumulative);
        s.add(around, (10 * n, 10 * n + 5), kind);
    }
    for late in [&[3][..], &[2], &[2, 3], &[3, 2]] {
        let mut desk = KeyedDesk::new(Settings::default());
        let mut take = |n: usize, second| {
            let event = Record::Event(Box::new(s.events[n].clone()));
            desk.apply(&session("a"), event, second);
            desk.stitcher = reborn(&desk.stitcher, Settings::default());
        };
        let in_time = (0..4).filter(|n| !late.contains(n));
        in_time.for_each(|n| take(n, 0));
        late.iter().for_each(|n| take(*n, 10));
        let facts = desk.end();
        let told = took(&facts);
        assert_eq!(told.len(), 3, "{late:?}");
        let sum = |pick: fn(&(u64, u64)) -> u64| told.iter().map(pick).sum::<u64>();
        assert_eq!((sum(|t| t.0), sum(|t| t.1)), (360, 40), "{late:?}");
        let cost = facts.iter().find_map(|fact| match &fact.what {
            What::Workflow(workflow) => workflow.cost_usd,
            _ => None,
        });
        assert_eq!(cost, Some(40.0), "{late:?}");
    }
}

#[test]
fn of_a_row_that_two_sessions_know_a_part_of_the_later_call_counts() {
    for (first, second) in [("a", "b"), ("b", "a")] {
        let mut s = Scene::default();
        let around = s.agent(0, "desk", (0, 100));
        for (n, input) in [(1, 100), (2, 200), (3, 500)] {
            let (n, kind) = call(n, Some((input, n)), true);
            s.add(around, (10 * n, 10 * n + 5), kind);
        }
        let mut desk = KeyedDesk::new(Settings::default());
        for (n, key, after) in [(1, first, 0), (2, second, 0), (3, "a", 100)] {
            if after > 0 {
                desk.apply(&session("b"), Record::Bind(session("a")), 90);
                desk.deliver(90);
            }
            let event = Record::Event(Box::new(s.events[n].clone()));
            desk.apply(&session(key), event, after);
        }
        assert_eq!(took(&desk.end()).last(), Some(&(300, 1)), "{first}");
    }
}

#[test]
fn where_nothing_adds_up_a_call_that_comes_late_is_whole() {
    let mut s = Scene::default();
    let around = s.agent(0, "desk", (0, 100));
    for (n, tokens) in [(1, (100, 10)), (2, (130, 24)), (3, (170, 40))] {
        let (n, kind) = call(n, Some(tokens), true);
        s.add(around, (10 * n, 10 * n + 5), kind);
    }
    let mut desk = KeyedDesk::new(Settings::default());
    for (n, second) in [(0, 0), (1, 0), (3, 0), (2, 10)] {
        let event = Record::Event(Box::new(s.events[n].clone()));
        desk.apply(&session("a"), event, second);
    }
    assert_eq!(took(&desk.end()), [(100, 10), (170, 40), (130, 24)]);
}
