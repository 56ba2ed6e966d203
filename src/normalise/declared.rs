//! What a value declares, however an SDK wraps it: as it is, as JSON (`"gold"` in its quotes), as a list of one, inside an object.

use super::interner::trimmed;
use super::{json, topics};
use crate::otlp::view::{Attributes, Value};
use serde_json::Value as Json;
use std::borrow::Cow;

/// What programs write where they have no value, in lower case.
pub(super) const PLACEHOLDERS: &[&str] = &[
    "undefined",
    "null",
    "none",
    "nil",
    "nan",
    "n/a",
    "unknown",
    "(null)",
    "<nil>",
    "[object object]",
    "#n/a",
    "not set",
    "(not set)",
    "unset",
    "<unset>",
    "-",
    "--",
];
/// How Logfire's scrubber begins what it writes in place of a value.
const SCRUBBED: &str = "[Scrubbed due to";

/// Objects inside objects are looked into up to this depth.
const MAX_DEPTH: usize = 3;

/// The text of an attribute, without the quotes of JSON; `None`: it says nothing.
pub(super) fn of_value<'t>(value: &'t Value<'_>) -> Option<Cow<'t, str>> {
    match value {
        Value::Str(text) => of_text(text),
        Value::Bool(flag) => Some(flag.to_string().into()),
        Value::Int(number) => Some(number.to_string().into()),
        Value::Double(number) => Some(of_number(*number)?.into()),
        Value::Array(items) => match items.as_slice() {
            [item @ (Value::Str(_) | Value::Int(_) | Value::Double(_))] => of_value(item),
            _ => None,
        },
        Value::Empty | Value::Map(_) => None,
    }
}

/// The text of an id: zeros alone are none.
pub(super) fn id_of_value<'t>(value: &'t Value<'_>) -> Option<Cow<'t, str>> {
    match value {
        Value::Bool(_) => None,
        value => of_value(value).filter(|text| is_id(text)),
    }
}

/// As [`of_value`], of a value in JSON.
pub(super) fn of_json(value: &Json) -> Option<Cow<'_, str>> {
    match value {
        Json::String(text) => of_text(text),
        value => of_scalar(value),
    }
}

/// As [`id_of_value`], of a value in JSON.
pub(super) fn id_of_json(value: &Json) -> Option<Cow<'_, str>> {
    match value {
        Json::Bool(_) => None,
        value => of_json(value).filter(|text| is_id(text)),
    }
}

/// A text, or what the JSON in it says: SDKs that write metadata as JSON put quotes around it, once.
pub(super) fn of_text(text: &str) -> Option<Cow<'_, str>> {
    let text = unquoted(trimmed(text));
    says(&text).then_some(text)
}

/// A text without the quotes of JSON around it (S-10).
pub(super) fn unquoted(text: &str) -> Cow<'_, str> {
    if !text.starts_with(['"', '[']) {
        return Cow::Borrowed(text);
    }
    match json::parse(text) {
        Some(Json::String(text)) => Cow::Owned(text),
        Some(value @ Json::Array(_)) => match of_scalar(&value) {
            Some(text) => Cow::Owned(text.into_owned()),
            // Of several nobody knows which is meant.
            None => Cow::Borrowed(""),
        },
        _ => Cow::Borrowed(text),
    }
}

fn of_scalar(value: &Json) -> Option<Cow<'_, str>> {
    match value {
        Json::String(text) => says(text).then_some(Cow::Borrowed(text)),
        Json::Bool(flag) => Some(flag.to_string().into()),
        Json::Number(number) if number.is_f64() => Some(of_number(number.as_f64()?)?.into()),
        Json::Number(number) => Some(number.to_string().into()),
        Json::Array(items) => match items.as_slice() {
            [item @ (Json::String(_) | Json::Number(_))] => of_scalar(item),
            _ => None,
        },
        Json::Null | Json::Object(_) => None,
    }
}

/// A number as people write it: a whole one has no point, whatever it was sent as.
fn of_number(number: f64) -> Option<String> {
    number.is_finite().then(|| number.to_string())
}

/// Whether a text stands for a value that is not there (S-6).
pub(super) fn is_placeholder(text: &str) -> bool {
    !says(text)
}

/// Whether a text is a value at all (S-6).
pub(super) fn says(text: &str) -> bool {
    let text = trimmed(text);
    let is = |placeholder: &&str| text.eq_ignore_ascii_case(placeholder);
    !text.is_empty() && !PLACEHOLDERS.iter().any(is) && !text.starts_with(SCRUBBED)
}

/// Whether a text, without quotes around it, is an id (S-6).
pub(super) fn is_named(text: &str) -> bool {
    says(text) && is_id(text)
}

/// Zeros, as in an empty UUID, stand for no id.
pub(super) fn is_id(text: &str) -> bool {
    text.bytes().any(|b| !matches!(b, b'0' | b'-'))
}

/// The objects of metadata that a span carries.
pub(super) fn metadata(attributes: &Attributes<'_>) -> Vec<Json> {
    let values = topics::METADATA
        .iter()
        .filter_map(|key| attributes.get(*key));
    values.filter_map(object).collect()
}

/// The object in an attribute, be it one, the JSON of one, or that JSON as a text of JSON.
pub(super) fn object(value: &Value<'_>) -> Option<Json> {
    let value = match value {
        Value::Str(text) => json::unwrap(&json::parse(text)?),
        Value::Map(_) => structured(value, 0),
        _ => return None,
    };
    value.is_object().then_some(value)
}

/// A structured value as JSON, as deep as it is looked into.
fn structured(value: &Value<'_>, depth: usize) -> Json {
    match value {
        Value::Map(map) if depth < MAX_DEPTH => {
            let members = map.iter();
            let members =
                members.map(|(name, value)| (name.to_owned(), structured(value, depth + 1)));
            Json::Object(members.collect())
        }
        value => of_value(value).map_or(Json::Null, |text| Json::String(text.into_owned())),
    }
}

/// The values in metadata, each with its path: `{"user": {"tier": "gold"}}` has `user.tier`.
pub(super) fn entries(metadata: &[Json]) -> Vec<(Cow<'_, str>, &Json)> {
    let mut entries = Vec::new();
    for object in metadata {
        collect("", object, 0, &mut entries);
    }
    entries
}

fn collect<'m>(
    path: &str,
    object: &'m Json,
    depth: usize,
    entries: &mut Vec<(Cow<'m, str>, &'m Json)>,
) {
    for (name, value) in object.as_object().into_iter().flatten() {
        let path = match path {
            "" => Cow::Borrowed(name.as_str()),
            path => Cow::Owned(format!("{path}.{name}")),
        };
        match value {
            Json::Object(_) if depth + 1 < MAX_DEPTH => collect(&path, value, depth + 1, entries),
            value => entries.push((path, value)),
        }
    }
}
