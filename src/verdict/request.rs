//! Verdicts as one OTLP request.

use super::identity::VerdictId;
use super::{DecidedFact, attributes};
use crate::model::request::{Signal, VERDICT_SCOPE};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs, SeverityNumber};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;

/// The name of the event, and of the span.
const EVENT: &str = "gen_ai.evaluation.result";

/// As what verdicts are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerdictForm {
    /// As log records with the name of an event: the form of the conventions.
    Events,
    /// As spans without a duration, for stores that have no logs.
    Spans,
}

impl VerdictForm {
    pub const ALL: [Self; 2] = [Self::Events, Self::Spans];

    /// The signal that carries it.
    pub fn signal(self) -> Signal {
        match self {
            Self::Events => Signal::Logs,
            Self::Spans => Signal::Traces,
        }
    }
}

/// The body of an OTLP request with these verdicts. `dimensions` are the names of the dimensions of cohorts.
pub fn request(form: VerdictForm, verdicts: &[DecidedFact], dimensions: &[String]) -> Vec<u8> {
    let verdicts = verdicts.iter();
    match form {
        VerdictForm::Events => {
            let records = verdicts.map(|verdict| log_record(verdict, dimensions));
            let scope_logs = ScopeLogs {
                scope: Some(scope()),
                log_records: records.collect(),
                ..ScopeLogs::default()
            };
            let resource_logs = ResourceLogs {
                resource: Some(resource()),
                scope_logs: vec![scope_logs],
                ..ResourceLogs::default()
            };
            let resource_logs = vec![resource_logs];
            ExportLogsServiceRequest { resource_logs }.encode_to_vec()
        }
        VerdictForm::Spans => {
            let spans = verdicts.map(|verdict| span(verdict, dimensions));
            let scope_spans = ScopeSpans {
                scope: Some(scope()),
                spans: spans.collect(),
                ..ScopeSpans::default()
            };
            let resource_spans = ResourceSpans {
                resource: Some(resource()),
                scope_spans: vec![scope_spans],
                ..ResourceSpans::default()
            };
            let resource_spans = vec![resource_spans];
            ExportTraceServiceRequest { resource_spans }.encode_to_vec()
        }
    }
}

/// A log record at the span that it is about. The time at which it was observed is that of the log.
fn log_record(verdict: &DecidedFact, dimensions: &[String]) -> LogRecord {
    let mut attributes = attributes::of(verdict, dimensions);
    let id = verdict.id();
    attributes.push(text("log.record.uid", id));
    LogRecord {
        time_unix_nano: verdict.fact.at.0,
        observed_time_unix_nano: verdict.decided.0,
        severity_number: SeverityNumber::Info.into(),
        severity_text: "INFO".to_owned(),
        attributes,
        trace_id: verdict.fact.trace.as_bytes().to_vec(),
        span_id: parent(verdict),
        event_name: EVENT.to_owned(),
        ..LogRecord::default()
    }
}

/// A span without a duration below the span that it is about.
fn span(verdict: &DecidedFact, dimensions: &[String]) -> Span {
    Span {
        trace_id: verdict.fact.trace.as_bytes().to_vec(),
        span_id: VerdictId::of(verdict).span().as_bytes().to_vec(),
        parent_span_id: parent(verdict),
        name: EVENT.to_owned(),
        kind: SpanKind::Internal.into(),
        start_time_unix_nano: verdict.fact.at.0,
        end_time_unix_nano: verdict.fact.at.0,
        attributes: attributes::of(verdict, dimensions),
        ..Span::default()
    }
}

/// The ID of the span that a verdict is about; empty where it is not known.
fn parent(verdict: &DecidedFact) -> Vec<u8> {
    let span = verdict.span();
    span.map(|span| span.as_bytes().to_vec())
        .unwrap_or_default()
}

/// By this scope another Baton knows that a verdict is no telemetry of agents.
fn scope() -> InstrumentationScope {
    InstrumentationScope {
        name: VERDICT_SCOPE.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..InstrumentationScope::default()
    }
}

/// The same for every process, so that a repeated verdict is the same to the last byte.
fn resource() -> Resource {
    Resource {
        attributes: vec![text("service.name", "baton".to_owned())],
        ..Resource::default()
    }
}

fn text(key: &str, value: String) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue {
            value: Some(Value::StringValue(value)),
        }),
        ..KeyValue::default()
    }
}
