//! The dialects, one file each, and the table of them. The first dialect that recognizes a span reads it. Other spans are read by the standard attribute names.

mod ag2;
mod agent_framework;
mod autogen;
mod beeai;
mod build;
mod claude_agent;
mod crewai;
mod google_adk;
mod haystack;
mod langfuse;
mod langgraph;
mod langsmith;
mod llama_index;
mod logfire;
mod mastra;
mod mcp;
mod openinference;
pub(super) mod openllmetry;
mod otel_genai;
mod pydantic_ai;
mod semantic_kernel;
mod spring_ai;
mod strands;
mod vercel_v5;
mod vercel_v7;

use super::SpanReader;
use crate::model::event::Event;
pub(super) use otel_genai::WORKFLOW;

/// One way of speaking about agents.
struct Dialect {
    /// Whether a span speaks it.
    speaks: fn(&SpanReader<'_>) -> bool,
    /// Fills the event's kind, agent and workflow.
    read: fn(&SpanReader<'_>, &mut Event),
}

/// All dialects, most particular first.
const DIALECTS: &[Dialect] = &[
    Dialect {
        speaks: mcp::speaks,
        read: mcp::read,
    },
    Dialect {
        speaks: vercel_v5::speaks,
        read: vercel_v5::read,
    },
    Dialect {
        speaks: vercel_v7::speaks,
        read: vercel_v7::read,
    },
    Dialect {
        speaks: logfire::speaks,
        read: logfire::read,
    },
    Dialect {
        speaks: langsmith::speaks,
        read: langsmith::read,
    },
    Dialect {
        speaks: langfuse::speaks,
        read: langfuse::read,
    },
    Dialect {
        speaks: crewai::speaks,
        read: crewai::read,
    },
    Dialect {
        speaks: llama_index::speaks,
        read: llama_index::read,
    },
    Dialect {
        speaks: haystack::speaks,
        read: haystack::read,
    },
    Dialect {
        speaks: beeai::speaks,
        read: beeai::read,
    },
    Dialect {
        speaks: ag2::speaks,
        read: ag2::read,
    },
    Dialect {
        speaks: claude_agent::speaks,
        read: claude_agent::read,
    },
    Dialect {
        speaks: mastra::speaks,
        read: mastra::read,
    },
    Dialect {
        speaks: semantic_kernel::speaks,
        read: semantic_kernel::read,
    },
    Dialect {
        speaks: autogen::speaks,
        read: autogen::read,
    },
    Dialect {
        speaks: agent_framework::speaks,
        read: agent_framework::read,
    },
    Dialect {
        speaks: google_adk::speaks,
        read: google_adk::read,
    },
    Dialect {
        speaks: spring_ai::speaks,
        read: spring_ai::read,
    },
    Dialect {
        speaks: strands::speaks,
        read: strands::read,
    },
    Dialect {
        speaks: pydantic_ai::speaks,
        read: pydantic_ai::read,
    },
    Dialect {
        speaks: openllmetry::speaks,
        read: openllmetry::read,
    },
    Dialect {
        speaks: openinference::speaks,
        read: openinference::read,
    },
];

/// Reads a span in its dialect, else by the names of OpenTelemetry.
pub(super) fn read(source: &SpanReader<'_>, event: &mut Event) {
    match DIALECTS.iter().find(|dialect| (dialect.speaks)(source)) {
        Some(dialect) => (dialect.read)(source, event),
        None => otel_genai::read(source, event),
    }
}
