//! One behaviour for both encodings: the same items, sent as protobuf and as JSON, give the same views, counts and rejects.

use super::protobuf::{any_value, id, limits, pairs, shown, span};
use crate::model::reject::RejectReason;
use crate::otlp::view::{LogRecord, ScopeBatch, Span, SpanSink};
use crate::otlp::{Counts, Malformed, json, protobuf};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as AnyValueKind;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{self as logs, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{self as traces, ResourceSpans, ScopeSpans};
use proptest::prelude::*;
use prost::Message;
use serde_json::{Value as Json, json as object};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn json_of_value(value: &AnyValue) -> Json {
    match &value.value {
        Some(AnyValueKind::StringValue(text)) => object!({"stringValue": text}),
        Some(AnyValueKind::BoolValue(flag)) => object!({"boolValue": flag}),
        Some(AnyValueKind::IntValue(number)) => object!({"intValue": number.to_string()}),
        // As text, which loses no bit.
        Some(AnyValueKind::DoubleValue(number)) => object!({"doubleValue": number.to_string()}),
        Some(AnyValueKind::BytesValue(_)) => object!({"bytesValue": "AAAA"}),
        Some(AnyValueKind::ArrayValue(list)) => {
            let values: Vec<Json> = list.values.iter().map(json_of_value).collect();
            object!({"arrayValue": {"values": values}})
        }
        Some(AnyValueKind::KvlistValue(list)) => {
            object!({"kvlistValue": {"values": json_of_pairs(&list.values)}})
        }
        Some(AnyValueKind::StringValueStrindex(_)) | None => object!({}),
    }
}

fn json_of_pairs(pairs: &[KeyValue]) -> Json {
    let pairs = pairs.iter();
    let pairs = pairs
        .map(|pair| object!({"key": pair.key, "value": pair.value.as_ref().map(json_of_value)}));
    pairs.collect()
}

fn json_of_span(span: &traces::Span) -> Json {
    let event = |event: &traces::span::Event| {
        object!({
            "timeUnixNano": event.time_unix_nano.to_string(),
            "name": event.name,
            "attributes": json_of_pairs(&event.attributes),
        })
    };
    let link = |link: &traces::span::Link| object!({"traceId": hex(&link.trace_id), "spanId": hex(&link.span_id)});
    let status = span.status.as_ref();
    object!({
        "traceId": hex(&span.trace_id),
        "spanId": hex(&span.span_id),
        "parentSpanId": hex(&span.parent_span_id),
        "traceState": span.trace_state,
        "name": span.name,
        "startTimeUnixNano": span.start_time_unix_nano.to_string(),
        "endTimeUnixNano": span.end_time_unix_nano.to_string(),
        "attributes": json_of_pairs(&span.attributes),
        "events": span.events.iter().map(event).collect::<Vec<_>>(),
        "links": span.links.iter().map(link).collect::<Vec<_>>(),
        "status": status.map(|status| object!({"message": status.message, "code": status.code})),
    })
}

fn json_of_log(log: &logs::LogRecord) -> Json {
    object!({
        "timeUnixNano": log.time_unix_nano.to_string(),
        "observedTimeUnixNano": log.observed_time_unix_nano.to_string(),
        "traceId": hex(&log.trace_id),
        "spanId": hex(&log.span_id),
        "eventName": log.event_name,
        "body": log.body.as_ref().map(json_of_value),
        "attributes": json_of_pairs(&log.attributes),
    })
}

/// Asks for the names that have no `d`. Writes down what it is given.
#[derive(Default)]
struct Notes(Vec<String>);

impl SpanSink for Notes {
    fn asks(&self, _: u32, name: &[u8]) -> bool {
        !name.contains(&b'd')
    }

    fn add(&mut self, batch: &ScopeBatch<'_>) {
        let resource = shown(&batch.resource);
        let around = format!("{resource} {:?}", batch.scope);
        let spans = batch.spans.iter().map(note_of_span);
        let logs = batch.logs.iter().map(note_of_log);
        self.0
            .extend(spans.chain(logs).map(|item| format!("{around} {item}")));
    }
}

fn note_of_span(span: &Span<'_>) -> String {
    let ids = (span.trace, span.id, span.parent, span.threshold);
    let what = (
        span.name,
        span.start,
        span.end,
        span.status,
        span.status_message,
    );
    let events = span.events.iter();
    let events = events.map(|event| (event.name, event.time, shown(&event.attributes)));
    let events: Vec<_> = events.collect();
    format!(
        "{ids:?} {what:?} {} {events:?} {:?}",
        shown(&span.attributes),
        span.links
    )
}

fn note_of_log(log: &LogRecord<'_>) -> String {
    let what = (log.event_name, log.time, log.trace, log.span, &log.body);
    format!("{what:?} {}", shown(&log.attributes))
}

type Decoded = (Result<Counts, Malformed>, Vec<String>);

fn told(decode: impl FnOnce(&mut Notes) -> Result<Counts, Malformed>) -> Decoded {
    let mut notes = Notes::default();
    (decode(&mut notes), notes.0)
}

/// What is told of spans sent as protobuf, and as JSON.
fn both_of_spans(resource: Vec<KeyValue>, spans: Vec<traces::Span>) -> [Decoded; 2] {
    let in_json = object!({"resourceSpans": [{
        "resource": {"attributes": json_of_pairs(&resource)},
        "scopeSpans": [{"spans": spans.iter().map(json_of_span).collect::<Vec<_>>()}],
    }]});
    let (in_json, scope_spans) = (
        in_json.to_string(),
        ScopeSpans {
            spans,
            ..ScopeSpans::default()
        },
    );
    let resource = Resource {
        attributes: resource,
        ..Resource::default()
    };
    let resource_spans = vec![ResourceSpans {
        resource: Some(resource),
        scope_spans: vec![scope_spans],
        ..ResourceSpans::default()
    }];
    let in_protobuf = ExportTraceServiceRequest { resource_spans }.encode_to_vec();
    [
        told(|notes| protobuf::traces(&in_protobuf, &limits(), notes)),
        told(|notes| json::traces(in_json.as_bytes(), &limits(), notes)),
    ]
}

fn both_of_logs(log_records: Vec<logs::LogRecord>) -> [Decoded; 2] {
    let in_json = object!({"resourceLogs": [{
        "scopeLogs": [{"logRecords": log_records.iter().map(json_of_log).collect::<Vec<_>>()}],
    }]});
    let in_json = in_json.to_string();
    let scope_logs = vec![ScopeLogs {
        log_records,
        ..ScopeLogs::default()
    }];
    let resource_logs = vec![ResourceLogs {
        scope_logs,
        ..ResourceLogs::default()
    }];
    let in_protobuf = ExportLogsServiceRequest { resource_logs }.encode_to_vec();
    [
        told(|notes| protobuf::logs(&in_protobuf, &limits(), notes)),
        told(|notes| json::logs(in_json.as_bytes(), &limits(), notes)),
    ]
}

prop_compose! {
    fn log_record()(
        times in (0..9_u64, 0..9_u64),
        ids in (prop_oneof![Just(Vec::new()), id(16)], prop_oneof![Just(Vec::new()), id(8)]),
        event_name in "[a-z]{0,3}",
        body in prop::option::of(any_value()),
        attributes in pairs(),
    ) -> logs::LogRecord {
        logs::LogRecord {
            time_unix_nano: times.0,
            observed_time_unix_nano: times.1,
            trace_id: ids.0,
            span_id: ids.1,
            event_name,
            body,
            attributes,
            ..logs::LogRecord::default()
        }
    }
}

/// At times a name, for a value that is nested too deeply.
fn name() -> impl Strategy<Value = Option<&'static str>> {
    prop::option::weighted(0.3, prop::sample::select(vec!["a", "d", "", "user.id"]))
}

proptest! {
    #[test]
    fn spans_are_the_same_in_both_encodings(
        (resource, name_of_resource) in (pairs(), name()),
        spans in prop::collection::vec((span(), name(), name()), 0..20),
    ) {
        let resource = resource.into_iter().chain(name_of_resource.map(deep)).collect();
        let odd = |(mut span, name, name_of_event): (traces::Span, Option<_>, Option<_>)| {
            span.attributes.extend(name.map(deep));
            for event in &mut span.events {
                event.attributes.extend(name_of_event.map(deep));
            }
            span
        };
        let [protobuf, json] = both_of_spans(resource, spans.into_iter().map(odd).collect());
        prop_assert_eq!(protobuf, json);
    }

    #[test]
    fn log_records_are_the_same_in_both_encodings(
        records in prop::collection::vec((log_record(), name()), 0..20),
    ) {
        let odd = |(mut record, name): (logs::LogRecord, Option<_>)| {
            record.attributes.extend(name.map(deep));
            record
        };
        let [protobuf, json] = both_of_logs(records.into_iter().map(odd).collect());
        prop_assert_eq!(protobuf, json);
    }
}

/// A value that nests deeper than the limit, under a name.
fn deep(key: &str) -> KeyValue {
    let nested = |inner| {
        let values = vec![AnyValue { value: Some(inner) }];
        AnyValueKind::ArrayValue(opentelemetry_proto::tonic::common::v1::ArrayValue { values })
    };
    let value =
        (0..limits().max_depth).fold(AnyValueKind::BoolValue(true), |inner, _| nested(inner));
    KeyValue {
        key: key.into(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

#[test]
fn an_attribute_that_nobody_asks_for_rejects_no_span_whatever_its_value_and_the_length_of_its_name()
{
    let long = |letter: &str| letter.repeat(200);
    for (key, rejects) in [
        ("a".to_owned(), vec![RejectReason::TooDeep]),
        ("d".to_owned(), vec![]),
        (long("a"), vec![RejectReason::TooDeep]),
        (long("d"), vec![]),
    ] {
        let span = traces::Span {
            trace_id: vec![1; 16],
            span_id: vec![1; 8],
            start_time_unix_nano: 1,
            end_time_unix_nano: 2,
            attributes: vec![deep(&key)],
            ..traces::Span::default()
        };
        for (counts, notes) in both_of_spans(Vec::new(), vec![span]) {
            assert_eq!(counts.expect("well formed").rejects, rejects, "{key}");
            assert!(notes.iter().all(|note| !note.contains(&key)));
        }
    }
    for odd in [
        r#"{"key":"d","value":{"intValue":[]}}"#,
        r#"{"key":"d","value":7}"#,
        r#"{"key":7,"value":{}}"#,
    ] {
        let ids = r#""traceId":"01010101010101010101010101010101","spanId":"0101010101010101""#;
        let span = format!(
            r#"{{{ids},"startTimeUnixNano":"1","endTimeUnixNano":"2","attributes":[{odd}]}}"#
        );
        let body = format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{span}]}}]}}]}}"#);
        let (counts, notes) = told(|notes| json::traces(body.as_bytes(), &limits(), notes));
        assert_eq!(counts.expect("well formed").rejects, [], "{odd}");
        assert_eq!(notes.len(), 1);
    }
}
