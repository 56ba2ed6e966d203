//! Who acts: the steps that count, whose they are, and which of them make one activation.

use super::*;

/// The agents that were at work, each activation once, in order of start.
fn agents(facts: &[Fact]) -> Vec<&str> {
    facts
        .iter()
        .filter_map(|fact| match &fact.what {
            What::Agent(agent) => Some(&*agent.agent),
            _ => None,
        })
        .collect()
}

/// The tools that were called, in order.
fn tools(facts: &[Fact]) -> Vec<&str> {
    facts
        .iter()
        .filter_map(|fact| match &fact.what {
            What::Tool(tool) => Some(&*tool.tool),
            _ => None,
        })
        .collect()
}

/// How long each handoff took, in milliseconds.
fn latencies(facts: &[Fact]) -> Vec<Option<u128>> {
    facts
        .iter()
        .filter_map(|fact| match &fact.what {
            What::Handoff(handoff) => Some(handoff.latency.map(|wait| wait.as_millis())),
            _ => None,
        })
        .collect()
}

impl Scene {
    /// Gives the last span an agent of its own.
    fn by(&mut self, who: &str) {
        self.last().agent = Some(name(who));
    }

    /// The call id of the last span, a tool.
    fn id(&mut self, id: &str) {
        if let Kind::Tool(tool) = &mut self.last().kind {
            tool.call_id = Some(name(id));
        }
    }
}

///
#[test]
fn calls_in_a_row_without_an_agents_span_are_one_activation() {
    let mut s = Scene::default();
    let root = s.add(0, (0, 100), Kind::Workflow);
    for (n, who) in (0..).zip(["a", "a", "b", "a", "a"]) {
        s.call(root, (10 * n + 1, 10 * n + 9));
        s.by(who);
    }
    assert_eq!(agents(&run(&s)), ["a", "b", "a"]);
}

///
#[test]
fn an_activation_failed_if_its_last_step_or_its_span_did() {
    for (span, step, failed) in [
        (false, false, false),
        (true, false, true),
        (false, true, true),
        (true, true, true),
    ] {
        let mut s = Scene::default();
        let agent = s.agent(0, "a", (0, 100));
        s.last().error = span;
        if step {
            s.failing_call(agent, (1, 50));
        } else {
            s.call(agent, (1, 50));
        }
        let facts = run(&s);
        let found = facts.iter().find_map(|fact| match &fact.what {
            What::Agent(agent) => Some(agent.ending.is_error()),
            _ => None,
        });
        assert_eq!(found, Some(failed), "span {span}, step {step}");
    }
}

#[test]
fn a_turn_is_entered_by_the_agent_whose_span_starts_first_though_its_delegate_acts_before_it() {
    let mut s = Scene::default();
    let triage = s.agent(0, "triage", (0, 60));
    s.asking(triage, (1, 30), &["manager"]);
    // Twenty seconds later, in a trace of its own.
    let manager = s.agent(0, "manager", (20_000, 20_100));
    s.in_trace(2);
    let expert = s.agent(manager, "expert", (20_010, 20_040));
    s.in_trace(2);
    s.call(expert, (20_011, 20_039));
    s.in_trace(2);
    s.call(manager, (20_050, 20_090));
    s.in_trace(2);
    let facts = run(&s);
    assert_eq!(
        handoffs(&facts),
        [
            "triage -> manager resume success",
            "manager -> expert delegation success"
        ]
    );
}

///
#[test]
fn an_agent_in_a_trace_of_its_own_works_for_the_innermost_one_that_waits_for_it() {
    let delegation = |from: &str, to: &str| format!("{from} -> {to} delegation success");
    for (of, who, times, waits) in [
        (1, "lead", (0, 100), true),
        // The same agent, or the same trace.
        (1, "expert", (0, 100), false),
        (2, "lead", (0, 100), false),
        // Who starts or ends together with the expert waits too, but not who does both, or ends before it.
        (1, "lead", (20, 61), true),
        (1, "lead", (19, 60), true),
        (1, "lead", (20, 60), false),
        (1, "lead", (0, 59), false),
    ] {
        let mut s = Scene::default();
        let frame = s.add(0, (0, 100), Kind::Workflow);
        let lead = s.agent(if of == 1 { frame } else { 0 }, who, times);
        s.in_trace(of);
        s.call(lead, (times.0 + 1, times.0 + 5));
        s.in_trace(of);
        let expert = s.agent(0, "expert", (20, 60));
        s.in_trace(2);
        s.call(expert, (25, 55));
        s.in_trace(2);
        let expected: Vec<_> = waits
            .then(|| delegation(who, "expert"))
            .into_iter()
            .collect();
        assert_eq!(
            handoffs(&run(&s)),
            expected,
            "{who} of trace {of}, {times:?}"
        );
    }
    let mut s = Scene::default();
    for (of, who, (start, end)) in [
        (1, "boss", (0, 100)),
        (2, "lead", (10, 90)),
        (3, "expert", (20, 60)),
    ] {
        let agent = s.agent(0, who, (start, end));
        s.in_trace(of);
        s.call(agent, (start + 1, start + 5));
        s.in_trace(of);
    }
    assert_eq!(
        handoffs(&run(&s)),
        [delegation("boss", "lead"), delegation("lead", "expert")]
    );
}

#[test]
fn a_call_around_the_call_of_another_agent_is_a_call_of_its_own() {
    for (inner, calls) in [("boss", 1), ("expert", 2)] {
        let mut s = Scene::default();
        let outer = s.call(0, (0, 100));
        s.by("boss");
        s.call(outer, (10, 50));
        s.by(inner);
        assert_eq!(count(&run(&s), is_call), calls, "{inner}");
    }
}

/// C-2.
#[test]
fn a_tool_call_that_client_and_server_report_counts_once() {
    for (ids, expected) in [
        ([Some("1"), Some("1")], 1),
        ([Some("1"), Some("2")], 2),
        ([Some("1"), None], 2),
        ([None, None], 2),
    ] {
        let mut s = Scene::default();
        let agent = s.agent(0, "a", (0, 100));
        for (n, id) in (1..).zip(ids) {
            s.tool(agent, "lookup", (10 * n, 10 * n + 5), None);
            if let Some(id) = id {
                s.id(id);
            }
        }
        assert_eq!(tools(&run(&s)).len(), expected, "{ids:?}");
    }
}

#[test]
fn two_delegates_in_two_tools_are_two_activations_though_they_bear_one_name() {
    let mut s = Scene::default();
    let triage = s.agent(0, "triage", (0, 100));
    s.call(triage, (1, 9));
    let tool = |s: &mut Scene, times, id| {
        let tool = s.tool(triage, "delegate", times, Some("refund"));
        s.id(id);
        tool
    };
    let (first, second) = (tool(&mut s, (10, 60), "1"), tool(&mut s, (11, 61), "2"));
    // They work at the same time, each in its tool.
    for (n, tool) in (0..).zip([first, second, first, second]) {
        s.call(tool, (20 + 5 * n, 24 + 5 * n));
    }
    let facts = run(&s);
    assert_eq!(agents(&facts), ["triage", "refund", "refund"]);
    // From each decision to the first step inside its own tool.
    assert_eq!(latencies(&facts), [Some(10), Some(14)]);
}

#[test]
fn a_target_whose_first_tool_fails_is_a_target_error_and_one_that_hands_on_is_none() {
    let success = "triage -> refund transfer success";
    let failed = "triage -> refund transfer failed target_error";
    for (by_tool, by_span, hands_to, expected) in [
        (false, false, None, success),
        (true, false, None, failed),
        (false, true, None, failed),
        (true, true, Some("human"), success),
    ] {
        let (mut s, _, refund) = transfer();
        s.tool(refund, "lookup", (45, 50), hands_to);
        s.last().error = by_span;
        if let Kind::Tool(tool) = &mut s.last().kind {
            tool.failed = by_tool;
        }
        s.call(refund, (51, 90));
        assert_eq!(handoffs(&run(&s))[0], expected, "{by_tool} {by_span}");
    }
}

#[test]
fn a_tool_with_its_own_agents_span_inside_is_a_tool_call() {
    let mut s = Scene::default();
    let tool = s.tool(0, "lookup", (0, 100), None);
    s.by("desk");
    let desk = s.agent(tool, "desk", (10, 90));
    s.call(desk, (11, 89));
    assert_eq!(tools(&run(&s)), ["lookup"]);
}

#[test]
fn control_that_moves_undeclared_takes_time_and_a_delegate_that_nothing_asked_for_takes_none() {
    let mut s = Scene::default();
    let root = s.add(0, (0, 100), Kind::Workflow);
    let boss = s.agent(root, "boss", (0, 20));
    s.call(boss, (1, 19));
    let expert = s.agent(root, "expert", (27, 90));
    s.call(expert, (28, 40));
    let helper = s.agent(expert, "helper", (50, 60));
    s.call(helper, (51, 59));
    let facts = run(&s);
    assert_eq!(
        handoffs(&facts),
        [
            "boss -> expert transfer success",
            "expert -> helper delegation success"
        ]
    );
    assert_eq!(latencies(&facts), [Some(7), None]);
}

#[test]
fn an_agent_that_took_no_time_has_no_share_of_the_wait() {
    let mut s = Scene::default();
    let root = s.add(0, (0, 100), Kind::Workflow);
    s.tool(root, "lookup", (50, 50), None);
    s.by("quick");
    s.call(root, (60, 90));
    s.by("desk");
    let shares = run(&s).into_iter().find_map(|fact| match fact.what {
        What::Turn(turn) => Some(turn.by_agent),
        _ => None,
    });
    let desk = (name("desk"), Duration::from_millis(30));
    assert_eq!(shares, Some(vec![desk]));
}

/// C-5.
#[test]
fn a_tool_call_failed_if_a_span_of_the_same_call_inside_it_did() {
    for (inside, tool_fails, failed) in [
        ("lookup", true, true),
        ("lookup", false, false),
        ("another", true, false),
    ] {
        let mut s = Scene::default();
        let agent = s.agent(0, "a", (0, 100));
        let outer = s.tool(agent, "lookup", (10, 20), None);
        s.tool(outer, inside, (11, 19), None);
        s.last().error = tool_fails;
        let found = run(&s).into_iter().find_map(|fact| match fact.what {
            What::Tool(tool) if &*tool.tool == "lookup" => Some(tool.ending.is_error()),
            _ => None,
        });
        assert_eq!(found, Some(failed), "{inside} inside, fails: {tool_fails}");
    }
}

#[test]
fn an_agent_that_hands_work_to_its_own_name_is_not_around_it_and_control_may_move_on_from_there() {
    let mut s = Scene::default();
    let lead = s.agent(0, "lead", (0, 100));
    s.call(lead, (1, 9));
    let tool = s.tool(lead, "delegate", (10, 50), Some("lead"));
    s.call(tool, (20, 30));
    let desk = s.agent(0, "desk", (60, 90));
    s.call(desk, (61, 80));
    let facts = run(&s);
    assert_eq!(agents(&facts), ["lead", "lead", "desk"]);
    assert_eq!(
        handoffs(&facts),
        [
            "lead -> lead delegation success",
            "lead -> desk transfer success"
        ]
    );
}
