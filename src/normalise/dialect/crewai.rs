//! CrewAI through OpenInference: a delegate has no span of its own, its work nests under the delegating tool; failures of a
//! delegation are only in the tool's result text.

use super::vocabulary::{SDK, Topic, terms};
use super::{Dialect, build, openinference};
use crate::model::Name;
use crate::model::event::{Event, Kind, Target};
use crate::normalise::SpanReader;
use crate::otlp::attribute_key::key;

/// Beginnings of a tool result that says the tool did not do it.
const FAILURES: &[&str] = &[
    "error executing tool",
    "error executing task with agent",
    "error:",
];

/// The dialect.
pub(super) const DIALECT: Dialect = Dialect {
    name: "crewai",
    title: "CrewAI",
    recognised_by: "scope of OpenInference",
    reading: "coworkers from arguments, failures from the texts of results",
    vocabulary: &[
        terms(Topic::InstructionFrame, SDK, &["Current Task: "]),
        terms(Topic::FrameworkAsProvider, SDK, &["crewai"]),
    ],
    recognises,
    read,
};

fn recognises(source: &SpanReader<'_>) -> bool {
    source.scope.name.ends_with("instrumentation.crewai")
        && source.str(key!("openinference.span.kind")).is_some()
}

pub(super) fn read(source: &SpanReader<'_>, event: &mut Event) {
    openinference::read(source, event);
    let span = source.span.name;
    if let (Kind::Tool(_), None, Some(tool)) = (
        &event.kind,
        source.str(key!("tool.name")),
        span.strip_suffix(".run"),
    ) {
        event.kind = build::tool(source, tool);
    }
    match &mut event.kind {
        Kind::Tool(tool) => {
            // CrewAI matches coworkers by their trimmed, lower-case role.
            if let Some(Target::Agent(coworker)) = &mut tool.hands_to {
                *coworker = Name::from(coworker.trim().replace('"', "").to_lowercase());
            }
            let result = source
                .str(key!("output.value"))
                .unwrap_or_default()
                .trim_start();
            tool.failed |= FAILURES.iter().any(|text| {
                let beginning = result.get(..text.len());
                beginning.is_some_and(|b| b.eq_ignore_ascii_case(text))
            });
        }
        Kind::Agent { .. } => {
            let role = event
                .agent
                .as_deref()
                .unwrap_or_default()
                .trim()
                .to_lowercase();
            event.agent = Some(Name::from(role));
        }
        Kind::Workflow => {
            let crew = span.split('.').next().unwrap_or(span).to_owned();
            build::workflow(source, event, Some(&crew));
        }
        Kind::Structure if span.ends_with(".kickoff") => {
            build::workflow(source, event, span.strip_suffix(".kickoff"));
        }
        _ => {}
    }
}
