//! Rules by example: what compiles, what is refused and where, what holds.

use super::*;
use crate::model::Name;

fn fault(scope: RuleScope, text: &str) -> String {
    Condition::compile(scope, text).expect_err(text).to_string()
}

fn event() -> View {
    View::new(RuleScope::Event)
        .text("kind", "tool")
        .flag("ok", true)
        .text("tool", "refund_order")
        .number("value_usd", Some(40.0))
        .texts("cohort", [("tier", "gold")].into_iter())
        .numbers("scores", [("quality", 0.9)].into_iter())
}

fn holds(text: &str, view: View) -> bool {
    let condition = Condition::compile(view.scope(), text).expect(text);
    let rule = Rule {
        name: Name::from("r"),
        condition,
        then: Outcome::Resolved,
    };
    let rules = Rules {
        outcomes: vec![rule],
        steps: Vec::new(),
    };
    rules.judge(view).outcome.is_some()
}

#[test]
fn rules_hold_or_do_not() {
    for text in [
        "event.kind == 'tool' && event.tool == 'refund_order' && event.ok",
        "event.tool.startsWith('refund') && event.value_usd > 10",
        "event.tool in ['refund_order', 'send_mail']",
        "event.cohort.tier == 'gold' && event.scores['quality'] >= 0.9",
        "has(event.tool) && !has(event.agent)",
        "event.value_usd + 1.0 > 40.5 ? event.ok : false",
        "'tier' in event.cohort",
        "['a', 'refund_order'].exists(t, t == event.tool)",
        "event.value_usd - 1.0 == 39.0 && -event.value_usd < 0.0",
        "event.value_usd * 2.0 == 80.0 && event.value_usd / 2.0 == 20.0",
        "size(event.tool) == 12 && size(event.cohort) == 1 && event.tool.size() == 12",
    ] {
        assert!(holds(text, event()), "{text}");
    }
    for text in [
        "event.kind == 'model'",
        // What is not known makes no rule hold, in either form.
        "event.agent == 'a'",
        "event.agent != 'a'",
        "event.scores.other > 0.0",
    ] {
        assert!(!holds(text, event()), "{text}");
    }
    // Where one side decides, the other need not be known.
    assert!(holds("event.agent == 'a' || event.ok", event()));
}

#[test]
fn faults_are_told_with_their_place() {
    let told = fault(RuleScope::Event, "event.kind == 'tool' && event.tol == 'x'");
    assert!(
        told.starts_with("column 30: event has no field tol; it has kind,"),
        "{told}"
    );
    assert_eq!(
        fault(RuleScope::Event, "event.ok == 'yes'"),
        "column 10: true or false is compared with a text"
    );
    assert_eq!(
        fault(RuleScope::Turn, "event.ok"),
        "column 1: event is not known here: the rule is over turn"
    );
    assert_eq!(
        fault(RuleScope::Workflow, "workflow.turns + 1"),
        "`workflow.turns + 1` is a number, not true or false"
    );
    assert_eq!(
        fault(RuleScope::Workflow, "workflow.turns && true"),
        "column 9: is a number, not true or false"
    );
    assert_eq!(
        fault(RuleScope::Event, "event.tool - 1 > 2"),
        "column 6: is a text, not a number"
    );
    assert_eq!(
        fault(RuleScope::Event, "event.value_usd.contains('4')"),
        "column 25: contains is asked of a number"
    );
    // Beside what may be anything, the other side says what it is.
    for either in [
        "event.ok ? null : event.value_usd",
        "event.ok ? event.value_usd : null",
    ] {
        let told = fault(RuleScope::Event, &format!("({either}) == 'x'"));
        let expected = "a number is compared with a text";
        assert!(told.ends_with(expected), "{told}");
    }
    let told = fault(RuleScope::Event, "event.kind ==");
    assert!(told.starts_with("column "), "{told}");
    let told = fault(RuleScope::Event, "event.tool.matches2('x')");
    assert!(told.contains("there is no function matches2"), "{told}");
}

#[test]
fn the_first_outcome_and_all_steps_count() {
    let rule = |name: &str, text: &str, then| Rule {
        name: Name::from(name),
        condition: Condition::compile(RuleScope::Event, text).expect(text),
        then,
    };
    let rules = Rules {
        outcomes: vec![
            rule("never", "event.kind == 'model'", Outcome::Failed),
            rule("first", "event.ok", Outcome::Resolved),
            rule("second", "event.ok", Outcome::Failed),
        ],
        steps: ["paid", "refunded"]
            .map(|step| Rule {
                name: Name::from(step),
                condition: Condition::compile(RuleScope::Event, "event.ok").expect("a rule"),
                then: Name::from(step),
            })
            .to_vec(),
    };
    let verdict = rules.judge(event());
    assert_eq!(verdict.outcome.map(|rule| &*rule.name), Some("first"));
    assert_eq!(verdict.steps.len(), 2);
    assert!(rules.look_at(RuleScope::Event) && !rules.look_at(RuleScope::Turn));
}

/// A rule is compiled where the configuration is read, on a thread that may have little stack.
#[test]
fn brackets_inside_brackets_have_a_limit_that_a_small_stack_survives() {
    let nested = |open: &str, depth: usize, close: &str| {
        format!("{}event.ok{}", open.repeat(depth), close.repeat(depth))
    };
    let tried = move || {
        for depth in [11, 5_000] {
            let fault = fault(RuleScope::Event, &nested("(", depth, ")"));
            assert_eq!(fault, "column 11: more than 10 brackets inside each other");
            let fault = self::fault(RuleScope::Event, &nested("[", depth, "]"));
            assert!(fault.contains("more than 10 brackets"), "{fault}");
        }
        assert!(Condition::compile(RuleScope::Event, &nested("(", 10, ")")).is_ok());
        // A bracket in a text opens nothing.
        let text = format!("event.tool == '\\'{}' && event.ok", "(".repeat(5_000));
        assert!(Condition::compile(RuleScope::Event, &text).is_ok());
    };
    let small = std::thread::Builder::new().stack_size(2 << 20);
    let thread = small.spawn(tried).expect("a thread");
    thread.join().expect("the stack is large enough");
}
