//! The whole way with real parts: the OpenTelemetry SDK for Python, Baton, the OpenTelemetry Collector, a file. Baton and the Collector are
//! killed at random. Every body that the SDK was told to be safe comes out of Baton with the same bytes, and is in the Collector's file.

use super::tap::Tap;
use super::{root, until};
use crate::support::dice::Dice;
use crate::support::process::{self, Endpoints, Running, folder, free_addresses};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

const REQUESTS: u64 = 400;
/// One of so many requests is followed by a kill.
const KILL_ONE_IN: u64 = 25;

/// A Collector that writes what it gets to a file, unbuffered (`rotation` does that): what it has acknowledged is there when it is killed.
pub(super) struct FileCollector {
    config: std::path::PathBuf,
    pub(super) grpc: SocketAddr,
    http: SocketAddr,
}

impl FileCollector {
    pub(super) fn new(folder: &Path) -> Self {
        let [grpc, http] = free_addresses();
        let file = folder.join("collector.jsonl");
        let text = format!(
            "receivers: {{otlp: {{protocols: {{grpc: {{endpoint: '{grpc}'}}, http: {{endpoint: '{http}'}}}}}}}}\n\
             exporters: {{file: {{path: {}, rotation: {{max_megabytes: 1000}}}}}}\n\
             service:\n  telemetry: {{metrics: {{level: none}}, logs: {{level: error}}}}\n  pipelines: {{traces: {{receivers: [otlp], exporters: [file]}}, logs: {{receivers: [otlp], exporters: [file]}}}}\n",
            file.display()
        );
        let config = folder.join("collector.yaml");
        fs::write(&config, text).expect("written");
        Self { config, grpc, http }
    }

    pub(super) fn start(&self) -> Running {
        let mut command = Command::new("otelcol");
        let command = command.arg("--config").arg(&self.config);
        let child = command.stdout(Stdio::null()).spawn();
        Running(child.expect("otelcol is installed: run tests/run"))
    }
}

/// Starts Baton at the same addresses each time.
pub(super) fn start_baton(config: &Path, at: [SocketAddr; 3]) -> (Running, Endpoints) {
    let mut command = process::baton();
    let command = process::run(&mut command).arg("--config").arg(config);
    for (endpoint, address) in ["GRPC", "HTTP", "SERVER"].into_iter().zip(at) {
        command.env(format!("BATON_{endpoint}_ENDPOINT"), address.to_string());
    }
    process::spawn(command)
}

fn configuration(folder: &Path, next: SocketAddr) -> std::path::PathBuf {
    let exporter = |name: &str, protocol: &str| {
        format!(
            "  otlp/{name}: {{endpoint: 'http://{next}', protocol: {protocol}, compression: none, retry_on_failure: {{initial_interval: 10ms, max_interval: 100ms}}}}\n"
        )
    };
    let exporters = [exporter("grpc", "grpc"), exporter("http", "http/protobuf")].concat();
    let config = folder.join("baton.yaml");
    let text = format!("exporters:\n{exporters}state: {{directory: state}}\n");
    fs::write(&config, text).expect("written");
    config
}

/// The spans in a file of the Collector; the last line may be half written.
fn spans(file: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let lines = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let spans = lines.map(|line| line["resourceSpans"][0]["scopeSpans"][0]["spans"][0].clone());
    let session = |span: Value| {
        let attributes = span["attributes"].as_array()?.clone();
        let one = attributes
            .into_iter()
            .find(|a| a["key"] == "gen_ai.conversation.id")?;
        one["value"]["stringValue"].as_str().map(str::to_owned)
    };
    spans.filter_map(session).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_of_the_sdk_reach_the_collectors_file_byte_for_byte_whoever_is_killed() {
    let folder = folder("sdk");
    let collector = FileCollector::new(&folder);
    let tap = Tap::start(collector.grpc, collector.http).await;
    let config = configuration(&folder, tap.address);
    let at = free_addresses();
    let mut next = collector.start();
    let (mut baton, endpoints) = start_baton(&config, at);
    let python = root().join("target/peers/bin/python");
    let mut sdk = Command::new(python);
    let sdk = sdk.arg(root().join("tests/it/peers/stream.py")).args([
        format!("http://{}", endpoints.grpc),
        format!("http://{}", endpoints.http),
        REQUESTS.to_string(),
    ]);
    let mut sdk = Running(
        sdk.stdout(Stdio::piped())
            .spawn()
            .expect("Python is there: run tests/run"),
    );
    let told = BufReader::new(sdk.0.stdout.take().expect("piped"));
    let (mut sent, mut safe, mut sessions) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let mut dice = Dice::new(21);
    let mut kills = [0, 0];
    for (n, line) in told.lines().enumerate() {
        let line = line.expect("text");
        let (digest, end) = line.split_once(' ').expect("two words");
        sent.insert(digest.to_owned());
        if end == "acknowledged" {
            safe.insert(digest.to_owned());
            sessions.insert(format!("stream-{n}"));
        }
        if dice.one_in(KILL_ONE_IN) {
            let which = usize::from(dice.one_in(2));
            kills[which] += 1;
            if which == 0 {
                drop(baton);
                baton = start_baton(&config, at).0;
            } else {
                drop(next);
                next = collector.start();
            }
        }
    }
    assert!(sdk.0.wait().expect("it ended").success());
    assert!(kills.into_iter().all(|kills| kills > 2), "{kills:?}");
    assert!(
        safe.len() as u64 > REQUESTS / 2,
        "{} of {}",
        safe.len(),
        sent.len()
    );
    until("all that is safe is accepted by the Collector", || {
        let all = tap.passed().accepted.is_superset(&safe);
        async move { all.then_some(()) }
    })
    .await;
    assert!(tap.passed().all.is_subset(&sent), "no byte differs");
    until("all that is safe is in the Collector's file", || {
        let all = spans(&folder.join("collector.jsonl")).is_superset(&sessions);
        async move { all.then_some(()) }
    })
    .await;
}
