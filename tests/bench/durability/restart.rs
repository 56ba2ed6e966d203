//! How long a start takes, and how much memory, when many sessions are open.

use crate::{config, now, runtime, say, seconds};
use baton::app::App;
use baton::clock::Clock;
use baton::ingest::{Encoding, ExportRequest, IngestError, Signal};
use baton::log::LogKind;
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Sessions of one request, and requests under way at once.
const BATCH: u64 = 100;
const IN_FLIGHT: u64 = 64;
/// Longer than a turn takes to settle, and so short that no workflow ends in a million sessions.
const PAUSE: u64 = 6_000_000_000;
const BEGIN: u64 = 1_790_000_000_000_000_000;

/// Each step is a process of its own, so that its peak is its own.
pub fn restart(sessions: u64) {
    for end in ["clean", "killed"] {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path().to_str().expect("text");
        child(&["fill", folder, &sessions.to_string(), end]);
        child(&["open", folder]);
    }
}

fn child(arguments: &[&str]) {
    let own = std::env::current_exe().expect("this program");
    let status = Command::new(own).args(arguments).status();
    assert!(status.expect("it starts").success());
}

/// Sessions of one decided turn, with their workflow open. A kill leaves the log alone.
pub fn fill(folder: &Path, sessions: u64, clean: bool) {
    runtime().block_on(async {
        let begin = now();
        let nanos = Arc::new(AtomicU64::new(BEGIN));
        let mut config = config(LogKind::Disk, folder);
        config.state.snapshot_interval = Duration::MAX;
        let app = App::start(&config, Clock::manual(Arc::clone(&nanos))).await;
        let app = Arc::new(app.expect("it starts"));
        for first in (0..sessions).step_by((BATCH * IN_FLIGHT) as usize) {
            let requests = (first..sessions.min(first + BATCH * IN_FLIGHT)).step_by(BATCH as usize);
            let submitted: Vec<_> = requests
                .map(|n| {
                    let (app, body) = (Arc::clone(&app), request(n..sessions.min(n + BATCH)));
                    tokio::spawn(async move { submit(&app, body).await })
                })
                .collect();
            for request in submitted {
                request.await.expect("no panic");
            }
            // The turns are decided; the workflows stay open.
            nanos.fetch_add(PAUSE, Ordering::AcqRel);
            app.settle().await;
        }
        let filled = seconds(begin);
        let (keys, weight) = (app.engine().keys(), app.engine().weight());
        let begin = now();
        if clean {
            let app = Arc::into_inner(app).expect("nobody else has it");
            assert!(app.stop().await);
        }
        say(&serde_json::json!({
            "step": if clean { "filled, stopped" } else { "filled, killed" },
            "keys": keys,
            "fill_seconds": filled,
            "stop_seconds": seconds(begin),
            "estimate_bytes": weight,
            "peak_bytes": peak(),
            "folder_bytes": size(folder),
        })
        .to_string());
        // Without a word to anybody.
        std::process::exit(0);
    });
}

/// Starts on what is there.
pub fn open(folder: &Path) {
    runtime().block_on(async {
        let begin = now();
        let nanos = Arc::new(AtomicU64::new(BEGIN));
        let app = App::start(&config(LogKind::Disk, folder), Clock::manual(nanos)).await;
        let app = app.expect("it starts");
        say(&serde_json::json!({
            "step": "started",
            "keys": app.engine().keys(),
            "start_seconds": seconds(begin),
            "estimate_bytes": app.engine().weight(),
            "peak_bytes": peak(),
        })
        .to_string());
        std::process::exit(0);
    });
}

async fn submit(app: &App, body: Bytes) {
    let request = ExportRequest {
        signal: Signal::Traces,
        encoding: Encoding::Protobuf,
        tenant: None,
        headers: Vec::new(),
        body,
    };
    loop {
        match app.ingest().submit(request.clone()).await {
            Ok(_) => return,
            Err(IngestError::Full(_)) => {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Err(other) => panic!("refused for {other:?}"),
        }
    }
}

/// An agent that calls a model, once a session.
fn request(sessions: std::ops::Range<u64>) -> Bytes {
    let spans = sessions.flat_map(session).collect();
    let request = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            scope_spans: vec![ScopeSpans {
                spans,
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    };
    request.encode_to_vec().into()
}

fn session(n: u64) -> [Span; 2] {
    let attribute = |key: &str, value: Value| KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    };
    let text = |key: &str, value: &str| attribute(key, Value::StringValue(value.to_owned()));
    let span = |id: u8, parent: &[u8], own: Vec<KeyValue>| Span {
        trace_id: [(n + 1).to_be_bytes(), [7; 8]].concat(),
        span_id: vec![id; 8],
        parent_span_id: parent.to_vec(),
        name: "step".to_owned(),
        start_time_unix_nano: BEGIN + u64::from(id),
        end_time_unix_nano: BEGIN + 1_000_000_000 - u64::from(id),
        attributes: [
            vec![
                text("gen_ai.conversation.id", &format!("conversation-{n:016x}")),
                text("gen_ai.agent.name", "support"),
                text("user.id", &format!("user-{n:08}")),
                text("customer.tier", "gold"),
                text("user.intent", "refund"),
            ],
            own,
        ]
        .concat(),
        ..Span::default()
    };
    let call = vec![
        text("gen_ai.operation.name", "chat"),
        text("gen_ai.provider.name", "openai"),
        text("gen_ai.request.model", "gpt-4o"),
        attribute("gen_ai.usage.input_tokens", Value::IntValue(1000)),
        attribute("gen_ai.usage.output_tokens", Value::IntValue(80)),
    ];
    let agent = vec![text("gen_ai.operation.name", "invoke_agent")];
    [span(1, &[], agent), span(2, &[1; 8], call)]
}

/// The most memory that this process had, in bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    kib.expect("a peak").parse::<u64>().expect("a number") << 10
}

fn size(folder: &Path) -> u64 {
    let files = std::fs::read_dir(folder).expect("a folder");
    let length =
        |entry: std::io::Result<std::fs::DirEntry>| Some(entry.ok()?.metadata().ok()?.len());
    files.filter_map(length).sum()
}
