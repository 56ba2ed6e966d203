//! What an operator does: looks at the spool, sends it, and lets old requests go.

use super::relay::{SOON, post, start, wait_for};
use super::server::{OtlpServer, Reply};
use super::{PROTOBUF, sorted, traces};
use crate::support::process::{baton, folder};
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A configuration file, and what `baton spool` says with it.
pub fn spool(action: &str, file: &std::path::Path) -> Output {
    let mut command = baton();
    let command = command.args(["spool", action, "--config"]).arg(file);
    command.output().expect("baton runs")
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_sent_by_hand_when_baton_is_stopped() {
    let state = folder("forward-drain");
    let (address, url) = OtlpServer::nobody().await;
    let config = format!(
        "exporters: {{otlp/next: {{endpoint: '{url}', {SOON}}}}}\nstate: {{directory: '{}'}}\n",
        state.display()
    );
    let file = state.with_extension("yaml");
    std::fs::write(&file, &config).expect("written");
    let none = spool("list", &file);
    assert!(text(&none.stdout).contains("no spool yet"), "{none:?}");
    let app = start(&config).await;
    let mut sent = Vec::new();
    for n in 0..20 {
        let body = traces(n);
        assert_eq!(post(&app, "/v1/traces", PROTOBUF, body.clone()).await, 200);
        sent.push(body);
    }
    let busy = spool("drain", &file);
    assert_eq!(busy.status.code(), Some(6), "{busy:?}");
    assert!(app.stop().await);
    let dead = spool("drain", &file);
    assert_eq!(dead.status.code(), Some(1));
    assert_eq!(text(&dead.stdout), "otlp/next: 20 requests left\n");
    // Without the destination, they wait as before, and nobody takes them for sent.
    let bare = state.with_extension("bare.yaml");
    let without = format!("state: {{directory: '{}'}}\n", state.display());
    std::fs::write(&bare, without).expect("written");
    let nobody = spool("drain", &bare);
    assert_eq!(nobody.status.code(), Some(1));
    assert_eq!(text(&nobody.stdout), "otlp/next: 20 requests left\n");
    let server = OtlpServer::at(address).await;
    let drained = spool("drain", &file);
    assert_eq!(text(&drained.stdout), "otlp/next: 0 requests left\n");
    assert_eq!(drained.status.code(), Some(0));
    assert_eq!(server.bodies(), sorted(sent));
    let shown = text(&spool("list", &file).stdout);
    assert!(shown.contains("quarantine: 0 requests"), "{shown}");
    std::fs::remove_dir_all(&state).expect("removed");
}

/// Who empties a spool before he removes it must hear of what was rejected.
#[tokio::test(flavor = "multi_thread")]
async fn what_destinations_reject_is_left_too() {
    let state = folder("forward-drain-rejected");
    let rejects = Arc::new(AtomicBool::new(false));
    let decides = Arc::clone(&rejects);
    let server = OtlpServer::scripted(move |_, _| match decides.load(Ordering::SeqCst) {
        true => Reply::Grpc(3),
        false => Reply::Grpc(14),
    })
    .await;
    let url = server.url();
    let config = format!(
        "exporters: {{otlp/next: {{endpoint: '{url}', {SOON}}}}}\nstate: {{directory: '{}'}}\n",
        state.display()
    );
    let file = state.with_extension("yaml");
    std::fs::write(&file, &config).expect("written");
    let app = start(&config).await;
    for n in 0..3 {
        assert_eq!(post(&app, "/v1/traces", PROTOBUF, traces(n)).await, 200);
    }
    assert!(app.stop().await);
    rejects.store(true, Ordering::SeqCst);
    for _ in 0..2 {
        let drained = spool("drain", &file);
        let said = text(&drained.stdout);
        assert!(
            said.starts_with("otlp/next: 0 requests left\nquarantine: 3 requests"),
            "{said}"
        );
        assert_eq!(drained.status.code(), Some(1));
    }
    std::fs::remove_dir_all(&state).expect("removed");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_too_old_are_not_sent_and_counted() {
    let server = OtlpServer::scripted(|_, _| Reply::Grpc(14)).await;
    let app = start(&format!(
        "exporters: {{otlp: {{endpoint: '{}', {SOON}}}}}\nspool: {{max_age: 50ms}}",
        server.url()
    ))
    .await;
    assert_eq!(post(&app, "/v1/traces", PROTOBUF, traces(1)).await, 200);
    wait_for(
        &app,
        "baton_exporter_dropped_requests_total",
        "expired",
        1.0,
    )
    .await;
    wait_for(&app, "baton_spool_requests", "", 0.0).await;
    assert!(app.stop().await);
}
