//! OTLP that Baton pushes, in a real Prometheus that scrapes it too and gets remote write, and in a real Collector: the same series with the same
//! values, and every first value of OTLP counts, over restarts of Baton and outages of Prometheus.

use super::restarts::{send, session};
use super::{folder, get, query, sum, until};
use crate::support::process::{self, Endpoints, Running};
use baton::catalogue::{DERIVED, INTERNAL};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// An address that was free a moment ago: neither Prometheus nor the Collector can tell a port that it chose itself.
fn address() -> String {
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    free.local_addr().expect("its address").to_string()
}

/// A Prometheus 3 that takes OTLP, and scrapes Baton as another job.
pub(super) struct Receiver {
    folder: PathBuf,
    pub(super) address: String,
    process: Option<Running>,
}

impl Receiver {
    pub(super) fn start(folder: &Path, target: &str) -> Self {
        let config = format!(
            "global: {{scrape_interval: 200ms}}\n\
             scrape_configs:\n- job_name: scraped\n  static_configs: [{{targets: ['{target}'], labels: {{instance: baton-0}}}}]\n"
        );
        fs::write(folder.join("prometheus.yml"), config).expect("written");
        let mut receiver = Self {
            folder: folder.to_owned(),
            address: address(),
            process: None,
        };
        receiver.begin();
        receiver
    }

    pub(super) fn begin(&mut self) {
        let file = |name: &str| self.folder.join(name).display().to_string();
        let child = Command::new("prometheus316")
            .arg(format!("--config.file={}", file("prometheus.yml")))
            .arg(format!("--storage.tsdb.path={}", file("data")))
            .arg(format!("--web.listen-address={}", self.address))
            .args(["--web.enable-otlp-receiver", "--log.level=error"])
            .arg("--web.enable-remote-write-receiver")
            .arg("--enable-feature=exemplar-storage")
            .spawn()
            .expect("prometheus316 is installed: run tests/run");
        self.process = Some(Running(child));
    }

    pub(super) fn end(&mut self) {
        let running = self.process.take().expect("it runs");
        stop(running, "-TERM");
    }
}

fn stop(mut running: Running, signal: &str) {
    let pid = running.0.id().to_string();
    let asked = Command::new("kill").args([signal, &pid]).status();
    assert!(asked.expect("kill").success());
    running.0.wait().expect("it ends");
}

/// A Baton on one state directory that is scraped at one address.
struct Pusher {
    folder: PathBuf,
    server: String,
}

impl Pusher {
    fn new(folder: &Path, exporter: &str, metrics: &str) -> Self {
        let config = format!(
            "stitch: {{settle: 100ms, bind_timeout: 200ms, trace_timeout: 1s, drop_timeout: 1s, idle_timeout: 24h}}\n\
             metrics: {{zero_hold: 1s{metrics}}}\nservice: {{name: pushed, instance: {{id: baton-0}}}}\n\
             exporters: {{otlp/next: {{{exporter}, retry_on_failure: {{initial_interval: 10ms, max_interval: 100ms}}}}}}\n"
        );
        fs::write(folder.join("baton.yaml"), config).expect("written");
        Self {
            folder: folder.to_owned(),
            server: address(),
        }
    }

    fn start(&self) -> (Running, Endpoints) {
        let mut command = process::baton();
        let command = process::run(&mut command)
            .arg("--config")
            .arg(self.folder.join("baton.yaml"))
            .args(["--server-endpoint", &self.server, "--state-directory"])
            .arg(self.folder.join("state"));
        process::spawn(command)
    }
}

/// All series of Baton under a job, by name and labels without the job. Prometheus writes a whole bound of OTLP as `1` in the label `le`, and that of a
/// scrape as `1.0`.
async fn series(prometheus: &str, job: &str) -> Option<BTreeMap<String, f64>> {
    let all = format!(r#"{{__name__=~"baton_.+", job="{job}"}}"#);
    let found = query(prometheus, &all, None).await?;
    let named = found.into_iter().map(|(mut labels, _, value)| {
        labels.as_object_mut().expect("labels").remove("job");
        if let Some(bound) = labels.get("le").and_then(Value::as_str) {
            labels["le"] = bound.trim_end_matches(".0").into();
        }
        (labels.to_string(), value)
    });
    Some(named.collect())
}

fn name(series: &str) -> String {
    let labels: Value = serde_json::from_str(series).expect("labels");
    labels["__name__"].as_str().expect("a name").to_owned()
}

/// Whether a series is about the business, and not about Baton's own work, which goes on between a scrape and a push.
fn is_derived(series: &str) -> bool {
    let name = name(series);
    let stems = ["_bucket", "_sum", "_count"].map(|end| name.strip_suffix(end));
    let stems: Vec<&str> = stems.into_iter().flatten().chain([&*name]).collect();
    DERIVED.iter().any(|row| stems.contains(&row.name))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scrape_remote_write_and_otlp_give_the_same_series() {
    let folder = folder("otlp-same");
    let mut pusher = Pusher::new(&folder, "", "");
    let mut prometheus = Receiver::start(&folder, &pusher.server);
    let at = prometheus.address.clone();
    let exporter = format!(
        "endpoint: 'http://{at}/api/v1/otlp', protocol: http/protobuf, compression: gzip, send: [derived], derived: {{interval: 200ms}}}},\n \
         prometheusremotewrite/next: {{endpoint: 'http://{at}/api/v1/write', interval: 200ms, external_labels: {{job: written}}"
    );
    pusher = Pusher {
        server: pusher.server.clone(),
        ..Pusher::new(&folder, &exporter, "")
    };
    let (mut baton, endpoints) = pusher.start();
    let mut http = endpoints.http.to_string();
    let counted = |job: &str, agents: usize| {
        let all = format!(r#"sum(baton_agent_invocations_total{{job="{job}"}}) == {agents}"#);
        let at = at.clone();
        async move { until("all agents", || sum(&at, &all, None)).await }
    };
    for number in 0..3 {
        send(&http, &session(number, &format!("agent {number}"))).await;
    }
    counted("pushed", 3).await;
    // Prometheus is away, a series is born, and Baton is killed and comes back.
    prometheus.end();
    send(&http, &session(3, "agent 3")).await;
    let born = r#"baton_agent_invocations_total{agent="agent 3""#;
    let url = format!("http://{}/metrics", pusher.server);
    until("the series", || async {
        let text = get(&url).await?;
        let line = text.lines().find(|line| line.starts_with(born))?;
        line.ends_with(" 1").then_some(())
    })
    .await;
    stop(baton, "-KILL");
    (baton, http) = {
        let (baton, endpoints) = pusher.start();
        (baton, endpoints.http.to_string())
    };
    send(&http, &session(4, "agent 4")).await;
    prometheus.begin();
    counted("pushed", 5).await;
    stop(baton, "-TERM");
    let (_baton, endpoints) = pusher.start();
    http = endpoints.http.to_string();
    send(&http, &session(5, "agent 5")).await;
    counted("pushed", 6).await;
    counted("scraped", 6).await;
    every_value_counts_once(&at, 6).await;

    all_jobs_have_the_same(&at).await;
    let exemplars = format!(
        "http://{at}/api/v1/query_exemplars?query=baton_turn_duration_seconds_bucket%7Bjob%3D%22pushed%22%7D&start=0&end=99999999999"
    );
    let exemplars = get(&exemplars).await.expect("an answer");
    assert!(
        exemplars.contains(&format!(r#""trace_id":"{:032x}""#, 6)),
        "{exemplars}"
    );
    drop(prometheus);
    fs::remove_dir_all(&folder).expect("removed");
}

/// The same series in all jobs, with the same values.
pub(super) async fn all_jobs_have_the_same(at: &str) {
    let derived = |all: &BTreeMap<String, f64>| -> BTreeMap<String, f64> {
        let all = all.clone().into_iter();
        all.filter(|(series, _)| is_derived(series)).collect()
    };
    let names = |all: &BTreeMap<String, f64>| -> BTreeSet<String> { all.keys().cloned().collect() };
    let scraped = until("equal series", || async {
        let scraped = series(at, "scraped").await?;
        for job in ["pushed", "written"] {
            let pushed = series(at, job).await?;
            if derived(&scraped) != derived(&pushed) || names(&scraped) != names(&pushed) {
                return None;
            }
        }
        Some(scraped)
    })
    .await;
    let own = scraped.keys().filter(|series| !is_derived(series));
    let is_known = |series: &String| INTERNAL.iter().any(|row| row.name == name(series));
    assert!(own.clone().count() > 20 && own.clone().all(is_known));
    assert!(scraped.len() - own.count() > 50);
}

/// At the time of the last push each agent has counted once, and nothing fell.
async fn every_value_counts_once(prometheus: &str, agents: u64) {
    let last = r#"max(timestamp(baton_agent_invocations_total{job="pushed"}))"#;
    let last = sum(prometheus, last, None).await.expect("a time");
    let increase = r#"sum by (agent) (increase(baton_agent_invocations_total{job="pushed"}[1h]))"#;
    let found = query(prometheus, increase, Some(last))
        .await
        .expect("an answer");
    let found: BTreeMap<String, f64> = found
        .into_iter()
        .map(|(labels, _, value)| (labels["agent"].to_string(), (value * 1e6).round() / 1e6))
        .collect();
    let expected = (0..agents).map(|agent| (format!("\"agent {agent}\""), 1.0));
    assert_eq!(found, expected.collect());
    let growing = r#"{__name__=~"baton_(sessions|turns|agent_invocations)_total|baton_turn_duration_seconds_(count|bucket)", job="pushed"}"#;
    let fell = sum(
        prometheus,
        &format!("max(resets({growing}[1h]))"),
        Some(last),
    )
    .await;
    assert_eq!(fell, Some(0.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn exponential_histograms_are_native_ones_in_prometheus() {
    let folder = folder("otlp-native");
    let mut pusher = Pusher::new(&folder, "", "");
    let prometheus = Receiver::start(&folder, &pusher.server);
    let at = prometheus.address.clone();
    let exporter = format!(
        "endpoint: 'http://{at}/api/v1/otlp', protocol: http/protobuf, send: [derived], derived: {{interval: 200ms, default_histogram_aggregation: base2_exponential_bucket_histogram}}"
    );
    pusher = Pusher {
        server: pusher.server.clone(),
        ..Pusher::new(&folder, &exporter, ", native_histograms: true")
    };
    let (_baton, endpoints) = pusher.start();
    let http = endpoints.http.to_string();
    for number in 0..7 {
        send(&http, &session(number, "desk")).await;
    }
    let turns = r#"baton_turn_duration_seconds{job="pushed"}"#;
    let count = format!("sum(histogram_count({turns})) == 7");
    until("all turns", || sum(&at, &count, None)).await;
    // All turns take a millisecond, and buckets are 9 % wide.
    let median = format!("histogram_quantile(0.5, sum({turns}))");
    let median = sum(&at, &median, None).await.expect("a quantile");
    assert!((0.000_9..=0.001_1).contains(&median), "{median}");
    drop(prometheus);
    fs::remove_dir_all(&folder).expect("removed");
}

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
    let exporter = format!(
        "endpoint: 'http://{grpc}', compression: gzip, send: [derived], derived: {{interval: 100ms, temporality_preference: delta}}"
    );
    let pusher = Pusher::new(&folder, &exporter, "");
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
    stop(baton, "-TERM");
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
