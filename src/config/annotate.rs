//! The JSON Schema of the configuration and the annotated defaults, both generated from the same types.

use super::Config;
use schemars::JsonSchema;
use serde_json::{Map, Value};

/// The JSON Schema, as `config/baton.schema.json` holds it.
pub fn schema() -> Value {
    schema_of::<Config>()
}

/// The JSON Schema of a type, without references inside it.
pub(super) fn schema_of<T: JsonSchema>() -> Value {
    let settings =
        schemars::generate::SchemaSettings::draft2020_12().with(|s| s.inline_subschemas = true);
    settings
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value()
}

/// All keys with their defaults and what they mean, as `config/baton.yaml` holds them.
pub fn annotated() -> String {
    let defaults = serde_json::to_value(Config::default()).unwrap_or_default();
    let mut text = String::from(
        "# Baton: every key with its default. A file needs only the keys that differ.\n",
    );
    section(&schema(), &defaults, 0, &mut text);
    text
}

fn section(schema: &Value, defaults: &Value, depth: usize, text: &mut String) {
    let none = Map::new();
    let indent = "  ".repeat(depth);
    for (key, value) in defaults.as_object().unwrap_or(&none) {
        let about = &schema["properties"][key];
        if depth == 0 {
            text.push('\n');
        }
        if let Some(description) = about["description"].as_str() {
            text.push_str(&format!("{indent}# {}\n", description.replace('\n', " ")));
        }
        if value.as_object().is_some_and(|keys| !keys.is_empty()) {
            text.push_str(&format!("{indent}{key}:\n"));
            section(about, value, depth + 1, text);
        } else {
            text.push_str(&format!("{indent}{key}: {}\n", plain(value)));
        }
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
