//! LangGraph's own metadata, which OpenInference, OpenLLMetry and LangSmith all copy: where in the graph a run stands.

use crate::normalise::declared::{self, unquoted};
use crate::normalise::{SpanReader, topics};
use crate::otlp::attribute_key::key;
use serde_json::Value;

/// Nodes that every prebuilt agent has; their names say nothing.
const GENERIC: &[&str] = &[
    "agent",
    "model",
    "call_model",
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

/// Whether a node's name says nothing of an agent.
pub(super) fn is_generic(node: &str) -> bool {
    GENERIC.contains(&node)
}

/// The place of a run in the graph.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct GraphPlace {
    /// The agent whose work it is, where the graph names it.
    pub(super) agent: Option<String>,
    /// The run is that agent's node itself.
    pub(super) is_node: bool,
}

/// Reads `langgraph_checkpoint_ns`, e.g. `writer:0b4d…|agent:77aa…`: node names from the outermost graph inwards.
pub(super) fn place(source: &SpanReader<'_>) -> Option<GraphPlace> {
    let attributes = source.attributes();
    let run = run_name(source.span.name);
    if let Some(namespace) = attributes.first_str(topics::GRAPH_NAMESPACE) {
        let agent = attributes.first_str(topics::GRAPH_AGENT).map(unquoted);
        return Some(of_namespace(&unquoted(namespace), agent.as_deref(), run));
    }
    let metadata = declared::object(attributes.get(key!("metadata"))?)?;
    let text = |key: &str| metadata.get(key).and_then(Value::as_str);
    let namespace = text("langgraph_checkpoint_ns")?;
    Some(of_namespace(namespace, text("lc_agent_name"), run))
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
    let inner = nodes.iter().rev().take_while(|n| GENERIC.contains(n));
    let around = &nodes[..nodes.len() - inner.count()];
    let owner = if around.len() < nodes.len() {
        around.last()
    } else {
        nodes.first()
    };
    let agent = owner.copied().filter(|node| !GENERIC.contains(node));
    let agent = declared.filter(|agent| !agent.is_empty()).or(agent);
    GraphPlace {
        is_node: nodes.len() == 1 && agent == Some(run),
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
