//! A real OpenTelemetry Collector is the next receiver, over TLS with client certificates. Baton is killed and the Collector
//! restarted again and again: everything that Baton acknowledged is in the Collector's files, over both protocols, and nothing else is.

use super::until;
use crate::secure::authority::{Authority, Pair};
use crate::support::process::{self, Endpoints, Running, folder, free_addresses, now, session};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const ROUNDS: u64 = 6;
const REQUESTS: u64 = 20;

/// A Collector that writes what it gets over each protocol to a file of its own.
struct Collector {
    config: PathBuf,
    grpc: SocketAddr,
    http: SocketAddr,
}

impl Collector {
    fn new(folder: &Path, own: &Pair, clients: &Authority) -> Self {
        let [grpc, http] = free_addresses();
        let tls = format!(
            "tls: {{cert_file: {}, key_file: {}, client_ca_file: {}}}",
            own.cert.display(),
            own.key.display(),
            clients.file.display()
        );
        let file = |name: &str| folder.join(name).display().to_string();
        let text = format!(
            "receivers:\n  otlp/grpc: {{protocols: {{grpc: {{endpoint: '{grpc}', {tls}}}}}}}\n  otlp/http: {{protocols: {{http: {{endpoint: '{http}', {tls}}}}}}}\n\
             exporters:\n  file/grpc: {{path: {}, append: true, flush_interval: 50ms}}\n  file/http: {{path: {}, append: true, flush_interval: 50ms}}\n\
             service:\n  telemetry: {{metrics: {{level: none}}, logs: {{level: error}}}}\n  pipelines:\n\
             \x20   traces/grpc: {{receivers: [otlp/grpc], exporters: [file/grpc]}}\n    traces/http: {{receivers: [otlp/http], exporters: [file/http]}}\n",
            file("grpc.jsonl"),
            file("http.jsonl")
        );
        let config = folder.join("collector.yaml");
        fs::write(&config, text).expect("written");
        Self { config, grpc, http }
    }

    fn start(&self) -> Running {
        let child = Command::new("otelcol")
            .arg("--config")
            .arg(&self.config)
            .stdout(Stdio::null())
            .spawn()
            .expect("otelcol is installed: run tests/run");
        Running(child)
    }
}

fn start_baton(
    folder: &Path,
    to: &Collector,
    own: &Pair,
    authority: &Authority,
) -> (Running, Endpoints) {
    let exporter = |name: &str, protocol: &str, address: SocketAddr| {
        format!(
            "  otlp/{name}: {{endpoint: 'https://{address}', protocol: {protocol}, compression: gzip, tls: {{ca_file: {}, cert_file: {}, key_file: {}}},\n    \
             retry_on_failure: {{initial_interval: 10ms, max_interval: 100ms}}}}\n",
            authority.file.display(),
            own.cert.display(),
            own.key.display()
        )
    };
    let text = format!(
        "exporters:\n{}{}state: {{directory: state}}\n",
        exporter("grpc", "grpc", to.grpc),
        exporter("http", "http/protobuf", to.http)
    );
    let config = folder.join("baton.yaml");
    fs::write(&config, text).expect("written");
    let mut command = process::baton();
    process::spawn(process::run(&mut command).arg("--config").arg(&config))
}

/// Whether Baton acknowledged a request.
async fn acknowledged(http: SocketAddr, body: Bytes) -> bool {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let request = Request::post(format!("http://{http}/v1/traces"))
        .header("content-type", "application/x-protobuf")
        .body(Full::new(body))
        .expect("a request");
    let Ok(answer) = client.request(request).await else {
        return false;
    };
    let status = answer.status();
    answer.into_body().collect().await.is_ok() && status.is_success()
}

/// A request as protobuf, with the empty messages that the Collector writes where nothing was sent.
fn canonical(mut request: ExportTraceServiceRequest) -> Vec<u8> {
    for resource in &mut request.resource_spans {
        resource.resource.get_or_insert_default();
        for scope in &mut resource.scope_spans {
            scope.scope.get_or_insert_default();
            for span in &mut scope.spans {
                span.status.get_or_insert_default();
            }
        }
    }
    request.encode_to_vec()
}

/// The requests in a file of the Collector. The last line may be half written.
fn arrived(file: &Path) -> BTreeSet<Vec<u8>> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let requests = text.lines();
    let requests = requests.filter_map(|line| serde_json::from_str(line).ok());
    requests.map(canonical).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_gets_all_that_was_acknowledged_over_tls() {
    let folder = folder("collector");
    let authority = Authority::new(&folder, "own");
    let collector = Collector::new(
        &folder,
        &authority.issue_to(&folder, "collector", 2041),
        &authority,
    );
    let own = authority.issue_to(&folder, "baton", 2041);
    let mut next = collector.start();
    let (mut sent, mut kept) = (BTreeSet::new(), BTreeSet::new());
    let mut baton;
    for round in 0..ROUNDS {
        let (running, endpoints) = start_baton(&folder, &collector, &own, &authority);
        baton = running;
        for n in 0..REQUESTS {
            if n == REQUESTS / 2 && round % 2 == 0 {
                // Killed, it would lose what it has acknowledged and not written yet.
                next.stop("-TERM");
                next = collector.start();
            }
            let request = session(round * REQUESTS + n, now());
            let body = Bytes::from(request.encode_to_vec());
            let request = canonical(request);
            sent.insert(request.clone());
            if acknowledged(endpoints.http, body).await {
                kept.insert(request);
            }
        }
        baton.0.kill().expect("it runs");
        baton.0.wait().expect("it ended");
    }
    assert_eq!(kept.len() as u64, ROUNDS * REQUESTS);
    let (_baton, endpoints) = start_baton(&folder, &collector, &own, &authority);
    for file in ["grpc.jsonl", "http.jsonl"] {
        let file = folder.join(file);
        until("all that was acknowledged", || {
            let all = arrived(&file).is_superset(&kept);
            async move { all.then_some(()) }
        })
        .await;
        assert!(arrived(&file).is_subset(&sent), "nothing is invented");
    }
    let quarantined = process::gauge(endpoints.server, "baton_spool_quarantine_bytes").await;
    assert_eq!(
        quarantined, 0,
        "what a Collector accepts is not taken as rejected"
    );
}
