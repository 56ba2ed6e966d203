//! Two weeks of the demo in some seconds: Baton on a clock of ours, the desk's sessions sent hour after hour, and its `/metrics` after each
//! step kept as blocks of a Prometheus. So boards meet weeks, and the period before them, with figures that the script knows.

use super::{get, until};
use baton::app::App;
use baton::clock::Clock;
use baton::config;
use baton::demo::{CONFIGURATION, Desk, Sender, Session};
use serde_json::Value;
use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Seconds between two looks at the metrics.
pub const STEP: u64 = 12 * 3600;
/// Steps of one period, a week.
pub const STEPS: u64 = 7 * 24 * 3600 / STEP;
const SESSIONS_PER_STEP: u64 = 24;
const SEED: u64 = 7;
/// The many series that no board and no rule asks for.
const UNASKED: [&str; 4] = [
    "baton_workflow_duration_seconds_",
    "baton_workflow_cost_usd_bucket",
    "baton_handoff_context_retention_ratio_bucket",
    "baton_evaluation_score_bucket",
];
const SECOND: u64 = 1_000_000_000;

/// Baton with its past.
pub struct Past {
    app: App,
    clock: Arc<AtomicU64>,
    sender: Sender,
    told: u64,
    seen: HashSet<String>,
    text: String,
    /// What happened, each session with the number of its step; the first step is 1.
    pub sessions: Vec<(u64, Session)>,
    /// The ends of both weeks and the beginning, in seconds.
    pub start: u64,
    pub end: u64,
}

impl Past {
    /// Lives through two weeks that end now.
    pub async fn live(folder: &Path) -> Self {
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        let config = config::of_text(CONFIGURATION, Path::new("."), &|_| None);
        let mut config = config.expect("it is valid");
        config.receivers.otlp.grpc.endpoint = free;
        config.receivers.otlp.http.endpoint = free;
        config.server.endpoint = free;
        config.state.directory = Some(folder.join("state"));
        // A rare series stays, as it would with sessions in every minute.
        config.metrics.expire_after = Duration::from_secs(30 * 24 * 3600);
        // Where the steps of subqueries and ranges fall.
        let end = Clock::system().now().0 / SECOND / STEP * STEP;
        let start = end - 2 * STEPS * STEP;
        let clock = Arc::new(AtomicU64::new(start * SECOND));
        let app = App::start(&config, Clock::manual(Arc::clone(&clock))).await;
        let app = app.expect("it starts");
        let sender = Sender::connect(app.grpc).expect("an exporter");
        let mut past = Self {
            app,
            clock,
            sender,
            told: 0,
            seen: HashSet::new(),
            text: String::new(),
            sessions: Vec::new(),
            start,
            end,
        };
        for step in 1..=2 * STEPS {
            for session in past.step(start + step * STEP).await {
                past.sessions.push((step, session));
            }
        }
        blocks(folder, &past.text);
        past.text.clear();
        past
    }

    pub fn server(&self) -> String {
        self.app.metrics.to_string()
    }

    /// Some sessions, all decided before `until`, and two looks at the metrics.
    async fn step(&mut self, until: u64) -> Vec<Session> {
        let sessions = self.tell(SESSIONS_PER_STEP);
        // Whoever is looked at for the first time is shown as 0; the second look has its value.
        self.settle(until - 60).await;
        let first = self.look().await;
        self.write(&first, until - 60, true);
        self.settle(until).await;
        let second = self.look().await;
        self.write(&second, until, false);
        sessions
    }

    fn tell(&mut self, sessions: u64) -> Vec<Session> {
        let mut told = Vec::new();
        for _ in 0..sessions {
            let session = Desk::new(SEED).session(self.told);
            self.told += 1;
            let now = Clock::manual(Arc::clone(&self.clock)).now();
            tokio::task::block_in_place(|| self.sender.send(&session, now)).expect("taken");
            told.push(session);
        }
        told
    }

    async fn settle(&self, at: u64) {
        self.clock.store(at * SECOND, Ordering::Release);
        self.app.settle().await;
    }

    async fn look(&self) -> String {
        let url = format!("http://{}/metrics", self.app.metrics);
        get(&url).await.expect("its metrics")
    }

    /// Samples as a Prometheus would keep them; on the first look only of series that are new.
    fn write(&mut self, metrics: &str, at: u64, first: bool) {
        let target = format!("job=\"baton\",instance=\"{}\"", self.app.metrics);
        let is_wanted = |line: &&str| {
            let sample = !line.is_empty() && !line.starts_with('#');
            sample && !UNASKED.iter().any(|name| line.starts_with(name))
        };
        for line in metrics.lines().filter(is_wanted) {
            let (series, value) = line.rsplit_once(' ').expect("a sample");
            if first && !self.seen.insert(series.to_owned()) {
                continue;
            }
            let written = match series.split_once('{') {
                Some((name, labels)) => {
                    writeln!(self.text, "{name}{{{target},{labels} {value} {at}")
                }
                None => writeln!(self.text, "{series}{{{target}}} {value} {at}"),
            };
            written.expect("a text takes it");
        }
    }

    /// What the recording rules would have recorded at each step, were they loaded by this Prometheus then.
    pub async fn record(&self, folder: &Path, prometheus: &str) {
        let rules = format!("http://{prometheus}/api/v1/rules?type=record");
        let rules = until("the rules", || async {
            let rules: Value = serde_json::from_str(&get(&rules).await?).ok()?;
            Some(rules["data"]["groups"].as_array()?.clone())
        })
        .await;
        let mut text = String::new();
        for rule in rules
            .iter()
            .flat_map(|group| group["rules"].as_array())
            .flatten()
        {
            let name = rule["name"].as_str().expect("a name");
            let query = rule["query"].as_str().expect("a query");
            let encoded: String = query.bytes().map(|b| format!("%{b:02X}")).collect();
            let url = format!(
                "http://{prometheus}/api/v1/query_range?query={encoded}&start={}&end={}&step={STEP}",
                self.start, self.end
            );
            let answer = get(&url).await.expect("an answer");
            let answer: Value = serde_json::from_str(&answer).expect("JSON");
            for series in answer["data"]["result"].as_array().into_iter().flatten() {
                let own = rule["labels"].as_object().into_iter().flatten();
                let labels = series["metric"]
                    .as_object()
                    .into_iter()
                    .flatten()
                    .chain(own);
                let labels: Vec<String> = labels.map(|(k, v)| format!("{k}={v}")).collect();
                let labels = labels.join(",");
                for sample in series["values"].as_array().into_iter().flatten() {
                    let value = sample[1].as_str().expect("a value");
                    writeln!(text, "{name}{{{labels}}} {value} {}", sample[0]).expect("a text");
                }
            }
        }
        blocks(folder, &text);
    }

    /// Some more sessions, in the present.
    pub async fn go_on(&mut self) {
        let now = Clock::system().now().0 / SECOND;
        self.clock.store(now * SECOND, Ordering::Release);
        self.tell(4 * SESSIONS_PER_STEP);
        self.settle(now + 60).await;
    }

    pub async fn stop(self) {
        assert!(self.app.stop().await);
    }
}

/// Puts samples into the data of the folder's Prometheus.
fn blocks(folder: &Path, text: &str) {
    let file = folder.join("past.txt");
    fs::write(&file, format!("{text}# EOF\n")).expect("written");
    let made = Command::new("promtool")
        .args(["tsdb", "create-blocks-from", "--quiet", "openmetrics"])
        .args([file, folder.join("data")])
        .output()
        .expect("promtool is installed: run tests/run");
    let said = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success(), "{said}");
}
