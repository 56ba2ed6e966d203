//! The real process while it recovers, and after the operator has changed the number of partitions.

use crate::support::http::get;
use crate::support::process::{
    Running, at_the_end, client, folder, listening, now, session, start, start_with, total,
};
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

/// It has the name of a snapshot, newer than any.
const PIPE: &str = "0-00000000000000099999.snapshot";

/// The lines of a log.
type Lines = Box<dyn Iterator<Item = serde_json::Value>>;

/// A process that recovers, and waits for a snapshot that somebody still writes: a pipe.
async fn held_up(state: &Path, pipe: &Path) -> (Running, Lines) {
    let (first, address) = start(state);
    let mut sender = client(address).await;
    for n in 0..10 {
        sender.export(session(n, now())).await.expect("taken");
    }
    drop(first);
    let made = Command::new("mkfifo").arg(pipe).status();
    assert!(made.expect("coreutils").success());
    let mut command = Command::new(env!("CARGO_BIN_EXE_baton"));
    let running = listening(&mut command, state, &[]).spawn();
    let mut running = Running(running.expect("baton"));
    let log = BufReader::new(running.0.stderr.take().expect("its log"));
    let lines = log.lines().map(|line| {
        let line = line.expect("text");
        serde_json::from_str(&line).expect("the log is JSON")
    });
    (running, Box::new(lines))
}

/// The snapshot is damaged in the end, and the log serves.
#[tokio::test(flavor = "multi_thread")]
async fn probes_answer_while_the_state_is_recovered_and_no_figure_is_shown() {
    let state = folder("recovery");
    let pipe = state.join(PIPE);
    let (running, mut log) = held_up(&state, &pipe).await;
    let mut until = |key: &str| {
        let found = log.find(|line| !line[key].is_null());
        found.expect("it is in the log")
    };
    let starting = until("configuration");
    assert_eq!(starting["configuration"], "the defaults");
    assert!(!starting["memory_limit_from"].is_null(), "{starting}");
    let server: SocketAddr = until("server")["server"]
        .as_str()
        .and_then(|address| address.parse().ok())
        .expect("an address");
    let begun = until("directory");
    assert_eq!(begun["directory"], state.to_str().expect("text"));
    assert!(get(server, "/healthz").await.contains("200 OK"));
    let unready = get(server, "/readyz").await;
    assert!(unready.contains("503"), "{unready}");
    assert!(unready.contains("\nrecovering, "), "{unready}");
    for path in ["/metrics", "/sessions/conversation%200"] {
        let answer = get(server, path).await;
        assert!(answer.contains("503"), "{answer}");
        assert!(answer.contains("retry-after: "), "{answer}");
        assert!(!answer.contains("baton_"), "{answer}");
    }
    // Opening it waits until Baton reads it.
    let mut writer = std::fs::OpenOptions::new()
        .write(true)
        .open(&pipe)
        .expect("read");
    let before_it = read_so_far(&get(server, "/readyz").await);
    assert!(before_it > 0.0, "the log was read before it");
    writer.write_all(b"no snapshot").expect("written");
    drop(writer);
    let done = until("seconds");
    assert_eq!(done["damaged_snapshots"], 1, "{done}");
    assert!(
        done["position"].as_u64().is_some_and(|at| at >= 10),
        "{done}"
    );
    until("endpoint");
    // On a slow machine, first the time passes in which no process ran.
    while !get(server, "/readyz").await.contains("200 OK") {}
    assert!(get(server, "/metrics").await.contains("baton_log_bytes"));
    drop(running);
    let families = at_the_end(&state).await;
    assert_eq!(total(&families, "baton_workflows_total", ""), 10.0);
    std::fs::remove_dir_all(&state).expect("removed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_recovers_stops_when_it_is_asked() {
    let state = folder("stopped");
    let (mut running, mut log) = held_up(&state, &state.join(PIPE)).await;
    let recovers = log.any(|line| line["message"] == "recovering state");
    assert!(recovers);
    running.signal("-TERM");
    assert_eq!(running.0.wait().expect("it ends").code(), Some(0));
    std::fs::remove_file(state.join(PIPE)).expect("removed");
    let families = at_the_end(&state).await;
    assert_eq!(total(&families, "baton_workflows_total", ""), 10.0);
    std::fs::remove_dir_all(&state).expect("removed");
}

/// The first number of `recovering, 3.1 KiB of 12.0 KiB read`.
fn read_so_far(unready: &str) -> f64 {
    let text = unready.split("recovering, ").nth(1).expect("it recovers");
    let number = text.split(' ').next().expect("a number");
    number.parse().expect("a number")
}

#[tokio::test(flavor = "multi_thread")]
async fn another_number_of_partitions_changes_no_figure() {
    const EACH: u64 = 20;
    let state = folder("partitions");
    let mut next = 0;
    for partitions in ["1", "4", "2", "3"] {
        let config = state.with_extension("yaml");
        let text = format!("engine: {{partitions: {partitions}}}\n");
        std::fs::write(&config, text).expect("written");
        let config = ["--config", config.to_str().expect("text")];
        // Killed at work, and started again with the same number: nothing is left to change.
        for _ in 0..2 {
            let (running, address, _) = start_with(&state, &config);
            let mut sender = client(address).await;
            for n in next..next + EACH {
                sender.export(session(n, now())).await.expect("taken");
            }
            next += EACH;
            drop(running);
        }
    }
    // Whoever asks for no number takes that of the directory.
    let families = at_the_end(&state).await;
    let n = next as f64;
    let tokens: f64 = (0..next).map(|n| (2 * n + 3) as f64).sum();
    let found = |name, label| total(&families, name, label);
    assert_eq!(found("baton_sessions_total", ""), n);
    assert_eq!(found("baton_turns_total", "answered"), n);
    assert_eq!(found("baton_handoffs_total", "success"), n);
    assert_eq!(found("baton_workflows_total", ""), n);
    assert_eq!(found("baton_llm_tokens_total", "input"), tokens);
    std::fs::remove_dir_all(&state).expect("removed");
}
