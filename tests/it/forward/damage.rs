//! A directory of the spool with a flipped byte, under a whole Baton: it starts, all that is whole arrives, and what does not is counted.

use super::relay::{SOON, metric, post, start, wait_for};
use super::server::OtlpServer;
use super::{PROTOBUF, traces};
use crate::support::process::folder;
use bytes::Bytes;
use std::path::{Path, PathBuf};

const REQUESTS: u64 = 9;
/// Bytes between two that are flipped. `src/spool/tests/damage.rs` flips every one, below the network.
const APART: usize = 211;

fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let files = paths.filter(|path| path.is_file());
    let read = files.map(|path| (path.clone(), std::fs::read(&path).expect("read")));
    read.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_byte_costs_one_request_at_most_and_is_counted() {
    let state = folder("forward-damage");
    let (address, url) = OtlpServer::nobody().await;
    let text = format!(
        "exporters: {{otlp/next: {{endpoint: '{url}', {SOON}}}}}\nspool: {{segment_size: 4KiB}}\nstate: {{directory: '{}'}}\n",
        state.display()
    );
    let app = start(&text).await;
    let mut sent: Vec<Bytes> = Vec::new();
    for n in 0..REQUESTS {
        let body = traces(n);
        assert_eq!(post(&app, "/v1/traces", PROTOBUF, body.clone()).await, 200);
        sent.push(body);
    }
    assert!(app.stop().await);
    let spool = state.join("spool");
    let stored = files(&spool);
    assert!(stored.len() >= 4, "several segments, the cursors, the lock");
    for (path, bytes) in &stored {
        for at in (0..bytes.len()).step_by(APART) {
            for (path, _) in files(&spool) {
                std::fs::remove_file(path).expect("removed");
            }
            for (path, bytes) in &stored {
                std::fs::write(path, bytes).expect("written");
            }
            let mut flipped = bytes.clone();
            flipped[at] ^= 0x20;
            std::fs::write(path, flipped).expect("written");
            let server = OtlpServer::at(address).await;
            let app = start(&text).await;
            wait_for(&app, "baton_spool_requests", "", 0.0).await;
            let arrived = server.bodies();
            let lost = sent.iter().filter(|body| !arrived.contains(body)).count();
            let damaged = metric(app.metrics, "baton_spool_damaged_total", "").await;
            let place = format!("{} byte {at}: {lost} lost", path.display());
            assert!(arrived.iter().all(|body| sent.contains(body)), "{place}");
            assert_eq!(arrived.len() + lost, sent.len(), "{place}");
            assert!(lost == 0 || lost == 1 && damaged > 0.0, "{place}");
            assert!(app.stop().await);
            server.close().await;
        }
    }
    std::fs::remove_dir_all(&state).expect("removed");
}
