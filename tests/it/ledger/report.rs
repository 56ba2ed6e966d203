//! One number everywhere: what `baton report` says of days is what DuckDB adds up of the ledger in the same time zone, and all days together are the metrics.

use super::ask;
use super::demo::{demo, shown};
use crate::support::process::{baton, folder};
use baton::model::metric::Family;
use serde_json::Value;
use std::path::Path;

/// 2026-10-24 12:00 in UTC: the second of the three days has the end of summer time in Berlin.
const START: u64 = 1_792_843_200_000_000_000;
const DAYS: [&str; 6] = [
    "2026-10-23",
    "2026-10-24",
    "2026-10-25",
    "2026-10-26",
    "2026-10-27",
    "2026-10-28",
];
/// −8 (−7 in summer), +5:30, +13, and one whose summer time ends.
const ZONES: [&str; 4] = [
    "America/Los_Angeles",
    "Asia/Kolkata",
    "Pacific/Tongatapu",
    "Europe/Berlin",
];

/// Cases, and what was spent, completed and is at risk in billionths.
type DaySums = [u128; 4];

fn report(ledger: &Path, zone: &str, days: [&str; 2], format: &str) -> String {
    let mut command = baton();
    command.args(["report", "--time-zone", zone, "--format", format]);
    command.args(["--from", days[0], "--to", days[1], "--ledger"]);
    let output = command.arg(ledger).output().expect("it runs");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    String::from_utf8(output.stdout).expect("text")
}

fn reported(ledger: &Path, zone: &str, days: [&str; 2]) -> DaySums {
    let report: Value = serde_json::from_str(&report(ledger, zone, days, "json")).expect("JSON");
    let amount = |key: &str| (report[key].as_f64().expect(key) * 1e9).round() as u128;
    let cases = u128::from(report["cases"].as_u64().expect("cases"));
    [
        cases,
        amount("spent"),
        amount("completed"),
        amount("at_risk"),
    ]
}

/// The same by SQL.
fn summed(ledger: &Path, zone: &str, day: &str) -> DaySums {
    let within = format!("(log_time::timestamptz at time zone '{zone}')::date = '{day}'");
    let value = |outcome: &str| {
        format!(
            "select coalesce(sum(value * weight) filter (outcome {outcome}), 0) from workflows where {within}"
        )
    };
    let statements = [
        format!("select coalesce(sum(weight), 0) from workflows where {within}"),
        format!("select coalesce(sum(cost * weight), 0) from calls where {within}"),
        value("= 'resolved'"),
        value("<> 'resolved'"),
    ];
    let statements = statements.each_ref().map(String::as_str);
    let answers = ask(ledger, &statements);
    let number = |place: usize| answers[place][0][0].parse::<f64>().expect("a number");
    let amount = |place: usize| (number(place) * 1e9).round() as u128;
    [number(0) as u128, amount(1), amount(2), amount(3)]
}

/// The same by the metrics.
fn counted(figures: &[Family]) -> DaySums {
    let sum = |name: &str| shown(figures, name, &[]).values().sum::<u128>();
    let value = shown(figures, "baton_workflow_value_usd_total", &["outcome"]);
    let completed = value
        .get(&vec!["resolved".to_owned()])
        .copied()
        .unwrap_or(0);
    [
        sum("baton_workflows_total") / 1_000_000_000,
        sum("baton_llm_cost_usd_total") + sum("baton_action_cost_usd_total"),
        completed,
        value.values().sum::<u128>() - completed,
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn report_ledger_and_metrics_have_the_same_figures_in_every_zone() {
    let ledger = folder("ledger-report");
    let figures = demo(&ledger, START).await;
    for zone in ZONES {
        let all = reported(&ledger, zone, [DAYS[0], DAYS[5]]);
        assert_eq!(all, counted(&figures), "{zone}");
        let mut days = DaySums::default();
        for day in DAYS {
            let found = reported(&ledger, zone, [day, day]);
            assert_eq!(found, summed(&ledger, zone, day), "{day} in {zone}");
            for (sum, one) in days.iter_mut().zip(found) {
                *sum += one;
            }
        }
        assert_eq!(days, all, "{zone}");
    }
    let page = report(&ledger, ZONES[3], [DAYS[0], DAYS[5]], "html");
    assert!(page.starts_with("<!doctype html>") && page.contains("The agents resolved"));
    if let Some(file) = std::env::var_os("LOOK_REPORT") {
        std::fs::write(file, page).expect("written");
    }
    std::fs::remove_dir_all(&ledger).expect("removed");
}
