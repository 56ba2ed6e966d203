//! The spool on a volume that is full, alone and together with the log.

use super::{MIB, SETTINGS, Volume, Watched, start, start_at};
use crate::forward::relay::{SOON, metric};
use crate::forward::server::OtlpServer;
use crate::support::http::{answer, get};
use crate::support::process::{at_the_end, folder, now, session, total};
use bytes::Bytes;
use prost::Message;
use std::fs::File;
use std::path::Path;

/// A session, and bytes of a field that OTLP does not have.
fn large(n: u64) -> Bytes {
    let mut body = session(n, now()).encode_to_vec();
    // Field 1000, 200,000 bytes.
    body.extend_from_slice(b"\xc2\x3e\xc0\x9a\x0c");
    body.resize(body.len() + 200_000, 7);
    body.into()
}

/// The status of a request over HTTP.
fn post(baton: &Watched, body: &[u8]) -> u16 {
    let head = format!(
        "POST /v1/traces HTTP/1.1\r\nHost: baton\r\nContent-Type: application/x-protobuf\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    answer(baton.http, &[head.as_bytes(), body].concat()).0
}

/// Sends until Baton refuses; what it took.
fn fill(baton: &Watched, from: u64) -> Vec<Bytes> {
    let mut taken = Vec::new();
    loop {
        let body = large(from + taken.len() as u64);
        match post(baton, &body) {
            200 => taken.push(body),
            status => {
                assert_eq!(status, 503, "it may be sent again");
                return taken;
            }
        }
        assert!(taken.len() < 500, "it takes more than there is room for");
    }
}

/// Sends until Baton takes it.
async fn taken_again(baton: &Watched, body: &Bytes) {
    while post(baton, body) != 200 {
        tokio::task::yield_now().await;
    }
}

/// Fills a volume to its last byte.
fn others(volume: &Volume) -> std::path::PathBuf {
    let path = volume.0.join("others");
    let file = File::create(&path).expect("made");
    std::io::copy(&mut std::io::repeat(7), &mut &file).expect_err("the volume is full");
    path
}

fn config(url: &str, more: &str) -> String {
    format!("exporters: {{otlp/next: {{endpoint: '{url}', {SOON}}}}}\n{SETTINGS}{more}")
}

async fn figures(state: &Path, sessions: usize) {
    let families = at_the_end(state).await;
    let calls = total(&families, "baton_llm_calls_total", "");
    assert_eq!(calls, 2.0 * sessions as f64);
}

fn sorted(mut bodies: Vec<Bytes>) -> Vec<Bytes> {
    bodies.sort_unstable();
    bodies
}

/// A dead destination, and a spool without a size of its own that fits: it refuses, says why, and goes on without a restart.
#[tokio::test(flavor = "multi_thread")]
async fn a_spool_that_fills_its_volume_refuses_until_the_destination_is_back() {
    let Some(volume) = Volume::mount("volume-spool", 24) else {
        return;
    };
    let state = folder("volume-spool-state");
    let (address, url) = OtlpServer::nobody().await;
    let spool = format!(
        "spool: {{directory: '{}', max_size: 1GiB}}\n",
        volume.0.join("spool").display()
    );
    let baton = start_at(&volume, &state, &config(&url, &spool));
    let mut taken = fill(&baton, 0);
    assert!(taken.len() > 20, "{}", taken.len());
    let unready = get(baton.server, "/readyz").await;
    assert!(
        unready.contains("503") && unready.contains("spool"),
        "{unready}"
    );
    let refused = "baton_receiver_failed_requests_total";
    assert!(metric(baton.server, refused, "spool_full").await > 0.0);
    // The alert compares these two.
    let (bytes, most) = (
        metric(baton.server, "baton_spool_bytes", "").await,
        metric(baton.server, "baton_spool_max_bytes", "").await,
    );
    assert!(
        bytes > 0.9 * most && most < 24.0 * MIB as f64,
        "{bytes} of {most}"
    );
    let waiting = metric(baton.server, "baton_spool_requests", "otlp/next").await;
    assert_eq!(waiting, taken.len() as f64);
    // Now to the last byte.
    let file = others(&volume);
    assert!(fill(&baton, 1000).is_empty());
    // The writer looks at the volume once a second.
    let why = "the volume is nearly full";
    while !get(baton.server, "/readyz").await.contains(why) {}
    let server = OtlpServer::at(address).await;
    server.wait(taken.len()).await;
    std::fs::remove_file(&file).expect("removed");
    let last = large(2000);
    taken_again(&baton, &last).await;
    taken.push(last);
    server.wait(taken.len()).await;
    let sessions = taken.len();
    assert!(server.bodies() == sorted(taken), "each once, byte for byte");
    assert_eq!(
        metric(baton.server, "baton_exporter_dropped_requests_total", "").await,
        0.0
    );
    drop(baton.running);
    figures(&state, sessions).await;
    std::fs::remove_dir_all(&state).expect("removed");
}

/// Whichever of the two is short of room, nothing is counted that was refused and nothing is lost, though the process is killed and starts on the
/// full volume.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_and_a_spool_on_one_full_volume_agree_on_what_was_taken() {
    let Some(volume) = Volume::mount("volume-both", 32) else {
        return;
    };
    let (address, url) = OtlpServer::nobody().await;
    let text = config(&url, "");
    let baton = start(&volume, &text);
    let mut taken = fill(&baton, 0);
    assert!(taken.len() > 20, "{}", taken.len());
    let file = others(&volume);
    assert!(fill(&baton, 1000).is_empty());
    drop(baton.running);
    let baton = start(&volume, &text);
    assert!(fill(&baton, 2000).is_empty());
    assert!(get(baton.server, "/readyz").await.contains("503"));
    let server = OtlpServer::at(address).await;
    server.wait(taken.len()).await;
    std::fs::remove_file(&file).expect("removed");
    let last = large(3000);
    taken_again(&baton, &last).await;
    taken.push(last);
    server.wait(taken.len()).await;
    while metric(baton.server, "baton_spool_requests", "").await > 0.0 {}
    let (sessions, mut arrived) = (taken.len(), server.bodies());
    // What was delivered shortly before the kill is delivered again.
    arrived.dedup();
    assert!(
        arrived == sorted(taken),
        "byte for byte, and nothing that was refused"
    );
    drop(baton.running);
    figures(&volume.state(), sessions).await;
}
