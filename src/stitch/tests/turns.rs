//! What belongs to a turn, and what counts in it.

use super::*;

/// C-1.
#[test]
fn the_innermost_model_span_and_the_outermost_tool_span_count() {
    let mut s = Scene::default();
    let agent = s.agent(0, "a", (0, 100));
    let outer = s.call(agent, (1, 50));
    s.call(outer, (2, 49));
    let tool = s.tool(agent, "search", (51, 60), None);
    s.tool(tool, "search", (52, 59), None);
    let facts = run(&s);
    assert_eq!(count(&facts, is_call), 1);
    assert_eq!(count(&facts, |w| matches!(w, What::Tool(_))), 1);
}

/// T-1.
#[test]
fn a_trace_inside_anothers_time_or_linked_to_it_is_part_of_its_turn() {
    for linked in [false, true] {
        let mut s = Scene::default();
        let boss = s.agent(0, "boss", (0, 100));
        s.call(boss, (1, 99));
        let end = if linked { 150 } else { 90 };
        s.agent(0, "remote", (20, end));
        s.in_trace(2);
        if linked {
            s.last().rare.links = list![Link {
                trace: trace(1),
                span: span(1),
            }];
        }
        let facts = run(&s);
        assert_eq!(turns(&facts).len(), 1, "linked: {linked}");
    }
}

/// T-6.
#[test]
fn an_embedding_alone_is_no_turn_and_no_session() {
    let mut s = Scene::default();
    let call = ModelCall {
        operation: Operation::Embeddings,
        ..ModelCall::default()
    };
    s.add(0, (0, 10), Kind::Model(Box::new(call)));
    let facts = run(&s);
    assert_eq!(count(&facts, is_call), 1);
    assert_eq!(turns(&facts).len(), 0);
    assert_eq!(count(&facts, |w| *w == What::Session), 0);
}

/// T-7.
#[test]
fn spans_that_are_not_about_agents_leave_no_trace() {
    let mut s = Scene::default();
    let root = s.add(0, (0, 10), Kind::Structure);
    s.add(root, (1, 9), Kind::Structure);
    s.last().error = true;
    let ignored = What::Ignored {
        reason: Ignored::NotAboutAgents,
        events: 2,
    };
    let facts: Vec<What> = run(&s).into_iter().map(|fact| fact.what).collect();
    assert_eq!(facts, [ignored]);
}

#[test]
fn absurd_numbers_break_nothing() {
    let mut s = Scene::default();
    let agent = s.agent(0, "a", (1000, 4000));
    s.call(agent, (1100, 1200));
    s.call(agent, (2000, 3000));
    if let Kind::Model(call) = &mut s.last().kind {
        call.first_token_seconds = Some(1.8e19);
        call.cost = Cost::Declared(1e300);
        call.usage = Some(Usage {
            input: u64::MAX,
            cache_read: Some(u64::MAX),
            ..Usage::default()
        });
    }
    assert_eq!(turns(&run(&s)).len(), 1);
}

#[test]
fn a_circle_of_parents_is_cut() {
    let mut s = Scene::default();
    s.agent(2, "a", (0, 100));
    s.agent(1, "b", (1, 99));
    s.call(2, (2, 50));
    assert_eq!(count(&run(&s), is_call), 1);
}
