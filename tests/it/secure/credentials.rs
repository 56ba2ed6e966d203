//! What Baton shows to destinations, and that it follows its files.

use super::soon;
use crate::forward::PROTOBUF;
use crate::forward::relay::{SOON, metric, post, start, wait_for};
use crate::forward::server::{OtlpServer, Reply};
use crate::forward::traces;
use crate::support::process::folder;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// A destination that accepts one value of the header only.
async fn guarded(accepted: &Arc<Mutex<String>>, protocol: &str) -> OtlpServer {
    let accepted = Arc::clone(accepted);
    let is_grpc = protocol == "grpc";
    OtlpServer::scripted(move |_, request| {
        let shown = request.headers.get_all("authorization").iter();
        let shown: Vec<_> = shown.collect();
        match shown[..] {
            [shown] if *shown == *accepted.lock().expect("no panic") => Reply::Ok,
            _ if is_grpc => Reply::Grpc(16),
            _ => Reply::Http(401, None),
        }
    })
    .await
}

fn destination(server: &OtlpServer, protocol: &str, auth: &str) -> String {
    format!(
        "exporters: {{otlp/next: {{endpoint: '{}', protocol: {protocol}, {SOON}, auth: {{{auth}}}}}}}\n",
        server.url()
    )
}

fn write(file: &Path, text: &str) {
    fs::write(file, text).expect("written");
}

const SENT: &str = "baton_exporter_sent_requests_total";
const FAILED: &str = "baton_exporter_failed_requests_total";

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_changes_on_either_side_loses_no_request() {
    for protocol in ["grpc", "http/protobuf"] {
        let file = folder("secure-token").join(protocol.replace('/', "-"));
        write(&file, "one\n");
        let accepted = Arc::new(Mutex::new("Bearer one".to_owned()));
        let server = guarded(&accepted, protocol).await;
        let auth = format!(
            "bearer: {{filename: '{}'}}, reload_interval: 10ms",
            file.display()
        );
        // A sender's own header does not go where Baton shows its own.
        let app = start(&format!(
            "{}receivers: {{otlp: {{forward_headers: [authorization]}}}}\n",
            destination(&server, protocol, &auth)
        ))
        .await;
        assert_eq!(post(&app, "/v1/traces", PROTOBUF, traces(1)).await, 200);
        wait_for(&app, SENT, "", 1.0).await;
        // The destination is first.
        "Bearer two".clone_into(&mut accepted.lock().expect("no panic"));
        assert_eq!(post(&app, "/v1/traces", PROTOBUF, traces(2)).await, 200);
        soon(async || metric(app.metrics, FAILED, "unauthenticated").await > 0.0).await;
        write(&file, "two\n");
        wait_for(&app, SENT, "", 2.0).await;
        for lost in ["dropped", "quarantined"] {
            let name = format!("baton_exporter_{lost}_requests_total");
            assert_eq!(metric(app.metrics, &name, "").await, 0.0, "{lost}");
        }
        // A file that cannot be used is counted, and the last token stays in use.
        fs::remove_file(&file).expect("removed");
        let failures = "baton_auth_reload_failures_total";
        soon(async || metric(app.metrics, failures, "otlp/next").await == 1.0).await;
        assert_eq!(post(&app, "/v1/traces", PROTOBUF, traces(3)).await, 200);
        wait_for(&app, SENT, "", 3.0).await;
        assert!(app.stop().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_and_a_password_are_shown_and_a_scheme_can_be_another_one() {
    let folder = folder("secure-user");
    let (user, password) = (folder.join("user"), folder.join("password"));
    write(&user, "Aladdin\n");
    write(&password, "open sesame\n");
    let basic = format!(
        "basic: {{username_file: '{}', password_file: '{}'}}",
        user.display(),
        password.display()
    );
    for (protocol, auth, expected) in [
        ("grpc", &*basic, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
        (
            "http/protobuf",
            "bearer: {scheme: ApiKey, token: one}",
            "ApiKey one",
        ),
    ] {
        let accepted = Arc::new(Mutex::new(expected.to_owned()));
        let server = guarded(&accepted, protocol).await;
        let app = start(&destination(&server, protocol, auth)).await;
        assert_eq!(post(&app, "/v1/traces", PROTOBUF, traces(1)).await, 200);
        wait_for(&app, SENT, "", 1.0).await;
        assert_eq!(metric(app.metrics, FAILED, "").await, 0.0);
        assert!(app.stop().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_baton_sends_to_another_with_the_credentials_that_it_asks_for() {
    let folder = folder("secure-pair");
    let (tokens, token) = (folder.join("tokens"), folder.join("token"));
    write(&tokens, "first a-token\n");
    write(&token, "a-token\n");
    let hash = super::matrix::hash("a-password");
    let next = start(&format!(
        "receivers: {{otlp: {{grpc: {{auth: {{bearer: {{filename: '{}'}}}}}}, http: {{auth: {{basic: {{basic_auth_users: {{me: '{hash}'}}}}}}}}}}}}\n",
        tokens.display()
    ))
    .await;
    let (grpc, http) = (next.grpc, next.http);
    let app = start(&format!(
        "exporters:\n  \
           otlp/grpc: {{endpoint: 'http://{grpc}', auth: {{bearer: {{filename: '{}'}}}}}}\n  \
           otlp/http: {{endpoint: 'http://{http}', protocol: http/protobuf, auth: {{basic: {{username: me, password: a-password}}}}}}\n  \
           otlp/none: {{endpoint: 'http://{grpc}'}}\n  \
           otlp/wrong: {{endpoint: 'http://{http}', protocol: http/protobuf, headers: {{authorization: Bearer a-token}}}}\n",
        token.display()
    ))
    .await;
    assert_eq!(post(&app, "/v1/traces", PROTOBUF, traces(1)).await, 200);
    for exporter in ["otlp/grpc", "otlp/http"] {
        wait_for(&app, SENT, exporter, 1.0).await;
    }
    // Who has other credentials, or none, is told not to retry.
    for exporter in ["otlp/none", "otlp/wrong"] {
        let rejected = format!("exporter=\"{exporter}\",reason=\"rejected\"");
        wait_for(&app, FAILED, &rejected, 1.0).await;
    }
    for (listener, reason) in [("grpc", "no_credentials"), ("http", "wrong_credentials")] {
        let labels = format!("listener=\"{listener}\",reason=\"{reason}\"");
        for name in [
            "baton_unauthenticated_requests_total",
            "baton_receiver_failed_requests_total",
        ] {
            assert_eq!(metric(next.metrics, name, &labels).await, 1.0, "{name}");
        }
    }
    assert!(app.stop().await);
    assert!(next.stop().await);
}
