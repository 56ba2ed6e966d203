//! Limits of requests of one tenant: it is told to retry, and no other one is touched.

use super::credentials::{Reaches, by_secret};
use super::{page, post, request, started};
use crate::support::process::folder;
use baton::app::App;
use std::path::Path;
use std::sync::atomic::Ordering;

const SECOND: u64 = 1_000_000_000;

/// A refusal over both protocols says that a retry helps, and when.
pub fn assert_says_when(app: &App, sender: &[String], folder: &Path, key: &str) {
    let body = format!("@{}", folder.join("body").display());
    let texts = |texts: &[&str]| {
        texts
            .iter()
            .map(|one| (*one).to_owned())
            .collect::<Vec<_>>()
    };
    let sends = texts(&["--dump-header", "-", "--data-binary", &body]);
    let protobuf = texts(&["-H", "content-type: application/x-protobuf"]);
    let traces = format!("http://{}/v1/traces", app.http);
    let (_, head) = page(&traces, &[sender, &sends, &protobuf].concat());
    for told in ["429", "retry-after: ", key] {
        assert!(head.contains(told), "{told} is not in {head}");
    }
    let grpc = texts(&[
        "--http2-prior-knowledge",
        "-H",
        "content-type: application/grpc",
        "-H",
        "te: trailers",
    ]);
    let export = "opentelemetry.proto.collector.trace.v1.TraceService/Export";
    let url = format!("http://{}/{export}", app.grpc);
    let (_, head) = page(&url, &[sender, &sends, &grpc].concat());
    for told in ["grpc-status: 8", "grpc-status-details-bin"] {
        assert!(head.contains(told), "{told} is not in {head}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_at_its_limit_is_told_to_retry_and_no_other_one_is() {
    let folder = folder("secure-limits");
    let way = by_secret(&folder);
    for (limits, reason) in [
        (
            "request_rate: 1, request_burst_size: 2",
            "tenant_request_rate",
        ),
        (
            "ingestion_rate: 1KiB, ingestion_burst_size: 2KiB",
            "tenant_ingestion_rate",
        ),
        ("max_bytes_in_flight: 1KiB", "tenant_bytes_in_flight"),
    ] {
        let overrides = format!("tenants: {{overrides: {{a: {{{limits}}}}}, ");
        let config = way.config.replace("tenants: {", &overrides);
        let (app, nanos) = started(&config).await;
        let [a, b, ops] = [Reaches::Own("a"), Reaches::Own("b"), Reaches::All]
            .map(|reaches| way.sender(reaches).expect("a sender"));
        let traces = format!("http://{}/v1/traces", app.http);
        let send = |sender| post(&traces, sender, &folder, &request("x"));
        let is_rate = reason != "tenant_bytes_in_flight";
        if is_rate {
            assert_eq!(send(a), "200");
            assert_eq!(send(a), "200", "the burst of {limits}");
        }
        assert_eq!(send(a), "429", "{limits}");
        assert_says_when(&app, a, &folder, "tenants.limits.");
        for other in [b, ops] {
            for _ in 0..4 {
                assert_eq!(send(other), "200", "{limits}");
            }
        }
        let (_, metrics) = page(&format!("http://{}/metrics", app.metrics), ops);
        for (tenant, refused) in [("a", 3), ("b", 0), ("other", 0)] {
            let line = format!(
                "baton_tenant_refused_requests_total{{tenant=\"{tenant}\",reason=\"{reason}\"}} {refused}"
            );
            assert!(metrics.contains(&line), "{line} is not in {metrics}");
        }
        if is_rate {
            nanos.fetch_add(10 * SECOND, Ordering::AcqRel);
            assert_eq!(send(a), "200", "{limits}");
        }
        assert!(app.stop().await);
    }
}
