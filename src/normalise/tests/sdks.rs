//! Known answers of single spans of several SDKs.

use super::*;

#[test]
fn the_three_proposals_for_handoffs() {
    for attributes in [
        [
            ("gen_ai.agent.handoff.source.name", "front"),
            ("gen_ai.agent.handoff.target.name", "desk"),
        ],
        [
            ("gen_ai.transfer.source.name", "front"),
            ("gen_ai.transfer.target.name", "desk"),
        ],
        [
            ("gen_ai.handoff.from_agent", "front"),
            ("gen_ai.handoff.to_agent", "desk"),
        ],
    ] {
        assert_eq!(
            told(&event("app", "handoff", &attributes)),
            "handoff front to desk"
        );
    }
    let human = [
        ("gen_ai.transfer.target.type", "human"),
        ("gen_ai.agent.name", "front"),
        ("gen_ai.operation.name", "transfer"),
    ];
    assert_eq!(told(&event("app", "x", &human)), "handoff - to HUMAN");
}

#[test]
fn names_of_tools_say_who_takes_over() {
    let tool = |name: &str, arguments: &str| {
        let attributes = [
            ("gen_ai.operation.name", "execute_tool"),
            ("gen_ai.tool.name", name),
            ("gen_ai.tool.call.arguments", arguments),
        ];
        told(&event("app", "x", &attributes))
    };
    for (name, arguments, expected) in [
        (
            "transfer_to_desk",
            "{}",
            "tool transfer_to_desk of - to desk only",
        ),
        (
            "handoff_to_human",
            "{}",
            "tool handoff_to_human of - to HUMAN only",
        ),
        (
            "transfer_to_agent",
            r#"{"agent_name": "desk"}"#,
            "tool transfer_to_agent of - to desk only",
        ),
        (
            "handoff_to_agent",
            "",
            "tool handoff_to_agent of - to ? only",
        ),
        (
            "escalate_to_human",
            "{}",
            "tool escalate_to_human of - to HUMAN",
        ),
        (
            "Delegate work to coworker",
            r#"{"coworker": "Desk"}"#,
            "tool Delegate work to coworker of - to Desk only",
        ),
        ("transfer_back_to_front", "{}", "structure of - refused[]"),
        ("transfer_to_user", "{}", "structure of - refused[]"),
        ("look_up", "{}", "tool look_up of -"),
        (
            "\u{2003}\u{a0}transfer_to_desk",
            "{}",
            "tool transfer_to_desk of - to desk only",
        ),
    ] {
        assert_eq!(tool(name, arguments), expected);
    }
}

#[test]
fn microsoft_agent_framework() {
    let scope = "agent_framework";
    assert_eq!(
        told(&event(
            scope,
            "executor.process desk",
            &[("executor.id", "desk")]
        )),
        "structure of - refused[]"
    );
    let agent = [
        ("gen_ai.operation.name", "invoke_agent"),
        ("gen_ai.agent.name", "desk"),
        ("gen_ai.usage.input_tokens", "9"),
    ];
    assert_eq!(
        told(&event(scope, "invoke_agent desk", &agent)),
        "agent desk"
    );
    let call = [
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.request.model", "gpt-4o"),
        ("gen_ai.provider.name", "openai"),
        ("gen_ai.usage.input_tokens", "9"),
        ("gen_ai.usage.output_tokens", "2"),
        (
            "gen_ai.output.messages",
            r#"[{"role":"assistant","parts":[{"type":"tool_call","id":"c","name":"handoff_to_desk","arguments":"{}"}]}]"#,
        ),
    ];
    assert_eq!(
        told(&event(scope, "chat gpt-4o", &call)),
        "call openai/gpt-4o of - in 9 out 2 asks[desk]"
    );
}

#[test]
fn langsmith() {
    let node = [
        ("langsmith.span.kind", "llm"),
        (
            "langsmith.metadata.langgraph_checkpoint_ns",
            "desk:1|agent:2",
        ),
        ("langsmith.metadata.thread_id", "t-1"),
        ("langsmith.trace.session_name", "a project"),
        ("gen_ai.request.model", "gpt-4o"),
        ("gen_ai.system", "openai"),
        ("gen_ai.usage.input_tokens", "10"),
        ("gen_ai.usage.output_tokens", "5"),
        ("gen_ai.usage.input_token_details", r#"{"cache_read": 4}"#),
        (
            "gen_ai.completion",
            r#"{"generations":[[{"message":{"kwargs":{"content":"","tool_calls":[{"name":"transfer_to_desk","args":{},"id":"c","type":"tool_call"}]}}}]]}"#,
        ),
    ];
    let event = event("langsmith", "ChatOpenAI", &node);
    assert_eq!(
        told(&event),
        "call openai/gpt-4o of desk in 10 out 5 asks[desk]"
    );
    assert_eq!(
        &*event.context.session.as_ref().expect("a session").id,
        "t-1"
    );
    let Kind::Model(call) = &event.kind else {
        panic!("a call")
    };
    assert_eq!(call.usage.expect("usage").cache_read, Some(4));
}

#[test]
fn a_langgraph_handoff_is_no_error() {
    let attributes = [
        ("langsmith.span.kind", "chain"),
        ("langsmith.metadata.langgraph_checkpoint_ns", "desk:1"),
    ];
    let event = with("langsmith", "desk", &attributes, |span| {
        span.status = Status::Error;
        span.status_message = "ParentCommand(Command(graph='__parent__'))";
    });
    assert!(!event.error);
    assert_eq!(told(&event), "agent desk inferred");
}

#[test]
fn logfire() {
    let scope = "logfire.openai_agents";
    let template = |template| ("logfire.msg_template", template);
    for (span, attributes, expected) in [
        (
            "Agent run: {name!r}",
            vec![("name", "front")],
            "agent front",
        ),
        (
            "Handoff: {from_agent} → {to_agent}",
            vec![("from_agent", "front"), ("to_agent", "desk")],
            "handoff front to desk",
        ),
        (
            "Function: {name}",
            vec![("name", "look_up")],
            "tool look_up of -",
        ),
        (
            "Turn {turn}",
            vec![
                ("usage", "{}"),
                (
                    "error",
                    r#"{"message":"Tool not found","data":{"tool_name":"transfer_to_desk"}}"#,
                ),
            ],
            "structure of - refused[desk]",
        ),
        (
            "Responses API with {gen_ai.request.model!r}",
            vec![
                ("gen_ai.request.model", "gpt-4o"),
                ("gen_ai.system", "openai"),
                ("gen_ai.usage.input_tokens", "7"),
                ("gen_ai.usage.output_tokens", "1"),
            ],
            "call openai/gpt-4o of - in 7 out 1 asks[]",
        ),
    ] {
        let mut attributes = attributes.clone();
        attributes.push(template(span));
        assert_eq!(told(&event(scope, span, &attributes)), expected);
    }
    let scrubbed = event(
        scope,
        "x",
        &[
            ("session.id", "[Scrubbed due to 'session']"),
            ("user.id", "u"),
        ],
    );
    assert_eq!(scrubbed.context.session, None);
    assert_eq!(scrubbed.context.user.as_deref(), Some("u"));
}

#[test]
fn vercel_seven() {
    let agent = [
        ("gen_ai.operation.name", "invoke_agent"),
        ("gen_ai.agent.name", "desk"),
        ("gen_ai.request.model", "gpt-4o"),
    ];
    assert_eq!(
        told(&event("gen_ai", "invoke_agent gpt-4o", &agent)),
        "agent desk"
    );
    let nameless = [("gen_ai.operation.name", "invoke_agent")];
    assert_eq!(
        told(&event("gen_ai", "invoke_agent gpt-4o", &nameless)),
        "workflow -"
    );
}

#[test]
fn strands_in_its_latest_mode() {
    let tool = [
        ("gen_ai.operation.name", "execute_tool"),
        ("gen_ai.tool.name", "handoff_to_agent"),
        ("gen_ai.system", "strands-agents"),
        (
            "gen_ai.tool.call.arguments",
            r#"{"agent_name": "desk", "message": "take over"}"#,
        ),
        ("gen_ai.tool.status", "error"),
    ];
    let scope = "strands.telemetry.tracer";
    assert_eq!(
        told(&event(scope, "execute_tool handoff_to_agent", &tool)),
        "tool handoff_to_agent of - to desk only failed"
    );
    let chat = [
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.request.model", "m"),
        ("gen_ai.server.time_to_first_token", "3394"),
    ];
    let event = with(scope, "chat", &chat, |span| {
        let messages = r#"[{"role":"assistant","parts":[{"type":"tool_call","id":"c","name":"handoff_to_agent","arguments":{"agent_name":"desk"}}]}]"#;
        span.events.push(SpanEvent {
            name: "gen_ai.client.inference.operation.details",
            time: span.end,
            attributes: Attributes::from_iter([("gen_ai.output.messages", Value::Str(messages))]),
        });
    });
    let Kind::Model(call) = &event.kind else {
        panic!("a call")
    };
    assert_eq!(call.first_token_seconds, Some(3.394));
    assert_eq!(call.requests.len(), 1);
}

#[test]
fn autogen_under_openinference() {
    let scope = "openinference.instrumentation.autogen_agentchat";
    let tool = [("openinference.span.kind", "TOOL")];
    assert_eq!(
        told(&event(scope, "front.transfer_to_desk", &tool)),
        "tool transfer_to_desk of front to desk only"
    );
}

#[test]
fn crewai_under_openllmetry() {
    let agent = [
        ("traceloop.span.kind", "agent"),
        ("traceloop.entity.name", "front"),
    ];
    assert_eq!(
        told(&event(
            "opentelemetry.instrumentation.crewai",
            "front.agent",
            &agent
        )),
        "agent front"
    );
}

#[test]
fn google_adk_under_openinference() {
    let scope = "openinference.instrumentation.google_adk";
    assert_eq!(
        told(&event(
            scope,
            "agent_run [front]",
            &[("openinference.span.kind", "AGENT")]
        )),
        "agent front"
    );
    assert_eq!(
        told(&event(
            scope,
            "invocation [app]",
            &[("openinference.span.kind", "CHAIN")]
        )),
        "workflow app"
    );
    let both = [
        ("openinference.span.kind", "LLM"),
        ("gen_ai.operation.name", "invoke_agent"),
        ("gen_ai.agent.name", "front"),
        ("llm.model_name", "gemini-2.5-pro"),
        ("llm.token_count.prompt", "8"),
    ];
    assert_eq!(
        told(&event("gcp.vertex.agent", "invoke_agent front", &both)),
        "call -/gemini-2.5-pro of front in 8 out 0 asks[] agent"
    );
}

#[test]
fn langfuse() {
    let generation = [
        ("langfuse.observation.type", "generation"),
        ("langfuse.observation.model.name", "gpt-4o-2024-08-06"),
        (
            "langfuse.observation.usage_details",
            r#"{"input": 12, "output": 3, "input_cached_tokens": 4}"#,
        ),
        ("langfuse.observation.cost_details", r#"{"total": 0.02}"#),
        (
            "langfuse.observation.completion_start_time",
            "\"1970-01-01T00:00:01.500Z\"",
        ),
        ("session.id", "s"),
    ];
    let event = event("langfuse-sdk", "answer", &generation);
    assert_eq!(told(&event), "call -/gpt-4o of - in 16 out 3 asks[]");
    let Kind::Model(call) = &event.kind else {
        panic!("a call")
    };
    assert_eq!(call.cost, Cost::Declared(0.02));
    assert_eq!(call.first_token_seconds, Some(0.5));
}

#[test]
fn mcp() {
    let call = [
        ("mcp.method.name", "tools/call"),
        ("gen_ai.tool.name", "look_up"),
        ("error.type", "tool_error"),
        ("mcp.session.id", "transport"),
    ];
    let called = event("mcp", "tools/call look_up", &call);
    assert_eq!(told(&called), "tool look_up of - failed");
    assert_eq!(called.context.session, None);
    assert_eq!(
        told(&event(
            "mcp",
            "tools/list",
            &[("mcp.method.name", "tools/list")]
        )),
        "structure of - refused[]"
    );
}

#[test]
fn spans_that_are_not_about_agents() {
    for (span, attributes) in [
        ("GET /health", vec![("http.request.method", "GET")]),
        (
            "SELECT",
            vec![("db.system", "postgresql"), ("db.query.text", "SELECT 1")],
        ),
        (
            "create_agent x",
            vec![
                ("gen_ai.operation.name", "create_agent"),
                ("gen_ai.agent.name", "x"),
            ],
        ),
    ] {
        assert!(
            matches!(event("app", span, &attributes).kind, Kind::Structure),
            "{span}"
        );
    }
}

#[test]
fn money_is_declared_or_computed_or_unknown() {
    let cost = |extra: &[(&str, &str)]| {
        let mut attributes = vec![
            ("gen_ai.operation.name", "chat"),
            ("gen_ai.request.model", "m"),
        ];
        attributes.extend(extra);
        match event("app", "chat", &attributes).kind {
            Kind::Model(call) => call.cost,
            _ => panic!("a call"),
        }
    };
    assert_eq!(cost(&[]), Cost::Unknown);
    assert_eq!(cost(&[("gen_ai.usage.input_tokens", "3")]), Cost::Unpriced);
    assert_eq!(
        cost(&[("gen_ai.usage.cost.total", "0.5")]),
        Cost::Declared(0.5)
    );
    assert_eq!(
        cost(&[
            ("gen_ai.usage.cost.input", "0.5"),
            ("gen_ai.usage.cost.output", "0.25")
        ]),
        Cost::Declared(0.75)
    );
    assert_eq!(cost(&[("operation.cost", "0.1")]), Cost::Declared(0.1));
}

#[test]
fn long_names_are_cut_at_a_character() {
    let long = "é".repeat(100);
    let names = interner::NameInterners::default();
    assert_eq!(names.name(&long).len(), 128);
    let odd = format!("x{long}");
    assert_eq!(names.name(&odd).len(), 127);
}
