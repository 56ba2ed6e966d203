//! Every query of every board and rule, run by a real Prometheus over the demo: no error, no empty panel but those that say why, and the
//! executive figures equal what the demo's script knows.

use super::{Running, folder, get, query, root, start_prometheus, sum, until};
use baton::demo::{Desk, Truth};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

const SESSIONS: u64 = 150;
const SEED: u64 = 7;

/// Panels that the demo leaves empty, and why.
const EMPTY: &[(&str, &str)] = &[
    (", change", "there is no period before the first one"),
    ("Had to say it again", "the demo captures no messages"),
    ("Context kept", "the demo captures no messages"),
    (
        "Satisfaction by agent",
        "the demo's customers give no scores",
    ),
    ("Evaluation scores", "the demo evaluates nothing"),
    ("Retrievals", "the demo's agents search no knowledge base"),
    ("Transfer loops", "the demo's agents never hand back"),
    ("Unpriced tokens", "all models of the demo have a price"),
    ("Late, twice, shed, overflowing", "nothing of it happens"),
];

fn start_demo() -> (Running, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_baton"))
        .args(["demo", "--sessions", &SESSIONS.to_string()])
        .args(["--seed", &SEED.to_string()])
        .env("BATON_GRPC_ENDPOINT", "127.0.0.1:0")
        .env("BATON_HTTP_ENDPOINT", "127.0.0.1:0")
        .env("BATON_SERVER_ENDPOINT", "127.0.0.1:0")
        .stderr(Stdio::piped())
        .spawn()
        .expect("the demo starts");
    let told = BufReader::new(child.stderr.take().expect("its words"));
    let running = Running(child);
    let address = told.lines().map_while(Result::ok).find_map(|line| {
        let url = line.strip_prefix("metrics")?.trim();
        let address = url.strip_prefix("http://")?.strip_suffix("/metrics")?;
        Some(address.to_owned())
    });
    (running, address.expect("the address of its metrics"))
}

/// The panels of a board: title and queries, as Grafana would send them with all filters open.
fn panels(board: &Path) -> Vec<(String, Vec<String>)> {
    let board = fs::read_to_string(board).expect("a board");
    let board: Value = serde_json::from_str(&board).expect("JSON");
    let panels = board["panels"].as_array().expect("panels");
    let mut found = Vec::new();
    for panel in panels.iter().filter(|panel| panel["type"] != "row") {
        let title = panel["title"].as_str().expect("a title").to_owned();
        let about = panel["description"].as_str().unwrap_or_default();
        assert!(about.ends_with('.'), "{title} has no sentence of its own");
        let targets = panel["targets"].as_array().into_iter().flatten();
        let queries = targets.filter_map(|target| target["expr"].as_str());
        found.push((title, queries.map(filled).collect()));
    }
    found
}

fn filled(query: &str) -> String {
    let mut query = query
        .replace("$__range", "10m")
        .replace("$__rate_interval", "10m");
    for variable in ["tier", "intent", "channel", "tenant", "workflow"] {
        query = query.replace(&format!("\"${variable}\""), "\".*\"");
    }
    assert!(!query.contains('$'), "{query}");
    query
}

fn truth() -> Truth {
    let mut truth = Truth::default();
    for number in 0..SESSIONS {
        truth += Desk::new(SEED).session(number).truth;
    }
    truth
}

#[tokio::test(flavor = "multi_thread")]
async fn every_query_of_every_board_and_rule_answers_over_the_demo() {
    let folder = folder("boards");
    let (_demo, server) = start_demo();
    let (_prometheus, prometheus) = start_prometheus(&folder, &server);
    let truth = truth();
    let handoffs = (truth.handoffs_succeeded
        + truth.handoffs_dropped
        + truth.handoffs_rejected
        + truth.handoffs_target_error) as f64;
    // A new series is held at 0 for a while, so the last ones may show their value some scrapes later.
    for (metric, expected) in [
        ("baton_workflows_total", truth.sessions as f64),
        ("baton_handoffs_total", handoffs),
        ("baton_escalations_total", truth.escalations as f64),
        (
            "baton_workflow_value_usd_total",
            (truth.value_completed + truth.value_at_risk) as f64,
        ),
    ] {
        until(metric, || async {
            let seen = sum(&prometheus, &format!("sum({metric})"), None).await?;
            (seen == expected).then_some(())
        })
        .await;
    }
    until("the rules have seen them", || async {
        let rule = "job:baton_handoff_failures:ratio_increase5m";
        sum(&prometheus, rule, None).await
    })
    .await;
    let last = sum(&prometheus, "max(timestamp(baton_workflows_total))", None);
    let last = last.await.expect("a time");
    let all = truth.sessions as f64;
    let mut known = vec![
        ("Cases resolved", truth.resolved as f64 / all),
        ("Passed to people", truth.escalations as f64 / all),
        (
            "Clean handovers",
            truth.handoffs_succeeded as f64 / handoffs,
        ),
        ("Value completed", truth.value_completed as f64),
        ("Value at risk", truth.value_at_risk as f64),
        ("Closed cases", all),
    ];
    let mut faults = Vec::new();
    for board in ["executive", "product", "engineering", "sre"] {
        let file = root().join(format!("deploy/grafana/dashboards/{board}.json"));
        for (title, queries) in panels(&file) {
            let mut empty = true;
            for expression in queries {
                let Some(answer) = query(&prometheus, &expression, Some(last)).await else {
                    faults.push(format!("{board}: {title}: no answer to {expression}"));
                    continue;
                };
                empty &= answer.iter().all(|(_, _, value)| value.is_nan());
                if let Some(place) = known.iter().position(|(name, _)| *name == title) {
                    let (_, expected) = known.swap_remove(place);
                    let value = answer.first().map(|(_, _, value)| *value);
                    if value.is_none_or(|value| (value - expected).abs() > 1e-6 * expected.max(1.0))
                    {
                        faults.push(format!("{title}: {value:?}, the script says {expected}"));
                    }
                }
            }
            let reason = EMPTY.iter().find(|(ending, _)| title.ends_with(ending));
            match (empty, reason) {
                (true, None) => faults.push(format!("{board}: {title} is empty")),
                (false, Some((_, why))) => {
                    faults.push(format!("{board}: {title} is not empty, though {why}"));
                }
                _ => {}
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(known.is_empty(), "not on a board: {known:?}");
    let rules = get(&format!("http://{prometheus}/api/v1/rules")).await;
    let rules: Value = serde_json::from_str(&rules.expect("rules")).expect("JSON");
    let groups = rules["data"]["groups"].as_array().expect("groups");
    assert_eq!(groups.len(), 6);
    for rule in groups
        .iter()
        .flat_map(|group| group["rules"].as_array())
        .flatten()
    {
        assert_eq!(rule["health"], "ok", "{rule}");
    }
    fs::remove_dir_all(&folder).expect("removed");
}
