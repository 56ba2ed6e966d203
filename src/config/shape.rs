//! A tree made to fit its types: every place where it does not is told, and what stands there is replaced, so that the rest can
//! be checked.

use super::written::Written;
use super::{ConfigFault, expected, exporters};
use crate::setting::{EXPECTED, key_path};
use jsonschema::error::{ValidationError, ValidationErrorKind as Kind};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use serde_path_to_error::Segment;

/// Faults that only the types know and no schema; each is looked for anew.
const MAX_TYPE_FAULTS: usize = 1_000;

/// Reads a tree into its type. What is wrong goes to `faults`, and where it stands to `written`.
pub(super) fn fit<T: DeserializeOwned + Default>(
    mut json: Value,
    schema: &Value,
    written: &mut Written,
    faults: &mut Vec<ConfigFault>,
) -> T {
    tidy(&mut json, schema);
    for (path, what) in violations(&json, schema) {
        blame(&mut json, schema, &path, what, written, faults);
    }
    for _ in 0..MAX_TYPE_FAULTS {
        // A tree that fits is read at once; one that does not is read again without what was at fault.
        match serde_path_to_error::deserialize::<_, T>(&json) {
            Ok(value) => return value,
            Err(error) => {
                let path: Vec<String> = error.path().iter().map_while(segment).collect();
                let message = error.inner().to_string();
                let what = match expected::part(schema, &path) {
                    _ if message.starts_with(EXPECTED) => message,
                    Some(part) => format!("expected {}", expected::in_words(part)),
                    None => "cannot be read".into(),
                };
                blame(&mut json, schema, &path, what, written, faults);
            }
        }
    }
    written.distrust("");
    T::default()
}

fn segment(segment: &Segment) -> Option<String> {
    match segment {
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Map { key } => Some(key.clone()),
        Segment::Enum { .. } | Segment::Unknown => None,
    }
}

/// Empty sections and lists are those without keys; 5.0 is a whole number.
fn tidy(value: &mut Value, part: &Value) {
    match value {
        Value::Null if takes_nothing(part) => {
            *value = if expected::takes(part, "array") {
                Value::Array(Vec::new())
            } else {
                Value::Object(Map::new())
            }
        }
        Value::Number(number) if expected::takes(part, "integer") && number.is_f64() => {
            let whole = number
                .as_f64()
                .filter(|n| n.fract() == 0.0 && n.abs() < 9e15);
            if let Some(whole) = whole {
                *value = (whole as i64).into();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| tidy(item, &part["items"])),
        Value::Object(keys) => {
            for (key, value) in keys {
                tidy(value, expected::below(part, key).unwrap_or(&Value::Null));
            }
        }
        _ => {}
    }
}

/// A section or a list of which nothing need be said.
fn takes_nothing(part: &Value) -> bool {
    let composite = expected::takes(part, "object") || expected::takes(part, "array");
    composite && !expected::takes(part, "null") && expected::required(part).next().is_none()
}

/// Tells a fault and replaces what stands at its path.
pub(super) fn blame(
    json: &mut Value,
    schema: &Value,
    path: &[String],
    what: String,
    written: &mut Written,
    faults: &mut Vec<ConfigFault>,
) {
    let name = path.join(".");
    if !written.is_faulty(&name) {
        faults.push(ConfigFault::at(written.place(&name), &name, what));
    }
    written.distrust(&name);
    replace(json, schema, path);
}

/// Replaces a value by its default, or by any that is accepted where the key cannot be left out.
fn replace(json: &mut Value, part: &Value, path: &[String]) {
    let Some((key, below)) = path.split_first() else {
        *json = expected::stand_in(part);
        return;
    };
    let Some(inner) = expected::part(part, std::slice::from_ref(key)) else {
        if let Value::Object(keys) = json {
            keys.remove(key);
        }
        return;
    };
    match json {
        Value::Object(keys) if below.is_empty() && !expected::required(part).any(|k| k == key) => {
            keys.remove(key);
        }
        Value::Object(keys) => {
            replace(keys.entry(key.clone()).or_insert(Value::Null), inner, below);
        }
        Value::Array(items) => {
            if let Some(item) = key.parse().ok().and_then(|i: usize| items.get_mut(i)) {
                replace(item, inner, below);
            }
        }
        _ => {}
    }
}

/// Every place where the schema is not kept. Values are not repeated: they may be secret.
fn violations(json: &Value, schema: &Value) -> Vec<(Vec<String>, String)> {
    let Ok(validator) = jsonschema::validator_for(schema) else {
        unreachable!("the generated schema is a schema");
    };
    let errors = validator.iter_errors(json);
    errors
        .flat_map(|error| violation(&error, json, schema))
        .collect()
}

fn violation(
    error: &ValidationError<'_>,
    json: &Value,
    schema: &Value,
) -> Vec<(Vec<String>, String)> {
    let pointer = error.instance_path().to_string();
    let segments = pointer.split('/').skip(1);
    let path: Vec<String> = segments
        .map(|s| s.replace("~1", "/").replace("~0", "~"))
        .collect();
    let part = expected::part(schema, &path).unwrap_or(&Value::Null);
    let below = |key: &str| {
        let mut path = path.clone();
        path.push(key.to_owned());
        path
    };
    let asked = expected::in_words(part);
    let what = match error.kind() {
        Kind::AdditionalProperties { unexpected } => {
            let unknown = |key: &String| {
                let what = match &*expected::kinds(part) {
                    [] => unknown_key(key, &expected::keys(part)),
                    kinds => unknown_type(key, kinds),
                };
                (below(key), what)
            };
            return unexpected.iter().map(unknown).collect();
        }
        Kind::Required { property } => {
            let key = property.as_str().unwrap_or_default();
            let asked = expected::in_words(&part["properties"][key]);
            return vec![(below(key), format!("is missing: expected {asked}"))];
        }
        Kind::Type { .. } => {
            let found = json.pointer(&pointer).unwrap_or(&Value::Null);
            let quotes = match found {
                // YAML takes `yes` and `1` for what they look like.
                Value::Bool(_) | Value::Number(_) if asked.starts_with("a text") => {
                    "; put it in quotes"
                }
                _ => "",
            };
            format!("expected {asked}, found {}{quotes}", expected::found(found))
        }
        Kind::Minimum { limit } => format!("expected {asked}, not below {limit}"),
        Kind::Maximum { limit } => format!("expected {asked}, not above {limit}"),
        _ if json.pointer(&pointer).is_some_and(Value::is_string) => {
            format!("expected {asked}, found another text")
        }
        _ => format!("expected {asked}"),
    };
    vec![(path, what)]
}

fn unknown_key(key: &str, known: &[&str]) -> String {
    match nearest(key, known) {
        Some(nearest) => format!("unknown key; did you mean {nearest}?"),
        None => format!("unknown key; known here: {}", known.join(", ")),
    }
}

/// What is wrong with a key whose part before `/` is a type.
fn unknown_type(key: &str, known: &[&str]) -> String {
    let kind = exporters::kind(key);
    if known.contains(&kind) {
        return format!(
            "is no key: expected {kind}, or {kind}/ and a name of letters, digits, _ and -, as in {kind}/next"
        );
    }
    match nearest(kind, known) {
        Some(nearest) => format!("unknown type {kind}; did you mean {nearest}?"),
        None => format!("unknown type {kind}; known types: {}", known.join(", ")),
    }
}

/// What was probably meant.
pub(super) fn nearest<'k>(key: &str, known: &[&'k str]) -> Option<&'k str> {
    let nearest = known.iter().min_by_key(|k| distance(k, key))?;
    (distance(nearest, key) <= 2 + key.len() / 4).then_some(nearest)
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let cost = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = cost.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// What was meant by keys that nobody knows is not sound either: their values are elsewhere.
pub(super) fn distrust_meant(faults: &[ConfigFault], schema: &Value, written: &mut Written) {
    for fault in faults {
        let (above, key) = fault.path.rsplit_once('.').unwrap_or(("", &fault.path));
        let path: Vec<String> = above
            .split('.')
            .filter(|k| !k.is_empty())
            .map(str::to_owned)
            .collect();
        let Some(part) = expected::part(schema, &path) else {
            continue;
        };
        let known = expected::keys(part);
        if !known.contains(&key)
            && let Some(meant) = nearest(key, &known)
        {
            let meant = key_path(above, meant);
            written.distrust(&meant);
        }
    }
}
