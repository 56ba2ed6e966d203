//! VictoriaMetrics accepts remote write 2.0 (HTTP 204, without a word on what is written) and stores nothing of it: Baton must notice and send 1.0.

use super::super::restarts::{send, session};
use super::super::{folder, until};
use super::{Pusher, Receiver, SeriesValues, address, derived, plain_bound, remote_write, series};
use crate::support::process::{self, Running};
use serde_json::{Map, Value};
use std::fs;

/// The samples of `/metrics`, as [`series`] has those of a receiver, with the labels that pushed ones have too.
fn samples(metrics: &str) -> SeriesValues {
    let lines = metrics.lines().filter(|line| !line.starts_with('#'));
    let samples = lines.map(|line| {
        let (series, value) = line.rsplit_once(' ').expect("a sample");
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        let mut all = Map::new();
        all.insert("__name__".into(), name.into());
        all.insert("instance".into(), "baton-0".into());
        let pairs = labels.trim_end_matches('}').split("\",");
        for (label, text) in pairs.filter_map(|pair| pair.split_once("=\"")) {
            let text = text.trim_end_matches('"');
            let text = if label == "le" {
                plain_bound(text)
            } else {
                text
            };
            all.insert(label.into(), text.into());
        }
        (
            Value::Object(all).to_string(),
            value.parse().expect("a number"),
        )
    });
    samples.collect()
}

/// Waits until the receiver has all that `/metrics` has, with the same values.
async fn has_the_same(at: &str, pusher: &Pusher) -> SeriesValues {
    until("equal series", || async {
        let scraped = samples(&pusher.scraped().await?);
        let pushed = series(at, "pushed").await?;
        let same = derived(&scraped) == derived(&pushed) && scraped.keys().eq(pushed.keys());
        same.then_some(pushed)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_stores_nothing_of_version_2_gets_all_as_version_1() {
    let folder = folder("push-victoria");
    let mut victoria = Receiver::victoria(&folder);
    let at = victoria.address.clone();
    let exporter = remote_write("victoria", &at, "external_labels: {job: pushed}");
    let pusher = Pusher::new(&folder, &address(), &exporter, "");
    let mut command = pusher.command();
    let baton = Running(command.spawn().expect("baton starts"));
    let (baton, endpoints, mut log) = process::addresses(baton);
    let http = endpoints.http.to_string();
    for number in 0..3 {
        send(&http, &session(number, &format!("agent {number}"))).await;
    }
    tokio::task::spawn_blocking(move || {
        let fell_back = |line: Result<String, _>| {
            line.is_ok_and(|line: String| line.contains("does not know remote write 2.0"))
        };
        assert!(log.any(fell_back), "it falls back");
    })
    .await
    .expect("no panic");
    let stored = has_the_same(&at, &pusher).await;
    assert!(derived(&stored).len() > 50, "{stored:?}");
    // 2.0 wrote nothing, and what 1.0 wrote is not lost.
    let count = |name: &str| -> f64 {
        let named = stored.iter().filter(|(series, _)| series.contains(name));
        named.map(|(_, value)| value).sum()
    };
    assert_eq!(count("baton_push_dropped_points_total"), 0.0);
    assert!(count("baton_push_sent_points_total") > 0.0);

    // The receiver is away, and Baton restarts meanwhile.
    victoria.end();
    send(&http, &session(3, "agent 3")).await;
    pusher
        .shows(r#"baton_agent_invocations_total{agent="agent 3""#, "1")
        .await;
    baton.stop("-KILL");
    let (_baton, endpoints) = pusher.start();
    send(&endpoints.http.to_string(), &session(4, "agent 4")).await;
    victoria.begin();
    let stored = has_the_same(&at, &pusher).await;
    let named = stored
        .iter()
        .filter(|(series, _)| series.contains("baton_agent_invocations_total"));
    assert_eq!(named.map(|(_, value)| value).sum::<f64>(), 5.0);
    drop(victoria);
    fs::remove_dir_all(&folder).expect("removed");
}
