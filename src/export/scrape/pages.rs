//! The pages for people, and the same for scripts: what there is, the summary, the latest sessions and how each went.

use super::{ServerState, own, step_aside};
use crate::export::key_figures::KeyFigures;
use crate::export::sessions::{SessionFilter, SessionList, href, id, story, story_json};
use crate::export::table;
use crate::model::fact::Fact;
use crate::model::ids::{PartitionKey, TraceId};
use crate::model::tenant::Access;
use axum::Extension;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::borrow::Cow;

const PATHS: &str = "\
Baton: business observability for multi-agent LLM systems

/metrics                     all metrics, for Prometheus
/summary                     the main figures now, for people
/sessions                    the latest sessions; filters: /sessions?result=failed&since=1h
/sessions/ID                 how one session went
/sessions/by-trace/TRACE_ID  the session of a trace, such as that of an exemplar
/healthz                     200 while the process lives
/readyz                      200 while Baton can work, else 503 and why

/summary and /sessions answer in JSON to `Accept: application/json` and to `?format=json`.
";

pub(super) async fn paths() -> &'static str {
    PATHS
}

/// The query of a page, and whether the answer is JSON; `format` goes before the header.
pub(super) struct PageQuery {
    query: String,
    is_json: bool,
}

impl PageQuery {
    fn of(query: &str, headers: &HeaderMap) -> Result<Self, String> {
        let asked = pairs(query).find(|(name, _)| name == "format");
        let is_json = match asked.as_ref().map(|(_, format)| &**format) {
            Some("json") => true,
            Some("text") => false,
            Some(_) => return Err("format: expected text or json".into()),
            None => {
                let accept = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok());
                accept.is_some_and(|accept| accept.contains("application/json"))
            }
        };
        let query = query.to_owned();
        Ok(Self { query, is_json })
    }

    fn pairs(&self) -> form_urlencoded::Parse<'_> {
        pairs(&self.query)
    }
}

fn pairs(query: &str) -> form_urlencoded::Parse<'_> {
    form_urlencoded::parse(query.as_bytes())
}

impl<S: Sync> FromRequestParts<S> for PageQuery {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        let query = parts.uri.query().unwrap_or_default();
        Self::of(query, &parts.headers).map_err(bad)
    }
}

pub(super) async fn summary(
    State(state): State<ServerState>,
    Extension(access): Extension<Access>,
    query: PageQuery,
) -> Response {
    let currency = &state.settings.display.currency;
    let families = step_aside(|| own::families(state.feed.families.exact(), &access));
    let families = match families {
        Ok(families) => families,
        Err(what) => return (StatusCode::NOT_IMPLEMENTED, what).into_response(),
    };
    if query.is_json {
        json_answer(&KeyFigures::of(&families, currency).json())
    } else {
        table::write(&families, currency).into_response()
    }
}

pub(super) async fn sessions(
    State(state): State<ServerState>,
    Extension(access): Extension<Access>,
    query: PageQuery,
) -> Response {
    let (feed, display) = (&state.feed, &state.settings.display);
    let filter = match SessionFilter::of_query(query.pairs(), display, feed.clock.now()) {
        Ok(filter) => filter,
        Err(what) => return bad(what),
    };
    let list = step_aside(|| {
        SessionList::of(&filter, display, |visitor| {
            feed.facts.visit(&mut |key, facts| {
                if access.covers(key.tenant()) {
                    visitor(key, facts);
                }
            });
        })
    });
    if query.is_json {
        return json_answer(&list.json(display));
    }
    let mut text = list.text(display, true);
    if list.remembered == 0 {
        text.push_str("\nNo session is known yet. A session appears when its first turn is finalized, some seconds after its last span (`stitch.settle`); a restart begins with none.\n");
    }
    text.into_response()
}

pub(super) async fn session(
    State(state): State<ServerState>,
    Extension(access): Extension<Access>,
    Path(id): Path<String>,
    query: PageQuery,
) -> Response {
    let tenants = query.pairs().filter(|(name, _)| name == "tenant");
    let tenants: Vec<Cow<'_, str>> = tenants.map(|(_, value)| value).collect();
    let mut pairs = query.pairs();
    if let Some((name, _)) = pairs.find(|(name, _)| name != "tenant" && name != "format") {
        return bad(format!(
            "unknown parameter {name:?}; known parameters:\n  tenant\n  format\n"
        ));
    }
    let mut found = step_aside(|| state.feed.facts.of_session(&id));
    found.retain(|(key, _)| {
        let owner = tenant(key).unwrap_or_default();
        let is_asked = tenants.is_empty() || tenants.iter().any(|asked| asked == owner);
        is_asked && access.covers(key.tenant())
    });
    if found.is_empty() {
        return unknown_session("session");
    }
    let (found, display) = (found.iter(), &state.settings.display);
    if query.is_json {
        let stories = found.map(|(key, facts)| story_json(key, facts, display));
        return json_answer(&json!({"sessions": stories.collect::<Vec<Value>>()}));
    }
    let stories = found.map(|(key, facts)| story::write(key, facts, &display.currency));
    stories.collect::<Vec<String>>().join("\n").into_response()
}

/// Leads from a trace to its session, and where it has several to the list of them.
pub(super) async fn by_trace(
    State(state): State<ServerState>,
    Extension(access): Extension<Access>,
    Path(trace): Path<String>,
) -> Response {
    let Some(trace) = TraceId::from_hex(&trace) else {
        return bad("expected a trace ID: 32 hexadecimal digits, not all 0".into());
    };
    let mut found = step_aside(|| state.feed.facts.of_trace(trace));
    found.retain(|(key, _)| access.covers(key.tenant()));
    // A session says more than the trace that was alone before it was known to belong to it.
    if found.iter().any(is_session) {
        found.retain(is_session);
    }
    match found.as_slice() {
        [] => unknown_session("session of this trace"),
        // Relative, so that it leads there behind a proxy with a path of its own too.
        [(key, _)] => to(&format!("../../{}", href(&id(key), tenant(key)))),
        _ => to(&format!("../../sessions?trace={trace}")),
    }
}

fn is_session((key, _): &(PartitionKey, Vec<Fact>)) -> bool {
    matches!(key, PartitionKey::Session(_))
}

fn to(place: &str) -> Response {
    let headers = [(header::LOCATION, place.to_owned())];
    (StatusCode::SEE_OTHER, headers, format!("see {place}\n")).into_response()
}

fn tenant(key: &PartitionKey) -> Option<&str> {
    key.tenant().map(|tenant| &**tenant)
}

fn unknown_session(what: &str) -> Response {
    let text = format!(
        "no such {what}: it has no finalized turn yet, or it is not remembered any more.\n\
         Baton remembers the latest `engine.stories` sessions since it started; /sessions lists them.\n\
         To explain an older session, replay its recorded traces: baton replay --explain ID FILE\n"
    );
    (StatusCode::NOT_FOUND, text).into_response()
}

fn bad(what: String) -> Response {
    let what = what.trim_end();
    (StatusCode::BAD_REQUEST, format!("{what}\n")).into_response()
}

fn json_answer(value: &Value) -> Response {
    let media = [(header::CONTENT_TYPE, "application/json")];
    (media, format!("{value:#}\n")).into_response()
}
