//! Real peers: the OpenTelemetry Python SDK's exporters send to a running `baton`, a real Prometheus scrapes it.
//! `tests/run` installs both.

mod boards;
mod native;
mod past;
mod restarts;
mod selection;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const CONFIG: &str = "\
stitch: {settle: 200ms, bind_timeout: 400ms, trace_timeout: 1s, drop_timeout: 1s, idle_timeout: 2s}
metrics: {zero_hold: 300ms}
state: {directory: state}
";

/// A child that does not outlive the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn folder(name: &str) -> PathBuf {
    let folder =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// Starts baton and reads its addresses (gRPC, HTTP, server) from its log.
fn start_baton(folder: &Path) -> (Running, [String; 3]) {
    let config = folder.join("baton.yaml");
    fs::write(&config, CONFIG).expect("written");
    let mut child = Command::new(env!("CARGO_BIN_EXE_baton"))
        .args(["run", "--log-format", "json", "--config"])
        .arg(&config)
        .args([
            "--grpc-endpoint",
            "127.0.0.1:0",
            "--http-endpoint",
            "127.0.0.1:0",
        ])
        .env("BATON_SERVER_ENDPOINT", "127.0.0.1:0")
        .stderr(Stdio::piped())
        .spawn()
        .expect("baton starts");
    let log = BufReader::new(child.stderr.take().expect("its log"));
    let running = Running(child);
    let mut addresses = log.lines().filter_map(|line| {
        let line: Value = serde_json::from_str(&line.expect("text")).expect("the log is JSON");
        line["address"].as_str().map(str::to_owned)
    });
    let mut next = || addresses.next().expect("three listeners");
    let found = [next(), next(), next()];
    // Nobody reads the log from here on: Baton must live with that.
    (running, found)
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
    // Prometheus cannot tell a port it chose itself.
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = free.local_addr().expect("its address").to_string();
    drop(free);
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
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    let response = client.get(url.parse().expect("a URL")).await.ok()?;
    let fine = response.status().is_success();
    let body = response.into_body().collect().await.ok()?.to_bytes();
    fine.then(|| String::from_utf8(body.to_vec()).expect("text"))
}

/// Asks until the answer is there; 60 seconds are given up on.
async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    let wait = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), wait)
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

#[tokio::test(flavor = "multi_thread")]
async fn the_sdk_sends_prometheus_scrapes_and_no_failure_is_lost() {
    let folder = folder("peers");
    let (mut baton, addresses) = start_baton(&folder);
    let [grpc, http, server] = &addresses;
    assert_eq!(
        get(&format!("http://{server}/readyz")).await.as_deref(),
        Some("ready\n")
    );
    let (_prometheus, prometheus) = start_prometheus(&folder, server, "200ms");
    until("a first scrape", || sum(&prometheus, "up == 1", None)).await;

    let python = root().join("target/peers/bin/python");
    let sent = Command::new(&python)
        .arg(root().join("tests/it/peers/send.py"))
        .args([format!("http://{grpc}"), format!("http://{http}")])
        .output()
        .unwrap_or_else(|_| panic!("{} is there: run tests/run", python.display()));
    assert!(
        sent.status.success(),
        "{}",
        String::from_utf8_lossy(&sent.stderr)
    );
    let truth: Value = serde_json::from_slice(&sent.stdout).expect("JSON");
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

    let pid = baton.0.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .expect("kill")
            .success()
    );
    let ended = until("its end", || {
        let status = baton.0.try_wait().expect("a child");
        async move { status }
    })
    .await;
    assert_eq!(ended.code(), Some(0), "it drains and ends well");
    fs::remove_dir_all(&folder).expect("removed");
}
