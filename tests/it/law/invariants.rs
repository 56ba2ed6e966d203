//! What must hold of Baton's metrics whatever happened, each as a plain function. A fault is a sentence.

use baton::model::fact::{Fact, What};
use baton::model::metric::{Family, FamilyKind, Histogram, Point, Series};
use std::collections::BTreeMap;

/// What must hold at any moment.
pub fn always(families: &[Family]) -> Vec<String> {
    let all = Metrics(families);
    let mut faults = Vec::new();
    faults.extend(workflows_have_what_agents_have(&all));
    faults.extend(nothing_is_negative(families));
    faults.extend(histograms_are_whole(families));
    faults.extend(results_have_reasons(&all));
    let at_most = [
        (
            "baton_escalations_total",
            all.sum("baton_handoffs_total", &[("to", "human")]),
        ),
        (
            "baton_phantom_handoffs_total",
            all.sum("baton_handoffs_total", &[("result", "failed")]),
        ),
        (
            "baton_handoff_duration_seconds",
            all.total("baton_handoffs_total"),
        ),
        (
            "baton_handoff_context_retention_ratio",
            all.total("baton_handoffs_total"),
        ),
        (
            "baton_turn_first_token_seconds",
            all.total("baton_turns_total"),
        ),
        (
            "baton_workflow_cost_usd",
            all.total("baton_workflows_total"),
        ),
        (
            "baton_workflow_recontacts_total",
            all.total("baton_workflows_total"),
        ),
        (
            "baton_llm_first_token_seconds",
            all.total("baton_llm_calls_total"),
        ),
    ];
    for (name, most) in at_most {
        let count = all.total(name);
        faults.extend((count > most).then(|| format!("{name}: {count} of at most {most}")));
    }
    faults.extend(coverage_is_a_part(&all));
    let equal = [
        ("baton_workflow_duration_seconds", "baton_workflows_total"),
        ("baton_turn_duration_seconds", "baton_turns_total"),
        ("baton_llm_call_duration_seconds", "baton_llm_calls_total"),
    ];
    for (one, other) in equal {
        let (a, b) = (all.total(one), all.total(other));
        faults.extend((a != b).then(|| format!("{one} {a} is not {other} {b}")));
    }
    let workflows = all.total("baton_workflows_total");
    for step in all.values("baton_funnel_steps_total", "step") {
        let count = all.sum("baton_funnel_steps_total", &[("step", &step)]);
        faults.extend((count > workflows).then(|| format!("step {step}: {count} of {workflows}")));
    }
    for outcome in all.values("baton_workflow_recontacts_total", "outcome") {
        let label = [("outcome", outcome.as_str())];
        let (again, all) = (
            all.sum("baton_workflow_recontacts_total", &label),
            all.sum("baton_workflows_total", &label),
        );
        faults.extend((again > all).then(|| format!("{outcome}: {again} of {all} came again")));
    }
    faults
}

/// What is missing is at most the whole, of each outcome, and nobody whom no span names comes again.
fn coverage_is_a_part(all: &Metrics<'_>) -> Vec<String> {
    let mut faults = Vec::new();
    for outcome in all.values("baton_workflows_total", "outcome") {
        let of = |name| all.sum(name, &[("outcome", outcome.as_str())]);
        let whole = of("baton_workflows_total");
        let known = whole - of("baton_workflows_without_user_total");
        for (name, most) in [
            ("baton_workflows_without_user_total", whole),
            ("baton_workflows_without_value_total", whole),
            ("baton_workflow_recontacts_total", known),
        ] {
            let part = of(name);
            faults.extend((part > most).then(|| format!("{name} {outcome}: {part} of {most}")));
        }
    }
    let (part, most) = (
        all.total("baton_turns_without_text_total"),
        all.sum("baton_turns_total", &[("result", "answered")]),
    );
    faults.extend((part > most).then(|| format!("assumed answers: {part} of {most}")));
    // A call weighs as its span says, a workflow as its surest turn.
    if all.sum("baton_observed_turns_total", &[("sampling", "weighted")]) > 0.0 {
        return faults;
    }
    for (cost, name) in [
        ("no_usage", "baton_llm_calls_without_usage_total"),
        ("no_price", "baton_llm_calls_without_price_total"),
    ] {
        let (part, most) = (
            all.sum("baton_workflow_llm_calls_total", &[("cost", cost)]),
            all.total(name),
        );
        faults.extend((part > most).then(|| format!("{cost}: {part} of {most}")));
    }
    let (part, most) = (
        all.total("baton_workflow_llm_calls_total"),
        all.total("baton_llm_calls_total"),
    );
    faults.extend((part > most).then(|| format!("calls of workflows: {part} of {most}")));
    faults
}

/// What must hold when everything is decided and nothing came late.
pub fn at_the_end(families: &[Family]) -> Vec<String> {
    let all = Metrics(families);
    let mut faults = Vec::new();
    let pending = all.total("baton_handoffs_pending");
    faults.extend((pending != 0.0).then(|| format!("{pending} handoffs are pending")));
    let late = all.total("baton_late_events_total");
    // A call weighs as its span says, a workflow as its surest turn.
    let weighted = all.sum("baton_observed_turns_total", &[("sampling", "weighted")]);
    let actions = all.total("baton_action_cost_usd_total");
    let spent = all.total("baton_llm_cost_usd_total") + actions;
    let workflows = all.money("baton_workflow_cost_usd");
    // Tools alone in a trace are no turn (T-6): what they cost belongs to no workflow.
    let of_none = spent - workflows;
    let differs = late == 0.0 && weighted == 0.0 && !(-1e-6..actions + 1e-6).contains(&of_none);
    faults
        .extend(differs.then(|| format!("calls and actions cost {spent}, workflows {workflows}")));
    faults
}

/// The facts of all sessions agree with the metrics.
pub fn facts_are_the_metrics(facts: &[Fact], families: &[Family]) -> Vec<String> {
    let all = Metrics(families);
    let count = |is: fn(&What) -> bool| {
        let fits = facts.iter().filter(|fact| is(&fact.what));
        fits.map(Fact::weight).sum::<u64>() as f64
    };
    let pairs = [
        (
            "baton_sessions_total",
            count(|w| matches!(w, What::Session)),
        ),
        ("baton_turns_total", count(|w| matches!(w, What::Turn(_)))),
        (
            "baton_workflows_total",
            count(|w| matches!(w, What::Workflow(_))),
        ),
        (
            "baton_handoffs_total",
            count(|w| matches!(w, What::Handoff(_))),
        ),
        (
            "baton_escalations_total",
            count(|w| matches!(w, What::Escalation { .. })),
        ),
        (
            "baton_tool_calls_total",
            count(|w| matches!(w, What::Tool(_))),
        ),
        (
            "baton_llm_calls_total",
            count(|w| matches!(w, What::Model(_))),
        ),
    ];
    let mut faults = Vec::new();
    for (name, told) in pairs {
        let counted = all.total(name);
        faults.extend((counted != told).then(|| format!("{name} is {counted}, facts tell {told}")));
    }
    // All sessions together: one that waits goes along where two of them meet.
    let pending = facts.iter().map(|fact| match fact.what {
        What::Pending(more) => more,
        _ => 0,
    });
    let open: i64 = pending.sum();
    faults.extend((open != 0).then(|| format!("{open} handoffs without a result")));
    faults
}

/// Counters and histograms only grow, and no series goes away.
pub fn only_grows(before: &[Family], after: &[Family]) -> Vec<String> {
    let mut faults = Vec::new();
    for family in before.iter().filter(|f| f.kind != FamilyKind::Gauge) {
        let later = after.iter().find(|f| f.name == family.name);
        let later: BTreeMap<_, _> = later
            .into_iter()
            .flat_map(|family| &family.series)
            .map(|series| (&series.labels, series))
            .collect();
        for series in &family.series {
            let grows = later
                .get(&series.labels)
                .is_some_and(|l| is_at_least(l, series));
            faults
                .extend((!grows).then(|| format!("{} {:?} went down", family.name, series.labels)));
        }
    }
    faults
}

fn is_at_least(later: &Series, before: &Series) -> bool {
    match (&later.point, &before.point) {
        (Point::Counter { value: a, .. }, Point::Counter { value: b, .. }) => a >= b,
        (Point::Histogram(a), Point::Histogram(b)) => {
            let mut buckets = a.buckets.iter().zip(&b.buckets);
            a.sum >= b.sum && buckets.all(|(a, b)| a.count >= b.count)
        }
        _ => false,
    }
}

fn nothing_is_negative(families: &[Family]) -> Vec<String> {
    let all = families
        .iter()
        .flat_map(|f| f.series.iter().map(move |s| (f, s)));
    let negative = all.filter(|(_, series)| match &series.point {
        Point::Counter { value, .. } | Point::Gauge(value) => *value < 0.0,
        Point::Histogram(histogram) => histogram.sum < 0.0,
    });
    negative
        .map(|(family, series)| format!("{} {:?} is negative", family.name, series.labels))
        .collect()
}

/// The sum of a histogram lies between what its buckets allow.
fn histograms_are_whole(families: &[Family]) -> Vec<String> {
    let mut faults = Vec::new();
    for family in families {
        for series in &family.series {
            let Point::Histogram(histogram) = &series.point else {
                continue;
            };
            let (least, most) = range(histogram);
            let whole = histogram.buckets.len() == histogram.bounds.len() + 1;
            // Sums are rounded to billionths.
            let inside = (least - 1e-6..=most + 1e-6).contains(&histogram.sum);
            if !(whole && inside) {
                faults.push(format!(
                    "{} {:?}: {histogram:?}",
                    family.name, series.labels
                ));
            }
        }
    }
    faults
}

fn range(histogram: &Histogram) -> (f64, f64) {
    let bounds = &*histogram.bounds;
    let (mut least, mut most) = (0.0, 0.0);
    for (i, bucket) in histogram
        .buckets
        .iter()
        .enumerate()
        .filter(|(_, b)| b.count > 0)
    {
        let count = bucket.count as f64;
        least += count * if i == 0 { 0.0 } else { bounds[i - 1] };
        most += count * bounds.get(i).copied().unwrap_or(f64::INFINITY);
    }
    (least, most)
}

fn results_have_reasons(all: &Metrics<'_>) -> Vec<String> {
    let mut faults = Vec::new();
    for series in all.series("baton_handoffs_total") {
        let (result, reason) = (label(series, "result"), label(series, "reason"));
        let fits = match result {
            "success" => reason.is_empty(),
            "failed" | "unknown" => !reason.is_empty(),
            _ => false,
        };
        faults
            .extend((!fits).then(|| format!("a handoff has result {result:?}, reason {reason:?}")));
    }
    faults
}

/// What is counted by workflow is what is counted by agent, and no part of it is left out.
fn workflows_have_what_agents_have(all: &Metrics<'_>) -> Vec<String> {
    let mut faults = Vec::new();
    let mut same = |what: &str, (a, b): (f64, f64)| {
        let differs = (a - b).abs() > 1e-6 * a.abs().max(1.0);
        faults.extend(differs.then(|| format!("{what}: {a} by workflow is not {b}")));
    };
    let (one, other) = ("baton_workflow_handoffs_total", "baton_handoffs_total");
    let both = |label: &[(&str, &str)]| (all.sum(one, label), all.sum(other, label));
    for reason in all.values(other, "reason") {
        same(&reason, both(&[("reason", reason.as_str())]));
    }
    for (one, other) in [
        ("baton_workflow_feedback_score", "baton_feedback_score"),
        (
            "baton_workflow_context_retention_ratio",
            "baton_handoff_context_retention_ratio",
        ),
    ] {
        same(one, (all.total(one), all.total(other)));
        same(one, (all.money(one), all.money(other)));
    }
    for outcome in all.values("baton_workflows_total", "outcome") {
        let of = [("outcome", outcome.as_str())];
        for (total, histogram) in [
            ("baton_workflow_spend_usd_total", "baton_workflow_cost_usd"),
            (
                "baton_workflow_elapsed_seconds_total",
                "baton_workflow_duration_seconds",
            ),
        ] {
            same(total, (all.sum(total, &of), all.sum_of(histogram, &of)));
        }
    }
    faults
}

struct Metrics<'f>(&'f [Family]);

impl Metrics<'_> {
    fn series(&self, name: &str) -> impl Iterator<Item = &Series> {
        let family = self.0.iter().find(move |family| family.name == name);
        family.into_iter().flat_map(|family| &family.series)
    }

    /// The values of all its series: counts of counters and histograms.
    fn total(&self, name: &str) -> f64 {
        self.sum(name, &[])
    }

    fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let fits = |s: &&Series| labels.iter().all(|(key, value)| label(s, key) == *value);
        let value = |series: &Series| match &series.point {
            Point::Counter { value, .. } | Point::Gauge(value) => *value,
            Point::Histogram(h) => h.buckets.iter().map(|b| b.count as f64).sum(),
        };
        self.series(name).filter(fits).map(value).sum()
    }

    /// The sums of a histogram.
    fn money(&self, name: &str) -> f64 {
        self.sum_of(name, &[])
    }

    fn sum_of(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let fits = |s: &&Series| labels.iter().all(|(key, value)| label(s, key) == *value);
        let sum = |series: &Series| match &series.point {
            Point::Histogram(histogram) => histogram.sum,
            _ => 0.0,
        };
        self.series(name).filter(fits).map(sum).sum()
    }

    fn values(&self, name: &str, key: &str) -> Vec<String> {
        let mut values: Vec<String> = self
            .series(name)
            .map(|s| label(s, key).to_owned())
            .collect();
        values.sort();
        values.dedup();
        values
    }
}

fn label<'s>(series: &'s Series, key: &str) -> &'s str {
    let found = series.labels.iter().find(|(name, _)| name == key);
    found.map_or("", |(_, value)| value)
}
