//! Who is who: one agent under several names, and what is an agent at all.

use super::*;

/// One fact in words for each activation.
fn agents(facts: &[Fact]) -> Vec<String> {
    let named = facts.iter().filter_map(|fact| match &fact.what {
        What::Agent(agent) => Some(agent.agent.to_string()),
        _ => None,
    });
    let mut agents: Vec<String> = named.collect();
    agents.sort();
    agents
}

/// The agents that the model calls belong to.
fn callers(facts: &[Fact]) -> Vec<String> {
    let named = facts.iter().filter_map(|fact| match &fact.what {
        What::Model(call) => Some(call.agent.to_string()),
        _ => None,
    });
    named.collect()
}

fn call_of(s: &mut Scene, parent: u64, agent: &str, times: (u64, u64)) {
    s.call(parent, times);
    s.last().agent = Some(name(agent));
}

/// the agent's own spans say how its name is spelt, and of them the spelling that most looks like a name.
#[test]
fn spellings_of_one_name_are_one_agent() {
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
        let mut s = Scene::default();
        s.agent(0, "Night Desk", (0, 90));
        for (place, spelling) in order.into_iter().enumerate() {
            let spelling = ["night_desk", "NightDesk", "night-desk"][spelling];
            call_of(
                &mut s,
                1,
                spelling,
                (10 + 20 * place as u64, 15 + 20 * place as u64),
            );
        }
        let facts = run(&s);
        assert_eq!(agents(&facts), ["Night Desk"]);
        assert_eq!(callers(&facts), ["Night Desk"; 3]);
        assert_eq!(handoffs(&facts), [""; 0]);
    }
}

/// A-8, H-2.
#[test]
fn an_agent_new_in_every_run_is_the_same() {
    let mut s = Scene::default();
    let root = s.add(0, (0, 100), Kind::Workflow);
    let triage = s.agent(root, "triage-1732838400", (0, 40));
    s.asking(triage, (1, 30), &["worker"]);
    let worker = s.agent(
        root,
        "worker-00000001-0b4d-4c2a-9f00-000000000001",
        (41, 100),
    );
    s.call(worker, (45, 90));
    let facts = run(&s);
    assert_eq!(handoffs(&facts), ["triage -> worker transfer success"]);
    assert_eq!(agents(&facts), ["triage", "worker"]);
}

/// an id stands for the name that any span gives with it, for spans of its work and for handoffs to it.
#[test]
fn an_id_stands_for_the_name_beside_it() {
    let mut s = Scene::default();
    let root = s.add(0, (0, 100), Kind::Workflow);
    let triage = s.agent(root, "triage", (0, 40));
    s.asking(triage, (1, 30), &["asst_x7Kq9ZpL2m4T"]);
    let refund = s.agent(root, "Refund", (41, 100));
    s.last().rare.agent_id = Some(name("asst_x7Kq9ZpL2m4T"));
    call_of(&mut s, refund, "asst_x7Kq9ZpL2m4T", (45, 90));
    let facts = run(&s);
    assert_eq!(handoffs(&facts), ["triage -> Refund transfer success"]);
    assert_eq!(agents(&facts), ["Refund", "triage"]);
}

/// an id that stands beside two names says nothing.
#[test]
fn an_id_of_several_agents_is_none() {
    let mut s = Scene::default();
    let root = s.add(0, (0, 100), Kind::Workflow);
    for (agent, times) in [("triage", (0, 40)), ("refund", (41, 100))] {
        let own = s.agent(root, agent, times);
        s.last().rare.agent_id = Some(name("a1"));
        s.call(own, times);
    }
    let facts = run(&s);
    assert_eq!(handoffs(&facts), ["triage -> refund transfer success"]);
}

///
#[test]
fn calls_beside_their_agent_are_its_own() {
    let mut s = Scene::default();
    let root = s.add(0, (0, 100), Kind::Structure);
    s.agent(root, "meteo", (0, 90));
    s.call(root, (1, 30));
    s.tool(root, "gauge", (31, 40), None);
    s.call(root, (41, 89));
    // After the agent had ended, this is somebody else's.
    s.call(root, (92, 99));
    let facts = run(&s);
    assert_eq!(callers(&facts), ["meteo", "meteo", "unknown"]);
    assert_eq!(count(&facts, |w| matches!(w, What::Tool(_))), 1);
}

/// what works inside a tool of nobody stands beside nothing of another agent's.
#[test]
fn calls_elsewhere_are_not_those_of_an_agent_at_the_same_time() {
    let mut s = Scene::default();
    let root = s.add(0, (0, 100), Kind::Structure);
    let tool = s.tool(root, "ask_meteo", (0, 90), None);
    s.agent(tool, "meteo", (1, 89));
    s.call(root, (10, 20));
    assert_eq!(callers(&run(&s)), ["unknown"]);
}

/// H-2: tools that a framework counts take the agent that begins next, unless an agent has such a name.
#[test]
fn a_number_is_the_agent_that_begins_next() {
    for (tool, agent, to) in [
        ("1", "keys", "keys"),
        ("agent_3", "keys", "keys"),
        ("agent_3", "agent_3", "agent_3"),
    ] {
        let mut s = Scene::default();
        let root = s.add(0, (0, 100), Kind::Workflow);
        let triage = s.agent(root, "triage", (0, 40));
        s.asking(triage, (1, 30), &[tool]);
        let other = s.agent(root, agent, (41, 100));
        s.call(other, (45, 90));
        let expected = format!("triage -> {to} transfer success");
        assert_eq!(handoffs(&run(&s)), [expected]);
    }
}

/// H-1: of two numbers at once one begins.
#[test]
fn two_numbers_are_two_handoffs() {
    let mut s = Scene::default();
    let root = s.add(0, (0, 100), Kind::Workflow);
    let triage = s.agent(root, "triage", (0, 40));
    s.asking(triage, (1, 30), &["1", "2"]);
    let keys = s.agent(root, "keys", (41, 100));
    s.call(keys, (45, 90));
    let facts = run(&s);
    let mut found = handoffs(&facts);
    found.sort();
    assert_eq!(
        found,
        [
            "triage -> keys transfer success",
            "triage -> unknown transfer failed dropped"
        ]
    );
}

/// H-1: call ids decide before likeness.
#[test]
fn two_tasks_for_one_agent_are_two_delegations() {
    for with_ids in [true, false] {
        let mut s = Scene::default();
        let chief = s.agent(0, "chief", (0, 400));
        s.asking(chief, (1, 30), &["scout", "scout"]);
        if let Kind::Model(call) = &mut s.last().kind {
            for (request, id) in call.requests.iter_mut().zip(["c1", "c2"]) {
                request.call_id = with_ids.then(|| name(id));
            }
        }
        for (id, end) in [("c1", 200), ("c2", 210)] {
            let tool = s.tool(chief, "delegate_to_scout", (31, end), Some("scout"));
            if let Kind::Tool(call) = &mut s.last().kind {
                call.call_id = with_ids.then(|| name(id));
                call.delegates = true;
            }
            let scout = s.agent(tool, "scout", (32, end - 1));
            s.call(scout, (33, end - 2));
        }
        s.call(chief, (211, 399));
        let one = "chief -> scout delegation success";
        assert_eq!(handoffs(&run(&s)), [one, one], "ids: {with_ids}");
    }
}

/// A tool of the trade that is called like a handoff; `agent` is the name in it.
fn trade(agent: &str, edit: impl FnOnce(&mut Scene)) -> Vec<Fact> {
    let mut s = Scene::default();
    let teller = s.agent(0, "teller", (0, 90));
    s.asking(teller, (1, 30), &[agent]);
    s.tool(teller, "transfer_to_x", (31, 40), Some(agent));
    if let Kind::Tool(tool) = &mut s.last().kind {
        tool.does_work = true;
    }
    s.call(teller, (41, 89));
    edit(&mut s);
    run(&s)
}

/// H-10.
#[test]
fn a_tool_that_returns_to_its_caller_is_a_tool() {
    let facts = trade("savings_account", |_| {});
    assert_eq!(handoffs(&facts), [""; 0]);
    assert_eq!(count(&facts, |w| matches!(w, What::Tool(_))), 1);
    assert_eq!(turns(&facts), [(TurnResult::Answered, 89)]);
}

/// H-10: an agent of that name, a name of an agent, a failure, or another one that acts next.
#[test]
fn a_tool_that_hands_over_stays_one() {
    let is_tool = |facts: Vec<Fact>| count(&facts, |w| matches!(w, What::Tool(_))) > 0;
    assert!(!is_tool(trade("orchard_agent", |_| {})));
    assert!(!is_tool(trade("savings", |s| s.events[2].error = true)));
    assert!(!is_tool(trade("savings", |s| {
        s.agent(0, "Savings", (50, 60));
    })));
    assert!(!is_tool(
        trade("savings", |s| s.events[3].agent = Some(name("clerk")))
    ));
    assert!(!is_tool(trade("savings", |s| {
        s.events.pop();
    })));
}

/// H-9.
#[test]
fn human_resources_are_an_agent_and_so_is_whoever_acts() {
    for (agent, acts, expected) in [
        (
            "human_desk",
            false,
            "triage escalates, triage -> human transfer success",
        ),
        ("human_desk", true, "triage -> human_desk transfer success"),
        (
            "human_resources",
            false,
            "triage -> human_resources transfer failed dropped",
        ),
        (
            "human_resources",
            true,
            "triage -> human_resources transfer success",
        ),
    ] {
        let mut s = Scene::default();
        let root = s.add(0, (0, 100), Kind::Workflow);
        let triage = s.agent(root, "triage", (0, 40));
        s.asking(triage, (1, 30), &[agent]);
        if acts {
            let own = s.agent(root, agent, (41, 100));
            s.call(own, (45, 90));
        }
        assert_eq!(handoffs(&run(&s)).join(", "), expected);
    }
}

/// H-12.
#[test]
fn without_any_agent_nobody_knows_what_became_of_a_handoff() {
    let mut s = Scene::default();
    let root = s.add(0, (0, 100), Kind::Workflow);
    s.asking(root, (1, 30), &["refund"]);
    s.tool(root, "transfer_to_refund", (31, 35), Some("refund"));
    s.call(root, (45, 90));
    let facts = run(&s);
    assert_eq!(
        handoffs(&facts),
        ["unknown -> refund transfer unknown no_agents"]
    );
    assert_eq!(turns(&facts), [(TurnResult::Answered, 90)]);
    assert_eq!(count(&facts, |w| matches!(w, What::Pending(_))), 0);
}

/// H-12: where the delegate works in a trace of its own, its answer alone comes back. Of one that failed nothing shows that it began.
#[test]
fn a_delegation_that_returns_an_answer_is_not_lost() {
    for (returned, failed, expected) in [
        (true, false, "chief -> scout delegation unknown no_agents"),
        (false, false, "chief -> scout delegation failed dropped"),
        (false, true, "chief -> scout delegation failed rejected"),
    ] {
        let mut s = Scene::default();
        let chief = s.agent(0, "chief", (0, 90));
        s.asking(chief, (1, 30), &["scout"]);
        s.tool(chief, "delegate_to_scout", (31, 40), Some("scout"));
        s.last().rare.delegate_returned = returned;
        if let Kind::Tool(call) = &mut s.last().kind {
            (call.delegates, call.failed) = (true, failed);
        }
        s.call(chief, (41, 89));
        let facts = run(&s);
        assert_eq!(handoffs(&facts), [expected]);
        assert_eq!(turns(&facts), [(TurnResult::Answered, 89)]);
    }
}

/// H-11.
#[test]
fn a_target_may_say_who_called_it() {
    let mut s = Scene::default();
    let chief = s.agent(0, "chief", (0, 90));
    s.call(chief, (1, 30));
    for times in [(31, 40), (41, 50)] {
        let scout = s.agent(chief, "scout", times);
        s.last().rare.caller = Some(name("Chief"));
        s.call(scout, times);
        s.last().rare.caller = Some(name("Chief"));
    }
    let one = "chief -> scout delegation success";
    assert_eq!(handoffs(&run(&s)), [one, one]);
}

/// the container is the target, and hands on to each of its children.
#[test]
fn a_container_of_agents_takes_a_transfer_up() {
    let mut s = Scene::default();
    let lead = s.agent(0, "lead", (0, 100));
    let call = s.asking(lead, (1, 99), &["double"]);
    s.tool(call, "transfer_to_agent", (30, 31), Some("double"));
    let double = s.agent(call, "double", (32, 98));
    for (agent, end) in [("style", 60), ("docs", 90)] {
        let own = s.agent(double, agent, (33, end));
        s.call(own, (34, end - 1));
    }
    let facts = run(&s);
    let mut found = handoffs(&facts);
    found.sort();
    assert_eq!(
        found,
        [
            "double -> docs delegation success",
            "double -> style delegation success",
            "lead -> double transfer success"
        ]
    );
    assert_eq!(turns(&facts), [(TurnResult::Answered, 89)]);
}
