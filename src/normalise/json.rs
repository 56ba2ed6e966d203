//! JSON inside attributes, read only where a dialect needs it.

use super::python;
use crate::otlp::view::Value as Attribute;
use serde_json::Value;

/// Texts beyond this are not parsed: what figures need is small.
const MAX_LENGTH: usize = 4 << 20;

/// Whether a text may be JSON that is looked into.
pub(super) fn may_be(text: &str) -> bool {
    let first = text.trim_start().as_bytes().first();
    first.is_some_and(|first| matches!(first, b'{' | b'[' | b'"')) && text.len() <= MAX_LENGTH
}

/// The value, if the text looks like JSON and is, or is what Python printed in its place (C-11).
pub(super) fn parse(text: &str) -> Option<Value> {
    let read = || serde_json::from_str(text).ok();
    may_be(text).then(|| read().or_else(|| python::printed(text)))?
}

/// What an attribute holds, be it structured or a text of it (C-11).
pub(super) fn of_attribute(value: &Attribute<'_>) -> Option<Value> {
    match value {
        Attribute::Str(text) => parse(text),
        Attribute::Array(_) | Attribute::Map(_) => Some(structured(value)),
        _ => None,
    }
}

/// The value as JSON. Its depth is what the receiver lets in.
pub(super) fn structured(value: &Attribute<'_>) -> Value {
    match value {
        Attribute::Str(text) => Value::from(*text),
        Attribute::Bool(flag) => Value::from(*flag),
        Attribute::Int(number) => Value::from(*number),
        Attribute::Double(number) => Value::from(*number),
        Attribute::Array(items) => items.iter().map(structured).collect(),
        Attribute::Map(map) => map
            .iter()
            .map(|(key, value)| (key.to_owned(), structured(value)))
            .collect(),
        Attribute::Empty => Value::Null,
    }
}

/// A JSON value that may be wrapped once more as a string.
pub(super) fn unwrap(value: &Value) -> Value {
    match value {
        Value::String(text) => parse(text).unwrap_or_else(|| value.clone()),
        _ => value.clone(),
    }
}

/// The first of `keys` with text.
pub(super) fn first_str<'v>(value: &'v Value, keys: &[&str]) -> Option<&'v str> {
    let text = |value: &'v Value| match value {
        // Several are no answer to the question which one.
        Value::Array(items) if items.len() == 1 => items[0].as_str(),
        value => value.as_str(),
    };
    keys.iter()
        .find_map(|key| text(value.get(*key)?).filter(|text| !text.is_empty()))
}
