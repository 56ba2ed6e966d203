//! Known answers of log records and evaluations: what they add to their span, and which of them are a verdict on the business.

use super::{event, group, with};
use crate::model::event::{HandoffRequest, Outcome, Target};
use crate::model::ids::{Link, SpanId, TraceId};
use crate::model::reject::Unread;
use crate::model::time::Timestamp;
use crate::normalise::*;
use crate::otlp::view::{Attributes, SpanEvent, Value};

pub(super) const EVALUATION: &str = "gen_ai.evaluation.result";

pub(super) fn attributes(pairs: &[(&'static str, &'static str)]) -> Attributes<'static> {
    let pairs = pairs.iter();
    pairs
        .map(|(key, text)| ((*key), Value::Str(text)))
        .collect()
}

pub(super) fn record(
    name: &'static str,
    pairs: &[(&'static str, &'static str)],
) -> LogRecord<'static> {
    LogRecord {
        event_name: name,
        time: Timestamp(5),
        trace: TraceId::new(&[1; 16]),
        span: SpanId::new(&[1; 8]),
        body: Value::Empty,
        attributes: attributes(pairs),
    }
}

/// A record with its message in the body.
fn message(name: &'static str, body: &[(&'static str, &'static str)]) -> LogRecord<'static> {
    LogRecord {
        body: Value::Map(Box::new(attributes(body))),
        ..record(name, &[])
    }
}

/// A record whose body has a call that hands over.
fn asks(name: &'static str) -> LogRecord<'static> {
    let body = r#"{"tool_calls":[{"id":"c","function":{"name":"transfer_to_desk"}}]}"#;
    LogRecord {
        body: Value::Str(body),
        ..record(name, &[])
    }
}

pub(super) fn notes(logs: Vec<LogRecord<'static>>) -> Vec<Event> {
    let group = ScopeBatch {
        logs: logs.into(),
        ..ScopeBatch::default()
    };
    let normaliser = Normaliser::new(Settings::default(), Arc::new(PriceBook::default()));
    let events = normaliser
        .normalise(&group, &mut Scratch::default())
        .into_iter();
    events.map(|event| *event).collect()
}

fn note(log: LogRecord<'static>) -> Event {
    let mut notes = notes(vec![log]);
    assert_eq!(notes.len(), 1);
    notes.remove(0)
}

#[test]
fn a_record_that_says_something_is_a_note_to_its_span() {
    let score = [
        ("gen_ai.evaluation.name", "quality"),
        ("gen_ai.evaluation.score.value", "0.75"),
        ("gen_ai.evaluation.score.label", "good"),
        ("session.id", "s"),
    ];
    let told = note(record(EVALUATION, &score));
    assert_eq!(Some(told.span), SpanId::new(&[1; 8]));
    assert_eq!((told.start, told.end), (Timestamp(5), Timestamp(5)));
    assert_eq!(
        told.context.session.clone().map(|hint| hint.id).as_deref(),
        Some("s")
    );
    let quality = Evaluation {
        name: "quality".into(),
        score: Some(0.75),
        label: Some("good".into()),
        by_record: false,
    };
    assert_eq!(told.rare.evaluations, [quality]);
    assert_eq!((told.rare.outcome.clone(), told.content), (None, None));

    let asked = note(asks("gen_ai.choice"));
    let desk = HandoffRequest {
        target: Target::Agent("desk".into()),
        call_id: Some("c".into()),
    };
    assert_eq!(asked.rare.requests, std::slice::from_ref(&desk));
    assert_eq!((asked.rare.evaluations.len(), asked.content), (0, None));

    // All of a call in one record, as an attribute: the body is not looked at.
    let output = r#"[{"role":"assistant","parts":[{"type":"tool_call","id":"c","name":"transfer_to_desk"}]}]"#;
    let details = "gen_ai.client.inference.operation.details";
    let whole = record(details, &[("gen_ai.output.messages", output)]);
    assert_eq!(note(whole).rare.requests, [desk]);

    let said = note(message(
        "gen_ai.user.message",
        &[("content", "order A-4711")],
    ));
    assert!(said.content.is_some());
    assert_eq!(
        (said.rare.evaluations.len(), said.rare.requests.len()),
        (0, 0)
    );
}

#[test]
fn a_record_that_says_nothing_or_stands_alone_is_none() {
    let nameless = [("gen_ai.evaluation.score.value", "1")];
    let named = [("gen_ai.evaluation.name", "quality")];
    for log in [
        record("app.started", &named),
        record(EVALUATION, &nameless),
        message("gen_ai.system.message", &[("content", "You are Agent A-1")]),
        // What a model was told is not what it asks for.
        asks("gen_ai.assistant.message"),
        message("gen_ai.choice", &[("content", "well then")]),
        LogRecord {
            trace: None,
            ..record(EVALUATION, &named)
        },
    ] {
        let shown = format!("{log:?}");
        assert_eq!(notes(vec![log]), [], "{shown}");
    }
}

/// S-12.
#[test]
fn a_record_without_a_span_speaks_of_its_trace() {
    let named = [("gen_ai.evaluation.name", "quality")];
    let score = ("gen_ai.evaluation.score.value", "1");
    let found = notes(vec![LogRecord {
        span: None,
        ..record(EVALUATION, &named)
    }]);
    assert_eq!(found.len(), 1);
    // Or of the response that it names: two at the same moment are two.
    let of = |response: &'static str| LogRecord {
        span: None,
        ..record(
            EVALUATION,
            &[named[0], score, ("gen_ai.response.id", response)],
        )
    };
    let found = notes(vec![of("one"), of("two"), of("one")]);
    let about: Vec<_> = found.iter().map(|event| event.rare.about).collect();
    assert!(about[0].is_some() && about[0] == about[2] && about[0] != about[1]);
    assert!(found[0].kind == found[2].kind && found[0].kind != found[1].kind);
    let call = event(
        "app",
        "chat",
        &[
            ("gen_ai.operation.name", "chat"),
            ("gen_ai.response.id", "one"),
        ],
    );
    let Kind::Model(call) = call.kind else {
        panic!("a call");
    };
    assert_eq!(call.response, about[0]);
}

/// S-11.
#[test]
fn a_verdict_without_a_trace_comes_in_a_trace_of_its_own() {
    let alone = |pairs: &[(&'static str, &'static str)]| LogRecord {
        trace: None,
        ..record(EVALUATION, pairs)
    };
    let rated = [
        ("gen_ai.evaluation.name", "csat"),
        ("gen_ai.evaluation.score.value", "1"),
        ("session.id", "s1"),
    ];
    let mut other = rated;
    other[2].1 = "s2";
    let resolved = [("baton.outcome", "resolved"), ("session.id", "s1")];
    let found = notes([rated, rated, other].iter().map(|r| alone(r)).collect());
    let traces: Vec<TraceId> = found.iter().map(|event| event.trace).collect();
    assert!(traces[0] == traces[1] && traces[0] != traces[2]);
    assert!(found.iter().all(|event| event.span == SpanId::OF_TRACE));
    let session = found[2].context.session.as_ref().map(|hint| &*hint.id);
    assert_eq!(session, Some("s2"));
    let declared = notes(vec![alone(&resolved)]);
    assert_eq!(declared.len(), 1);
    assert!(declared[0].rare.outcome.is_some());
}

/// W-4.
#[test]
fn a_record_declares_an_outcome_as_a_span_does() {
    for (name, expected) in [("baton.outcome", true), ("outcome", false)] {
        let found = notes(vec![record("ticket.closed", &[(name, "resolved")])]);
        let declared = found.iter().any(|event| event.rare.outcome.is_some());
        assert_eq!(declared, expected, "{name}");
    }
}

/// S-13.
#[test]
fn a_word_is_a_score_where_there_is_none() {
    let score = |name: &'static str, pairs: &[(&'static str, Value<'static>)]| {
        let named = [("gen_ai.evaluation.name", Value::Str(name))];
        let log = LogRecord {
            attributes: named.into_iter().chain(pairs.iter().cloned()).collect(),
            ..record(EVALUATION, &[])
        };
        note(log).rare.evaluations[0].score
    };
    let label = "gen_ai.evaluation.score.label";
    for (word, expected) in [
        ("thumbs_up", Some(1.0)),
        ("Thumbs Down", Some(0.0)),
        ("pass", Some(1.0)),
        ("incorrect", Some(0.0)),
        ("hallucinated", None),
        ("", None),
    ] {
        let word = Value::Str(word);
        assert_eq!(
            score("csat", &[(label, word.clone())]),
            expected,
            "{word:?}"
        );
    }
    let value = "gen_ai.evaluation.score.value";
    let both = [(value, Value::Double(0.3)), (label, Value::Str("pass"))];
    assert_eq!(score("csat", &both), Some(0.3));
    assert_eq!(score("csat", &[(value, Value::Bool(true))]), Some(1.0));
    assert_eq!(score("csat", &[(value, Value::Double(f64::NAN))]), None);
    // Its words are those of outcomes.
    let passed = [(label, Value::Str("pass"))];
    assert_eq!(score("task_completion", &passed), None);
}

#[test]
fn what_limits_leave_out_of_a_span_is_counted() {
    let verdicts = |count: usize| {
        let names = (0..count).map(|i| format!("annotations.{i}.annotation.name"));
        names.collect::<Vec<_>>()
    };
    let link = |n: u8| Link {
        trace: TraceId::new(&[n; 16]).expect("not zero"),
        span: SpanId::new(&[n; 8]).expect("not zero"),
    };
    for (count, links_over, verdicts_over) in [(8, 0, 0), (11, 3, 0), (40, 32, 8)] {
        let names = verdicts(count);
        let pairs: Vec<_> = names
            .iter()
            .map(|name| (name.as_str(), "quality"))
            .collect();
        let batch = group("app", "x", &pairs, |span| {
            // Its own trace is 1.
            span.links = (1..=count as u8 + 1).map(link).collect();
        });
        let normaliser = Normaliser::new(Settings::default(), Arc::new(PriceBook::default()));
        let mut scratch = Scratch::default();
        let events = normaliser.normalise(&batch, &mut scratch);
        assert_eq!(events[0].rare.links.len(), 8);
        assert_eq!(events[0].rare.evaluations.len(), count.min(32));
        let counts = scratch.take_span_counts();
        let unread = counts.unread();
        assert_eq!(unread.of(Unread::LinksOverLimit), links_over);
        assert_eq!(unread.of(Unread::VerdictsOverLimit), verdicts_over);
    }
}

#[test]
fn flattened_verdicts_are_evaluations() {
    let judged = event(
        "app",
        "x",
        &[
            ("openinference.span.kind", "CHAIN"),
            ("annotations.0.annotation.name", "quality"),
            ("annotations.0.annotation.score", "0.5"),
            ("annotations.1.annotation.label", "nameless"),
            ("session.evaluations.0.evaluation.name", "csat"),
            ("session.evaluations.0.evaluation.label", "thumbs_up"),
            ("trace.annotations.0.annotation.name", "resolution"),
            ("trace.annotations.0.annotation.label", "resolved"),
        ],
    );
    let evaluations = judged.rare.evaluations.iter();
    let found: Vec<_> = evaluations.map(|e| (&*e.name, e.score)).collect();
    let expected = [
        ("quality", Some(0.5)),
        ("csat", Some(1.0)),
        ("resolution", None),
    ];
    assert_eq!(found, expected);
    assert!(judged.rare.outcome.is_some());
}

#[test]
fn the_same_record_is_the_same_note_and_another_is_another() {
    let named = |name| [("gen_ai.evaluation.name", name)];
    let quality = || record(EVALUATION, &named("quality"));
    let later = LogRecord {
        time: Timestamp(6),
        ..quality()
    };
    let tone = record(EVALUATION, &named("tone"));
    let found = notes(vec![quality(), quality(), later, tone]);
    let kinds: Vec<&Kind> = found.iter().map(|event| &event.kind).collect();
    assert_eq!(kinds[0], kinds[1]);
    assert!(kinds[0] != kinds[2] && kinds[0] != kinds[3] && kinds[2] != kinds[3]);
}

#[test]
fn the_roles_of_messages_in_records() {
    let content = |name| {
        let content = note(message(name, &[("content", "this is order A-4711 again")])).content;
        let content = content.expect("content");
        let some = [&content.input, &content.output, &content.asked];
        some.map(Option::is_some)
    };
    assert_eq!(content("gen_ai.user.message"), [true, false, true]);
    assert_eq!(content("gen_ai.assistant.message"), [true, false, false]);
    assert_eq!(content("gen_ai.tool.message"), [true, false, false]);
    assert_eq!(content("gen_ai.choice"), [false, true, false]);
}

#[test]
fn a_body_of_any_shape_is_read() {
    let facts = |body: Value<'static>| {
        let log = LogRecord {
            body,
            ..record("gen_ai.tool.message", &[])
        };
        notes(vec![log]).pop()?.content?.input
    };
    let text = |text: &'static str| Value::Str(text);
    let order = facts(text("4711"));
    assert!(order.is_some());
    let map = |value| Value::Map(Box::new(Attributes::from_iter([("total", value)])));
    for body in [
        Value::Int(4711),
        Value::Double(4711.0),
        Value::Array(vec![text("well"), Value::Int(4711)]),
        map(Value::Int(4711)),
        map(Value::Array(vec![map(text("4711"))])),
    ] {
        assert_eq!(facts(body.clone()), order, "{body:?}");
    }
    for body in [Value::Empty, Value::Bool(true)] {
        assert_eq!(facts(body.clone()), None, "{body:?}");
    }
}

/// The outcome that one evaluation on a span proves.
fn verdict(name: &'static str, score: &'static str, label: &'static str) -> Option<Outcome> {
    let judged = with("app", "x", &[], |span| {
        span.events.push(SpanEvent {
            name: EVALUATION,
            time: span.end,
            attributes: attributes(&[
                ("gen_ai.evaluation.name", name),
                ("gen_ai.evaluation.score.value", score),
                ("gen_ai.evaluation.score.label", label),
            ]),
        });
    });
    judged.rare.outcome.clone().map(|evidence| evidence.outcome)
}

#[test]
fn an_evaluation_of_the_result_is_a_verdict_by_its_label_then_by_half_its_score() {
    for (name, score, label, expected) in [
        ("task_completion", "0.5", "", Some(Outcome::Resolved)),
        ("Task_Completion", "1", "", Some(Outcome::Resolved)),
        ("task_completion", "0.49", "", Some(Outcome::Failed)),
        ("resolution", "0.9", "escalated", Some(Outcome::Escalated)),
        ("resolution", "0.9", "so so", Some(Outcome::Resolved)),
        ("resolution", "", "abandoned", Some(Outcome::Abandoned)),
        ("resolution", "", "so so", None),
        ("resolution", "", "", None),
        ("relevance", "1", "resolved", None),
    ] {
        assert_eq!(
            verdict(name, score, label),
            expected,
            "{name} {score} {label}"
        );
    }
}

#[test]
fn words_of_an_outcome() {
    for (word, expected) in [
        (" Resolved ", Some(Outcome::Resolved)),
        ("handed_to_human", Some(Outcome::Escalated)),
        ("failed", Some(Outcome::Failed)),
        ("cancelled", Some(Outcome::Abandoned)),
        ("unverified", Some(Outcome::Unverified)),
        ("resolve", None),
        ("open", None),
    ] {
        let event = event("app", "x", &[("baton.outcome", word)]);
        let declared = event.rare.outcome.clone();
        assert_eq!(
            declared.map(|evidence| evidence.outcome),
            expected,
            "{word}"
        );
        let unknown = event.rare.unknown_outcome.as_deref();
        assert_eq!(unknown, expected.is_none().then_some(word), "{word}");
    }
}
