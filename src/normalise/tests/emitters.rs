//! Known answers for proxies, voice, coding agents and SDKs of .NET and Java: one span in, what its event says out.

use super::dialect::check;
use super::{event, told, with};
use crate::model::event::{Cost, Pause, Usage};
use crate::normalise::*;
use crate::otlp::view::Status;

fn call(event: &Event) -> &ModelCall {
    match &event.kind {
        Kind::Model(call) => call,
        other => panic!("no model call: {other:?}"),
    }
}

#[test]
fn litellm_says_who_asked_and_what_it_took_in_the_notation_of_python() {
    let found = event(
        "litellm",
        "litellm_request",
        &[
            ("gen_ai.operation.name", "acompletion"),
            ("gen_ai.request.model", "house-blend"),
            ("gen_ai.system", "openai"),
            ("gen_ai.usage.input_tokens", "68"),
            ("gen_ai.usage.output_tokens", "13"),
            ("gen_ai.cost.total_cost", "1.5e-05"),
            ("metadata.user_api_key_end_user_id", "u-7"),
            (
                "metadata.requester_metadata",
                "{'session_id': 'inc-1', 'customer.tier': 'gold', 'headers': {'host': 'a'}, 'used': False}",
            ),
            (
                "metadata.usage_object",
                "{'prompt_tokens': 68, 'completion_tokens': 13, 'completion_tokens_details': {'reasoning_tokens': 5, 'text_tokens': None}, 'prompt_tokens_details': {'cached_tokens': 17}}",
            ),
            (
                "gen_ai.completion.0.function_call.name",
                "transfer_to_billing",
            ),
            ("gen_ai.completion.0.function_call.arguments", "{}"),
        ],
    );
    assert_eq!(
        told(&found),
        "call openai/house-blend of - in 68 out 13 asks[billing]"
    );
    let usage = Usage {
        input: 68,
        output: 13,
        cache_read: Some(17),
        cache_write: None,
        reasoning: Some(5),
    };
    assert_eq!(
        (call(&found).usage, call(&found).cost),
        (Some(usage), Cost::Declared(1.5e-05))
    );
    let session = found.context.session.as_ref().map(|hint| hint.id.as_str());
    assert_eq!(
        (session, found.context.user.as_deref()),
        (Some("inc-1"), Some("u-7"))
    );
}

#[test]
fn a_request_to_the_proxy_of_litellm_fails_once_whatever_was_tried() {
    check(
        "litellm",
        "gen_ai.request.model",
        &[
            // Alone, a failed call is one; inside a request to the proxy the request says how it ended.
            "litellm_request | $=m; gen_ai.operation.name=acompletion; error.type=RateLimitError | call -/m of - in 0 out 0 asks[] failed",
            "litellm_request | $=m; gen_ai.operation.name=acompletion; error.type=RateLimitError; http.route=/v1/chat/completions | structure of - refused[]",
            "litellm_request | $=m; gen_ai.operation.name=aembedding; gen_ai.usage.input_tokens=7 | call -/m of - in 7 out 0 asks[] embeds",
            "Received Proxy Server Request | url.path=/v1/chat/completions | structure of - refused[]",
            "Received Proxy Server Request | url.path=/key/generate; error.type=401 | structure of - refused[]",
            "Received Proxy Server Request | url.path=/v1/chat/completions; error.type=InternalServerError; error.llm_provider=openai; error.message=model group 'gpt-4o' failed | call openai/gpt-4o of - in 0 out 0 asks[] failed",
            "Received Proxy Server Request | url.path=/v1/responses; error.type=E; error.message=No fallbacks. Received Model Group=m-1 Available | call -/m-1 of - in 0 out 0 asks[] failed",
            "Received Proxy Server Request | $=m; gen_ai.operation.name=acompletion; http.route=/v1/chat/completions; error.type=E | call -/m of - in 0 out 0 asks[] failed",
            "raw_gen_ai_request | llm.openai.model=m | structure of - refused[]",
            "router | service=router | structure of - refused[]",
            "litellm_request | $=m; gen_ai.operation.name=call_mcp_tool; metadata.mcp_tool_call_metadata={'name': 'look_up'} | tool look_up of -",
        ],
    );
}

/// T-14: the request to the proxy does not say what was asked.
#[test]
fn a_try_that_failed_inside_the_proxy_says_that_the_run_goes_on() {
    let user = r#"[{"role":"tool","parts":[]},{"role":"user","parts":[]}]"#;
    let result = r#"[{"role":"user","parts":[]},{"role":"tool","parts":[]}]"#;
    for (messages, pause) in [
        (user, None),
        ("", None),
        ("[]", None),
        (result, Some(Pause::Resumes)),
    ] {
        let attributes = [
            ("gen_ai.request.model", "m"),
            ("gen_ai.operation.name", "acompletion"),
            ("http.route", "/v1/chat/completions"),
            ("gen_ai.input.messages", messages),
        ];
        let event = with("litellm", "litellm_request", &attributes, |span| {
            span.status = Status::Error;
        });
        assert_eq!(event.rare.pause, pause, "{messages}");
    }
}

#[test]
fn openlit_shows_a_handoff_as_an_agent_that_does_nothing() {
    check(
        "openlit.instrumentation.openai_agents",
        "gen_ai.agent.name",
        &[
            "invoke_agent billing | gen_ai.operation.name=invoke_agent; $=billing; gen_ai.agent.source=desk | handoff desk to billing",
            "invoke_agent billing | gen_ai.operation.name=invoke_agent; $=billing | agent billing",
            "invoke_agent | gen_ai.operation.name=invoke_agent | structure of - refused[]",
        ],
    );
    check(
        "openlit.instrumentation.langgraph",
        "gen_ai.agent.name",
        &[
            "invoke_agent agent | gen_ai.operation.name=invoke_agent; $=agent | structure of - refused[]",
            "invoke_agent writer | gen_ai.operation.name=invoke_agent; $=writer | agent writer inferred",
        ],
    );
}

#[test]
fn a_call_of_livekit_has_exchanges_and_its_model_calls_count_with_their_retries() {
    check(
        "livekit-agents",
        "gen_ai.agent.name",
        &[
            "agent_turn | gen_ai.operation.name=invoke_agent; $=desk | agent desk",
            "agent_session | gen_ai.operation.name=invoke_workflow; lk.agent_label=desk | workflow -",
            r#"llm_request | gen_ai.request.model=m; lk.llm_metrics={"prompt_tokens":9,"completion_tokens":2,"ttft":0.5} | call -/m of - in 9 out 2 asks[]"#,
            "llm_request_run | gen_ai.request.model=m; gen_ai.provider.name=p; error.type=429 | structure of - refused[]",
            "llm_node | gen_ai.request.model=m; gen_ai.provider.name=p | structure of - refused[]",
            "start_agent_activity | gen_ai.operation.name=create_agent; $=desk; gen_ai.request.model=m | structure of - refused[]",
            "function_tool | lk.function_tool.name=book; lk.function_tool.is_error=true | tool book of - failed",
            "function_tool | $=desk; gen_ai.tool.name=transfer_to_billing | tool transfer_to_billing of desk to billing only",
        ],
    );
    let exchange = |attributes: &[(&str, &str)]| {
        event("livekit-agents", "agent_turn", attributes)
            .rare
            .is_exchange
    };
    assert!(exchange(&[("lk.pii.user_input", "My tooth hurts.")]));
    assert!(exchange(&[("lk.user_input", "My tooth hurts.")]));
    assert!(
        !exchange(&[("gen_ai.agent.name", "billing")]),
        "the call was handed over"
    );
    let metrics = r#"{"ttft": 0.5, "prompt_cached_tokens": 4, "prompt_tokens": 9}"#;
    let timed = event(
        "livekit-agents",
        "llm_request",
        &[("lk.llm_metrics", metrics)],
    );
    let used = call(&timed).usage.and_then(|usage| usage.cache_read);
    assert_eq!(
        (call(&timed).first_token_seconds, used),
        (Some(0.5), Some(4))
    );
    let stopped = event(
        "livekit-agents",
        "llm_request",
        &[("lk.interrupted", "true")],
    );
    assert!(stopped.rare.cancelled);
}

#[test]
fn a_conversation_of_pipecat_has_turns_and_speech_is_no_call_of_a_model() {
    check(
        "pipecat",
        "gen_ai.operation.name",
        &[
            "conversation | conversation.type=voice | workflow -",
            "llm | $=chat; gen_ai.request.model=m; output=It is open.; gen_ai.usage.input_tokens=4 | call -/m of - in 4 out 0 asks[]",
            "llm_response | $=llm_response; gen_ai.request.model=m; function_calls.all_names=look_up,transfer_to_billing | call -/m of - in 0 out 0 asks[billing]",
            "llm_response | $=llm_response; gen_ai.request.model=m; response.status=failed | call -/m of - in 0 out 0 asks[] failed",
            "llm_request | $=llm_request; gen_ai.request.model=m | structure of - refused[]",
            "tts | $=tts; gen_ai.request.model=voice; gen_ai.provider.name=p | structure of - refused[]",
            "stt | $=stt; gen_ai.request.model=ear; gen_ai.system=p | structure of - refused[]",
            "llm_tool_call | $=llm_tool_call; tool.function_name=look_up | structure of - refused[]",
            "llm_tool_result | $=llm_tool_result; tool.function_name=look_up; tool.result_status=error | tool look_up of - failed",
        ],
    );
    let turn = event("pipecat.turn", "turn", &[("turn.number", "2")]);
    assert!(turn.rare.is_exchange && turn.kind == Kind::Structure);
    let timed = event("pipecat", "llm", &[("metrics.ttfb", "0.25")]);
    assert_eq!(
        call(&timed).first_token_seconds,
        Some(0.25),
        "it is in seconds"
    );
    let stopped = event(
        "pipecat",
        "llm_response",
        &[("response.status", "cancelled")],
    );
    assert!(stopped.rare.cancelled);
}

#[test]
fn gemini_cli_names_itself_everywhere_and_its_subagents_in_their_input() {
    check(
        "gemini-cli",
        "gen_ai.request.model",
        &[
            "llm_call | $=m; gen_ai.agent.name=gemini-cli; gen_ai.usage.input_tokens=4; gen_ai.usage.output_tokens=3 | call gcp.gemini/m of - in 4 out 3 asks[]",
            r#"agent_call | gen_ai.agent.name=gemini-cli; gen_ai.input.messages={"agent_name":"billing","prompt":"hi"} | agent billing"#,
            r#"tool_call | gen_ai.tool.name=invoke_agent; gen_ai.input.messages={"args":{"agent_name":"billing"}} | tool invoke_agent of - to billing only"#,
            r#"tool_call | gen_ai.tool.name=look_up; gen_ai.output.messages={"status":"error","request":{}} | tool look_up of - failed"#,
            "tool_call | gen_ai.tool.name=complete_task | structure of - refused[]",
            r#"schedule_tool_calls | gen_ai.output.messages=[{"request":{"name":"look_up"},"status":"error","outcome":"proceed_once"}] | structure of - refused[]"#,
            r#"schedule_tool_calls | gen_ai.output.messages=[{"request":{"name":"invoke_agent","args":{"agent_name":"billing"}},"status":"error"}] | tool invoke_agent of - to billing only failed"#,
            "user_prompt | gen_ai.agent.name=gemini-cli | structure of - refused[]",
        ],
    );
}

#[test]
fn claude_code_counts_cached_tokens_beside_the_input_and_calls_subagents_by_a_tool() {
    check(
        "com.anthropic.claude_code.tracing",
        "model",
        &[
            "claude_code.interaction | span.type=interaction | agent claude_code",
            "claude_code.llm_request | $=claude-sonnet-4; input_tokens=10; output_tokens=3 | call anthropic/claude-sonnet-4 of - in 10 out 3 asks[]",
            "claude_code.llm_request | $=m; query_source=agent:builtin:Explore | call anthropic/m of Explore in 0 out 0 asks[]",
            "claude_code.llm_request | $=m; query_source=repl_main_thread; success=false | call anthropic/m of - in 0 out 0 asks[] failed",
            "claude_code.tool | tool_name=Bash | tool Bash of -",
            "claude_code.tool | tool_name=mcp__desk__look_up | tool look_up of -",
            "claude_code.tool | tool_name=Task; subagent_type=Explore | tool Task of - to Explore only",
            "claude_code.tool | tool_name=Agent; subagent_type=Explore | tool Agent of - to Explore only",
            "claude_code.tool | tool_name=Task | tool Task of -",
            "claude_code.tool.blocked_on_user | decision=accept | structure of - refused[]",
            "claude_code.tool.execution | success=true | structure of - refused[]",
            "claude_code.tool.execution | success=false; tool_use_id=toolu_1 | tool  of - failed",
            "claude_code.hook | hook_event=PreToolUse | structure of - refused[]",
        ],
    );
    let found = event(
        "com.anthropic.claude_code.tracing",
        "claude_code.llm_request",
        &[
            ("model", "m"),
            ("input_tokens", "900"),
            ("output_tokens", "80"),
            ("cache_read_tokens", "100"),
            ("cache_creation_tokens", "20"),
            ("ttft_ms", "700"),
            ("stop_reason", "tool_use"),
        ],
    );
    let usage = Usage {
        input: 1020,
        output: 80,
        cache_read: Some(100),
        cache_write: Some(20),
        reasoning: None,
    };
    let call = call(&found);
    assert_eq!(
        (call.usage, call.first_token_seconds),
        (Some(usage), Some(0.7))
    );
    assert_eq!(call.answered, Some(false), "it asks for a tool");
}

#[test]
fn adk_for_javascript_writes_nothing_about_a_call_that_failed() {
    check(
        "gcp.vertex.agent",
        "gen_ai.request.model",
        &[
            "call_llm | - | call -/- of - in 0 out 0 asks[] failed",
            r#"call_llm | $=m; gcp.vertex.agent.llm_response={"content":{"parts":[{"text":"The"}]},"partial":true} | call -/m of - in 0 out 0 asks[] failed"#,
            r#"call_llm | $=m; gcp.vertex.agent.llm_response={"finishReason":"STOP","partial":true} | call -/m of - in 0 out 0 asks[]"#,
            r#"call_llm | $=m; gcp.vertex.agent.llm_response={"content":{"parts":[{"functionCall":{"name":"transfer_to_agent","args":{"agentName":"billing"}}}]}} | call -/m of - in 0 out 0 asks[billing]"#,
            r#"execute_tool transfer_to_agent | gen_ai.operation.name=execute_tool; gen_ai.tool.name=transfer_to_agent; gcp.vertex.agent.tool_call_args={"agentName":"billing"} | tool transfer_to_agent of - to billing only"#,
        ],
    );
}

#[test]
fn agent_365_puts_whole_responses_where_messages_belong() {
    let found = event(
        "microsoft_agents_a365.observability.core.config",
        "chat m",
        &[
            ("gen_ai.operation.name", "chat"),
            ("gen_ai.request.model", "m"),
            ("gen_ai.usage.input_tokens", "40"),
            ("gen_ai.usage.output_tokens", "14"),
            (
                "gen_ai.output.messages",
                r#"[{"output": [], "usage": {"input_tokens_details": {"cached_tokens": 10}, "output_tokens_details": {"reasoning_tokens": 4}}}]"#,
            ),
        ],
    );
    let usage = call(&found).usage.expect("there is usage");
    assert_eq!((usage.cache_read, usage.reasoning), (Some(10), Some(4)));
}

#[test]
fn operations_in_camel_case_are_those_of_the_conventions() {
    check(
        "Agent365Sdk",
        "gen_ai.operation.name",
        &[
            "InvokeAgent desk | $=InvokeAgent; gen_ai.agent.name=desk | agent desk",
            "ExecuteTool look_up | $=ExecuteTool; gen_ai.tool.name=look_up | tool look_up of -",
            "Chat m | $=Chat; gen_ai.request.model=m; gen_ai.usage.input_tokens=3 | call -/m of - in 3 out 0 asks[]",
            "m | $=ExecuteInference; gen_ai.request.model=m | call -/m of - in 0 out 0 asks[]",
            // The id is that of the application.
            "invoke_agent desk | $=invoke_agent; gen_ai.agent.id=app-1 | agent desk",
            "chat m | $=chat; gen_ai.agent.id=app-1; gen_ai.request.model=m | call -/m of - in 0 out 0 asks[]",
            "output_messages | $=output_messages; gen_ai.agent.name=desk | structure of desk refused[]",
        ],
    );
    let found = event(
        "Agent365Sdk",
        "invoke_agent desk",
        &[
            ("gen_ai.operation.name", "invoke_agent"),
            ("gen_ai.agent.name", "desk"),
            ("microsoft.session.id", "s-1"),
            ("gen_ai.caller.id", "u-1"),
            ("microsoft.a365.caller.agent.name", "front"),
        ],
    );
    assert_eq!(found.rare.caller.as_deref(), Some("front"));
    let session = found.context.session.as_ref().map(|hint| hint.id.as_str());
    assert_eq!(
        (session, found.context.user.as_deref()),
        (Some("s-1"), Some("u-1"))
    );
}

#[test]
fn agents_of_dotnet_have_their_id_behind_their_name() {
    check(
        "Experimental.Microsoft.Agents.AI",
        "gen_ai.operation.name",
        &[
            "invoke_agent Desk(3f2a) | $=invoke_agent | agent Desk",
            "invoke_agent Desk(3f2a) | $=invoke_agent; gen_ai.agent.name=Night Desk | agent Night Desk",
            "executor.process desk | gen_ai.agent.name=desk | structure of - refused[]",
        ],
    );
}

#[test]
fn langchain4j_names_services_and_tools_by_their_spans() {
    check(
        "io.quarkus.opentelemetry",
        "gen_ai.request.model",
        &[
            "langchain4j.aiservices.com.acme.SupportDesk.chat | - | agent SupportDesk",
            "langchain4j.aiservices.SupportDesk.chat | - | agent SupportDesk",
            "langchain4j.tools.lookUp | - | tool lookUp of -",
            "completion m | $=m; gen_ai.usage.prompt_tokens=5; gen_ai.usage.completion_tokens=2 | call -/m of - in 5 out 2 asks[]",
            "embedding m | $=m | call -/m of - in 0 out 0 asks[] embeds",
            "completion m | $=m; gen_ai.operation.name=chat | call -/m of - in 0 out 0 asks[]",
        ],
    );
}

#[test]
fn anthropic_marks_what_was_done_so_an_unmarked_call_without_an_answer_was_cancelled() {
    let chat = |status: Status, more: &[(&str, &str)]| {
        let mut attributes = vec![
            ("gen_ai.operation.name", "chat"),
            ("gen_ai.request.model", "claude-sonnet-4"),
        ];
        attributes.extend(more);
        with(
            "com.anthropic.sdk.python",
            "anthropic.messages",
            &attributes,
            |span| {
                span.status = status;
            },
        )
    };
    let stop = ("anthropic.message.stop_reason", "end_turn");
    assert!(chat(Status::Unset, &[]).rare.cancelled);
    assert!(
        !chat(Status::Unset, &[stop]).rare.cancelled,
        "its answer came"
    );
    assert!(!chat(Status::Ok, &[]).rare.cancelled);
    assert!(!chat(Status::Error, &[]).rare.cancelled);
    let asks = chat(Status::Ok, &[("anthropic.message.stop_reason", "tool_use")]);
    assert_eq!(call(&asks).answered, Some(false));
    check(
        "com.anthropic.sdk.typescript",
        "gen_ai.tool.name",
        &["anthropic.tool_use bash | - | tool bash of -"],
    );
}

#[test]
fn a_swarm_of_strands_for_typescript_answers_and_hands_over_by_one_tool() {
    check(
        "claims",
        "gen_ai.tool.name",
        &[
            r#"execute_tool strands_structured_output | gen_ai.operation.name=execute_tool; gen_ai.event.start_time=t; $=strands_structured_output; gen_ai.tool.call.arguments={"agentId":"motor","message":"m"} | tool strands_structured_output of - to motor only"#,
            r#"execute_tool strands_structured_output | gen_ai.operation.name=execute_tool; gen_ai.event.start_time=t; $=strands_structured_output; gen_ai.tool.call.arguments={"message":"m"} | structure of - refused[]"#,
            r#"chat | gen_ai.operation.name=chat; gen_ai.event.start_time=t; gen_ai.system=claims; gen_ai.request.model=m; gen_ai.output.messages=[{"type":"toolUse","name":"strands_structured_output","toolUseId":"c","input":{"agentId":"motor"}}] | call -/m of - in 0 out 0 asks[motor]"#,
        ],
    );
    let answered = event(
        "claims",
        "chat",
        &[
            ("gen_ai.operation.name", "chat"),
            ("gen_ai.request.model", "m"),
            (
                "gen_ai.output.messages",
                r#"[{"type":"toolUse","name":"strands_structured_output","input":{"message":"Done."}}]"#,
            ),
        ],
    );
    assert_eq!(call(&answered).answered, Some(true));
}
