//! How much of the context passes.

use super::*;

fn retentions(facts: &[Fact]) -> Vec<(f64, &'static str)> {
    facts
        .iter()
        .filter_map(|fact| match &fact.what {
            What::Handoff(h) => h.retention.map(|r| (r.ratio, r.evidence.as_str())),
            _ => None,
        })
        .collect()
}

#[test]
fn a_transfer_that_keeps_less_than_half_of_the_facts_lost_the_context() {
    for (kept, ratio, line) in [
        (0..10, 1.0, "triage -> refund transfer success"),
        (5..40, 0.5, "triage -> refund transfer success"),
        (6..40, 0.4, "triage -> refund transfer failed context_lost"),
        (10..40, 0.0, "triage -> refund transfer failed context_lost"),
        (10..12, 0.0, "triage -> refund transfer failed context_lost"),
        (10..10, 0.0, "triage -> refund transfer failed context_lost"),
    ] {
        let facts = run(&transfer_with(kept));
        assert_eq!(retentions(&facts), [(ratio, "content")]);
        assert_eq!(handoffs(&facts), [line]);
    }
}

#[test]
fn what_is_declared_goes_before_content_and_tokens_never_fail_a_handoff() {
    let mut s = transfer_with(0..10);
    s.events[3].rare.evaluations.push(Evaluation {
        name: name("context_retention"),
        score: Some(0.2),
        label: None,
        by_record: false,
    });
    let facts = run(&s);
    assert_eq!(retentions(&facts), [(0.2, "declared")]);
    assert_eq!(
        handoffs(&facts),
        ["triage -> refund transfer failed context_lost"]
    );
    let mut s = transfer_with(0..10);
    for (event, input) in [(2, 1000), (5, 100)] {
        s.events[event].content = None;
        if let Kind::Model(call) = &mut s.events[event].kind {
            call.usage = Some(Usage {
                input,
                ..Usage::default()
            });
        }
    }
    let facts = run(&s);
    assert_eq!(retentions(&facts), [(0.1, "tokens")]);
    assert_eq!(handoffs(&facts), ["triage -> refund transfer success"]);
}

#[test]
fn a_delegation_may_pass_a_part() {
    let mut s = transfer_with(10..40);
    if let Kind::Tool(tool) = &mut s.events[3].kind {
        tool.delegates = true;
    }
    let facts = run(&s);
    assert_eq!(retentions(&facts), [(0.0, "content")]);
    assert_eq!(handoffs(&facts), ["triage -> refund delegation success"]);
}

#[test]
fn a_user_who_says_it_again_after_a_handoff_repeats_himself() {
    let repeats = |handoff: bool, second: std::ops::Range<u32>| {
        let mut s = if handoff {
            transfer_with(0..10)
        } else {
            Scene::default()
        };
        if !handoff {
            s.agent(0, "triage", (0, 60));
            s.call(1, (1, 30));
        }
        let first = if handoff { 2 } else { 1 };
        s.events[first].content.get_or_insert_default().asked = sketch(100..110);
        let agent = s.agent(0, "refund", (10_000, 10_100));
        s.in_trace(2);
        s.call(agent, (10_001, 10_090));
        s.in_trace(2);
        s.last().content.get_or_insert_default().asked = sketch(second);
        count(&run(&s), |what| matches!(what, What::Repeat { .. }))
    };
    assert_eq!(repeats(true, 100..111), 1);
    assert_eq!(repeats(true, 105..120), 0, "another message");
    assert_eq!(repeats(false, 100..110), 0, "no handoff in between");
}

#[test]
fn of_several_records_of_what_the_user_said_the_last_one_counts() {
    let repeats = |notes: [(u64, u64, std::ops::Range<u32>); 2]| {
        let mut s = transfer_with(0..10);
        s.events[2].content.get_or_insert_default().asked = sketch(100..110);
        let agent = s.agent(0, "refund", (10_000, 10_100));
        s.in_trace(2);
        s.call(agent, (10_001, 10_090));
        s.in_trace(2);
        let call = s.last().span;
        for (id, at, words) in notes {
            s.add(agent, (at, at), Kind::Note(id));
            s.in_trace(2);
            s.last().span = call;
            s.last().content.get_or_insert_default().asked = sketch(words);
        }
        count(&run(&s), |what| matches!(what, What::Repeat { .. }))
    };
    let (again, other) = (|| 100..110, || 300..310);
    for (one, two) in [(1, 2), (2, 1)] {
        let ends = |first, last| repeats([(one, 10_010, first), (two, 10_020, last)]);
        assert_eq!(ends(other(), again()), 1);
        assert_eq!(ends(again(), other()), 0);
    }
}

#[test]
fn a_filter_that_drops_the_history_loses_what_only_the_history_said() {
    let (mut s, _, refund) = transfer();
    let asking = s.events[2].content.insert(Box::default());
    asking.input = sketch(0..8);
    asking.output = sketch(8..10);
    // The target gets what the source said last, and nothing of what the user had said.
    s.call(refund, (45, 90));
    s.last().content = content(8..10);
    let facts = run(&s);
    assert_eq!(retentions(&facts), [(0.2, "content")]);
    assert_eq!(
        handoffs(&facts),
        ["triage -> refund transfer failed context_lost"]
    );
}
