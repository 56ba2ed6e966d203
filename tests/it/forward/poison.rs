//! Requests that a destination rejects: for ever, until an operator mends the cause, or a hundred times.

use super::operator::{spool, text};
use super::relay::{SOON, post, start, wait_for};
use super::server::{Arrived, OtlpServer, Reply};
use super::{PROTOBUF, sorted, traces};
use crate::support::process::folder;
use bytes::Bytes;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// A configuration with a spool on disk, and its file.
fn configured(state: &Path, protocol: &str, url: &str) -> (String, PathBuf) {
    let config = format!(
        "exporters: {{otlp/next: {{endpoint: '{url}', protocol: {protocol}, {SOON}}}}}\nstate: {{directory: '{}'}}\n",
        state.display()
    );
    let file = state.with_extension("yaml");
    std::fs::write(&file, &config).expect("written");
    (config, file)
}

#[tokio::test(flavor = "multi_thread")]
async fn poison_is_kept_while_others_flow_and_is_sent_again_when_the_cause_is_mended() {
    for (protocol, reply, said) in [
        ("http/protobuf", Reply::Http(400, None), "HTTP status 400"),
        ("http/protobuf", Reply::Http(401, None), "HTTP status 401"),
        ("grpc", Reply::Grpc(3), "gRPC status InvalidArgument"),
    ] {
        let state = folder("forward-poison");
        let rejects = Arc::new(AtomicBool::new(true));
        let (poison, decides) = (traces(7), Arc::clone(&rejects));
        let bad = poison.clone();
        let script = move |_, request: &Arrived| match request.body == bad {
            true if decides.load(Ordering::SeqCst) => reply.clone(),
            _ => Reply::Ok,
        };
        let server = OtlpServer::scripted(script).await;
        let (config, file) = configured(&state, protocol, &server.url());
        let app = start(&config).await;
        let mut sent: Vec<Bytes> = (100..140).map(traces).collect();
        sent.insert(10, poison.clone());
        for body in &sent {
            assert_eq!(post(&app, "/v1/traces", PROTOBUF, body.clone()).await, 200);
        }
        wait_for(&app, "baton_exporter_quarantined_requests_total", "", 1.0).await;
        wait_for(&app, "baton_exporter_dropped_requests_total", "", 0.0).await;
        wait_for(&app, "baton_spool_requests", "", 0.0).await;
        assert_eq!(server.bodies().len(), 40, "the others flow");
        let shown = text(&spool("list", &file).stdout);
        assert!(shown.contains("quarantine: 1 requests"), "{shown}");
        assert!(
            shown.contains(said) && shown.contains("otlp/next"),
            "{shown}"
        );
        let again = spool("requeue", &file);
        assert_eq!(again.status.code(), Some(1));
        assert!(text(&again.stderr).contains(said), "{again:?}");
        rejects.store(false, Ordering::SeqCst);
        damaged_is_not_sent(&state, &file);
        let requeued = spool("requeue", &file);
        assert_eq!(
            text(&requeued.stdout),
            "1 requests sent, 0 left in the quarantine\n"
        );
        assert_eq!(requeued.status.code(), Some(0));
        assert_eq!(server.bodies(), sorted(sent));
        wait_for(&app, "baton_spool_quarantine_bytes", "", 0.0).await;
        assert!(app.stop().await);
        std::fs::remove_dir_all(&state).expect("removed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_rejected_in_part_is_kept_until_all_of_it_is_accepted() {
    for protocol in ["http/protobuf", "grpc"] {
        let state = folder("forward-partial");
        let rejects = Arc::new(AtomicBool::new(true));
        let (part, decides) = (traces(7), Arc::clone(&rejects));
        let bad = part.clone();
        let script = move |_, request: &Arrived| match request.body == bad {
            true if decides.load(Ordering::SeqCst) => Reply::Partial(3),
            _ => Reply::Ok,
        };
        let server = OtlpServer::scripted(script).await;
        let (config, file) = configured(&state, protocol, &server.url());
        let app = start(&config).await;
        for body in [traces(1), part.clone(), traces(2)] {
            assert_eq!(post(&app, "/v1/traces", PROTOBUF, body).await, 200);
        }
        wait_for(&app, "baton_exporter_sent_requests_total", "", 3.0).await;
        wait_for(&app, "baton_exporter_rejected_items_total", "", 3.0).await;
        wait_for(&app, "baton_exporter_quarantined_requests_total", "", 1.0).await;
        wait_for(&app, "baton_exporter_dropped_requests_total", "", 0.0).await;
        let said = "partial success, 3 spans rejected";
        let shown = text(&spool("list", &file).stdout);
        assert!(shown.contains(said), "{shown}");
        let again = spool("requeue", &file);
        assert_eq!(again.status.code(), Some(1));
        assert!(text(&again.stderr).contains(said), "{again:?}");
        rejects.store(false, Ordering::SeqCst);
        let requeued = spool("requeue", &file);
        assert_eq!(requeued.status.code(), Some(0));
        let arrived = server.arrived();
        let whole = arrived.iter().filter(|request| request.body == part);
        assert_eq!(whole.count(), 3, "at first, in vain, and at last");
        assert!(app.stop().await);
        std::fs::remove_dir_all(&state).expect("removed");
    }
}

/// With a flipped byte, the file in the quarantine is told of and stays.
fn damaged_is_not_sent(state: &Path, file: &Path) {
    let mut kept = std::fs::read_dir(state.join("spool/quarantine")).expect("a folder");
    let path = kept.next().expect("a file").expect("an entry").path();
    let whole = std::fs::read(&path).expect("read");
    let mut flipped = whole.clone();
    let last = flipped.len() - 1;
    flipped[last] ^= 1;
    std::fs::write(&path, flipped).expect("written");
    let shown = text(&spool("list", file).stdout);
    assert!(shown.contains("not readable"), "{shown}");
    let refused = spool("requeue", file);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    std::fs::write(&path, whole).expect("written");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_that_is_exhausted_a_hundred_times_gets_everything_in_the_end() {
    let state = folder("forward-exhausted");
    let refusals = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&refusals);
    // Each of them without `RetryInfo`.
    let script = move |_, _: &Arrived| match counted.fetch_add(1, Ordering::SeqCst) {
        0..100 => Reply::Grpc(8),
        _ => Reply::Ok,
    };
    let server = OtlpServer::scripted(script).await;
    let (config, _) = configured(&state, "grpc", &server.url());
    let app = start(&config).await;
    let sent: Vec<Bytes> = (0..30).map(traces).collect();
    for body in &sent {
        assert_eq!(post(&app, "/v1/traces", PROTOBUF, body.clone()).await, 200);
    }
    wait_for(&app, "baton_spool_requests", "", 0.0).await;
    assert_eq!(server.bodies(), sorted(sent), "each once");
    wait_for(
        &app,
        "baton_exporter_failed_requests_total",
        "throttled",
        100.0,
    )
    .await;
    wait_for(&app, "baton_exporter_dropped_requests_total", "", 0.0).await;
    wait_for(&app, "baton_exporter_quarantined_requests_total", "", 0.0).await;
    assert!(app.stop().await);
    std::fs::remove_dir_all(&state).expect("removed");
}
