//! LangGraph's own metadata, which OpenInference, OpenLLMetry and LangSmith all copy: where in the graph a run stands.

use crate::model::event::{Event, Kind};
use crate::normalise::declared::{self, unquoted};
use crate::normalise::{SpanReader, metadata, topics};
use crate::otlp::view;
use serde_json::Value;
use std::borrow::Cow;

/// The names under which the metadata holds them.
const NAMESPACE: &str = "langgraph_checkpoint_ns";
const AGENT: &str = "lc_agent_name";

/// Nodes that every prebuilt agent has; their names say nothing.
const GENERIC: &[&str] = &[
    "agent",
    "model",
    "call_model",
    "call_agent",
    "call_llm",
    "call_tools",
    "tools",
    "tool",
    "llm",
    "chatbot",
    "generate_structured_response",
    "pre_model_hook",
    "post_model_hook",
    "__start__",
    "__end__",
    "model_request",
];
/// How the nodes of a middleware end, e.g. `SummarizationMiddleware.before_model`.
const GENERIC_ENDS: &[&str] = &[
    ".before_model",
    ".after_model",
    ".before_agent",
    ".after_agent",
    ".wrap_model_call",
    ".wrap_tool_call",
];

/// Whether a node's name says nothing of an agent.
pub(super) fn is_generic(node: &str) -> bool {
    GENERIC.contains(&node) || GENERIC_ENDS.iter().any(|end| node.ends_with(end))
}

/// The place of a run in the graph.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct GraphPlace {
    /// The agent whose work it is, where the graph names it.
    pub(super) agent: Option<String>,
    /// The run is that agent's node itself.
    pub(super) is_node: bool,
}

/// Reads `langgraph_checkpoint_ns`, e.g. `writer:0b4d…|agent:77aa…`: node names from the outermost graph inwards. It stands in an
/// attribute of its own, in an object of metadata, or in an entry of metadata that is an attribute.
pub(super) fn place(source: &SpanReader<'_>) -> Option<GraphPlace> {
    let attributes = source.attributes();
    let run = run_name(source.span.name);
    if let Some(namespace) = attributes.first_str(topics::GRAPH_NAMESPACE) {
        let agent = attributes.first_str(topics::GRAPH_AGENT).map(unquoted);
        return Some(of_namespace(&unquoted(namespace), agent.as_deref(), run));
    }
    let objects = topics::METADATA
        .iter()
        .filter_map(|key| attributes.get(*key));
    objects
        .filter(|value| may_have(value))
        .filter_map(declared::object)
        .find_map(|object| in_object(&object, run))
        .or_else(|| in_entries(source, run))
}

/// Metadata is parsed only if it may say something.
fn may_have(value: &view::Value<'_>) -> bool {
    match value {
        view::Value::Str(text) => text.contains(NAMESPACE) || text.contains(AGENT),
        _ => true,
    }
}

fn in_object(metadata: &Value, run: &str) -> Option<GraphPlace> {
    let text = |key: &str| metadata.get(key).and_then(Value::as_str);
    let (namespace, agent) = (text(NAMESPACE), text(AGENT));
    let says = namespace.or(agent).is_some();
    says.then(|| of_namespace(namespace.unwrap_or_default(), agent, run))
}

/// `my.metadata.langgraph_checkpoint_ns`.
fn in_entries(source: &SpanReader<'_>, run: &str) -> Option<GraphPlace> {
    let (mut namespace, mut agent) = (None, None);
    for (key, value) in source.attributes().others() {
        let found = match key {
            _ if key.ends_with(NAMESPACE) => &mut namespace,
            _ if key.ends_with(AGENT) => &mut agent,
            _ => continue,
        };
        if metadata::in_metadata(key).is_some_and(|own| matches!(own, NAMESPACE | AGENT)) {
            *found = value.as_str().map(unquoted);
        }
    }
    let says = namespace.is_some() || agent.is_some();
    let namespace = namespace.unwrap_or(Cow::Borrowed(""));
    says.then(|| of_namespace(&namespace, agent.as_deref(), run))
}

/// Gives a span of LangGraph its agent, in whatever dialect its metadata came: a prebuilt node is none.
pub(super) fn name_agent(source: &SpanReader<'_>, event: &mut Event) {
    let named = event.agent.as_deref();
    if named.is_some_and(|agent| !is_generic(agent)) {
        return;
    }
    let Some(place) = place(source) else { return };
    if named.is_some() && matches!(event.kind, Kind::Agent { .. }) {
        event.kind = Kind::Structure;
    }
    event.agent = place.agent.map(|agent| source.name(&agent));
}

/// The name of the run without what an SDK puts around it.
fn run_name(span: &str) -> &str {
    let name = span.strip_prefix("execute_task ").unwrap_or(span);
    name.strip_suffix(".task").unwrap_or(name)
}

fn of_namespace(namespace: &str, declared: Option<&str>, run: &str) -> GraphPlace {
    let nodes: Vec<&str> = namespace
        .split('|')
        .filter_map(|segment| segment.split(':').next())
        .filter(|node| !node.is_empty())
        .collect();
    // The prebuilt nodes at the inner end belong to the node around them.
    let inner = nodes.iter().rev().take_while(|n| is_generic(n));
    let around = &nodes[..nodes.len() - inner.count()];
    let owner = if around.len() < nodes.len() {
        around.last()
    } else {
        nodes.first()
    };
    let agent = owner.copied().filter(|node| !is_generic(node));
    let agent = declared.filter(|agent| !agent.is_empty()).or(agent);
    GraphPlace {
        is_node: nodes.len() <= 1 && agent == Some(run),
        agent: agent.map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::of_namespace;

    #[test]
    fn the_agent_is_the_node_around_the_prebuilt_ones() {
        for (namespace, run, agent, is_node) in [
            ("writer:1|agent:2", "agent", Some("writer"), false),
            ("writer:1", "writer", Some("writer"), true),
            ("writer:1", "ChatOpenAI", Some("writer"), false),
            (
                "team:1|searcher:2|tools:3",
                "lookup",
                Some("searcher"),
                false,
            ),
            ("writer:1|agent:2|tools:3", "lookup", Some("writer"), false),
            ("agent:1|tools:2", "tools", None, false),
            ("writer:1|plan:2", "plan", Some("writer"), false),
            ("agent:1", "agent", None, false),
            ("__start__:1", "route", None, false),
            ("", "x", None, false),
        ] {
            let place = of_namespace(namespace, None, run);
            assert_eq!(
                (place.agent.as_deref(), place.is_node),
                (agent, is_node),
                "{namespace}"
            );
        }
    }

    #[test]
    fn an_agent_that_says_its_name_needs_no_node_of_it() {
        for (namespace, run, agent, is_node) in [
            ("tools:1", "writer", "writer", true),
            ("tools:1", "lookup", "writer", false),
            (
                "Summary.before_model:1",
                "Summary.before_model",
                "writer",
                false,
            ),
            ("team:1|model:2", "ChatOpenAI", "writer", false),
        ] {
            let place = of_namespace(namespace, Some("writer"), run);
            let found = (place.agent.as_deref(), place.is_node);
            assert_eq!(found, (Some(agent), is_node), "{namespace}");
        }
        let place = of_namespace("writer:1", Some(""), "writer");
        assert_eq!(place.agent.as_deref(), Some("writer"));
    }
}
