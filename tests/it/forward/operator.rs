//! What an operator does: looks at the spool, sends it, sends again what was rejected, and lets old requests go.

use super::relay::{SOON, post, start, wait_for};
use super::server::{OtlpServer, Reply};
use super::{PROTOBUF, sorted, traces};
use crate::support::process::{baton, folder};
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A configuration file, and what `baton spool` says with it.
fn spool(action: &str, file: &std::path::Path) -> Output {
    let mut command = baton();
    let command = command.args(["spool", action, "--config"]).arg(file);
    command.output().expect("baton runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_request_is_kept_and_sent_again_when_the_cause_is_mended() {
    let state = folder("forward-quarantine");
    let rejects = Arc::new(AtomicBool::new(true));
    let (poison, decides) = (traces(7), Arc::clone(&rejects));
    let bad = poison.clone();
    let server = OtlpServer::scripted(move |_, request| {
        let is_bad = request.body == bad && decides.load(Ordering::SeqCst);
        if is_bad {
            Reply::Http(401, None)
        } else {
            Reply::Ok
        }
    })
    .await;
    let config = format!(
        "exporters: {{otlp/next: {{endpoint: '{}', protocol: http/protobuf}}}}\nstate: {{directory: '{}'}}\n",
        server.url(),
        state.display()
    );
    let file = state.with_extension("yaml");
    std::fs::write(&file, &config).expect("written");
    let app = start(&config).await;
    let fine = traces(1);
    for body in [poison.clone(), fine.clone()] {
        assert_eq!(post(&app, "/v1/traces", PROTOBUF, body).await, 200);
    }
    wait_for(&app, "baton_exporter_quarantined_requests_total", "", 1.0).await;
    wait_for(&app, "baton_exporter_dropped_requests_total", "", 0.0).await;
    wait_for(&app, "baton_spool_requests", "", 0.0).await;
    let shown = text(&spool("list", &file).stdout);
    assert!(shown.contains("quarantine: 1 requests"), "{shown}");
    assert!(
        shown.contains("HTTP status 401") && shown.contains("otlp/next"),
        "{shown}"
    );
    let again = spool("requeue", &file);
    assert_eq!(again.status.code(), Some(1));
    assert!(text(&again.stderr).contains("HTTP status 401"), "{again:?}");
    rejects.store(false, Ordering::SeqCst);
    let sent = spool("requeue", &file);
    assert_eq!(
        text(&sent.stdout),
        "1 requests sent, 0 left in the quarantine\n"
    );
    assert_eq!(sent.status.code(), Some(0));
    assert_eq!(server.bodies(), sorted(vec![poison, fine]));
    wait_for(&app, "baton_spool_quarantine_bytes", "", 0.0).await;
    assert!(app.stop().await);
    std::fs::remove_dir_all(&state).expect("removed");
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
    let server = OtlpServer::at(address).await;
    let drained = spool("drain", &file);
    assert_eq!(text(&drained.stdout), "otlp/next: 0 requests left\n");
    assert_eq!(drained.status.code(), Some(0));
    assert_eq!(server.bodies(), sorted(sent));
    let shown = text(&spool("list", &file).stdout);
    assert!(shown.contains("quarantine: 0 requests"), "{shown}");
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
