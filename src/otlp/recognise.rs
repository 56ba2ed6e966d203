//! Recognises the signal of recorded requests by their content, for files that come without a content type.

use super::fields::{Wire, WireFields};
use serde_json::Value;

/// What a recorded request carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordedSignal {
    Traces,
    Logs,
    Metrics,
    /// A request without items, of any signal.
    Nothing,
}

/// The signal of an OTLP export request in protobuf.
///
/// # Errors
/// The number of the first byte that is not part of one.
pub fn protobuf(body: &[u8]) -> Result<RecordedSignal, usize> {
    let mut content = RecordedSignal::Nothing;
    // A request has one field, its list of resources.
    walk(body, body, &mut |number, resource| {
        if number != 1 {
            return Err(offset(body, resource));
        }
        walk(body, resource, &mut |number, scope| {
            if number != 2 {
                return Ok(());
            }
            walk(body, scope, &mut |number, item| {
                if number == 2 && content == RecordedSignal::Nothing {
                    content = signal(item);
                }
                Ok(())
            })
        })
    })?;
    Ok(content)
}

/// Shows each field of a message that has a length. Others may stand in it, but not around resources.
fn walk<'a>(
    body: &[u8],
    message: &'a [u8],
    visit: &mut dyn FnMut(u32, &'a [u8]) -> Result<(), usize>,
) -> Result<(), usize> {
    let mut fields = WireFields(message);
    loop {
        let at = offset(body, fields.0);
        match fields.next() {
            None => return Ok(()),
            Some(Err(_)) => return Err(at),
            Some(Ok((number, Wire::Bytes(bytes)))) => visit(number, bytes)?,
            Some(Ok(_)) if message.len() == body.len() => return Err(at),
            Some(Ok(_)) => {}
        }
    }
}

/// Where a part of a body begins.
fn offset(body: &[u8], part: &[u8]) -> usize {
    (part.as_ptr() as usize).saturating_sub(body.as_ptr() as usize)
}

/// What an item is: the three signals give their fields different types.
fn signal(item: &[u8]) -> RecordedSignal {
    for field in WireFields(item) {
        match field {
            // Start and end of a span.
            Ok((7 | 8, Wire::Fixed64(_))) => return RecordedSignal::Traces,
            // The times of a log record, its severity, its trace and its name.
            Ok((1 | 11, Wire::Fixed64(_)) | (2, Wire::Varint(_)) | (9 | 12, Wire::Bytes(_)))
                if !is_metric(item) =>
            {
                return RecordedSignal::Logs;
            }
            // The ids of a span.
            Ok((1, Wire::Bytes(id))) if id.len() == 16 && has_span_id(item) => {
                return RecordedSignal::Traces;
            }
            Ok((1, Wire::Bytes(_))) => return RecordedSignal::Metrics,
            Ok(_) => {}
            Err(_) => break,
        }
    }
    // A span that cannot be read is rejected, with its reason.
    RecordedSignal::Traces
}

fn has_span_id(item: &[u8]) -> bool {
    WireFields(item).any(|field| matches!(field, Ok((2, Wire::Bytes(id))) if id.len() == 8))
}

fn is_metric(item: &[u8]) -> bool {
    WireFields(item).any(|field| matches!(field, Ok((1, Wire::Bytes(_)))))
}

/// The names of the lists of a request in JSON, one in the other; protobuf's JSON allows both ways to write them.
type Names = [(&'static str, &'static str); 3];

const LISTS: [(RecordedSignal, Names); 3] = [
    (
        RecordedSignal::Traces,
        [
            ("resourceSpans", "resource_spans"),
            ("scopeSpans", "scope_spans"),
            ("spans", "spans"),
        ],
    ),
    (
        RecordedSignal::Logs,
        [
            ("resourceLogs", "resource_logs"),
            ("scopeLogs", "scope_logs"),
            ("logRecords", "log_records"),
        ],
    ),
    (
        RecordedSignal::Metrics,
        [
            ("resourceMetrics", "resource_metrics"),
            ("scopeMetrics", "scope_metrics"),
            ("metrics", "metrics"),
        ],
    ),
];

/// The signals of an OTLP export request in JSON.
///
/// # Errors
/// What the value is instead, and what OTLP has there.
pub fn json(request: &Value) -> Result<Vec<RecordedSignal>, String> {
    if !request.is_object() {
        return Err(not_an_object(request));
    }
    let mut found = Vec::new();
    for (content, names) in LISTS {
        let (camel, snake) = names[0];
        if request.get(camel).or(request.get(snake)).is_some() {
            shape(request, &names, "")?;
            found.push(content);
        }
    }
    if found.is_empty() {
        return Err(of_other_keys(request));
    }
    Ok(found)
}

/// Checks the lists of an object, one in the other.
fn shape(object: &Value, names: &[(&str, &str)], path: &str) -> Result<(), String> {
    let Some(((camel, snake), inner)) = names.split_first() else {
        return Ok(());
    };
    let name = if object.get(camel).is_some() {
        camel
    } else {
        snake
    };
    let items = match &object[*name] {
        Value::Null => return Ok(()),
        Value::Array(items) => items,
        other => {
            return Err(format!(
                "{path}{name} is {}, and OTLP has a list there",
                kind(other)
            ));
        }
    };
    // A span that is no object is rejected, with its reason.
    for (number, item) in items.iter().enumerate().filter(|_| !inner.is_empty()) {
        if !item.is_object() {
            return Err(format!(
                "{path}{name}[{number}] is {}, and OTLP has an object there",
                kind(item)
            ));
        }
        shape(item, inner, &format!("{path}{name}[{number}]."))?;
    }
    Ok(())
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn not_an_object(value: &Value) -> String {
    let first = value.get(0).unwrap_or(&Value::Null);
    let hint = if first.get("traceId").is_some() && first.get("id").is_some() {
        ": these look like Zipkin spans"
    } else if first.get("context").is_some() || first.get("spanId").is_some() {
        ": these look like spans without the request around them"
    } else {
        ""
    };
    format!(
        "{} instead of an object with resourceSpans or resourceLogs{hint}",
        kind(value)
    )
}

/// Keys of an unknown object that a message repeats.
const MAX_KEYS_SHOWN: usize = 5;

fn of_other_keys(object: &Value) -> String {
    let none = serde_json::Map::new();
    let keys = object.as_object().unwrap_or(&none);
    if keys.is_empty() {
        return "an empty object, without resourceSpans or resourceLogs".into();
    }
    let has = |key: &str| keys.contains_key(key);
    let hint = if has("data") || has("traceID") {
        "; this looks like Jaeger's JSON"
    } else if has("scopeSpans") || has("scopeLogs") || has("spans") {
        "; this looks like a part of a request, without resourceSpans around it"
    } else if has("context") || has("traceId") || has("trace_id") {
        "; this looks like a span of a console exporter, which is not OTLP"
    } else {
        ""
    };
    // As text in quotes: a key may hold anything.
    let shown: Vec<String> = keys
        .keys()
        .take(MAX_KEYS_SHOWN)
        .map(|key| format!("{key:?}"))
        .collect();
    let more = if keys.len() > MAX_KEYS_SHOWN {
        ", …"
    } else {
        ""
    };
    format!(
        "an object with the keys {}{more}, without resourceSpans or resourceLogs{hint}",
        shown.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fixture(path: &str) -> Vec<u8> {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
        std::fs::read(root.join(path)).expect("recorded")
    }

    #[test]
    fn recordings_are_told_apart_by_what_is_in_them() {
        let folder = "otel-genai-semconv/support-manual";
        let traces = fixture(&format!("{folder}/001.pb"));
        let logs = fixture(&format!("{folder}/logs-001.pb"));
        assert_eq!(protobuf(&traces), Ok(RecordedSignal::Traces));
        assert_eq!(protobuf(&logs), Ok(RecordedSignal::Logs));
        assert_eq!(protobuf(b""), Ok(RecordedSignal::Nothing));
        assert_eq!(protobuf(b"\x0a\x00"), Ok(RecordedSignal::Nothing));
        // A metric: a name, and a gauge.
        assert_eq!(
            protobuf(b"\x0a\x09\x12\x07\x12\x05\x0a\x01m\x2a\x00"),
            Ok(RecordedSignal::Metrics)
        );
    }

    #[test]
    fn what_is_none_says_where() {
        let traces = fixture("otel-genai-semconv/support-manual/001.pb");
        assert_eq!(protobuf(b"hello"), Err(0));
        assert_eq!(protobuf(b"hi"), Err(0), "a text that is a field by chance");
        let mut two = traces.clone();
        two.extend(b"\x0a\x05ab");
        assert_eq!(protobuf(&two), Err(traces.len()));
        assert_eq!(
            protobuf(&traces[..traces.len() - 1]),
            Err(0),
            "it says how long it is"
        );
    }

    #[test]
    fn json_of_another_shape_is_named() {
        for (value, expected) in [
            (json!({}), "an empty object"),
            (json!([]), "a list instead of an object"),
            (json!([{"traceId": "1", "id": "2"}]), "Zipkin"),
            (json!({"data": []}), "Jaeger"),
            (json!({"scopeSpans": []}), "a part of a request"),
            (json!({"name": "x", "context": {}}), "console exporter"),
            (json!(7), "a number instead"),
            (
                json!({"resourceSpans": {}}),
                "resourceSpans is an object, and OTLP has a list there",
            ),
            (
                json!({"resourceSpans": [7]}),
                "resourceSpans[0] is a number",
            ),
            (
                json!({"resource_spans": [{"scopeSpans": [{}, {"spans": 1}]}]}),
                "resource_spans[0].scopeSpans[1].spans is a number",
            ),
            (
                json!({"a": 1, "b": 1, "c": 1, "d": 1, "e": 1, "f\u{1b}": 1}),
                "\"a\", \"b\", \"c\", \"d\", \"e\", …",
            ),
        ] {
            let told = json(&value).expect_err("none");
            assert!(told.contains(expected), "{value}: {told}");
        }
        let both =
            json!({"resourceLogs": null, "resourceSpans": [{"scopeSpans": [{"spans": []}]}]});
        assert_eq!(
            json(&both),
            Ok(vec![RecordedSignal::Traces, RecordedSignal::Logs])
        );
    }

    proptest::proptest! {
        /// What the decoder takes with at least one item is recognised, and no bytes make it panic.
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            if let Err(at) = protobuf(&bytes) {
                proptest::prop_assert!(at <= bytes.len());
            }
        }
    }
}
