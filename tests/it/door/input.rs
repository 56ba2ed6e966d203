//! Bad input at the real doors: each has its exact answer, and the door still takes a good request afterwards.

use crate::door::doors::{Doors, JSON, PROTOBUF, request, span};
use flate2::Compression;
use flate2::write::GzEncoder;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use std::io::Write;
use std::sync::atomic::Ordering;
use tonic::codec::CompressionEncoding;

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
async fn another_path_is_answered_with_the_paths_there_are() {
    let doors = Doors::open().await;
    for path in ["/", "/v1/metrics", "/v1/traces/v1/traces"] {
        let (status, _, answer) = doors.post_to(path, &PROTOBUF, request(vec![span(1)])).await;
        let answer = String::from_utf8_lossy(&answer);
        assert_eq!(status, 404, "{path}");
        assert!(
            answer.contains("/v1/traces and /v1/logs"),
            "{path}: {answer}"
        );
    }
    assert_eq!(doors.taker.spans.load(Ordering::SeqCst), 0);
    let counted = "baton_receiver_failed_requests_total{listener=\"http\",reason=\"unknown_path\"}";
    assert_eq!(doors.metric(counted), 3.0);
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
