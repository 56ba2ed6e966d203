//! OTLP/JSON into the same groups as protobuf. Each span is read by itself, so that a bad one is rejected alone.

use super::context::{DecodeContext, ItemResult, check_count, push_asked};
use super::name_cache::{Lookup, NameCache};
use super::{Counts, Limits, Malformed};
use crate::model::ids::Link;
use crate::model::ids::{SpanId, TraceId};
use crate::model::reject::{RejectReason, Unread};
use crate::model::sampling::Threshold;
use crate::model::time::Timestamp;
use crate::otlp::view::{
    Attributes, Caller, LogRecord, Scope, ScopeBatch, Span, SpanEvent, SpanSink, Status, Value,
};
use serde_json::{Map, Value as Json};

type Object = Map<String, Json>;

/// Decodes an `ExportTraceServiceRequest` in JSON and hands over its spans, a scope at a time.
///
/// # Errors
/// When the body is not a JSON object, or what stands around the spans has the wrong shape: what was handed over does not count.
pub fn traces(body: &[u8], limits: &Limits, sink: &mut dyn SpanSink) -> Result<Counts, Malformed> {
    let names = ["resourceSpans", "scopeSpans", "spans"];
    request(body, names, limits, sink, |object, batch, context| {
        batch.spans.push(span(object, context)?);
        Ok(())
    })
}

/// Decodes an `ExportLogsServiceRequest` in JSON.
///
/// # Errors
/// As [`traces`].
pub fn logs(body: &[u8], limits: &Limits, sink: &mut dyn SpanSink) -> Result<Counts, Malformed> {
    let names = ["resourceLogs", "scopeLogs", "logRecords"];
    request(body, names, limits, sink, |object, batch, context| {
        batch.logs.push(log_record(object, context)?);
        Ok(())
    })
}

/// Both requests are drawn alike: lists of these names, one in the other.
fn request(
    body: &[u8],
    [resources, scopes, items]: [&str; 3],
    limits: &Limits,
    sink: &mut dyn SpanSink,
    item: impl for<'o> Fn(&'o Object, &mut ScopeBatch<'o>, &mut DecodeContext<'_, 'o>) -> ItemResult<()>,
) -> Result<Counts, Malformed> {
    // serde_json refuses more than 128 levels, so no body can exhaust the stack.
    let root: Json = serde_json::from_slice(body).map_err(|_| Malformed)?;
    let root = root.as_object().ok_or(Malformed)?;
    let mut counts = Counts::default();
    let mut batch = ScopeBatch::default();
    let names = &mut NameCache::new();
    for resource_items in list(root, resources)? {
        let resource_items = resource_items.as_object().ok_or(Malformed)?;
        let context = &mut DecodeContext {
            limits,
            sink,
            names,
            unread: &mut counts.unread,
        };
        // A resource that cannot be read is left out: its spans are not at fault.
        let resource = get(resource_items, "resource").map(|held| {
            let object = held.as_object().ok_or(RejectReason::Malformed);
            object.and_then(|object| attributes(object, context))
        });
        batch.resource = resource
            .unwrap_or_else(|| Ok(Attributes::default()))
            .unwrap_or_else(|_| {
                counts.unread.add(Unread::Resource, 1);
                Attributes::default()
            });
        for scope_items in list(resource_items, scopes)? {
            let scope_items = scope_items.as_object().ok_or(Malformed)?;
            batch.scope = scope(scope_items).unwrap_or_else(|_| {
                counts.unread.add(Unread::Scope, 1);
                Scope::default()
            });
            for object in list(scope_items, items)? {
                let before = counts.unread;
                let context = &mut DecodeContext {
                    limits,
                    sink,
                    names,
                    unread: &mut counts.unread,
                };
                let object = object.as_object().ok_or(RejectReason::Malformed);
                let read = object.and_then(|object| item(object, &mut batch, context));
                if let Err(reason) = read {
                    counts.reject(reason, before);
                }
            }
            counts.hand_over(&mut batch, sink);
        }
    }
    Ok(counts)
}

/// A field by its camelCase name or, as protobuf's JSON allows, its snake_case one.
fn get<'o>(object: &'o Object, camel: &str) -> Option<&'o Json> {
    object
        .get(camel)
        .or_else(|| {
            let mut snake = String::with_capacity(camel.len() + 4);
            for c in camel.chars() {
                if c.is_ascii_uppercase() {
                    snake.push('_');
                }
                snake.push(c.to_ascii_lowercase());
            }
            object.get(&snake)
        })
        .filter(|value| !value.is_null())
}

fn list<'o>(object: &'o Object, key: &str) -> Result<&'o [Json], Malformed> {
    match get(object, key) {
        None => Ok(&[]),
        Some(Json::Array(items)) => Ok(items),
        Some(_) => Err(Malformed),
    }
}

fn items<'o>(object: &'o Object, key: &str) -> ItemResult<&'o [Json]> {
    list(object, key).map_err(|_| RejectReason::Malformed)
}

fn text<'o>(object: &'o Object, key: &str) -> ItemResult<&'o str> {
    match get(object, key) {
        None => Ok(""),
        Some(Json::String(text)) => Ok(text),
        Some(_) => Err(RejectReason::Malformed),
    }
}

/// 64-bit numbers are strings in protobuf's JSON; numbers are taken too.
fn nanos(object: &Object, key: &str) -> ItemResult<Timestamp> {
    match get(object, key) {
        None => Ok(Timestamp::default()),
        Some(Json::String(text)) => text
            .parse()
            .map(Timestamp)
            .map_err(|_| RejectReason::InvalidTime),
        Some(Json::Number(number)) => number
            .as_u64()
            .or_else(|| {
                number
                    .as_f64()
                    .filter(|n| *n >= 0.0 && *n < 1.8e19)
                    .map(|n| n as u64)
            })
            .map(Timestamp)
            .ok_or(RejectReason::InvalidTime),
        Some(_) => Err(RejectReason::InvalidTime),
    }
}

/// An id as hexadecimal text. `Ok(None)`: absent or empty.
fn id<T>(object: &Object, key: &str, read: impl Fn(&str) -> Option<T>) -> ItemResult<Option<T>> {
    match get(object, key) {
        None => Ok(None),
        Some(Json::String(text)) if text.is_empty() || text.bytes().all(|b| b == b'0') => Ok(None),
        Some(Json::String(text)) => read(text).map(Some).ok_or(RejectReason::InvalidId),
        // An id as a number has lost digits already.
        Some(_) => Err(RejectReason::InvalidId),
    }
}

fn scope(object: &Object) -> ItemResult<Scope<'_>> {
    let Some(scope) = get(object, "scope") else {
        return Ok(Scope::default());
    };
    let scope = scope.as_object().ok_or(RejectReason::Malformed)?;
    Ok(Scope {
        name: text(scope, "name")?,
        version: text(scope, "version")?,
    })
}

/// Of several faults the first one is told, in the order in which protobuf has the fields and the checks behind them.
fn span<'o>(object: &'o Object, context: &mut DecodeContext<'_, 'o>) -> ItemResult<Span<'o>> {
    let status = get(object, "status").and_then(Json::as_object);
    let attributes = attributes(object, context)?;
    let events = events(object, context)?;
    let links = links(object, context)?;
    let span = Span {
        trace: id(object, "traceId", TraceId::from_hex)?.ok_or(RejectReason::InvalidId)?,
        id: id(object, "spanId", SpanId::from_hex)?.ok_or(RejectReason::InvalidId)?,
        parent: id(object, "parentSpanId", SpanId::from_hex)?,
        threshold: threshold(object),
        caller: caller(object),
        name: text(object, "name")?,
        start: nanos(object, "startTimeUnixNano")?,
        end: nanos(object, "endTimeUnixNano")?,
        status: status.map(status_code).unwrap_or_default(),
        status_message: status.map_or(Ok(""), |status| text(status, "message"))?,
        attributes,
        events,
        links,
    };
    super::check_times(span.start, span.end)?;
    Ok(span)
}

/// A trace state of another form says nothing.
fn threshold(object: &Object) -> Option<Threshold> {
    let state = object
        .get("traceState")
        .or_else(|| object.get("trace_state"));
    Threshold::of_trace_state(state?.as_str()?)
}

fn caller(object: &Object) -> Caller {
    let number = |key| get(object, key).and_then(Json::as_u64).unwrap_or_default();
    let kind = match get(object, "kind").and_then(Json::as_str) {
        Some("SPAN_KIND_SERVER") => 2,
        Some("SPAN_KIND_CONSUMER") => 5,
        _ => number("kind"),
    };
    Caller::of(number("flags"), kind)
}

fn status_code(status: &Object) -> Status {
    match get(status, "code") {
        Some(Json::Number(code)) if code.as_u64() == Some(1) => Status::Ok,
        Some(Json::Number(code)) if code.as_u64() == Some(2) => Status::Error,
        Some(Json::String(code)) if code == "STATUS_CODE_OK" => Status::Ok,
        Some(Json::String(code)) if code == "STATUS_CODE_ERROR" => Status::Error,
        _ => Status::Unset,
    }
}

fn events<'o>(
    object: &'o Object,
    context: &mut DecodeContext<'_, 'o>,
) -> ItemResult<Vec<SpanEvent<'o>>> {
    let mut events = Vec::new();
    for json in items(object, "events")? {
        check_count(events.len(), context.limits)?;
        let object = json.as_object().ok_or(RejectReason::Malformed)?;
        events.push(SpanEvent {
            name: text(object, "name")?,
            time: nanos(object, "timeUnixNano")?,
            attributes: attributes(object, context)?,
        });
    }
    Ok(events)
}

fn links(object: &Object, context: &mut DecodeContext<'_, '_>) -> ItemResult<Vec<Link>> {
    let mut links = Vec::new();
    for json in items(object, "links")? {
        check_count(links.len(), context.limits)?;
        match link(json) {
            Some(link) => links.push(link),
            None => context.unread.add(Unread::Link, 1),
        }
    }
    Ok(links)
}

/// A link without valid ids links to nothing.
fn link(json: &Json) -> Option<Link> {
    let object = json.as_object()?;
    let trace = id(object, "traceId", TraceId::from_hex).ok()??;
    let span = id(object, "spanId", SpanId::from_hex).ok()??;
    Some(Link { trace, span })
}

/// Ids that are none are left out: a log record needs none.
fn log_record<'o>(
    object: &'o Object,
    context: &mut DecodeContext<'_, 'o>,
) -> ItemResult<LogRecord<'o>> {
    let depth = context.limits.max_depth;
    let mut log = LogRecord {
        event_name: text(object, "eventName")?,
        time: nanos(object, "timeUnixNano")?,
        trace: id(object, "traceId", TraceId::from_hex).unwrap_or_default(),
        span: id(object, "spanId", SpanId::from_hex).unwrap_or_default(),
        body: get(object, "body").map_or(Ok(Value::Empty), |body| value(body, depth))?,
        attributes: attributes(object, context)?,
    };
    super::complete_log(&mut log, nanos(object, "observedTimeUnixNano")?);
    Ok(log)
}

/// The attributes that are asked for; the others are counted and passed over.
fn attributes<'o>(
    object: &'o Object,
    context: &mut DecodeContext<'_, 'o>,
) -> ItemResult<Attributes<'o>> {
    let mut attributes = Attributes::default();
    for (seen, pair) in items(object, "attributes")?.iter().enumerate() {
        check_count(seen, context.limits)?;
        let object = pair.as_object().ok_or(RejectReason::Malformed)?;
        // A name of another type is none that is asked for.
        let name = get(object, "key").and_then(Json::as_str);
        let lookup = context.look_up(name.unwrap_or_default().as_bytes());
        if lookup != Lookup::Unasked {
            let depth = context.limits.max_depth;
            let held = get(object, "value").map_or(Ok(Value::Empty), |held| value(held, depth))?;
            push_asked(&mut attributes, lookup, held)?;
        }
    }
    Ok(attributes)
}

/// An entry of a map.
fn key_value(json: &Json, depth: usize) -> ItemResult<(&str, Value<'_>)> {
    let object = json.as_object().ok_or(RejectReason::Malformed)?;
    let held = get(object, "value").map_or(Ok(Value::Empty), |held| value(held, depth))?;
    Ok((text(object, "key")?, held))
}

/// An `AnyValue`; `depth` is how many more levels it may have.
fn value(json: &Json, depth: usize) -> ItemResult<Value<'_>> {
    let depth = depth.checked_sub(1).ok_or(RejectReason::TooDeep)?;
    let object = json.as_object().ok_or(RejectReason::Malformed)?;
    let inner = |key: &str| -> ItemResult<&[Json]> {
        let held = get(object, key)
            .and_then(Json::as_object)
            .ok_or(RejectReason::Malformed)?;
        list(held, "values").map_err(|_| RejectReason::Malformed)
    };
    let has = |key: &str| get(object, key).is_some();
    let malformed = || RejectReason::Malformed;
    if has("stringValue") {
        text(object, "stringValue").map(Value::Str)
    } else if let Some(held) = get(object, "boolValue") {
        held.as_bool().map(Value::Bool).ok_or_else(malformed)
    } else if let Some(held) = get(object, "intValue") {
        let number = held.as_i64().or_else(|| held.as_str()?.parse().ok());
        number.map(Value::Int).ok_or_else(malformed)
    } else if let Some(held) = get(object, "doubleValue") {
        // "NaN" and "Infinity" are strings in protobuf's JSON.
        let number = held.as_f64().or_else(|| held.as_str()?.parse().ok());
        number.map(Value::Double).ok_or_else(malformed)
    } else if has("arrayValue") {
        let items = inner("arrayValue")?.iter().map(|item| value(item, depth));
        items.collect::<ItemResult<_>>().map(Value::Array)
    } else if has("kvlistValue") {
        let pairs = inner("kvlistValue")?
            .iter()
            .map(|pair| key_value(pair, depth));
        pairs
            .collect::<ItemResult<_>>()
            .map(|map| Value::Map(Box::new(map)))
    } else {
        // Bytes are read by no dialect; their content is left out.
        Ok(Value::Empty)
    }
}
