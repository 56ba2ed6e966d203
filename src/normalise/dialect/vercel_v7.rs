//! Vercel AI SDK 7 with `@ai-sdk/otel`: standard names, but the span name of an agent has its model.

use super::{Dialect, otel_genai};
use crate::model::event::{Event, Kind};
use crate::normalise::SpanReader;
use crate::otlp::attribute_key::key;

/// The dialect.
pub(super) const DIALECT: Dialect = Dialect {
    name: "vercel_ai_7",
    title: "Vercel AI 7",
    recognised_by: "scope `gen_ai`, `@ai-sdk/otel`, `ai-sdk`",
    reading: "standard names; the model in the span name is never taken as the agent",
    vocabulary: &[],
    recognises,
    read,
};

fn recognises(source: &SpanReader<'_>) -> bool {
    matches!(source.scope.name, "gen_ai" | "@ai-sdk/otel" | "ai-sdk")
}

pub(super) fn read(source: &SpanReader<'_>, event: &mut Event) {
    otel_genai::read(source, event);
    let declared = source
        .str(key!("gen_ai.agent.name"))
        .or_else(|| source.str(key!("ai.telemetry.functionId")));
    if let Kind::Agent { .. } | Kind::Workflow = event.kind {
        // `invoke_agent gpt-4o` without a declared name is no agent called gpt-4o.
        event.agent = declared.map(|text| source.name(text));
        event.kind = match declared {
            Some(_) => Kind::Agent { inferred: false },
            None => Kind::Workflow,
        };
    }
}
