//! The real process, killed under load: every acknowledged session has its rows once, and no other ones.

use super::{ask, files};
use crate::support::process::{baton, client, folder, listening, now, session, spawn};
use std::collections::BTreeSet;
use std::path::Path;
use tokio::sync::mpsc;

/// What closes workflows while a test waits.
const QUICK: &str = "stitch: {settle: 50ms, trace_timeout: 100ms, turn_timeout: 100ms, drop_timeout: 100ms, idle_timeout: 200ms}\n";

/// Sends sessions from a number on until the process is killed after some of them. Those that were acknowledged.
async fn killed(state: &Path, more: &[&str], (first, until): (u64, u64)) -> BTreeSet<u64> {
    let (running, endpoints) = spawn(listening(&mut baton(), state, more));
    let (told, mut taken) = mpsc::unbounded_channel();
    let sending = tokio::spawn(async move {
        let mut client = client(endpoints.grpc).await;
        for n in first.. {
            let is_taken = client.export(session(n, now())).await.is_ok();
            if !is_taken || told.send(n).is_err() {
                return;
            }
        }
    });
    let mut acknowledged = BTreeSet::new();
    for _ in 0..until {
        acknowledged.insert(taken.recv().await.expect("a session is taken"));
    }
    drop(running);
    sending.await.expect("no panic");
    while let Some(n) = taken.recv().await {
        acknowledged.insert(n);
    }
    acknowledged
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_killed_at_any_moment_writes_each_row_once() {
    let rounds: u64 = std::env::var("ROUNDS").map_or(4, |text| text.parse().expect("a number"));
    let state = folder("ledger-kill");
    let ledger = state.with_extension("ledger");
    let file = state.with_extension("yaml");
    let text = format!(
        "{QUICK}engine: {{partitions: 2}}\nmetrics: {{zero_hold: 0s}}\nledger: {{directory: '{}', roll_interval: 300ms}}\n\
         state: {{directory: '{}', snapshot_interval: 200ms}}\n",
        ledger.display(),
        state.display()
    );
    std::fs::write(&file, text).expect("written");
    let more = ["--config", file.to_str().expect("text")];
    let mut acknowledged = BTreeSet::new();
    let mut chance = now();
    for round in 0..rounds {
        chance = chance
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let until = 50 + (chance >> 33) % 400;
        acknowledged.append(&mut killed(&state, &more, (round * 10_000, until)).await);
    }
    let (running, endpoints) = spawn(listening(&mut baton(), &state, &more));
    let metric = |name| crate::forward::relay::metric(endpoints.server, name, "");
    while metric("baton_workflows_total").await < acknowledged.len() as f64 {
        tokio::task::yield_now().await;
    }
    let metrics = [
        metric("baton_workflows_total").await,
        metric("baton_handoffs_total").await,
        metric("baton_turns_total").await,
        metric("baton_llm_calls_total").await,
    ];
    running.stop("-TERM");
    let unique = "count(distinct (log, partition, position, ordinal)), count(*)";
    let tables = ["workflows", "handoffs", "turns", "calls"];
    let mut statements = tables
        .map(|table| {
            let all = format!("read_parquet('ledger/{table}/*/*.parquet')");
            let sum = if table == "calls" {
                "sum(calls) filter (kind = 'model')"
            } else {
                "count(*)"
            };
            format!("select {sum}, {unique} from {all}")
        })
        .to_vec();
    statements.push("select session_id from workflows".to_owned());
    let statements: Vec<&str> = statements.iter().map(String::as_str).collect();
    let mut answers = ask(&ledger, &statements);
    let sessions = answers.pop().expect("an answer");
    for ((table, answer), metric) in tables.iter().zip(answers).zip(metrics) {
        let [sum, unique, rows] = answer[0].as_slice() else {
            panic!("{answer:?}");
        };
        assert_eq!(sum, &metric.to_string(), "{table}");
        assert_eq!(unique, rows, "{table}: each row is there once");
    }
    let known: BTreeSet<String> = sessions.iter().map(|row| row[0].clone()).collect();
    assert_eq!(known.len(), sessions.len(), "each workflow is there once");
    let missing = acknowledged
        .iter()
        .find(|n| !known.contains(&format!("conversation {n}")));
    assert_eq!(missing, None);
    assert!(files(&ledger).iter().all(|name| !name.ends_with(".new")));
    for folder in [&state, &ledger] {
        std::fs::remove_dir_all(folder).expect("removed");
    }
}
