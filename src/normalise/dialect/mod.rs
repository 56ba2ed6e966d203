//! The dialects, one file each, and the table of them.
//!
//! A dialect is added with its file and one line in [`DIALECTS`]. Its vocabulary brings the attribute names that it needs.
//!
//! | File | Content |
//! |---|---|
//! | `vocabulary.rs` | what terms mean, and the merge of all vocabularies into one list per topic |
//! | `build.rs` | what several dialects build alike |
//! | `langgraph.rs` | the metadata of LangGraph, which several instrumentations copy |
//! | `taught.rs` | dialects of the configuration |
//! | the others | one dialect each |

mod ag2;
mod agent365;
mod agent_framework;
mod agentops;
mod agentscope;
mod anthropic;
mod autogen;
mod beeai;
pub(super) mod build;
mod claude_agent;
mod claude_code;
mod crewai;
mod gemini_cli;
mod genkit;
mod google_adk;
mod haystack;
mod koog;
mod laminar;
mod langchain4j;
mod langfuse;
mod langgraph;
mod langsmith;
mod litellm;
mod livekit;
mod llama_index;
mod logfire;
mod mastra;
mod mcp;
mod mlflow;
mod money_terms;
mod openinference;
mod openlit;
mod openllmetry;
mod otel_genai;
mod pipecat;
mod pydantic_ai;
mod semantic_kernel;
mod spring_ai;
mod strands;
pub(super) mod taught;
mod vercel_v5;
mod vercel_v7;
pub(super) mod vocabulary;
mod voltagent;

use super::SpanReader;
use crate::model::event::Event;
pub(super) use build::stopped;
use money_terms::TERMS as MONEY_TERMS;
use vocabulary::Terms;

/// The conventions of one SDK, instrumentation or standard.
#[derive(Debug)]
pub struct Dialect {
    /// Its name as a label.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// How it is recognised, for people.
    pub recognised_by: &'static str,
    /// What is particular to its reading, for people.
    pub reading: &'static str,
    /// Which of its terms mean what.
    vocabulary: &'static [Terms],
    /// Whether a span is of this dialect.
    recognises: fn(&SpanReader<'_>) -> bool,
    /// Fills the event's kind, agent and workflow.
    read: fn(&SpanReader<'_>, &mut Event),
}

/// All dialects, the most particular first. The first one that recognises a span reads it.
pub const DIALECTS: &[Dialect] = &[
    mcp::DIALECT,
    vercel_v5::DIALECT,
    vercel_v7::DIALECT,
    agentops::DIALECT,
    claude_code::DIALECT,
    gemini_cli::DIALECT,
    livekit::DIALECT,
    pipecat::DIALECT,
    logfire::DIALECT,
    langsmith::DIALECT,
    langfuse::DIALECT,
    litellm::DIALECT,
    openlit::DIALECT,
    anthropic::DIALECT,
    crewai::DIALECT,
    llama_index::DIALECT,
    haystack::DIALECT,
    beeai::DIALECT,
    ag2::DIALECT,
    genkit::DIALECT,
    voltagent::DIALECT,
    laminar::DIALECT,
    claude_agent::DIALECT,
    mastra::DIALECT,
    semantic_kernel::DIALECT,
    autogen::DIALECT,
    agent365::DIALECT,
    agent_framework::DIALECT,
    google_adk::DIALECT,
    spring_ai::DIALECT,
    langchain4j::DIALECT,
    strands::DIALECT,
    pydantic_ai::DIALECT,
    agentscope::DIALECT,
    koog::DIALECT,
    mlflow::DIALECT,
    openllmetry::DIALECT,
    openinference::DIALECT,
    otel_genai::DIALECT,
];

/// The number of the dialect of a span.
pub(super) fn recognise(source: &SpanReader<'_>) -> Option<usize> {
    let recognises = |dialect: &Dialect| (dialect.recognises)(source);
    DIALECTS.iter().position(recognises)
}

/// Reads a span in its dialect, else by the names of OpenTelemetry. Returns the number of the dialect.
pub(super) fn read(source: &SpanReader<'_>, event: &mut Event) -> Option<usize> {
    let number = recognise(source);
    let read = number.map_or(otel_genai::DIALECT.read, |number| DIALECTS[number].read);
    read(source, event);
    langgraph::name_agent(source, event);
    number
}

#[cfg(test)]
mod tests {
    use super::DIALECTS;
    use std::collections::BTreeSet;
    use std::fmt::Write as _;

    const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/dialects.md");
    const BEGIN: &str = "<!-- dialects: written by src/normalise/dialect/mod.rs -->\n\n";
    const END: &str = "\n<!-- end of dialects -->";

    #[test]
    fn the_page_has_the_table() {
        let mut table = String::from(
            "| Dialect | Label | Recognized by | How it is read |\n|---|---|---|---|\n",
        );
        for d in DIALECTS {
            let (by, reading) = (d.recognised_by, d.reading);
            let _ = writeln!(table, "| {} | `{}` | {by} | {reading} |", d.title, d.name);
        }
        let page = std::fs::read_to_string(PAGE).expect("the page is there");
        let (before, rest) = page.split_once(BEGIN).expect("the table begins");
        let (_, after) = rest.split_once(END).expect("the table ends");
        let written = format!("{before}{BEGIN}{table}{END}{after}");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(PAGE, &written).expect("the page can be written");
            return;
        }
        assert_eq!(page, written, "run UPDATE=1 cargo test --lib dialect");
    }

    #[test]
    fn names_are_labels_and_differ() {
        let names: BTreeSet<&str> = DIALECTS.iter().map(|dialect| dialect.name).collect();
        assert_eq!(names.len(), DIALECTS.len());
        for name in names {
            let is_label = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            assert!(name.chars().all(is_label), "{name}");
        }
    }
}
