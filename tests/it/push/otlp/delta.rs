//! Deltas add up to the counters, over failures, outages, restarts and kills.

use super::points::{accepted, metrics, request};
use super::{FAST, SESSIONS, send, shown, sums};
use crate::forward::PROTOBUF;
use crate::forward::relay::{SOON, start, wait_for};
use crate::forward::server::{Arrived, OtlpServer, Reply};
use crate::support::dice::Dice;
use crate::support::process::{self, Running, baton, folder, listening, now, session};
use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use opentelemetry_proto::tonic::metrics::v1::AggregationTemporality;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use prost::Message;
use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

fn exporter(url: &str) -> String {
    format!(
        "{FAST}exporters: {{otlp/next: {{endpoint: '{url}', protocol: http/protobuf, timeout: 200ms, {SOON}, send: [derived], derived: {{interval: 5ms, temporality_preference: delta}}}}}}\n"
    )
}

/// What a receiver has of the series that are shown.
fn received(server: &OtlpServer, shown: &BTreeMap<String, f64>) -> BTreeMap<String, f64> {
    let mut sums = sums(&accepted(server));
    sums.retain(|series, _| shown.contains_key(series));
    sums
}

#[tokio::test(flavor = "multi_thread")]
async fn deltas_add_up_over_failures() {
    let server = OtlpServer::scripted(|n, _| match n % 7 {
        2 => Reply::Http(503, None),
        3 => Reply::Http(400, None),
        5 => Reply::Silence,
        _ => Reply::Ok,
    })
    .await;
    let app = start(&exporter(&server.url())).await;
    for round in 0..20 {
        send(&app, round * 3..round * 3 + 3).await;
        let arrived = server.arrived().len();
        server.wait(arrived + 2).await;
    }
    wait_for(&app, SESSIONS, "", 60.0).await;
    wait_for(&app, "baton_turns_total", "", 60.0).await;
    let shown = shown(app.metrics).await;
    let arrived = server.arrived().len();
    // The last push of all may be refused, and the next process would send it: there is none, so the figures rest.
    server.wait(arrived + 30).await;
    assert_eq!(received(&server, &shown), shown);
    assert!(shown.len() > 20, "{shown:?}");
    let delta = i32::from(AggregationTemporality::Delta);
    for arrived in server.arrived() {
        for metric in metrics(request(&arrived)) {
            if let Some(Data::Sum(sum)) = metric.data {
                assert_eq!(sum.aggregation_temporality, delta);
            }
        }
    }
    let points = &accepted(&server)[SESSIONS];
    assert!(
        points.is_sorted_by(|a, b| a.time <= b.start),
        "intervals do not overlap: {points:?}"
    );
    drop(app);
}

struct Life {
    process: Running,
    http: SocketAddr,
    server: SocketAddr,
}

impl Life {
    fn begin(folder: &Path) -> Self {
        let mut command = baton();
        let command = listening(&mut command, &folder.join("state"), &[]);
        let command = command.arg("--config").arg(folder.join("baton.yaml"));
        let (process, endpoints) = process::spawn(command);
        Self {
            process,
            http: endpoints.http,
            server: endpoints.server,
        }
    }

    async fn tell(&self, n: u64) {
        let body = Full::new(Bytes::from(session(n, now()).encode_to_vec()));
        let request = Request::post(format!("http://{}/v1/traces", self.http))
            .header("content-type", PROTOBUF)
            .body(body);
        let client = Client::builder(TokioExecutor::new()).build_http();
        let answer = client.request(request.expect("a request")).await;
        assert!(answer.expect("an answer").status().is_success());
    }

    /// What `/metrics` shows when so many sessions have counted.
    async fn all_counted(&self, told: u64) -> BTreeMap<String, f64> {
        loop {
            let shown = shown(self.server).await;
            let told = told as f64;
            if shown.get(SESSIONS) == Some(&told) && shown_turns(&shown) == told {
                return shown;
            }
        }
    }

    fn end(self, signal: &str) {
        self.process.stop(signal);
    }
}

/// A process that is killed between the answer of the destination and its own note sends the same points again: at the same times, with the same
/// values. Each time once, they add up.
#[tokio::test(flavor = "multi_thread")]
async fn deltas_add_up_over_outages_restarts_and_kills() {
    let folder = folder("pushed-delta");
    let rounds = std::env::var("ROUNDS").map_or(6, |rounds| rounds.parse().expect("a number"));
    let mut server = OtlpServer::start().await;
    let address = server.address;
    fs::write(folder.join("baton.yaml"), exporter(&server.url())).expect("written");
    let mut dice = Dice::new(7);
    let mut received_before: BTreeMap<String, Vec<super::points::Received>> = BTreeMap::new();
    let mut told = 0;
    for round in 0..rounds {
        let life = Life::begin(&folder);
        for _ in 0..5 {
            life.tell(told).await;
            told += 1;
        }
        if round % 3 == 1 {
            for (series, points) in accepted(&server) {
                received_before.entry(series).or_default().extend(points);
            }
            server.close().await;
            life.tell(told).await;
            told += 1;
            life.end("-KILL");
            server = OtlpServer::at(address).await;
            continue;
        }
        let arrived = server.arrived().len();
        server.wait(arrived + dice.below(6) as usize).await;
        life.end(if dice.one_in(3) { "-TERM" } else { "-KILL" });
    }
    let life = Life::begin(&folder);
    let shown = life.all_counted(told).await;
    life.end("-TERM");
    for (series, points) in accepted(&server) {
        received_before.entry(series).or_default().extend(points);
    }
    let mut sums = sums(&received_before);
    sums.retain(|series, _| shown.contains_key(series));
    assert_eq!(sums, shown);
    fs::remove_dir_all(&folder).expect("removed");
}

/// The destination has a push and does not answer. Baton is killed: the next process sends the same request first, whatever was counted meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_push_without_an_answer_is_sent_again_to_the_byte_after_a_kill() {
    let folder = folder("pushed-again");
    let is_silent = Arc::new(AtomicBool::new(false));
    let silent = Arc::clone(&is_silent);
    let script = move |_: usize, _: &Arrived| match silent.load(Ordering::Acquire) {
        true => Reply::Silence,
        false => Reply::Ok,
    };
    let server = OtlpServer::scripted(script).await;
    fs::write(folder.join("baton.yaml"), exporter(&server.url())).expect("written");
    let life = Life::begin(&folder);
    life.tell(0).await;
    server.wait(3).await;
    is_silent.store(true, Ordering::Release);
    server.wait(server.arrived().len() + 2).await;
    let last = server.arrived().pop().expect("a push");
    assert!(!last.accepted);
    life.tell(1).await;
    life.end("-KILL");
    let before = server.arrived().len();
    is_silent.store(false, Ordering::Release);
    let life = Life::begin(&folder);
    server.wait(before + 1).await;
    let first = &server.arrived()[before];
    assert!(first.accepted && first.body == last.body);
    let shown = life.all_counted(2).await;
    life.end("-TERM");
    let mut received = sums(&accepted(&server));
    received.retain(|series, _| shown.contains_key(series));
    assert_eq!(received, shown);
    fs::remove_dir_all(&folder).expect("removed");
}

fn shown_turns(shown: &BTreeMap<String, f64>) -> f64 {
    let turns = shown
        .iter()
        .filter(|(series, _)| series.starts_with("baton_turns_total"));
    turns.map(|(_, value)| value).sum()
}
