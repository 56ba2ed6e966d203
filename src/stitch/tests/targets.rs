//! Whom a handoff leads to, and whether that agent got to work.

use super::*;

/// Triage asks for an agent, and another one acts after it; the tool of the handoff runs or not.
fn asked_for(target: &str, agent: &str, runs: bool) -> Scene {
    let mut s = Scene::default();
    let root = s.add(0, (0, 100), Kind::Workflow);
    let triage = s.agent(root, "Triage Agent", (0, 40));
    s.asking(triage, (1, 30), &[target]);
    if runs {
        s.tool(
            triage,
            &format!("transfer_to_{target}"),
            (31, 35),
            Some(target),
        );
    }
    let second = s.agent(root, agent, (41, 100));
    s.call(second, (45, 90));
    s
}

/// A delegate inside the tool of a boss.
fn delegated(boss: &str, target: &str, delegate: Option<&str>) -> Scene {
    let mut s = Scene::default();
    let boss = s.agent(0, boss, (0, 100));
    s.asking(boss, (1, 10), &[target]);
    let mut home = s.tool(boss, "delegate", (11, 60), Some(target));
    if let Some(delegate) = delegate {
        home = s.agent(home, delegate, (12, 59));
    }
    s.call(home, (13, 58));
    s.call(boss, (61, 95));
    s
}

/// H-2.
#[test]
fn a_target_may_be_named_without_its_role() {
    for (target, agent) in [
        ("refunds", "Refunds Agent"),
        ("refunds_agent", "Refunds"),
        ("sales", "Sales Specialist"),
        ("hotel", "Hotels"),
    ] {
        let line = format!("Triage Agent -> {agent} transfer success");
        for runs in [true, false] {
            let facts = run(&asked_for(target, agent, runs));
            assert_eq!(handoffs(&facts), [line.as_str()], "{runs}");
        }
        let mut s = asked_for(target, agent, true);
        for event in &mut s.events[4..] {
            (event.trace, event.parent) = (trace(2), event.parent.filter(|p| *p != span(1)));
            (event.start.0, event.end.0) =
                (event.start.0 + 10_000_000_000, event.end.0 + 10_000_000_000);
        }
        let line = format!("Triage Agent -> {agent} resume success");
        assert_eq!(handoffs(&run(&s)), [line], "in a later turn");
    }
}

/// H-2: of agents that act under names so near, the one of exactly that name is meant, and none where no name is nearer.
#[test]
fn names_that_differ_by_a_role_may_be_two_agents() {
    for (target, kept, line) in [
        ("refunds", 3, "triage -> refunds transfer success"),
        ("refunds_desk", 3, "triage -> Refunds Desk transfer success"),
        ("refund", 3, "triage -> refunds transfer success"),
        ("refunds", 2, "triage -> refunds transfer failed dropped"),
    ] {
        let mut s = Scene::default();
        let root = s.add(0, (0, 400), Kind::Workflow);
        let agents = ["Refunds Agent", "Refunds Desk", "refunds"];
        for (i, who) in agents.iter().take(kept).enumerate() {
            let at = 10 * i as u64;
            let agent = s.agent(root, who, (at, at + 9));
            s.call(agent, (at + 1, at + 8));
        }
        let triage = s.agent(root, "triage", (40, 60));
        s.asking(triage, (41, 59), &[target]);
        if let Some(agent) = agents.iter().take(kept).find(|who| line.contains(*who)) {
            let again = s.agent(root, agent, (61, 90));
            s.call(again, (62, 89));
        }
        let told = handoffs(&run(&s));
        assert!(told.contains(&line.to_owned()), "{target}: {told:?}");
        assert_eq!(
            told.iter().filter(|l| l.starts_with("triage ->")).count(),
            1
        );
    }
}

/// H-2: whoever hands over does not mean itself.
#[test]
fn a_source_that_is_named_nearly_so_is_not_the_target() {
    let facts = run(&delegated("Research Team", "research", None));
    assert_eq!(
        handoffs(&facts),
        ["Research Team -> research delegation success"]
    );
    let mut s = Scene::default();
    let team = s.agent(0, "Research Team", (0, 40));
    s.asking(team, (1, 30), &["research"]);
    s.agent(0, "Research Team", (10_000, 10_100));
    s.in_trace(2);
    let dropped = "Research Team -> research transfer failed dropped";
    assert_eq!(handoffs(&run(&s)), [dropped]);
}

/// H-2.
#[test]
fn an_agent_inside_the_tool_is_the_target_whatever_its_name() {
    let facts = run(&delegated("Boss", "hotels", Some("Hotel Booking Agent")));
    assert_eq!(
        handoffs(&facts),
        ["Boss -> Hotel Booking Agent delegation success"]
    );
    assert_eq!(count(&facts, |w| matches!(w, What::Tool(_))), 0);
    // Only the outer one of two is; the inner one works for it.
    let mut s = delegated("Boss", "hotels", Some("Booker"));
    let inner = s.agent(4, "Searcher", (20, 50));
    s.call(inner, (21, 49));
    assert_eq!(
        handoffs(&run(&s)),
        [
            "Boss -> Booker delegation success",
            "Booker -> Searcher delegation success"
        ]
    );
}

/// H-2: where an agent of the name acts, another one inside the tool is not its target.
#[test]
fn an_agent_inside_a_tool_does_not_stand_for_one_that_acts() {
    let mut s = delegated("Boss", "hotels", Some("Guard"));
    let hotels = s.agent(0, "hotels", (70, 90));
    s.call(hotels, (71, 89));
    assert_eq!(
        handoffs(&run(&s)),
        [
            "Boss -> hotels transfer success",
            "Boss -> Guard delegation success"
        ]
    );
}

/// H-2: an agent that acted before under the very name is another one.
#[test]
fn an_agent_that_acted_before_is_meant_by_its_name() {
    let mut s = Scene::default();
    let refunds = s.agent(0, "refunds", (0, 20));
    s.call(refunds, (1, 19));
    let root = s.add(0, (10_000, 10_100), Kind::Workflow);
    s.in_trace(2);
    for (who, times, asks) in [
        ("triage", (10_001, 10_020), &["refunds"][..]),
        ("Refunds Desk", (10_030, 10_090), &[]),
    ] {
        let agent = s.agent(root, who, times);
        s.in_trace(2);
        s.asking(agent, times, asks);
        s.in_trace(2);
    }
    assert_eq!(
        handoffs(&run(&s)),
        [
            "triage -> Refunds Desk transfer success",
            "triage -> refunds transfer failed dropped"
        ]
    );
}

/// H-14.
#[test]
fn a_try_that_fails_before_the_answer_is_no_failure_of_the_target() {
    let (mut s, _, refund) = transfer();
    s.failing_call(refund, (42, 43));
    s.failing_call(refund, (44, 45));
    s.call(refund, (46, 90));
    assert_eq!(handoffs(&run(&s)), ["triage -> refund transfer success"]);
    let (mut s, _, refund) = transfer();
    s.failing_call(refund, (42, 43));
    s.failing_call(refund, (44, 45));
    s.tool(refund, "apologise", (46, 47), None);
    let failed = "triage -> refund transfer failed target_error";
    assert_eq!(handoffs(&run(&s)), [failed]);
}

/// H-14: what a try that failed does not show of the messages, the next one does.
#[test]
fn the_context_is_looked_for_in_the_call_that_answered() {
    let mut s = transfer_with(0..10);
    s.events.pop();
    s.failing_call(5, (42, 43));
    s.call(5, (45, 90));
    s.last().content = content(8..10);
    let lost = "triage -> refund transfer failed context_lost";
    assert_eq!(handoffs(&run(&s)), [lost]);
}

/// H-5.
#[test]
fn a_target_that_gives_text_before_it_hands_back_does_not_bounce() {
    for (answered, line) in [
        (Some(true), "triage -> refund transfer success"),
        (Some(false), "triage -> refund transfer failed bounced"),
        (None, "triage -> refund transfer failed bounced"),
    ] {
        let (mut s, root, refund) = transfer();
        s.asking(refund, (45, 90), &["triage"]);
        if let Kind::Model(call) = &mut s.last().kind {
            call.answered = answered;
        }
        let again = s.agent(root, "triage", (101, 140));
        s.call(again, (102, 139));
        let back = "refund -> triage transfer success";
        assert_eq!(handoffs(&run(&s)), [line, back], "{answered:?}");
    }
}
