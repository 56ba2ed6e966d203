//! Sends spans with the OpenTelemetry SDK and its OTLP exporter, as an agent would.

use super::desk::{Session, THINKING, elapsed};
use super::speak::{SCOPES, evaluation, speak, ticket};
use super::turn::ScriptTurn;
use crate::model::time::Timestamp;
use opentelemetry::trace::{Span, SpanKind, Status, TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{Compression, SpanExporter, WithExportConfig, WithTonicConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkError;
use opentelemetry_sdk::trace::SdkTracerProvider;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const EVALUATION: &str = "gen_ai.evaluation.result";

/// The exporting end of the desk.
#[derive(Debug)]
pub struct Sender {
    provider: SdkTracerProvider,
}

impl Sender {
    /// An exporter to an OTLP/gRPC address. Call it inside a tokio runtime.
    ///
    /// # Errors
    /// When the exporter cannot be built.
    pub fn connect(address: SocketAddr) -> Result<Self, opentelemetry_otlp::ExporterBuildError> {
        let exporter = SpanExporter::builder()
            .with_tonic()
            .with_endpoint(format!("http://{address}"))
            .with_compression(Compression::Gzip)
            .build()?;
        let resource = Resource::builder_empty()
            .with_attributes([KeyValue::new("service.name", "support-desk")])
            .build();
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource)
            .build();
        Ok(Self { provider })
    }

    /// Sends one session whose last turn ends at `now`, and waits until Baton took it.
    ///
    /// # Errors
    /// When the export was refused.
    pub fn send(&self, session: &Session, now: Timestamp) -> Result<(), OTelSdkError> {
        let length = |turn: &ScriptTurn| turn.steps.first().map_or(0, |app| app.end);
        let total = elapsed(&session.turns);
        let mut begin = UNIX_EPOCH + Duration::from_nanos(now.0) - Duration::from_millis(total);
        for turn in &session.turns {
            self.turn(session, turn, begin);
            begin += Duration::from_millis(length(turn) + THINKING);
        }
        self.provider.force_flush()
    }

    fn turn(&self, session: &Session, turn: &ScriptTurn, begin: SystemTime) {
        let tracer = self.provider.tracer(SCOPES[session.dialect]);
        let at = |milliseconds| begin + Duration::from_millis(milliseconds);
        let mut contexts: Vec<Context> = Vec::new();
        let mut spans = Vec::new();
        for (i, step) in turn.steps.iter().enumerate() {
            let (name, attributes) = speak(session, turn, step);
            let kind = if i == 0 {
                SpanKind::Server
            } else {
                SpanKind::Internal
            };
            let builder = tracer
                .span_builder(name)
                .with_kind(kind)
                .with_start_time(at(step.start))
                .with_attributes(attributes);
            let none = Context::new();
            let parent = if i == 0 {
                &none
            } else {
                &contexts[step.parent]
            };
            let mut span = tracer.build_with_context(builder, parent);
            if step.failed {
                span.set_status(Status::error("failed"));
            }
            contexts.push(Context::new().with_remote_span_context(span.span_context().clone()));
            spans.push(span);
        }
        // Children end before their parents.
        for (step, mut span) in turn.steps.iter().zip(spans).rev() {
            for (name, score) in &step.scores {
                let scored = evaluation(name, *score);
                span.add_event_with_timestamp(EVALUATION, at(step.end), scored);
            }
            if let Some(state) = step.ticket {
                span.add_event_with_timestamp(EVALUATION, at(step.end), ticket(state));
            }
            span.end_with_timestamp(at(step.end));
        }
    }
}
