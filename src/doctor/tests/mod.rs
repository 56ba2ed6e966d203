//! What is found in spans that lack something.

mod lacks;

use super::*;
use crate::model::ids::{SpanId, TraceId};
use crate::model::reject::{RejectReason, Unread, UnreadCounts};
use crate::model::time::Timestamp;
use crate::normalise::{DialectSettings, Expressions, Normaliser, Settings};
use crate::otlp::view::{Attributes, Scope, ScopeBatch, Span, SpanSink, Status, Value};
use std::sync::Arc;

type SaidAttributes = &'static [(&'static str, Value<'static>)];

const CALL: SaidAttributes = &[
    ("gen_ai.operation.name", Value::Str("chat")),
    ("gen_ai.request.model", Value::Str("house-model")),
    ("gen_ai.usage.input_tokens", Value::Int(5)),
    ("gen_ai.output.messages", Value::Str("[]")),
];
const AGENT: SaidAttributes = &[
    ("gen_ai.operation.name", Value::Str("invoke_agent")),
    ("gen_ai.agent.name", Value::Str("clerk")),
    ("gen_ai.conversation.id", Value::Str("s-1")),
    ("baton.outcome", Value::Str("resolved")),
];

/// The spans of one scope, each with the number of its trace.
fn batch(scope: &'static str, spans: &[(u8, SaidAttributes)]) -> ScopeBatch<'static> {
    let spans = (1..).zip(spans).map(|(id, (trace, said))| Span {
        trace: TraceId::new(&[*trace; 16]).expect("not zero"),
        id: SpanId::new(&[id; 8]).expect("not zero"),
        parent: None,
        caller: crate::otlp::view::Caller::default(),
        threshold: None,
        name: "work",
        start: Timestamp(1),
        end: Timestamp(2),
        status: Status::Unset,
        status_message: "",
        attributes: said.iter().cloned().collect(),
        events: Vec::new(),
        links: Vec::new(),
    });
    ScopeBatch {
        resource: Attributes::from_iter([("service.name", Value::Str("desk"))]),
        scope: Scope {
            name: scope,
            version: "",
        },
        spans: spans.collect(),
        ..ScopeBatch::default()
    }
}

fn survey(settings: Settings, batches: &[ScopeBatch<'_>]) -> Survey {
    let normaliser = Normaliser::new(settings, Arc::default());
    let mut survey = Survey::new(normaliser);
    batches.iter().for_each(|batch| survey.add(batch));
    survey
}

fn diagnosis(settings: Settings, batches: &[ScopeBatch<'_>]) -> Diagnosis {
    survey(settings, batches).diagnosis(Figures::default(), &[], &UnreadCounts::default())
}

fn found(diagnosis: &Diagnosis) -> Vec<FindingKind> {
    let emitters = diagnosis.emitters.iter();
    let all = emitters.flat_map(|emitter| &emitter.findings);
    all.chain(&diagnosis.findings).map(|one| one.kind).collect()
}

#[test]
fn what_is_whole_has_no_findings() {
    let declared: SaidAttributes = &[
        ("gen_ai.operation.name", Value::Str("chat")),
        ("gen_ai.request.model", Value::Str("house-model")),
        ("gen_ai.usage.input_tokens", Value::Int(5)),
        ("gen_ai.usage.cost", Value::Double(0.1)),
    ];
    let whole = diagnosis(
        Settings::default(),
        &[batch("x", &[(1, AGENT), (1, declared)])],
    );
    assert_eq!(found(&whole), [], "{}", whole.text());
    assert!(whole.text().ends_with("Nothing is missing.\n"));
    assert_eq!(whole.json()["count"], 0);
    assert_eq!(whole.emitters[0].read["agents"], 1);
}

#[test]
fn each_lack_is_found_with_its_share() {
    let tool: SaidAttributes = &[
        ("gen_ai.operation.name", Value::Str("execute_tool")),
        ("gen_ai.tool.name", Value::Str("route_to_billing")),
    ];
    let spans = [(1, AGENT), (1, CALL), (2, CALL), (3, tool)];
    let lacking = diagnosis(Settings::default(), &[batch("x", &spans)]);
    let expected = [FindingKind::NoSession, FindingKind::HandoffTool];
    assert_eq!(found(&lacking), expected);
    let text = lacking.text();
    for told in [
        "desk: OpenTelemetry GenAI (`otel_genai`), 4 spans",
        "spans read: 1 agent, 2 model calls, 1 tool call\n",
        "No session ID on 66 % of traces (2 of 3)",
        "add `route_to_*` to `normalise.handoff_tools`",
        "2 findings.",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
}

#[test]
fn how_many_calls_lack_something_is_for_the_metrics_to_say_and_what_to_do_for_the_page() {
    // Two spans of one call, and neither knows its tokens.
    let silent: SaidAttributes = &[
        ("openinference.span.kind", Value::Str("LLM")),
        ("llm.model_name", Value::Str("gpt-4o")),
    ];
    let batch = batch(
        "openinference.instrumentation.llama_index",
        &[(1, silent), (1, silent)],
    );
    let figures = "baton_llm_calls_total{agent=\"unknown\",model=\"gpt-4o\"} 1\nbaton_llm_calls_without_usage_total{model=\"gpt-4o\"} 1\nbaton_workflows_total{evidence=\"rule\"} 1\nbaton_workflows_without_user_total 1\n";
    let found = survey(Settings::default(), &[batch]);
    let found = found.diagnosis(Figures::of_text(figures), &[], &UnreadCounts::default());
    let text = found.text();
    for told in [
        "counted: 1 model call, 1 workflow\n",
        "Model calls without tokens: 1 of 1 (100 %): `gpt-4o` 1. Their cost is unknown.",
        "Not reported (docs/sdks.md#llamaindex): tokens of streamed calls",
        "Model calls of no agent: 1 of 1 (100 %). They",
        "- Workflows without a user ID: 1 of 1 (100 %).",
        "User (docs/sdks.md#llamaindex): the turn span (",
        "3 findings.",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
}

#[test]
fn an_emitter_without_model_calls_is_not_cleared() {
    let other: SaidAttributes = &[("gen_ai.operation.name", Value::Str("execute_tool"))];
    let silent = diagnosis(Settings::default(), &[batch("x", &[(1, AGENT)])]);
    assert_eq!(found(&silent), [FindingKind::NoModelCalls]);
    let text = silent.text();
    assert!(text.contains("No model call in 1 trace. Without"), "{text}");
    // Another emitter shows the calls of the same traces, or of one of them.
    for calls in [vec![(1, CALL)], vec![(1, CALL), (2, AGENT)]] {
        let batches = [batch("x", &[(1, AGENT), (1, other)]), batch("y", &calls)];
        let whole = diagnosis(Settings::default(), &batches);
        assert_eq!(found(&whole), [], "{}", whole.text());
    }
}

#[test]
fn words_that_declare_nothing_are_named_and_rejects_have_their_reason() {
    let odd: SaidAttributes = &[
        ("gen_ai.operation.name", Value::Str("chat")),
        ("session.id", Value::Str("s")),
        ("baton.outcome", Value::Str("splendid")),
    ];
    let found = survey(Settings::default(), &[batch("x", &[(1, odd)])]);
    let figures = Figures::of_text("baton_unknown_outcomes_total 1\n");
    let mut undecoded = UnreadCounts::default();
    undecoded.add(Unread::Link, 3);
    let text = found
        .diagnosis(figures, &[RejectReason::InvalidId; 2], &undecoded)
        .text();
    assert!(text.contains("Found: `splendid`"), "{text}");
    assert!(text.contains("were rejected: 2: `invalid_id` 2."), "{text}");
    assert!(text.contains("were not read: 3: `link` 3."), "{text}");
}

#[test]
fn spans_of_no_dialect_are_told_from_those_of_servers() {
    let acme: SaidAttributes = &[
        ("acme.llm.tokens", Value::Int(5)),
        ("acme.kind", Value::Str("x")),
    ];
    let server: SaidAttributes = &[
        ("http.request.method", Value::Str("GET")),
        ("user_agent", Value::Str("x")),
    ];
    let unknown = diagnosis(
        Settings::default(),
        &[
            batch("acme", &[(1, acme), (2, acme)]),
            batch("web", &[(1, server)]),
        ],
    );
    assert_eq!(found(&unknown), [FindingKind::UnknownSpans; 2]);
    let text = unknown.text();
    assert!(
        text.contains("2 spans that may be the work of agents"),
        "{text}"
    );
    assert!(text.contains("`acme.llm.tokens`"), "{text}");
    assert!(
        text.contains("3 spans without the work of agents"),
        "{text}"
    );
    let one = survey(Settings::default(), &[batch("web", &[(1, &[])])]);
    let text = one
        .diagnosis(Figures::default(), &[], &UnreadCounts::default())
        .text();
    assert!(text.contains("1 span without the work of agents"), "{text}");
    let taught = DialectSettings {
        name: "acme".into(),
        when: "'acme.kind' in attributes".into(),
        kind: Expressions(vec!["'model'".into()]),
        input_tokens: Expressions(vec!["json(attributes['acme.kind']).x".into()]),
        ..DialectSettings::default()
    };
    let settings = Settings {
        dialects: vec![taught],
        ..Settings::default()
    };
    let known = diagnosis(settings, &[batch("acme", &[(1, acme)])]);
    assert!(
        found(&known).contains(&FindingKind::Misreadings),
        "{}",
        known.text()
    );
    let text = known.text();
    assert!(text.contains("desk: `acme` of the configuration"), "{text}");
    assert!(
        text.contains("gave nothing: 1: `acme input_tokens json` 1."),
        "{text}"
    );
}

#[test]
fn a_trace_without_session_is_told_once_in_the_words_of_its_sdk() {
    let workflow: SaidAttributes = &[("traceloop.span.kind", Value::Str("workflow"))];
    let scope = "opentelemetry.instrumentation.openai_agents";
    let spans = [(1, workflow), (1, workflow), (1, CALL), (2, CALL)];
    let lacking = diagnosis(Settings::default(), &[batch(scope, &spans)]);
    let of = |label: &str| {
        let mut emitters = lacking.emitters.iter();
        let emitter = emitters.find(|emitter| emitter.dialect == label);
        let findings = &emitter.expect("an emitter").findings;
        let mut sessions = findings.iter();
        let about = sessions.find(|one| one.kind == FindingKind::NoSession);
        about.map(|one| (one.count, one.see, one.message.clone()))
    };
    let (count, see, message) = of("openllmetry").expect("a finding");
    assert_eq!((count, see), (1, "docs/sdks.md#openai-agents"));
    let expected = "Set the session ID with the turn span (a span that";
    assert!(message.contains(expected), "{message}");
    assert!(!message.contains("using_attributes"), "{message}");
    let (count, ..) = of("otel_genai").expect("a finding");
    assert_eq!(count, 1, "the other trace");
}

#[test]
fn what_senders_write_is_shown_harmless() {
    let mut bad = batch("scope\u{1b}[31m", &[(1, &[("agent\u{7}", Value::Int(1))])]);
    bad.resource = Attributes::from_iter([("service.name", Value::Str("desk\n\u{202e}"))]);
    let text = diagnosis(Settings::default(), &[bad]).text();
    let is_harmful = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    assert!(!text.chars().any(is_harmful), "{text:?}");
    assert!(!text.contains("desk\n"), "{text:?}");
}

#[test]
fn nothing_is_a_finding_too() {
    assert_eq!(
        found(&diagnosis(Settings::default(), &[])),
        [FindingKind::NoSpans]
    );
}
