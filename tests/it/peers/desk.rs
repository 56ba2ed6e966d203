//! The demo on a clock of the test: Baton, the desk whose sessions it gets, and looks at its `/metrics` kept as blocks of a Prometheus.

use super::get;
use baton::app::App;
use baton::clock::Clock;
use baton::config;
use baton::demo::{CONFIGURATION, Desk, Sender, Session};
use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const SEED: u64 = 7;
/// The many series that no board and no rule asks for.
const UNASKED: [&str; 3] = [
    "baton_workflow_duration_seconds_",
    "baton_handoff_context_retention_ratio_bucket",
    "baton_evaluation_score_bucket",
];
const SECOND: u64 = 1_000_000_000;

/// A Baton whose time the test moves, and who sends to it.
pub struct ClockedDesk {
    app: App,
    clock: Arc<AtomicU64>,
    sender: Sender,
    told: u64,
}

impl ClockedDesk {
    /// The configuration of the demo and `more`, at a time in seconds.
    pub async fn start(folder: &Path, more: &str, at: u64) -> Self {
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        let text = format!("{CONFIGURATION}{more}");
        let mut config = config::of_text(&text, Path::new("."), &|_| None).expect("it is valid");
        config.receivers.otlp.grpc.endpoint = free;
        config.receivers.otlp.http.endpoint = free;
        config.server.endpoint = free;
        config.state.directory = Some(folder.join("state"));
        // A rare series stays, as it would with sessions in every minute.
        config.metrics.expire_after = Duration::from_secs(30 * 24 * 3600);
        let clock = Arc::new(AtomicU64::new(at * SECOND));
        let app = App::start(&config, Clock::manual(Arc::clone(&clock))).await;
        let app = app.expect("it starts");
        let sender = Sender::connect(app.grpc).expect("an exporter");
        Self {
            app,
            clock,
            sender,
            told: 0,
        }
    }

    pub fn server(&self) -> String {
        self.app.metrics.to_string()
    }

    /// Sends the next sessions.
    pub fn tell(&mut self, sessions: u64) -> Vec<Session> {
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

    /// Makes it this time, and waits until all is decided that is due.
    pub async fn settle(&self, at: u64) {
        self.clock.store(at * SECOND, Ordering::Release);
        self.app.settle().await;
    }

    /// What `/metrics` has.
    pub async fn look(&self) -> String {
        let url = format!("http://{}/metrics", self.app.metrics);
        get(&url).await.expect("its metrics")
    }

    pub async fn stop(self) {
        assert!(self.app.stop().await);
    }
}

/// The samples of a look that boards and rules may ask for: each series and its value.
pub fn samples(metrics: &str) -> impl Iterator<Item = (&str, &str)> {
    let is_wanted = |line: &&str| {
        let sample = !line.is_empty() && !line.starts_with('#');
        sample && !UNASKED.iter().any(|name| line.starts_with(name))
    };
    let lines = metrics.lines().filter(is_wanted);
    lines.map(|line| line.rsplit_once(' ').expect("a sample"))
}

/// Writes a sample of a target at a time in seconds, as a Prometheus that scrapes it would keep it.
pub fn keep(text: &mut String, target: &str, (series, value): (&str, &str), at: u64) {
    let written = match series.split_once('{') {
        Some((name, labels)) => writeln!(text, "{name}{{{target},{labels} {value} {at}"),
        None => writeln!(text, "{series}{{{target}}} {value} {at}"),
    };
    written.expect("a text takes it");
}

/// Puts samples into the data of the folder's Prometheus.
pub fn blocks(folder: &Path, text: &str) {
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
