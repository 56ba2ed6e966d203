//! The throughput of the log on disk as a share of that of the log in memory.

use crate::payload::{Kind, Payload};
use crate::{config, now, runtime, say, seconds};
use baton::app::App;
use baton::clock::Clock;
use baton::ingest::{Encoding, ExportRequest, IngestError, Signal};
use baton::log::LogKind;
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Spans of one request, and requests under way at once.
const BATCH: u64 = 200;
const IN_FLIGHT: u64 = 16;
/// In turns, so that whatever else the machine does meets both.
const ROUNDS: usize = 5;

pub fn share(spans: u64) {
    let runtime = runtime();
    let mut rates = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        for (kind, rates) in [LogKind::Memory, LogKind::Disk].into_iter().zip(&mut rates) {
            rates.push(runtime.block_on(rate(kind, spans)));
        }
    }
    let [memory, disk] = rates.map(|mut rates| {
        rates.sort_by(f64::total_cmp);
        rates[ROUNDS / 2]
    });
    say(&serde_json::json!({
        "memory_spans_per_second": memory,
        "disk_spans_per_second": disk,
        "share": disk / memory,
    })
    .to_string());
}

/// Acknowledged and applied spans a second, from the body of a request on.
async fn rate(log: LogKind, spans: u64) -> f64 {
    let folder = tempfile::tempdir().expect("a folder");
    let app = App::start(&config(log, folder.path()), Clock::system()).await;
    let app = Arc::new(app.expect("it starts"));
    let payload = Arc::new(Payload::new(Kind::Lean, BATCH));
    let next = Arc::new(AtomicU64::new(0));
    let requests = spans.div_ceil(BATCH);
    let begin = now();
    let lanes: Vec<_> = (0..IN_FLIGHT)
        .map(|_| {
            let (app, payload, next) = (Arc::clone(&app), Arc::clone(&payload), Arc::clone(&next));
            tokio::spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= requests {
                        return;
                    }
                    let body = payload.request(number);
                    while !taken(&app, body.clone()).await {
                        tokio::task::yield_now().await;
                    }
                }
            })
        })
        .collect();
    for lane in lanes {
        lane.await.expect("no panic");
    }
    while app.engine().backlog() > 0 {
        tokio::task::yield_now().await;
    }
    let rate = (requests * BATCH) as f64 / seconds(begin);
    let app = Arc::into_inner(app).expect("nobody else has it");
    assert!(app.stop().await);
    rate
}

async fn taken(app: &App, body: Bytes) -> bool {
    let request = ExportRequest {
        signal: Signal::Traces,
        encoding: Encoding::Protobuf,
        tenant: None,
        headers: Vec::new(),
        body,
    };
    match app.ingest().submit(request).await {
        Ok(_) => true,
        Err(IngestError::Full(_)) => false,
        Err(other) => panic!("refused for {other:?}"),
    }
}
