//! A real Collector takes what Baton pushes as deltas of OTLP over gRPC.

use super::super::restarts::{send, session};
use super::super::{folder, until};
use super::{Pusher, address, otlp};
use crate::support::process::Running;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_takes_deltas_over_grpc() {
    let folder = folder("otlp-collector");
    let (grpc, file) = (address(), folder.join("metrics.jsonl"));
    let config = folder.join("collector.yaml");
    let text = format!(
        "receivers: {{otlp: {{protocols: {{grpc: {{endpoint: '{grpc}'}}}}}}}}\n\
         exporters: {{file: {{path: {}, flush_interval: 50ms}}}}\n\
         service:\n  telemetry: {{metrics: {{level: none}}, logs: {{level: error}}}}\n  pipelines: {{metrics: {{receivers: [otlp], exporters: [file]}}}}\n",
        file.display()
    );
    fs::write(&config, text).expect("written");
    let collector = Command::new("otelcol")
        .arg("--config")
        .arg(&config)
        .stdout(Stdio::null())
        .spawn()
        .expect("otelcol is installed: run tests/run");
    let _collector = Running(collector);
    let exporter = otlp(
        &format!("http://{grpc}"),
        "compression: gzip",
        ", temporality_preference: delta",
    );
    let pusher = Pusher::new(&folder, &address(), &exporter, "");
    let (baton, endpoints) = pusher.start();
    let http = endpoints.http.to_string();
    let told = 5;
    for number in 0..told {
        send(&http, &session(number, "desk")).await;
        until("a push", || async {
            (sessions(&file) > number as f64).then_some(())
        })
        .await;
    }
    baton.stop("-TERM");
    let all = || async { (sessions(&file) == told as f64).then_some(()) };
    until("all sessions", all).await;
    fs::remove_dir_all(&folder).expect("removed");
}

/// The sum of the deltas of sessions that a Collector has written. The last line may be half written.
fn sessions(file: &Path) -> f64 {
    let text = fs::read_to_string(file).unwrap_or_default();
    let requests = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut sum = 0.0;
    for request in requests {
        for metric in request["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]
            .as_array()
            .into_iter()
            .flatten()
        {
            if metric["name"] != "baton_sessions_total" {
                continue;
            }
            let found = &metric["sum"];
            assert_eq!(
                (&found["aggregationTemporality"], &found["isMonotonic"]),
                (&1.into(), &true.into())
            );
            sum += found["dataPoints"][0]["asDouble"]
                .as_f64()
                .expect("a number");
        }
    }
    sum
}
