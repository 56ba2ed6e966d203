//! What metrics say of turns, workflows and tokens; what is kept, joined and forgotten, and when.

use super::tests::{fact, handoff, settings, shown, tool};
use super::*;
use crate::model::Name;
use crate::model::event::Usage;
use crate::model::fact::HandoffResult;
use crate::model::metric::Point;
use crate::proto::v1;

fn told(what: What) -> Vec<Family> {
    // All label values have their place.
    let mut deriver = Deriver::new(Settings {
        max_label_values: 10,
        ..settings()
    });
    deriver.apply(&fact(1, what), Timestamp(1));
    deriver.families()
}

#[test]
fn a_turn_counts_once_with_its_waits_and_the_other_result_shows_at_zero() {
    let families = told(What::Turn(Turn {
        workflow: Name::from("w"),
        result: TurnResult::Failed,
        duration: Duration::from_secs(3),
        first_token: Some(Duration::from_secs(1)),
        by_agent: vec![(Name::from("a"), Duration::from_secs(2))],
    }));
    for (metric, expected) in [
        ("baton_turns_total", vec!["w answered = 0", "w failed = 1"]),
        ("baton_turn_duration_seconds", vec!["w = 1 sum 3"]),
        ("baton_turn_first_token_seconds", vec!["w = 1 sum 1"]),
    ] {
        assert_eq!(shown(&families, metric), expected);
    }
}

#[test]
fn a_workflow_counts_once_with_its_money_and_the_other_outcomes_show_at_zero() {
    let families = told(What::Workflow(Workflow {
        workflow: Name::from("w"),
        outcome: Outcome::Resolved,
        because: Name::from("a rule"),
        duration: Duration::from_secs(60),
        cost_usd: Some(0.5),
        value_usd: Some(49.5),
        models: Vec::new(),
    }));
    let workflows = shown(&families, "baton_workflows_total");
    assert_eq!(workflows.len(), Outcome::ALL.len());
    for line in workflows {
        let counts = line.starts_with("w resolved");
        assert!(line.ends_with(if counts { "= 1" } else { "= 0" }), "{line}");
    }
    for (metric, expected) in [
        ("baton_workflow_duration_seconds", "w resolved = 1 sum 60"),
        ("baton_workflow_cost_usd", "w resolved = 1 sum 0.5"),
        ("baton_workflow_value_usd_total", "w resolved = 49.5"),
    ] {
        assert_eq!(shown(&families, metric), [expected]);
    }
}

#[test]
fn calls_and_tools_that_failed_show_beside_those_that_did_not() {
    let call = |failed| {
        What::Model(ModelCall {
            agent: Name::from("a"),
            provider: Name::from("p"),
            model: Name::from("m"),
            operation: Operation::Chat,
            failed,
            usage: Some(Usage {
                input: 100,
                output: 10,
                cache_read: Some(40),
                cache_write: None,
                reasoning: Some(0),
            }),
            cost: Cost::default(),
            duration: Duration::from_secs(1),
            first_token: None,
        })
    };
    for failed in [false, true] {
        let families = told(call(failed));
        let (error, ok) = (u8::from(failed), u8::from(!failed));
        assert_eq!(
            shown(&families, "baton_llm_calls_total"),
            [
                format!("a p m chat error = {error}"),
                format!("a p m chat ok = {ok}")
            ]
        );
        assert_eq!(
            shown(&families, "baton_llm_tokens_total"),
            [
                "a p m cache_read = 40",
                "a p m input = 100",
                "a p m output = 10",
                "a p m reasoning = 0",
            ],
            "what is unknown is not 0"
        );
    }
    assert_eq!(
        shown(&told(tool("lookup")), "baton_tool_calls_total"),
        ["lookup error = 0", "lookup ok = 1"]
    );
    let shed = shown(&told(What::Shed(Shed::Memory)), "baton_shed_total");
    let counted = shed.iter().filter(|line| line.ends_with("= 1"));
    assert_eq!(counted.count(), 1, "{shed:?}");
    assert_eq!(shed.len(), Shed::ALL.len());
}

#[test]
fn a_value_on_the_bound_of_a_bucket_is_in_it() {
    let bounds = catalogue::CATALOGUE[Metric::TransferLoopLength as usize].bounds;
    for (observed, bucket) in [(bounds[0], 0), (bounds[0] + 1.0, 1)] {
        let length = observed as u64;
        let families = told(What::Loop {
            agent: Name::from("a"),
            length,
        });
        let found = families
            .iter()
            .find_map(|family| match &family.series.first()?.point {
                Point::Histogram(histogram) => histogram.buckets.iter().position(|b| b.count == 1),
                _ => None,
            });
        assert_eq!(found, Some(bucket), "{observed}");
    }
}

#[test]
fn the_next_expiry_is_that_of_the_series_idle_longest_and_gauges_have_none() {
    let wait = settings().expire_after;
    let mut deriver = Deriver::new(settings());
    assert_eq!(deriver.next_expiry(), None);
    deriver.apply(&fact(1, What::Pending(1)), Timestamp(5));
    assert_eq!(deriver.next_expiry(), None);
    deriver.apply(&fact(1, tool("early")), Timestamp(10));
    deriver.apply(&fact(1, tool("late")), Timestamp(20));
    let (first, second) = (Timestamp(10) + wait, Timestamp(20) + wait);
    assert_eq!(deriver.next_expiry(), Some(first));
    let series = deriver.series();
    deriver.expire(Timestamp(first.0 - 1));
    assert_eq!(deriver.series(), series);
    deriver.expire(first);
    // A tool has two series, one for each status.
    assert_eq!(deriver.series(), series - 2);
    assert_eq!(deriver.next_expiry(), Some(second));
    deriver.expire(second);
    assert_eq!((deriver.series(), deriver.next_expiry()), (1, None));
}

#[test]
fn snapshots_that_meet_add_up_and_what_fits_no_metric_is_left_out() {
    let saved = || {
        let mut deriver = Deriver::new(settings());
        deriver.apply(&fact(1, What::Pending(2)), Timestamp(5));
        deriver.apply(&fact(1, handoff(HandoffResult::Success)), Timestamp(5));
        deriver.save().collect::<Vec<_>>()
    };
    let mut deriver = Deriver::new(settings());
    for stored in saved().into_iter().chain(saved()) {
        assert_eq!(deriver.restore(stored), Ok(true));
    }
    let families = deriver.families();
    assert_eq!(shown(&families, "baton_handoffs_pending"), [" = 4"]);
    assert_eq!(
        shown(&families, "baton_handoff_duration_seconds"),
        ["a b = 2 sum 0.24"]
    );
    assert!(
        shown(&families, "baton_handoffs_total").contains(&"a b transfer success  = 2".to_owned())
    );
    assert_eq!(
        deriver.next_expiry(),
        Some(Timestamp(5) + settings().expire_after)
    );
    // The numbers of one metric under the name of another one are left out.
    let (all, mut left_out) = (saved(), 0);
    for stored in &all {
        for other in &all {
            let kind = |s: &v1::Series| s.number.as_ref().map(std::mem::discriminant);
            let mixed = v1::Series {
                number: other.number.clone(),
                ..stored.clone()
            };
            let fits = kind(stored) == kind(other);
            assert_eq!(deriver.restore(mixed), Ok(fits));
            left_out += usize::from(!fits);
        }
    }
    assert!(left_out > 0);
}

#[test]
fn gauges_of_several_partitions_add_up() {
    let part = || told(What::Pending(2));
    let both = merge(vec![part(), part()]);
    assert_eq!(shown(&both, "baton_handoffs_pending"), [" = 4"]);
}
