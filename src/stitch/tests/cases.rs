//! Cases: where one workflow ends and the next one begins, and what rules see of events, turns and workflows.

use super::*;
use crate::rules::{Condition, Rule, RuleScope, Rules};
use std::sync::Arc;

/// Two answered turns at these times, in milliseconds; the second one may be changed.
fn two(first: (u64, u64), second: (u64, u64), change: impl Fn(&mut Event, &mut Event)) -> Scene {
    let mut s = Scene::default();
    for (n, times) in (1..).zip([first, second]) {
        s.call(0, times);
        s.in_trace(n);
        s.last().agent = Some(name("desk"));
    }
    let (one, other) = s.events.split_at_mut(1);
    change(&mut one[0], &mut other[0]);
    s
}

/// Workflows of a scene whose spans all arrive at once, so that only event time tells.
fn cases(s: &Scene, settings: &Settings) -> usize {
    let events = s.events.iter().map(|e| (Timestamp(0), e.clone()));
    outcomes(&play_with(events.collect(), settings)).len()
}

fn resolved() -> Option<OutcomeEvidence> {
    Some(OutcomeEvidence {
        outcome: Outcome::Resolved,
    })
}

#[test]
fn another_id_is_another_case_and_no_id_is_none() {
    for (first, second, expected) in [
        (None, None, 1),
        (Some("1"), None, 1),
        (None, Some("1"), 1),
        (Some("1"), Some("1"), 1),
        (Some("1"), Some("2"), 2),
    ] {
        let s = two((0, 100), (200, 300), |one, other| {
            one.context.workflow_id = first.map(name);
            other.context.workflow_id = second.map(name);
        });
        let found = cases(&s, &Settings::default());
        assert_eq!(found, expected, "{first:?} {second:?}");
    }
}

/// W-2.
#[test]
fn after_an_outcome_the_next_case_begins_with_another_intent_or_after_a_while() {
    let settle = Settings::default().settle.as_millis() as u64;
    let (refund, invoice) = (Some("refund"), Some("invoice"));
    for (start, first, second, expected) in [
        (100, refund, invoice, 1),
        (101, refund, invoice, 2),
        (101, refund, refund, 1),
        (101, refund, None, 1),
        (101, None, refund, 1),
        (100 + settle, refund, refund, 1),
        (101 + settle, refund, refund, 2),
    ] {
        let s = two((0, 100), (start, start + 100), |one, other| {
            one.rare.outcome = resolved();
            one.context.intent = first.map(name);
            other.context.intent = second.map(name);
        });
        let found = cases(&s, &Settings::default());
        assert_eq!(found, expected, "{first:?}, then {second:?} at {start}");
    }
    // Without an outcome the customer goes on, whatever it is about.
    let s = two((0, 100), (101, 200), |one, other| {
        (one.context.intent, other.context.intent) = (refund.map(name), invoice.map(name));
    });
    assert_eq!(cases(&s, &Settings::default()), 1);
}

#[test]
fn a_case_that_is_idle_too_long_or_too_old_has_ended() {
    let settings = Settings::default();
    let idle = settings.idle_timeout.as_millis() as u64;
    for (start, expected) in [(100 + idle, 1), (101 + idle, 2)] {
        let s = two((0, 100), (start, start + 100), |_, _| {});
        assert_eq!(cases(&s, &settings), expected, "{start}");
    }
    let old = settings.max_age.as_millis() as u64;
    let settings = Settings {
        idle_timeout: settings.max_age * 2,
        ..settings
    };
    for (start, expected) in [(old, 1), (old + 1, 2)] {
        let s = two((0, 100), (start, start + 100), |_, _| {});
        assert_eq!(cases(&s, &settings), expected, "{start}");
    }
}

/// The facts of a scene under one rule that makes a step of the funnel; the first dimension is the `tier`.
fn ruled(s: &Scene, scope: RuleScope, text: &str) -> Vec<Fact> {
    let rules = Rules {
        outcomes: Vec::new(),
        steps: vec![Rule {
            name: name("rule"),
            condition: Condition::compile(scope, text).expect(text),
            then: name("step"),
        }],
    };
    let settings = Settings {
        judge: Judge {
            rules: Arc::new(rules),
            dimensions: vec!["tier".to_owned(), "channel".to_owned()],
        },
        ..Settings::default()
    };
    let mut events: Vec<_> = s.events.iter().map(|e| (e.end, e.clone())).collect();
    events.sort_by_key(|(end, _)| *end);
    play_with(events, &settings)
}

/// S-13: a label without a score is ignored unless a rule over events reads labels.
#[test]
fn a_label_is_ignored_unless_a_rule_reads_it() {
    let reads = "event.labels[\"tone\"] == \"rude\"";
    for (rule, ignored) in [(reads, 0), ("event.kind == \"tool\"", 1)] {
        let mut s = Scene::default();
        let agent = s.agent(0, "a", (0, 100));
        s.call(agent, (1, 90));
        s.last().rare.evaluations = list![Evaluation {
            name: name("tone"),
            score: None,
            label: Some(name("calm")),
            by_record: false,
        }];
        let is_ignored = |what: &What| matches!(what, What::Ignored { .. });
        let facts = ruled(&s, RuleScope::Event, rule);
        assert_eq!(count(&facts, is_ignored), ignored, "{rule}");
    }
}

fn is_step(what: &What) -> bool {
    matches!(what, What::FunnelStep { .. })
}

fn check(s: &Scene, scope: RuleScope, text: &str, holds: bool) {
    let found = count(&ruled(s, scope, text), is_step) == 1;
    assert_eq!(found, holds, "{text}");
}

/// A turn of a gold customer with a success, two rejections, and a handoff that finds nobody.
fn busy() -> Scene {
    let (mut s, _, refund) = transfer();
    s.last().context.cohort = [(0, name("gold"))].into();
    s.call(refund, (45, 60));
    s.last().context.value_usd = Some(49.99);
    s.tool(refund, "lookup", (61, 62), None);
    for to in ["billing", "legal"] {
        s.tool(refund, "transfer", (63, 64), Some(to));
        s.last().error = true;
    }
    s.asking(refund, (70, 90), &["crypto"]);
    s
}

/// W-5.
#[test]
fn rules_over_turns_and_workflows_see_what_happened() {
    let s = busy();
    for (scope, text, holds) in [
        (
            RuleScope::Turn,
            "turn.handoffs == 3 && turn.failed_handoffs == 2",
            true,
        ),
        (RuleScope::Turn, "turn.value_usd == 49.99", true),
        (RuleScope::Turn, "turn.cohort.tier == 'gold'", true),
        (RuleScope::Turn, "turn.cohort.channel == ''", false),
        (RuleScope::Turn, "'lookup' in turn.tools", true),
        // The last one found nobody in time.
        (
            RuleScope::Workflow,
            "workflow.handoffs == 4 && workflow.failed_handoffs == 3",
            true,
        ),
        (RuleScope::Workflow, "workflow.value_usd == 49.99", true),
        (RuleScope::Workflow, "workflow.cohort.tier == 'gold'", true),
    ] {
        check(&s, scope, text, holds);
    }
}

#[test]
fn a_step_is_of_the_cohort_and_the_weight_of_its_workflow() {
    let mut s = busy();
    let threshold = crate::model::sampling::Threshold::new(1 << 55);
    for event in &mut s.events {
        event.rare.threshold = threshold;
    }
    let facts = ruled(&s, RuleScope::Turn, "turn.handoffs == 3");
    let step = facts.iter().find(|fact| is_step(&fact.what));
    let step = step.expect("a step");
    assert_eq!((step.cohort.value(0), step.weight()), ("gold", 2));
}

#[test]
fn rules_over_events_see_whether_it_went_well() {
    let model = |failed| {
        Kind::Model(Box::new(ModelCall {
            failed,
            ..ModelCall::default()
        }))
    };
    let tool = |failed| {
        Kind::Tool(ToolCall {
            name: name("lookup"),
            call_id: None,
            hands_to: None,
            does_work: false,
            delegates: false,
            failed,
        })
    };
    let handoff = |failed| {
        Kind::Handoff(HandoffSpan {
            from: None,
            to: target("b"),
            delegates: false,
            failed,
        })
    };
    let guardrail = |triggered| Kind::Guardrail { triggered };
    let kinds: [(&str, &dyn Fn(bool) -> Kind); 4] = [
        ("model", &model),
        ("tool", &tool),
        ("handoff", &handoff),
        ("guardrail", &guardrail),
    ];
    for (kind, make) in kinds {
        for (failed, error) in [(false, false), (true, false), (false, true), (true, true)] {
            let mut s = Scene::default();
            s.call(0, (0, 100));
            s.add(1, (10, 20), make(failed));
            s.last().agent = Some(name("other"));
            s.last().error = error;
            let text = format!("event.kind == '{kind}' && event.agent == 'other' && event.ok");
            check(&s, RuleScope::Event, &text, !failed && !error);
        }
    }
}

#[test]
fn what_only_a_note_tells_of_is_structure_to_a_rule() {
    let mut s = Scene::default();
    s.call(0, (0, 100));
    s.add(0, (50, 50), Kind::Note(7));
    s.last().span = span(9);
    s.last().context.value_usd = Some(5.0);
    let text = |kind| format!("event.kind == '{kind}' && event.value_usd == 5.0");
    check(&s, RuleScope::Event, &text("structure"), true);
    check(&s, RuleScope::Event, &text("note"), false);
}

#[test]
fn a_workflow_says_why_it_ends_as_it_does() {
    let because = |s: &Scene| {
        run(s).into_iter().find_map(|fact| match fact.what {
            What::Workflow(workflow) => Some(format!(
                "{} ({})",
                workflow.because,
                workflow.basis.as_str()
            )),
            _ => None,
        })
    };
    let ends = |answered, error, human, proof: Option<OutcomeEvidence>| {
        let mut s = Scene::default();
        let agent = s.agent(0, "a", (0, 100));
        s.last().error = error;
        s.last().rare.outcome = proof;
        s.call(agent, (1, 90));
        if let Kind::Model(call) = &mut s.last().kind {
            call.answered = Some(answered);
        }
        if human {
            s.tool(agent, "call a human", (91, 95), Some("human"));
        }
        because(&s).expect("a workflow")
    };
    let inferred = [
        (ends(true, false, false, None), "nothing proved the result"),
        (
            ends(false, false, false, None),
            "the last request got no answer",
        ),
        (ends(false, true, false, None), "the last turn broke"),
        (ends(true, false, true, None), "a human took over"),
    ];
    // W-9: what the outcome rests on.
    let declared = ends(true, false, false, resolved());
    assert_eq!(declared, "a span declares it (declared)");
    for (found, why) in inferred {
        assert_eq!(found, format!("{why} (inferred)"));
    }
}
