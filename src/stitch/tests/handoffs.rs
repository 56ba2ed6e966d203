//! Which handoffs there are, and how each is judged.

use super::*;

/// H-1, T-5.
#[test]
fn four_spans_of_one_handoff_count_once() {
    let (mut s, _, refund) = transfer();
    s.add(
        2,
        (36, 36),
        Kind::Handoff(HandoffSpan {
            from: Some(name("triage")),
            to: Target::Unknown,
            delegates: false,
            failed: false,
        }),
    );
    s.call(refund, (45, 90));
    let facts = run(&s);
    assert_eq!(handoffs(&facts), ["triage -> refund transfer success"]);
    assert_eq!(turns(&facts), [(TurnResult::Answered, 90)]);
    assert_eq!(outcomes(&facts), [Outcome::Unverified]);
    assert_eq!(count(&facts, |w| matches!(w, What::Tool(_))), 0);
}

#[test]
fn errors_around_a_handoff_that_worked_change_nothing() {
    let (mut s, _, refund) = transfer();
    s.call(refund, (45, 90));
    for event in &mut s.events {
        event.error = !matches!(event.kind, Kind::Model(_));
    }
    assert_eq!(handoffs(&run(&s)), ["triage -> refund transfer success"]);
}

#[test]
fn a_target_whose_first_step_fails_is_a_target_error() {
    let (mut s, _, refund) = transfer();
    s.failing_call(refund, (45, 90));
    let facts = run(&s);
    assert_eq!(
        handoffs(&facts),
        ["triage -> refund transfer failed target_error"]
    );
    assert_eq!(turns(&facts)[0].0, TurnResult::Failed);
    assert_eq!(outcomes(&facts), [Outcome::Failed]);
}

#[test]
fn a_later_failure_of_the_target_is_not_the_handoffs() {
    let (mut s, _, refund) = transfer();
    s.call(refund, (45, 60));
    s.failing_call(refund, (61, 90));
    assert_eq!(handoffs(&run(&s)), ["triage -> refund transfer success"]);
}

#[test]
fn a_handoff_that_only_the_model_shows_is_dropped() {
    let mut s = Scene::default();
    let triage = s.agent(0, "triage", (0, 60));
    s.asking(triage, (1, 30), &["crypto"]);
    let facts = run(&s);
    assert_eq!(
        handoffs(&facts),
        ["triage -> crypto transfer failed dropped"]
    );
    assert_eq!(count(&facts, |w| *w == What::Pending(1)), 1);
    assert_eq!(count(&facts, |w| *w == What::Pending(-1)), 1);
}

#[test]
fn a_second_decision_for_the_same_target_is_a_second_handoff() {
    let mut s = Scene::default();
    let triage = s.agent(0, "triage", (0, 90));
    s.asking(triage, (1, 10), &["crypto"]);
    s.asking(triage, (20, 30), &["crypto"]);
    let dropped = "triage -> crypto transfer failed dropped";
    assert_eq!(handoffs(&run(&s)), [dropped, dropped]);
}

#[test]
fn a_handoff_whose_tool_failed_is_rejected() {
    let mut s = Scene::default();
    let triage = s.agent(0, "triage", (0, 60));
    s.asking(triage, (1, 30), &["crypto"]);
    s.tool(triage, "transfer_to_crypto", (31, 32), Some("crypto"));
    s.last().error = true;
    s.call(triage, (40, 60));
    let facts = run(&s);
    assert_eq!(
        handoffs(&facts),
        ["triage -> crypto transfer failed rejected"]
    );
    assert_eq!(turns(&facts), [(TurnResult::Answered, 60)]);
}

#[test]
fn an_error_text_names_the_target_of_an_anonymous_handoff() {
    let mut s = Scene::default();
    let root = s.add(0, (0, 60), Kind::Workflow);
    s.last().error = true;
    s.last().rare.refused = list![HandoffRequest {
        target: target("crypto"),
        call_id: None,
    }];
    let triage = s.agent(root, "triage", (0, 50));
    s.call(triage, (1, 30));
    s.tool(triage, "transfer_to_agent", (31, 32), Some("?"));
    assert_eq!(
        handoffs(&run(&s)),
        ["triage -> crypto transfer failed rejected"]
    );
}

#[test]
fn an_anonymous_handoff_takes_its_target_from_the_next_agent() {
    let mut s = Scene::default();
    let root = s.add(0, (0, 100), Kind::Workflow);
    let triage = s.agent(root, "triage", (0, 40));
    s.call(triage, (1, 30));
    s.tool(triage, "transfer_to_agent", (31, 35), Some("?"));
    // One more model call of the source follows before it ends.
    s.call(triage, (36, 39));
    let refund = s.agent(root, "refund", (41, 100));
    s.call(refund, (45, 90));
    assert_eq!(handoffs(&run(&s)), ["triage -> refund transfer success"]);
}

///
#[test]
fn a_delegate_without_a_span_of_its_own_works_inside_the_tool() {
    let mut s = Scene::default();
    let triage = s.agent(0, "triage", (0, 100));
    s.asking(triage, (1, 30), &["refund"]);
    let tool = s.tool(triage, "Delegate work", (31, 80), Some("refund"));
    s.call(tool, (35, 50));
    s.tool(tool, "lookup", (51, 52), None);
    s.call(triage, (85, 95));
    let facts = run(&s);
    assert_eq!(handoffs(&facts), ["triage -> refund delegation success"]);
    assert_eq!(count(&facts, is_call), 3);
    assert_eq!(count(&facts, |w| matches!(w, What::Tool(_))), 1);
}

#[test]
fn an_agent_used_as_a_tool_is_a_delegation_and_no_tool_call() {
    let mut s = Scene::default();
    let boss = s.agent(0, "boss", (0, 100));
    s.call(boss, (1, 30));
    let tool = s.tool(boss, "ask_expert", (31, 80), None);
    let expert = s.agent(tool, "expert", (32, 79));
    s.call(expert, (35, 50));
    s.call(boss, (85, 95));
    let facts = run(&s);
    assert_eq!(handoffs(&facts), ["boss -> expert delegation success"]);
    assert_eq!(count(&facts, |w| matches!(w, What::Tool(_))), 0);
}

/// H-4.
#[test]
fn control_that_moves_undeclared_is_a_handoff_and_a_resuming_supervisor_is_none() {
    let mut s = Scene::default();
    let root = s.add(0, (0, 100), Kind::Workflow);
    for (who, times) in [("boss", (0, 20)), ("expert", (21, 60)), ("boss", (61, 100))] {
        let agent = s.agent(root, who, times);
        s.call(agent, (times.0 + 1, times.1 - 1));
    }
    assert_eq!(handoffs(&run(&s)), ["boss -> expert transfer success"]);
}

#[test]
fn a_wrapper_that_does_not_act_hands_nothing_over() {
    let mut s = Scene::default();
    let team = s.agent(0, "team", (0, 100));
    let outer = s.add(team, (1, 90), Kind::Agent { inferred: true });
    s.last().agent = Some(name("writer"));
    // A sibling span of the same agent without steps is the same activation.
    s.agent(outer, "writer", (2, 3));
    let inner = s.agent(outer, "writer", (4, 89));
    s.call(inner, (5, 80));
    let facts = run(&s);
    assert_eq!(handoffs(&facts), NOTHING);
    assert_eq!(count(&facts, |w| matches!(w, What::Agent(_))), 1);
}

#[test]
fn parallel_agents_do_not_hand_over_to_each_other() {
    let mut s = Scene::default();
    let root = s.add(0, (0, 100), Kind::Workflow);
    for (who, times) in [("a", (0, 60)), ("b", (1, 61)), ("c", (2, 62))] {
        let agent = s.agent(root, who, times);
        s.call(agent, times);
    }
    assert_eq!(handoffs(&run(&s)), NOTHING);
}

/// H-5, H-6.
#[test]
fn a_target_that_hands_straight_back_bounces() {
    let mut s = Scene::default();
    let root = s.add(0, (0, 100), Kind::Workflow);
    let triage = s.agent(root, "triage", (0, 20));
    s.asking(triage, (1, 15), &["refund"]);
    let refund = s.agent(root, "refund", (21, 40));
    s.asking(refund, (22, 35), &["triage"]);
    let again = s.agent(root, "triage", (41, 100));
    s.call(again, (45, 90));
    assert_eq!(
        handoffs(&run(&s)),
        [
            "triage -> refund transfer failed bounced",
            "refund -> triage transfer success"
        ]
    );
    let triage = Target::Agent(name("triage"));
    for event in &mut s.events {
        if let Kind::Model(call) = &mut event.kind {
            call.failed = call.requests.iter().any(|asked| asked.target == triage);
        }
    }
    let told = &handoffs(&run(&s))[0];
    assert_eq!(told, "triage -> refund transfer failed target_error");
}

#[test]
fn a_human_target_is_an_escalation_and_succeeds_when_declared() {
    let mut s = Scene::default();
    let billing = s.agent(0, "billing", (0, 60));
    s.asking(billing, (1, 30), &["human"]);
    s.tool(billing, "escalate_to_human", (31, 32), Some("human"));
    s.call(billing, (40, 60));
    let facts = run(&s);
    assert_eq!(
        handoffs(&facts),
        ["billing escalates", "billing -> human transfer success"]
    );
    assert_eq!(count(&facts, |w| matches!(w, What::Tool(_))), 1);
    assert_eq!(outcomes(&facts), [Outcome::Escalated]);
}

#[test]
fn agents_without_steps_hand_over_by_their_tools() {
    let mut s = Scene::default();
    let root = s.add(0, (0, 100), Kind::Structure);
    let triage = s.agent(root, "triage", (0, 40));
    s.tool(triage, "transfer_to_refund", (31, 35), Some("refund"));
    s.agent(root, "refund", (41, 90));
    s.last().error = true;
    let facts = run(&s);
    assert_eq!(
        handoffs(&facts),
        ["triage -> refund transfer failed target_error"]
    );
    assert_eq!(turns(&facts)[0].0, TurnResult::Failed);
}

/// H-7.
#[test]
fn a_later_turn_that_starts_at_the_target_takes_the_handoff_up() {
    let mut s = Scene::default();
    let triage = s.agent(0, "triage", (0, 20));
    s.asking(triage, (1, 15), &["refund"]);
    s.agent(0, "refund", (10_000, 10_100));
    s.in_trace(2);
    s.call(3, (10_001, 10_050));
    s.in_trace(2);
    let facts = run(&s);
    assert_eq!(handoffs(&facts), ["triage -> refund resume success"]);
    assert_eq!(turns(&facts).len(), 2);
    assert_eq!(count(&facts, |w| *w == What::Pending(-1)), 1);
}

#[test]
fn a_target_that_begins_in_time_is_waited_for_though_its_turn_is_decided_later() {
    let resumed = "triage -> refund resume success";
    let dropped = "triage -> refund transfer failed dropped";
    // Asked for at 15 ms; a span whose parent is missing holds its turn up. All of it comes before two minutes have passed.
    for (begin, parent, expected) in [
        (119_000, 0, resumed),
        (119_000, 77, resumed),
        (120_015, 77, resumed),
        (120_016, 77, dropped),
    ] {
        let mut s = Scene::default();
        let triage = s.agent(0, "triage", (0, 20));
        s.asking(triage, (1, 15), &["refund"]);
        let refund = s.agent(parent, "refund", (begin, begin + 100));
        s.in_trace(2);
        s.call(refund, (begin + 1, begin + 50));
        s.in_trace(2);
        let at = |event: &Event| if event.trace == trace(2) { 119_000 } else { 0 };
        let told = s
            .events
            .iter()
            .map(|e| (Timestamp(at(e) * 1_000_000), e.clone()));
        assert_eq!(
            handoffs(&play(told.collect())),
            [expected],
            "{begin} {parent}"
        );
    }
}

#[test]
fn a_handoff_that_only_the_model_shows_is_a_phantom() {
    let phantoms = |s: &Scene| {
        count(
            &run(s),
            |what| matches!(what, What::Handoff(handoff) if handoff.phantom),
        )
    };
    let mut s = Scene::default();
    let triage = s.agent(0, "triage", (0, 60));
    s.asking(triage, (1, 30), &["crypto"]);
    assert_eq!(phantoms(&s), 1);
    assert_eq!(phantoms(&transfer_with(0..10)), 0);
}

#[test]
fn control_that_comes_back_is_a_loop_with_its_length() {
    let mut s = Scene::default();
    let root = s.add(0, (0, 400), Kind::Workflow);
    for (i, (who, to)) in [("a", "b"), ("b", "c"), ("c", "a")].into_iter().enumerate() {
        let at = i as u64 * 100;
        let agent = s.agent(root, who, (at, at + 60));
        s.call(agent, (at + 1, at + 20));
        s.asking(agent, (at + 21, at + 40), &[to]);
        s.tool(agent, "transfer", (at + 41, at + 50), Some(to));
    }
    let again = s.agent(root, "a", (300, 400));
    s.call(again, (301, 390));
    let facts = run(&s);
    let loops: Vec<(String, u64)> = facts
        .iter()
        .filter_map(|fact| match &fact.what {
            What::Loop { agent, length } => Some((agent.to_string(), *length)),
            _ => None,
        })
        .collect();
    assert_eq!(loops, [("a".to_owned(), 3)]);
}

#[test]
fn a_phantom_that_waits_for_its_target_in_vain_is_still_one() {
    let mut s = Scene::default();
    let root = s.add(0, (0, 70), Kind::Structure);
    let triage = s.agent(root, "triage", (0, 60));
    s.asking(triage, (1, 30), &["crypto"]);
    let phantoms = count(
        &run(&s),
        |what| matches!(what, What::Handoff(handoff) if handoff.phantom),
    );
    assert_eq!(phantoms, 1);
}

#[test]
fn a_handoff_that_nobody_takes_up_fails_though_every_span_says_ok() {
    let mut s = Scene::default();
    let root = s.add(0, (0, 60), Kind::Workflow);
    let triage = s.agent(root, "triage", (0, 40));
    s.asking(triage, (1, 30), &["refund"]);
    s.tool(triage, "transfer_to_refund", (31, 35), Some("refund"));
    assert!(s.events.iter().all(|event| !event.error));
    let facts = run(&s);
    assert_eq!(
        handoffs(&facts),
        ["triage -> refund transfer failed dropped"]
    );
    assert_eq!(outcomes(&facts), [Outcome::Failed]);
}

#[test]
fn a_transfer_to_a_human_needs_no_span_after_it() {
    let mut s = Scene::default();
    let billing = s.agent(0, "billing", (0, 40));
    s.asking(billing, (1, 30), &["human"]);
    let facts = run(&s);
    assert_eq!(
        handoffs(&facts),
        ["billing escalates", "billing -> human transfer success"]
    );
    assert_eq!(outcomes(&facts), [Outcome::Escalated]);
}

#[test]
fn a_delegate_that_returns_its_result_hands_nothing_over() {
    let mut s = Scene::default();
    let boss = s.agent(0, "boss", (0, 100));
    s.asking(boss, (1, 20), &["expert"]);
    let tool = s.tool(boss, "ask_expert", (21, 70), Some("expert"));
    let expert = s.agent(tool, "expert", (22, 69));
    s.call(expert, (25, 60));
    s.call(boss, (75, 95));
    let facts = run(&s);
    assert_eq!(handoffs(&facts), ["boss -> expert delegation success"]);
    assert_eq!(turns(&facts), [(TurnResult::Answered, 95)]);
}
