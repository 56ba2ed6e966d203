//! JSON as values of CEL, and the function `json`, which CEL does not have.

use cel::common::types::{CelString, LIST_TYPE, MAP_TYPE, STRING_TYPE};
use cel::common::value::{CowVal, Val};
use cel::objects::Key;
use cel::{DeclarationError, Env, ExecutionError, Value};
use serde_json::Value as Json;
use std::collections::HashMap;
use std::sync::Arc;

/// Longer texts are not read as JSON: what figures need is small.
const MAX_BYTES: usize = 4 << 20;

/// The value of a text in JSON; `None`: it is none, or too long.
pub fn json(text: &str) -> Option<Value> {
    let json = (text.len() <= MAX_BYTES).then(|| serde_json::from_str(text).ok())??;
    Some(value(&json))
}

fn value(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Bool(*flag),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Value::Int(whole),
            (None, Some(broken)) => Value::Float(broken),
            (None, None) => Value::Null,
        },
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) => Value::List(Arc::new(items.iter().map(value).collect())),
        Json::Object(entries) => {
            let entries = entries.iter();
            let entries = entries.map(|(name, held)| (Key::from(name.as_str()), value(held)));
            Value::from(entries.collect::<HashMap<Key, Value>>())
        }
    }
}

/// Adds `json(text)`. What is structured already is itself.
pub(super) fn extension(env: &mut Env) -> Result<(), DeclarationError> {
    env.add_overload("json", "json(string)", vec![STRING_TYPE], of_text)?;
    env.add_overload("json", "json(map)", vec![MAP_TYPE], itself)?;
    env.add_overload("json", "json(list)", vec![LIST_TYPE], itself)
}

fn of_text<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let text = arguments
        .first()
        .and_then(|one| one.as_ref().downcast_ref::<CelString<'_>>());
    // The message names no text: it may be private.
    let fault = || ExecutionError::function_error("json", "the text is no JSON");
    let parsed = json(text.ok_or_else(fault)?.inner()).ok_or_else(fault)?;
    let parsed: Box<dyn Val> = parsed.try_into().map_err(|_| fault())?;
    Ok(CowVal::Owned(parsed))
}

fn itself<'b, 'v>(mut arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    arguments
        .pop()
        .ok_or_else(ExecutionError::missing_argument_or_target)
}
