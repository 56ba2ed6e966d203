//! The OTLP/protobuf decoder. It borrows from the request and rejects a bad span alone, where a generated decoder would refuse the whole request.

use super::any_value::{any_value, attribute, attributes, text};
use super::context::{DecodeContext, ItemResult, check_count};
use super::fields::{Wire, WireFields};
use super::name_cache::NameCache;
use super::{Counts, Limits, Malformed};
use crate::model::ids::Link;
use crate::model::ids::{SpanId, TraceId};
use crate::model::reject::{RejectReason, Unread};
use crate::model::sampling::Threshold;
use crate::model::time::Timestamp;
use crate::otlp::view::{
    Attributes, Caller, LogRecord, Scope, ScopeBatch, Span, SpanEvent, SpanSink, Status, Value,
};

/// Decodes an `ExportTraceServiceRequest` and hands over its spans, some at a time.
///
/// # Errors
/// When the framing around the spans is broken: nothing of the request can be trusted, nor what was handed over of it.
pub fn traces(body: &[u8], limits: &Limits, sink: &mut dyn SpanSink) -> Result<Counts, Malformed> {
    request(body, limits, sink, |bytes, batch, context| {
        let read = span(bytes, batch.spans.another(blank_span), context);
        read.inspect_err(|_| batch.spans.take_back())
    })
}

/// Decodes an `ExportLogsServiceRequest`.
///
/// # Errors
/// As [`traces`].
pub fn logs(body: &[u8], limits: &Limits, sink: &mut dyn SpanSink) -> Result<Counts, Malformed> {
    request(body, limits, sink, |bytes, batch, context| {
        batch.logs.push(log_record(bytes, context)?);
        Ok(())
    })
}

/// Items of a batch: few enough to stay in the CPU caches until they are read.
const MAX_BATCH_ITEMS: usize = 16;

/// Both requests are drawn alike: `1: resource_x { 1: resource, 2: scope_x { 1: scope, 2: item } }`.
fn request<'a>(
    body: &'a [u8],
    limits: &Limits,
    sink: &mut dyn SpanSink,
    item: impl Fn(&'a [u8], &mut ScopeBatch<'a>, &mut DecodeContext<'_, 'a>) -> ItemResult<()>,
) -> Result<Counts, Malformed> {
    let mut counts = Counts::default();
    let mut batch = ScopeBatch::default();
    let names = &mut NameCache::new();
    let broken = |_| Malformed;
    for field in WireFields(body) {
        let (1, Wire::Bytes(resource_items)) = field.map_err(broken)? else {
            continue;
        };
        batch.resource.clear();
        for field in WireFields(resource_items) {
            if let (1, Wire::Bytes(bytes)) = field.map_err(broken)? {
                // A resource that cannot be read is left out: its spans are not at fault.
                let context = &mut DecodeContext {
                    limits,
                    sink,
                    names,
                    unread: &mut counts.unread,
                };
                if attributes(bytes, &mut batch.resource, context).is_err() {
                    batch.resource.clear();
                    counts.unread.add(Unread::Resource, 1);
                }
            }
        }
        for field in WireFields(resource_items) {
            let (2, Wire::Bytes(scope_items)) = field.map_err(broken)? else {
                continue;
            };
            // The scope may come after its items.
            batch.scope = Scope::default();
            for field in WireFields(scope_items) {
                if let (1, Wire::Bytes(bytes)) = field.map_err(broken)?
                    && scope(bytes, &mut batch.scope).is_err()
                {
                    batch.scope = Scope::default();
                    counts.unread.add(Unread::Scope, 1);
                }
            }
            for field in WireFields(scope_items) {
                if let (2, Wire::Bytes(bytes)) = field.map_err(broken)? {
                    let before = counts.unread;
                    let context = &mut DecodeContext {
                        limits,
                        sink,
                        names,
                        unread: &mut counts.unread,
                    };
                    if let Err(reason) = item(bytes, &mut batch, context) {
                        counts.reject(reason, before);
                    }
                    if batch.spans.len() + batch.logs.len() == MAX_BATCH_ITEMS {
                        counts.hand_over(&mut batch, sink);
                    }
                }
            }
            counts.hand_over(&mut batch, sink);
        }
    }
    Ok(counts)
}

fn scope<'a>(bytes: &'a [u8], scope: &mut Scope<'a>) -> ItemResult<()> {
    for field in WireFields(bytes) {
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
        caller: Caller::default(),
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
) -> ItemResult<()> {
    let limits = context.limits;
    let mut seen = 0;
    let (mut trace, mut id) = (None, None);
    let mut parent: &[u8] = &[];
    let (mut flags, mut kind) = (0, 0);
    span.threshold = None;
    span.name = "";
    (span.start, span.end) = (Timestamp::default(), Timestamp::default());
    (span.status, span.status_message) = (Status::Unset, "");
    span.attributes.clear();
    span.events.clear();
    span.links.clear();
    for field in WireFields(bytes) {
        match field? {
            (1, Wire::Bytes(bytes)) => trace = TraceId::new(bytes),
            (2, Wire::Bytes(bytes)) => id = SpanId::new(bytes),
            (3, Wire::Bytes(bytes)) => {
                let state = std::str::from_utf8(bytes).ok();
                span.threshold = state.and_then(Threshold::of_trace_state);
            }
            (4, Wire::Bytes(bytes)) => parent = bytes,
            (5, Wire::Bytes(bytes)) => span.name = text(bytes)?,
            (6, Wire::Varint(number)) => kind = number,
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
                match link(bytes)? {
                    Some(link) => span.links.push(link),
                    None => context.unread.add(Unread::Link, 1),
                }
            }
            (15, Wire::Bytes(bytes)) => {
                for field in WireFields(bytes) {
                    match field? {
                        (2, Wire::Bytes(bytes)) => span.status_message = text(bytes)?,
                        (3, Wire::Varint(code)) => span.status = status(code),
                        _ => {}
                    }
                }
            }
            (16, Wire::Fixed32(bits)) => flags = bits,
            (1 | 2 | 4 | 5 | 7 | 8 | 9 | 11 | 13 | 15, _) => return Err(RejectReason::Malformed),
            _ => {}
        }
    }
    span.trace = trace.ok_or(RejectReason::InvalidId)?;
    span.id = id.ok_or(RejectReason::InvalidId)?;
    span.parent = SpanId::new(parent);
    span.caller = Caller::of(flags.into(), kind);
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

fn event<'a>(bytes: &'a [u8], context: &mut DecodeContext<'_, 'a>) -> ItemResult<SpanEvent<'a>> {
    let mut seen = 0;
    let mut event = SpanEvent {
        name: "",
        time: Timestamp::default(),
        attributes: Attributes::default(),
    };
    for field in WireFields(bytes) {
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
fn link(bytes: &[u8]) -> ItemResult<Option<Link>> {
    let (mut trace, mut span) = (None, None);
    for field in WireFields(bytes) {
        match field? {
            (1, Wire::Bytes(bytes)) => trace = TraceId::new(bytes),
            (2, Wire::Bytes(bytes)) => span = SpanId::new(bytes),
            _ => {}
        }
    }
    Ok(trace.zip(span).map(|(trace, span)| Link { trace, span }))
}

fn log_record<'a>(
    bytes: &'a [u8],
    context: &mut DecodeContext<'_, 'a>,
) -> ItemResult<LogRecord<'a>> {
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
    for field in WireFields(bytes) {
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
            let counts = traces(&whole[..cut], &Limits::default(), &mut |batch: &ScopeBatch<'_>| spans += batch.spans.len());
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
            let mut sink = |batch: &ScopeBatch<'_>| thresholds.push(batch.spans[0].threshold);
            traces(&body, &Limits::default(), &mut sink).expect("protobuf");
            let id = "01".repeat(8);
            let span = serde_json::json!({"traceId": id.repeat(2), "spanId": id,
                "startTimeUnixNano": 1, "endTimeUnixNano": 2, "traceState": trace_state});
            let json = serde_json::json!({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]});
            let json = json.to_string();
            let same = crate::otlp::json::traces(json.as_bytes(), &Limits::default(), &mut sink);
            same.expect("JSON");
            assert_eq!(thresholds[0], thresholds[1]);
            thresholds[0]
        };
        assert_eq!(threshold("ot=th:c"), Threshold::new(0xc0_0000_0000_0000));
        assert_eq!(threshold("a=1,ot=th:zz"), None);
        assert_eq!(threshold(""), None);
    }
}
