//! The pages for people, and the same for scripts: what there is, the summary, the latest sessions and how each went.

use super::server::Shown;
use super::session::{href, id};
use super::sessions::List;
use super::{Filter, story, story_json, summary::Summary, table};
use crate::model::fact::Fact;
use crate::model::ids::{PartitionKey, TraceId};
use axum::extract::{Path, RawQuery, State};
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

pub(super) async fn summary(
    State(shown): State<Shown>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let is_json = match format(&query, &headers) {
        Ok(is_json) => is_json,
        Err(what) => return bad(what),
    };
    let families = super::server::aside(|| shown.source().figures());
    if is_json {
        json_answer(&Summary::of(&families).json())
    } else {
        table::write(&families).into_response()
    }
}

pub(super) async fn sessions(
    State(shown): State<Shown>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let source = shown.source();
    let manner = source.manner();
    let filter = format(&query, &headers).and_then(|is_json| {
        let filter = Filter::of_query(pairs(&query), manner, source.now())?;
        Ok((filter, is_json))
    });
    let (filter, is_json) = match filter {
        Ok(asked) => asked,
        Err(what) => return bad(what),
    };
    let list = super::server::aside(|| List::of(&filter, manner, |visit| source.stories(visit)));
    if is_json {
        return json_answer(&list.json(manner));
    }
    let mut text = list.text(manner, true);
    if list.remembered == 0 {
        text.push_str("\nNo session is known yet. A session appears when its first turn is finalized, some seconds after its last span (`stitch.settle`); a restart begins with none.\n");
    }
    text.into_response()
}

pub(super) async fn session(
    State(shown): State<Shown>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let is_json = match format(&query, &headers) {
        Ok(is_json) => is_json,
        Err(what) => return bad(what),
    };
    let tenants: Vec<Cow<'_, str>> = pairs(&query)
        .filter(|(name, _)| name == "tenant")
        .map(|(_, value)| value)
        .collect();
    let unknown = pairs(&query).find(|(name, _)| name != "tenant" && name != "format");
    if let Some((name, _)) = unknown {
        return bad(format!(
            "unknown parameter {name:?}; known parameters:\n  tenant\n  format\n"
        ));
    }
    let source = shown.source();
    let mut told = super::server::aside(|| source.story(&id));
    told.retain(|(key, _)| {
        let tenant = match key {
            PartitionKey::Session(owner) => owner.tenant.as_deref().unwrap_or_default(),
            _ => "",
        };
        tenants.is_empty() || tenants.iter().any(|asked| asked == tenant)
    });
    if told.is_empty() {
        return unknown_session("session");
    }
    let manner = source.manner();
    if is_json {
        let stories: Vec<Value> = told
            .iter()
            .map(|(key, facts)| story_json(key, facts, manner))
            .collect();
        return json_answer(&json!({"sessions": stories}));
    }
    let stories: Vec<String> = told
        .iter()
        .map(|(key, facts)| story::write(key, facts, &manner.currency))
        .collect();
    stories.join("\n").into_response()
}

/// Leads from a trace to its session, and where it has several to the list of them.
pub(super) async fn by_trace(State(shown): State<Shown>, Path(trace): Path<String>) -> Response {
    let Some(trace) = TraceId::from_hex(&trace) else {
        return bad("expected a trace ID: 32 hexadecimal digits, not all 0".into());
    };
    let mut told = super::server::aside(|| shown.source().story_of_trace(trace));
    // A session says more than the trace that was alone before it was known to belong to it.
    if told.iter().any(is_session) {
        told.retain(is_session);
    }
    match told.as_slice() {
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
    match key {
        PartitionKey::Session(owner) => owner.tenant.as_deref(),
        _ => None,
    }
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

fn pairs(query: &Option<String>) -> form_urlencoded::Parse<'_> {
    form_urlencoded::parse(query.as_deref().unwrap_or_default().as_bytes())
}

/// Whether JSON is asked for; `format` goes before the header.
fn format(query: &Option<String>, headers: &HeaderMap) -> Result<bool, String> {
    match pairs(query).find(|(name, _)| name == "format") {
        Some((_, format)) if format == "json" => Ok(true),
        Some((_, format)) if format == "text" => Ok(false),
        Some(_) => Err("format: expected text or json".into()),
        None => {
            let accept = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok());
            Ok(accept.is_some_and(|accept| accept.contains("application/json")))
        }
    }
}
