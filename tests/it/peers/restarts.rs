//! Two Prometheus servers and a reader in between, while Baton is killed, restarted, and its wall clock is set back and forth: every first
//! value is counted, no counter ever falls.

use super::{Running, folder, get, start_prometheus, sum, until};
use crate::support::process::{self, free_addresses};
use baton::clock::Clock;
use bytes::Bytes;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

const CONFIG: &str = "\
stitch: {settle: 100ms, bind_timeout: 200ms, trace_timeout: 1s, drop_timeout: 1s, idle_timeout: 24h}
metrics: {zero_hold: 1s}
state: {snapshot_interval: 300ms}
";

/// Where libfaketime is: on the system, or among the tools that `tests/run` fetches.
fn faketime() -> PathBuf {
    let tools = super::root().join("target/tools");
    let places = ["/", tools.to_str().expect("a path")];
    let library = format!(
        "usr/lib/{}-linux-gnu/faketime/libfaketime.so.1",
        std::env::consts::ARCH
    );
    let found = places.iter().map(|place| Path::new(place).join(&library));
    found
        .into_iter()
        .find(|path| path.exists())
        .expect("libfaketime is there: run tests/run")
}

/// One Baton after the other on the same state, with a wall clock that can be set.
struct Life {
    folder: PathBuf,
    http: String,
    server: String,
    process: Option<Running>,
    told: u64,
}

impl Life {
    fn begin(folder: PathBuf) -> Self {
        fs::write(folder.join("baton.yaml"), CONFIG).expect("written");
        // Prometheus scrapes the same address throughout.
        let [server] = free_addresses().map(|free| free.to_string());
        let mut life = Self {
            folder,
            http: String::new(),
            server,
            process: None,
            told: 0,
        };
        life.set_clock(0);
        life.start();
        life
    }

    /// Sets the wall clock of Baton so many seconds off.
    fn set_clock(&self, seconds: i64) {
        let clock = self.folder.join("clock");
        let next = self.folder.join("clock.next");
        fs::write(&next, format!("{seconds:+}")).expect("written");
        fs::rename(next, clock).expect("renamed");
    }

    fn start(&mut self) {
        let mut command = process::baton();
        let command = process::run(&mut command)
            .arg("--config")
            .arg(self.folder.join("baton.yaml"))
            .args(["--server-endpoint", &self.server, "--state-directory"])
            .arg(self.folder.join("state"))
            .env("LD_PRELOAD", faketime())
            .env("FAKETIME_TIMESTAMP_FILE", self.folder.join("clock"))
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        let (process, endpoints) = process::spawn(command);
        self.http = endpoints.http.to_string();
        self.process = Some(process);
    }

    /// Ends the process by a signal and starts the next one.
    fn restart(&mut self, signal: &str) {
        self.process.take().expect("it runs").stop(signal);
        self.start();
    }

    /// Sends sessions, one of an agent that was never there before; returns when they are acknowledged.
    async fn tell(&mut self, sessions: u64) {
        for number in 0..sessions {
            let agent = if number == 0 { self.told } else { 0 };
            let request = session(self.told, &format!("agent {agent}"));
            send(&self.http, &request).await;
            self.told += 1;
        }
    }
}

/// Sends spans; returns when they are acknowledged.
pub async fn send(http: &str, spans: &Value) {
    let request = http::Request::post(format!("http://{http}/v1/traces"))
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(spans.to_string())));
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let request = request.expect("a request");
    let response = client.request(request).await.expect("an answer");
    assert!(response.status().is_success(), "{}", response.status());
}

/// A session with one run of an agent.
pub fn session(number: u64, agent: &str) -> Value {
    let start = Clock::system().now().0;
    let attribute = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    json!({"resourceSpans": [{"scopeSpans": [{"spans": [{
        "traceId": format!("{:032x}", number + 1),
        "spanId": format!("{:016x}", number + 1),
        "name": format!("invoke_agent {agent}"),
        "startTimeUnixNano": start.to_string(),
        "endTimeUnixNano": (start + 1_000_000).to_string(),
        "attributes": [
            attribute("gen_ai.operation.name", "invoke_agent"),
            attribute("gen_ai.agent.name", agent),
            attribute("gen_ai.conversation.id", &format!("restarts-{number}")),
        ],
    }]}]}]})
}

/// Each session counts once in them; the second one has a series for each new agent.
const COUNTED: [&str; 2] = ["baton_sessions_total", "baton_agent_invocations_total"];
/// What may never fall; Baton's own health begins anew with each process.
const GROWING: [&str; 5] = [
    "baton_sessions_total",
    "baton_turns_total",
    "baton_turn_duration_seconds_count",
    "baton_turn_duration_seconds_bucket",
    "baton_agent_invocations_total",
];

/// At the time of the last sample each session counts once, and nothing fell.
async fn counted_once(prometheus: &str, told: u64) {
    let last = "max(timestamp(baton_sessions_total))";
    let last = sum(prometheus, last, None).await.expect("a time");
    let at = async |expression: &str| sum(prometheus, expression, Some(last)).await;
    // At the time of the last sample nothing is extrapolated.
    for metric in COUNTED {
        let increase = at(&format!("sum(increase({metric}[1h]))")).await;
        let increase = increase.expect("a value");
        let off = (increase - told as f64).abs();
        assert!(off < 1e-9, "{metric}: {increase} of {}", told);
    }
    for metric in GROWING {
        let fell = at(&format!("max(resets({metric}[1h]))")).await;
        assert_eq!(fell, Some(0.0), "{metric} fell");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_first_value_counts_whoever_reads_and_whatever_restarts() {
    let folder = folder("restarts");
    let readers = ["one", "other"].map(|name| folder.join(name));
    readers
        .iter()
        .for_each(|reader| fs::create_dir_all(reader).expect("a folder"));
    let mut life = Life::begin(folder.clone());
    let (_one, one) = start_prometheus(&readers[0], &life.server, "200ms");
    let (_other, other) = start_prometheus(&readers[1], &life.server, "350ms");
    let both = [one, other];
    for prometheus in &both {
        until("a first scrape", || sum(prometheus, "up == 1", None)).await;
    }
    let seen_by_both = async |told: u64| {
        for prometheus in &both {
            for metric in COUNTED {
                until("all sessions", || async {
                    let seen = sum(prometheus, &format!("sum({metric})"), None).await?;
                    (seen == told as f64).then_some(())
                })
                .await;
            }
        }
    };
    // Somebody else reads all the time.
    let url = format!("http://{}/metrics", life.server);
    let curl = async || drop(get(&url).await);

    life.tell(3).await;
    curl().await;
    seen_by_both(life.told).await;
    // Killed before anybody can have scraped what is new, while the clock is set back.
    life.tell(2).await;
    life.set_clock(-3600);
    life.restart("-KILL");
    curl().await;
    life.tell(2).await;
    life.set_clock(-7200);
    life.tell(1).await;
    curl().await;
    seen_by_both(life.told).await;
    life.restart("-TERM");
    life.tell(2).await;
    life.restart("-KILL");
    life.restart("-KILL");
    life.set_clock(0);
    life.tell(2).await;
    curl().await;
    seen_by_both(life.told).await;
    // Nothing happens, and it restarts all the same.
    life.restart("-TERM");
    life.set_clock(1800);
    life.restart("-KILL");
    life.tell(1).await;
    seen_by_both(life.told).await;

    for prometheus in &both {
        counted_once(prometheus, life.told).await;
    }
    drop(life);
    fs::remove_dir_all(&folder).expect("removed");
}
