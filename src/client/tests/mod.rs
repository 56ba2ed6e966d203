//! Waits and answers. `tests/it/forward.rs` sends to real servers.

use super::grpc_status::{refused, status};
use super::otlp_answer::accepted;
use super::{Backoff, RetrySettings, SendFailure, compress};
use crate::model::request::{Encoding, Signal};
use flate2::read::GzDecoder;
use http::{HeaderMap, HeaderName, HeaderValue};
use std::io::Read;
use std::time::Duration;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn waits_grow_to_a_limit_and_are_spread_around_their_middle() {
    let settings = RetrySettings {
        initial_interval: seconds(4),
        multiplier: 2.0,
        max_interval: seconds(10),
        ..RetrySettings::default()
    };
    let mut backoff = Backoff::new(&settings);
    let middle = [0.5; 4].map(|chance| backoff.next(chance, None).as_secs());
    assert_eq!(middle, [4, 8, 10, 10]);
    let spread = [0.0, 1.0].map(|chance| backoff.next(chance, None).as_secs());
    assert_eq!(spread, [5, 15]);
}

/// Also with the settings that grow fastest.
#[test]
fn waits_of_an_outage_of_days_stay_within_their_limit() {
    let fastest = RetrySettings {
        multiplier: f64::MAX,
        max_interval: Duration::from_secs(1 << 33),
        ..RetrySettings::default()
    };
    for settings in [RetrySettings::default(), fastest] {
        let limit = settings.max_interval.mul_f64(1.5);
        let mut backoff = Backoff::new(&settings);
        let (mut waited, mut attempts) = (Duration::ZERO, 0);
        while waited < 4 * Duration::from_secs(86_400) {
            let wait = backoff.next([0.0, 0.5, 1.0][attempts % 3], None);
            assert!(wait >= seconds(1) && wait <= limit, "{wait:?}");
            waited += wait;
            attempts += 1;
        }
        assert!(attempts > 1);
    }
}

#[test]
fn a_destination_is_not_asked_earlier_than_it_says_nor_after_an_eternity() {
    let settings = RetrySettings::default();
    let wait = |asked| Backoff::new(&settings).next(0.5, Some(asked)).as_secs();
    assert_eq!(wait(seconds(60)), 60);
    assert_eq!(wait(seconds(1)), 5, "the own wait is longer");
    assert_eq!(wait(seconds(1 << 40)), 3600);
}

#[test]
fn rejected_items_of_an_answer_are_read_in_both_encodings() {
    // Field 1: {1: 3, 2: "why"}.
    let protobuf = b"\x0a\x07\x08\x03\x12\x03why";
    let read = |body: &[u8], encoding, signal| accepted(body, encoding, signal).rejected;
    for signal in Signal::ALL {
        assert_eq!(read(protobuf, Encoding::Protobuf, signal), 3);
        assert_eq!(read(b"", Encoding::Protobuf, signal), 0);
        assert_eq!(read(b"not one", Encoding::Protobuf, signal), 0);
        assert_eq!(read(b"{}", Encoding::Json, signal), 0);
    }
    for (json, signal) in [
        (
            r#"{"partialSuccess":{"rejectedSpans":"3"}}"#,
            Signal::Traces,
        ),
        (
            r#"{"partialSuccess":{"rejectedLogRecords":3}}"#,
            Signal::Logs,
        ),
        (
            r#"{"partialSuccess":{"rejectedDataPoints":"3"}}"#,
            Signal::Metrics,
        ),
    ] {
        assert_eq!(read(json.as_bytes(), Encoding::Json, signal), 3, "{json}");
    }
}

#[test]
fn every_failure_has_a_label_of_its_own() {
    let mut labels = SendFailure::ALL.map(SendFailure::as_str).to_vec();
    labels.dedup();
    assert_eq!(labels.len(), SendFailure::ALL.len());
}

#[test]
fn a_packed_body_is_the_same_body() {
    let body = b"the same ".repeat(1000);
    let packed = compress::gzip(&body);
    assert!(packed.len() < body.len() / 10);
    let mut plain = Vec::new();
    let read = GzDecoder::new(&*packed).read_to_end(&mut plain);
    assert_eq!((read.expect("gzip"), plain), (body.len(), body));
}

/// A server can write anything: nothing of it may end Baton.
#[test]
fn any_status_of_grpc_is_read() {
    // RetryInfo of seven seconds, as a server of Go writes it: without padding.
    let retry = "CAgaMAoodHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUucnBjLlJldHJ5SW5mbxIECgIIBw";
    let read = |code: &str, details: &str| {
        let headers = [("grpc-status", code), ("grpc-status-details-bin", details)];
        let headers = headers.map(|(name, value)| {
            let value = HeaderValue::from_str(value).expect("a header");
            (HeaderName::from_static(name), value)
        });
        let status = status(&HeaderMap::from_iter(headers)).expect("a status");
        let error = refused(&status, false);
        (error.reason, error.wait)
    };
    assert_eq!(read("14", ""), (SendFailure::Unavailable, None));
    for damaged in ["=", "no base64!", "AAAA", "////"] {
        assert_eq!(read("8", damaged), (SendFailure::Throttled, None));
    }
    for unknown in ["", "fourteen", "-1", "99", "99999999999999999999"] {
        assert_eq!(read(unknown, ""), (SendFailure::Rejected, None));
    }
    assert_eq!(
        read("8", retry).1,
        Some(seconds(7)),
        "as long as the server asks to wait"
    );
    // Seconds and nanoseconds that no duration has: the least of both, and the most.
    let least = "CAgaRAoodHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUucnBjLlJldHJ5SW5mbxIYChYIgICAgICAgICAARCAgICA+P////8B";
    let most =
        "CAgaPgoodHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUucnBjLlJldHJ5SW5mbxISChAI//////////9/EP////8H";
    for extreme in [least, most] {
        assert_eq!(read("8", extreme).0, SendFailure::Throttled);
    }
    assert!(status(&HeaderMap::new()).is_none());
}
