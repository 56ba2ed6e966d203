//! The report as JSON, for programs.

use super::report::{BusinessReport, spent};
use super::tally::units;
use crate::statistics::{ALPHA, Assessment, Statistic, TargetResult};
use serde_json::{Value, json};

/// The report as one object.
pub fn write(report: &BusinessReport) -> Value {
    let lines = report.lines.iter().map(|line| {
        let change = line.change();
        let interval = change.as_ref().map(|change| change.interval(ALPHA));
        let (verdict, needed) = match line.told {
            None => (None, None),
            Some(Assessment::Better) => (Some("better"), None),
            Some(Assessment::Worse) => (Some("worse"), None),
            Some(Assessment::CannotTell { needed }) => (Some("cannot_tell"), needed),
        };
        let target = line.target_result().map(|(aim, result)| {
            let result = match result {
                TargetResult::Met => "met",
                TargetResult::Missed => "missed",
                TargetResult::CannotTell => "cannot_tell",
            };
            json!({"value": aim, "result": result})
        });
        json!({
            "figure": line.key, "title": line.title,
            "value": line.now.as_ref().map(Statistic::value), "interval": line.interval(),
            "before": line.before.as_ref().map(Statistic::value),
            "change": change.as_ref().map(|change| change.value()), "change_interval": interval,
            "verdict": verdict, "cases_needed": needed, "cases": line.cases, "target": target,
        })
    });
    let lines: Vec<Value> = lines.collect();
    let movers = report.movers.iter().map(|mover| {
        json!({
            "kind": mover.name, "resolved": mover.rates[0], "resolved_before": mover.rates[1],
            "effect": mover.effect, "verdict": super::report::verdict(mover.told), "sessions": mover.sessions,
        })
    });
    let money = report.now.money;
    json!({
        "title": report.context.settings.title,
        "time_zone": report.context.settings.time_zone,
        "currency": report.context.currency,
        "from": report.now.period.days.0.to_string(), "to": report.now.period.days.1.to_string(),
        "compared_from": report.before.period.days.0.to_string(), "compared_to": report.before.period.days.1.to_string(),
        "final": report.final_at.is_none(),
        "cases": BusinessReport::cases(&report.now), "cases_before": BusinessReport::cases(&report.before),
        "spent": spent(&report.now), "completed": units(money[1]), "at_risk": units(money[2]),
        "figures": lines,
        "escalations": report.now.escalations, "context_lost": report.now.lost, "evidence": report.now.evidence,
        "movers": movers.collect::<Vec<_>>(), "changed_mix": report.mix,
    })
}
