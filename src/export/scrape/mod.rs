//! The scrape server: the exporter to Prometheus, with the probes and the pages for people.
//!
//! | File | Content |
//! |---|---|
//! | `metrics.rs` | `/metrics`: format, compression, derived families and Baton's own |
//! | `guard.rs` | who may ask |
//! | `own.rs` | what one tenant is shown of the metrics |
//! | `format.rs` | the formats of a scrape, and which one a scraper prefers |
//! | `text.rs` | Prometheus text 0.0.4 and OpenMetrics 1.0 |
//! | `protobuf.rs` | the protobuf format, which alone carries native histograms |
//! | `pages.rs` | the pages for people: `/`, `/summary`, `/sessions` |

mod format;
mod guard;
mod metrics;
mod own;
mod pages;
pub mod protobuf;
pub mod text;

#[cfg(test)]
mod tests;

pub use format::ScrapeFormat;

use super::exporter::{ExportError, Exporter};
use super::feed::Feed;
use super::sessions::DisplaySettings;
use crate::auth::AccessControl;
use crate::net;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::net::{SocketAddr, TcpListener};
use tokio_util::sync::CancellationToken;

/// What the server is told.
#[derive(Clone, Debug)]
pub struct Settings {
    pub endpoint: SocketAddr,
    /// What serves its connections.
    pub connections: net::Server,
    /// Who may ask.
    pub access: AccessControl,
    /// Whether OpenMetrics has `_created` lines.
    pub created: bool,
    /// Whether every series has the labels `job` and `instance`.
    pub identity_labels: bool,
    /// What the pages for people are told in.
    pub display: DisplaySettings,
}

/// The server, bound and not serving yet.
#[derive(Debug)]
pub struct ScrapeServer {
    listener: TcpListener,
    settings: Settings,
}

/// What a request is answered from.
#[derive(Clone)]
struct ServerState {
    feed: Feed,
    settings: Settings,
}

impl ScrapeServer {
    /// Binds the address; port 0 takes a free one.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub fn bind(settings: Settings) -> std::io::Result<Self> {
        let listener = TcpListener::bind(settings.endpoint)?;
        listener.set_nonblocking(true)?;
        Ok(Self { listener, settings })
    }

    /// The address bound.
    ///
    /// # Errors
    /// As the socket's.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl Exporter for ScrapeServer {
    const NAME: &str = "scrape server";

    /// Needs a runtime of several threads: a scrape that computes steps aside for the probes.
    async fn run(self, feed: Feed, stop: CancellationToken) -> Result<(), ExportError> {
        let listener = tokio::net::TcpListener::from_std(self.listener)?;
        let connections = self.settings.connections.clone();
        let settings = self.settings;
        let router = router(ServerState { feed, settings });
        connections.serve(listener, router, stop.cancelled()).await;
        Ok(())
    }
}

fn router(state: ServerState) -> Router {
    let figures = Router::new()
        .route("/metrics", get(metrics::scrape))
        .route("/summary", get(pages::summary))
        .route("/sessions", get(pages::sessions))
        .route("/sessions/by-trace/{trace}", get(pages::by_trace))
        // Slashes of an id may come as they are.
        .route("/sessions/{*id}", get(pages::session))
        .route_layer(from_fn_with_state(state.clone(), complete));
    let guarded = Router::new()
        .route("/", get(pages::paths))
        .merge(figures)
        .fallback(async || StatusCode::NOT_FOUND)
        .layer(from_fn_with_state(state.clone(), guard::admitted));
    // Who probes a container has no credentials.
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .merge(guarded)
        .with_state(state)
}

/// The answer while the state is recovered.
async fn complete(State(state): State<ServerState>, request: Request, next: Next) -> Response {
    match state.feed.readiness.starting() {
        None => next.run(request).await,
        Some(starting) => {
            let retry = [(header::RETRY_AFTER, "5")];
            (StatusCode::SERVICE_UNAVAILABLE, retry, starting + "\n").into_response()
        }
    }
}

async fn ready(State(state): State<ServerState>) -> Response {
    let unready = state.feed.readiness.unready();
    if unready.is_empty() {
        "ready\n".into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, unready.join("\n") + "\n").into_response()
    }
}

/// Runs work that computes or waits for a partition: probes are answered meanwhile.
fn step_aside<T>(work: impl FnOnce() -> T) -> T {
    tokio::task::block_in_place(work)
}
