//! Who may ask the scrape server.

use super::ServerState;
use crate::auth::{AccessControl, Denial};
use crate::net::{Peer, Trouble};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// How long who asks too often waits, in seconds.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("5");

/// Lets requests with credentials through, and all where nobody needs any, and notes with each what it may reach.
pub(super) async fn admitted(
    State(state): State<ServerState>,
    mut request: Request,
    next: Next,
) -> Response {
    let control = &state.settings.access;
    let Err(denial) = control.admit(&mut request).await else {
        return next.run(request).await;
    };
    let server = &state.settings.connections;
    let trouble = Trouble {
        listener: server.name(),
        reason: denial.reason(),
        what: "refused a request because of its credentials",
        advice: denial.advice(),
        is_usual: false,
    };
    let peer = request.extensions().get::<Peer>().map(|Peer(from)| *from);
    server.reporter().note(trouble, 1, peer);
    refuse(denial, control)
}

fn refuse(denial: Denial, control: &AccessControl) -> Response {
    let code = match denial.is_retryable() {
        true => StatusCode::SERVICE_UNAVAILABLE,
        false if denial.is_forbidden() => StatusCode::FORBIDDEN,
        false => StatusCode::UNAUTHORIZED,
    };
    let mut response = (code, format!("{}\n", denial.text())).into_response();
    let headers = response.headers_mut();
    if denial.is_retryable() {
        headers.insert(header::RETRY_AFTER, RETRY_AFTER);
    } else if code == StatusCode::UNAUTHORIZED {
        for challenge in control.challenges() {
            headers.append(header::WWW_AUTHENTICATE, challenge.clone());
        }
    }
    response
}
