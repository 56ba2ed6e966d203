//! The server of `/metrics`, `/healthz`, `/readyz`, and of the pages for people (`people.rs`).

use super::prometheus::{self, Format};
use super::protobuf;
use super::session::Manner;
use super::sessions::Visit;
use super::{internal, people};
use crate::model::fact::Fact;
use crate::model::ids::{PartitionKey, TraceId};
use crate::model::metric::Family;
use crate::model::time::Timestamp;
use crate::net;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::future::Future;
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

/// What the server is told.
#[derive(Clone, Debug)]
pub struct Settings {
    pub endpoint: SocketAddr,
    /// What serves its connections.
    pub connections: net::Server,
    pub created: bool,
}

/// Where the server finds what it shows.
pub trait Source: Send + Sync + 'static {
    /// How far the start is, while the state is not complete: no figure is shown until it is.
    fn starting(&self) -> Option<String> {
        None
    }
    /// The derived metrics as Prometheus is shown them.
    fn exposition(&self) -> Vec<Family>;
    /// The derived metrics at their true values, for people.
    fn figures(&self) -> Vec<Family>;
    /// Baton's own metrics as text 0.0.4.
    fn own(&self) -> String;
    /// What is known of a session, by its id, or of a trace without one; one entry for each tenant that has it.
    fn story(&self, id: &str) -> Vec<(PartitionKey, Vec<Fact>)>;
    /// What is known of the sessions of a trace.
    fn story_of_trace(&self, trace: TraceId) -> Vec<(PartitionKey, Vec<Fact>)>;
    /// Shows every session that is remembered.
    fn stories(&self, visit: Visit<'_>);
    /// How people are told of sessions.
    fn manner(&self) -> &Manner;
    /// What is not ready; empty when all is.
    fn unready(&self) -> Vec<String>;
    fn now(&self) -> Timestamp;
}

/// The server, bound and not serving yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    connections: net::Server,
    router: Router,
}

#[derive(Clone)]
pub(super) struct Shown {
    source: Arc<dyn Source>,
    settings: Settings,
}

impl Shown {
    pub(super) fn source(&self) -> &dyn Source {
        &*self.source
    }
}

impl Server {
    /// Binds the address; port 0 takes a free one.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub fn bind(settings: Settings, source: Arc<dyn Source>) -> std::io::Result<Self> {
        let listener = TcpListener::bind(settings.endpoint)?;
        listener.set_nonblocking(true)?;
        let connections = settings.connections.clone();
        let shown = Shown { source, settings };
        let figures = Router::new()
            .route("/metrics", get(metrics))
            .route("/summary", get(people::summary))
            .route("/sessions", get(people::sessions))
            .route("/sessions/by-trace/{trace}", get(people::by_trace))
            // Slashes of an id may come as they are.
            .route("/sessions/{*id}", get(people::session))
            .route_layer(from_fn_with_state(shown.clone(), complete));
        let router = Router::new()
            .route("/", get(people::paths))
            .route("/healthz", get(async || "ok\n"))
            .route("/readyz", get(ready))
            .merge(figures)
            .with_state(shown);
        Ok(Self {
            listener,
            connections,
            router,
        })
    }

    /// The address bound.
    ///
    /// # Errors
    /// As the socket's.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` ends, on the runtime that calls it: one of several threads.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn serve(
        self,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<()> {
        let listener = tokio::net::TcpListener::from_std(self.listener)?;
        self.connections.serve(listener, self.router, stop).await;
        Ok(())
    }
}

async fn metrics(State(shown): State<Shown>, headers: HeaderMap) -> Response {
    aside(|| scrape(&shown, &headers))
}

/// The answer while the state is recovered: a figure of a part of it would look like a counter that was reset.
async fn complete(State(shown): State<Shown>, request: Request, next: Next) -> Response {
    match shown.source.starting() {
        None => next.run(request).await,
        Some(starting) => {
            let retry = [(header::RETRY_AFTER, "5")];
            (StatusCode::SERVICE_UNAVAILABLE, retry, starting + "\n").into_response()
        }
    }
}

/// Work that computes or waits for a partition: probes are answered meanwhile.
pub(super) fn aside<T>(work: impl FnOnce() -> T) -> T {
    tokio::task::block_in_place(work)
}

fn scrape(shown: &Shown, headers: &HeaderMap) -> Response {
    let header = |name| {
        headers
            .get(name)
            .and_then(|v: &header::HeaderValue| v.to_str().ok())
            .unwrap_or_default()
    };
    let format = Format::negotiate(header(header::ACCEPT), shown.settings.created);
    let families = shown.source.exposition();
    let body = body(&families, &shown.source.own(), format);
    let media = [(header::CONTENT_TYPE, format.content_type())];
    if takes_gzip(header(header::ACCEPT_ENCODING))
        && let Ok(packed) = gzip(&body)
    {
        return (media, [(header::CONTENT_ENCODING, "gzip")], packed).into_response();
    }
    (media, body).into_response()
}

fn body(families: &[Family], own: &str, format: Format) -> Vec<u8> {
    if format == Format::Protobuf {
        let mut bytes = protobuf::write(families);
        for family in internal::families(own) {
            protobuf::put(&family, &mut bytes);
        }
        return bytes;
    }
    let mut text = prometheus::write(families, format);
    text.push_str(&internal::rewrite(own, format));
    if format != Format::Text {
        text.push_str("# EOF\n");
    }
    text.into_bytes()
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

async fn ready(State(shown): State<Shown>) -> Response {
    let unready = shown.source.unready();
    if unready.is_empty() {
        "ready\n".into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, unready.join("\n") + "\n").into_response()
    }
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
