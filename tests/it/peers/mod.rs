//! Real peers: the OpenTelemetry Python SDK's exporters send to a running `baton`, a real Prometheus scrapes it.
//! `tests/run` installs both.

mod boards;
mod collector;
mod desk;
mod native;
mod panels;
mod past;
mod push;
mod restarts;
mod sdk;
mod selection;
mod soak;
mod statistics;
mod tap;
mod verdicts;

use crate::support::http;
use crate::support::process::{self, Endpoints, Running, folder, free_addresses};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const CONFIG: &str = "\
stitch: {settle: 200ms, bind_timeout: 400ms, trace_timeout: 1s, drop_timeout: 1s, idle_timeout: 2s}
metrics: {zero_hold: 300ms}
state: {directory: state}
";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A Baton that decides soon.
fn start_baton(folder: &Path) -> (Running, Endpoints) {
    let config = folder.join("baton.yaml");
    fs::write(&config, CONFIG).expect("written");
    let mut command = process::baton();
    process::spawn(process::run(&mut command).arg("--config").arg(&config))
}

/// A Prometheus with Baton's rules that scrapes the target; a scrape may take as long as the interval.
fn start_prometheus(folder: &Path, target: &str, interval: &str) -> (Running, String) {
    start_prometheus_with(folder, target, interval, "exemplar-storage")
}

fn start_prometheus_with(
    folder: &Path,
    target: &str,
    interval: &str,
    features: &str,
) -> (Running, String) {
    let rules = root().join("deploy/rules/*.yaml");
    let rules = rules.display();
    let config = format!(
        "global: {{scrape_interval: {interval}, evaluation_interval: 3s}}\nrule_files: ['{rules}']\nscrape_configs: [{{job_name: baton, static_configs: [{{targets: ['{target}']}}]}}]\n"
    );
    let file = folder.join("prometheus.yml");
    fs::write(&file, config).expect("written");
    let [address] = free_addresses().map(|free| free.to_string());
    let child = Command::new("prometheus")
        .arg(format!("--config.file={}", file.display()))
        .arg(format!(
            "--storage.tsdb.path={}",
            folder.join("data").display()
        ))
        .arg(format!("--web.listen-address={address}"))
        .arg(format!("--enable-feature={features}"))
        .arg("--log.level=error")
        .spawn()
        .expect("prometheus is installed: run tests/run");
    (Running(child), address)
}

async fn get(url: &str) -> Option<String> {
    let (address, path) = url.strip_prefix("http://")?.split_once('/')?;
    let address = address.parse().expect("an address");
    http::body(address, &format!("/{path}")).await
}

/// Asks until the answer is there. It gives up after five minutes: other tests may need the processors meanwhile.
async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    let wait = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(300), wait)
        .await
        .unwrap_or_else(|_| panic!("waited for: {what}"))
}

/// The result of an instant query, as (labels, time, value).
async fn query(
    prometheus: &str,
    expression: &str,
    at: Option<f64>,
) -> Option<Vec<(Value, f64, f64)>> {
    let at = at.map(|t| format!("&time={t}")).unwrap_or_default();
    let encoded: String = expression.bytes().map(|b| format!("%{b:02X}")).collect();
    let answer = get(&format!(
        "http://{prometheus}/api/v1/query?query={encoded}{at}"
    ))
    .await?;
    let answer: Value = serde_json::from_str(&answer).ok()?;
    let results = answer["data"]["result"].as_array()?;
    let read = |r: &Value| {
        let value = r["value"][1].as_str()?.parse().ok()?;
        Some((r["metric"].clone(), r["value"][0].as_f64()?, value))
    };
    results.iter().map(read).collect()
}

async fn sum(prometheus: &str, expression: &str, at: Option<f64>) -> Option<f64> {
    query(prometheus, expression, at)
        .await?
        .first()
        .map(|(_, _, value)| *value)
}

/// Has the SDK send a small scenario; returns what is true of it.
fn told_by_the_sdk(endpoints: &Endpoints) -> Value {
    let python = root().join("target/peers/bin/python");
    let sent = Command::new(&python)
        .arg(root().join("tests/it/peers/send.py"))
        .args([
            format!("http://{}", endpoints.grpc),
            format!("http://{}", endpoints.http),
        ])
        .output()
        .unwrap_or_else(|_| panic!("{} is there: run tests/run", python.display()));
    assert!(
        sent.status.success(),
        "{}",
        String::from_utf8_lossy(&sent.stderr)
    );
    serde_json::from_slice(&sent.stdout).expect("JSON")
}

/// A process that is asked to stop drains and says that all is well.
async fn ends_well(mut baton: Running) {
    baton.signal("-TERM");
    let ended = until("its end", || {
        let status = baton.0.try_wait().expect("a child");
        async move { status }
    })
    .await;
    assert_eq!(ended.code(), Some(0), "it drains and ends well");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sdk_sends_prometheus_scrapes_and_no_failure_is_lost() {
    let folder = folder("peers");
    let (baton, endpoints) = start_baton(&folder);
    let server = endpoints.server;
    assert_eq!(
        http::body(server, "/readyz").await.as_deref(),
        Some("ready\n")
    );
    let (_prometheus, prometheus) = start_prometheus(&folder, &server.to_string(), "200ms");
    until("a first scrape", || sum(&prometheus, "up == 1", None)).await;

    let truth = told_by_the_sdk(&endpoints);
    let number = |key: &str| truth[key].as_f64().expect("a number");

    for (metric, expected) in [
        ("baton_handoffs_total", number("success") + number("failed")),
        ("baton_turns_total", number("turns")),
        ("baton_llm_calls_total", number("calls")),
        ("baton_sessions_total", number("sessions")),
    ] {
        until(metric, || async {
            let seen = sum(&prometheus, &format!("sum({metric})"), None).await?;
            (seen == expected).then_some(())
        })
        .await;
    }
    // At the time of the last sample nothing is extrapolated: each series began at 0, so the increase is exact.
    let last = sum(&prometheus, "max(timestamp(baton_handoffs_total))", None)
        .await
        .expect("a time");
    for result in ["success", "failed"] {
        let increase = format!("sum(increase(baton_handoffs_total{{result=\"{result}\"}}[1h]))");
        let increase = sum(&prometheus, &increase, Some(last))
            .await
            .expect("a value");
        assert!(
            (increase - number(result)).abs() < 1e-9,
            "{result}: {increase}"
        );
    }
    let traces: Vec<&str> = truth["traces"]
        .as_array()
        .expect("traces")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let url = format!(
        "http://{prometheus}/api/v1/query_exemplars?query=baton_handoffs_total&start={}&end={}",
        last - 3600.0,
        last + 60.0
    );
    let exemplars = get(&url).await.expect("exemplars");
    assert!(
        traces.iter().any(|trace| exemplars.contains(trace)),
        "{exemplars}"
    );
    let targets = get(&format!("http://{prometheus}/api/v1/targets"))
        .await
        .expect("targets");
    let targets: Value = serde_json::from_str(&targets).expect("JSON");
    assert_eq!(targets["data"]["activeTargets"][0]["lastError"], "");

    ends_well(baton).await;
    fs::remove_dir_all(&folder).expect("removed");
}
