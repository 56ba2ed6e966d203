//! The OTLP/protobuf decoder. It borrows from the request and rejects a bad span alone, where a generated decoder would refuse the whole request.

use super::context::{DecodeContext, check_count, push_asked};
use super::fields::{Fields, Wire, only};
use super::name_cache::{Lookup, NameCache};
use super::{Counts, Limits, Malformed};
use crate::model::ids::Link;
use crate::model::ids::{SpanId, TraceId};
use crate::model::reject::RejectReason;
use crate::model::sampling::Threshold;
use crate::model::time::Timestamp;
use crate::otlp::view::{
    Attributes, LogRecord, Scope, ScopeBatch, Span, SpanEvent, SpanSink, Status, Value,
};

type Field<T> = Result<T, RejectReason>;

/// Decodes an `ExportTraceServiceRequest` and hands over its spans, some at a time.
///
/// # Errors
/// When the framing around the spans is broken: nothing of the request can be trusted, nor what was handed over of it.
pub fn traces(body: &[u8], limits: &Limits, take: &mut dyn SpanSink) -> Result<Counts, Malformed> {
    request(body, limits, take, |bytes, group, context| {
        let read = span(bytes, group.spans.another(blank_span), context);
        read.inspect_err(|_| group.spans.take_back())
    })
}

/// Decodes an `ExportLogsServiceRequest`.
///
/// # Errors
/// As [`traces`].
pub fn logs(body: &[u8], limits: &Limits, take: &mut dyn SpanSink) -> Result<Counts, Malformed> {
    request(body, limits, take, |bytes, group, context| {
        group.logs.push(log_record(bytes, context)?);
        Ok(())
    })
}

/// Items handed over at once: few enough to stay in the caches of a core until they are read.
const PIECE: usize = 16;

/// Both requests are drawn alike: `1: resource_x { 1: resource, 2: scope_x { 1: scope, 2: item } }`.
fn request<'a>(
    body: &'a [u8],
    limits: &Limits,
    take: &mut dyn SpanSink,
    item: impl Fn(&'a [u8], &mut ScopeBatch<'a>, &mut DecodeContext<'_, 'a>) -> Field<()>,
) -> Result<Counts, Malformed> {
    let mut counts = Counts::default();
    let mut group = ScopeBatch::default();
    let names = &mut NameCache::new();
    let broken = |_| Malformed;
    for field in Fields(body) {
        let (1, Wire::Bytes(resource_items)) = field.map_err(broken)? else {
            continue;
        };
        group.resource.clear();
        for field in Fields(resource_items) {
            if let (1, Wire::Bytes(bytes)) = field.map_err(broken)? {
                // A resource that cannot be read is left out: its spans are not at fault.
                let context = &mut DecodeContext {
                    limits,
                    sink: take,
                    names,
                };
                if attributes(bytes, &mut group.resource, context).is_err() {
                    group.resource.clear();
                }
            }
        }
        for field in Fields(resource_items) {
            let (2, Wire::Bytes(scope_items)) = field.map_err(broken)? else {
                continue;
            };
            // The scope may come after its items.
            group.scope = Scope::default();
            for field in Fields(scope_items) {
                if let (1, Wire::Bytes(bytes)) = field.map_err(broken)? {
                    let read = scope(bytes, &mut group.scope);
                    read.unwrap_or_else(|_| group.scope = Scope::default());
                }
            }
            for field in Fields(scope_items) {
                if let (2, Wire::Bytes(bytes)) = field.map_err(broken)? {
                    let context = &mut DecodeContext {
                        limits,
                        sink: take,
                        names,
                    };
                    if let Err(reason) = item(bytes, &mut group, context) {
                        counts.rejects.push(reason);
                    }
                    if group.spans.len() + group.logs.len() == PIECE {
                        counts.hand_over(&mut group, take);
                    }
                }
            }
            counts.hand_over(&mut group, take);
        }
    }
    Ok(counts)
}

fn scope<'a>(bytes: &'a [u8], scope: &mut Scope<'a>) -> Field<()> {
    for field in Fields(bytes) {
        match field? {
            (1, Wire::Bytes(bytes)) => scope.name = text(bytes)?,
            (2, Wire::Bytes(bytes)) => scope.version = text(bytes)?,
            _ => {}
        }
    }
    Ok(())
}

/// A span to be filled. Its ids stand until others are read; a span without ids is rejected.
fn blank_span<'a>() -> Span<'a> {
    Span {
        trace: TraceId::from_nonzero([1; 16]),
        id: SpanId::from_nonzero([1; 8]),
        parent: None,
        threshold: None,
        name: "",
        start: Timestamp::default(),
        end: Timestamp::default(),
        status: Status::Unset,
        status_message: "",
        attributes: Attributes::with_capacity(USUAL_ATTRIBUTES),
        events: Vec::new(),
        links: Vec::new(),
    }
}

/// Fills a span, which may hold another one's fields.
fn span<'a>(
    bytes: &'a [u8],
    span: &mut Span<'a>,
    context: &mut DecodeContext<'_, 'a>,
) -> Field<()> {
    let limits = context.limits;
    let mut seen = 0;
    let (mut trace, mut id) = (None, None);
    let mut parent: &[u8] = &[];
    span.threshold = None;
    span.name = "";
    (span.start, span.end) = (Timestamp::default(), Timestamp::default());
    (span.status, span.status_message) = (Status::Unset, "");
    span.attributes.clear();
    span.events.clear();
    span.links.clear();
    for field in Fields(bytes) {
        match field? {
            (1, Wire::Bytes(bytes)) => trace = TraceId::new(bytes),
            (2, Wire::Bytes(bytes)) => id = SpanId::new(bytes),
            (3, Wire::Bytes(bytes)) => {
                let state = std::str::from_utf8(bytes).ok();
                span.threshold = state.and_then(Threshold::of_trace_state);
            }
            (4, Wire::Bytes(bytes)) => parent = bytes,
            (5, Wire::Bytes(bytes)) => span.name = text(bytes)?,
            (7, Wire::Fixed64(nanos)) => span.start = Timestamp(nanos),
            (8, Wire::Fixed64(nanos)) => span.end = Timestamp(nanos),
            (9, Wire::Bytes(bytes)) => {
                attribute(bytes, &mut seen, &mut span.attributes, context)?;
            }
            (11, Wire::Bytes(bytes)) => {
                check_count(span.events.len(), limits)?;
                span.events.push(event(bytes, context)?);
            }
            (13, Wire::Bytes(bytes)) => {
                check_count(span.links.len(), limits)?;
                span.links.extend(link(bytes)?);
            }
            (15, Wire::Bytes(bytes)) => {
                for field in Fields(bytes) {
                    match field? {
                        (2, Wire::Bytes(bytes)) => span.status_message = text(bytes)?,
                        (3, Wire::Varint(code)) => span.status = status(code),
                        _ => {}
                    }
                }
            }
            (1 | 2 | 4 | 5 | 7 | 8 | 9 | 11 | 13 | 15, _) => return Err(RejectReason::Malformed),
            _ => {}
        }
    }
    span.trace = trace.ok_or(RejectReason::InvalidId)?;
    span.id = id.ok_or(RejectReason::InvalidId)?;
    span.parent = SpanId::new(parent);
    if span.parent.is_none() && parent.iter().any(|b| *b != 0) {
        return Err(RejectReason::InvalidId);
    }
    super::check_times(span.start, span.end)
}

/// Room for the attributes of a usual span at once.
const USUAL_ATTRIBUTES: usize = 24;

fn status(code: u64) -> Status {
    // An enumeration is 32 bits wide; what is above is cut.
    match code as u32 {
        1 => Status::Ok,
        2 => Status::Error,
        _ => Status::Unset,
    }
}

fn event<'a>(bytes: &'a [u8], context: &mut DecodeContext<'_, 'a>) -> Field<SpanEvent<'a>> {
    let mut seen = 0;
    let mut event = SpanEvent {
        name: "",
        time: Timestamp::default(),
        attributes: Attributes::default(),
    };
    for field in Fields(bytes) {
        match field? {
            (1, Wire::Fixed64(nanos)) => event.time = Timestamp(nanos),
            (2, Wire::Bytes(bytes)) => event.name = text(bytes)?,
            (3, Wire::Bytes(bytes)) => {
                attribute(bytes, &mut seen, &mut event.attributes, context)?;
            }
            _ => {}
        }
    }
    Ok(event)
}

/// A link without valid ids links to nothing.
fn link(bytes: &[u8]) -> Field<Option<Link>> {
    let (mut trace, mut span) = (None, None);
    for field in Fields(bytes) {
        match field? {
            (1, Wire::Bytes(bytes)) => trace = TraceId::new(bytes),
            (2, Wire::Bytes(bytes)) => span = SpanId::new(bytes),
            _ => {}
        }
    }
    Ok(trace.zip(span).map(|(trace, span)| Link { trace, span }))
}

fn log_record<'a>(bytes: &'a [u8], context: &mut DecodeContext<'_, 'a>) -> Field<LogRecord<'a>> {
    let limits = context.limits;
    let mut seen = 0;
    let mut log = LogRecord {
        event_name: "",
        time: Timestamp::default(),
        trace: None,
        span: None,
        body: Value::Empty,
        attributes: Attributes::default(),
    };
    let mut observed = Timestamp::default();
    for field in Fields(bytes) {
        match field? {
            (1, Wire::Fixed64(nanos)) => log.time = Timestamp(nanos),
            (5, Wire::Bytes(bytes)) => any_value(bytes, limits.max_depth, &mut log.body)?,
            (6, Wire::Bytes(bytes)) => {
                attribute(bytes, &mut seen, &mut log.attributes, context)?;
            }
            (9, Wire::Bytes(bytes)) => log.trace = TraceId::new(bytes),
            (10, Wire::Bytes(bytes)) => log.span = SpanId::new(bytes),
            (11, Wire::Fixed64(nanos)) => observed = Timestamp(nanos),
            (12, Wire::Bytes(bytes)) => log.event_name = text(bytes)?,
            _ => {}
        }
    }
    super::complete_log(&mut log, observed);
    Ok(log)
}

/// The attributes of a resource.
fn attributes<'a>(
    bytes: &'a [u8],
    into: &mut Attributes<'a>,
    context: &mut DecodeContext<'_, 'a>,
) -> Field<()> {
    let mut seen = 0;
    for field in Fields(bytes) {
        if let (1, Wire::Bytes(bytes)) = field? {
            attribute(bytes, &mut seen, into, context)?;
        }
    }
    Ok(())
}

/// Adds an attribute that is asked for, and counts it in any case.
fn attribute<'a>(
    bytes: &'a [u8],
    seen: &mut usize,
    into: &mut Attributes<'a>,
    context: &mut DecodeContext<'_, 'a>,
) -> Field<()> {
    check_count(*seen, context.limits)?;
    *seen += 1;
    let Some((name, held)) = usual(bytes) else {
        return unusual(bytes, into, context);
    };
    let lookup = context.look_up(name);
    if lookup == Lookup::Unasked {
        return Ok(());
    }
    let value = match plain(held, context.names) {
        Some(value) => value,
        None => {
            let mut value = Value::Empty;
            any_value(held, context.limits.max_depth, &mut value)?;
            value
        }
    };
    push_asked(into, lookup, value)
}

/// As [`attribute`], of one with a long name, without a value, or in another order.
#[cold]
fn unusual<'a>(
    bytes: &'a [u8],
    into: &mut Attributes<'a>,
    context: &mut DecodeContext<'_, 'a>,
) -> Field<()> {
    let mut name: &[u8] = &[];
    for field in Fields(bytes) {
        if let (1, Wire::Bytes(bytes)) = field? {
            name = bytes;
        }
    }
    let lookup = context.look_up(name);
    if lookup == Lookup::Unasked {
        return Ok(());
    }
    let (_, value) = key_value(bytes, context.limits.max_depth)?;
    push_asked(into, lookup, value)
}

/// The name and the value, both still to be read, of an attribute as nearly all are written: a short name, then a value.
#[inline]
fn usual(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let [0x0a, length @ 0..0x80, rest @ ..] = bytes else {
        return None;
    };
    let (name, rest) = rest.split_at_checked(usize::from(*length))?;
    Some((name, only(0x12, rest)?))
}

/// An `AnyValue` as nearly all are written: one field with a plain value.
#[inline]
fn plain<'a>(held: &'a [u8], names: &mut NameCache<'a>) -> Option<Value<'a>> {
    Some(match held {
        [0x0a, ..] => Value::Str(names.text(only(0x0a, held)?)?),
        [0x10, flag @ 0..2] => Value::Bool(*flag == 1),
        [0x18, number @ ..] => {
            let mut number = Fields(number);
            let value = number.varint()?.cast_signed();
            number.0.is_empty().then_some(Value::Int(value))?
        }
        [0x21, bits @ ..] => Value::Double(f64::from_le_bytes(bits.try_into().ok()?)),
        _ => return None,
    })
}

/// The name and the value of an attribute.
type Pair<'a> = (&'a str, Value<'a>);

fn key_value(bytes: &[u8], depth: usize) -> Field<Pair<'_>> {
    let (mut key, mut held) = ("", Value::Empty);
    for field in Fields(bytes) {
        match field? {
            (1, Wire::Bytes(bytes)) => key = text(bytes)?,
            (2, Wire::Bytes(bytes)) => any_value(bytes, depth, &mut held)?,
            _ => {}
        }
    }
    Ok((key, held))
}

/// An `AnyValue`; `depth` is how many more levels it may have. As protobuf has it, a later field takes the place of an earlier
/// one, but lists go on.
fn any_value<'a>(bytes: &'a [u8], depth: usize, held: &mut Value<'a>) -> Field<()> {
    let depth = depth.checked_sub(1).ok_or(RejectReason::TooDeep)?;
    for field in Fields(bytes) {
        *held = match field? {
            (1, Wire::Bytes(bytes)) => Value::Str(text(bytes)?),
            (2, Wire::Varint(flag)) => Value::Bool(flag != 0),
            (3, Wire::Varint(number)) => Value::Int(number.cast_signed()),
            (4, Wire::Fixed64(bits)) => Value::Double(f64::from_bits(bits)),
            (5, Wire::Bytes(bytes)) => {
                let mut items = match std::mem::take(held) {
                    Value::Array(items) => items,
                    _ => Vec::new(),
                };
                for field in Fields(bytes) {
                    if let (1, Wire::Bytes(bytes)) = field? {
                        let mut item = Value::Empty;
                        any_value(bytes, depth, &mut item)?;
                        items.push(item);
                    }
                }
                Value::Array(items)
            }
            (6, Wire::Bytes(bytes)) => {
                let mut map = match std::mem::take(held) {
                    Value::Map(map) => map,
                    _ => Box::default(),
                };
                for field in Fields(bytes) {
                    if let (1, Wire::Bytes(bytes)) = field? {
                        let (key, value) = key_value(bytes, depth)?;
                        map.push(key, value);
                    }
                }
                Value::Map(map)
            }
            // Bytes are read by no dialect; only profiles have the index of a string.
            (7, Wire::Bytes(_)) | (8, Wire::Varint(_)) => Value::Empty,
            _ => continue,
        };
    }
    Ok(())
}

fn text(bytes: &[u8]) -> Field<&str> {
    simdutf8::basic::from_utf8(bytes).map_err(|_| RejectReason::InvalidUtf8)
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            let _ = traces(&bytes, &Limits::default(), &mut |_: &ScopeBatch<'_>| {});
            let _ = logs(&bytes, &Limits::default(), &mut |_: &ScopeBatch<'_>| {});
        }

        /// Whatever prefix of a recording arrives: no panic, and no more spans than the whole has.
        #[test]
        fn a_cut_recording_gives_at_most_its_spans(cut in 0..10_519_usize) {
            let whole = include_bytes!("../../tests/fixtures/openai-agents-otelv2/support-responses/001.pb");
            let cut = cut.min(whole.len());
            let mut spans = 0;
            let counts = traces(&whole[..cut], &Limits::default(), &mut |group: &ScopeBatch<'_>| spans += group.spans.len());
            proptest::prop_assert!(spans <= 40);
            proptest::prop_assert!(counts.is_err() || counts.is_ok_and(|counts| counts.spans == spans as u64));
        }
    }

    #[test]
    fn the_threshold_of_a_sampler_is_read_and_a_broken_one_does_no_harm() {
        use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
        use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
        use prost::Message as _;
        let threshold = |trace_state: &str| {
            let span = Span {
                trace_id: vec![1; 16],
                span_id: vec![1; 8],
                start_time_unix_nano: 1,
                end_time_unix_nano: 2,
                trace_state: trace_state.into(),
                ..Span::default()
            };
            let scope_spans = vec![ScopeSpans {
                spans: vec![span],
                ..ScopeSpans::default()
            }];
            let request = ExportTraceServiceRequest {
                resource_spans: vec![ResourceSpans {
                    scope_spans,
                    ..ResourceSpans::default()
                }],
            };
            let body = request.encode_to_vec();
            let mut thresholds = Vec::new();
            let mut take = |group: &ScopeBatch<'_>| thresholds.push(group.spans[0].threshold);
            traces(&body, &Limits::default(), &mut take).expect("protobuf");
            let id = "01".repeat(8);
            let span = serde_json::json!({"traceId": id.repeat(2), "spanId": id,
                "startTimeUnixNano": 1, "endTimeUnixNano": 2, "traceState": trace_state});
            let json = serde_json::json!({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]});
            let json = json.to_string();
            let same = crate::otlp::json::traces(json.as_bytes(), &Limits::default(), &mut take);
            same.expect("JSON");
            assert_eq!(thresholds[0], thresholds[1]);
            thresholds[0]
        };
        assert_eq!(threshold("ot=th:c"), Threshold::new(0xc0_0000_0000_0000));
        assert_eq!(threshold("a=1,ot=th:zz"), None);
        assert_eq!(threshold(""), None);
    }
}
