//! Both doors with everything they need, and senders of all manners.

use baton::auth::AccessControl;
use baton::clock::Clock;
use baton::export::scrape::{ScrapeFormat, text};
use baton::ingest::{
    ExportRequest, Ingest, IngestError, OutcomeRequest, ReportFuture, SubmitFuture,
};
use baton::model::limit::Limit;
use baton::net::{self, Protocol, Reporter, open_files};
use baton::otlp::Limits;
use baton::otlp::view::ScopeBatch;
use baton::receive::{
    Admission, AdmissionLimits, Grpc, GrpcSettings, Http, HttpSettings, Listeners, Metrics,
    Settings, TenantLimiter,
};
use baton::telemetry::Telemetry;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tonic::transport::Channel;

/// Takes everything and counts the spans, unless told to be full or to wait.
pub struct Taker {
    pub spans: AtomicUsize,
    pub starts: Mutex<Vec<u64>>,
    pub full: AtomicBool,
    /// Requests are taken while it is open.
    pub gate: watch::Sender<bool>,
    /// How many came so far.
    pub submitted: watch::Sender<usize>,
}

impl Default for Taker {
    fn default() -> Self {
        Self {
            spans: AtomicUsize::new(0),
            starts: Mutex::default(),
            full: AtomicBool::new(false),
            gate: watch::Sender::new(true),
            submitted: watch::Sender::new(0),
        }
    }
}

impl Taker {
    /// Ends when so many requests have come.
    pub async fn submitted(&self, count: usize) {
        let mut submitted = self.submitted.subscribe();
        submitted.wait_for(|n| *n >= count).await.expect("a sender");
    }
}

impl Ingest for Taker {
    fn submit_outcomes(&self, request: OutcomeRequest) -> ReportFuture {
        let taken = if request.body.is_empty() { 0 } else { 1 };
        Box::pin(std::future::ready(Ok(taken)))
    }

    fn submit(&self, request: ExportRequest) -> SubmitFuture {
        let mut starts = Vec::new();
        let mut sink = |group: &ScopeBatch<'_>| {
            starts.extend(group.spans.iter().map(|span| span.start.0));
        };
        let decoded = request.decode(&Limits::default(), &mut sink);
        let counts = match decoded {
            Ok(counts) => counts,
            Err(malformed) => return Box::pin(std::future::ready(Err(malformed.into()))),
        };
        self.submitted.send_modify(|n| *n += 1);
        if self.full.load(Ordering::SeqCst) {
            let full = IngestError::Full(Limit::Queue);
            return Box::pin(std::future::ready(Err(full)));
        }
        self.spans.fetch_add(starts.len(), Ordering::SeqCst);
        self.starts.lock().expect("a lock").extend(starts);
        let mut gate = self.gate.subscribe();
        Box::pin(async move {
            gate.wait_for(|open| *open).await.expect("a gate");
            Ok(counts)
        })
    }
}

/// What a test may set.
#[derive(Clone, Copy)]
pub struct Setup {
    pub admission: AdmissionLimits,
    pub connections: net::Settings,
}

impl Default for Setup {
    fn default() -> Self {
        let minute = Duration::from_secs(60);
        Self {
            admission: AdmissionLimits {
                max_requests: 100,
                max_bytes: 64 << 20,
                body_timeout: minute,
                body_idle_timeout: minute,
                queue_timeout: minute,
            },
            connections: net::Settings {
                header_timeout: minute,
                idle_timeout: minute,
                request_timeout: minute,
                ..net::Settings::default()
            },
        }
    }
}

/// Both doors, serving.
pub struct Doors {
    pub taker: Arc<Taker>,
    pub grpc: SocketAddr,
    pub http: SocketAddr,
    pub stop: watch::Sender<bool>,
    pub serving: Vec<JoinHandle<()>>,
    telemetry: Telemetry,
}

impl Doors {
    pub async fn open() -> Self {
        Self::with(Setup::default()).await
    }

    /// For so many requests at once, and so many bytes of them.
    pub async fn with_room(max_requests: usize, max_bytes: usize) -> Self {
        let mut setup = Setup::default();
        setup.admission.max_requests = max_requests;
        setup.admission.max_bytes = max_bytes;
        setup.admission.queue_timeout = Duration::from_millis(20);
        Self::with(setup).await
    }

    pub async fn with(setup: Setup) -> Self {
        open_files::raise();
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        let telemetry = Telemetry::new(Clock::system().now());
        let reporter = Reporter::new(Clock::system());
        let server = |name, protocol| {
            let reporter = reporter.clone();
            telemetry
                .register(|| net::Server::new(name, protocol, setup.connections, (None, reporter)))
        };
        let listeners = Listeners {
            takes_metrics: false,
            tenant_limiter: Arc::new(TenantLimiter::new(None, None, Clock::system())),
            grpc_access: AccessControl::default(),
            http_access: AccessControl::default(),
            settings: Settings {
                grpc: GrpcSettings {
                    endpoint: free,
                    ..GrpcSettings::default()
                },
                http: HttpSettings {
                    endpoint: free,
                    ..HttpSettings::default()
                },
                max_request_bytes: 8 << 20,
                max_decompressed_bytes: 8 << 20,
                retry_after: Duration::from_secs(7),
                ..Settings::default()
            },
            admission: Arc::new(telemetry.register(|| Admission::new(setup.admission))),
            grpc_server: server("grpc", Protocol::Http2),
            http_server: server("http", Protocol::Http),
        };
        let taker = Arc::new(Taker::default());
        let metrics = Arc::new(telemetry.register(Metrics::new));
        let ingest = || Arc::<Taker>::clone(&taker);
        let grpc = Grpc::bind(&listeners, ingest(), Arc::clone(&metrics)).expect("bound");
        let http = Http::bind(&listeners, ingest(), metrics).expect("bound");
        let stop = watch::Sender::new(false);
        Self {
            grpc: grpc.address(),
            http: http.address().expect("an address"),
            taker: Arc::clone(&taker),
            serving: vec![
                tokio::spawn(grpc.serve(asked(&stop))),
                tokio::spawn(http.serve(asked(&stop))),
            ],
            stop,
            telemetry,
        }
    }

    /// The value of a series of Baton's own metrics.
    pub fn metric(&self, series: &str) -> f64 {
        let text = text::write(&self.telemetry.families(), ScrapeFormat::Text);
        let line = text.lines().find_map(|line| line.strip_prefix(series));
        let value = line.unwrap_or_else(|| panic!("{series} is not in\n{text}"));
        value.trim().parse().expect("a number")
    }

    /// Ends when a series has a value.
    pub async fn metric_is(&self, series: &str, value: f64) {
        until(|| self.metric(series) == value).await;
    }

    pub async fn channel(&self) -> Channel {
        let address = Channel::from_shared(format!("http://{}", self.grpc)).expect("an address");
        address.connect().await.expect("it listens")
    }

    /// Exports one span over gRPC.
    pub async fn export(&self) -> Result<(), tonic::Status> {
        export_on(self.channel().await).await
    }

    pub async fn post(
        &self,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> (u16, Option<String>, Bytes) {
        self.post_to("/v1/traces", headers, body).await
    }

    /// The same at another path.
    pub async fn post_to(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> (u16, Option<String>, Bytes) {
        let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
        let mut request = http::Request::post(format!("http://{}{path}", self.http));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::from(body)).expect("a request");
        let response = client.request(request).await.expect("an answer");
        let status = response.status().as_u16();
        let retry = response.headers().get("retry-after");
        let retry = retry.map(|v| v.to_str().expect("text").to_owned());
        let body = response.into_body().collect().await.expect("a body");
        (status, retry, body.to_bytes())
    }

    /// Posts protobuf and checks the status, then that the door lives.
    pub async fn expect(&self, headers: &[(&str, &str)], body: Vec<u8>, status: u16) -> Bytes {
        let (got, _, answer) = self.post(headers, body).await;
        assert_eq!(got, status, "{}", String::from_utf8_lossy(&answer));
        let before = self.taker.spans.load(Ordering::SeqCst);
        let (got, _, _) = self.post(&PROTOBUF, request(vec![span(1)])).await;
        assert_eq!(got, 200, "the door lives");
        assert_eq!(self.taker.spans.load(Ordering::SeqCst), before + 1);
        answer
    }

    /// The partial success of a request in protobuf.
    pub async fn rejected(&self, body: Vec<u8>) -> (i64, String) {
        let answer = self.expect(&PROTOBUF, body, 200).await;
        let answer = ExportTraceServiceResponse::decode(answer).expect("protobuf");
        let partial = answer.partial_success.unwrap_or_default();
        (partial.rejected_spans, partial.error_message)
    }
}

pub const PROTOBUF: [(&str, &str); 1] = [("content-type", "application/x-protobuf")];
pub const JSON: [(&str, &str); 1] = [("content-type", "application/json; charset=utf-8")];

pub fn span(id: u8) -> Span {
    Span {
        trace_id: vec![7; 16],
        span_id: vec![id; 8],
        name: "a span".into(),
        start_time_unix_nano: 1_000,
        end_time_unix_nano: 2_000,
        ..Span::default()
    }
}

pub fn request(spans: Vec<Span>) -> Vec<u8> {
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            scope_spans: vec![ScopeSpans {
                spans,
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    }
    .encode_to_vec()
}

/// Ends when the sender says so.
pub fn asked(stop: &watch::Sender<bool>) -> impl Future<Output = ()> + Send + 'static {
    let mut stop = stop.subscribe();
    async move {
        let _ = stop.wait_for(|stopping| *stopping).await;
    }
}

/// Ends when something that cannot be waited for is so.
pub async fn until(mut done: impl FnMut() -> bool) {
    while !done() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Exports one span on a channel.
pub async fn export_on(channel: Channel) -> Result<(), tonic::Status> {
    let request = request(vec![span(1)]);
    let request = ExportTraceServiceRequest::decode(request.as_slice()).expect("protobuf");
    TraceServiceClient::new(channel).export(request).await?;
    Ok(())
}

/// A connection of HTTP/1 in the hands of a test.
pub struct Raw(TcpStream);

impl Raw {
    pub async fn connect(address: SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.expect("it listens"))
    }

    pub async fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.expect("sent");
    }

    /// Sends one part after the other. Whether the connection was closed before all of them were sent.
    pub async fn trickle(
        mut self,
        parts: impl IntoIterator<Item = Vec<u8>>,
        pause: Duration,
    ) -> bool {
        for part in parts {
            if self.0.write_all(&part).await.is_err() {
                return true;
            }
            tokio::time::sleep(pause).await;
        }
        false
    }

    /// The head of an export of so many bytes, and the first ones of them.
    pub async fn upload(&mut self, length: usize, first: &[u8]) {
        let head = format!(
            "POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\ncontent-length: {length}\r\n\r\n"
        );
        self.send(head.as_bytes()).await;
        self.send(first).await;
    }

    /// A whole export, answered and kept alive.
    pub async fn export(&mut self) {
        let body = request(vec![span(1)]);
        self.upload(body.len(), &body).await;
        let answer = self.answer().await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    /// The head of an answer; empty if the connection was closed instead.
    pub async fn answer(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match self.0.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(_) => break,
            }
        }
        String::from_utf8(head).expect("text")
    }

    /// Ends when Baton closes the connection.
    pub async fn closed(mut self) {
        let mut rest = Vec::new();
        // An end and a reset are both one.
        let _ = self.0.read_to_end(&mut rest).await;
    }
}

/// A connection of HTTP/2 in the hands of a test.
pub struct Calls {
    sender: h2::client::SendRequest<Bytes>,
    pub connection: JoinHandle<Result<(), h2::Error>>,
}

/// A call whose message does not end.
pub struct Call {
    answer: h2::client::ResponseFuture,
    upload: h2::SendStream<Bytes>,
}

impl Calls {
    pub async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("it listens");
        let (sender, connection) = h2::client::handshake(stream).await.expect("HTTP/2");
        Self {
            sender,
            connection: tokio::spawn(connection),
        }
    }

    /// Begins an export of a message of so many bytes, and sends the first ones of them.
    pub async fn upload(&self, encoding: Option<&str>, length: u32, first: &[u8]) -> Call {
        let mut request = http::Request::post(
            "http://x/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        )
        .header("content-type", "application/grpc")
        .header("te", "trailers");
        if let Some(encoding) = encoding {
            request = request.header("grpc-encoding", encoding);
        }
        let request = request.body(()).expect("a request");
        let mut sender = self.sender.clone().ready().await.expect("it is open");
        let (answer, mut upload) = sender.send_request(request, false).expect("sent");
        let mut frame = vec![u8::from(encoding.is_some())];
        frame.extend(length.to_be_bytes());
        frame.extend(first);
        upload.send_data(frame.into(), false).expect("sent");
        Call { answer, upload }
    }
}

impl Call {
    /// Ends the message.
    pub fn end(mut self) -> Self {
        self.upload.send_data(Bytes::new(), true).expect("sent");
        self
    }

    /// The status of an answer without a message.
    pub async fn status(self) -> tonic::Code {
        let answer = self.answer.await.expect("an answer");
        let status = answer.headers().get("grpc-status").expect("a status");
        tonic::Code::from_bytes(status.as_bytes())
    }
}
