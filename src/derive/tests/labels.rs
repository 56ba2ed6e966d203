//! Which labels the presets leave, and what becomes of series that have fewer labels than before.

use super::{closed, fact, handoff, in_cohort, settings, shown};
use crate::derive::*;
use crate::model::event::Outcome;
use crate::model::fact::{Evidence, HandoffResult, Retention, Workflow};
use std::time::Duration;

const DIMENSIONS: &[&str] = &["tier", "intent", "channel", "tenant"];

fn labelled(preset: Preset) -> Settings {
    Settings {
        labels: Labels {
            preset,
            ..Labels::default()
        },
        dimensions: DIMENSIONS.iter().map(|name| (*name).to_owned()).collect(),
        ..settings()
    }
}

fn passed(tier: &str, evidence: Evidence) -> Fact {
    let What::Handoff(mut passed) = handoff(HandoffResult::Success) else {
        unreachable!("it makes a handoff")
    };
    passed.retention = Some(Retention {
        ratio: 0.5,
        evidence,
    });
    in_cohort(&[(0, tier), (2, "web")], What::Handoff(passed))
}

fn derived(preset: Preset) -> Deriver {
    let mut deriver = Deriver::new(labelled(preset));
    for tier in ["free", "gold"] {
        let fact = passed(tier, Evidence::Content);
        deriver.apply(&fact, Timestamp(1));
    }
    deriver
}

#[test]
fn agents_have_no_cohorts_workflows_have_all_and_the_choice_of_a_model_has_two() {
    let closed = What::Workflow(Workflow {
        duration: Duration::from_secs(2),
        cost_usd: Some(0.5),
        models: vec!["m".into()],
        ..closed(Outcome::Resolved)
    });
    let cohort = [(0, "gold"), (1, "refund"), (2, "web"), (3, "acme")];
    let closed = in_cohort(&cohort, closed);
    let lines = |preset, metric| {
        let mut deriver = Deriver::new(labelled(preset));
        deriver.apply(&closed, Timestamp(1));
        let lines = shown(&deriver.families(), metric).into_iter();
        lines
            .filter(|line| !line.ends_with("= 0"))
            .collect::<Vec<_>>()
    };
    for (preset, spend, duration, models) in [
        (
            Preset::Standard,
            "w resolved gold refund web acme = 0.5",
            "w resolved = 1 sum 2",
            "w m resolved gold refund = 1",
        ),
        (
            Preset::Full,
            "w resolved gold refund web acme = 0.5",
            "w resolved gold refund web acme = 1 sum 2",
            "w m resolved gold refund web acme = 1",
        ),
        (
            Preset::Minimal,
            "w resolved = 0.5",
            "w resolved = 1 sum 2",
            "w m resolved = 1",
        ),
    ] {
        let metric = |name| lines(preset, name);
        assert_eq!(metric("baton_workflow_spend_usd_total"), [spend]);
        assert_eq!(metric("baton_workflow_duration_seconds"), [duration]);
        assert_eq!(metric("baton_model_workflows_total"), [models]);
    }
}

#[test]
fn handoffs_are_by_agent_without_cohorts_and_by_workflow_with_them() {
    let families = derived(Preset::Standard).families();
    for (metric, expected) in [
        (
            "baton_handoffs_total",
            &["a b transfer success  inferred = 2"] as &[&str],
        ),
        ("baton_handoff_duration_seconds", &["b = 2 sum 0.24"]),
        (
            "baton_workflow_handoffs_total",
            &["w success  free web = 1", "w success  gold web = 1"],
        ),
        (
            "baton_handoff_context_retention_ratio",
            &["b content = 2 sum 1"],
        ),
        (
            "baton_workflow_context_retention_ratio",
            &[
                "w content free web = 1 sum 0.5",
                "w content gold web = 1 sum 0.5",
            ],
        ),
    ] {
        assert_eq!(shown(&families, metric), expected, "{metric}");
    }
}

/// Series of a snapshot whose labels are fewer now add up, whatever they were before.
#[test]
fn a_snapshot_of_more_labels_is_restored_as_fewer() {
    for (before, after) in [
        (Preset::Full, Preset::Standard),
        (Preset::Full, Preset::Minimal),
        (Preset::Standard, Preset::Minimal),
    ] {
        let mut restored = Deriver::new(labelled(after));
        for series in derived(before).save() {
            assert_eq!(restored.restore(series), Ok(Restored::Taken));
        }
        assert_eq!(restored.families(), derived(after).families());
    }
}

#[test]
fn a_metric_carries_what_it_is_told_instead() {
    let mut chosen = labelled(Preset::Standard);
    let kept = [
        ("baton_handoffs_total", vec!["result", "tier"]),
        ("baton_workflow_handoffs_total", vec![]),
    ];
    chosen.labels.kept = kept
        .into_iter()
        .map(|(name, labels)| (name.into(), labels.into_iter().map(Into::into).collect()))
        .collect();
    let mut deriver = Deriver::new(chosen);
    deriver.apply(&passed("gold", Evidence::Tokens), Timestamp(1));
    deriver.apply(&fact(1, handoff(HandoffResult::Dropped)), Timestamp(1));
    let families = deriver.families();
    assert_eq!(
        shown(&families, "baton_handoffs_total"),
        ["failed = 1", "success = 0", "success gold = 1"]
    );
    assert_eq!(shown(&families, "baton_workflow_handoffs_total"), [" = 2"]);
}
