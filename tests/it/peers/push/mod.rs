//! Metrics that Baton pushes, in real receivers: Prometheus 3, VictoriaMetrics, a Collector.
//!
//! | File | What it shows |
//! |---|---|
//! | `prometheus.rs` | a scrape, remote write and OTLP give the same series in Prometheus, over outages and restarts |
//! | `histograms.rs` | each form of histograms, exemplars and start times in Prometheus |
//! | `victoria.rs` | VictoriaMetrics knows remote write 1.0 only |
//! | `collector.rs` | a Collector takes deltas |
//! | `boards.rs` | every panel and every rule says the same of pushed series as of scraped ones |

mod boards;
mod collector;
mod histograms;
pub(super) mod prometheus;
mod victoria;

use super::{get, query, sum, until};
use crate::support::process::{self, Endpoints, Running, free_addresses};
use baton::catalogue::DERIVED;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// All series of a job of Baton, by name and labels without the job, each with its value.
type SeriesValues = BTreeMap<String, f64>;

fn address() -> String {
    let [free] = free_addresses();
    free.to_string()
}

/// A receiver that can be away.
pub(super) struct Receiver {
    command: Command,
    pub(super) address: String,
    process: Option<Running>,
}

impl Receiver {
    /// A Prometheus 3 that takes pushes, and scrapes Baton as another job.
    pub(super) fn prometheus(folder: &Path, target: &str, features: &str) -> Self {
        let config = format!(
            "global: {{scrape_interval: 200ms, scrape_native_histograms: true, always_scrape_classic_histograms: true}}\n\
             scrape_configs:\n- job_name: scraped\n  static_configs: [{{targets: ['{target}'], labels: {{instance: baton-0}}}}]\n"
        );
        let file = |name: &str| folder.join(name).display().to_string();
        fs::write(file("prometheus.yml"), config).expect("written");
        let address = address();
        let mut command = Command::new("prometheus316");
        command
            .arg(format!("--config.file={}", file("prometheus.yml")))
            .arg(format!("--storage.tsdb.path={}", file("data")))
            .arg(format!("--web.listen-address={address}"))
            .args(["--web.enable-otlp-receiver", "--log.level=error"])
            .arg("--web.enable-remote-write-receiver")
            .arg(format!("--enable-feature={features}"));
        Self::of(command, address)
    }

    /// A VictoriaMetrics that shows samples as soon as it has them.
    fn victoria(folder: &Path) -> Self {
        let address = address();
        let mut command = Command::new("victoria-metrics");
        command
            .arg(format!("-httpListenAddr={address}"))
            .arg(format!(
                "-storageDataPath={}",
                folder.join("data").display()
            ))
            .args(["-search.latencyOffset=1ms", "-loggerLevel=ERROR"]);
        Self::of(command, address)
    }

    fn of(command: Command, address: String) -> Self {
        let mut receiver = Self {
            command,
            address,
            process: None,
        };
        receiver.begin();
        receiver
    }

    pub(super) fn begin(&mut self) {
        let child = self.command.spawn();
        self.process = Some(Running(child.expect("it is installed: run tests/run")));
    }

    pub(super) fn end(&mut self) {
        self.process.take().expect("it runs").stop("-TERM");
    }
}

/// A Baton on one state directory that is scraped at one address.
struct Pusher {
    folder: PathBuf,
    server: String,
}

impl Pusher {
    /// `server`: where it is scraped. `exporters`: what it pushes to, as YAML without braces. `metrics`: more keys of that section.
    fn new(folder: &Path, server: &str, exporters: &str, metrics: &str) -> Self {
        let config = format!(
            "stitch: {{settle: 100ms, bind_timeout: 200ms, trace_timeout: 1s, drop_timeout: 1s, idle_timeout: 24h}}\n\
             metrics: {{zero_hold: 1s{metrics}}}\nservice: {{name: pushed, instance: {{id: baton-0}}}}\n\
             exporters: {{{exporters}}}\n"
        );
        fs::write(folder.join("baton.yaml"), config).expect("written");
        Self {
            folder: folder.to_owned(),
            server: server.to_owned(),
        }
    }

    fn command(&self) -> Command {
        let mut command = process::baton();
        process::run(&mut command)
            .arg("--config")
            .arg(self.folder.join("baton.yaml"))
            .args(["--server-endpoint", &self.server, "--state-directory"])
            .arg(self.folder.join("state"));
        command
    }

    fn start(&self) -> (Running, Endpoints) {
        process::spawn(&mut self.command())
    }

    /// What `/metrics` has.
    async fn scraped(&self) -> Option<String> {
        get(&format!("http://{}/metrics", self.server)).await
    }

    /// Waits until a sample of `/metrics` has a value.
    async fn shows(&self, series: &str, value: &str) {
        until(series, || async {
            let text = self.scraped().await?;
            let line = text.lines().find(|line| line.starts_with(series))?;
            line.ends_with(&format!(" {value}")).then_some(())
        })
        .await;
    }
}

/// An exporter of remote write that a test need not wait for. `more`: keys after the endpoint.
fn remote_write(key: &str, receiver: &str, more: &str) -> String {
    format!(
        "prometheusremotewrite/{key}: {{endpoint: 'http://{receiver}/api/v1/write', interval: 200ms, {more}, retry_on_failure: {{initial_interval: 10ms, max_interval: 100ms}}}}"
    )
}

/// An exporter of OTLP that a test need not wait for. `derived`: keys of that section.
fn otlp(receiver: &str, more: &str, derived: &str) -> String {
    format!(
        "otlp/next: {{endpoint: '{receiver}', {more}, send: [derived], derived: {{interval: 200ms{derived}}}, retry_on_failure: {{initial_interval: 10ms, max_interval: 100ms}}}}"
    )
}

/// Receivers write a whole bound as `1` or as `1.0` in the label `le`.
fn plain_bound(bound: &str) -> &str {
    bound.strip_suffix(".0").unwrap_or(bound)
}

/// All series of Baton under a job.
async fn series(prometheus: &str, job: &str) -> Option<SeriesValues> {
    let all = format!(r#"{{__name__=~"baton_.+", job="{job}"}}"#);
    let found = query(prometheus, &all, None).await?;
    let named = found.into_iter().map(|(mut labels, _, value)| {
        labels.as_object_mut().expect("labels").remove("job");
        if let Some(bound) = labels.get("le").and_then(Value::as_str) {
            labels["le"] = plain_bound(bound).into();
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
    is_derived_name(&name(series))
}

fn is_derived_name(name: &str) -> bool {
    let stems = ["_bucket", "_sum", "_count"].map(|end| name.strip_suffix(end));
    let stems: Vec<&str> = stems.into_iter().flatten().chain([name]).collect();
    DERIVED.iter().any(|row| stems.contains(&row.name))
}

fn derived(all: &SeriesValues) -> SeriesValues {
    let all = all.clone().into_iter();
    all.filter(|(series, _)| is_derived(series)).collect()
}

/// Waits until so many agents have counted under a job.
async fn counted(prometheus: &str, job: &str, agents: u64) {
    let all = format!(r#"sum(baton_agent_invocations_total{{job="{job}"}}) == {agents}"#);
    until("all agents", || sum(prometheus, &all, None)).await;
}

/// At the time of the last push each agent has counted once, and nothing fell.
async fn every_value_counts_once(prometheus: &str, job: &str, agents: u64) {
    let last = format!(r#"max(timestamp(baton_agent_invocations_total{{job="{job}"}}))"#);
    let last = sum(prometheus, &last, None).await.expect("a time");
    let increase =
        format!(r#"sum by (agent) (increase(baton_agent_invocations_total{{job="{job}"}}[1h]))"#);
    let found = query(prometheus, &increase, Some(last))
        .await
        .expect("an answer");
    let found: BTreeMap<String, f64> = found
        .into_iter()
        .map(|(labels, _, value)| (labels["agent"].to_string(), (value * 1e6).round() / 1e6))
        .collect();
    let expected = (0..agents).map(|agent| (format!("\"agent {agent}\""), 1.0));
    assert_eq!(found, expected.collect(), "{job}");
    let growing = format!(
        r#"{{__name__=~"baton_(sessions|turns|agent_invocations)_total|baton_turn_duration_seconds_(count|bucket)", job="{job}"}}"#
    );
    let fell = format!("max(resets({growing}[1h]))");
    let fell = sum(prometheus, &fell, Some(last)).await;
    assert_eq!(fell, Some(0.0), "{job}");
}
