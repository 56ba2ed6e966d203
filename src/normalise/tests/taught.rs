//! Dialects of the configuration: what they read, what they cost, and what is counted where they do not fit.

use super::{group, kept, told};
use crate::model::event::{Cost, Event, SessionSource};
use crate::model::hash::hash;
use crate::normalise::*;
use crate::otlp::view::{Attributes, Span, Value};

fn of(text: &str) -> Option<Expressions> {
    Some(Expressions(vec![text.to_owned()]))
}

/// A home-made framework.
fn acme() -> DialectSettings {
    let of = |text: &str| of(text).unwrap_or_default();
    DialectSettings {
        name: "acme".into(),
        when: "scope.name == 'acme.agents' && 'acme.kind' in attributes".into(),
        kind: of(
            "{'llm': 'model', 'planner': 'agent', 'call': 'tool', 'pass': 'handoff', 'look': 'retrieval', 'check': 'guardrail', 'run': 'workflow', 'part': 'none', 'odd': attributes['acme.kind']}[attributes['acme.kind']]",
        ),
        agent: of("attributes['acme.agent'].trim()"),
        model: of("attributes['acme.model']"),
        provider: of("'Acme'"),
        input_tokens: Expressions(vec![
            "json(attributes['acme.usage']).prompt".into(),
            "attributes['acme.prompt']".into(),
        ]),
        output_tokens: of("json(attributes['acme.usage']).completion + 1"),
        reasoning_tokens: of("json(attributes['acme.usage']).thoughts"),
        cost: of("attributes['acme.cents'] / 100.0"),
        output: of("attributes['acme.out']"),
        tool: of("attributes['acme.tool']"),
        tool_call_id: of("attributes['acme.call']"),
        handoff_to: of("attributes['acme.next']"),
        handoff_from: of("attributes['acme.agent']"),
        session: of("attributes['acme.case']"),
        user: of("resource['acme.desk']"),
        failed: of("'acme.error' in attributes"),
        triggered: of("attributes['acme.stopped']"),
        ..DialectSettings::default()
    }
}

fn normaliser() -> Normaliser {
    let settings = Settings {
        dialects: vec![acme()],
        ..Settings::default()
    };
    Normaliser::new(settings, Arc::new(PriceBook::default()))
}

fn read_of(scope: &str, attributes: Vec<(&str, Value<'static>)>) -> (Event, TaughtCounts) {
    let mut batch = group(scope, "work", &[], |span: &mut Span<'static>| {
        let attributes = attributes.into_iter();
        span.attributes = attributes.map(|(name, v)| (kept(name), v)).collect();
    });
    batch.resource = Attributes::from_iter([("acme.desk", Value::Int(7))]);
    let mut scratch = Scratch::default();
    let event = *normaliser().normalise(&batch, &mut scratch).remove(0);
    let counts = scratch.take_span_counts();
    (event, counts.of_taught()[0])
}

fn read(kind: &str, attributes: &[(&str, Value<'static>)]) -> (Event, TaughtCounts) {
    let kind = ("acme.kind", Value::Str(kept(kind)));
    let all = attributes.iter().cloned().chain([kind]);
    read_of("acme.agents", all.collect())
}

/// Keys, reasons and numbers of what gave nothing.
fn misread(counts: &TaughtCounts) -> Vec<(&'static str, Misreading, u64)> {
    counts.misreadings().collect()
}

const USAGE: Value<'static> =
    Value::Str(r#"{"prompt": 90, "completion": 9, "thoughts": 4, "parts": [1]}"#);

#[test]
fn every_kind_is_read() {
    let agent = ("acme.agent", Value::Str(" Night Desk "));
    let next = ("acme.next", Value::Str("Billing"));
    for (kind, attributes, expected) in [
        ("planner", vec![agent.clone()], "agent Night Desk"),
        ("planner", vec![], "workflow work"),
        ("run", vec![], "workflow -"),
        (
            "part",
            vec![agent.clone()],
            "structure of Night Desk refused[]",
        ),
        (
            "llm",
            vec![
                agent.clone(),
                ("acme.model", Value::Str("acme-1")),
                ("acme.usage", USAGE),
            ],
            "call acme/acme-1 of Night Desk in 90 out 10 asks[]",
        ),
        (
            "llm",
            vec![(
                "acme.out",
                Value::Str(
                    r#"[{"role": "assistant", "tool_calls": [{"id": "1", "function": {"name": "transfer_to_billing", "arguments": "{}"}}]}]"#,
                ),
            )],
            "call acme/- of - in 0 out 0 asks[billing]",
        ),
        (
            "call",
            vec![
                ("acme.tool", Value::Str("look_up")),
                ("acme.error", Value::Bool(true)),
            ],
            "tool look_up of - failed",
        ),
        (
            "call",
            vec![("acme.tool", Value::Str("pass_on")), next.clone()],
            "tool pass_on of - to Billing only",
        ),
        ("pass", vec![agent, next], "handoff Night Desk to Billing"),
        ("look", vec![], "retrieval"),
        (
            "check",
            vec![("acme.stopped", Value::Bool(true))],
            "guardrail true",
        ),
    ] {
        let (event, counts) = read(kind, &attributes);
        assert!(
            told(&event).starts_with(expected),
            "{kind}: {}",
            told(&event)
        );
        assert_eq!((counts.spans, counts.evaluated), (1, 1), "{kind}");
        assert_eq!(misread(&counts), [], "{kind}");
    }
}

#[test]
fn numbers_ids_and_money_are_read() {
    let (event, _) = read(
        "llm",
        &[
            ("acme.prompt", Value::Str("55")),
            ("acme.cents", Value::Double(25.0)),
            ("acme.case", Value::Double(4711.0)),
            ("session.id", Value::Str("another")),
        ],
    );
    let Kind::Model(call) = &event.kind else {
        panic!("{}", told(&event));
    };
    assert_eq!(
        call.usage.map(|usage| usage.input),
        Some(55),
        "the second expression"
    );
    assert_eq!(call.cost, Cost::Declared(0.25));
    let session = event.context.session.as_ref().expect("a session");
    assert_eq!(
        (&*session.id, session.source),
        ("4711", SessionSource::Span)
    );
    assert_eq!(event.context.user.as_deref(), Some("7"), "of the resource");
    let (event, counts) = read("llm", &[("acme.case", Value::Str("undefined"))]);
    assert_eq!(event.context.session, None, "a placeholder is no id");
    assert_eq!(misread(&counts), []);
    // What is structured already needs no parsing.
    let usage = Attributes::from_iter([("prompt", Value::Int(3))]);
    let (event, counts) = read("llm", &[("acme.usage", Value::Map(Box::new(usage)))]);
    assert!(told(&event).contains(" in 3 "), "{}", told(&event));
    assert_eq!(misread(&counts), []);
}

#[test]
fn what_does_not_fit_is_counted_and_never_fatal() {
    use Misreading as M;
    let prompts = Value::Array(vec![Value::Int(1)]);
    let usage = Value::Str(r#"{"completion": "x"}"#);
    for (name, value, key, reason) in [
        (
            "acme.usage",
            Value::Str("{'prompt': 1}"),
            "input_tokens",
            M::Json,
        ),
        ("acme.prompt", prompts, "input_tokens", M::Type),
        ("acme.prompt", Value::Str("many"), "input_tokens", M::Type),
        ("acme.prompt", Value::Int(-1), "input_tokens", M::Type),
        ("acme.cents", Value::Str("free"), "cost", M::Evaluation),
        ("acme.cents", Value::Double(-5.0), "cost", M::Type),
        ("acme.case", Value::Bool(true), "session", M::Type),
        ("acme.usage", usage, "output_tokens", M::Evaluation),
    ] {
        let (event, counts) = read("llm", &[(name, value)]);
        assert!(told(&event).starts_with("call acme/-"), "{}", told(&event));
        assert_eq!(misread(&counts), [(key, reason, 1)]);
        let mut possible = normaliser()
            .taught_misreadings()
            .next()
            .expect("a dialect")
            .into_iter();
        assert!(possible.any(|one| one == (key, reason)), "{key} {reason:?}");
    }
    let (event, counts) = read("odd", &[("gen_ai.operation.name", Value::Str("chat"))]);
    assert!(told(&event).starts_with("call "), "by the standard names");
    assert_eq!(misread(&counts), [("kind", M::Kind, 1)]);
    // A kind that nobody mapped is one that is not known: no fault.
    let (event, counts) = read("else", &[]);
    assert!(told(&event).starts_with("structure"), "{}", told(&event));
    assert_eq!(misread(&counts), []);
}

#[test]
fn nothing_is_evaluated_for_others() {
    let own = ("acme.kind", Value::Str("llm"));
    let foreign = ("gen_ai.operation.name", Value::Str("chat"));
    for (scope, attributes) in [
        ("acme.agents", vec![foreign.clone()]),
        ("acme.agent", vec![own.clone(), foreign]),
        ("other", vec![own]),
    ] {
        let (_, counts) = read_of(scope, attributes);
        assert_eq!((counts.spans, counts.evaluated), (0, 0), "{scope}");
    }
}

#[test]
fn attributes_are_asked_for_only_where_a_dialect_names_them() {
    let plain = Normaliser::new(Settings::default(), Arc::new(PriceBook::default()));
    for (name, asked) in [
        ("acme.kind", true),
        ("acme.usage", true),
        ("acme.desk", true),
        ("acme.error", true),
        ("acme.other", false),
        ("acme.kind.more", false),
    ] {
        let (hash, name) = (hash(name.as_bytes()), name.as_bytes());
        assert_eq!(normaliser().asks(hash, name), asked);
        assert!(!plain.asks(hash, name));
    }
}

#[test]
fn conditions_let_through_what_they_hold_for() {
    for (when, expected) in [
        ("'a' in attributes || 'b' in attributes", true),
        ("has(attributes.a) && attributes.a.startsWith('x')", true),
        ("attributes.a == 'xy' && scope.name.startsWith('sc')", true),
        ("'xy' == attributes['a']", true),
        ("span.name.startsWith('wo') && !('c' in attributes)", true),
        (
            "resource['desk'] == 'd' && attributes[?'c'].orValue('x') == 'x'",
            true,
        ),
        ("attributes['a'] in ['xy', 'z']", true),
        ("'a' in attributes ? true : 'b' in attributes", true),
        ("json(attributes['j']).list.exists(x, x.n == 2)", true),
        ("span.name.startsWith('ot') && 'a' in attributes", false),
        ("attributes.c == 'x' || attributes.a == 'z'", false),
        ("!('a' in attributes) && span.name == 'work'", false),
        ("json(attributes['j']).list.exists(x, x.n == 3)", false),
        ("resource.none == 'd'", false),
    ] {
        let dialect = DialectSettings {
            name: "x".into(),
            when: when.into(),
            kind: of("'tool'").unwrap_or_default(),
            ..DialectSettings::default()
        };
        let settings = Settings {
            dialects: vec![dialect],
            ..Settings::default()
        };
        let normaliser = Normaliser::new(settings, Arc::new(PriceBook::default()));
        let said = [("a", "xy"), ("j", r#"{"list": [{"n": 1}, {"n": 2}]}"#)];
        let mut batch = group("scope", "work", &said, |_| {});
        batch.resource = Attributes::from_iter([("desk", Value::Str("d"))]);
        let mut scratch = Scratch::default();
        let event = normaliser.normalise(&batch, &mut scratch).remove(0);
        let is_tool = matches!(event.kind, Kind::Tool(_));
        assert_eq!(is_tool, expected, "{when}");
    }
}
