//! What shows a handoff, and which of it shows the same one.

use super::*;

/// How a handoff shows: by a model's output, by a tool, by a span of its own, or by an error text that refuses it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum By {
    Model,
    Tool,
    Span,
    Refusal,
}
use By::*;

/// Shown by this means, with this call id, by this agent, to this one.
type HandoffScene = (By, Option<&'static str>, &'static str, &'static str);

fn request(id: Option<&str>, to: &str) -> HandoffRequest {
    HandoffRequest {
        target: target(to),
        call_id: id.map(name),
    }
}

impl Scene {
    fn ask(&mut self, times: (u64, u64), (by, id, from, to): HandoffScene) {
        match by {
            Model => {
                self.asking(1, times, &[]);
                if let Kind::Model(call) = &mut self.last().kind {
                    call.requests = list![request(id, to)];
                    call.answered = Some(false);
                }
            }
            Tool => {
                self.tool(1, "transfer", times, Some(to));
                if let Kind::Tool(tool) = &mut self.last().kind {
                    tool.call_id = id.map(name);
                }
            }
            Span => {
                self.handoff_span(times, None, to);
            }
            Refusal => {
                self.add(1, times, Kind::Structure);
                self.last().rare.refused = list![request(id, to)];
            }
        }
        self.last().agent = Some(name(from));
    }

    fn handoff_span(
        &mut self,
        times: (u64, u64),
        from: Option<&str>,
        to: &str,
    ) -> &mut HandoffSpan {
        let handoff = HandoffSpan {
            from: from.map(name),
            to: target(to),
            delegates: false,
            failed: false,
        };
        self.add(1, times, Kind::Handoff(handoff));
        match &mut self.last().kind {
            Kind::Handoff(handoff) => handoff,
            _ => unreachable!("it was just added"),
        }
    }
}

/// A turn in which handoffs show one after the other and nobody takes over.
fn shown(asks: &[HandoffScene]) -> Scene {
    let mut s = Scene::default();
    s.add(0, (0, 1000), Kind::Workflow);
    for (n, ask) in (1..).zip(asks) {
        s.ask((100 * n, 100 * n + 10), *ask);
    }
    s
}

/// The handoffs of a scene, with `phantom` behind those that are.
fn told(s: &Scene) -> Vec<String> {
    let facts = run(s);
    let phantoms = facts.iter().filter_map(|fact| match &fact.what {
        What::Handoff(handoff) => Some(if handoff.phantom { " phantom" } else { "" }),
        _ => None,
    });
    let lines = handoffs(&facts).into_iter();
    let lines = lines.filter(|line| line.contains(" -> ")).zip(phantoms);
    lines.map(|(line, phantom)| line + phantom).collect()
}

/// Handoffs that nobody took up. Where two agents show them, control moves between these undeclared.
fn unanswered(s: &Scene) -> usize {
    let told = told(s);
    told.iter().filter(|line| line.contains("failed")).count()
}

#[test]
fn ids_tell_handoffs_apart_only_where_the_same_means_shows_both() {
    let (one, two) = (Some("1"), Some("2"));
    for (asks, count) in [
        ([(Model, one, "a", "b"), (Tool, one, "a", "b")], 1),
        ([(Model, one, "a", "b"), (Tool, two, "a", "b")], 1),
        ([(Model, one, "a", "b"), (Tool, None, "a", "b")], 1),
        ([(Tool, one, "a", "b"), (Tool, two, "a", "b")], 2),
        ([(Tool, one, "a", "b"), (Tool, None, "a", "b")], 1),
        ([(Tool, None, "a", "b"), (Tool, one, "a", "b")], 1),
        ([(Tool, None, "a", "b"), (Span, None, "a", "b")], 1),
        ([(Tool, one, "a", "b"), (Span, None, "a", "b")], 1),
        ([(Refusal, one, "a", "b"), (Refusal, two, "a", "b")], 1),
        // Another source, or another target.
        ([(Tool, None, "a", "b"), (Tool, None, "c", "b")], 2),
        ([(Tool, None, "a", "b"), (Tool, None, "a", "c")], 2),
        ([(Tool, None, "a", "?"), (Tool, None, "a", "c")], 1),
        ([(Tool, None, "a", "b"), (Tool, None, "a", "?")], 1),
        // Servers that give all calls one id.
        ([(Tool, one, "a", "b"), (Tool, one, "a", "c")], 2),
        ([(Model, one, "a", "b"), (Model, one, "a", "c")], 2),
        // The same id is the same handoff, whatever else is said of it.
        ([(Tool, one, "a", "b"), (Model, one, "c", "b")], 1),
    ] {
        let s = shown(&asks);
        assert_eq!(unanswered(&s), count, "{asks:?}");
        // What one trace shows says nothing of another one's.
        if asks[1].0 != Refusal {
            let mut s = s;
            s.last().trace = trace(2);
            s.last().parent = None;
            assert_eq!(unanswered(&s), 2, "{asks:?} in two traces");
        }
    }
}

/// H-1.
#[test]
fn one_id_after_another_question_to_the_model_is_another_handoff() {
    let one = Some("1");
    for (second, who, expected) in [(Tool, "a", 2), (Tool, "c", 1), (Refusal, "a", 1)] {
        let mut s = shown(&[(Tool, one, "a", "b"), (second, one, "a", "b")]);
        s.call(1, (150, 170));
        s.last().agent = Some(name(who));
        let found = told(&s);
        let found = found.iter().filter(|line| line.starts_with("a -> b"));
        assert_eq!(found.count(), expected, "{second:?} {who}");
    }
}

#[test]
fn two_requests_of_one_output_are_two_handoffs() {
    let mut s = Scene::default();
    s.agent(0, "a", (0, 100));
    s.call(1, (1, 30));
    if let Kind::Model(call) = &mut s.last().kind {
        call.requests = list![request(Some("1"), "b"), request(Some("2"), "b")];
    }
    assert_eq!(told(&s).len(), 2);
}

#[test]
fn a_decision_of_the_source_in_between_makes_it_another_handoff_unless_it_is_refused() {
    let asks = [(Tool, None, "a", "b"), (Tool, None, "a", "b")];
    // The first one ends what it shows at 100, the second one begins at 200.
    for (who, start, count) in [
        ("a", 150, 2),
        ("c", 150, 1),
        ("a", 100, 1),
        ("a", 101, 2),
        ("a", 200, 1),
        ("a", 199, 2),
    ] {
        let mut s = shown(&asks);
        s.call(1, (start, start + 20));
        s.last().agent = Some(name(who));
        let found = told(&s);
        let found = found.iter().filter(|line| line.starts_with("a -> b"));
        assert_eq!(found.count(), count, "{who} decides at {start}");
    }
    for (second, expected) in [
        (Refusal, vec!["a -> b transfer failed rejected"]),
        (
            Tool,
            vec![
                "a -> b transfer failed dropped",
                "a -> b transfer failed rejected",
            ],
        ),
    ] {
        let mut s = shown(&[(Tool, None, "a", "b"), (second, None, "a", "b")]);
        if second == Tool {
            s.last().error = true;
        }
        s.call(1, (150, 170));
        s.last().agent = Some(name("a"));
        let mut found = told(&s);
        found.sort();
        assert_eq!(found, expected, "{second:?}");
    }
}

#[test]
fn what_nobody_ran_is_a_phantom() {
    let dropped = "a -> b transfer failed dropped";
    let rejected = "a -> b transfer failed rejected";
    for (by, result, phantom) in [
        (vec![Model], dropped, true),
        (vec![Tool], dropped, false),
        (vec![Span], dropped, false),
        (vec![Model, Tool], dropped, false),
        (vec![Model, Span], dropped, false),
        (vec![Model, Refusal], rejected, true),
        (vec![Model, Tool, Refusal], rejected, false),
        (vec![Refusal], rejected, false),
    ] {
        let asks: Vec<HandoffScene> = by.iter().map(|by| (*by, None, "a", "b")).collect();
        let mark = if phantom { " phantom" } else { "" };
        assert_eq!(told(&shown(&asks)), [format!("{result}{mark}")], "{by:?}");
    }
    let human = shown(&[(Model, None, "a", "human")]);
    assert_eq!(told(&human), ["a -> human transfer success"]);
}

#[test]
fn the_span_of_a_handoff_says_who_made_it_and_what_became_of_it() {
    let told = |change: fn(&mut HandoffSpan)| {
        let mut s = Scene::default();
        s.agent(0, "a", (0, 100));
        s.last().agent = Some(name("a"));
        change(s.handoff_span((10, 20), None, "b"));
        told(&s)
    };
    assert_eq!(told(|_| {}), ["a -> b transfer failed dropped"]);
    assert_eq!(
        told(|h| h.from = Some(name("c"))),
        ["c -> b transfer failed dropped"]
    );
    assert_eq!(
        told(|h| h.failed = true),
        ["a -> b transfer failed rejected"]
    );
    assert_eq!(
        told(|h| h.delegates = true),
        ["a -> b delegation failed dropped"]
    );
}

#[test]
fn who_works_inside_the_span_of_a_handoff_is_a_delegate() {
    let mut s = Scene::default();
    s.agent(0, "a", (0, 100));
    s.call(1, (1, 9));
    s.handoff_span((10, 60), None, "b");
    let b = s.agent(3, "b", (11, 59));
    s.call(b, (12, 58));
    assert_eq!(told(&s), ["a -> b delegation success"]);
}

#[test]
fn an_open_handoff_is_answered_by_the_agent_that_it_names_or_by_whoever_acts_next() {
    // Who acts after the handoffs; `None` is an agent that no span names.
    let told = |asks: &[HandoffScene], next: Option<&str>| {
        let mut s = shown(asks);
        s.call(1, (500, 600));
        s.last().agent = next.map(name);
        told(&s)
    };
    let by_tool = [(Tool, None, "a", "b")];
    assert_eq!(told(&by_tool, Some("b")), ["a -> b transfer success"]);
    assert_eq!(told(&by_tool, None), ["a -> b transfer success"]);
    // Another agent is no answer: control moved to it undeclared.
    assert_eq!(
        told(&by_tool, Some("c")),
        ["a -> c transfer success", "a -> b transfer failed dropped"]
    );
    // Only what ran from a known source finds an anonymous target.
    assert_eq!(
        told(&[(Model, None, "a", "b")], None),
        ["a -> b transfer failed dropped phantom"]
    );
    assert_eq!(
        told(&[(Tool, None, "a", "b"), (Refusal, None, "a", "b")], None),
        ["a -> b transfer failed rejected"]
    );
    // The source itself is not the next agent.
    let anonymous = [(Tool, None, "a", "?")];
    assert_eq!(told(&anonymous, Some("b")), ["a -> b transfer success"]);
    assert_eq!(
        told(&anonymous, Some("a")),
        ["a -> unknown transfer failed dropped"]
    );
}

/// H-3.
#[test]
fn a_handoff_is_answered_once_and_only_after_it_was_made() {
    let mut s = shown(&[(Tool, Some("1"), "a", "b"), (Tool, Some("2"), "a", "b")]);
    let b = s.agent(1, "b", (500, 600));
    s.call(b, (510, 590));
    let answered: Vec<Option<u128>> = run(&s)
        .iter()
        .filter_map(|fact| match &fact.what {
            What::Handoff(handoff) => Some(handoff.latency.map(|wait| wait.as_millis())),
            _ => None,
        })
        .collect();
    assert_eq!(answered, [Some(300), None], "the later one is answered");
    let mut s = shown(&[(Tool, None, "a", "b")]);
    s.call(1, (10, 50));
    s.last().agent = Some(name("b"));
    assert_eq!(
        told(&s),
        [
            "b -> a transfer failed bounced",
            "a -> b transfer failed dropped"
        ],
        "who acted before is no answer"
    );
}

#[test]
fn a_later_turn_takes_up_only_what_was_made_for_its_agent_before_it() {
    for (who, start, taken) in [("b", 20_000, true), ("c", 20_000, false), ("b", 5, false)] {
        let mut s = Scene::default();
        s.agent(0, "a", (0, 10_000));
        s.asking(1, (1, 10_000), &["b"]);
        // It ends after the first turn, so that it is one of its own.
        let agent = s.agent(0, who, (start, 30_000));
        s.in_trace(2);
        s.call(agent, (start + 1, 29_999));
        s.in_trace(2);
        let found = told(&s);
        let resumed = found.contains(&"a -> b resume success".to_owned());
        assert_eq!(resumed, taken, "{who} at {start}: {found:?}");
    }
}

#[test]
fn the_strongest_evidence_of_a_handoff_counts() {
    // H-8
    let basis = |s: &Scene| {
        let facts = run(s).into_iter();
        let found = facts.filter_map(|fact| match fact.what {
            What::Handoff(handoff) => Some(handoff.basis),
            _ => None,
        });
        found.collect::<Vec<_>>()
    };
    let by = |asks: &[HandoffScene]| basis(&shown(asks));
    assert_eq!(by(&[(Model, None, "a", "b")]), [Basis::Inferred]);
    assert_eq!(by(&[(Tool, None, "a", "b")]), [Basis::Inferred]);
    assert_eq!(by(&[(Span, None, "a", "b")]), [Basis::Declared]);
    let both = [(Tool, None, "a", "b"), (Span, None, "a", "b")];
    assert_eq!(by(&both), [Basis::Declared]);
    for (said, expected) in [
        (Basis::Rule, Basis::Rule),
        (Basis::Declared, Basis::Declared),
    ] {
        let mut s = shown(&[(Model, None, "a", "b"), (Tool, None, "a", "b")]);
        s.last().rare.handoff_basis = said;
        assert_eq!(basis(&s), [expected]);
    }
    let mut s = Scene::default();
    s.agent(0, "a", (0, 10));
    s.agent(0, "b", (20, 30));
    assert_eq!(basis(&s), [Basis::Inferred], "control passed by itself");
}
