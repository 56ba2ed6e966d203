//! Names in the metadata that a user attaches, and names that mean the same however an SDK writes them.

use super::topics;
use serde_json::Value as Json;
use std::borrow::Cow;

/// The values in a span's metadata, by their paths.
pub(super) type Entries<'m> = [(Cow<'m, str>, &'m Json)];

/// What stands before the attributes that a user attaches.
pub(super) const PREFIXES: &[&str] = &["app.", "baton."];
/// How the prefixes of most SDKs end: `langsmith.metadata.`, `mastra.metadata.` … Others are [`topics::METADATA_ENTRIES`].
const METADATA: &str = "metadata.";

/// The name that a user gave to an entry of the metadata which an SDK writes as attributes.
pub(super) fn in_metadata(key: &str) -> Option<&str> {
    let mut properties = topics::METADATA_ENTRIES.iter();
    if let Some(own) = properties.find_map(|prefix| key.strip_prefix(prefix)) {
        return Some(own);
    }
    let mut places = key.as_bytes().windows(METADATA.len());
    let at = places.position(|place| place == METADATA.as_bytes())?;
    let (prefix, rest) = key.split_at(at);
    (prefix.is_empty() || prefix.ends_with('.')).then_some(&rest[METADATA.len()..])
}

/// The name without its prefix, dots, underscores and capitals: `app.customer_tier` and `customerTier` are one.
pub(super) fn canonical(key: &str) -> Vec<u8> {
    let bare = PREFIXES.iter().find_map(|prefix| key.strip_prefix(prefix));
    let bare = bare.or_else(|| in_metadata(key));
    let letters = bare.unwrap_or(key).bytes();
    let kept = letters.filter(u8::is_ascii_alphanumeric);
    kept.map(|b| b.to_ascii_lowercase()).collect()
}
