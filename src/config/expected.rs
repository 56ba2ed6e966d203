//! What the schema asks for at a key, in words and with an example.

use super::exporters;
use serde_json::Value;

/// Most keys or values that one message lists.
const MAX_LISTED: usize = 24;

/// The part of a schema about a key path; `None` where no such key is known.
pub(super) fn part<'s>(schema: &'s Value, path: &[String]) -> Option<&'s Value> {
    path.iter().try_fold(schema, |at, key| below(at, key))
}

/// The part about a key right below a part.
pub(super) fn below<'s>(part: &'s Value, key: &str) -> Option<&'s Value> {
    let known = part["properties"].get(key);
    let typed = || typed(part).find(|(kind, _)| *kind == exporters::kind(key));
    let known = known.or_else(|| Some(typed()?.1));
    known.or_else(|| {
        [&part["additionalProperties"], &part["items"]]
            .into_iter()
            .find(|s| s.is_object())
    })
}

/// The parts of a section whose keys have a type, by the type.
fn typed(part: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let parts = part["patternProperties"].as_object().into_iter().flatten();
    parts.filter_map(|(_, part)| Some((part["title"].as_str()?, part)))
}

/// The types of keys that a part knows; empty where its keys have none.
pub(super) fn kinds(part: &Value) -> Vec<&str> {
    typed(part).map(|(kind, _)| kind).collect()
}

/// The keys that a part knows; empty where it takes any.
pub(super) fn keys(part: &Value) -> Vec<&str> {
    let properties = part["properties"].as_object();
    properties.map_or_else(Vec::new, |p| p.keys().map(String::as_str).collect())
}

/// The keys that a part cannot do without.
pub(super) fn required(part: &Value) -> impl Iterator<Item = &str> {
    let required = part["required"].as_array();
    required.into_iter().flatten().filter_map(Value::as_str)
}

/// Whether the value may be of this type, by the name that JSON Schema has for it.
pub(super) fn takes(part: &Value, kind: &str) -> bool {
    match &part["type"] {
        Value::String(only) => only == kind,
        Value::Array(kinds) => kinds.iter().any(|k| k == kind),
        _ => false,
    }
}

/// The values of a closed set. Those with a description stand alone in the schema, and those without one in a list beside them.
fn choices(part: &Value) -> Vec<&str> {
    let one_of = part["oneOf"].as_array().into_iter().flatten();
    let parts = std::iter::once(part).chain(one_of);
    let values = parts.flat_map(|part| {
        let listed = part["enum"].as_array().into_iter().flatten();
        listed.chain(part.get("const"))
    });
    values.filter_map(Value::as_str).collect()
}

/// What is asked for, as in `a duration such as 5s`.
pub(super) fn in_words(part: &Value) -> String {
    let choices = choices(part);
    if !choices.is_empty() {
        return format!("one of {}", list(&choices));
    }
    let kind = if takes(part, "object") && part["properties"].is_object() {
        return format!("a section with the keys {}", list(&keys(part)));
    } else if takes(part, "object") {
        "a section of names and values"
    } else if takes(part, "array") && takes(part, "string") {
        return "a text or a list of texts".into();
    } else if takes(part, "array") {
        "a list"
    } else if takes(part, "boolean") {
        return "true or false".into();
    } else if takes(part, "integer") {
        "a whole number"
    } else if takes(part, "number") {
        "a number"
    } else {
        match pattern(part) {
            NotationKind::Duration => "a duration (units: ms, s, m, h, d)",
            NotationKind::Size => "a size (units: B, KiB, MiB, GiB)",
            NotationKind::Other => "a text",
        }
    };
    match example(part) {
        Some(example) => format!("{kind} such as {example}"),
        None => kind.to_owned(),
    }
}

fn list(words: &[&str]) -> String {
    let mut text = words[..words.len().min(MAX_LISTED)].join(", ");
    if words.len() > MAX_LISTED {
        text.push_str(", …");
    }
    text
}

enum NotationKind {
    Duration,
    Size,
    Other,
}

fn pattern(part: &Value) -> NotationKind {
    match part["pattern"].as_str().unwrap_or_default() {
        pattern if pattern.contains("KiB") => NotationKind::Size,
        pattern if pattern.contains("ms|") => NotationKind::Duration,
        _ => NotationKind::Other,
    }
}

/// What stands before an example in a description.
const EXAMPLE_FOLLOWS: [&str; 3] = ["as in `", "for example `", "Example: `"];

/// A value that would be accepted: from the description, else the default, else any.
fn example(part: &Value) -> Option<String> {
    let description = part["description"].as_str().unwrap_or_default();
    let told = EXAMPLE_FOLLOWS.iter().find_map(|words| {
        let (_, rest) = description.split_once(words)?;
        Some(rest.split_once('`')?.0)
    });
    if let Some(example) = told {
        let section = takes(part, "object") && !example.starts_with('{');
        return Some(
            match (section, takes(part, "array") && !example.starts_with('[')) {
                (true, _) => format!("{{{example}}}"),
                (_, true) => format!("[{example}]"),
                _ => example.to_owned(),
            },
        );
    }
    match &part["default"] {
        Value::Array(items) if !items.is_empty() => {
            let items: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            (!items.is_empty()).then(|| format!("[{}]", list(&items)))
        }
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        number @ Value::Number(_) => Some(number.to_string()),
        _ if takes(part, "array") => Some(format!(
            "[{}]",
            example(&part["items"]).unwrap_or_else(|| "name".into())
        )),
        _ if takes(part, "object") => Some(format!(
            "{{name: {}}}",
            example(&part["additionalProperties"])?
        )),
        _ => match pattern(part) {
            NotationKind::Duration => Some("5s".into()),
            NotationKind::Size => Some("16MiB".into()),
            NotationKind::Other if takes(part, "integer") => Some("10".into()),
            NotationKind::Other if takes(part, "number") => Some("0.5".into()),
            NotationKind::Other => None,
        },
    }
}

/// What was found. The value itself may be secret.
pub(super) fn found(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a section",
    }
}

/// Any value that is accepted, for the time until the fault at its place is mended.
pub(super) fn stand_in(part: &Value) -> Value {
    if let Some(first) = choices(part).first() {
        return (*first).into();
    }
    if let Some(default) = part.get("default") {
        return default.clone();
    }
    if takes(part, "null") {
        return Value::Null;
    }
    if takes(part, "object") {
        let needed = required(part).map(|key| (key.to_owned(), stand_in(&part["properties"][key])));
        return Value::Object(needed.collect());
    }
    if takes(part, "array") {
        return Value::Array(Vec::new());
    }
    if takes(part, "boolean") {
        return false.into();
    }
    if takes(part, "integer") || takes(part, "number") {
        return part.get("minimum").cloned().unwrap_or_else(|| 1.into());
    }
    match pattern(part) {
        NotationKind::Duration => "1s".into(),
        NotationKind::Size => "1B".into(),
        NotationKind::Other => "".into(),
    }
}
