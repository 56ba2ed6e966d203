//! From the bytes of a request to the log.

use super::{outcome, pipeline, request, traces};
use crate::ingest::{ExportRequest, Ingest, IngestError, Signal};
use crate::log::Next;
use crate::model::limit::Limit;
use crate::model::metric::Point;
use crate::model::reject::RejectReason;
use crate::model::time::Timestamp;
use crate::otlp::Counts;
use crate::telemetry::Telemetry;
use std::collections::BTreeMap;
use std::time::Duration;

#[test]
fn the_good_items_of_a_request_are_in_the_log_and_the_others_are_told() {
    let (ingest, _, mut reader) = pipeline();
    let counts = Counts {
        spans: 2,
        log_records: 0,
        rejects: vec![RejectReason::InvalidId],
        ..Counts::default()
    };
    assert_eq!(outcome(ingest.submit(request(2))), Ok(counts));
    let Ok(Next::Delivery(delivery)) = reader.read(Duration::ZERO) else {
        panic!("it is in the log");
    };
    assert_eq!(delivery.entries.len(), 2);
}

#[test]
fn a_malformed_request_and_an_empty_one_leave_the_log_alone() {
    let (ingest, _, mut reader) = pipeline();
    let malformed = outcome(ingest.submit(traces("hello")));
    assert_eq!(malformed, Err(IngestError::Malformed));
    let empty = outcome(ingest.submit(request(0)));
    assert_eq!(empty.map(|counts| counts.spans), Ok(0));
    assert!(matches!(reader.read(Duration::ZERO), Ok(Next::Nothing)));
}

#[test]
fn nothing_is_taken_while_the_state_is_larger_than_it_may_be() {
    let (ingest, memory, mut reader) = pipeline();
    memory.set(0, 2 << 20);
    let full = IngestError::Full(Limit::Memory);
    assert_eq!(outcome(ingest.submit(request(1))), Err(full));
    assert!(matches!(reader.read(Duration::ZERO), Ok(Next::Nothing)));
    memory.set(0, 1 << 10);
    assert!(outcome(ingest.submit(request(1))).is_ok());
}

#[test]
fn what_the_log_refuses_is_refused_as_a_whole() {
    let (ingest, _, mut reader) = pipeline();
    let refused = outcome(ingest.submit(request(5)));
    assert_eq!(refused, Err(IngestError::TooManyItems));
    assert!(matches!(reader.read(Duration::ZERO), Ok(Next::Nothing)));
    assert!(outcome(ingest.submit(request(3))).is_ok());
    let full = IngestError::Full(Limit::Queue);
    assert_eq!(outcome(ingest.submit(request(3))), Err(full));
}

#[test]
fn accepted_spans_are_counted_by_dialect_and_others_are_not() {
    let telemetry = Telemetry::new(Timestamp(0));
    let (ingest, _, _reader) = telemetry.register(pipeline);
    let span = |attribute: &str| {
        format!(
            r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"traceId":"{:032x}","spanId":"{:016x}","startTimeUnixNano":"1","endTimeUnixNano":"2",
            "attributes":[{{"key":"{attribute}","value":{{"stringValue":"x"}}}}]}}]}}]}}]}}"#,
            1, 1
        )
    };
    for attribute in ["mcp.method.name", "gen_ai.system", "http.route"] {
        assert!(outcome(ingest.submit(traces(&span(attribute)))).is_ok());
    }
    // One more than there is room for: it is refused.
    assert!(outcome(ingest.submit(request(2))).is_err());
    let expected = ["mcp", "none", "otel_genai"].map(|dialect| (dialect.to_owned(), 1.0));
    let counted = counted(&telemetry, "baton_receiver_spans_total");
    assert_eq!(counted, expected.into());
}

/// The series of a counter that counted something, by their only label.
fn counted(telemetry: &Telemetry, name: &str) -> BTreeMap<String, f64> {
    let families = telemetry.families();
    let family = families.iter().find(|family| family.name == name);
    let series = family.expect("it is there").series.iter();
    let counted = series.filter_map(|series| match series.point {
        Point::Counter { value, .. } if value > 0.0 => {
            Some((series.labels[0].1.to_string(), value))
        }
        _ => None,
    });
    counted.collect()
}

#[test]
fn what_is_accepted_and_not_read_is_counted_by_reason() {
    let telemetry = Telemetry::new(Timestamp(0));
    let (ingest, _, _reader) = telemetry.register(pipeline);
    let ids = r#""traceId":"000000000000000000000000000000aa","spanId":"00000000000000aa""#;
    let span = |span_ids: &str| {
        format!(
            r#"{{{span_ids}"startTimeUnixNano":"1","endTimeUnixNano":"2","links":[{{{ids}}},{{"traceId":"x"}}]}}"#
        )
    };
    let good = span(r#""traceId":"000000000000000000000000000000bb","spanId":"00000000000000bb","#);
    // What is rejected is counted as that alone.
    let spans = [good, span("")].join(",");
    let request = traces(&format!(
        r#"{{"resourceSpans":[{{"resource":{{"attributes":"none"}},"scopeSpans":[{{"scope":{{"name":7}},"spans":[{spans}]}}]}}]}}"#
    ));
    let accepted = outcome(ingest.submit(request)).expect("it is accepted");
    assert_eq!((accepted.spans, accepted.rejects.len()), (1, 1));
    let logs = format!(
        r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{{ids}}},{{{ids},"eventName":"x"}},{{"eventName":"x"}}]}}]}}]}}"#
    );
    let logs = ExportRequest {
        signal: Signal::Logs,
        ..traces(&logs)
    };
    assert!(outcome(ingest.submit(logs)).is_ok());
    let expected = [
        ("link", 1.0),
        ("log_not_about_agents", 2.0),
        ("log_without_trace", 1.0),
        ("resource", 1.0),
        ("scope", 1.0),
    ];
    let expected = expected.map(|(reason, count)| (reason.to_owned(), count));
    let counted = counted(&telemetry, "baton_receiver_unread_total");
    assert_eq!(counted, expected.into());
}
