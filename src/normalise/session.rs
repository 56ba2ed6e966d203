//! Whose conversation a span belongs to: `docs/dialects.md` has the order of precedence.

use super::json;
use super::{Settings, name};
use crate::model::Name;
use crate::model::event::{SessionHint, SessionSource};
use crate::model::otlp::Attributes;

/// Attributes that name a business session, best first. Transport sessions (`mcp.session.id`) and LangSmith's project
/// (`langsmith.trace.session_*`) are none.
const SESSION: &[&str] = &[
    "gen_ai.conversation.id",
    "session.id",
    "langfuse.session.id",
    "traceloop.association.properties.session_id",
    "traceloop.association.properties.session.id",
    "traceloop.association.properties.thread_id",
    "langsmith.metadata.session_id",
    "langsmith.metadata.thread_id",
    "langsmith.metadata.conversation_id",
    "ai.telemetry.metadata.sessionId",
    "ai.telemetry.metadata.session.id",
    "ai.telemetry.metadata.session_id",
    "ai.settings.context.sessionId",
    "ai.settings.context.session.id",
    "ai.settings.context.session_id",
    "gcp.vertex.agent.session_id",
    "conversation.id",
    "thread.id",
];

const USER: &[&str] = &[
    "user.id",
    "enduser.id",
    "langfuse.user.id",
    "traceloop.association.properties.user_id",
    "langsmith.metadata.user_id",
    "ai.telemetry.metadata.userId",
    "ai.settings.context.userId",
    "gcp.vertex.agent.user_id",
];

/// Attributes that hold a JSON object of metadata.
const METADATA: &[&str] = &[
    "metadata",
    "langfuse.trace.metadata",
    "gen_ai.agent.metadata",
];
const METADATA_SESSION: &[&str] = &[
    "session_id",
    "sessionId",
    "session.id",
    "conversation_id",
    "thread_id",
];
const METADATA_USER: &[&str] = &["user_id", "userId", "user.id"];
const RESOURCE: &[&str] = &["gen_ai.conversation.id", "session.id", "conversation.id"];

/// The session that a span or log record names, else the one its resource names.
pub(super) fn of_attributes(
    attributes: &Attributes<'_>,
    resource: &Attributes<'_>,
    settings: &Settings,
) -> Option<SessionHint> {
    let own = settings
        .session_attributes
        .iter()
        .map(String::as_str)
        .chain(SESSION.iter().copied())
        .find_map(|key| attributes.str(key).filter(|id| is_id(id)))
        .map(str::to_owned)
        .or_else(|| in_metadata(attributes, METADATA_SESSION));
    let hint = |id: &str, source| SessionHint {
        id: name(id),
        source,
    };
    own.map(|id| hint(&id, SessionSource::Span)).or_else(|| {
        // A browser SDK puts its tab's session on the resource: that is no conversation.
        let browser =
            resource.str("browser.platform").is_some() || resource.get("browser.brands").is_some();
        let id = resource
            .first_str(RESOURCE)
            .filter(|id| is_id(id) && !browser)?;
        Some(hint(id, SessionSource::Resource))
    })
}

/// The user that a span names.
pub(super) fn user(attributes: &Attributes<'_>, settings: &Settings) -> Option<Name> {
    settings
        .user_attributes
        .iter()
        .map(String::as_str)
        .chain(USER.iter().copied())
        .find_map(|key| attributes.str(key).filter(|id| is_id(id)))
        .map(name)
        .or_else(|| in_metadata(attributes, METADATA_USER).map(|id| name(&id)))
}

fn in_metadata(attributes: &Attributes<'_>, keys: &[&str]) -> Option<String> {
    METADATA
        .iter()
        .filter_map(|key| json::parse(attributes.str(key)?))
        .find_map(|object| {
            keys.iter()
                .find_map(|key| object.get(*key)?.as_str())
                .filter(|id| is_id(id))
                .map(str::to_owned)
        })
}

/// A scrubber's replacement text is the same for all sessions.
fn is_id(text: &str) -> bool {
    !text.starts_with("[Scrubbed due to")
}
