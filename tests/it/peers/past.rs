//! Two weeks of the demo in some seconds: Baton on a clock of ours, the desk's sessions sent hour after hour, and its `/metrics` after each
//! step kept as blocks of a Prometheus. So boards meet weeks, and the period before them, with figures that the script knows.

use super::desk::{ClockedDesk, blocks, keep, samples};
use super::{get, until};
use baton::clock::Clock;
use baton::demo::Session;
use serde_json::Value;
use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::Path;

/// Seconds between two looks at the metrics.
pub const STEP: u64 = 12 * 3600;
/// Steps of one period, a week.
pub const STEPS: u64 = 7 * 24 * 3600 / STEP;
const SESSIONS_PER_STEP: u64 = 24;

/// Baton with its past.
pub struct Past {
    desk: ClockedDesk,
    seen: HashSet<String>,
    text: String,
    /// What happened, each session with the number of its step; the first step is 1.
    pub sessions: Vec<(u64, Session)>,
    /// The ends of both weeks and the beginning, in seconds.
    pub start: u64,
    pub end: u64,
}

/// The time now, in seconds.
pub fn now() -> u64 {
    Clock::system().now().0 / 1_000_000_000
}

impl Past {
    /// Lives through two weeks that end now.
    pub async fn live(folder: &Path) -> Self {
        // Where the steps of subqueries and ranges fall.
        let end = now() / STEP * STEP;
        let start = end - 2 * STEPS * STEP;
        let mut past = Self {
            desk: ClockedDesk::start(folder, "", start).await,
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
        self.desk.server()
    }

    /// Some sessions, all decided before `until`, and two looks at the metrics.
    async fn step(&mut self, until: u64) -> Vec<Session> {
        let sessions = self.desk.tell(SESSIONS_PER_STEP);
        // Whoever is looked at for the first time is shown as 0; the second look has its value.
        self.desk.settle(until - 60).await;
        let first = self.desk.look().await;
        self.write(&first, until - 60, true);
        self.desk.settle(until).await;
        let second = self.desk.look().await;
        self.write(&second, until, false);
        sessions
    }

    /// Samples as a Prometheus would keep them; on the first look only of series that are new.
    fn write(&mut self, metrics: &str, at: u64, first: bool) {
        let target = format!("job=\"baton\",instance=\"{}\"", self.desk.server());
        for (series, value) in samples(metrics) {
            if first && !self.seen.insert(series.to_owned()) {
                continue;
            }
            keep(&mut self.text, &target, (series, value), at);
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
        let now = now();
        self.desk.settle(now).await;
        self.desk.tell(4 * SESSIONS_PER_STEP);
        self.desk.settle(now + 60).await;
    }

    pub async fn stop(self) {
        self.desk.stop().await;
    }
}
