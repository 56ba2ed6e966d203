//! What metrics say of turns, workflows and tokens; what is kept, joined and forgotten, and when.

use super::{closed, fact, handoff, in_cohort, settings, shown, tool};
use crate::derive::*;
use crate::model::Name;
use crate::model::action::{Action, ActionKind};
use crate::model::event::{Outcome, Usage};
use crate::model::fact::{Ending, HandoffResult, Workflow};
use crate::model::metric::Point;
use crate::model::sampling::Threshold;
use crate::proto::v1;
use std::time::Duration;

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
        is_assumed: false,
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
        duration: Duration::from_secs(60),
        cost_usd: Some(0.5),
        value_usd: Some(49.5),
        ..closed(Outcome::Resolved)
    }));
    let workflows = shown(&families, "baton_workflows_total");
    assert_eq!(workflows.len(), Outcome::ALL.len());
    for line in workflows {
        let counts = line.starts_with("w resolved declared");
        assert!(line.ends_with(if counts { "= 1" } else { "= 0" }), "{line}");
    }
    for (metric, expected) in [
        ("baton_workflow_duration_seconds", "w resolved = 1 sum 60"),
        ("baton_workflow_cost_usd", "w resolved = 1 sum 0.5"),
        ("baton_workflow_value_usd_total", "w resolved = 49.5"),
        ("baton_workflow_spend_usd_total", "w resolved = 0.5"),
        ("baton_workflow_elapsed_seconds_total", "w resolved = 60"),
        ("baton_workflow_recontacts_total", "w resolved = 0"),
    ] {
        assert_eq!(shown(&families, metric), [expected]);
    }
}

#[test]
fn calls_and_tools_that_failed_show_beside_those_that_did_not() {
    let call = |failed| {
        What::Model(ModelCallFact {
            agent: Name::from("a"),
            provider: Name::from("p"),
            model: Name::from("m"),
            operation: Operation::Chat,
            ending: Ending::of(failed, false),
            usage: Some(Usage {
                input: 100,
                output: 10,
                cache_read: Some(40),
                cache_write: None,
                reasoning: Some(0),
            }),
            cost: Cost::default(),
            cache_savings: None,
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
    let bounds = Metric::TransferLoopLength.description().bounds;
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
    assert_eq!(deriver.next_deadline(), None);
    deriver.apply(&fact(1, What::Pending(1)), Timestamp(5));
    assert_eq!(deriver.next_deadline(), None);
    deriver.apply(&fact(1, tool("early")), Timestamp(10));
    deriver.apply(&fact(1, tool("late")), Timestamp(20));
    let (first, second) = (Timestamp(10) + wait, Timestamp(20) + wait);
    assert_eq!(deriver.next_deadline(), Some(first));
    let series = deriver.series();
    deriver.advance(Timestamp(first.0 - 1));
    assert_eq!(deriver.series(), series);
    deriver.advance(first);
    // A tool has two series, one for each status.
    assert_eq!(deriver.series(), series - 2);
    assert_eq!(deriver.next_deadline(), Some(second));
    deriver.advance(second);
    assert_eq!((deriver.series(), deriver.next_deadline()), (1, None));
}

#[test]
fn snapshots_that_meet_add_up_and_what_fits_no_metric_is_left_out() {
    let saved = || {
        let mut deriver = Deriver::new(settings());
        deriver.apply(&fact(1, What::Pending(3)), Timestamp(5));
        deriver.apply(&fact(1, handoff(HandoffResult::Success)), Timestamp(5));
        deriver.save().collect::<Vec<_>>()
    };
    let mut deriver = Deriver::new(settings());
    for stored in saved().into_iter().chain(saved()) {
        assert_eq!(deriver.restore(stored), Ok(Restored::Taken));
    }
    let families = deriver.families();
    assert_eq!(shown(&families, "baton_handoffs_pending"), [" = 6"]);
    assert_eq!(
        shown(&families, "baton_handoff_duration_seconds"),
        ["a b = 2 sum 0.24"]
    );
    assert!(
        shown(&families, "baton_handoffs_total")
            .contains(&"a b transfer success  inferred = 2".to_owned())
    );
    assert_eq!(
        deriver.next_deadline(),
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
            let expected = match fits {
                true => Restored::Taken,
                false => Restored::Unknown,
            };
            assert_eq!(deriver.restore(mixed), Ok(expected));
            left_out += usize::from(!fits);
        }
    }
    assert!(left_out > 0);
}

#[test]
fn gauges_of_several_partitions_add_up() {
    let part = || told(What::Pending(3));
    let both = merge(vec![part(), part()]);
    assert_eq!(shown(&both, "baton_handoffs_pending"), [" = 6"]);
}

fn repeat(agent: &str) -> What {
    What::Repeat {
        workflow: Name::from("w"),
        agent: Name::from(agent),
    }
}

fn action(kind: ActionKind, name: &str) -> What {
    What::Action(Action {
        kind,
        name: Name::from(name),
        usd: 1.0,
    })
}

fn derive(settings: Settings, facts: &[Fact]) -> Deriver {
    let mut deriver = Deriver::new(settings);
    for fact in facts {
        deriver.apply(fact, Timestamp(1));
    }
    deriver
}

#[test]
fn a_sampled_turn_counts_for_those_it_stands_for_and_is_observed_once() {
    let turn = || {
        What::Turn(Turn {
            workflow: Name::from("w"),
            result: TurnResult::Answered,
            duration: Duration::from_secs(3),
            first_token: None,
            is_assumed: false,
            by_agent: Vec::new(),
        })
    };
    // One of four traces is kept.
    for (threshold, weight) in [(None, 1), (Threshold::of_trace_state("ot=th:c"), 4)] {
        let fact = Fact {
            threshold,
            ..fact(1, turn())
        };
        let families = derive(settings(), &[fact]).families();
        let weighted = u8::from(threshold.is_some());
        assert_eq!(
            shown(&families, "baton_observed_turns_total"),
            [
                format!("unweighted = {}", 1 - weighted),
                format!("weighted = {weighted}")
            ]
        );
        assert_eq!(
            shown(&families, "baton_turns_total"),
            [format!("w answered = {weight}"), "w failed = 0".to_owned()]
        );
        assert_eq!(
            shown(&families, "baton_turn_duration_seconds"),
            [format!("w = {weight} sum {}", 3 * weight)]
        );
    }
}

/// The seconds of the exemplars of a metric's series.
fn exemplars(families: &[Family], metric: &str) -> Vec<Option<u64>> {
    let family = families.iter().find(|f| f.name == metric);
    let series = family.expect("a metric").series.iter();
    let exemplar = |point: &Point| match point {
        Point::Counter { exemplar, .. } => *exemplar,
        Point::Histogram(h) => h.buckets.iter().find_map(|bucket| bucket.exemplar),
        Point::Gauge(_) => None,
    };
    let second = |at: Timestamp| at.0 / 1_000_000_000;
    series
        .map(|series| exemplar(&series.point).map(|exemplar| second(exemplar.at)))
        .collect()
}

#[test]
fn the_exemplar_is_of_the_latest_event_and_what_did_not_happen_has_none() {
    for order in [[3, 7], [7, 3]] {
        let of = |second| fact(second, handoff(HandoffResult::Dropped));
        let whole = derive(settings(), &order.map(of)).families();
        let part = |second| derive(settings(), &[of(second)]).families();
        let apart = merge(order.map(part).to_vec());
        for families in [whole, apart] {
            // Failed, then success at 0.
            assert_eq!(
                exemplars(&families, "baton_handoffs_total"),
                [Some(7), None]
            );
            assert_eq!(
                exemplars(&families, "baton_handoff_duration_seconds"),
                [Some(7)]
            );
        }
    }
}

#[test]
fn long_label_values_are_cut_at_a_character() {
    let long = format!("x{}", "é".repeat(100));
    let families = derive(settings(), &[fact(1, repeat(&long))]).families();
    assert_eq!(
        shown(&families, "baton_user_repeats_total"),
        [format!("w x{} = 1", "é".repeat(63))]
    );
}

#[test]
fn an_unknown_dimension_and_the_rest_need_no_place_but_a_label_without_a_value_does() {
    let settings = Settings {
        max_label_values: 1,
        max_cohort_values: 1,
        dimensions: vec!["tier".into()],
        ..settings()
    };
    let in_tier = |tier: &str| in_cohort(&[(0, tier)], What::Retrieval);
    let full = in_tier("gold");
    for (next, shown_as, overflows) in [
        (fact(1, What::Retrieval), " = 1", false),
        (in_tier("other"), "other = 1", false),
        (in_tier("tin"), "other = 1", true),
    ] {
        let families = derive(settings.clone(), &[full.clone(), next]).families();
        let retrievals = shown(&families, "baton_retrievals_total");
        assert!(retrievals.contains(&shown_as.to_owned()), "{retrievals:?}");
        let overflow = shown(&families, "baton_series_overflow_total");
        assert_eq!(!overflow.is_empty(), overflows, "{shown_as}");
    }
    for agent in ["", "other"] {
        let facts = [fact(1, repeat("a")), fact(1, repeat(agent))];
        let families = derive(settings.clone(), &facts).families();
        assert_eq!(
            shown(&families, "baton_user_repeats_total"),
            ["w _overflow = 1", "w a = 1"],
            "{agent:?}"
        );
    }
}

#[test]
fn a_series_that_is_there_takes_the_rest_though_no_new_one_may_come() {
    let settings = Settings {
        max_series: 2,
        max_label_values: 1,
        ..settings()
    };
    let names = ["a", "b", "c"].map(|name| fact(1, action(ActionKind::Tool, name)));
    let mut deriver = derive(settings, &names);
    let paid = |deriver: &Deriver| shown(&deriver.families(), "baton_action_cost_usd_total");
    assert_eq!(paid(&deriver), ["tool _overflow = 2", "tool a = 1"]);
    deriver.apply(&fact(1, action(ActionKind::Retrieval, "a")), Timestamp(1));
    assert_eq!(
        paid(&deriver),
        [
            "_overflow _overflow = 1",
            "tool _overflow = 2",
            "tool a = 1"
        ]
    );
}

#[test]
fn a_label_value_is_free_again_when_the_last_series_that_has_it_expires() {
    let settings = Settings {
        max_label_values: 2,
        ..settings()
    };
    let second = 1_000_000_000;
    let mut deriver = Deriver::new(settings);
    let of = |kind, name, at: u64| (fact(1, action(kind, name)), Timestamp(at * second));
    for (fact, at) in [
        of(ActionKind::Tool, "a", 1),
        of(ActionKind::Tool, "b", 60),
        of(ActionKind::Retrieval, "b", 60),
    ] {
        deriver.apply(&fact, at);
    }
    deriver.advance(Timestamp(120 * second));
    // "a" is free, "tool" is not: two kinds are as many as may be.
    for (kind, name) in [(ActionKind::Retrieval, "c"), (ActionKind::Escalation, "b")] {
        let (fact, at) = of(kind, name, 120);
        deriver.apply(&fact, at);
    }
    assert_eq!(
        shown(&deriver.families(), "baton_action_cost_usd_total"),
        [
            "_overflow b = 1",
            "retrieval b = 1",
            "retrieval c = 1",
            "tool b = 1"
        ]
    );
}

#[test]
fn snapshots_keep_dimensions_and_a_gauge_alone_expires_never() {
    let settings = Settings {
        dimensions: vec!["tier".into()],
        ..settings()
    };
    let facts = [
        in_cohort(&[(0, "gold")], repeat("a")),
        in_cohort(&[], repeat("a")),
    ];
    let deriver = derive(settings.clone(), &facts);
    let restored = |from: &Deriver| {
        let mut next = Deriver::new(settings.clone());
        for series in from.save() {
            assert_eq!(next.restore(series), Ok(Restored::Taken));
        }
        next
    };
    assert_eq!(
        shown(&restored(&deriver).families(), "baton_user_repeats_total"),
        ["w a = 1", "w a gold = 1"]
    );
    let gauge = derive(settings.clone(), &[fact(1, What::Pending(1))]);
    assert_eq!(restored(&gauge).next_deadline(), None);
}

#[test]
fn the_count_of_what_is_limited_is_limited_itself_and_that_is_the_end_of_it() {
    for (max_label_values, max_series) in [(1, 10), (10, 1)] {
        let settings = Settings {
            max_label_values,
            max_series,
            ..settings()
        };
        // Two metrics have too many.
        let whats = ["a", "b"].map(|name| [repeat(name), tool(name)]);
        let facts = whats.into_iter().flatten().map(|what| fact(1, what));
        let facts: Vec<Fact> = facts.collect();
        let families = derive(settings, &facts).families();
        let told = shown(&families, "baton_series_overflow_total");
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told.iter().all(|line| line.ends_with("= 1")), "{told:?}");
        assert!(told[0].starts_with("_overflow"), "{told:?}");
    }
}
