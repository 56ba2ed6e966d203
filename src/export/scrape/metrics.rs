//! `/metrics`.

use super::{ScrapeFormat, ServerState, own, protobuf, step_aside, text};
use crate::export::ServiceIdentity;
use crate::model::metric::Family;
use crate::model::tenant::Access;
use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::io::Write;

pub(super) async fn scrape(
    State(state): State<ServerState>,
    Extension(access): Extension<Access>,
    headers: HeaderMap,
) -> Response {
    step_aside(|| answer(&state, &access, &headers))
}

fn answer(state: &ServerState, access: &Access, headers: &HeaderMap) -> Response {
    let header = |name| {
        headers
            .get(name)
            .and_then(|v: &header::HeaderValue| v.to_str().ok())
            .unwrap_or_default()
    };
    let format = ScrapeFormat::negotiate(header(header::ACCEPT), state.settings.created);
    let mut families = match own::families(state.feed.families.exposition(), access) {
        Ok(families) => families,
        Err(what) => return (StatusCode::NOT_IMPLEMENTED, what).into_response(),
    };
    // What Baton says of itself is of all tenants.
    if *access == Access::All {
        families.extend(state.feed.families.internal());
    }
    if state.settings.identity_labels
        && let Some(identity) = state.feed.families.identity()
    {
        label(&mut families, identity);
    }
    let body = body(&families, format);
    let media = [(header::CONTENT_TYPE, format.content_type())];
    if takes_gzip(header(header::ACCEPT_ENCODING))
        && let Ok(packed) = gzip(&body)
    {
        return (media, [(header::CONTENT_ENCODING, "gzip")], packed).into_response();
    }
    (media, body).into_response()
}

/// Gives every series the labels that it has where it is pushed.
fn label(families: &mut [Family], identity: &ServiceIdentity) {
    let series = families.iter_mut().flat_map(|family| &mut family.series);
    for one in series {
        for (name, value) in [("job", &identity.service), ("instance", &identity.instance)] {
            one.labels.push((name.into(), value.clone()));
        }
    }
}

fn body(families: &[Family], format: ScrapeFormat) -> Vec<u8> {
    match format {
        ScrapeFormat::Protobuf => protobuf::write(families),
        _ => text::write(families, format).into_bytes(),
    }
}

/// Whether `Accept-Encoding` allows gzip: a weight of 0 forbids it (RFC 9110, 12.5.3).
fn takes_gzip(accept: &str) -> bool {
    accept.split(',').any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let is_gzip = parts
            .next()
            .is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        let refused = parts
            .filter_map(|parameter| parameter.strip_prefix("q="))
            .any(|weight| weight.trim().parse() == Ok(0.0_f32));
        is_gzip && !refused
    })
}

fn gzip(text: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use super::takes_gzip;

    #[test]
    fn gzip_is_for_readers_that_take_it() {
        for accept in ["gzip", "br, GZIP;q=0.5", "x-gzip;q=0, gzip", "gzip; q=1"] {
            assert!(takes_gzip(accept), "{accept}");
        }
        for accept in ["", "br", "gzip;q=0", "br, gzip; q=0.000", "notgzip"] {
            assert!(!takes_gzip(accept), "{accept}");
        }
    }
}
