//! Who may ask the scrape server.

use super::ServerState;
use crate::auth::{Authenticator, Denial};
use crate::net::{Peer, Trouble};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// How long who asks too often waits, in seconds.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("5");

/// Lets requests with credentials through, and all where nobody needs any.
pub(super) async fn authenticated(
    State(state): State<ServerState>,
    request: Request,
    next: Next,
) -> Response {
    let Some(auth) = &state.settings.auth else {
        return next.run(request).await;
    };
    let Err(denial) = auth.check(request.headers()).await else {
        return next.run(request).await;
    };
    let server = &state.settings.connections;
    let trouble = Trouble {
        listener: server.name(),
        reason: denial.reason(),
        what: "refused a request because of its credentials",
        advice: denial.advice(),
    };
    let peer = request.extensions().get::<Peer>().map(|Peer(from)| *from);
    server.reporter().note(trouble, 1, peer);
    refuse(denial, auth)
}

fn refuse(denial: Denial, auth: &Authenticator) -> Response {
    let code = match denial.is_retryable() {
        true => StatusCode::SERVICE_UNAVAILABLE,
        false => StatusCode::UNAUTHORIZED,
    };
    let mut response = (code, format!("{}\n", denial.text())).into_response();
    let headers = response.headers_mut();
    if denial.is_retryable() {
        headers.insert(header::RETRY_AFTER, RETRY_AFTER);
    } else {
        for challenge in auth.challenges() {
            headers.append(header::WWW_AUTHENTICATE, challenge.clone());
        }
    }
    response
}
