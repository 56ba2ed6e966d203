//! Tests of the general rules, which must hold for emitters without a recording.

use super::{event, told, with};
use crate::model::event::Usage;
use crate::normalise::*;
use crate::otlp::view::{Attributes, Status, Value};

const MODEL: (&str, &str) = ("gen_ai.request.model", "m-1");
const IN: (&str, &str) = ("gen_ai.usage.input_tokens", "10");
const OUT: (&str, &str) = ("gen_ai.usage.output_tokens", "5");

fn operation(name: &str) -> (&str, &str) {
    ("gen_ai.operation.name", name)
}

fn usage(scope: &str, attributes: &[(&str, &str)]) -> Option<Usage> {
    match event(scope, "chat", attributes).kind {
        Kind::Model(call) => call.usage,
        _ => None,
    }
}

#[test]
fn an_unknown_operation_is_read_by_its_evidence() {
    let call = "call -/m-1 of - in 10 out 5 asks[]";
    let nothing = "structure of - refused[]";
    for (attributes, expected) in [
        (vec![operation("interpret"), MODEL, IN, OUT], call),
        (vec![operation("agent_step"), MODEL], nothing),
        (vec![operation("create_agent"), MODEL], nothing),
        (vec![operation("plan")], nothing),
        (
            vec![
                operation("run_function"),
                ("gen_ai.tool.name", "look_up"),
                ("gen_ai.tool.call.id", "c"),
            ],
            "tool look_up of -",
        ),
        (
            vec![
                operation("framework"),
                ("spring.ai.tool.definition.name", "look_up"),
            ],
            "tool look_up of -",
        ),
    ] {
        assert_eq!(
            told(&event("app", "x", &attributes)),
            expected,
            "{attributes:?}"
        );
    }
}

#[test]
fn a_span_that_has_only_its_name_is_read_by_it() {
    for (span, expected) in [
        ("execute_tool look_up", "tool look_up of -"),
        (
            "execute_tool transfer_to_desk",
            "tool transfer_to_desk of - to desk only",
        ),
        ("invoke_agent desk", "agent desk"),
        ("invoke_agent", "structure of - refused[]"),
        ("executed", "structure of - refused[]"),
    ] {
        assert_eq!(told(&event("app", span, &[])), expected);
    }
}

#[test]
fn a_tool_without_a_name_keeps_the_name_of_its_span() {
    let attributes = [operation("execute_tool")];
    assert_eq!(
        told(&event("app", "look_up", &attributes)),
        "tool look_up of -"
    );
}

#[test]
fn plugins_and_servers_in_front_of_a_tool_hide_no_handoff() {
    for (tool, expected) in [
        (
            "Desk-transfer_to_x",
            "tool Desk-transfer_to_x of - to x only",
        ),
        (
            "mcp__team__transfer_to_x",
            "tool transfer_to_x of - to x only",
        ),
        ("team.handoff_to_x", "tool team.handoff_to_x of - to x only"),
        ("transfer-to-x", "tool transfer-to-x of - to x only"),
        ("Desk-look_up", "tool Desk-look_up of -"),
        ("bank.transfer", "tool bank.transfer of -"),
    ] {
        let attributes = [operation("execute_tool"), ("gen_ai.tool.name", tool)];
        assert_eq!(told(&event("app", "x", &attributes)), expected);
    }
}

#[test]
fn parallel_calls_are_all_asked_for() {
    let output = r#"[{"role":"assistant","parts":[
        {"type":"tool_call","id":"1","name":"transfer_to_a","arguments":{}},
        {"type":"tool_call","id":"2","name":"look_up","arguments":{}},
        {"type":"tool_call","id":"3","name":"transfer_to_b","arguments":{}}]}]"#;
    let attributes = [operation("chat"), ("gen_ai.output.messages", output)];
    assert_eq!(
        told(&event("app", "chat", &attributes)),
        "call -/- of - in 0 out 0 asks[a,b]"
    );
}

#[test]
fn an_answer_by_a_tool_is_an_answer_and_no_work() {
    let output = r#"[{"role":"assistant","parts":[{"type":"tool_call","name":"final_answer","arguments":{}}]}]"#;
    let attributes = [operation("chat"), ("gen_ai.output.messages", output)];
    let Kind::Model(call) = event("app", "chat", &attributes).kind else {
        panic!("a call")
    };
    assert_eq!(call.answered, Some(true));
    let attributes = [
        operation("execute_tool"),
        ("gen_ai.tool.name", "final_answer"),
    ];
    assert_eq!(
        told(&event("app", "x", &attributes)),
        "structure of - refused[]"
    );
}

#[test]
fn what_no_attribute_says_of_tokens_is_in_the_raw_usage() {
    let parts = |cache_read, cache_write, reasoning| {
        Some(Usage {
            input: 10,
            output: 5,
            cache_read,
            cache_write,
            reasoning,
        })
    };
    let responses = r#"{"input_tokens":10,"output_tokens":5,"input_tokens_details":{"cached_tokens":4},"output_tokens_details":{"reasoning_tokens":3}}"#;
    let chat = r#"{"prompt_tokens":10,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":3}}"#;
    let langchain = r#"{"input_tokens":10,"output_tokens":5,"input_token_details":{"cache_read":4,"cache_creation":1},"output_token_details":{"reasoning":3}}"#;
    for (raw, expected) in [
        (responses, parts(Some(4), None, Some(3))),
        (chat, parts(Some(4), None, Some(3))),
        (langchain, parts(Some(4), Some(1), Some(3))),
        ("{}", parts(None, None, None)),
        ("no JSON", parts(None, None, None)),
    ] {
        let attributes = [operation("chat"), IN, OUT, ("gen_ai.usage.raw", raw)];
        assert_eq!(usage("app", &attributes), expected, "{raw}");
    }
    // The attribute of its own wins, and a raw object alone is enough.
    let own = ("gen_ai.usage.cache_read.input_tokens", "2");
    let attributes = [operation("chat"), IN, OUT, own, ("gen_ai.usage.raw", chat)];
    assert_eq!(usage("app", &attributes), parts(Some(2), None, Some(3)));
    let attributes = [operation("chat"), ("gen_ai.usage.raw", chat)];
    assert_eq!(usage("app", &attributes), parts(Some(4), None, Some(3)));
}

#[test]
fn hand_written_session_ids_are_found_and_a_thread_of_the_system_is_none() {
    for (key, found) in [
        ("session_id", true),
        ("conversation_id", true),
        ("sessionId", true),
        ("spring.ai.chat.client.conversation.id", true),
        ("thread.id", false),
        ("mcp.session.id", false),
    ] {
        let session = event("app", "x", &[(key, "s")]).context.session.clone();
        assert_eq!(session.is_some(), found, "{key}");
    }
}

#[test]
fn the_group_of_the_openai_agents_sdk_is_the_conversation() {
    let attributes = [
        ("logfire.msg_template", "OpenAI Agents trace: {name}"),
        ("name", "desk"),
        ("group_id", "g-1"),
        ("session.id", "[Scrubbed due to 'session']"),
    ];
    let event = event(
        "logfire.openai_agents",
        "OpenAI Agents trace: {name}",
        &attributes,
    );
    let session = event.context.session.as_ref().expect("it has one");
    assert_eq!(&*session.id, "g-1");
}

#[test]
fn a_failed_call_of_langsmith_is_marked_ok() {
    let attributes = [("langsmith.span.kind", "llm"), MODEL];
    let failed = with("langsmith", "Chat", &attributes, |span| {
        span.status = Status::Ok;
        span.events = vec![crate::otlp::view::SpanEvent {
            name: "exception",
            time: span.end,
            attributes: Attributes::default(),
        }];
    });
    assert_eq!(told(&failed), "call -/m-1 of - in 0 out 0 asks[] failed");
}

#[test]
fn a_private_method_of_a_model_is_no_call() {
    let attributes = [
        ("openinference.span.kind", "LLM"),
        ("llm.model_name", "m-1"),
    ];
    for (span, expected) in [
        ("Model._prepare", "structure of - refused[]"),
        ("Model.__call__", "call -/m-1 of - in 0 out 0 asks[]"),
        ("Model.chat", "call -/m-1 of - in 0 out 0 asks[]"),
    ] {
        assert_eq!(told(&event("app", span, &attributes)), expected);
    }
}

#[test]
fn llama_index_names_the_agent_of_a_step_in_what_it_prints() {
    let printed = r#"AgentOutput(text="current_agent_name='x'", current_agent_name='desk')"#;
    let attributes = [
        ("openinference.span.kind", "CHAIN"),
        ("output.value", printed),
    ];
    let scope = "openinference.instrumentation.llama_index";
    let step = event(scope, "AgentWorkflow.run_agent_step", &attributes);
    assert_eq!(told(&step), "structure of desk refused[]");
}

#[test]
fn haystack() {
    let output = r#"{"replies":[{"role":"assistant","meta":{"model":"m-1","usage":{"prompt_tokens":10,"completion_tokens":5}},
        "content":[{"tool_call":{"tool_name":"transfer_to_desk","arguments":{},"id":"c"}}]}]}"#;
    for (span, attributes, expected) in [
        ("haystack.agent.run", vec![], "workflow -"),
        (
            "haystack.agent.step.llm",
            vec![("haystack.agent.step.llm.output", output)],
            "call -/m-1 of - in 10 out 5 asks[desk]",
        ),
        (
            "haystack.component.run",
            vec![
                ("haystack.component.type", "OpenAIChatGenerator"),
                ("haystack.component.output", output),
            ],
            "call -/m-1 of - in 10 out 5 asks[desk]",
        ),
        (
            "haystack.component.run",
            vec![("haystack.component.type", "InMemoryBM25Retriever")],
            "retrieval",
        ),
        (
            "haystack.agent.step.tool",
            vec![("haystack.tool.name", "look_up")],
            "tool look_up of -",
        ),
        ("haystack.agent.step", vec![], "structure of - refused[]"),
    ] {
        assert_eq!(told(&event("app", span, &attributes)), expected);
    }
}

#[test]
fn semantic_kernel_calls_a_function_by_its_plugin() {
    let scope = "semantic_kernel.functions.kernel_function";
    for (tool, expected) in [
        ("Desk-look_up", "tool look_up of -"),
        (
            "Handoff-transfer_to_desk",
            "tool transfer_to_desk of - to desk only",
        ),
    ] {
        let attributes = [operation("execute_tool"), ("gen_ai.tool.name", tool)];
        assert_eq!(told(&event(scope, "execute_tool", &attributes)), expected);
    }
}

#[test]
fn a_call_that_stopped_by_an_error_has_failed() {
    let call = [operation("chat"), MODEL];
    for (key, reason, failed) in [
        ("gen_ai.response.finish_reasons", r#"["error"]"#, true),
        ("gen_ai.response.finish_reasons", r#"["stop"]"#, false),
        ("ai.response.finishReason", "error", true),
        ("llm.finish_reason", "no error", false),
    ] {
        let attributes = [call[0], call[1], (key, reason)];
        let said = told(&event("app", "chat", &attributes));
        assert_eq!(said.ends_with(" failed"), failed, "{key} {reason}");
    }
    let listed = with("app", "chat", &call, |span| {
        let reasons = ["stop", "error"].map(Value::Str);
        let key = "gen_ai.response.finish_reasons";
        span.attributes.push(key, Value::Array(reasons.to_vec()));
    });
    assert!(told(&listed).ends_with(" failed"));
}

#[test]
fn metadata_of_the_user_is_found_behind_any_prefix() {
    let attributes = [
        ("mastra.metadata.userId", "u"),
        ("mastra.metadata.thread_id", "t"),
        ("mastra.metadata.sessionId", "s"),
        ("mastra.metadata.runId", "r"),
    ];
    let found = event("app", "x", &attributes);
    assert_eq!(
        found.context.session.clone().map(|s| s.id).as_deref(),
        Some("s")
    );
    assert_eq!(found.context.user.as_deref(), Some("u"));
    let near = [
        ("metadata.run.sessionId", "s"),
        ("my_metadata.sessionId", "s"),
    ];
    assert_eq!(event("app", "x", &near).context.session, None);
}

#[test]
fn beeai_makes_spans_of_its_events() {
    let scope = "openinference.instrumentation.beeai";
    for (kind, expected) in [
        ("LLM", "call -/m-1 of - in 0 out 0 asks[]"),
        ("TOOL", "tool error of -"),
        ("AGENT", "workflow error"),
    ] {
        let attributes = [
            ("openinference.span.kind", kind),
            ("llm.model_name", "m-1"),
            ("metadata.path", "backend.chat.error"),
        ];
        let own = event(scope, "error", &attributes[..2]);
        assert_eq!(told(&own), expected);
        let sent = event(scope, "error", &attributes);
        assert_eq!(told(&sent), "structure of - refused[]", "{kind}");
        assert_eq!(sent.workflow, None);
    }
}

#[test]
fn mastra_calls_a_subagent_as_a_tool() {
    for (span, kind, expected) in [
        (
            "execute_tool agent-desk",
            "execute_tool",
            "tool agent-desk of - to desk only",
        ),
        ("execute_tool look_up", "execute_tool", "tool look_up of -"),
        (
            "client_tool_call agent-desk",
            "client_tool_call",
            "tool agent-desk of - to desk only",
        ),
        (
            "client_tool_call look_up",
            "client_tool_call",
            "tool look_up of -",
        ),
        ("agent_step desk", "agent_step", "structure of - refused[]"),
    ] {
        let attributes = [("mastra.span.type", "x"), operation(kind)];
        let found = event("app", span, &attributes);
        assert_eq!(told(&found), expected, "{span}");
        if let Kind::Tool(tool) = found.kind {
            assert_eq!(tool.delegates, tool.hands_to.is_some());
        }
    }
}

#[test]
fn spring_ai_adds_up_the_calls_between_which_it_runs_tools() {
    let usage_is_cumulative =
        |attributes: &[(&str, &str)]| match event("app", "chat", attributes).kind {
            Kind::Model(call) => call.usage_is_cumulative,
            other => panic!("no call: {other:?}"),
        };
    let offered = ("spring.ai.model.request.tool.names", r#"["look_up"]"#);
    let reason = |reason| ("gen_ai.response.finish_reasons", reason);
    for (why, expected) in [
        (r#"["TOOL_CALLS"]"#, true),
        (r#"["tool_use"]"#, true),
        (r#"["STOP"]"#, false),
    ] {
        assert_eq!(
            usage_is_cumulative(&[operation("chat"), offered, reason(why)]),
            expected
        );
        assert!(
            !usage_is_cumulative(&[operation("chat"), reason(why)]),
            "not its own"
        );
    }
}

#[test]
fn langchain_for_javascript_names_a_tool_in_its_answer() {
    let message = |name: &str| {
        format!(r#"{{"id":["ToolMessage"],"kwargs":{{"name":"{name}","tool_call_id":"c-1"}}}}"#)
    };
    let command = |name: &str| format!(r#"{{"update":{{"messages":[{{}},{}]}}}}"#, message(name));
    let class = "tool DynamicStructuredTool of -";
    for (answer, expected) in [
        (message("look_up"), "tool look_up of -"),
        (command("look_up"), "tool look_up of -"),
        (message("escalate"), "tool escalate of - to HUMAN"),
        (command("transfer_to_desk"), "structure of - refused[]"),
        (r#"{"kwargs":{"name":"look_up"}}"#.to_owned(), class),
        (String::new(), class),
    ] {
        let attributes = [
            operation("execute_tool"),
            ("traceloop.span.kind", "task"),
            ("traceloop.entity.output", answer.as_str()),
        ];
        let found = event("app", "execute_tool DynamicStructuredTool", &attributes);
        assert_eq!(told(&found), expected, "{answer}");
        if let Kind::Tool(tool) = found.kind {
            let id = tool.call_id.as_deref() == Some("c-1");
            assert_eq!(id, expected != class, "{answer}");
        }
    }
}

#[test]
fn an_answer_names_no_tool_that_has_a_name_and_makes_no_tool_of_another_step() {
    let answer = r#"{"kwargs":{"name":"look_up","tool_call_id":"c-1"}}"#;
    let named = [operation("execute_tool"), ("gen_ai.tool.name", "search")];
    for (attributes, expected) in [
        (&named[..], "tool search of -"),
        (&[], "structure of - refused[]"),
    ] {
        let answers = [
            ("traceloop.span.kind", "task"),
            ("traceloop.entity.output", answer),
        ];
        let found = event("app", "step", &[attributes, &answers].concat());
        assert_eq!(told(&found), expected);
    }
}

#[test]
fn a_tool_that_calls_a_subagent_says_which_in_an_argument() {
    let subagent = r#"{"subagent_type":"desk","prompt":"x"}"#;
    for (tool, arguments, expected) in [
        ("Agent", subagent, "tool Agent of - to desk only"),
        ("task", subagent, "tool task of - to desk only"),
        ("task", r#"{"prompt":"x"}"#, "tool task of -"),
        ("look_up", subagent, "tool look_up of -"),
        ("mcp__desk__look_up", "{}", "tool look_up of -"),
        ("mcp__look_up", "{}", "tool mcp__look_up of -"),
    ] {
        let attributes = [
            ("openinference.span.kind", "TOOL"),
            ("tool.name", tool),
            ("tool.id", "c-1"),
            ("input.value", arguments),
        ];
        let found = event("app", tool, &attributes);
        assert_eq!(told(&found), expected, "{tool} {arguments}");
        let Kind::Tool(call) = found.kind else {
            panic!("no tool: {tool}")
        };
        assert_eq!(call.call_id.as_deref(), Some("c-1"));
        assert_eq!(call.delegates, call.hands_to.is_some());
    }
    let scope = "openinference.instrumentation.claude_agent_sdk";
    let span = [
        ("openinference.span.kind", "AGENT"),
        ("agent.name", "Agent"),
    ];
    assert_eq!(told(&event(scope, "SDK.Agent", &span)), "agent -");
}

#[test]
fn ag2_keeps_accounts_beside_its_calls() {
    let call = "call -/m-1 of - in 10 out 5 asks[]";
    for (kind, expected) in [
        ("model_call", "structure of - refused[]"),
        ("subtask", "structure of - refused[]"),
        ("compaction", call),
    ] {
        let usage = [("ag2.span.type", "usage"), ("ag2.usage.kind", kind)];
        let attributes = [usage[0], usage[1], MODEL, IN, OUT];
        assert_eq!(told(&event("app", "record_usage", &attributes)), expected);
    }
    let own = [("ag2.span.type", "llm"), operation("chat"), MODEL, IN, OUT];
    assert_eq!(told(&event("app", "chat m-1", &own)), call);
}
