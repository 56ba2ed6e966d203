//! Settings, waits, answers and records. `tests/it/forward.rs` sends to real servers.

mod settings;
mod verdicts;

use super::answer::{SendFailure, accepted};
use super::backoff::Backoff;
use super::record::{self, OutboundRequest};
use super::settings::RetrySettings;
use super::{QuarantinedFile, compress, convert};
use crate::ingest::ExportRequest;
use crate::model::request::{Encoding, Signal};
use crate::model::time::Timestamp;
use bytes::Bytes;
use flate2::read::GzDecoder;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use prost::Message;
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
fn a_request_comes_out_of_the_spool_as_it_went_in() {
    for signal in Signal::ALL {
        for encoding in [Encoding::Protobuf, Encoding::Json] {
            let request = ExportRequest {
                signal,
                encoding,
                headers: vec![("x-scope-orgid".into(), "one".into())],
                body: Bytes::from_static(b"\xff any bytes \x00"),
            };
            let payload = record::encode(&request, Timestamp(7));
            assert!(payload.len() <= record::max_size(&request));
            let expected = OutboundRequest {
                signal,
                encoding,
                received: Timestamp(7),
                headers: request.headers.clone(),
                is_verdict: false,
                body: request.body.clone(),
            };
            assert_eq!(record::decode(payload), Some(expected));
        }
    }
    assert_eq!(record::decode(Bytes::from_static(b"\x0anone")), None);
    assert_eq!(record::decode(Bytes::new()), None, "it has no signal");
}

/// Sent again, a damaged file would be a wrong body.
#[test]
fn a_damaged_file_of_the_quarantine_is_not_read() {
    let request = OutboundRequest {
        signal: Signal::Traces,
        encoding: Encoding::Protobuf,
        received: Timestamp(7),
        headers: vec![("x-scope-orgid".into(), "one".into())],
        body: Bytes::from_static(b"any bytes"),
        is_verdict: false,
    };
    let whole = record::quarantined(&request, "otlp/next", "HTTP status 400", Timestamp(9));
    let file = QuarantinedFile::decode(whole.clone()).expect("it is whole");
    assert_eq!((file.bytes, file.destination.as_str()), (9, "otlp/next"));
    for at in 0..whole.len() {
        let cut = whole[..at].to_vec();
        assert_eq!(QuarantinedFile::decode(cut), None, "cut at {at}");
        for mask in [1, 0x80, 0xff] {
            let mut flipped = whole.clone();
            flipped[at] ^= mask;
            assert_eq!(QuarantinedFile::decode(flipped), None, "byte {at}");
        }
    }
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

#[test]
fn json_becomes_protobuf_with_its_values() {
    let json = r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"m","sum":{"aggregationTemporality":2,"isMonotonic":true,
        "dataPoints":[{"timeUnixNano":"7","asInt":"12"}]}}]}]}]}"#;
    let body = convert::protobuf(json.as_bytes(), Signal::Metrics).expect("it is a request");
    let request = ExportMetricsServiceRequest::decode(body).expect("protobuf");
    let text = format!("{request:?}");
    assert!(
        text.contains("AsInt(12)") && text.contains("time_unix_nano: 7"),
        "{text}"
    );
    for signal in Signal::ALL {
        assert!(convert::protobuf(b"{}", signal).is_some());
        assert_eq!(convert::protobuf(b"hello", signal), None);
    }
}
