//! What an event takes over from its span as it is: where it stands in its trace, whose session and which unit of work it belongs to.

use super::{event, group, with};
use crate::model::ids::Link;
use crate::model::ids::{SpanId, TraceId};
use crate::model::sampling::Threshold;
use crate::normalise::*;
use crate::otlp::view::Value;

#[test]
fn a_span_keeps_its_parent_its_threshold_and_its_first_links_into_other_traces() {
    let to = |trace: u8| Link {
        trace: TraceId::new(&[trace; 16]).expect("not zero"),
        span: SpanId::new(&[7; 8]).expect("not zero"),
    };
    let threshold = Threshold::new(1 << 55);
    assert!(threshold.is_some());
    let own = with("app", "x", &[], |span| {
        span.threshold = threshold;
        // The spans of the tests are in trace 1.
        span.links = [1, 2, 1, 3, 4, 5, 6, 7, 8, 9, 10].map(to).to_vec();
    });
    assert_eq!(own.parent, SpanId::new(&[2; 8]));
    assert_eq!(own.rare.threshold, threshold);
    assert_eq!(own.rare.links, [2, 3, 4, 5, 6, 7, 8, 9].map(to));
}

/// The session of a span of the OpenAI Agents SDK, whose own name for it is the group; and where it was found.
fn session(on_the_resource: &[&'static str], on_the_span: &[(&str, &str)]) -> (String, bool) {
    let template = ("logfire.msg_template", "OpenAI Agents trace: {name}");
    let mut attributes = vec![template, ("name", "desk")];
    attributes.extend(on_the_span);
    let mut group = group("logfire.openai_agents", template.1, &attributes, |_| {});
    let resource = on_the_resource.iter();
    group.resource = resource.map(|id| ("session.id", Value::Str(id))).collect();
    let normaliser = Normaliser::new(Settings::default(), Arc::new(PriceBook::default()));
    let session = normaliser
        .normalise(&group, &mut Scratch::default())
        .remove(0)
        .context
        .session
        .clone();
    let hint = session.expect("a session");
    (hint.id.to_string(), hint.source == SessionSource::Resource)
}

#[test]
fn the_span_says_best_whose_session_it_is_then_its_dialect_then_its_resource() {
    let (group, id) = (("group_id", "group"), ("session.id", "span"));
    assert_eq!(session(&["process"], &[group, id]), ("span".into(), false));
    assert_eq!(session(&["process"], &[group]), ("group".into(), false));
    assert_eq!(session(&[], &[group]), ("group".into(), false));
    assert_eq!(session(&["process"], &[]), ("process".into(), true));
}

#[test]
fn an_id_of_the_unit_of_work_is_the_first_that_is_declared() {
    let id = |scope, attributes: &[(&str, &str)]| {
        event(scope, "x", attributes)
            .context
            .workflow_id
            .clone()
            .map(|id| id.to_string())
    };
    let named = [
        ("baton.workflow.id", "c"),
        ("workflow.id", "b"),
        ("gen_ai.workflow.id", "a"),
    ];
    assert_eq!(id("app", &named).as_deref(), Some("a"));
    assert_eq!(id("app", &named[..2]).as_deref(), Some("b"));
    assert_eq!(id("app", &named[..1]).as_deref(), Some("c"));
    // There it is the id of a graph, which is built anew in every process.
    assert_eq!(id("agent_framework", &named[..2]), None);
}
