//! The loop of exporters that push, with a feed and a protocol of the test.

mod known;
mod support;

use self::support::{Answer, PushScript, counted, start};
use crate::client::SendFailure;
use crate::model::metric::Family;
use std::collections::{BTreeMap, BTreeSet};

#[tokio::test]
async fn every_set_has_one_time_of_its_own_even_where_the_clock_stands() {
    let mut push = start(PushScript::default());
    let mut attempts = Vec::new();
    for _ in 0..8 {
        attempts.push(push.next().await);
    }
    attempts.extend(push.stop().await);
    let mut requests: BTreeMap<u64, usize> = BTreeMap::new();
    for attempt in &attempts {
        *requests.entry(attempt.at).or_default() += 1;
    }
    assert!(requests.len() >= 4, "{requests:?}");
    assert!(
        requests.values().all(|count| *count == 2),
        "one for each shard: {requests:?}"
    );
    assert!(
        requests.keys().all(|at| at % 1_000_000 == 0),
        "{requests:?}"
    );
}

#[tokio::test]
async fn nothing_is_pushed_before_the_state_is_complete() {
    let mut push = start(PushScript {
        starting: true,
        ..PushScript::default()
    });
    push.looked().await;
    push.looked().await;
    assert!(push.is_silent());
    push.complete();
    push.next().await;
}

#[tokio::test]
async fn the_last_figures_are_pushed_at_the_end() {
    let mut push = start(PushScript {
        every_hour: true,
        ..PushScript::default()
    });
    let first = push.next_of_all_shards().await;
    assert_eq!(first[0].value, 1.0);
    push.set(7.0);
    let rest = push.stop().await;
    let values: Vec<f64> = rest.iter().map(|pushed| pushed.value).collect();
    assert_eq!(values, [7.0; 2], "one request for each shard");
    assert_eq!(
        counted(&push.families(), "baton_push_sent_points_total"),
        4.0
    );
    assert_eq!(counted(&push.families(), "baton_push_waiting_points"), 0.0);
}

#[tokio::test]
async fn an_outage_loses_nothing_and_changes_no_order() {
    let answers = vec![
        Answer::Fails(SendFailure::Connection),
        Answer::Fails(SendFailure::Timeout),
        Answer::Fails(SendFailure::Throttled),
        Answer::Fails(SendFailure::Unavailable),
    ];
    let mut push = start(PushScript {
        shards: 1,
        answers,
        ..PushScript::default()
    });
    let mut attempts = Vec::new();
    for _ in 0..8 {
        attempts.push(push.next().await.at);
    }
    assert!(
        attempts[..5].iter().all(|at| *at == attempts[0]),
        "{attempts:?}"
    );
    assert!(attempts[4..].is_sorted_by(|a, b| a < b), "{attempts:?}");
    let step: BTreeSet<u64> = attempts[4..]
        .windows(2)
        .map(|two| two[1] - two[0])
        .collect();
    assert_eq!(step, BTreeSet::from([1_000_000]), "no set is left out");
    push.stop().await;
    let families = push.families();
    assert_eq!(counted(&families, "baton_push_failed_requests_total"), 4.0);
    assert_eq!(counted(&families, "baton_push_dropped_points_total"), 0.0);
}

#[tokio::test]
async fn what_is_rejected_is_not_sent_again_and_what_is_written_of_it_counts() {
    let mut push = start(PushScript {
        shards: 1,
        answers: vec![Answer::Fails(SendFailure::Rejected), Answer::Writes(0)],
        every_hour: true,
        ..PushScript::default()
    });
    let first = push.next().await;
    let rest = push.stop().await;
    assert_eq!(rest.len(), 1);
    assert!(first.at < rest[0].at);
    let families = push.families();
    assert_eq!(counted(&families, "baton_push_sent_points_total"), 0.0);
    assert_eq!(counted(&families, "baton_push_failed_requests_total"), 1.0);
    assert_eq!(counted(&families, "baton_push_dropped_points_total"), 2.0);
}

#[tokio::test]
async fn a_full_queue_drops_the_oldest_points_and_counts_them() {
    let mut push = start(PushScript {
        shards: 1,
        queue_size: 2,
        holds: true,
        ..PushScript::default()
    });
    let dropped = |families: &[Family]| counted(families, "baton_push_dropped_points_total");
    let first = push.next().await;
    // Some may have been dropped before the first request was sent.
    let before = dropped(&push.families());
    // One request is in flight, two wait, and more came.
    push.wait_for(|families| dropped(families) >= before + 3.0)
        .await;
    push.go_on();
    let second = push.next().await;
    assert!(second.at >= first.at + 4_000_000, "{first:?}, {second:?}");
    push.go_on();
    push.stop().await;
}

#[tokio::test]
async fn a_dead_receiver_does_not_hold_up_the_end() {
    let mut push = start(PushScript {
        shards: 1,
        fails_always: true,
        slow_retries: true,
        every_hour: true,
        ..PushScript::default()
    });
    let first = push.next().await;
    let rest = push.stop().await;
    // The wait for the next attempt is cut short: there is one more, and none for what came later.
    let times: Vec<u64> = rest.iter().map(|pushed| pushed.at).collect();
    assert_eq!(times, [first.at]);
    let families = push.families();
    assert_eq!(counted(&families, "baton_push_dropped_points_total"), 2.0);
    assert_eq!(counted(&families, "baton_push_waiting_points"), 0.0);
}
