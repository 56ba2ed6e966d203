//! Connections are cut by their time-outs, limited in number, and ended in order when Baton stops.

use crate::door::doors::{Calls, Doors, Raw, Setup, export_on, request, span};
use std::time::Duration;
use tokio::net::TcpStream;

const SOON: Duration = Duration::from_millis(50);

fn closed(listener: &str, reason: &str) -> String {
    format!("baton_connections_closed_total{{listener=\"{listener}\",reason=\"{reason}\"}}")
}

#[tokio::test]
async fn a_connection_without_a_request_head_is_cut() {
    let mut setup = Setup::default();
    setup.connections.header_timeout = SOON;
    let doors = Doors::with(setup).await;
    let parts: [&[u8]; 4] = [
        b"",
        b"P",
        b"POST /v1/traces HTTP/1.1\r\nhost: ",
        b"PRI * HTTP/2.0\r\n",
    ];
    for part in parts {
        let mut raw = Raw::connect(doors.http).await;
        raw.send(part).await;
        raw.closed().await;
    }
    let preface: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let empty_settings: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];
    for part in [b"", preface, &[preface, empty_settings].concat()] {
        let mut raw = Raw::connect(doors.grpc).await;
        raw.send(part).await;
        raw.closed().await;
    }
    doors
        .metric_is(&closed("http", "header_timeout"), 4.0)
        .await;
    doors
        .metric_is(&closed("grpc", "header_timeout"), 3.0)
        .await;
    doors
        .metric_is("baton_connections{listener=\"http\"}", 0.0)
        .await;
    doors.export().await.expect("the door lives");
}

#[tokio::test]
async fn an_idle_connection_is_closed_though_its_next_head_has_begun() {
    let mut setup = Setup::default();
    setup.connections.idle_timeout = SOON;
    let doors = Doors::with(setup).await;
    for part in [&b""[..], b"POST /v1/tra"] {
        let mut raw = Raw::connect(doors.http).await;
        raw.export().await;
        raw.send(part).await;
        raw.closed().await;
    }
    let calls = Calls::connect(doors.grpc).await;
    let call = calls.upload(None, 4, b"some").await.end();
    assert_eq!(call.status().await, tonic::Code::InvalidArgument);
    let ended = calls.connection.await.expect("no panic");
    ended.expect("it was told to go away, and did");
    doors.metric_is(&closed("http", "idle_timeout"), 2.0).await;
    doors.metric_is(&closed("grpc", "idle_timeout"), 1.0).await;
}

#[tokio::test]
async fn a_connection_whose_request_never_ends_is_cut() {
    let mut setup = Setup::default();
    setup.connections.request_timeout = SOON;
    let doors = Doors::with(setup).await;
    doors.taker.gate.send_replace(false);
    let mut raw = Raw::connect(doors.http).await;
    let body = request(vec![span(1)]);
    raw.upload(body.len(), &body).await;
    raw.closed().await;
    assert_eq!(doors.metric(&closed("http", "request_timeout")), 1.0);
    doors.metric_is("baton_receiver_bytes_in_flight", 0.0).await;
}

#[tokio::test]
async fn at_the_limit_the_connection_that_is_idle_for_longest_makes_room() {
    let mut setup = Setup::default();
    setup.connections.max_connections = 3;
    let doors = Doors::with(setup).await;
    let mut busy = Raw::connect(doors.http).await;
    busy.upload(100, b"some").await;
    let mut first = Raw::connect(doors.http).await;
    first.export().await;
    // More than there is room for: each finds it, and the one before is closed.
    for _ in 0..10 {
        let mut next = Raw::connect(doors.http).await;
        next.export().await;
        first.closed().await;
        first = next;
    }
    let rest = [b'x'; 96];
    busy.send(&rest).await;
    assert!(
        busy.answer().await.starts_with("HTTP/1.1 400"),
        "it was kept"
    );
}

/// They would hold all places until `header_timeout`.
#[tokio::test]
async fn at_the_limit_connections_that_send_nothing_make_room() {
    let mut setup = Setup::default();
    setup.connections.max_connections = 2;
    setup.connections.header_timeout = Duration::from_secs(3600);
    let doors = Doors::with(setup).await;
    let mut silent = Vec::new();
    for _ in 0..6 {
        silent.push(Raw::connect(doors.http).await);
    }
    let mut next = Raw::connect(doors.http).await;
    next.export().await;
    // The oldest ones went.
    for gone in silent.drain(..5) {
        gone.closed().await;
    }
    assert!(doors.metric(&closed("http", "connection_limit")) >= 5.0);
}

/// Each byte comes in time, but the bodies would hold all places for as long as a body may take.
#[tokio::test]
async fn at_the_limit_the_slowest_upload_makes_room() {
    let mut setup = Setup::default();
    setup.connections.max_connections = 2;
    let doors = Doors::with(setup).await;
    for _ in 0..2 {
        let mut slow = Raw::connect(doors.http).await;
        slow.upload(1 << 20, b"some").await;
        tokio::spawn(slow.trickle(std::iter::repeat(b"x".to_vec()), SOON));
    }
    doors
        .metric_is("baton_connections{listener=\"http\"}", 2.0)
        .await;
    let mut next = Raw::connect(doors.http).await;
    next.export().await;
    assert_eq!(doors.metric(&closed("http", "slow_upload")), 1.0);
}

/// A frame of HTTP/2 without flags that say more than that it is whole.
fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).expect("short");
    [&[0, 0, length, kind, flags, 0, 0, 0, stream], payload].concat()
}

/// Asks over HTTP/2 for something that is not there, and lets nothing of the answer come.
fn unread(stream: u8) -> Vec<u8> {
    // GET, http, and a path and an authority in full (RFC 7541, appendix A).
    let head = [&[0x82, 0x86, 0x44, 2][..], b"/x", &[0x41, 1], b"x"].concat();
    frame(1, 5, stream, &head)
}

/// What they ask for meanwhile gives them no more time.
#[tokio::test]
async fn at_the_limit_connections_that_read_no_answer_make_room() {
    let mut setup = Setup::default();
    setup.connections.max_connections = 2;
    let doors = Doors::with(setup).await;
    let preface: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let no_window = frame(4, 0, 0, &[0, 4, 0, 0, 0, 0]);
    for _ in 0..2 {
        let mut raw = Raw::connect(doors.http).await;
        raw.send(&[preface, &no_window, &unread(1)].concat()).await;
        let asks = (3..=255).step_by(2).map(unread);
        tokio::spawn(raw.trickle(asks, SOON));
    }
    doors
        .metric_is("baton_connections{listener=\"http\"}", 2.0)
        .await;
    let mut next = Raw::connect(doors.http).await;
    next.export().await;
    assert_eq!(doors.metric(&closed("http", "unread_answer")), 1.0);
}

/// Requests that begin later do not put off the end of the time of those before them.
#[tokio::test]
async fn an_answer_that_nobody_reads_is_given_up_though_more_is_asked_for() {
    let mut setup = Setup::default();
    setup.connections.request_timeout = 4 * SOON;
    let doors = Doors::with(setup).await;
    let preface: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let no_window = frame(4, 0, 0, &[0, 4, 0, 0, 0, 0]);
    let mut raw = Raw::connect(doors.http).await;
    raw.send(&[preface, &no_window, &unread(1)].concat()).await;
    let asks = (3..=255).step_by(2).map(unread);
    assert!(raw.trickle(asks, SOON).await, "it lasts as long as it asks");
    doors
        .metric_is(&closed("http", "request_timeout"), 1.0)
        .await;
}

#[tokio::test]
async fn new_connections_wait_while_all_are_busy() {
    let mut setup = Setup::default();
    setup.connections.max_connections = 1;
    let doors = Doors::with(setup).await;
    let mut busy = Raw::connect(doors.http).await;
    let body = request(vec![span(1)]);
    busy.upload(body.len(), &body[..4]).await;
    doors
        .metric_is(
            "baton_connection_limit_reached_total{listener=\"http\"}",
            1.0,
        )
        .await;
    let mut next = Raw::connect(doors.http).await;
    next.upload(body.len(), &body).await;
    busy.send(&body[4..]).await;
    assert!(busy.answer().await.starts_with("HTTP/1.1 200"));
    busy.closed().await;
    assert!(next.answer().await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_stop_answers_what_is_in_flight_and_waits_for_nobody_else() {
    let mut doors = Doors::open().await;
    doors.taker.gate.send_replace(false);
    let channel = doors.channel().await;
    let taken = tokio::spawn(export_on(channel));
    let mut posted = Raw::connect(doors.http).await;
    let body = request(vec![span(1)]);
    posted.upload(body.len(), &body).await;
    doors.taker.submitted(2).await;
    // Arrives while Baton stops.
    let mut arriving = Raw::connect(doors.http).await;
    arriving.upload(body.len(), &body[..4]).await;
    // Never arrives, is idle, or says nothing at all.
    let mut stalled = Raw::connect(doors.http).await;
    stalled.upload(100, b"some").await;
    let calls = Calls::connect(doors.grpc).await;
    let call = calls.upload(None, 100, b"some").await;
    let silent = Raw::connect(doors.http).await;
    doors
        .metric_is("baton_connections{listener=\"http\"}", 4.0)
        .await;
    let held = 5 * 1024 + 2 * body.len() + 4 + 4 + 4 + 2 * 5;
    doors
        .metric_is("baton_receiver_bytes_in_flight", held as f64)
        .await;
    doors.stop.send_replace(true);
    silent.closed().await;
    arriving.send(&body[4..]).await;
    doors.taker.submitted(3).await;
    assert!(stalled.answer().await.starts_with("HTTP/1.1 503"));
    assert_eq!(call.status().await, tonic::Code::Unavailable);
    assert!(TcpStream::connect(doors.http).await.is_err(), "no new ones");
    doors.taker.gate.send_replace(true);
    assert!(posted.answer().await.starts_with("HTTP/1.1 200"));
    assert!(arriving.answer().await.starts_with("HTTP/1.1 200"));
    taken.await.expect("no panic").expect("answered");
    for serving in doors.serving.drain(..) {
        serving.await.expect("it ends");
    }
    let stopping = "baton_receiver_failed_requests_total{listener=\"http\",reason=\"stopping\"}";
    assert_eq!(doors.metric(stopping), 1.0);
}
