//! Responses of models: their ids, and the usage that stands inside them.

use super::{declared, json, topics};
use crate::otlp::view::{Attributes, Value as Attribute};
use memchr::memmem;
use serde_json::Value;

/// Usage is looked for so deep inside a response.
const MAX_DEPTH: usize = 3;

/// Names of objects with usage, without case and underscores.
const USAGES: &[&str] = &[
    "usage",
    "usagemetadata",
    "usageobject",
    "tokenusage",
    "tokensusage",
];

/// The hash of the id of the response that attributes name, see
/// [`ModelCall::response`](crate::model::event::ModelCall::response).
pub(super) fn id(attributes: &Attributes<'_>) -> Option<u64> {
    let mut ids = topics::RESPONSE_ID.iter().filter_map(|key| {
        let id = declared::id_of_value(attributes.get(*key)?)?;
        Some(rapidhash::v3::rapidhash_v3(id.as_bytes()))
    });
    ids.next()
}

/// What `read` makes of the first usage object in a response. Long texts are looked into only where the word is in them.
pub(super) fn usage<T>(response: &Attribute<'_>, read: impl Fn(&Value) -> Option<T>) -> Option<T> {
    if let Attribute::Str(text) = response {
        memmem::find(text.as_bytes(), b"sage")?;
    }
    find(&json::of_attribute(response)?, &read, 0)
}

fn find<T>(value: &Value, read: &impl Fn(&Value) -> Option<T>, depth: usize) -> Option<T> {
    let object = value.as_object().filter(|_| depth < MAX_DEPTH)?;
    let named = object.iter().filter(|(name, _)| {
        let plain: String = name.chars().filter(|c| *c != '_').collect();
        USAGES.contains(&plain.to_ascii_lowercase().as_str())
    });
    let mut named = named.filter_map(|(_, usage)| read(usage));
    let inner = || object.values().find_map(|v| find(v, read, depth + 1));
    named.next().or_else(inner)
}
