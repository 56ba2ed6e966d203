//! Known answers of handoffs by name: what the operator adds, how far a name reaches, where arguments and agents stand.

use super::{event, group, told};
use crate::model::event::Basis;
use crate::normalise::*;

/// What a call of this tool is, with names that the operator adds.
fn tool(name: &str, arguments: &str) -> String {
    let settings = Settings {
        handoff_tools: vec!["ask_*_team".into(), "pass_on".into()],
        escalation_tools: vec!["page_oncall".into()],
        human_names: vec!["Back Office".into()],
        not_handoffs: vec!["transfer_to_*_account".into(), "delegate_vote".into()],
        ..Settings::default()
    };
    let attributes = [
        ("gen_ai.operation.name", "execute_tool"),
        ("gen_ai.tool.name", name),
        ("gen_ai.tool.call.arguments", arguments),
    ];
    let normaliser = Normaliser::new(settings, Arc::new(PriceBook::default()));
    let group = group("app", "x", &attributes, |_| {});
    told(
        &normaliser
            .normalise(&group, &mut Scratch::default())
            .remove(0),
    )
}

#[test]
fn the_operator_adds_tools_and_humans() {
    let desk = r#"{"agent_name":"desk"}"#;
    for (name, arguments, expected) in [
        ("ask_billing_team", "", " to billing only"),
        ("ask_back-office_team", "", " to HUMAN only"),
        // The star stands for some name.
        ("ask__team", "", ""),
        ("ask_billing", "", ""),
        ("please_ask_billing_team", "", ""),
        ("pass_on", desk, " to desk only"),
        ("pass_on", "", " to ? only"),
        ("pass_on_now", desk, ""),
        ("page_oncall", "", " to HUMAN"),
        ("page_oncall_list", "", ""),
        // Taken out by the operator (H-10).
        ("transfer_to_savings_account", "", ""),
        ("delegate_vote", "", ""),
        ("transfer_to_account", "", " to account only"),
        ("delegate_votes", "", " to ? only"),
        ("delegate_votes", r#"{"agent": "desk"}"#, " to desk only"),
        ("delegate_access", r#"{"email": "a@example.com"}"#, ""),
        ("lc_transfer_to_desk", "", " to desk only"),
        ("lc_look_up", "", ""),
        ("transfer_to_back_office", "", " to HUMAN only"),
        ("transfer_to_front_office", "", " to front_office only"),
    ] {
        let expected = format!("tool {name} of -{expected}");
        assert_eq!(tool(name, arguments), expected);
    }
}

/// H-12: a delegate's answer is not the word that there is no such delegate.
#[test]
fn a_tool_that_delegates_returns_an_answer_or_was_refused() {
    let answer = "The mars_agent is here. Order A-1 was not found.";
    for (result, expected) in [
        (answer, (true, false)),
        ("", (false, false)),
        ("null", (false, false)),
        (r#"{"error": "no valid target", "text": ""}"#, (false, true)),
        (r#"{"status": "failed"}"#, (false, true)),
        (
            r#"{"status": "completed", "error": null, "text": "an error"}"#,
            (true, false),
        ),
        (
            "Member with ID mars-agent not found in the team",
            (false, true),
        ),
        (
            "We cannot invoke subagent mars_agent because it does not exist, the only",
            (false, true),
        ),
        ("Unknown agent: mars_agent", (false, true)),
        ("There is no such agent as Mars_Agent", (false, true)),
        (
            "I am the mars_agent, and your order, wherever it is, was not found",
            (true, false),
        ),
        (
            "No such order here; it was asked of the mars_agent",
            (true, false),
        ),
    ] {
        let attributes = [
            ("gen_ai.operation.name", "execute_tool"),
            ("gen_ai.tool.name", "delegate_to_mars_agent"),
            ("gen_ai.tool.call.result", result),
        ];
        let event = event("app", "x", &attributes);
        let Kind::Tool(tool) = &event.kind else {
            panic!("a tool");
        };
        assert_eq!(
            (event.rare.delegate_returned, tool.failed),
            expected,
            "{result}"
        );
    }
}

#[test]
fn built_in_names_reach_as_far_as_their_words() {
    for (name, expected) in [
        ("request_human_help", " to HUMAN"),
        ("escalate", " to HUMAN"),
        ("human_request", ""),
        ("transfer_to_human_agent", " to HUMAN only"),
        ("transferToHumanAgent", " to HUMAN only"),
        // Whether these are people depends on who is at work.
        ("transfer_to_human_desk", " to human_desk only"),
        ("transfer_to_desk_human", " to desk_human only"),
        // Nothing of the name is left.
        ("transfer_to___", " to ? only"),
        ("transfer_to_humanist", " to humanist only"),
        // A prefix alone names no target and is no tool of a framework either.
        ("transfer_to_", ""),
        ("desk-transfer_to_", ""),
    ] {
        assert_eq!(tool(name, ""), format!("tool {name} of -{expected}"));
    }
}

#[test]
fn the_target_is_found_in_arguments_that_are_wrapped_once_more() {
    for arguments in [
        r#"{"agent_name":"desk"}"#,
        r#""{\"agent_name\":\"desk\"}""#,
        r#"{"kwargs":{"agent_name":"desk"}}"#,
        r#"{"inputs":"{\"agent_name\":\"desk\"}"}"#,
    ] {
        let expected = "tool transfer_to_agent of - to desk only";
        assert_eq!(
            tool("transfer_to_agent", arguments),
            expected,
            "{arguments}"
        );
    }
}

#[test]
fn an_agent_stands_before_the_point_of_autogens_tools() {
    for (span, expected) in [
        ("front.look_up", "tool look_up of front"),
        (
            ".transfer_to_desk",
            "tool .transfer_to_desk of - to desk only",
        ),
        ("front.", "tool front. of -"),
        ("ask the desk.look_up", "tool ask the desk.look_up of -"),
    ] {
        let scope = "openinference.instrumentation.autogen_agentchat";
        let tool = [("openinference.span.kind", "TOOL")];
        assert_eq!(told(&event(scope, span, &tool)), expected);
    }
}

#[test]
fn what_says_that_a_tool_hands_over_is_told() {
    // H-8
    let settings = Settings {
        handoff_tools: vec!["ask_*_team".into()],
        escalation_tools: vec!["page_oncall".into()],
        ..Settings::default()
    };
    let normaliser = Normaliser::new(settings, Arc::new(PriceBook::default()));
    let basis = |name: &str, more: &[(&str, &str)]| {
        let mut attributes = vec![
            ("gen_ai.operation.name", "execute_tool"),
            ("gen_ai.tool.name", name),
        ];
        attributes.extend(more);
        let group = group("app", "x", &attributes, |_| {});
        let mut events = normaliser.normalise(&group, &mut Scratch::default());
        events.remove(0).rare.handoff_basis
    };
    let target = [("gen_ai.handoff.to_agent", "desk")];
    assert_eq!(basis("transfer_to_desk", &[]), Basis::Inferred);
    assert_eq!(
        basis("look_up", &[]),
        Basis::Inferred,
        "it hands nothing over"
    );
    assert_eq!(basis("ask_billing_team", &[]), Basis::Rule);
    assert_eq!(basis("page_oncall", &[]), Basis::Rule);
    assert_eq!(basis("transfer_to_desk", &target), Basis::Declared);
    assert_eq!(basis("ask_billing_team", &target), Basis::Declared);
}

#[test]
fn a_task_that_a_remote_agent_failed_or_rejected_is_an_error() {
    // H-13
    let failed = |state: &str| {
        let attributes = [
            ("gen_ai.operation.name", "execute_tool"),
            ("gen_ai.tool.name", "transfer_to_desk"),
            ("a2a.task.state", state),
        ];
        let normaliser = Normaliser::new(Settings::default(), Arc::new(PriceBook::default()));
        let group = group("app", "x", &attributes, |_| {});
        let mut events = normaliser.normalise(&group, &mut Scratch::default());
        events.remove(0).error
    };
    for state in ["failed", "REJECTED", "TASK_STATE_FAILED"] {
        assert!(failed(state), "{state}");
    }
    for state in ["completed", "working", "input-required", ""] {
        assert!(!failed(state), "{state}");
    }
}
