//! Stalled uploads cost nobody else their place, and a burst waits for its turn.

use crate::door::doors::{Calls, Doors, PROTOBUF, Raw, Setup, export_on, request, span, until};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

const SOON: Duration = Duration::from_millis(50);
const IN_FLIGHT: &str = "baton_receiver_bytes_in_flight";

fn failed(listener: &str, reason: &str) -> String {
    format!("baton_receiver_failed_requests_total{{listener=\"{listener}\",reason=\"{reason}\"}}")
}

#[tokio::test]
async fn uploads_that_stall_take_no_place() {
    let doors = Doors::with_room(4, 64 << 20).await;
    let calls = Calls::connect(doors.grpc).await;
    let (mut raws, mut stalled) = (Vec::new(), Vec::new());
    for _ in 0..150 {
        let mut raw = Raw::connect(doors.http).await;
        raw.upload(100, b"some").await;
        raws.push(raw);
        stalled.push(calls.upload(None, 100, b"some").await);
    }
    // All of them are there, each with its first bytes.
    let each = (1024 + 4) + (1024 + 5 + 4);
    doors.metric_is(IN_FLIGHT, f64::from(150 * each)).await;
    for _ in 0..8 {
        let (status, _, _) = doors.post(&PROTOBUF, request(vec![span(1)])).await;
        assert_eq!(status, 200);
        doors.export().await.expect("taken");
    }
    drop((raws, stalled));
    doors.metric_is(IN_FLIGHT, 0.0).await;
}

#[tokio::test]
async fn a_burst_waits_for_its_turn_and_loses_nothing() {
    let mut setup = Setup::default();
    setup.admission.max_requests = 8;
    let doors = Arc::new(Doors::with(setup).await);
    doors.taker.gate.send_replace(false);
    let mut sent = Vec::new();
    for _ in 0..500 {
        let door = Arc::clone(&doors);
        sent.push(tokio::spawn(async move {
            let (status, _, _) = door.post(&PROTOBUF, request(vec![span(1)])).await;
            assert_eq!(status, 200);
        }));
    }
    for _ in 0..5 {
        let channel = doors.channel().await;
        for _ in 0..100 {
            let channel = channel.clone();
            sent.push(tokio::spawn(async move {
                export_on(channel).await.expect("taken");
            }));
        }
    }
    // As many as may be are worked on, the others wait.
    doors.taker.submitted(8).await;
    doors
        .metric_is("baton_receiver_waiting_requests", 992.0)
        .await;
    assert_eq!(*doors.taker.submitted.borrow(), 8);
    doors.taker.gate.send_replace(true);
    for export in sent {
        export.await.expect("taken");
    }
    assert_eq!(doors.taker.spans.load(Ordering::SeqCst), 1000);
    assert_eq!(doors.metric("baton_receiver_waiting_requests"), 0.0);
}

#[tokio::test]
async fn who_waits_too_long_for_a_place_is_asked_to_retry() {
    let mut setup = Setup::default();
    setup.admission.max_requests = 1;
    setup.admission.queue_timeout = SOON;
    let doors = Arc::new(Doors::with(setup).await);
    doors.taker.gate.send_replace(false);
    let first = tokio::spawn({
        let doors = Arc::clone(&doors);
        async move { doors.export().await }
    });
    doors.taker.submitted(1).await;
    let (status, retry, _) = doors.post(&PROTOBUF, request(vec![span(1)])).await;
    assert_eq!((status, retry.as_deref()), (503, Some("7")));
    let refused = doors.export().await.expect_err("no place");
    assert_eq!(refused.code(), tonic::Code::Unavailable);
    assert_eq!(doors.metric(&failed("http", "queue_timeout")), 1.0);
    assert_eq!(doors.metric(&failed("grpc", "queue_timeout")), 1.0);
    doors.taker.gate.send_replace(true);
    first.await.expect("no panic").expect("taken");
    doors.export().await.expect("a place");
}

#[tokio::test]
async fn an_upload_that_stalls_is_cut_and_asked_to_retry() {
    let mut setup = Setup::default();
    setup.admission.body_idle_timeout = SOON;
    let doors = Doors::with(setup).await;
    let mut raw = Raw::connect(doors.http).await;
    raw.upload(100, b"some").await;
    let answer = raw.answer().await.to_lowercase();
    assert!(answer.starts_with("http/1.1 503"), "{answer}");
    assert!(answer.contains("retry-after: 7"), "{answer}");
    raw.closed().await;
    let calls = Calls::connect(doors.grpc).await;
    let call = calls.upload(None, 100, b"some").await;
    assert_eq!(call.status().await, tonic::Code::Unavailable);
    assert_eq!(doors.metric(&failed("http", "slow_body")), 1.0);
    assert_eq!(doors.metric(&failed("grpc", "slow_body")), 1.0);
    assert_eq!(doors.metric(IN_FLIGHT), 0.0);
}

#[tokio::test]
async fn an_upload_that_trickles_is_cut_too() {
    let mut setup = Setup::default();
    setup.admission.body_timeout = 4 * SOON;
    let doors = Doors::with(setup).await;
    let mut raw = Raw::connect(doors.http).await;
    raw.upload(1 << 20, b"some").await;
    // It always makes progress, until it is cut.
    raw.trickle(std::iter::repeat(b"x".to_vec()), SOON / 10)
        .await;
    assert_eq!(doors.metric(&failed("http", "slow_body")), 1.0);
}

#[tokio::test]
async fn stalled_uploads_give_their_bytes_to_others() {
    let doors = Doors::with_room(100, 256 << 10).await;
    let (first, size) = (vec![b'x'; 60 << 10], 64 << 10);
    let mut raws = Vec::new();
    for _ in 0..2 {
        let mut raw = Raw::connect(doors.http).await;
        raw.upload(size, &first).await;
        raws.push(raw);
    }
    let calls = Calls::connect(doors.grpc).await;
    let mut stalled = Vec::new();
    for _ in 0..2 {
        // More than the window that the client begins with.
        stalled.push(calls.upload(None, size as u32, &first).await);
    }
    let each = (60 << 10) + 1024;
    doors
        .metric_is(IN_FLIGHT, f64::from(4 * each + 2 * 5))
        .await;
    // Larger than what is left; a sender tries again until the first of the others counts as stalled.
    let large = request(vec![opentelemetry_proto::tonic::trace::v1::Span {
        name: "x".repeat(30 << 10),
        ..span(1)
    }]);
    while doors.post(&PROTOBUF, large.clone()).await.0 == 503 {}
    assert_eq!(doors.taker.spans.load(Ordering::SeqCst), 1);
    let cut = || {
        let cut = |listener| doors.metric(&failed(listener, "slow_body"));
        cut("http") + cut("grpc")
    };
    until(|| cut() > 0.0).await;
    assert_eq!(cut(), 1.0, "no more than were needed");
}

#[tokio::test]
async fn refusals_of_grpc_are_counted_as_those_of_http() {
    let doors = Doors::open().await;
    let calls = Calls::connect(doors.grpc).await;
    let zeros = zstd::encode_all(&vec![0; 9 << 20][..], 1).expect("memory");
    let length = |body: &[u8]| u32::try_from(body.len()).expect("small");
    for (encoding, length, body, code, reason) in [
        (
            Some("zstd"),
            length(&zeros),
            &zeros[..],
            tonic::Code::ResourceExhausted,
            "too_large",
        ),
        (
            Some("gzip"),
            4,
            b"some",
            tonic::Code::InvalidArgument,
            "bad_compression",
        ),
        (
            Some("br"),
            4,
            b"some",
            tonic::Code::Unimplemented,
            "unknown_encoding",
        ),
        (None, 3, b"some", tonic::Code::InvalidArgument, "malformed"),
        (None, 4, b"some", tonic::Code::InvalidArgument, "malformed"),
    ] {
        let before = doors.metric(&failed("grpc", reason));
        let call = calls.upload(encoding, length, body).await.end();
        assert_eq!(call.status().await, code, "{reason}");
        assert_eq!(doors.metric(&failed("grpc", reason)), before + 1.0);
    }
    let malformed = "baton_receiver_requests_total{result=\"malformed\"}";
    assert_eq!(doors.metric(malformed), 5.0);
}
