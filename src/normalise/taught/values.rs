//! Spans as values of CEL, and values of CEL as what an attribute may hold.

use super::names::{PARSED, TaughtNames};
use super::parts::SpanParts;
use super::settings::Field;
use crate::expression;
use crate::otlp::view::{Status, Value};
use cel::objects::Key;
use cel::{Context, Value as CelValue};
use serde_json::Value as Json;
use std::collections::HashMap;
use std::sync::Arc;

/// What an expression yields.
#[derive(Clone, Debug)]
pub(in crate::normalise) struct TaughtValue(pub(super) CelValue);

impl TaughtValue {
    /// Whether it says nothing: emitters write empty texts where they have no value.
    pub(in crate::normalise) fn is_nothing(&self) -> bool {
        match &self.0 {
            CelValue::Null => true,
            CelValue::String(text) => text.trim().is_empty(),
            _ => false,
        }
    }

    /// As an attribute would hold it. Maps and bytes are not what a figure is made of.
    pub(in crate::normalise) fn plain(&self) -> Option<Value<'_>> {
        plain(&self.0)
    }

    /// As JSON.
    pub(in crate::normalise) fn json(&self) -> Json {
        to_json(&self.0)
    }
}

fn plain(value: &CelValue) -> Option<Value<'_>> {
    Some(match value {
        CelValue::Null => Value::Empty,
        CelValue::String(text) => Value::Str(text),
        CelValue::Bool(flag) => Value::Bool(*flag),
        CelValue::Int(number) => Value::Int(*number),
        CelValue::UInt(number) => {
            i64::try_from(*number).map_or(Value::Double(*number as f64), Value::Int)
        }
        CelValue::Float(number) => Value::Double(*number),
        CelValue::List(items) => Value::Array(items.iter().map(plain).collect::<Option<_>>()?),
        _ => return None,
    })
}

fn to_json(value: &CelValue) -> Json {
    match value {
        CelValue::String(text) => Json::String(text.to_string()),
        CelValue::Bool(flag) => (*flag).into(),
        CelValue::Int(number) => (*number).into(),
        CelValue::UInt(number) => (*number).into(),
        CelValue::Float(number) => (*number).into(),
        CelValue::List(items) => items.iter().map(to_json).collect(),
        CelValue::Map(map) => {
            let entries = map.map.iter();
            let entries = entries.map(|(key, value)| (key.to_string(), to_json(value)));
            Json::Object(entries.collect())
        }
        _ => Json::Null,
    }
}

/// The variables of a span, and the fields that read a text as JSON that is none.
pub(super) fn context(
    parts: &SpanParts<'_>,
    names: &TaughtNames,
) -> (Context<'static, 'static>, Vec<Field>) {
    let mut context = expression::context();
    let span = parts.span;
    let status = match span.status {
        Status::Unset => "unset",
        Status::Ok => "ok",
        Status::Error => "error",
    };
    let seconds = span.end.0.saturating_sub(span.start.0) as f64 / 1e9;
    let span = [
        ("name", CelValue::from(span.name)),
        ("status", CelValue::from(status)),
        ("status_message", CelValue::from(span.status_message)),
        ("is_root", CelValue::Bool(span.parent.is_none())),
        ("duration_seconds", CelValue::Float(seconds)),
    ];
    let scope = [
        ("name", CelValue::from(parts.scope.name)),
        ("version", CelValue::from(parts.scope.version)),
    ];
    context.add_variable_from_value("span", map(span));
    context.add_variable_from_value("scope", map(scope));
    for (variable, names, attributes) in [
        ("attributes", &names.attributes, parts.attributes()),
        ("resource", &names.resource, parts.resource),
    ] {
        let held = names.iter().filter_map(|name| {
            let value = name.of(attributes)?;
            Some((&*name.name, of_attribute(value)))
        });
        context.add_variable_from_value(variable, map(held));
    }
    let mut no_json = Vec::new();
    let parsed = names.parsed.iter().filter_map(|(name, field)| {
        let value = name.of(parts.attributes())?;
        let parsed = match value {
            Value::Str(text) => expression::json(text),
            structured => Some(of_attribute(structured)),
        };
        if parsed.is_none() {
            no_json.push(*field);
        }
        Some((&*name.name, parsed?))
    });
    let parsed = map(parsed);
    context.add_variable_from_value(PARSED, parsed);
    (context, no_json)
}

fn map<'a>(entries: impl IntoIterator<Item = (&'a str, CelValue)>) -> CelValue {
    let entries = entries.into_iter();
    let entries: HashMap<Key, CelValue> = entries.map(|(name, v)| (Key::from(name), v)).collect();
    CelValue::from(entries)
}

fn list(items: impl Iterator<Item = CelValue>) -> CelValue {
    CelValue::List(Arc::new(items.collect()))
}

fn of_attribute(value: &Value<'_>) -> CelValue {
    match value {
        Value::Empty => CelValue::Null,
        Value::Str(text) => CelValue::from(*text),
        Value::Bool(flag) => CelValue::Bool(*flag),
        Value::Int(number) => CelValue::Int(*number),
        Value::Double(number) => CelValue::Float(*number),
        Value::Array(items) => list(items.iter().map(of_attribute)),
        Value::Map(entries) => map(entries.iter().map(|(name, v)| (name, of_attribute(v)))),
    }
}
