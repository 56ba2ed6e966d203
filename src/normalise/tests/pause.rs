//! Runs that wait for a person, runs that go on, cancelled work, and errors that only a result tells.

use super::*;
use crate::model::event::Pause;

const TOOL: [(&str, &str); 2] = [
    ("gen_ai.operation.name", "execute_tool"),
    ("gen_ai.tool.name", "wipe"),
];
const CALL: [(&str, &str); 2] = [
    ("gen_ai.operation.name", "chat"),
    ("gen_ai.request.model", "m"),
];
const CHAIN: (&str, &str) = ("openinference.span.kind", "CHAIN");

/// What somebody raised, as an event of a span.
fn raised(kind: &str) -> SpanEvent<'static> {
    SpanEvent {
        name: "exception",
        time: Timestamp::default(),
        attributes: [("exception.type", Value::Str(kept(kind)))]
            .into_iter()
            .collect(),
    }
}

fn failed(event: &Event) -> bool {
    event.error
        || match &event.kind {
            Kind::Tool(tool) => tool.failed,
            Kind::Model(call) => call.failed,
            _ => false,
        }
}

/// T-13.
#[test]
fn an_interrupt_an_approval_and_a_deferred_tool_are_no_errors() {
    for kind in [
        "langgraph.errors.GraphInterrupt",
        "NodeInterrupt",
        "pydantic_ai.exceptions.ApprovalRequired",
        "CallDeferred",
        "strands.interrupt.InterruptException",
    ] {
        for attributes in [&TOOL[..], &CALL, &[CHAIN]] {
            let event = with("x", "wipe", attributes, |span| {
                span.status = Status::Error;
                span.events.push(raised(kind));
            });
            let waits = Some(Pause::Waits);
            assert_eq!((event.rare.pause, failed(&event)), (waits, false), "{kind}");
        }
    }
    // LangGraph's OpenInference prints the exception, Python's SDK its name and text, and newer ones say that the span is well.
    for (status, message) in [
        (Status::Error, "GraphInterrupt((Interrupt(value='ok?'),))"),
        (Status::Error, "langgraph.errors.GraphInterrupt: ok?"),
        (Status::Error, "NodeInterrupt: ok?"),
    ] {
        let event = with("x", "wipe", &TOOL, |span| {
            (span.status, span.status_message) = (status, message);
        });
        assert_eq!(event.rare.pause, Some(Pause::Waits), "{message}");
        assert!(!failed(&event), "{message}");
    }
    let well = with("x", "wipe", &TOOL, |span| {
        span.status = Status::Ok;
        span.events.push(raised("GraphInterrupt"));
    });
    assert_eq!(well.rare.pause, Some(Pause::Waits));
    let deferred = [
        TOOL[0],
        TOOL[1],
        ("pydantic_ai.tool.deferral.name", "ApprovalRequired"),
    ];
    let deferred = event("pydantic-ai", "execute_tool wipe", &deferred);
    assert_eq!(deferred.rare.pause, Some(Pause::Waits));
    // What a tool says of interrupts is its business.
    let other = with("x", "wipe", &TOOL, |span| {
        (span.status, span.status_message) = (Status::Error, "no GraphInterrupt here");
    });
    assert_eq!((other.rare.pause, failed(&other)), (None, true));
}

/// T-13: other tools of the same step ran, so that only the result of the run says that it waits.
#[test]
fn a_run_of_pydantic_ai_that_ends_with_deferred_calls_waits() {
    let run = |result: &str| {
        let agent = [
            ("gen_ai.operation.name", "invoke_agent"),
            ("gen_ai.agent.name", "desk"),
            ("final_result", result),
        ];
        event("pydantic-ai", "invoke_agent desk", &agent).rare.pause
    };
    let call = r#"{"tool_name":"wipe","tool_call_id":"c1"}"#;
    for waits in [
        format!(r#"{{"calls":[],"approvals":[{call}]}}"#),
        format!(r#"{{"calls":[{call}],"approvals":[]}}"#),
    ] {
        assert_eq!(run(&waits), Some(Pause::Waits), "{waits}");
    }
    for ends in [
        "done",
        r#"{"calls":[],"approvals":[]}"#,
        r#"{"approvals":["Ada"],"calls":[3]}"#,
    ] {
        assert_eq!(run(ends), None, "{ends}");
    }
}

/// T-13.
#[test]
fn a_tool_without_a_result_may_wait() {
    let got = ("gen_ai.tool.call.arguments", "{}");
    let agents = ("logfire.openai_agents", "Function: {name}");
    for (scope, span, attributes, pause) in [
        ("x", "wipe", vec![TOOL[0], TOOL[1]], None),
        (
            "x",
            "wipe",
            vec![TOOL[0], TOOL[1], got],
            Some(Pause::MayWait),
        ),
        (
            "x",
            "wipe",
            vec![TOOL[0], TOOL[1], got, ("gen_ai.tool.call.result", "done")],
            None,
        ),
        (
            agents.0,
            agents.1,
            vec![("name", "wipe"), ("input", "{}"), ("output", "null")],
            Some(Pause::MayWait),
        ),
        (
            agents.0,
            agents.1,
            vec![("name", "wipe"), ("input", "{}"), ("output", "0")],
            None,
        ),
        (
            "x",
            "ask_user",
            vec![TOOL[0], ("gen_ai.tool.name", "ask_user"), got],
            Some(Pause::Asks),
        ),
    ] {
        let event = event(scope, span, &attributes);
        assert_eq!(event.rare.pause, pause, "{attributes:?}");
    }
}

/// T-14.
#[test]
fn the_input_of_a_graph_says_that_it_goes_on() {
    for (input, resumes) in [
        (
            r#"{"graph": null, "update": null, "resume": "yes", "goto": []}"#,
            true,
        ),
        (
            r#"{"graph": null, "update": null, "resume": null, "goto": ["x"]}"#,
            false,
        ),
        (r#"{"inputs": {"graph": null, "resume": {"a": 1}}}"#, true),
        ("Command(resume='yes')", true),
        ("Command(goto='x')", false),
        (r#"{"text": "resume the work: \"resume\": 1"}"#, false),
    ] {
        let event = event("x", "desk", &[CHAIN, ("input.value", input)]);
        let expected = resumes.then_some(Pause::Resumes);
        assert_eq!(event.rare.pause, expected, "{input}");
    }
}

/// T-14.
#[test]
fn a_call_goes_on_where_its_input_ends_with_a_result() {
    let user = r#"{"role":"user","parts":[{"type":"text","content":"wipe it"}]}"#;
    let asks = r#"{"role":"assistant","parts":[{"type":"tool_call","id":"c","name":"wipe"}]}"#;
    let tool = r#"{"role":"tool","parts":[{"type":"tool_call_response","id":"c","result":"ok"}]}"#;
    let item = r#"{"type":"function_call_output","call_id":"c","output":"ok"}"#;
    let anthropic = r#"{"role":"user","content":[{"type":"tool_result","content":"ok"}]}"#;
    let both = r#"{"role":"user","content":[{"type":"tool_result","content":"ok"},{"type":"text","text":"and mine"}]}"#;
    let gemini = r#"{"role":"user","parts":[{"function_response":{"response":{"result":"ok"}}}]}"#;
    let bedrock = r#"{"role":"user","content":[{"toolResult":{"content":[{"text":"ok"}]}}]}"#;
    for (messages, continues) in [
        (vec![user], Some(false)),
        (vec![user, asks, tool], Some(true)),
        (vec![user, asks, item], Some(true)),
        (vec![user, asks, anthropic], Some(true)),
        (vec![user, asks, both], Some(false)),
        (vec![user, asks, gemini], Some(true)),
        (vec![user, asks, bedrock], Some(true)),
        (vec![user, asks, tool, user], Some(false)),
        (vec![], None),
    ] {
        let list = format!("[{}]", messages.join(","));
        let read = event(
            "x",
            "chat m",
            &[CALL[0], CALL[1], ("gen_ai.input.messages", &list)],
        );
        let Kind::Model(call) = &read.kind else {
            panic!("a call")
        };
        assert_eq!(call.continues, continues, "{list}");
    }
}

/// C-16.
#[test]
fn what_was_cancelled_did_not_fail() {
    let by_type =
        |kind: &'static str| move |span: &mut Span<'static>| span.events.push(raised(kind));
    for kind in [
        "asyncio.exceptions.CancelledError",
        "AbortError",
        "System.OperationCanceledException",
        "kotlinx.coroutines.JobCancellationException",
    ] {
        for attributes in [&TOOL, &CALL] {
            let event = with("x", "x", attributes, by_type(kind));
            assert_eq!(
                (event.rare.cancelled, failed(&event)),
                (true, false),
                "{kind}"
            );
        }
    }
    for message in [
        "CancelledError",
        "context canceled",
        "This operation was aborted",
        "Request was aborted.",
        "AbortError: This operation was aborted",
    ] {
        let event = with("x", "x", &CALL, |span| {
            (span.status, span.status_message) = (Status::Error, message);
        });
        assert!(event.rare.cancelled && !failed(&event), "{message}");
    }
    for (key, value) in [("error.type", "cancelled"), ("error.type", "AbortError")] {
        let event = event("x", "x", &[CALL[0], CALL[1], (key, value)]);
        assert!(event.rare.cancelled && !failed(&event), "{value}");
    }
    let numbered = with(
        "x",
        "x",
        &[CALL[0], CALL[1], ("rpc.grpc.status_code", "1")],
        |span| span.status = Status::Error,
    );
    assert!(numbered.rare.cancelled && !failed(&numbered));
    let code = event("x", "x", &[CALL[0], CALL[1], ("error.type", "499")]);
    assert!(code.rare.cancelled && !failed(&code));
    // The business of a tool, and a timeout.
    for message in ["cancelled orders cannot be refunded", "TimeoutError"] {
        let event = with("x", "x", &TOOL, |span| {
            (span.status, span.status_message) = (Status::Error, message);
        });
        assert!(!event.rare.cancelled && failed(&event), "{message}");
    }
}

/// C-5.
#[test]
fn an_error_without_a_status_is_one_for_tools_too() {
    let raise = |span: &mut Span<'static>| span.events.push(raised("ValueError"));
    assert!(failed(&with("x", "wipe", &TOOL, raise)));
    assert!(failed(&event(
        "x",
        "wipe",
        &[TOOL[0], TOOL[1], ("error.type", "timeout")]
    )));
    // The application judged that all is well.
    let handled = with("x", "wipe", &TOOL, |span| {
        span.status = Status::Ok;
        raise(span);
    });
    assert!(!failed(&handled));
}

/// C-5.
#[test]
fn what_a_tool_of_vercel_returned_may_say_that_it_failed() {
    for (result, expected) in [(r#"{"isError": true}"#, true), (r#"{"total": 3}"#, false)] {
        let tool = [
            ("ai.operationId", "ai.toolCall"),
            ("ai.toolCall.name", "wipe"),
            ("ai.toolCall.result", result),
        ];
        assert_eq!(failed(&event("ai", "ai.toolCall", &tool)), expected);
    }
}

/// C-5.
#[test]
fn the_result_of_mcp_tells_an_error() {
    for (key, result, expected) in [
        (
            "gen_ai.tool.call.result",
            r#"{"isError": true, "content": []}"#,
            true,
        ),
        (
            "gen_ai.tool.call.result",
            r#"{"isError": false, "content": []}"#,
            false,
        ),
        (
            "gen_ai.tool.call.result",
            r#"{"result": {"is_error": true}}"#,
            true,
        ),
        ("gen_ai.tool.call.result", r#""{\"isError\":true}""#, true),
        ("output.value", "meta=None content=[] isError=True", true),
        (
            "gen_ai.tool.call.result",
            r#"{"content": [{"text": "isError: true"}]}"#,
            false,
        ),
        (
            "output.value",
            r#"{"type": "tool", "data": {"tool_call_id": "c", "status": "error"}}"#,
            true,
        ),
        (
            "output.value",
            r#"{"type": "tool", "data": {"tool_call_id": "c", "status": "success"}}"#,
            false,
        ),
        (
            "gen_ai.tool.call.result",
            r#"{"orders": [{"isError": true}]}"#,
            false,
        ),
    ] {
        let event = event("x", "wipe", &[TOOL[0], TOOL[1], (key, result)]);
        assert_eq!(failed(&event), expected, "{result}");
    }
    let structured = with("x", "wipe", &TOOL, |span| {
        let inner = [("isError", Value::Bool(true))].into_iter().collect();
        let result = ("gen_ai.tool.call.result", Value::Map(Box::new(inner)));
        let own = TOOL.map(|(key, value)| (key, Value::Str(value)));
        span.attributes = own.into_iter().chain([result]).collect();
    });
    assert!(failed(&structured));
}

/// T-13.
#[test]
fn control_for_the_user_is_an_answer() {
    let asks = |tool: &str| {
        let list = format!(
            r#"[{{"role":"assistant","parts":[{{"type":"tool_call","id":"c","name":"{tool}","arguments":{{}}}}]}}]"#
        );
        let event = event(
            "x",
            "chat m",
            &[CALL[0], CALL[1], ("gen_ai.output.messages", &list)],
        );
        match &event.kind {
            Kind::Model(call) => (call.answered, call.asked_tools),
            _ => panic!("a call"),
        }
    };
    for tool in [
        "transfer_to_user",
        "handoff_to_user",
        "transferToUser",
        "handoff_to_user_proxy",
        "final_result",
    ] {
        assert_eq!(asks(tool), (Some(true), 0), "{tool}");
    }
    assert_eq!(asks("wipe"), (Some(false), 1));
    assert_eq!(asks("transfer_to_desk"), (Some(false), 0));
}

/// T-13: each call counts once, whichever encodings show it.
#[test]
fn the_tools_that_a_call_asks_for_are_counted() {
    let call = |id: &str| {
        let id = if id.is_empty() {
            String::new()
        } else {
            format!(r#""id":"{id}","#)
        };
        format!(r#"{{"type":"tool_call",{id}"name":"wipe","arguments":{{}}}}"#)
    };
    let messages = |ids: &[&str], text: &str| {
        let calls: Vec<String> = ids.iter().map(|id| call(id)).collect();
        let text = format!(r#"{{"type":"text","content":"{text}"}}"#);
        let parts = calls
            .into_iter()
            .chain([text])
            .collect::<Vec<_>>()
            .join(",");
        format!(r#"[{{"role":"assistant","parts":[{parts}]}}]"#)
    };
    let asked = |first: &str, second: &str| {
        let event = event(
            "x",
            "chat m",
            &[
                CALL[0],
                CALL[1],
                ("gen_ai.output.messages", first),
                (
                    "llm.output_messages.0.message.tool_calls.0.tool_call.function.name",
                    "wipe",
                ),
                ("ai.response.toolCalls", second),
            ],
        );
        match &event.kind {
            Kind::Model(call) => call.asked_tools,
            _ => panic!("a call"),
        }
    };
    let three = messages(&["a", "b", "c"], "");
    let nameless = messages(&["", "", ""], "");
    let many: Vec<String> = (0..50).map(|i| i.to_string()).collect();
    let many = messages(&many.iter().map(String::as_str).collect::<Vec<_>>(), "");
    for (first, second, expected) in [
        (three.as_str(), "", 3),
        (&three, &three, 3),
        (&three, &nameless, 3),
        (&nameless, &three, 3),
        (&messages(&["a", "a"], ""), "", 1),
        (&messages(&["a"], ""), &three, 2),
        (&three, &messages(&[], "done"), 0),
        (&many, "", 32),
    ] {
        assert_eq!(asked(first, second), expected, "{first} {second}");
    }
}
