//! Known answers of verdicts.

use super::*;
use crate::model::call_costs::CallCosts;
use crate::model::cohort::Cohort;
use crate::model::event::{Basis, Outcome};
use crate::model::fact::{Handoff, HandoffKind, HandoffPlace, HandoffResult, Workflow};
use crate::model::ids::TraceId;
use crate::model::sampling::Threshold;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use std::time::Duration;

const SPAN: [u8; 8] = [3; 8];

fn handoff(result: HandoffResult, ordinal: u32) -> What {
    What::Handoff(Handoff {
        workflow: "support".into(),
        from: "triage".into(),
        to: "refunds".into(),
        kind: HandoffKind::Transfer,
        result,
        basis: Basis::Declared,
        latency: None,
        retention: None,
        intent: None,
        phantom: false,
        place: HandoffPlace {
            span: SpanId::new(&SPAN),
            ordinal,
        },
    })
}

fn workflow(outcome: Outcome, basis: Basis, because: &str) -> What {
    What::Workflow(Workflow {
        workflow: "support".into(),
        outcome,
        because: because.into(),
        basis,
        duration: Duration::from_secs(9),
        cost_usd: Some(0.5),
        value_usd: None,
        models: Vec::new(),
        calls: CallCosts::default(),
        has_user: true,
        span: SpanId::new(&SPAN),
    })
}

fn fact(what: What) -> Fact {
    let trace = TraceId::new(&[7; 16]).expect("not zero");
    Fact::new(Timestamp(1_000), trace, what)
}

/// In a session, with or without a tenant.
fn of_session(what: What, tenant: Option<&str>) -> Fact {
    let session = TenantScoped {
        tenant: tenant.map(Name::from),
        id: "conversation 1".into(),
    };
    Fact {
        key: Some(PartitionKey::Session(session)),
        ..fact(what)
    }
}

fn verdict(fact: &Fact) -> DecidedFact {
    DecidedFact::of(fact, Timestamp(2_000)).expect("a verdict")
}

fn record(fact: &Fact) -> LogRecord {
    let dimensions = ["tier".to_owned(), "channel".to_owned()];
    let body = request(VerdictForm::Events, &[verdict(fact)], &dimensions);
    let request = ExportLogsServiceRequest::decode(&*body).expect("a request");
    let logs = &request.resource_logs[0];
    let resource = logs.resource.as_ref().expect("a resource");
    assert_eq!(shown(&resource.attributes), ["service.name=baton"]);
    let scope = logs.scope_logs[0].scope.as_ref().expect("a scope");
    assert_eq!(scope.name, "baton.verdicts");
    logs.scope_logs[0].log_records[0].clone()
}

fn span(fact: &Fact) -> Span {
    let body = request(VerdictForm::Spans, &[verdict(fact)], &[]);
    let request = ExportTraceServiceRequest::decode(&*body).expect("a request");
    request.resource_spans[0].scope_spans[0].spans[0].clone()
}

fn shown(attributes: &[KeyValue]) -> Vec<String> {
    let value = |pair: &KeyValue| match pair.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        Value::DoubleValue(number) => Some(number.to_string()),
        Value::IntValue(number) => Some(number.to_string()),
        _ => None,
    };
    let shown = |pair: &KeyValue| format!("{}={}", pair.key, value(pair).expect("a value"));
    attributes.iter().map(shown).collect()
}

fn id(fact: &Fact) -> String {
    let last = record(fact).attributes.pop().expect("attributes");
    assert_eq!(last.key, "log.record.uid");
    shown(&[last]).remove(0)
}

#[test]
fn a_handoff_is_an_event_at_its_span() {
    let fact = of_session(handoff(HandoffResult::Dropped, 0), Some("acme"));
    let fact = Fact {
        cohort: Cohort::of_values(vec!["".into(), "web".into()]),
        ..fact
    };
    let record = record(&fact);
    assert_eq!(record.event_name, "gen_ai.evaluation.result");
    assert_eq!(
        (record.time_unix_nano, record.observed_time_unix_nano),
        (1_000, 2_000)
    );
    assert_eq!(
        (record.trace_id, record.span_id),
        (vec![7; 16], SPAN.to_vec())
    );
    assert_eq!(record.body, None);
    assert_eq!(
        shown(&record.attributes),
        [
            "gen_ai.evaluation.name=handoff_result",
            "gen_ai.evaluation.score.label=failed",
            "gen_ai.evaluation.score.value=0",
            "gen_ai.evaluation.explanation=The target did not start in time. A span declares the handoff.",
            "gen_ai.agent.name=triage",
            "gen_ai.agent.handoff.source.name=triage",
            "gen_ai.agent.handoff.target.name=refunds",
            "gen_ai.workflow.name=support",
            "baton.handoff.kind=transfer",
            "baton.handoff.reason=dropped",
            "baton.evidence=declared",
            "gen_ai.conversation.id=conversation 1",
            "session.id=conversation 1",
            "tenant.id=acme",
            "baton.cohort.channel=web",
            "log.record.uid=a74d8c10-4eb4-80d5-a95f-8ec4f62abf07",
        ]
    );
}

#[test]
fn a_workflow_is_a_span_below_the_first_one_of_its_first_turn() {
    let fact = of_session(
        workflow(Outcome::Resolved, Basis::Rule, "refund issued"),
        None,
    );
    let span = span(&fact);
    assert_eq!(span.name, "gen_ai.evaluation.result");
    assert_eq!(
        (span.trace_id, span.parent_span_id),
        (vec![7; 16], SPAN.to_vec())
    );
    assert_eq!(
        (span.start_time_unix_nano, span.end_time_unix_nano),
        (1_000, 1_000)
    );
    // The half of the ID that the record has.
    let hex: String = span
        .span_id
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert!(
        id(&fact).replace('-', "").ends_with(&hex),
        "{hex} {}",
        id(&fact)
    );
    assert_eq!(
        shown(&span.attributes),
        [
            "gen_ai.evaluation.name=workflow_outcome",
            "gen_ai.evaluation.score.label=resolved",
            "gen_ai.evaluation.score.value=1",
            "gen_ai.evaluation.explanation=resolved, because the rule refund issued of the configuration applies",
            "gen_ai.workflow.name=support",
            "baton.evidence=rule",
            "gen_ai.conversation.id=conversation 1",
            "session.id=conversation 1",
        ]
    );
}

#[test]
fn what_nothing_proves_has_no_score() {
    for (what, score) in [
        (handoff(HandoffResult::Success, 0), Some("1")),
        (handoff(HandoffResult::Bounced, 0), Some("0")),
        (handoff(HandoffResult::Unknown, 0), None),
        (
            workflow(Outcome::Escalated, Basis::Inferred, "why"),
            Some("0"),
        ),
        (workflow(Outcome::Failed, Basis::Inferred, "why"), Some("0")),
        (
            workflow(Outcome::Abandoned, Basis::Inferred, "why"),
            Some("0"),
        ),
        (workflow(Outcome::Unverified, Basis::Inferred, "why"), None),
    ] {
        let shown = shown(&record(&fact(what)).attributes);
        let mut shown = shown.iter();
        let found = shown.find_map(|text| text.strip_prefix("gen_ai.evaluation.score.value="));
        assert_eq!(found, score);
    }
}

#[test]
fn what_stands_for_others_says_for_how_many() {
    let mut sampled = fact(handoff(HandoffResult::Success, 0));
    // One of two was kept.
    sampled.threshold = Threshold::new(1 << 55);
    assert_eq!(sampled.weight(), 2);
    let shown = shown(&record(&sampled).attributes);
    assert!(
        shown.contains(&"baton.adjusted_count=2".to_owned()),
        "{shown:?}"
    );
}

#[test]
fn one_verdict_is_the_same_to_the_last_byte_and_two_have_two_ids() {
    let first = of_session(handoff(HandoffResult::Success, 0), None);
    let closed = of_session(workflow(Outcome::Failed, Basis::Inferred, "why"), None);
    for fact in [&first, &closed] {
        assert_eq!(record(fact), record(&fact.clone()));
        assert_eq!(span(fact), span(&fact.clone()));
    }
    let second = of_session(handoff(HandoffResult::Success, 1), None);
    let later = Fact {
        at: Timestamp(1_001),
        ..first.clone()
    };
    let elsewhere = Fact {
        trace: TraceId::new(&[8; 16]).expect("not zero"),
        ..first.clone()
    };
    let of_other = of_session(closed.what.clone(), Some("acme"));
    let handed_by_other = of_session(first.what.clone(), Some("acme"));
    let alone_of_other = Fact {
        key: Some(PartitionKey::TenantTrace("other".into(), first.trace)),
        ..first.clone()
    };
    let ended = Fact {
        at: Timestamp(1_001),
        ..closed.clone()
    };
    let all = [
        &first,
        &closed,
        &second,
        &later,
        &elsewhere,
        &of_other,
        &handed_by_other,
        &alone_of_other,
        &ended,
    ];
    let ids: std::collections::BTreeSet<String> = all.map(id).into();
    assert_eq!(ids.len(), all.len(), "{ids:?}");
    // What is known of its result makes no other handoff.
    let other_result = of_session(handoff(HandoffResult::Dropped, 0), None);
    assert_eq!(id(&first), id(&other_result));
}

#[test]
fn a_span_that_stands_for_its_trace_is_not_named() {
    let mut fact = fact(handoff(HandoffResult::Success, 0));
    if let What::Handoff(handoff) = &mut fact.what {
        handoff.place.span = Some(SpanId::OF_TRACE);
    }
    assert_eq!(record(&fact).span_id, Vec::<u8>::new());
    assert_eq!(span(&fact).parent_span_id, Vec::<u8>::new());
}

#[test]
fn other_facts_are_no_verdicts() {
    for what in [What::Session, What::Pending(1), What::Late] {
        assert_eq!(DecidedFact::of(&fact(what), Timestamp(1)), None);
    }
}
