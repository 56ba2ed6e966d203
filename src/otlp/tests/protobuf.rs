//! The walk against a generated decoder: whatever prost decodes, the walk reads alike, or rejects for a reason that can be named.

use crate::model::ids::{SpanId, TraceId};
use crate::model::reject::RejectReason;
use crate::model::sampling::Threshold;
use crate::otlp::view::{Attributes, ScopeBatch, Span, Status, Value};
use crate::otlp::{Limits, protobuf};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Theirs;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{self, Status as TheirStatus};
use proptest::prelude::*;
use prost::Message;

/// Few attributes and levels, so that the limits are met.
pub(super) fn limits() -> Limits {
    Limits {
        max_attributes: 6,
        max_depth: 4,
        ..Limits::default()
    }
}

fn value_of(value: Option<&AnyValue>) -> Value<'_> {
    match value.and_then(|value| value.value.as_ref()) {
        Some(Theirs::StringValue(text)) => Value::Str(text),
        Some(Theirs::BoolValue(flag)) => Value::Bool(*flag),
        Some(Theirs::IntValue(number)) => Value::Int(*number),
        Some(Theirs::DoubleValue(number)) => Value::Double(*number),
        Some(Theirs::ArrayValue(list)) => {
            Value::Array(list.values.iter().map(|v| value_of(Some(v))).collect())
        }
        Some(Theirs::KvlistValue(list)) => Value::Map(Box::new(attributes_of(&list.values))),
        Some(Theirs::BytesValue(_) | Theirs::StringValueStrindex(_)) | None => Value::Empty,
    }
}

fn attributes_of(pairs: &[KeyValue]) -> Attributes<'_> {
    let pairs = pairs.iter();
    pairs
        .map(|pair| (pair.key.as_str(), value_of(pair.value.as_ref())))
        .collect()
}

fn depth_of(value: Option<&AnyValue>) -> usize {
    let inner = match value.and_then(|value| value.value.as_ref()) {
        Some(Theirs::ArrayValue(list)) => list.values.iter().map(|v| depth_of(Some(v))).max(),
        Some(Theirs::KvlistValue(list)) => {
            list.values.iter().map(|p| depth_of(p.value.as_ref())).max()
        }
        _ => None,
    };
    usize::from(value.is_some()) + inner.unwrap_or(0)
}

/// Whether the walk may refuse this span, by its limits and by what a span must have.
fn faults(span: &v1::Span) -> Vec<RejectReason> {
    let limits = limits();
    let lists = [&span.attributes].into_iter();
    let lists: Vec<_> = lists
        .chain(span.events.iter().map(|e| &e.attributes))
        .collect();
    let too_many = |count: usize| count > limits.max_attributes;
    let parent = &span.parent_span_id;
    let bad_parent = SpanId::new(parent).is_none() && parent.iter().any(|b| *b != 0);
    let deep = |pair: &KeyValue| depth_of(pair.value.as_ref()) > limits.max_depth;
    let mut faults = Vec::new();
    let mut fault = |is: bool, reason| faults.extend(is.then_some(reason));
    fault(
        lists.iter().any(|l| too_many(l.len())) || too_many(span.events.len()),
        RejectReason::TooLarge,
    );
    // Links without ids are left out and take no room.
    let links = span.links.iter().filter(|link| link_of(link).is_some());
    fault(too_many(links.count()), RejectReason::TooLarge);
    fault(
        lists.iter().copied().flatten().any(deep),
        RejectReason::TooDeep,
    );
    let no_id = TraceId::new(&span.trace_id).is_none() || SpanId::new(&span.span_id).is_none();
    fault(no_id || bad_parent, RejectReason::InvalidId);
    let (start, end) = (span.start_time_unix_nano, span.end_time_unix_nano);
    fault(start == 0 || end < start, RejectReason::InvalidTime);
    faults
}

fn link_of(link: &Link) -> Option<(TraceId, SpanId)> {
    TraceId::new(&link.trace_id).zip(SpanId::new(&link.span_id))
}

/// Values apart from their bits: a number that is none is not equal to itself.
pub(super) fn shown(attributes: &Attributes<'_>) -> String {
    format!("{:?}", attributes.iter().collect::<Vec<_>>())
}

fn check_span(own: &Span<'_>, theirs: &v1::Span) {
    assert_eq!(own.trace.as_bytes().as_slice(), theirs.trace_id);
    assert_eq!(own.id.as_bytes().as_slice(), theirs.span_id);
    assert_eq!(own.parent, SpanId::new(&theirs.parent_span_id));
    assert_eq!(own.name, theirs.name);
    let threshold = Threshold::of_trace_state(&theirs.trace_state);
    assert_eq!(own.threshold, threshold);
    assert_eq!(own.start.0, theirs.start_time_unix_nano);
    assert_eq!(own.end.0, theirs.end_time_unix_nano);
    let status = theirs.status.clone().unwrap_or_default();
    let code = match status.code {
        1 => Status::Ok,
        2 => Status::Error,
        _ => Status::Unset,
    };
    assert_eq!(
        (own.status, own.status_message),
        (code, status.message.as_str())
    );
    assert_eq!(
        shown(&own.attributes),
        shown(&attributes_of(&theirs.attributes))
    );
    assert_eq!(own.events.len(), theirs.events.len());
    for (own, theirs) in own.events.iter().zip(&theirs.events) {
        assert_eq!(
            (own.name, own.time.0),
            (theirs.name.as_str(), theirs.time_unix_nano)
        );
        assert_eq!(
            shown(&own.attributes),
            shown(&attributes_of(&theirs.attributes))
        );
    }
    let links: Vec<_> = own.links.iter().map(|l| (l.trace, l.span)).collect();
    let expected: Vec<_> = theirs.links.iter().filter_map(link_of).collect();
    assert_eq!(links, expected);
}

/// Whatever prost decodes, the walk reads alike; how many spans it took.
fn check(body: &[u8]) -> Option<usize> {
    let theirs = ExportTraceServiceRequest::decode(body).ok()?;
    let resources = theirs.resource_spans.iter();
    let groups = resources.flat_map(|r| r.scope_spans.iter().map(move |s| (r, s)));
    let spans = groups.flat_map(|(r, s)| s.spans.iter().map(move |span| (r, s, span)));
    let (good, bad): (Vec<_>, Vec<_>) = spans.partition(|(.., span)| faults(span).is_empty());
    let mut good = good.into_iter();
    let counts = protobuf::traces(body, &limits(), &mut |own: &ScopeBatch<'_>| {
        for span in own.spans.iter() {
            let (resource, scope, theirs) = good.next().expect("no more spans");
            check_group(own, resource, scope);
            check_span(span, theirs);
        }
    });
    let counts = counts.expect("prost decodes it");
    assert_eq!(good.count(), 0, "as many spans");
    assert_eq!(counts.rejects.len(), bad.len());
    for (reason, (.., span)) in counts.rejects.iter().zip(bad) {
        assert!(faults(span).contains(reason), "{reason:?} of {span:?}");
    }
    Some(counts.spans as usize)
}

fn check_group(own: &ScopeBatch<'_>, resource: &v1::ResourceSpans, theirs: &v1::ScopeSpans) {
    let scope = theirs.scope.clone().unwrap_or_default();
    assert_eq!(
        (own.scope.name, own.scope.version),
        (&*scope.name, &*scope.version)
    );
    let pairs = resource.resource.clone().unwrap_or_default().attributes;
    let deep = |pair: &KeyValue| depth_of(pair.value.as_ref()) > limits().max_depth;
    if pairs.len() <= limits().max_attributes && !pairs.iter().any(deep) {
        assert_eq!(shown(&own.resource), shown(&attributes_of(&pairs)));
    }
}

pub(super) fn any_value() -> impl Strategy<Value = AnyValue> {
    let leaf = prop_oneof![
        "[a-zé]{0,9}".prop_map(|text| Some(Theirs::StringValue(text))),
        any::<bool>().prop_map(|flag| Some(Theirs::BoolValue(flag))),
        any::<i64>().prop_map(|number| Some(Theirs::IntValue(number))),
        any::<f64>().prop_map(|number| Some(Theirs::DoubleValue(number))),
        prop::collection::vec(any::<u8>(), 0..4).prop_map(|b| Some(Theirs::BytesValue(b))),
        any::<i32>().prop_map(|index| Some(Theirs::StringValueStrindex(index))),
        Just(None),
    ];
    let leaf = leaf.prop_map(|value| AnyValue { value });
    leaf.prop_recursive(5, 12, 3, |inner| {
        let list = prop::collection::vec(inner.clone(), 0..3).prop_map(|values| {
            Theirs::ArrayValue(opentelemetry_proto::tonic::common::v1::ArrayValue { values })
        });
        let map = prop::collection::vec(pair(inner), 0..3).prop_map(|values| {
            Theirs::KvlistValue(opentelemetry_proto::tonic::common::v1::KeyValueList { values })
        });
        prop_oneof![list, map].prop_map(|value| AnyValue { value: Some(value) })
    })
}

fn pair(value: impl Strategy<Value = AnyValue>) -> impl Strategy<Value = KeyValue> {
    ("[a-d]{0,3}", prop::option::of(value)).prop_map(|(key, value)| KeyValue {
        key,
        value,
        ..KeyValue::default()
    })
}

pub(super) fn pairs() -> impl Strategy<Value = Vec<KeyValue>> {
    prop::collection::vec(pair(any_value()), 0..8)
}

/// Mostly of the right length.
pub(super) fn id(length: usize) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => prop::collection::vec(1..9_u8, length),
        1 => prop::collection::vec(0..2_u8, 0..length),
        1 => Just(vec![0; length]),
    ]
}

prop_compose! {
    pub(super) fn span()(
        ids in (id(16), id(8), prop_oneof![Just(Vec::new()), id(8)]),
        name in "[a-zé ]{0,12}",
        (start, length) in (prop_oneof![9 => 1..1000_u64, 1 => Just(0)], -1..50_i64),
        attributes in pairs(),
        events in prop::collection::vec((any::<u64>(), "[a-z]{0,3}", pairs()), 0..3),
        links in prop::collection::vec((id(16), id(8)), 0..3),
        status in prop::option::of(("[a-z]{0,3}", 0..4)),
        trace_state in prop_oneof![Just(""), Just("ot=th:8"), Just("x")],
    ) -> v1::Span {
        let event = |(time_unix_nano, name, attributes)| Event { time_unix_nano, name, attributes, ..Event::default() };
        let link = |(trace_id, span_id)| Link { trace_id, span_id, ..Link::default() };
        v1::Span {
            trace_id: ids.0,
            span_id: ids.1,
            parent_span_id: ids.2,
            name,
            start_time_unix_nano: start,
            end_time_unix_nano: start.saturating_add_signed(length),
            attributes,
            events: events.into_iter().map(event).collect(),
            links: links.into_iter().map(link).collect(),
            status: status.map(|(message, code)| TheirStatus { message, code }),
            trace_state: trace_state.into(),
            ..v1::Span::default()
        }
    }
}

/// Fields that no version of OTLP knows, of every kind: number, fixed, bytes, batch.
fn unknown() -> impl Strategy<Value = Vec<u8>> {
    let fields: [&[u8]; 6] = [
        &[0xf8, 0x06, 0x96, 0x01],
        &[0xf9, 0x06, 1, 2, 3, 4, 5, 6, 7, 8],
        &[0xfa, 0x06, 2, 0xff, 0xfe],
        &[0xfb, 0x06, 0x08, 0x01, 0x13, 0x14, 0xfc, 0x06],
        &[0xfd, 0x06, 1, 2, 3, 4],
        &[],
    ];
    prop::sample::select(fields.to_vec()).prop_map(<[u8]>::to_vec)
}

/// A message inside another: field 1 or 2 with a length.
fn framed(number: u8, message: &[u8]) -> Vec<u8> {
    let mut framed = vec![number << 3 | 2];
    prost::encode_length_delimiter(message.len(), &mut framed).expect("room");
    framed.extend_from_slice(message);
    framed
}

prop_compose! {
    /// Messages in pieces, as protobuf allows: whoever reads them puts the pieces together.
    fn request()(
        spans in prop::collection::vec((span(), prop::option::weighted(0.2, span()), unknown()), 1..4),
        resources in prop::collection::vec(pairs(), 0..3),
        scopes in prop::collection::vec("[a-z]{0,3}", 0..3),
        between in unknown(),
    ) -> Vec<u8> {
        let mut scope = Vec::new();
        for name in scopes {
            scope.extend(framed(1, &framed(1, name.as_bytes())));
        }
        for (one, more, junk) in spans {
            let more = more.map(|more| more.encode_to_vec()).unwrap_or_default();
            scope.extend(framed(2, &[junk, one.encode_to_vec(), more].concat()));
        }
        let mut resource = Vec::new();
        for attributes in resources {
            let message = opentelemetry_proto::tonic::resource::v1::Resource { attributes, ..Default::default() };
            resource.extend(framed(1, &message.encode_to_vec()));
        }
        let batch = [between.clone(), resource, framed(2, &scope)].concat();
        [framed(1, &batch), between].concat()
    }
}

proptest! {
    /// One after the other, as a span takes the place of one that was handed over.
    #[test]
    fn what_prost_decodes_the_walk_reads_alike(bodies in prop::collection::vec(request(), 1..4)) {
        prop_assert!(check(&bodies.concat()).is_some(), "prost decodes what is well formed");
    }

    /// Bytes are other ones, gone, or new; the end may be cut. Nothing panics, and what still decodes is read alike.
    #[test]
    fn damaged_requests_are_read_alike_or_refused(
        mut body in request(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 1..4),
    ) {
        for (place, byte, how) in damage {
            let place = place.index(body.len().max(1));
            match how {
                _ if place >= body.len() => {}
                0 => body[place] = byte,
                1 => drop(body.remove(place)),
                2 => body.insert(place, byte),
                _ => body.truncate(place),
            }
        }
        check(&body);
        let _ = protobuf::logs(&body, &limits(), &mut |_: &ScopeBatch<'_>| {});
    }
}

#[test]
fn a_recording_is_read_alike() {
    let body = include_bytes!("../../../tests/fixtures/strands/support-swarm-legacy/005.pb");
    assert!(check(body).is_some());
}
