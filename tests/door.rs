//! Bad input at the real doors: each has its exact answer, and the door still takes a good request afterwards.

use baton::model::otlp::{Group, Take};
use baton::receive::{
    Budget, Grpc, Http, Intake, Limits, Metrics, Offer, Refusal, Settings, Taking,
};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;
use tonic::codec::CompressionEncoding;

/// Takes everything and counts the spans, unless told to be full.
#[derive(Default)]
struct Taker {
    spans: AtomicUsize,
    starts: Mutex<Vec<u64>>,
    full: AtomicBool,
}

struct Shared(Arc<Taker>);

impl Intake for Shared {
    fn open(&self) -> Box<dyn Offer + '_> {
        Box::new(Held {
            taker: &self.0,
            starts: Vec::new(),
        })
    }
}

/// The starts of the spans of one request.
struct Held<'t> {
    taker: &'t Taker,
    starts: Vec<u64>,
}

impl Take for Held<'_> {
    fn asks(&self, _: u32, _: &[u8]) -> bool {
        true
    }

    fn add(&mut self, group: &Group<'_>) {
        self.starts
            .extend(group.spans.iter().map(|span| span.start.0));
    }
}

impl Offer for Held<'_> {
    fn close(self: Box<Self>) -> Taking {
        if self.taker.full.load(Ordering::SeqCst) {
            return Box::pin(std::future::ready(Err(Refusal::Overloaded)));
        }
        self.taker
            .spans
            .fetch_add(self.starts.len(), Ordering::SeqCst);
        self.taker
            .starts
            .lock()
            .expect("a lock")
            .extend(self.starts);
        Box::pin(std::future::ready(Ok(())))
    }
}

/// Both doors, serving.
struct Doors {
    taker: Arc<Taker>,
    grpc: SocketAddr,
    http: SocketAddr,
    stop: watch::Sender<bool>,
}

impl Doors {
    async fn open() -> Self {
        Self::with_room(100, 64 << 20).await
    }

    /// For so many requests at once, and so many bytes of them.
    async fn with_room(places: usize, bytes: usize) -> Self {
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        let settings = Settings {
            grpc: free,
            http: free,
            limits: Limits {
                max_request_bytes: 8 << 20,
                max_decompressed_bytes: 8 << 20,
                ..Limits::default()
            },
            retry_after: Duration::from_secs(7),
            budget: Arc::new(Budget::new(places, bytes)),
        };
        let taker = Arc::new(Taker::default());
        let metrics = Arc::new(Metrics::new());
        let intake = || Arc::new(Shared(Arc::clone(&taker)));
        let grpc = Grpc::bind(&settings, intake(), Arc::clone(&metrics))
            .await
            .expect("bound");
        let http = Http::bind(&settings, intake(), metrics)
            .await
            .expect("bound");
        let (stop, _) = watch::channel(false);
        let asked = |stop: &watch::Sender<bool>| {
            let mut stop = stop.subscribe();
            async move {
                let _ = stop.wait_for(|s| *s).await;
            }
        };
        let doors = Self {
            grpc: grpc.address(),
            http: http.address().expect("an address"),
            taker: Arc::clone(&taker),
            stop,
        };
        tokio::spawn(grpc.serve(asked(&doors.stop)));
        tokio::spawn(http.serve(asked(&doors.stop)));
        doors
    }

    async fn post(&self, headers: &[(&str, &str)], body: Vec<u8>) -> (u16, Option<String>, Bytes) {
        let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
        let mut request = http::Request::post(format!("http://{}/v1/traces", self.http));
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
    async fn expect(&self, headers: &[(&str, &str)], body: Vec<u8>, status: u16) -> Bytes {
        let (got, _, answer) = self.post(headers, body).await;
        assert_eq!(got, status, "{}", String::from_utf8_lossy(&answer));
        let before = self.taker.spans.load(Ordering::SeqCst);
        let (got, _, _) = self.post(&PROTOBUF, request(vec![span(1)])).await;
        assert_eq!(got, 200, "the door lives");
        assert_eq!(self.taker.spans.load(Ordering::SeqCst), before + 1);
        answer
    }

    /// The partial success of a request in protobuf.
    async fn rejected(&self, body: Vec<u8>) -> (i64, String) {
        let answer = self.expect(&PROTOBUF, body, 200).await;
        let answer = ExportTraceServiceResponse::decode(answer).expect("protobuf");
        let partial = answer.partial_success.unwrap_or_default();
        (partial.rejected_spans, partial.error_message)
    }
}

const PROTOBUF: [(&str, &str); 1] = [("content-type", "application/x-protobuf")];
const JSON: [(&str, &str); 1] = [("content-type", "application/json; charset=utf-8")];

fn span(id: u8) -> Span {
    Span {
        trace_id: vec![7; 16],
        span_id: vec![id; 8],
        name: "a span".into(),
        start_time_unix_nano: 1_000,
        end_time_unix_nano: 2_000,
        ..Span::default()
    }
}

fn request(spans: Vec<Span>) -> Vec<u8> {
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

fn attribute(value: Value) -> KeyValue {
    KeyValue {
        key: "k".into(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

fn message(counts: &str) -> String {
    format!("rejected: {counts}; the sender is at fault, do not retry them")
}

#[tokio::test]
async fn a_bad_span_is_rejected_alone_with_its_reason() {
    let doors = Doors::open().await;
    let no_ids = Span {
        trace_id: vec![],
        ..span(2)
    };
    let zero_id = Span {
        span_id: vec![0; 8],
        ..span(2)
    };
    let backwards = Span {
        end_time_unix_nano: 1,
        ..span(2)
    };
    let unstarted = Span {
        start_time_unix_nano: 0,
        ..span(2)
    };
    let many = Span {
        attributes: vec![attribute(Value::IntValue(1)); 10_000],
        ..span(2)
    };
    let mut deep = Value::BoolValue(true);
    for _ in 0..60 {
        let values = vec![AnyValue { value: Some(deep) }];
        deep = Value::ArrayValue(ArrayValue { values });
    }
    let nested = Span {
        attributes: vec![attribute(deep)],
        ..span(2)
    };
    for (bad, reason) in [
        (no_ids, "invalid_id"),
        (zero_id, "invalid_id"),
        (backwards, "invalid_time"),
        (unstarted, "invalid_time"),
        (many, "too_large"),
        (nested, "too_deep"),
    ] {
        let answer = doors.rejected(request(vec![span(1), bad, span(3)])).await;
        assert_eq!(answer, (1, message(&format!("1 {reason}"))));
    }
}

#[tokio::test]
async fn a_string_that_is_not_utf8_poisons_its_span_only() {
    let doors = Doors::open().await;
    let mut body = request(vec![
        span(1),
        Span {
            name: "poison".into(),
            ..span(2)
        },
        span(3),
    ]);
    let at = body
        .windows(6)
        .position(|w| w == b"poison")
        .expect("the name");
    body[at] = 0xff;
    assert_eq!(doors.rejected(body).await, (1, message("1 invalid_utf8")));
    assert_eq!(doors.taker.spans.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn odd_but_honest_spans_are_taken() {
    let doors = Doors::open().await;
    let large = attribute(Value::StringValue("x".repeat(5 << 20)));
    let year_2262 = 9_223_372_036_854_775_807;
    let spans = vec![
        Span {
            attributes: vec![large],
            ..span(1)
        },
        Span {
            start_time_unix_nano: 1,
            end_time_unix_nano: 1,
            ..span(2)
        },
        Span {
            start_time_unix_nano: year_2262,
            end_time_unix_nano: year_2262 + 10,
            ..span(3)
        },
    ];
    assert_eq!(doors.rejected(request(spans)).await, (0, String::new()));
    let starts = doors.taker.starts.lock().expect("a lock").clone();
    assert_eq!(starts[1..3], [1, year_2262]);
}

#[tokio::test]
async fn requests_that_are_no_otlp_are_refused_for_good() {
    let doors = Doors::open().await;
    let whole = request(vec![span(1)]);
    let truncated = whole[..whole.len() - 3].to_vec();
    let gzip = [PROTOBUF[0], ("content-encoding", "gzip")];
    let brotli = [PROTOBUF[0], ("content-encoding", "br")];
    let text = [("content-type", "text/plain")];
    for (headers, body, status) in [
        (&PROTOBUF[..], truncated, 400),
        (&PROTOBUF[..], b"\xff\xff\xff".to_vec(), 400),
        (&text[..], whole.clone(), 415),
        (&[][..], whole.clone(), 415),
        (&brotli[..], whole.clone(), 415),
        (&gzip[..], whole.clone(), 400),
        (&JSON[..], b"{\"resourceSpans\": 3}".to_vec(), 400),
        (&JSON[..], b"[".repeat(100_000), 400),
        (&JSON[..], Vec::new(), 400),
        (&PROTOBUF[..], vec![0; 9 << 20], 413),
        (&PROTOBUF[..], Vec::new(), 200),
    ] {
        doors.expect(headers, body, status).await;
    }
}

#[tokio::test]
async fn json_ids_as_numbers_and_other_faults_of_json_spans() {
    let doors = Doors::open().await;
    let span = |id: &str, start: &str| {
        format!(
            r#"{{"traceId":"{0}{0}","spanId":{id},"name":"x","startTimeUnixNano":{start},"endTimeUnixNano":"9"}}"#,
            "0a0b0c0d0e0f0a0b"
        )
    };
    let spans = [
        span("\"0102030405060708\"", "\"5\""),
        span("\"0102030405060709\"", "6"),
        span("72623859790382856", "\"5\""),
        span("\"xyz\"", "\"5\""),
        span("\"010203040506070a\"", "\"soon\""),
        "7".to_owned(),
    ];
    let body = format!(
        r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{}]}}]}}]}}"#,
        spans.join(",")
    );
    let answer = doors.expect(&JSON, body.into_bytes(), 200).await;
    let answer: serde_json::Value = serde_json::from_slice(&answer).expect("JSON");
    let expected = serde_json::json!({"partialSuccess": {
        "rejectedSpans": "4",
        "errorMessage": message("1 malformed, 2 invalid_id, 1 invalid_time"),
    }});
    assert_eq!(answer, expected);
}

#[tokio::test]
async fn compressed_requests_are_taken_and_bombs_are_not() {
    let doors = Doors::open().await;
    let zstd = |bytes: &[u8]| zstd::encode_all(bytes, 1).expect("memory");
    let good = request(vec![span(1)]);
    let bomb = vec![0; 200 << 20];
    for (encoding, good, bomb) in [
        ("gzip", gzip(&good), gzip(&bomb)),
        ("zstd", zstd(&good), zstd(&bomb)),
    ] {
        let headers = [PROTOBUF[0], ("content-encoding", encoding)];
        assert!(bomb.len() < 4 << 20);
        doors.expect(&headers, good, 200).await;
        doors.expect(&headers, bomb, 413).await;
    }
}

#[tokio::test]
async fn an_overloaded_baton_asks_to_retry_and_loses_nothing_it_took() {
    let doors = Doors::open().await;
    doors.taker.full.store(true, Ordering::SeqCst);
    is_asked_to_retry(&doors).await;
    doors.taker.full.store(false, Ordering::SeqCst);
    doors.expect(&PROTOBUF, request(vec![span(1)]), 200).await;
}

#[tokio::test]
async fn more_requests_than_there_are_places_for_are_asked_to_retry() {
    let doors = Doors::with_room(0, 64 << 20).await;
    is_asked_to_retry(&doors).await;
    assert_eq!(doors.taker.spans.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn more_bytes_than_there_is_room_for_are_asked_to_retry() {
    let doors = Doors::with_room(100, request(vec![span(1)]).len() - 1).await;
    is_asked_to_retry(&doors).await;
    assert_eq!(doors.taker.spans.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_request_takes_room_as_it_is_after_decompression_and_gives_it_back() {
    let doors = Doors::with_room(100, 64 << 10).await;
    let long = |bytes: usize| {
        request(vec![Span {
            attributes: vec![attribute(Value::StringValue("a".repeat(bytes)))],
            ..span(1)
        }])
    };
    let headers = [PROTOBUF[0], ("content-encoding", "gzip")];
    let (status, retry, _) = doors.post(&headers, gzip(&long(64 << 10))).await;
    assert_eq!((status, retry.as_deref()), (503, Some("7")));
    // More than there is room for at once, one after the other.
    for _ in 0..4 {
        doors.expect(&headers, gzip(&long(32 << 10)), 200).await;
        doors.expect(&PROTOBUF, long(32 << 10), 200).await;
    }
}

async fn is_asked_to_retry(doors: &Doors) {
    let (status, retry, _) = doors.post(&PROTOBUF, request(vec![span(1)])).await;
    assert_eq!((status, retry.as_deref()), (503, Some("7")));
    let mut client = TraceServiceClient::connect(format!("http://{}", doors.grpc))
        .await
        .expect("it listens");
    let decoded =
        || ExportTraceServiceRequest::decode(request(vec![span(1)]).as_slice()).expect("protobuf");
    let refused = client.export(decoded()).await.expect_err("full");
    assert_eq!(refused.code(), tonic::Code::Unavailable);
    let details = String::from_utf8_lossy(refused.details()).into_owned();
    assert!(details.contains("google.rpc.RetryInfo"), "{details}");
}

#[tokio::test]
async fn grpc_rejects_alone_and_stops_bombs_too() {
    let doors = Doors::open().await;
    let channel = tonic::transport::Channel::from_shared(format!("http://{}", doors.grpc))
        .expect("an address");
    let channel = channel.connect().await.expect("it listens");
    let mut client =
        TraceServiceClient::new(channel.clone()).send_compressed(CompressionEncoding::Zstd);
    let bad = Span {
        trace_id: vec![1],
        ..span(2)
    };
    let mixed = ExportTraceServiceRequest::decode(request(vec![span(1), bad]).as_slice())
        .expect("protobuf");
    let partial = client
        .export(mixed)
        .await
        .expect("taken")
        .into_inner()
        .partial_success
        .expect("partial");
    assert_eq!(
        (partial.rejected_spans, partial.error_message),
        (1, message("1 invalid_id"))
    );
    let huge = attribute(Value::StringValue(" ".repeat(64 << 20)));
    let bomb = request(vec![Span {
        attributes: vec![huge],
        ..span(1)
    }]);
    let bomb = ExportTraceServiceRequest::decode(bomb.as_slice()).expect("protobuf");
    let refused = client.export(bomb).await.expect_err("too large");
    assert!(
        matches!(
            refused.code(),
            tonic::Code::OutOfRange | tonic::Code::ResourceExhausted
        ),
        "{refused:?}"
    );
    let good =
        ExportTraceServiceRequest::decode(request(vec![span(3)]).as_slice()).expect("protobuf");
    assert_eq!(
        client
            .export(good)
            .await
            .expect("taken")
            .into_inner()
            .partial_success,
        None
    );
    let mut health = tonic_health::pb::health_client::HealthClient::new(channel);
    let service = "opentelemetry.proto.collector.trace.v1.TraceService".to_owned();
    let answer = health
        .check(tonic_health::pb::HealthCheckRequest { service })
        .await
        .expect("health");
    assert_eq!(answer.into_inner().status, 1, "SERVING");
    doors.stop.send_replace(true);
}
