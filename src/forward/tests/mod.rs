//! Settings and records. `tests/it/forward.rs` sends to real servers.

mod forwarding;
mod settings;
mod verdicts;

use super::record::{self, OutboundRequest};
use super::{QuarantinedFile, convert};
use crate::ingest::ExportRequest;
use crate::model::request::{Encoding, Signal};
use crate::model::time::Timestamp;
use crate::spool::SpoolPayload;
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use prost::Message;

#[test]
fn a_request_comes_out_of_the_spool_as_it_went_in() {
    for signal in Signal::ALL {
        for encoding in [Encoding::Protobuf, Encoding::Json] {
            let request = ExportRequest {
                signal,
                encoding,
                tenant: None,
                headers: vec![("x-scope-orgid".into(), "one".into())],
                body: Bytes::from_static(b"\xff any bytes \x00"),
            };
            let payload = record::encode(&request, Timestamp(7));
            assert!(payload.size() <= record::max_size(&request));
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
    assert_eq!(record::decode(Bytes::from_static(b"\x0anone").into()), None);
    assert_eq!(
        record::decode(SpoolPayload::default()),
        None,
        "it has no signal"
    );
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
