//! What dialects say in span events.

use super::{kept, with};
use crate::model::event::Target;
use crate::normalise::*;
use crate::otlp::view::{SpanEvent, Value};

#[test]
fn strands_shows_the_target_of_a_handoff_in_span_events() {
    let target = |tool: &str, name: &'static str, key: &'static str, text: String| {
        let attributes = [
            ("gen_ai.operation.name", "execute_tool"),
            ("gen_ai.tool.name", tool),
        ];
        let found = with("strands.telemetry", "t", &attributes, |span| {
            let attribute = (key, Value::Str(kept(&text)));
            span.events.push(SpanEvent {
                name,
                time: span.start,
                attributes: [attribute].into_iter().collect(),
            });
        });
        match found.kind {
            Kind::Tool(tool) => tool.hands_to,
            other => panic!("no tool: {other:?}"),
        }
    };
    let desk = || Some(Target::Agent("desk".into()));
    let arguments = r#"{"agent_name":"desk"}"#;
    let message = "gen_ai.tool.message";
    for (tool, event, key, expected) in [
        ("handoff_to_agent", message, "content", desk()),
        ("handoff_to_agent", message, "x", Some(Target::Unknown)),
        ("handoff_to_agent", "x", "content", Some(Target::Unknown)),
        // Where the tool's name says it, and where nothing is handed over, the event is not asked.
        (
            "transfer_to_front",
            message,
            "content",
            Some(Target::Agent("front".into())),
        ),
        ("lookup", message, "content", None),
    ] {
        let found = target(tool, event, key, arguments.to_owned());
        assert_eq!(found, expected, "{tool}: {event}, {key}");
    }
    let nested = |depth, open: &str, field: &str, close: &str| {
        let text = [
            &open.repeat(depth),
            r#"{""#,
            field,
            r#"":"#,
            arguments,
            "}",
            &close.repeat(depth),
        ];
        target(
            "handoff_to_agent",
            "gen_ai.client.inference.operation.details",
            "gen_ai.input.messages",
            text.concat(),
        )
    };
    for (open, close) in [("[", "]"), (r#"{"x":"#, "}")] {
        for field in ["arguments", "input"] {
            for (depth, expected) in [(0, desk()), (8, desk()), (9, Some(Target::Unknown))] {
                let found = nested(depth, open, field, close);
                assert_eq!(found, expected, "{field} in {depth} of {open}");
            }
        }
        assert_eq!(nested(1, open, "x", close), Some(Target::Unknown));
    }
}
