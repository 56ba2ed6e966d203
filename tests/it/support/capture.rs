//! Recordings: request bodies and the truth beside them.

use flate2::read::GzDecoder;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::logs::v1::{ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans};
use prost::Message;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// One folder of `tests/fixtures`.
pub struct Capture {
    /// `sdk/scenario`.
    pub name: String,
    folder: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Protobuf,
    Json,
}

/// One recorded export request.
#[derive(Clone)]
pub struct Request {
    pub encoding: Encoding,
    /// `traces` or `logs`.
    pub signal: &'static str,
    pub body: Vec<u8>,
}

/// All captures, by name.
pub fn all() -> Vec<Capture> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut found: Vec<Capture> = folders(&root)
        .iter()
        .flat_map(|sdk| folders(sdk))
        .filter(|folder| folder.join("meta.json").exists())
        .map(|folder| Capture {
            name: folder
                .strip_prefix(&root)
                .expect("inside the root")
                .display()
                .to_string(),
            folder,
        })
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(found.len() >= 14, "the recordings are there");
    found
}

fn folders(path: &Path) -> Vec<PathBuf> {
    fs::read_dir(path)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir())
        .collect()
}

impl Capture {
    /// What the script that made the recording knows.
    pub fn truth(&self) -> serde_json::Value {
        let text = fs::read_to_string(self.folder.join("meta.json")).expect("meta.json");
        let mut meta: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        meta["truth"].take()
    }

    /// The requests in their order. Logs are recorded as protobuf only; so are some traces, whose JSON is made from it.
    pub fn requests(&self, encoding: Encoding) -> Vec<Request> {
        let mut files: Vec<PathBuf> = fs::read_dir(&self.folder)
            .expect("a folder")
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.extension().is_some_and(|kind| kind == "pb"))
            .collect();
        files.sort();
        files.iter().map(|path| request(path, encoding)).collect()
    }
}

/// The request in a `.pb` file, in an encoding.
fn request(path: &Path, encoding: Encoding) -> Request {
    let name = path.file_name().and_then(|name| name.to_str());
    let recorded = |body| protobuf("traces", body);
    if name.is_some_and(|name| name.starts_with("logs-")) {
        return protobuf("logs", read(path));
    }
    if encoding == Encoding::Protobuf {
        return recorded(read(path));
    }
    let alike = ["json", "json.gz"].map(|kind| path.with_extension(kind));
    let body = match alike.iter().find(|path| path.exists()) {
        Some(path) => read(path),
        None => json(&read(path)),
    };
    Request {
        encoding,
        ..recorded(body)
    }
}

/// The same request as OTLP/JSON.
fn json(body: &[u8]) -> Vec<u8> {
    let request = ExportTraceServiceRequest::decode(body).expect("protobuf");
    serde_json::to_vec(&request).expect("JSON")
}

fn read(path: &Path) -> Vec<u8> {
    let bytes = fs::read(path).expect("a file");
    if path.extension().is_some_and(|e| e == "gz") {
        let mut plain = Vec::new();
        GzDecoder::new(bytes.as_slice())
            .read_to_end(&mut plain)
            .expect("gzip");
        return plain;
    }
    bytes
}

/// The same spans and log records, each in a request of its own.
pub fn one_span_a_request(requests: &[Request]) -> Vec<Request> {
    requests
        .iter()
        .flat_map(|request| match request.signal {
            "logs" => split_logs(&request.body),
            _ => split_traces(&request.body),
        })
        .collect()
}

fn split_traces(body: &[u8]) -> Vec<Request> {
    let request = ExportTraceServiceRequest::decode(body).expect("protobuf");
    let mut single = Vec::new();
    for resource in &request.resource_spans {
        for scope in &resource.scope_spans {
            single.extend(scope.spans.iter().map(|span| {
                let scope_spans = vec![ScopeSpans {
                    spans: vec![span.clone()],
                    ..scope.clone()
                }];
                let request = ExportTraceServiceRequest {
                    resource_spans: vec![ResourceSpans {
                        scope_spans,
                        ..resource.clone()
                    }],
                };
                protobuf("traces", request.encode_to_vec())
            }));
        }
    }
    single
}

fn split_logs(body: &[u8]) -> Vec<Request> {
    let request = ExportLogsServiceRequest::decode(body).expect("protobuf");
    let mut single = Vec::new();
    for resource in &request.resource_logs {
        for scope in &resource.scope_logs {
            single.extend(scope.log_records.iter().map(|record| {
                let scope_logs = vec![ScopeLogs {
                    log_records: vec![record.clone()],
                    ..scope.clone()
                }];
                let request = ExportLogsServiceRequest {
                    resource_logs: vec![ResourceLogs {
                        scope_logs,
                        ..resource.clone()
                    }],
                };
                protobuf("logs", request.encode_to_vec())
            }));
        }
    }
    single
}

fn protobuf(signal: &'static str, body: Vec<u8>) -> Request {
    Request {
        encoding: Encoding::Protobuf,
        signal,
        body,
    }
}

/// A Fisher-Yates shuffle; the seed names the order.
pub fn shuffled(mut requests: Vec<Request>, seed: u64) -> Vec<Request> {
    let mut state = seed;
    for i in (1..requests.len()).rev() {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        requests.swap(i, (state >> 33) as usize % (i + 1));
    }
    requests
}
