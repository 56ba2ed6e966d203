//! The real process: killed at any moment under load, it goes on where it was, and the figures are those of the load.
//!
//! `ROUNDS=50` kills it that often, `OVERLOAD=60` overloads it that long.

use crate::support::process::{
    Running, addresses, at_the_end, client, folder, gauge, listening, now, session, start,
    start_with, total,
};
use baton::model::metric::Family;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::mpsc;

/// A configuration under which states are kept and segments end all the time, so that a kill finds them half done.
fn often(state: &Path) -> String {
    let file = state.with_extension("yaml");
    let text = "state: {snapshot_interval: 30ms, segment_size: 16KiB}\n";
    std::fs::write(&file, text).expect("written");
    file.to_str().expect("text").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_killed_at_any_moment_loses_and_invents_nothing() {
    let rounds: u64 = std::env::var("ROUNDS").map_or(4, |text| text.parse().expect("a number"));
    let state = folder("crash");
    let often = often(&state);
    let mut next = 0;
    let mut chance = now();
    for _ in 0..rounds {
        let (running, address, _) = start_with(&state, &["--config", &often]);
        let (told, mut acknowledged) = mpsc::unbounded_channel();
        let begin = next;
        // Several senders at once, each with every third session; who gets no answer sends the same again in the next round.
        let senders: Vec<_> = (0..3)
            .map(|lane| {
                let told = told.clone();
                tokio::spawn(async move {
                    let mut client = client(address).await;
                    for n in (begin..).filter(|n| n % 3 == lane) {
                        let taken = client.export(session(n, now())).await.is_ok();
                        if !taken || told.send(n).is_err() {
                            return n;
                        }
                    }
                    unreachable!("the sessions do not end");
                })
            })
            .collect();
        chance = chance
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        for _ in 0..(1 + (chance >> 33) % 60) {
            acknowledged.recv().await.expect("a session is taken");
        }
        drop(running);
        // The lanes differ in how far they came; the next round begins with the first session that nobody took.
        drop(acknowledged);
        let mut ends = Vec::new();
        for sender in senders {
            ends.push(sender.await.expect("no panic"));
        }
        next = ends.into_iter().min().expect("three lanes");
    }
    // The last round ends well, up to one session for every lane more than was ever sent.
    let (running, address) = start(&state);
    let mut client = client(address).await;
    let sessions = next + 200;
    for n in next..sessions {
        client.export(session(n, now())).await.expect("taken");
    }
    drop(running);
    let families = at_the_end(&state).await;
    let calls: f64 = (0..sessions).map(|n| (2 * n + 3) as f64).sum();
    let n = sessions as f64;
    let found = |name, label| total(&families, name, label);
    assert_eq!(found("baton_sessions_total", ""), n);
    assert_eq!(found("baton_turns_total", "answered"), n);
    assert_eq!(found("baton_llm_calls_total", ""), 2.0 * n);
    assert_eq!(found("baton_llm_tokens_total", "input"), calls);
    assert_eq!(found("baton_handoffs_total", "success"), n);
    assert_eq!(found("baton_workflows_total", ""), n);
    std::fs::remove_dir_all(&state).expect("removed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_is_no_reset_and_a_folder_has_one_owner() {
    let state = folder("restart");
    let (first, address) = start(&state);
    let mut client = client(address).await;
    for n in 0..10 {
        client.export(session(n, now())).await.expect("taken");
    }
    let second = Command::new(env!("CARGO_BIN_EXE_baton"))
        .args([
            "run",
            "--server-endpoint",
            "127.0.0.1:0",
            "--state-directory",
        ])
        .arg(&state)
        .output()
        .expect("it ends by itself");
    assert_eq!(second.status.code(), Some(6));
    let told = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(told.contains("another process has it"), "{told}");
    drop(first);
    let once = at_the_end(&state).await;
    assert_eq!(total(&once, "baton_workflows_total", ""), 10.0);
    let starts = |families: &[Family]| -> Vec<_> {
        let series = families.iter().flat_map(|f| &f.series);
        series.map(|s| (s.labels.clone(), s.start)).collect()
    };
    let again = at_the_end(&state).await;
    assert_eq!(again, once, "what is kept is what was");
    assert_eq!(starts(&again), starts(&once));
    std::fs::remove_dir_all(&state).expect("removed");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_again_counts_once_also_after_a_crash() {
    const SESSIONS: u64 = 20;
    let state = folder("again");
    let now = now();
    for _ in 0..2 {
        let (running, address) = start(&state);
        let (mut one, mut other) = (client(address).await, client(address).await);
        for n in 0..SESSIONS {
            // A sender that gave up too soon: both halves arrive.
            let both = tokio::join!(one.export(session(n, now)), other.export(session(n, now)));
            assert!(both.0.is_ok() && both.1.is_ok());
        }
        drop(running);
    }
    let families = at_the_end(&state).await;
    let n = SESSIONS as f64;
    assert_eq!(total(&families, "baton_llm_calls_total", ""), 2.0 * n);
    assert_eq!(total(&families, "baton_workflows_total", ""), n);
    // Five spans, four times each.
    let again = total(&families, "baton_duplicate_events_total", "");
    assert_eq!(again, 15.0 * n);
    std::fs::remove_dir_all(&state).expect("removed");
}

/// The system refuses to let a file grow: the disk has failed, as far as a process can tell.
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fails_stops_the_process_loudly_and_loses_nothing() {
    let state = folder("failed");
    let mut command = Command::new("sh");
    let limited = r#"trap "" XFSZ; ulimit -f 100; exec "$0" "$@""#;
    let command = command.args(["-c", limited, env!("CARGO_BIN_EXE_baton")]);
    let running = Running(listening(command, &state, &[]).spawn().expect("baton"));
    let (mut running, endpoints, log) = addresses(running);
    let (address, server) = (endpoints.grpc, endpoints.server);
    // A scraper that never ends its request does not hold it up.
    let _open = std::net::TcpStream::connect(server).expect("it listens");
    let mut sender = client(address).await;
    let mut taken = 0;
    let status = loop {
        match sender.export(session(taken, now())).await {
            Ok(_) => taken += 1,
            Err(status) => break status,
        }
    };
    let code = running.0.wait().expect("it ends by itself").code();
    assert_eq!(code, Some(6), "{status}");
    let told: Vec<String> = log.map(|line| line.expect("text")).collect();
    let is_why = |line: &String| line.contains("stopping: the log failed: ");
    assert!(told.iter().any(is_why), "{told:?}");
    assert!(taken > 0);
    // The next one has what was acknowledged; the request that was not is sent again.
    let (next, address) = start(&state);
    let mut sender = client(address).await;
    sender.export(session(taken, now())).await.expect("taken");
    drop(next);
    let families = at_the_end(&state).await;
    let calls = total(&families, "baton_llm_calls_total", "");
    assert_eq!(calls, 2.0 * (taken + 1) as f64);
    std::fs::remove_dir_all(&state).expect("removed");
}

/// A process that takes little at once, and senders that send more than five times that: what was taken counts, what was
/// refused comes again. `OVERLOAD=60` keeps it up so many seconds.
#[tokio::test(flavor = "multi_thread")]
async fn an_overloaded_process_stays_small_and_keeps_what_it_took() {
    const SENDERS: u64 = 32;
    const MAX_STATE: u64 = 1 << 20;
    const IN_FLIGHT: u64 = 4 << 20;
    // In a second of a debug build the senders may be as slow as Baton: then it is overloaded, but not five times.
    let asked = std::env::var("OVERLOAD").ok();
    let (seconds, times) = asked.map_or((1, 1), |text| (text.parse().expect("a number"), 4));
    let state = folder("overload");
    let config = state.join("baton.yaml");
    let limits = "engine: {queue_events: 6, soft_state_size: 512KiB, max_state_size: 1MiB}\n\
                  receivers: {otlp: {max_request_bytes: 1MiB, max_decompressed_bytes: 2MiB, max_bytes_in_flight: 4MiB}}\n\
                  stitch: {settle: 50ms, idle_timeout: 100ms}\n";
    std::fs::write(&config, limits).expect("written");
    let config = ["--config", config.to_str().expect("text")];
    let (running, address, server) = start_with(&state.join("state"), &config);
    let before = resident(running.0.id());
    let end = now() + seconds * 1_000_000_000;
    let refused = Arc::new(AtomicU64::new(0));
    let taken = Arc::new(AtomicU64::new(0));
    let senders: Vec<_> = (0..SENDERS)
        .map(|lane| {
            let (refused, taken) = (Arc::clone(&refused), Arc::clone(&taken));
            tokio::spawn(async move {
                let mut client = client(address).await;
                let mut own = 0;
                // Each sends a session until it is taken, then the next.
                while now() < end {
                    let next = session(own * SENDERS + lane, now());
                    match client.export(next).await {
                        Ok(_) => {
                            own += 1;
                            taken.fetch_add(1, Ordering::Relaxed);
                        }
                        Err(status) => {
                            assert_eq!(status.code(), tonic::Code::Unavailable, "{status}");
                            refused.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                }
            })
        })
        .collect();
    let mut most = 0;
    while now() < end {
        most = most.max(gauge(server, "baton_partition_bytes").await);
    }
    for sender in senders {
        sender.await.expect("no panic");
    }
    let resident = resident(running.0.id());
    // It recovers by itself: the next session is taken, as soon as there is room.
    let mut client = client(address).await;
    while client.export(session(u64::MAX - 7, now())).await.is_err() {}
    drop(running);
    let (taken, refused) = (
        taken.load(Ordering::Relaxed) + 1,
        refused.load(Ordering::Relaxed),
    );
    let families = at_the_end(&state.join("state")).await;
    let found = |name| total(&families, name, "");
    assert_eq!(found("baton_llm_calls_total"), 2.0 * taken as f64);
    assert_eq!(found("baton_workflows_total"), taken as f64);
    assert!(refused >= times * taken, "{refused} refused, {taken} taken");
    assert!(most <= MAX_STATE, "{most} bytes of state");
    // What the allocator keeps beside what is counted, and the threads that only load brings, twice over.
    let limit = before + 2 * (MAX_STATE + IN_FLIGHT) + (8 << 20);
    assert!(resident <= limit, "{resident} bytes, {before} at the start");
    std::fs::remove_dir_all(&state).expect("removed");
}

/// The most memory that a process had, in bytes.
fn resident(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    kib.expect("a peak").parse::<u64>().expect("a number") << 10
}

/// What each version of the format looks like: a log alone, as a crash leaves it, and snapshots with the rest of the log.
/// `UPDATE=1` writes the newest anew.
#[tokio::test(flavor = "multi_thread")]
async fn what_an_older_baton_wrote_is_read() {
    const VERSIONS: [&str; 2] = ["state-v1", "state-v2"];
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    if std::env::var_os("UPDATE").is_some() {
        let kept = fixtures.join(VERSIONS[VERSIONS.len() - 1]);
        let state = folder("older");
        let (running, address) = start(&state);
        let mut client = client(address).await;
        for n in 0..3 {
            client.export(session(n, now())).await.expect("taken");
        }
        drop(running);
        copy(&state, &kept.join("log"));
        drop(at_the_end(&state).await);
        copy(&state, &kept.join("snapshots"));
        std::fs::remove_dir_all(&state).expect("removed");
    }
    for version in VERSIONS {
        for form in ["log", "snapshots"] {
            let state = folder(&format!("{version}-{form}"));
            copy(&fixtures.join(version).join(form), &state);
            // The second start reads what the first one made of it.
            for _ in 0..2 {
                let families = at_the_end(&state).await;
                let found = |name, label| total(&families, name, label);
                assert_eq!(found("baton_workflows_total", ""), 3.0, "{version} {form}");
                assert_eq!(
                    found("baton_handoffs_total", "success"),
                    3.0,
                    "{version} {form}"
                );
                assert_eq!(
                    found("baton_llm_tokens_total", "input"),
                    15.0,
                    "{version} {form}"
                );
            }
            std::fs::remove_dir_all(&state).expect("removed");
        }
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        std::fs::copy(entry.path(), to.join(entry.file_name())).expect("copied");
    }
}
