//! The real process: killed at any moment under load, it goes on where it was, and the figures are those of the load.
//!
//! `ROUNDS=50` kills it that often, `OVERLOAD=60` overloads it that long.

use baton::app::App;
use baton::clock::Clock;
use baton::config::{Config, LogKind};
use baton::model::metric::{Family, Point};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;

/// A folder that goes with the test.
fn folder(name: &str) -> PathBuf {
    let name = format!("{name}-{}", std::process::id());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// A child that does not outlive the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(state: &Path) -> (Running, SocketAddr) {
    start_with(state, &[])
}

fn start_with(state: &Path, more: &[&str]) -> (Running, SocketAddr) {
    let any = "127.0.0.1:0";
    let mut child = Command::new(env!("CARGO_BIN_EXE_baton"))
        .args(["run", "--log-format", "json", "--state-directory"])
        .arg(state)
        .args(["--grpc-endpoint", any, "--http-endpoint", any])
        .args(["--server-endpoint", any])
        .args(more)
        .stderr(Stdio::piped())
        .spawn()
        .expect("baton starts");
    let mut log = BufReader::new(child.stderr.take().expect("its log")).lines();
    let running = Running(child);
    let address = log.find_map(|line| {
        let line = line.expect("text");
        let line: serde_json::Value = serde_json::from_str(&line).expect("the log is JSON");
        (line["endpoint"] == "grpc").then(|| line["address"].as_str().map(str::to_owned))?
    });
    // Nobody reads the log from here on.
    (
        running,
        address.expect("it listens").parse().expect("an address"),
    )
}

fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, Value::StringValue(value.to_owned()))
}

fn number(key: &str, value: i64) -> KeyValue {
    attribute(key, Value::IntValue(value))
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

/// One session of one turn: a triage agent that hands over to one for refunds. Two calls, `n` + 1 and `n` + 2 input tokens.
fn session(n: u64, now: u64) -> ExportTraceServiceRequest {
    let mut trace = [7; 16];
    trace[..8].copy_from_slice(&n.to_be_bytes());
    let bytes = |id: u8| if id == 0 { Vec::new() } else { vec![id; 8] };
    let span = |id: u8, parent: u8, (start, end): (u64, u64), mut attributes: Vec<KeyValue>| {
        attributes.push(text("gen_ai.conversation.id", &format!("conversation {n}")));
        Span {
            trace_id: trace.to_vec(),
            span_id: bytes(id),
            parent_span_id: bytes(parent),
            name: "step".to_owned(),
            start_time_unix_nano: now + start * 1_000_000,
            end_time_unix_nano: now + end * 1_000_000,
            attributes,
            ..Span::default()
        }
    };
    let agent = |name: &str| {
        vec![
            text("gen_ai.operation.name", "invoke_agent"),
            text("gen_ai.agent.name", name),
        ]
    };
    let call = |tokens: i64| {
        vec![
            text("gen_ai.operation.name", "chat"),
            text("gen_ai.provider.name", "openai"),
            text("gen_ai.request.model", "gpt-4o"),
            number("gen_ai.usage.input_tokens", tokens),
            number("gen_ai.usage.output_tokens", 1),
        ]
    };
    let tool = vec![
        text("gen_ai.operation.name", "execute_tool"),
        text("gen_ai.tool.name", "transfer_to_refunds"),
    ];
    let tokens = n as i64;
    let spans = vec![
        span(1, 0, (0, 40), agent("triage")),
        span(2, 1, (1, 20), call(tokens + 1)),
        span(3, 1, (21, 22), tool),
        span(4, 0, (41, 90), agent("refunds")),
        span(5, 4, (42, 80), call(tokens + 2)),
    ];
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            scope_spans: vec![ScopeSpans {
                spans,
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    }
}

fn total(families: &[Family], name: &str, label: &str) -> f64 {
    let family = families.iter().find(|f| f.name == name).expect("a metric");
    let wanted = |s: &&baton::model::metric::Series| {
        label.is_empty() || s.labels.iter().any(|(_, value)| value == label)
    };
    let value = |point: &Point| match point {
        Point::Counter { value, .. } => *value,
        _ => panic!("{name} is a counter"),
    };
    let series = family.series.iter().filter(wanted);
    series.map(|series| value(&series.point)).sum()
}

fn now() -> u64 {
    Clock::System.now().0
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_killed_at_any_moment_loses_and_invents_nothing() {
    let rounds: u64 = std::env::var("ROUNDS").map_or(4, |text| text.parse().expect("a number"));
    let state = folder("crash");
    let mut next = 0;
    let mut chance = now();
    for _ in 0..rounds {
        let (running, address) = start(&state);
        let (told, mut acknowledged) = mpsc::unbounded_channel();
        let begin = next;
        // Several senders at once, each with every third session; who gets no answer sends the same again in the next round.
        let senders: Vec<_> = (0..3)
            .map(|lane| {
                let told = told.clone();
                tokio::spawn(async move {
                    let client = TraceServiceClient::connect(format!("http://{address}")).await;
                    let mut client = client.expect("it listens");
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
    let client = TraceServiceClient::connect(format!("http://{address}")).await;
    let mut client = client.expect("it listens");
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

/// The figures an hour later, as the next process has them.
async fn at_the_end(state: &Path) -> Vec<Family> {
    let free = SocketAddr::from(([127, 0, 0, 1], 0));
    let config = Config {
        grpc: free,
        http: free,
        server: free,
        state_log: LogKind::Disk,
        state_directory: Some(state.to_owned()),
        // What an older process counted long ago still shows.
        expire_after: Duration::MAX,
        ..Config::default()
    };
    let nanos = Arc::new(AtomicU64::new(now()));
    let app = App::start(&config, Clock::Manual(Arc::clone(&nanos))).await;
    let app = app.expect("it starts");
    nanos.fetch_add(3600 * 1_000_000_000, Ordering::AcqRel);
    while !app.engine().is_settled() {
        app.engine().wake();
        tokio::task::yield_now().await;
    }
    let families = app.engine().gather();
    assert!(app.stop().await);
    families
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_is_no_reset_and_a_folder_has_one_owner() {
    let state = folder("restart");
    let (first, address) = start(&state);
    let client = TraceServiceClient::connect(format!("http://{address}")).await;
    let mut client = client.expect("it listens");
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

/// A process that takes little at once, and senders that send much more: what was taken counts, what was refused comes again.
/// `OVERLOAD=60` keeps it up so many seconds.
#[tokio::test(flavor = "multi_thread")]
async fn an_overloaded_process_stays_small_and_keeps_what_it_took() {
    const SENDERS: u64 = 16;
    let seconds = std::env::var("OVERLOAD").map_or(1, |text| text.parse().expect("a number"));
    let state = folder("overload");
    let config = state.join("baton.yaml");
    let limits = "engine: {queue_events: 30, soft_state_size: 4MiB, max_state_size: 8MiB}\n\
                  stitch: {settle: 50ms, idle_timeout: 100ms}\n";
    std::fs::write(&config, limits).expect("written");
    let config = ["--config", config.to_str().expect("text")];
    let (running, address) = start_with(&state.join("state"), &config);
    let end = now() + seconds * 1_000_000_000;
    let refused = Arc::new(AtomicU64::new(0));
    let senders: Vec<_> = (0..SENDERS)
        .map(|lane| {
            let refused = Arc::clone(&refused);
            tokio::spawn(async move {
                let client = TraceServiceClient::connect(format!("http://{address}")).await;
                let mut client = client.expect("it listens");
                let mut taken = 0;
                // Each sends a session until it is taken, then the next, and goes on until something was refused.
                while now() < end || refused.load(Ordering::Relaxed) == 0 {
                    match client.export(session(taken * SENDERS + lane, now())).await {
                        Ok(_) => taken += 1,
                        Err(status) => {
                            assert_eq!(status.code(), tonic::Code::Unavailable, "{status}");
                            refused.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                }
                taken
            })
        })
        .collect();
    let mut taken = 0;
    for sender in senders {
        taken += sender.await.expect("no panic");
    }
    let refused = refused.load(Ordering::Relaxed);
    let resident = resident(running.0.id());
    // It recovers by itself: the next session is taken, as soon as there is room.
    let client = TraceServiceClient::connect(format!("http://{address}")).await;
    let mut client = client.expect("it listens");
    while client.export(session(u64::MAX - 7, now())).await.is_err() {}
    taken += 1;
    drop(running);
    let families = at_the_end(&state.join("state")).await;
    assert_eq!(
        total(&families, "baton_llm_calls_total", ""),
        2.0 * taken as f64
    );
    assert!(refused > 0);
    assert!(
        resident < 128 << 20,
        "{resident} bytes after {taken} taken, {refused} refused"
    );
    std::fs::remove_dir_all(&state).expect("removed");
}

/// The most memory that a process had, in bytes.
fn resident(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    kib.expect("a peak").parse::<u64>().expect("a number") << 10
}

/// What Baton 0.1 wrote: a log alone, as a crash leaves it, and snapshots with the rest of the log. `UPDATE=1` writes both anew.
#[tokio::test(flavor = "multi_thread")]
async fn what_an_older_baton_wrote_is_read() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/state-v1");
    if std::env::var_os("UPDATE").is_some() {
        let state = folder("older");
        let (running, address) = start(&state);
        let client = TraceServiceClient::connect(format!("http://{address}")).await;
        let mut client = client.expect("it listens");
        for n in 0..3 {
            client.export(session(n, now())).await.expect("taken");
        }
        drop(running);
        copy(&state, &kept.join("log"));
        drop(at_the_end(&state).await);
        copy(&state, &kept.join("snapshots"));
        std::fs::remove_dir_all(&state).expect("removed");
    }
    for form in ["log", "snapshots"] {
        let state = folder(form);
        copy(&kept.join(form), &state);
        let families = at_the_end(&state).await;
        let found = |name, label| total(&families, name, label);
        assert_eq!(found("baton_workflows_total", ""), 3.0, "{form}");
        assert_eq!(found("baton_handoffs_total", "success"), 3.0, "{form}");
        assert_eq!(found("baton_llm_tokens_total", "input"), 15.0, "{form}");
        std::fs::remove_dir_all(&state).expect("removed");
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        std::fs::copy(entry.path(), to.join(entry.file_name())).expect("copied");
    }
}
