//! The support desk of the demo: what DuckDB adds up in the ledger is what `/metrics` shows, to the last billionth.

use super::{ask, files, python, root};
use crate::support::process::folder;
use baton::app::App;
use baton::clock::Clock;
use baton::config;
use baton::demo::{CONFIGURATION, Desk, Sender};
use baton::log::LogKind;
use baton::model::metric::{Family, Point};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Where the clock of the desk begins.
pub(super) const START: u64 = 1_800_000_000_000_000_000;
const DAY: u64 = 24 * 3600 * 1_000_000_000;

/// A metric, its labels, what DuckDB computes for them, and of which rows.
type Sum = (
    &'static str,
    &'static [&'static str],
    &'static str,
    &'static str,
);

const COUNT: &str = "sum(weight)";
const NANOS: &str = "sum(duration_ns * weight)";

/// The sums of the ledger that are metrics. The columns of a label have its name, or that after the equals sign.
const SUMS: &[Sum] = &[
    (
        "baton_sessions_total",
        &[],
        COUNT,
        "events where kind = 'session'",
    ),
    (
        "baton_workflows_total",
        &["workflow", "outcome", "evidence"],
        COUNT,
        "workflows",
    ),
    (
        "baton_workflow_spend_usd_total",
        &["workflow", "outcome"],
        "sum(cost * weight)",
        "workflows",
    ),
    (
        "baton_workflow_value_usd_total",
        &["workflow", "outcome"],
        "sum(value * weight)",
        "workflows",
    ),
    (
        "baton_workflow_elapsed_seconds_total",
        &["workflow", "outcome"],
        NANOS,
        "workflows",
    ),
    (
        "baton_workflow_recontacts_total",
        &["workflow", "outcome"],
        COUNT,
        "events where kind = 'recontact'",
    ),
    (
        "baton_funnel_steps_total",
        &["workflow", "step"],
        COUNT,
        "events where kind = 'funnel_step'",
    ),
    (
        "baton_escalations_total",
        &["from=agent"],
        COUNT,
        "events where kind = 'escalation'",
    ),
    (
        "baton_user_repeats_total",
        &["workflow", "agent"],
        COUNT,
        "events where kind = 'repeat'",
    ),
    (
        "baton_transfer_loops_total",
        &["agent"],
        COUNT,
        "events where kind = 'loop'",
    ),
    (
        "baton_handoffs_total",
        &[
            "from=from_agent",
            "to=to_agent",
            "kind",
            "result",
            "reason=coalesce(reason, '')",
            "evidence",
        ],
        COUNT,
        "handoffs",
    ),
    ("baton_turns_total", &["workflow", "result"], COUNT, "turns"),
    ("baton_turn_duration_seconds", &["workflow"], NANOS, "turns"),
    (
        "baton_llm_calls_total",
        &["agent", "provider", "model", "operation", "status"],
        "sum(calls * weight)",
        "calls where kind = 'model'",
    ),
    (
        "baton_llm_cost_usd_total",
        &["agent", "provider", "model", "source=cost_source"],
        "sum(cost * weight)",
        "calls where kind in ('model', 'totals') and cost > 0",
    ),
    (
        "baton_action_cost_usd_total",
        &["kind", "name"],
        "sum(cost * weight)",
        "calls where cost_source = 'price'",
    ),
    (
        "baton_tool_calls_total",
        &["tool=name", "status"],
        "sum(calls * weight)",
        "calls where kind = 'tool' and calls > 0",
    ),
    (
        "baton_retrievals_total",
        &[],
        "sum(calls * weight)",
        "calls where kind = 'retrieval'",
    ),
    (
        "baton_evaluation_score",
        &["name"],
        "sum(score * weight)",
        "scores where kind = 'evaluation'",
    ),
    (
        "baton_feedback_score",
        &["agent"],
        "sum(score * weight)",
        "scores where kind = 'feedback'",
    ),
];

/// The columns that give a row of an answer its labels.
fn columns(labels: &[&str]) -> Vec<String> {
    let column = |label: &&str| {
        label
            .split_once('=')
            .map_or(*label, |(_, column)| column)
            .to_owned()
    };
    labels.iter().map(column).collect()
}

/// A metric as plain text: in billionths where it is an amount, without what is 0.
pub(super) fn shown(
    families: &[Family],
    name: &str,
    labels: &[&str],
) -> BTreeMap<Vec<String>, u128> {
    let family = families
        .iter()
        .find(|family| family.name == name)
        .expect(name);
    let mut found = BTreeMap::new();
    for series in &family.series {
        let value = |label: &&str| {
            let name = label.split_once('=').map_or(*label, |(name, _)| name);
            let known = series.labels.iter().find(|(key, _)| key == name);
            known
                .unwrap_or_else(|| panic!("{name} of {series:?}"))
                .1
                .clone()
        };
        let amount = match &series.point {
            Point::Counter { value, .. } | Point::Gauge(value) => *value,
            Point::Histogram(histogram) => histogram.sum,
        };
        let key: Vec<String> = labels.iter().map(value).collect();
        let amount = (amount * 1e9).round() as u128;
        if amount > 0 {
            *found.entry(key).or_default() += amount;
        }
    }
    found
}

/// The sums of a ledger that metrics have too, in billionths.
fn summed(ledger: &Path) -> Vec<BTreeMap<Vec<String>, u128>> {
    let statement = |(_, labels, sum, rows): &Sum| {
        let mut columns = columns(labels);
        let group = match columns.is_empty() {
            true => String::new(),
            false => " group by all".to_owned(),
        };
        let unit = if sum.contains("_ns") {
            "1"
        } else {
            "1000000000"
        };
        columns.push(format!("(({sum}) * {unit})::decimal(38, 0)"));
        format!("select {} from {rows}{group}", columns.join(", "))
    };
    let statements: Vec<String> = SUMS.iter().map(statement).collect();
    let statements: Vec<&str> = statements.iter().map(String::as_str).collect();
    let row = |mut row: Vec<String>| {
        let sum = row.pop().expect("the sum");
        (row, sum.parse().expect("a whole number"))
    };
    let answers = ask(ledger, &statements).into_iter();
    let known = answers.map(|rows| {
        rows.into_iter()
            .filter(|row| row.last().is_some_and(|sum| sum != "-"))
            .map(row)
    });
    known
        .map(|rows| rows.filter(|(_, sum)| *sum > 0).collect())
        .collect()
}

/// Sends sessions of the demo to a Baton with a ledger, over three days of its clock. Its figures.
pub(super) async fn demo(ledger: &Path, start: u64) -> Vec<Family> {
    let free = SocketAddr::from(([127, 0, 0, 1], 0));
    let config = config::of_text(CONFIGURATION, Path::new("."), &|_| None);
    let mut config = config.expect("it is valid");
    config.receivers.otlp.grpc.endpoint = free;
    config.receivers.otlp.http.endpoint = free;
    config.server.endpoint = free;
    config.state.log = LogKind::Memory;
    config.ledger.directory = Some(ledger.to_owned());
    // The ledger forgets nothing, so the metrics must not either.
    config.metrics.expire_after = Duration::from_nanos(30 * DAY);
    let nanos = Arc::new(AtomicU64::new(start));
    let clock = Clock::manual(Arc::clone(&nanos));
    let app = App::start(&config, clock.clone()).await.expect("it starts");
    let sender = Sender::connect(app.grpc).expect("an exporter");
    for number in 0..300 {
        let session = Desk::new(7).session(number);
        tokio::task::block_in_place(|| sender.send(&session, clock.now())).expect("taken");
        if number % 100 == 99 {
            nanos.fetch_add(DAY, Ordering::AcqRel);
            app.settle().await;
        }
    }
    let figures = app.engine().gather();
    assert!(app.stop().await);
    figures
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sums_of_the_ledger_are_the_metrics() {
    let ledger = folder("ledger-demo");
    let figures = demo(&ledger, START).await;
    for ((name, labels, _, rows), found) in SUMS.iter().zip(summed(&ledger)) {
        let expected = shown(&figures, name, labels);
        assert_eq!(found, expected, "{name} and {rows}");
    }
    let tokens = "select 'input', sum(input_tokens * weight) from calls union all select 'output', sum(output_tokens * weight) from calls order by 1";
    let found = &ask(&ledger, &[tokens])[0];
    for row in found {
        let counted = shown(&figures, "baton_llm_tokens_total", &["type"]);
        assert_eq!(
            format!("{}000000000", row[1]),
            counted[&row[..1]].to_string()
        );
    }
    assert!(
        files(&ledger)
            .iter()
            .all(|name| name == "lock" || name.ends_with(".parquet"))
    );
    let days = ask(&ledger, &["select count(distinct day) from workflows"]);
    assert!(
        days[0][0][0].parse::<u64>().expect("a number") >= 3,
        "{days:?}"
    );
    std::fs::remove_dir_all(&ledger).expect("removed");
}

/// Every query of docs/ledger.md gives an answer, with DuckDB and with pandas.
#[tokio::test(flavor = "multi_thread")]
async fn the_queries_of_the_documents_run() {
    let ledger = folder("ledger-docs");
    demo(&ledger, START).await;
    let docs = std::fs::read_to_string(root().join("docs/ledger.md")).expect("the document");
    let blocks = docs.split("```sql\n-- DuckDB: ").skip(1);
    let blocks = blocks.filter(|block| !block.starts_with("views"));
    let queries: Vec<&str> = blocks
        .map(|block| block.split("```").next().expect("a block"))
        .map(|block| block.split_once('\n').expect("a title").1)
        .collect();
    assert!(queries.len() >= 4, "{queries:?}");
    for (query, rows) in queries.iter().zip(ask(&ledger, &queries)) {
        assert!(!rows.is_empty(), "{query}");
    }
    let frames = python("frames.py", &[&ledger], "");
    assert!(frames.contains("resolved"), "{frames}");
    std::fs::remove_dir_all(&ledger).expect("removed");
}
