//! How workflows begin and end, and what is known of the business around them.

use super::*;

/// One answered turn of user `u`, from `start` for 100 ms, in trace `n`.
fn visit(s: &mut Scene, n: u8, start: u64, intent: &str, outcome: Option<Outcome>) {
    let agent = s.agent(0, "desk", (start, start + 100));
    s.in_trace(n);
    let event = s.last();
    event.context.user = Some(name("u"));
    event.context.intent = Some(name(intent));
    event.context.cohort = [(0, name(intent))].into();
    event.rare.outcome = outcome.map(|outcome| OutcomeEvidence { outcome });
    s.call(agent, (start + 1, start + 99));
    s.in_trace(n);
}

fn recontacts(facts: &[Fact]) -> usize {
    count(facts, |what| matches!(what, What::Recontact { .. }))
}

#[test]
fn a_user_who_comes_back_with_the_same_intent_was_not_helped_at_first() {
    const HOUR: u64 = 3_600_000;
    let solved = Some(Outcome::Resolved);
    for (second, intent, expected) in [
        (2 * HOUR, "refund", 1),
        (2 * HOUR, "invoice", 0),
        (25 * HOUR, "refund", 0),
    ] {
        let mut s = Scene::default();
        visit(&mut s, 1, 0, "refund", solved);
        visit(&mut s, 2, second, intent, solved);
        let facts = run(&s);
        assert_eq!(outcomes(&facts).len(), 2);
        assert_eq!(recontacts(&facts), expected, "{intent} after {second} ms");
    }
}

#[test]
fn three_visits_are_two_recontacts_and_each_counts_once() {
    let mut s = Scene::default();
    for n in 1..=3 {
        visit(
            &mut s,
            n,
            u64::from(n) * 60_000,
            "refund",
            Some(Outcome::Resolved),
        );
    }
    assert_eq!(recontacts(&run(&s)), 2);
}

#[test]
fn another_intent_after_the_outcome_is_another_workflow_however_soon() {
    let mut s = Scene::default();
    visit(&mut s, 1, 0, "refund", Some(Outcome::Resolved));
    visit(&mut s, 2, 1_000, "invoice", Some(Outcome::Failed));
    assert_eq!(outcomes(&run(&s)), [Outcome::Resolved, Outcome::Failed]);
    let mut s = Scene::default();
    visit(&mut s, 1, 0, "refund", Some(Outcome::Resolved));
    visit(&mut s, 2, 1_000, "refund", Some(Outcome::Failed));
    assert_eq!(outcomes(&run(&s)), [Outcome::Failed]);
}

#[test]
fn the_value_declared_last_is_the_workflows() {
    let mut s = Scene::default();
    visit(&mut s, 1, 0, "refund", None);
    s.last().context.value_usd = Some(10.0);
    visit(&mut s, 2, 1_000, "refund", Some(Outcome::Resolved));
    s.last().context.value_usd = Some(49.99);
    let value = run(&s).into_iter().find_map(|fact| match fact.what {
        What::Workflow(workflow) => Some(workflow.value_usd),
        _ => None,
    });
    assert_eq!(value, Some(Some(49.99)));
}

#[test]
fn a_turn_that_declares_no_cohort_has_the_sessions() {
    let mut s = Scene::default();
    visit(&mut s, 1, 0, "refund", None);
    let agent = s.agent(0, "desk", (1_000, 1_100));
    s.in_trace(2);
    s.call(agent, (1_001, 1_099));
    s.in_trace(2);
    let facts = run(&s);
    let turns = facts.iter().filter(|f| matches!(f.what, What::Turn(_)));
    let cohorts: Vec<&str> = turns.map(|f| f.cohort.value(0)).collect();
    assert_eq!(cohorts, ["refund", "refund"]);
}

/// W-3.
#[test]
fn a_case_is_about_what_was_declared_last() {
    let mut s = Scene::default();
    visit(&mut s, 1, 0, "greeting", None);
    visit(&mut s, 2, 1_000, "refund", Some(Outcome::Resolved));
    let facts = run(&s);
    let closed: Vec<&str> = facts
        .iter()
        .filter(|fact| matches!(fact.what, What::Workflow(_)))
        .map(|fact| fact.cohort.value(0))
        .collect();
    assert_eq!(closed, ["refund"]);
}

/// W-7.
#[test]
fn a_workflow_that_is_due_waits_for_the_turn_that_is_still_open() {
    let idle = Settings::default().idle_timeout.as_millis() as u64;
    let (mut s, _, refund) = transfer();
    s.call(refund, (45, 90));
    // A span whose parent is missing: its turn is decided a minute after it, the workflow would be closed before.
    s.call(99, (idle - 10_000, idle - 9_000));
    s.in_trace(2);
    let facts = run(&s);
    let workflows = facts.iter().filter(|f| matches!(f.what, What::Workflow(_)));
    assert_eq!(turns(&facts).len(), 2);
    assert_eq!(
        workflows.count(),
        1,
        "the second turn goes on with the first one's workflow"
    );
}

/// Two outcomes and four steps.
fn refund_rules() -> crate::rules::Rules {
    use crate::rules::{Condition, Rule, RuleScope};
    let condition = |scope, text| Condition::compile(scope, text).expect(text);
    crate::rules::Rules {
        outcomes: vec![
            Rule {
                name: name("asked twice"),
                condition: condition(
                    RuleScope::Workflow,
                    "workflow.turns > 1 && workflow.outcome == 'unverified'",
                ),
                then: Outcome::Failed,
            },
            Rule {
                name: name("refund issued"),
                condition: condition(
                    RuleScope::Event,
                    "event.tool == 'issue' && event.ok && event.agent == 'refund'",
                ),
                then: Outcome::Resolved,
            },
        ],
        steps: [
            (
                "handed over",
                RuleScope::Turn,
                "turn.handoffs == 1 && 'refund' in turn.agents",
            ),
            ("issued", RuleScope::Event, "event.tool == 'issue'"),
            (
                "done",
                RuleScope::Workflow,
                "workflow.outcome == 'resolved' && 'issued' in workflow.steps",
            ),
            ("never", RuleScope::Turn, "turn.escalated"),
        ]
        .map(|(step, scope, text)| Rule {
            name: name(step),
            condition: condition(scope, text),
            then: name(step),
        })
        .to_vec(),
    }
}

#[test]
fn rules_prove_outcomes_and_count_steps_of_the_funnel() {
    let settings = Settings {
        judge: Judge {
            rules: std::sync::Arc::new(refund_rules()),
            dimensions: Vec::new(),
        },
        ..Settings::default()
    };
    let end = |with_tool: bool| {
        let (mut s, _, refund) = transfer();
        if with_tool {
            let tool = ToolCall {
                name: name("issue"),
                call_id: None,
                hands_to: None,
                does_work: false,
                delegates: false,
                failed: false,
            };
            s.add(refund, (46, 50), Kind::Tool(tool));
        }
        s.call(refund, (51, 90));
        let mut events: Vec<_> = s.events.iter().map(|e| (e.end, e.clone())).collect();
        // The same again later: a second turn of the same workflow.
        if !with_tool {
            let later = Duration::from_secs(60);
            events.extend(s.events.iter().map(|e| {
                let mut event = e.clone();
                event.trace = trace(2);
                event.start = event.start + later;
                event.end = event.end + later;
                (event.end, event)
            }));
        }
        events.sort_by_key(|(end, _)| *end);
        let facts = play_with(events, &settings);
        let told = facts.iter().filter_map(|fact| match &fact.what {
            What::FunnelStep { step, .. } => Some(step.to_string()),
            What::Workflow(w) => {
                let basis = w.basis.as_str();
                Some(format!("{}: {} ({basis})", w.outcome.as_str(), w.because))
            }
            _ => None,
        });
        told.collect::<Vec<_>>()
    };
    assert_eq!(
        end(true),
        [
            "done",
            "handed over",
            "issued",
            "resolved: refund issued (rule)"
        ]
    );
    assert_eq!(end(false), ["handed over", "failed: asked twice (rule)"]);
}
