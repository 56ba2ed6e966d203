//! Forwarding: what Baton has acknowledged arrives at every destination, byte for byte, whatever becomes of destinations and of Baton.
//!
//! `ROUNDS=50` kills the process that often.

mod damage;
mod operator;
mod outage;
mod poison;
pub mod relay;
pub mod server;
mod verdicts;

use crate::support::capture::{self, Encoding};
use crate::support::process::{now, session};
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use prost::Message;
use relay::{SOON, export, post, start, wait_for};
use server::{OtlpServer, Reply};

pub const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";
const LOGS: &str = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"7","body":{"stringValue":"hello"}}]}],"newField":1}]}"#;

/// A request of traces, with a field that OTLP does not have.
pub fn traces(n: u64) -> Bytes {
    let mut body = session(n, now()).encode_to_vec();
    // Field 1000, seven bytes.
    body.extend_from_slice(b"\xc2\x3e\x07strange");
    body.into()
}

fn sorted(mut bodies: Vec<Bytes>) -> Vec<Bytes> {
    bodies.sort_unstable();
    bodies
}

#[tokio::test(flavor = "multi_thread")]
async fn every_destination_gets_every_byte_of_every_signal() {
    let (over_grpc, over_http) = (OtlpServer::start().await, OtlpServer::start().await);
    let app = start(&format!(
        "exporters:\n  otlp/grpc: {{endpoint: '{}', compression: gzip, headers: {{x-key: k1}}}}\n  \
         otlp/http: {{endpoint: '{}/prefix/', protocol: http/protobuf, compression: gzip, headers: {{x-key: k2}}}}\n",
        over_grpc.url(),
        over_http.url()
    ))
    .await;
    let metrics = Bytes::from_static(b"no metrics, and not read: \x00\xff");
    let (one, two) = (traces(1), traces(2));
    assert_eq!(post(&app, "/v1/traces", PROTOBUF, one.clone()).await, 200);
    assert_eq!(export(&app, "trace.v1.TraceService", &two).await, "0");
    assert_eq!(
        post(&app, "/v1/metrics", PROTOBUF, metrics.clone()).await,
        200
    );
    assert_eq!(
        export(&app, "metrics.v1.MetricsService", &metrics).await,
        "0"
    );
    assert_eq!(post(&app, "/v1/logs", JSON, LOGS.into()).await, 200);
    over_http.wait(5).await;
    over_grpc.wait(5).await;
    let sent = vec![one, two, metrics.clone(), metrics, LOGS.into()];
    assert_eq!(over_http.bodies(), sorted(sent.clone()));
    for request in over_http.arrived() {
        let media = &request.headers["content-type"];
        let is_json = request.body == LOGS;
        assert_eq!(media, if is_json { JSON } else { PROTOBUF });
        assert_eq!(request.headers["x-key"], "k2");
        assert!(request.path.starts_with("/prefix/v1/"), "{}", request.path);
    }
    // gRPC knows no JSON.
    let as_protobuf = |body: &Bytes| {
        let request: ExportLogsServiceRequest = serde_json::from_slice(body).expect("JSON");
        Bytes::from(request.encode_to_vec())
    };
    let mut converted = sent;
    let last = converted.pop().expect("the logs");
    converted.push(as_protobuf(&last));
    assert_eq!(over_grpc.bodies(), sorted(converted));
    for request in over_grpc.arrived() {
        assert_eq!(request.headers["x-key"], "k1");
        assert_eq!(request.headers["grpc-encoding"], "gzip");
    }
    wait_for(&app, "baton_exporter_sent_requests_total", "otlp/grpc", 5.0).await;
    wait_for(&app, "baton_spool_requests", "", 0.0).await;
    assert!(app.stop().await);
}

/// What real SDKs send, through both protocols.
#[tokio::test(flavor = "multi_thread")]
async fn recordings_of_sdks_arrive_as_they_were_sent() {
    let server = OtlpServer::start().await;
    let text = format!("exporters: {{otlp: {{endpoint: '{}'}}}}", server.url());
    let app = start(&text).await;
    let mut sent = Vec::new();
    for capture in capture::all().iter().step_by(7) {
        for request in capture.requests(Encoding::Protobuf) {
            let body = Bytes::from(request.body);
            let path = format!("/v1/{}", request.signal);
            assert_eq!(post(&app, &path, PROTOBUF, body.clone()).await, 200);
            sent.push(body);
        }
    }
    server.wait(sent.len()).await;
    assert_eq!(server.bodies(), sorted(sent));
    assert!(app.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_gets_the_signals_that_it_takes() {
    let (logs, others) = (OtlpServer::start().await, OtlpServer::start().await);
    let app = start(&format!(
        "exporters:\n  otlp/logs: {{endpoint: '{}', send: [logs]}}\n  otlp/others: {{endpoint: '{}', protocol: http/protobuf, send: [traces]}}\n",
        logs.url(),
        others.url()
    ))
    .await;
    assert_eq!(post(&app, "/v1/traces", PROTOBUF, traces(1)).await, 200);
    assert_eq!(post(&app, "/v1/logs", JSON, LOGS.into()).await, 200);
    logs.wait(1).await;
    others.wait(1).await;
    // Nobody takes metrics: the answer is that of a Baton that does not forward.
    let none = Bytes::new();
    assert_eq!(post(&app, "/v1/metrics", PROTOBUF, none.clone()).await, 404);
    assert_eq!(export(&app, "metrics.v1.MetricsService", &none).await, "12");
    wait_for(&app, "baton_spool_requests", "", 0.0).await;
    assert!(app.stop().await);
    assert_eq!(
        logs.arrived()[0].path,
        "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
    );
    assert_eq!((logs.arrived().len(), others.arrived().len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_baton_refuses_is_not_forwarded() {
    let server = OtlpServer::start().await;
    let text = format!(
        "exporters: {{otlp: {{endpoint: '{}'}}}}\nengine: {{queue_events: 4}}",
        server.url()
    );
    let app = start(&text).await;
    let malformed = Bytes::from_static(b"hello");
    assert_eq!(post(&app, "/v1/traces", PROTOBUF, malformed).await, 400);
    // It has five spans.
    assert_eq!(post(&app, "/v1/traces", PROTOBUF, traces(1)).await, 413);
    assert_eq!(post(&app, "/v1/logs", JSON, LOGS.into()).await, 200);
    server.wait(1).await;
    assert!(app.stop().await);
    assert_eq!(server.arrived().len(), 1);
}

/// Each kind of answer that the OTLP specification calls retryable, and those of connections that break.
#[tokio::test(flavor = "multi_thread")]
async fn what_may_succeed_later_is_sent_until_it_does() {
    let grpc = |code| {
        move |n: usize| {
            if n < 100 {
                Reply::Grpc(code)
            } else {
                Reply::Ok
            }
        }
    };
    let retryable = [1, 4, 8, 10, 11, 14, 15];
    for code in retryable {
        let script = grpc(code);
        let server = OtlpServer::scripted(move |n, _| script(n)).await;
        let text = format!(
            "exporters: {{otlp: {{endpoint: '{}', {SOON}}}}}",
            server.url()
        );
        let app = start(&text).await;
        assert_eq!(post(&app, "/v1/traces", PROTOBUF, traces(1)).await, 200);
        server.wait(101).await;
        wait_for(&app, "baton_exporter_sent_requests_total", "", 1.0).await;
        wait_for(&app, "baton_exporter_failed_requests_total", "", 100.0).await;
        assert!(app.stop().await);
    }
    let http = |n: usize| match n {
        0 => Reply::Http(429, None),
        1 => Reply::Http(502, None),
        2 => Reply::Http(503, Some(0)),
        3 => Reply::Http(504, None),
        _ => Reply::Ok,
    };
    let server = OtlpServer::scripted(move |n, _| http(n)).await;
    let app = start(&format!(
        "exporters: {{otlp: {{endpoint: '{}', protocol: http/protobuf, {SOON}}}}}",
        server.url()
    ))
    .await;
    assert_eq!(post(&app, "/v1/traces", PROTOBUF, traces(1)).await, 200);
    server.wait(5).await;
    wait_for(
        &app,
        "baton_exporter_failed_requests_total",
        "throttled",
        1.0,
    )
    .await;
    wait_for(
        &app,
        "baton_exporter_failed_requests_total",
        "unavailable",
        3.0,
    )
    .await;
    assert!(app.stop().await);
}

/// What answers may be no server of gRPC, or go away within its answer.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_without_a_status_of_grpc_is_judged_by_what_it_is() {
    let script = |n: usize, _: &server::Arrived| match n {
        0 => Reply::Half,
        1 => Reply::Http(503, None),
        2 => Reply::Page,
        _ => Reply::Ok,
    };
    let server = OtlpServer::scripted(script).await;
    let text = format!(
        "exporters: {{otlp: {{endpoint: '{}', {SOON}}}}}",
        server.url()
    );
    let app = start(&text).await;
    assert_eq!(post(&app, "/v1/traces", PROTOBUF, traces(1)).await, 200);
    server.wait(3).await;
    let failed = "baton_exporter_failed_requests_total";
    for reason in ["connection", "unavailable", "rejected"] {
        wait_for(&app, failed, &format!("\"{reason}\""), 1.0).await;
    }
    wait_for(&app, "baton_exporter_sent_requests_total", "", 0.0).await;
    assert!(app.stop().await);
}

/// HTTP says first whether a request is accepted, and gRPC says it last. What would have said how much was rejected is lost, and told.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_breaks_off_or_stalls_is_as_good_as_its_status() {
    for (protocol, resent) in [("http/protobuf", 0), ("grpc", 2)] {
        let script = |n: usize, _: &server::Arrived| match n {
            0 => Reply::Half,
            1 => Reply::Stalled,
            _ => Reply::Ok,
        };
        let server = OtlpServer::scripted(script).await;
        let app = start(&format!(
            "exporters: {{otlp: {{endpoint: '{}', protocol: {protocol}, timeout: 2s, {SOON}}}}}",
            server.url()
        ))
        .await;
        for n in 0..2 {
            assert_eq!(post(&app, "/v1/traces", PROTOBUF, traces(n)).await, 200);
            server.wait(n as usize + 1).await;
        }
        wait_for(&app, "baton_exporter_sent_requests_total", "", 2.0).await;
        let failed = "baton_exporter_failed_requests_total";
        for reason in ["connection", "timeout"] {
            let failures = f64::from(resent) / 2.0;
            wait_for(&app, failed, &format!("\"{reason}\""), failures).await;
        }
        wait_for(&app, "baton_spool_requests", "", 0.0).await;
        assert_eq!(server.arrived().len(), 2 + resent as usize, "{protocol}");
        assert!(app.stop().await);
    }
}

/// A long explanation hides neither the status behind it nor what was rejected, and a page is no receiver.
#[tokio::test(flavor = "multi_thread")]
async fn long_answers_and_pages_are_read_for_what_they_are() {
    for protocol in ["grpc", "http/protobuf"] {
        let script = |n: usize, _: &server::Arrived| match n {
            0 => Reply::Long(3, 200 << 10),
            1 => Reply::Long(3, 3 << 20),
            2 => Reply::Page,
            _ => Reply::Ok,
        };
        let server = OtlpServer::scripted(script).await;
        let app = start(&format!(
            "exporters: {{otlp: {{endpoint: '{}', protocol: {protocol}, {SOON}}}}}",
            server.url()
        ))
        .await;
        for n in 0..4 {
            assert_eq!(post(&app, "/v1/traces", PROTOBUF, traces(n)).await, 200);
            server.wait(n as usize + 1).await;
        }
        wait_for(&app, "baton_exporter_sent_requests_total", "", 3.0).await;
        wait_for(&app, "baton_exporter_rejected_items_total", "", 3.0).await;
        let failed = "baton_exporter_failed_requests_total";
        wait_for(&app, failed, "\"rejected\"", 1.0).await;
        wait_for(&app, "baton_spool_requests", "", 0.0).await;
        assert_eq!(server.arrived().len(), 4, "each once");
        assert!(app.stop().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_destination_rejects_permanently_is_counted_and_the_rest_goes_on() {
    for (protocol, reply) in [
        ("grpc", Reply::Grpc(3)),
        ("http/protobuf", Reply::Http(400, None)),
    ] {
        let poison = traces(7);
        let bad = poison.clone();
        let script = move |_, request: &server::Arrived| match request.body == bad {
            true => reply.clone(),
            false => Reply::Partial(3),
        };
        let server = OtlpServer::scripted(script).await;
        let app = start(&format!(
            "exporters: {{otlp: {{endpoint: '{}', protocol: {protocol}, {SOON}}}}}",
            server.url()
        ))
        .await;
        for body in [traces(1), poison, traces(2)] {
            assert_eq!(post(&app, "/v1/traces", PROTOBUF, body).await, 200);
        }
        server.wait(3).await;
        wait_for(&app, "baton_exporter_sent_requests_total", "", 2.0).await;
        wait_for(&app, "baton_exporter_rejected_items_total", "", 6.0).await;
        wait_for(
            &app,
            "baton_exporter_dropped_requests_total",
            "\"rejected\"",
            1.0,
        )
        .await;
        assert!(app.stop().await);
        assert_eq!(server.arrived().len(), 3, "it is sent once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_retries_a_request_is_dropped_and_counted() {
    for retry in [
        "{enabled: false}",
        "{initial_interval: 5ms, max_interval: 5ms, max_elapsed_time: 1ms}",
    ] {
        let server = OtlpServer::scripted(|_, _| Reply::Grpc(14)).await;
        let app = start(&format!(
            "exporters: {{otlp: {{endpoint: '{}', retry_on_failure: {retry}}}}}",
            server.url()
        ))
        .await;
        assert_eq!(post(&app, "/v1/traces", PROTOBUF, traces(1)).await, 200);
        wait_for(
            &app,
            "baton_exporter_dropped_requests_total",
            "retry_limit",
            1.0,
        )
        .await;
        assert!(app.stop().await);
    }
}
