//! The real process as tests see it: started with a directory of its own, fed with sessions of known figures, and looked at.

use crate::support::http::get;
use baton::app::App;
use baton::clock::Clock;
use baton::config::Config;
use baton::log::LogKind;
use baton::model::metric::{Family, Point};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A folder that goes with the test.
pub fn folder(name: &str) -> PathBuf {
    let name = format!("{name}-{}", std::process::id());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// A child that does not outlive the test.
pub struct Running(pub Child);

impl Running {
    /// Sends it a signal, such as `-TERM`.
    pub fn signal(&self, signal: &str) {
        let pid = self.0.id().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status();
        assert!(sent.expect("kill").success());
    }

    /// Ends it by a signal.
    pub fn stop(mut self, signal: &str) {
        self.signal(signal);
        self.0.wait().expect("it ends");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Addresses that were free a moment ago: for a process that cannot tell which one it chose, or is started again at the same one.
pub fn free_addresses<const N: usize>() -> [SocketAddr; N] {
    let listeners = [(); N].map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port"));
    listeners.map(|listener| listener.local_addr().expect("its address"))
}

/// Where a process listens.
pub struct Endpoints {
    pub grpc: SocketAddr,
    pub http: SocketAddr,
    pub server: SocketAddr,
}

pub fn start(state: &Path) -> (Running, SocketAddr) {
    let (running, grpc, _) = start_with(state, &[]);
    (running, grpc)
}

/// The process with the addresses of gRPC and of the probes.
pub fn start_with(state: &Path, more: &[&str]) -> (Running, SocketAddr, SocketAddr) {
    let (running, endpoints) = spawn(listening(&mut baton(), state, more));
    (running, endpoints.grpc, endpoints.server)
}

/// The command that is tested.
pub fn baton() -> Command {
    Command::new(env!("CARGO_BIN_EXE_baton"))
}

/// Makes a command one that runs Baton on any free ports, which its log tells. Options name other ones.
pub fn run(command: &mut Command) -> &mut Command {
    for endpoint in ["GRPC", "HTTP", "SERVER"] {
        command.env(format!("BATON_{endpoint}_ENDPOINT"), "127.0.0.1:0");
    }
    command
        .args(["run", "--log-format", "json"])
        .stderr(Stdio::piped())
}

pub fn listening<'a>(command: &'a mut Command, state: &Path, more: &[&str]) -> &'a mut Command {
    run(command).arg("--state-directory").arg(state).args(more)
}

/// Starts a command made by [`run`] and waits until it listens. Nobody reads its log from then on: Baton must live with that.
pub fn spawn(command: &mut Command) -> (Running, Endpoints) {
    let running = Running(command.spawn().expect("baton starts"));
    let (running, endpoints, log) = addresses(running);
    drop(log);
    (running, endpoints)
}

pub type Lines = std::io::Lines<BufReader<std::process::ChildStderr>>;

/// Reads a log until all endpoints are in it.
pub fn addresses(mut running: Running) -> (Running, Endpoints, Lines) {
    let mut log = BufReader::new(running.0.stderr.take().expect("its log")).lines();
    let mut next = |endpoint: &str| {
        let found = log.find_map(|line| {
            let line = line.expect("text");
            let line: serde_json::Value = serde_json::from_str(&line).expect("the log is JSON");
            (line["endpoint"] == endpoint).then(|| line["address"].as_str().map(str::to_owned))?
        });
        let found = found.expect("it listens");
        found.parse().expect("an address")
    };
    let endpoints = Endpoints {
        grpc: next("grpc"),
        http: next("http"),
        server: next("server"),
    };
    (running, endpoints, log)
}

pub async fn client(address: SocketAddr) -> TraceServiceClient<tonic::transport::Channel> {
    let client = TraceServiceClient::connect(format!("http://{address}")).await;
    client.expect("it listens")
}

pub fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, Value::StringValue(value.to_owned()))
}

pub fn number(key: &str, value: i64) -> KeyValue {
    attribute(key, Value::IntValue(value))
}

pub fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

/// One session of one turn: a triage agent that hands over to one for refunds. Two calls, `n` + 1 and `n` + 2 input tokens.
pub fn session(n: u64, now: u64) -> ExportTraceServiceRequest {
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

pub fn total(families: &[Family], name: &str, label: &str) -> f64 {
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

pub fn now() -> u64 {
    Clock::system().now().0
}

/// The figures an hour later, as the next process has them.
pub async fn at_the_end(state: &Path) -> Vec<Family> {
    let free = SocketAddr::from(([127, 0, 0, 1], 0));
    let mut config = Config::default();
    config.receivers.otlp.grpc.endpoint = free;
    config.receivers.otlp.http.endpoint = free;
    config.server.endpoint = free;
    config.state.log = LogKind::Disk;
    config.state.directory = Some(state.to_owned());
    // What an older process counted long ago still shows.
    config.metrics.expire_after = Duration::MAX;
    let nanos = Arc::new(AtomicU64::new(now()));
    let app = App::start(&config, Clock::manual(Arc::clone(&nanos))).await;
    let app = app.expect("it starts");
    nanos.fetch_add(3600 * 1_000_000_000, Ordering::AcqRel);
    app.settle().await;
    let families = app.engine().gather();
    assert!(app.stop().await);
    families
}

/// A gauge of Baton's own, as it shows it now.
pub async fn gauge(server: SocketAddr, name: &str) -> u64 {
    let answer = get(server, "/metrics").await;
    let line = answer
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.expect("it is shown").parse::<f64>().expect("a number") as u64
}
