//! Known answers of the metrics, and their limits.

mod buckets;
mod labels;
mod limits;
mod reveal;
mod series_cache;
mod tenants;

use super::*;
use crate::model::Name;
use crate::model::action::{Action, ActionKind};
use crate::model::call_costs::CallCosts;
use crate::model::event::{Basis, Outcome};
use crate::model::fact::{Ending, HandoffKind, HandoffPlace, ToolCallFact, Workflow};
use crate::model::ids::TraceId;
use crate::model::metric::Point;
use std::time::Duration;

pub(super) fn fact(second: u64, what: What) -> Fact {
    let trace = TraceId::new(&[1; 16]).expect("not zero");
    Fact::new(Timestamp(second * 1_000_000_000), trace, what)
}

pub(super) fn tool(name: &str) -> What {
    What::Tool(ToolCallFact {
        tool: Name::from(name),
        ending: Ending::Ok,
    })
}

pub(super) fn handoff(result: HandoffResult) -> What {
    What::Handoff(Handoff {
        workflow: Name::from("w"),
        from: Name::from("a"),
        to: Name::from("b"),
        kind: HandoffKind::Transfer,
        result,
        latency: Some(Duration::from_millis(120)),
        retention: None,
        intent: None,
        phantom: false,
        basis: Basis::Inferred,
        place: HandoffPlace::default(),
    })
}

pub(super) fn settings() -> Settings {
    Settings {
        labels: Labels {
            preset: Preset::Full,
            ..Labels::default()
        },
        max_series: 10,
        max_label_values: 3,
        expire_after: Duration::from_secs(100),
        zero_hold: Duration::ZERO,
        ..Settings::default()
    }
}

/// The series of a metric as `label values = value`.
pub(super) fn shown(families: &[Family], name: &str) -> Vec<String> {
    let family = families.iter().find(|f| f.name == name).expect("a metric");
    let line = |s: &crate::model::metric::Series| {
        let labels: Vec<&str> = s.labels.iter().map(|(_, v)| v.as_str()).collect();
        let value = match &s.point {
            Point::Counter { value, .. } | Point::Gauge(value) => value.to_string(),
            Point::Histogram(h) => format!(
                "{:?} sum {}",
                h.buckets.iter().map(|b| b.count).sum::<u64>(),
                h.sum
            ),
        };
        format!("{} = {value}", labels.join(" "))
    };
    family.series.iter().map(line).collect()
}

/// A workflow of a second that nobody paid for.
fn closed(outcome: Outcome) -> Workflow {
    Workflow {
        workflow: Name::from("w"),
        outcome,
        because: "r".into(),
        basis: Basis::Declared,
        duration: Duration::from_secs(1),
        cost_usd: None,
        value_usd: None,
        models: Vec::new(),
        calls: CallCosts::default(),
        has_user: true,
        span: None,
    }
}

#[test]
fn a_failed_handoff_shows_its_success_at_zero_beside_it() {
    let mut deriver = Deriver::new(settings());
    deriver.apply(&fact(1, handoff(HandoffResult::Dropped)), Timestamp(1));
    let families = deriver.families();
    assert_eq!(
        shown(&families, "baton_handoffs_total"),
        [
            "a b transfer failed dropped inferred = 1",
            "a b transfer success  inferred = 0"
        ]
    );
    assert_eq!(
        shown(&families, "baton_handoff_duration_seconds"),
        ["a b = 1 sum 0.12"]
    );
}

#[test]
fn an_intent_is_kept_or_changed_and_the_other_shows_at_zero() {
    let mut deriver = Deriver::new(settings());
    let What::Handoff(mut passed) = handoff(HandoffResult::Success) else {
        unreachable!("it makes a handoff")
    };
    passed.intent = Some(crate::model::fact::IntentPassed {
        kept: true,
        sides: None,
    });
    deriver.apply(&fact(1, handoff(HandoffResult::Success)), Timestamp(1));
    deriver.apply(&fact(1, What::Handoff(passed)), Timestamp(1));
    assert_eq!(
        shown(&deriver.families(), "baton_handoff_intents_total"),
        ["a b changed = 0", "a b kept = 1"]
    );
}

#[test]
fn the_overflow_names_the_label_that_had_too_many_values() {
    let mut deriver = Deriver::new(settings());
    for i in 0..6 {
        deriver.apply(&fact(1, tool(&format!("tool-{i}"))), Timestamp(1));
    }
    let families = deriver.families();
    let tools = shown(&families, "baton_tool_calls_total");
    assert!(tools.contains(&"_overflow ok = 3".to_owned()), "{tools:?}");
    assert_eq!(
        shown(&families, "baton_series_overflow_total"),
        ["baton_tool_calls_total tool = 3"]
    );
}

#[test]
fn idle_series_expire_one_by_one_and_free_their_label_values() {
    let mut deriver = Deriver::new(settings());
    let second = 1_000_000_000;
    deriver.apply(&fact(1, tool("old")), Timestamp(second));
    deriver.apply(&fact(1, What::Pending(1)), Timestamp(second));
    deriver.apply(&fact(1, tool("young")), Timestamp(60 * second));
    deriver.advance(Timestamp(120 * second));
    let families = deriver.families();
    assert_eq!(
        shown(&families, "baton_tool_calls_total"),
        ["young error = 0", "young ok = 1"]
    );
    assert_eq!(shown(&families, "baton_handoffs_pending"), [" = 1"]);
    for name in ["x", "y"] {
        deriver.apply(&fact(1, tool(name)), Timestamp(121 * second));
    }
    assert_eq!(
        shown(&deriver.families(), "baton_series_overflow_total"),
        [""; 0]
    );
}

#[test]
fn no_order_of_facts_and_no_split_over_partitions_shows_in_the_sums() {
    let costs = [0.1, 0.2, 0.3, 1e-7, 123.456, 0.7];
    let pay = |usd: f64| {
        fact(
            1,
            What::Workflow(Workflow {
                duration: Duration::from_secs_f64(usd),
                cost_usd: Some(usd),
                value_usd: Some(20.0),
                models: vec!["small".into(), "large".into()],
                ..closed(Outcome::Resolved)
            }),
        )
    };
    let derive = |order: &[f64]| {
        let mut deriver = Deriver::new(settings());
        for usd in order {
            deriver.apply(&pay(*usd), Timestamp(1));
        }
        deriver.families()
    };
    let mut backwards = costs;
    backwards.reverse();
    let forwards = derive(&costs);
    assert_eq!(forwards, derive(&backwards));
    let parts = merge(vec![derive(&costs[..2]), derive(&costs[2..])]);
    assert_eq!(
        shown(&parts, "baton_workflows_total"),
        shown(&forwards, "baton_workflows_total")
    );
    assert_eq!(
        shown(&parts, "baton_workflow_cost_usd"),
        shown(&forwards, "baton_workflow_cost_usd")
    );
}

#[test]
fn the_sum_of_several_partitions_is_in_whole_billionths() {
    let score = |of: &[f64]| {
        let mut deriver = Deriver::new(settings());
        for score in of {
            let name = Name::from("x");
            let what = What::Evaluation {
                name,
                score: *score,
            };
            deriver.apply(&fact(1, what), Timestamp(1));
        }
        deriver.families()
    };
    // 0.1 + 0.2 is 0.30000000000000004 to a processor.
    for (parts, sum) in [
        (vec![0.1, 0.2], "2 sum 0.3"),
        (vec![0.1, 0.2, 0.3], "3 sum 0.6"),
        (vec![8_000_000.1, 0.2], "2 sum 8000000.3"),
    ] {
        let whole = score(&parts);
        let apart = merge(parts.iter().map(|part| score(&[*part])).collect());
        let name = "baton_evaluation_score";
        assert_eq!(shown(&apart, name), [format!("x = {sum}")]);
        assert_eq!(shown(&apart, name), shown(&whole, name));
    }
}

#[test]
fn absurd_money_saturates() {
    let mut deriver = Deriver::new(settings());
    let score = |score| What::Evaluation {
        name: Name::from("x"),
        score,
    };
    for _ in 0..3 {
        deriver.apply(&fact(1, score(1e300)), Timestamp(1));
        deriver.store.add_up(
            Metric::LlmCost,
            &["a", "p", "m", "declared"],
            1e300,
            Moment {
                now: Timestamp(1),
                at: Timestamp(1),
                trace: TraceId::new(&[1; 16]).expect("not zero"),
                weight: 1,
                cohort: &Default::default(),
            },
        );
    }
    assert_eq!(
        shown(&deriver.families(), "baton_evaluation_score").len(),
        1
    );
}

pub(super) fn in_cohort(values: &[(u8, &str)], what: What) -> Fact {
    let declared: Vec<(u8, Name)> = values.iter().map(|(i, v)| (*i, Name::from(*v))).collect();
    Fact {
        cohort: declared.iter().collect(),
        ..fact(1, what)
    }
}

#[test]
fn cohorts_are_labels_where_they_are_known_and_bounded() {
    let mut deriver = Deriver::new(Settings {
        dimensions: vec!["tier".into(), "tool".into()],
        max_cohort_values: 2,
        ..settings()
    });
    for values in [
        &[(0, "gold")][..],
        &[],
        &[(0, "free")],
        &[(0, "silver")],
        &[(0, "tin")],
    ] {
        deriver.apply(&in_cohort(values, What::Retrieval), Timestamp(1));
    }
    // A dimension named like a label of the metric itself leaves that label alone.
    deriver.apply(&in_cohort(&[(1, "x")], tool("search")), Timestamp(1));
    deriver.apply(&in_cohort(&[(0, "gold")], What::Late), Timestamp(1));
    let families = deriver.families();
    assert_eq!(
        shown(&families, "baton_retrievals_total"),
        [" = 1", "free = 1", "gold = 1", "other = 2"]
    );
    assert_eq!(
        shown(&families, "baton_tool_calls_total"),
        ["search error = 0", "search ok = 1"]
    );
    assert_eq!(shown(&families, "baton_late_events_total"), [" = 1"]);
    assert_eq!(
        shown(&families, "baton_series_overflow_total"),
        ["baton_retrievals_total tier = 2"]
    );
}

#[test]
fn the_cost_of_actions_adds_up_to_the_nano_dollar() {
    let mut deriver = Deriver::new(settings());
    for _ in 0..3 {
        let action = Action {
            kind: ActionKind::Tool,
            name: Name::from("lookup"),
            usd: 0.1,
        };
        deriver.apply(&fact(1, What::Action(action)), Timestamp(1));
    }
    assert_eq!(
        shown(&deriver.families(), "baton_action_cost_usd_total"),
        ["tool lookup = 0.3"]
    );
}

#[test]
fn money_of_another_currency_is_another_metric() {
    let euros = Settings {
        currency: Name::from("EUR"),
        ..settings()
    };
    let pay = |usd| {
        let name = Name::from("lookup");
        let kind = ActionKind::Tool;
        fact(1, What::Action(Action { kind, name, usd }))
    };
    let mut deriver = Deriver::new(euros.clone());
    deriver.apply(&pay(0.5), Timestamp(1));
    deriver.apply(&fact(1, tool("lookup")), Timestamp(1));
    let families = deriver.families();
    let shown_in_euros = shown(&families, "baton_action_cost_eur_total");
    assert_eq!(shown_in_euros, ["tool lookup = 0.5"]);
    let family = families.iter().find(|f| f.name.contains("action_cost"));
    assert_eq!(family.map(|f| &*f.unit), Some("eur"));
    assert!(families.iter().all(|family| !family.name.contains("usd")));
    // A process with another currency goes on with what is no money.
    let restored = |settings| {
        let mut next = Deriver::new(settings);
        let known = deriver
            .save()
            .map(|series| next.restore(series).expect("a series"));
        (
            known.filter(|known| *known == Restored::Taken).count(),
            next.families() == families,
        )
    };
    assert_eq!(restored(euros), (3, true));
    assert_eq!(restored(settings()), (2, false));
}

#[test]
fn only_what_is_left_of_a_call_without_a_price_is_counted_as_unpriced() {
    let usage = Usage {
        input: 100,
        output: 20,
        cache_read: Some(40),
        cache_write: Some(10),
        reasoning: Some(5),
    };
    let call = |cost| {
        What::Model(ModelCallFact {
            agent: Name::from("a"),
            provider: Name::from("p"),
            model: Name::from("m"),
            operation: Operation::Chat,
            ending: Ending::Ok,
            usage: Some(usage),
            cost,
            cache_savings: cost.usd().map(|usd| usd - 1.5),
            duration: Duration::ZERO,
            first_token: None,
        })
    };
    let mut deriver = Deriver::new(settings());
    for cost in [
        Cost::Unpriced,
        Cost::Unknown,
        Cost::Declared(1.0),
        Cost::Computed(2.0),
    ] {
        deriver.apply(&fact(1, call(cost)), Timestamp(1));
    }
    // Cached tokens are part of the input, reasoning is part of the output: the two add up.
    assert_eq!(
        shown(&deriver.families(), "baton_unpriced_tokens_total"),
        ["p m input = 100", "p m output = 20"]
    );
    assert_eq!(
        shown(&deriver.families(), "baton_llm_cost_usd_total"),
        ["a p m computed = 2", "a p m declared = 1"]
    );
    assert_eq!(
        shown(&deriver.families(), "baton_llm_cache_savings_usd_total"),
        ["a p m added = 0.5", "a p m saved = 0.5"]
    );
}

#[test]
fn what_is_missing_in_a_workflow_is_counted() {
    let mut deriver = Deriver::new(settings());
    let lacking = |outcome, value_usd, has_user, [known, no_usage, no_price]: [u32; 3]| {
        What::Workflow(Workflow {
            cost_usd: Some(0.1),
            value_usd,
            calls: CallCosts {
                known,
                no_usage,
                no_price,
            },
            has_user,
            ..closed(outcome)
        })
    };
    for what in [
        lacking(Outcome::Resolved, Some(9.0), true, [3, 0, 0]),
        lacking(Outcome::Resolved, None, true, [2, 1, 0]),
        lacking(Outcome::Failed, None, false, [0, 4, 0]),
        lacking(Outcome::Failed, Some(1.0), false, [1, 0, 2]),
    ] {
        deriver.apply(&fact(1, what), Timestamp(1));
    }
    let families = deriver.families();
    assert_eq!(
        shown(&families, "baton_workflow_llm_calls_total"),
        ["w known = 6", "w no_price = 2", "w no_usage = 5"]
    );
    assert_eq!(
        shown(&families, "baton_workflows_without_user_total"),
        ["w failed = 2"]
    );
    assert_eq!(
        shown(&families, "baton_workflows_without_value_total"),
        ["w failed = 1", "w resolved = 1"]
    );
}

#[test]
fn each_model_of_a_workflow_has_the_whole_of_it() {
    let mut deriver = Deriver::new(settings());
    let by_models = |outcome, models: &[&str], usd| {
        What::Workflow(Workflow {
            cost_usd: usd,
            models: models.iter().map(|model| Name::from(*model)).collect(),
            ..closed(outcome)
        })
    };
    for what in [
        by_models(Outcome::Resolved, &["large", "small"], Some(0.5)),
        by_models(Outcome::Failed, &["small"], Some(0.1)),
        by_models(Outcome::Failed, &["small"], None),
        by_models(Outcome::Failed, &[], Some(1.0)),
    ] {
        deriver.apply(&fact(1, what), Timestamp(1));
    }
    let families = deriver.families();
    let some = |metric| {
        let lines = shown(&families, metric).into_iter();
        let lines = lines.filter(|line| !line.ends_with("= 0"));
        lines.collect::<Vec<_>>()
    };
    assert_eq!(
        some("baton_model_workflows_total"),
        [
            "w large resolved = 1",
            "w small failed = 2",
            "w small resolved = 1"
        ]
    );
    assert_eq!(
        some("baton_model_workflow_cost_usd_total"),
        [
            "w large resolved = 0.5",
            "w small failed = 0.1",
            "w small resolved = 0.5"
        ]
    );
    assert_eq!(some("baton_workflow_cascades_total"), ["w resolved = 1"]);
}
