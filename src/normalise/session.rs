//! The session of a span. `docs/dialects.md` has the order of precedence.

use super::declared::{id_of_json, id_of_value};
use super::interner::NameInterners;
use super::metadata::{self, Entries};
use super::{ReadContext, topics};
use crate::model::Name;
use crate::model::event::{SessionHint, SessionSource};
use crate::otlp::attribute_key::{AttributeKeys, key};
use crate::otlp::view::{Attributes, Value};

/// What a user calls a session in metadata, best first.
pub(super) const METADATA_SESSION: &[&str] = &[
    "session_id",
    "sessionId",
    "session.id",
    "thread_id",
    "threadId",
    "conversation_id",
    "conversationId",
];
pub(super) const METADATA_USER: &[&str] = &["user_id", "userId", "user.id"];
/// The session that a span or log record names, else the one its resource names.
pub(super) fn of_attributes(
    attributes: &Attributes<'_>,
    metadata: &Entries<'_>,
    resource: &Attributes<'_>,
    context: ReadContext<'_>,
) -> Option<SessionHint> {
    let hint = |id, source| SessionHint { id, source };
    first_id(
        attributes,
        &context.settings.session_attributes,
        topics::SESSION,
        context.names,
    )
    .or_else(|| in_metadata(attributes, metadata, METADATA_SESSION, context.names))
    .map(|id| hint(id, SessionSource::Span))
    .or_else(|| {
        let id = first_id(resource, &[], topics::RESOURCE_SESSION, context.names)
            .filter(|_| !is_browser(resource))?;
        Some(hint(id, SessionSource::Resource))
    })
}

/// The session that a span names in its dialect's own way.
pub(super) fn named(value: &Value<'_>, names: &NameInterners) -> Option<SessionHint> {
    let id = names.id(&id_of_value(value)?);
    let source = SessionSource::Span;
    Some(SessionHint { id, source })
}

/// The user that a span names.
pub(super) fn user(
    attributes: &Attributes<'_>,
    metadata: &Entries<'_>,
    context: ReadContext<'_>,
) -> Option<Name> {
    let (settings, names) = (context.settings, context.names);
    first_id(attributes, &settings.user_attributes, topics::USER, names)
        .or_else(|| in_metadata(attributes, metadata, METADATA_USER, names))
}

/// The first id under the configured keys, then under the known ones.
pub(super) fn first_id(
    attributes: &Attributes<'_>,
    configured: &[String],
    known: AttributeKeys,
    names: &NameInterners,
) -> Option<Name> {
    let configured = configured.iter().map(|name| attributes.named(name));
    let known = known.iter().map(|key| attributes.get(*key));
    let mut ids = configured.chain(known);
    ids.find_map(|value| Some(names.id(&id_of_value(value?)?)))
}

/// The id under the best of the names, in metadata that an SDK writes as attributes or as an object.
fn in_metadata(
    attributes: &Attributes<'_>,
    entries: &Entries<'_>,
    keys: &[&str],
    names: &NameInterners,
) -> Option<Name> {
    let ids = attributes.others().filter_map(|(key, value)| {
        let own = key.ends_with("id") || key.ends_with("Id");
        let own = own.then(|| metadata::in_metadata(key)).flatten()?;
        let rank = keys.iter().position(|key| *key == own)?;
        Some((rank, names.id(&id_of_value(value)?)))
    });
    let best = ids.min_by_key(|(rank, _)| *rank).map(|(_, id)| id);
    best.or_else(|| {
        keys.iter().find_map(|key| {
            let mut named = entries.iter().filter(|(path, _)| path == key);
            named.find_map(|(_, value)| Some(names.id(&id_of_json(value)?)))
        })
    })
}

/// A browser SDK puts its tab's session on the resource: that is no conversation.
fn is_browser(resource: &Attributes<'_>) -> bool {
    resource.str(key!("telemetry.sdk.language")) == Some("webjs")
        || resource.iter().any(|(key, _)| {
            topics::BROWSER_RESOURCE
                .iter()
                .any(|own| key.starts_with(own))
        })
}
