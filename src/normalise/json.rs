//! JSON inside attributes, read only where a dialect needs it.

use super::python;
use serde_json::Value;

/// Texts beyond this are not parsed: what figures need is small.
const MAX_LENGTH: usize = 4 << 20;

/// Whether a text may be JSON that is looked into.
pub(super) fn may_be(text: &str) -> bool {
    let first = text.trim_start().as_bytes().first();
    first.is_some_and(|first| matches!(first, b'{' | b'[' | b'"')) && text.len() <= MAX_LENGTH
}

/// The value, if the text looks like JSON and is, or is an object that Python printed.
pub(super) fn parse(text: &str) -> Option<Value> {
    let read = || serde_json::from_str(text).ok();
    may_be(text).then(|| read().or_else(|| printed(text)))?
}

/// An object with texts in Python's quotes.
fn printed(text: &str) -> Option<Value> {
    let inner = text.trim_start().trim_start_matches(['{', '[']);
    let is = inner.starts_with('\'') || inner.starts_with('"') && text.contains('\'');
    is.then(|| python::parse(text)).flatten()
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
    keys.iter()
        .find_map(|key| value.get(*key)?.as_str().filter(|text| !text.is_empty()))
}
