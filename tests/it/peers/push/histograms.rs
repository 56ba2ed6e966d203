//! Each form of histograms that Baton pushes is what it says in a real Prometheus, with exemplars and with the times at which series began.

use super::super::restarts::{send, session};
use super::super::{folder, get, sum, until};
use super::{Pusher, Receiver, address, otlp, remote_write};
use crate::support::http;
use serde_json::Value;
use std::fs;

const NAME: &str = "baton_turn_duration_seconds";
const SESSIONS: u64 = 7;

/// The buckets of a native histogram as (lower bound, upper bound, count), without empty ones.
async fn buckets(prometheus: &str, job: &str) -> Vec<(f64, f64, f64)> {
    let url = format!("http://{prometheus}/api/v1/query?query=sum({NAME}%7Bjob%3D%22{job}%22%7D)");
    let answer = get(&url).await.expect("an answer");
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    let found = &answer["data"]["result"][0]["histogram"][1]["buckets"];
    let number = |value: &Value| value.as_str().expect("a text").parse().expect("a number");
    let found = found.as_array().expect("buckets").iter();
    found
        .map(|bucket| (number(&bucket[1]), number(&bucket[2]), number(&bucket[3])))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_form_of_a_histogram_arrives_as_such() {
    let folder = folder("push-native");
    let server = address();
    let prometheus = Receiver::prometheus(&folder, &server, "exemplar-storage");
    let at = prometheus.address.clone();
    let exporters = [
        otlp(
            &format!("http://{at}/api/v1/otlp"),
            "protocol: http/protobuf",
            ", default_histogram_aggregation: base2_exponential_bucket_histogram",
        ),
        remote_write("exponential", &at, "external_labels: {job: exponential}"),
        remote_write(
            "custom",
            &at,
            "external_labels: {job: custom}, histograms: [custom_buckets]",
        ),
    ];
    let native = ", native_histograms: true";
    let pusher = Pusher::new(&folder, &server, &exporters.join(", "), native);
    let (_baton, endpoints) = pusher.start();
    let http = endpoints.http.to_string();
    for number in 0..SESSIONS {
        send(&http, &session(number, "desk")).await;
    }
    let ask = async |expression: String| {
        let value = sum(&at, &expression, None).await;
        value.unwrap_or_else(|| panic!("no value: {expression}"))
    };
    for job in ["scraped", "pushed", "exponential", "custom"] {
        let all = format!(r#"sum(histogram_count({NAME}{{job="{job}"}})) == {SESSIONS}"#);
        until(job, || sum(&at, &all, None)).await;
        let total = ask(format!(r#"sum(histogram_sum({NAME}{{job="{job}"}}))"#)).await;
        assert!((total - 0.007).abs() < 1e-9, "{job}: {total}");
    }
    // All turns take a millisecond, and exponential buckets are 9 % wide.
    for job in ["scraped", "pushed", "exponential"] {
        let median = ask(format!(
            r#"histogram_quantile(0.5, sum({NAME}{{job="{job}"}}))"#
        ))
        .await;
        assert!((0.000_9..=0.001_1).contains(&median), "{job}: {median}");
    }
    custom_buckets_are_those_of_the_classic_histogram(&at).await;
    exemplars_are_there(&at).await;
    drop(prometheus);
    fs::remove_dir_all(&folder).expect("removed");
}

/// One exporter sends classic parts and exponential buckets, which have different names, and the other one custom buckets only.
async fn custom_buckets_are_those_of_the_classic_histogram(at: &str) {
    let all = format!(r#"sum({NAME}_count{{job="exponential"}}) == {SESSIONS}"#);
    until("a classic histogram", || sum(at, &all, None)).await;
    let first = format!(r#"{NAME}_bucket{{job="exponential"}} > 0"#);
    let bound = super::super::query(at, &first, None)
        .await
        .expect("buckets");
    let bounds = bound
        .iter()
        .filter_map(|(labels, ..)| labels["le"].as_str());
    let bounds = bounds.filter_map(|bound| bound.parse::<f64>().ok());
    let bound = bounds.fold(f64::INFINITY, f64::min);
    let found = buckets(at, "custom").await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].1, found[0].2), (bound, SESSIONS as f64));
    let classic =
        format!(r#"histogram_quantile(0.5, sum by (le) ({NAME}_bucket{{job="exponential"}}))"#);
    let custom = format!(r#"histogram_quantile(0.5, sum({NAME}{{job="custom"}}))"#);
    let median = sum(at, &custom, None).await;
    assert!(median.is_some_and(|median| median > 0.0), "{median:?}");
    assert_eq!(sum(at, &classic, None).await, median);
    let classic = format!(r#"{NAME}_count{{job="custom"}}"#);
    assert_eq!(sum(at, &classic, None).await, None);
}

async fn exemplars_are_there(at: &str) {
    for (job, series) in [
        ("exponential", "_bucket"),
        ("exponential", ""),
        ("custom", ""),
    ] {
        let url = format!(
            "http://{at}/api/v1/query_exemplars?query={NAME}{series}%7Bjob%3D%22{job}%22%7D&start=0&end=99999999999"
        );
        let exemplars = get(&url).await.expect("an answer");
        let trace = format!(r#""trace_id":"{:032x}""#, SESSIONS);
        assert!(exemplars.contains(&trace), "{job}{series}: {exemplars}");
    }
}

/// The times and values of a counter under a job.
async fn raw(prometheus: &str, job: &str) -> Option<Vec<(f64, f64)>> {
    let url = format!(
        "http://{prometheus}/api/v1/query?query=baton_agent_invocations_total%7Bjob%3D%22{job}%22%7D%5B1h%5D"
    );
    let answer: Value = serde_json::from_str(&get(&url).await?).ok()?;
    let values = answer["data"]["result"][0]["values"].as_array()?.iter();
    values
        .map(|sample| Some((sample[0].as_f64()?, sample[1].as_str()?.parse().ok()?)))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_asks_for_start_times_has_a_0_when_a_counter_began() {
    let folder = folder("push-start");
    let features = "created-timestamp-zero-ingestion";
    let prometheus = Receiver::prometheus(&folder, &address(), features);
    let at = prometheus.address.clone();
    let exporter = remote_write("next", &at, "external_labels: {job: written}");
    let server = address();
    let pusher = Pusher::new(&folder, &server, &exporter, ", created: true");
    let (_baton, endpoints) = pusher.start();
    send(&endpoints.http.to_string(), &session(0, "desk")).await;
    let samples = until("its value", || async {
        let samples = raw(&at, "written").await?;
        samples
            .last()
            .is_some_and(|last| last.1 == 1.0)
            .then_some(samples)
    })
    .await;
    let started = until("when it began", || async {
        // The classic text of Prometheus has no start times.
        let request = format!(
            "GET /metrics HTTP/1.1\r\nHost: {server}\r\nAccept: application/openmetrics-text\r\nConnection: close\r\n\r\n"
        );
        let (_, _, text) = http::answer(server.parse().expect("an address"), request.as_bytes());
        let mut lines = text.lines();
        let line = lines.find(|line| line.starts_with("baton_agent_invocations_created"))?;
        line.rsplit_once(' ')?.1.parse::<f64>().ok()
    })
    .await;
    // Points have times in milliseconds.
    let (first, value) = samples[0];
    assert_eq!(((started * 1e3).floor() / 1e3, 0.0), (first, value));
    drop(prometheus);
    fs::remove_dir_all(&folder).expect("removed");
}
