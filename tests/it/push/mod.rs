//! Remote write to a receiver of the test: what the specification and the compliance suite for senders ask for. `compliance.rs` has all checks of the
//! suite, each with the test that shows it. Real receivers are in `tests/it/peers/push`.

mod compliance;
mod otlp;
mod receiver;

use crate::forward::relay;
use crate::support::http;
use baton::app::App;
use baton::clock::Clock;
use receiver::{Arrived, Receiver, Reply, V1, V2};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The exporter of a receiver, with pushes and retries that a test need not wait for.
fn exporter(receiver: &Receiver, more: &str) -> String {
    format!(
        "exporters: {{prometheusremotewrite/a: {{endpoint: '{}', interval: 20ms, {}, {more}}}}}\n",
        receiver.url(),
        relay::SOON
    )
}

/// A Baton in memory that pushes.
async fn start(receiver: &Receiver, more: &str) -> App {
    let text = exporter(receiver, more);
    relay::start(&format!("{text}service: {{instance: {{id: i-1}}}}\n")).await
}

/// One of Baton's own metrics, summed over its series.
async fn counted(app: &App, name: &str) -> f64 {
    let text = http::body(app.metrics, "/metrics")
        .await
        .expect("it answers");
    let lines = text.lines().filter(|line| line.starts_with(name));
    let values = lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok());
    values.sum()
}

/// Waits until it is so.
async fn until(app: &App, name: &str, is_so: impl Fn(f64) -> bool) {
    while !is_so(counted(app, name).await) {
        tokio::task::yield_now().await;
    }
}

/// `content_type_protobuf`, `content_type_with_proto_param`, `content_encoding_snappy`, `version_header_present`, `version_header_value`,
/// `user_agent_present`, `snappy_block_format`, `protobuf_parseable`, `empty_string_at_index_zero`, `string_deduplication`,
/// `labels_refs_valid_indices`, `labels_refs_even_length`, `label_lexicographic_ordering`, `metric_name_label_present`,
/// `no_duplicate_label_names`, `job_instance_labels_present`, `start_timestamp_before_sample_timestamp`.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_one_of_the_protocol() {
    let receiver = Receiver::start(|_, _| Reply::Written).await;
    let app = start(
        &receiver,
        "headers: {X-Scope-OrgID: team}, external_labels: {zone: eu}",
    )
    .await;
    for arrived in receiver.wait(10).await {
        assert_eq!(arrived.method, "POST");
        assert_eq!(arrived.header("content-encoding"), "snappy");
        assert_eq!(arrived.header("x-prometheus-remote-write-version"), "2.0.0");
        assert!(arrived.header("user-agent").starts_with("baton/"));
        assert_eq!(arrived.header("x-scope-orgid"), "team");
        let request = arrived.v2();
        assert_eq!(request.symbols[0], "");
        let different: BTreeSet<&String> = request.symbols.iter().collect();
        assert_eq!(different.len(), request.symbols.len());
        for series in &request.timeseries {
            let text = |at: &u32| request.symbols[*at as usize].as_str();
            assert_eq!(series.labels_refs.len() % 2, 0);
            let pairs = series.labels_refs.chunks_exact(2);
            let labels: Vec<(&str, &str)> = pairs.map(|p| (text(&p[0]), text(&p[1]))).collect();
            assert!(labels.is_sorted_by(|a, b| a.0 < b.0), "{labels:?}");
            let labels: BTreeMap<&str, &str> = labels.into_iter().collect();
            assert!(labels["__name__"].starts_with("baton_"));
            assert_eq!(
                [labels["job"], labels["instance"], labels["zone"]],
                ["baton", "i-1", "eu"]
            );
            let started = |sample: &&_| {
                let baton::export::push::remote_write::message::Sample {
                    start_timestamp,
                    timestamp,
                    ..
                } = **sample;
                start_timestamp <= timestamp
            };
            assert_eq!(series.samples.iter().filter(started).count(), 1);
            assert!(!text(&series.metadata.expect("it has some").help_ref).is_empty());
        }
    }
    until(&app, "baton_push_sent_points_total", |sent| sent > 0.0).await;
    assert_eq!(counted(&app, "baton_push_dropped_points_total").await, 0.0);
    assert!(app.stop().await);
}

/// `timestamp_ordering_within_series`, and no series twice with one time in any request, or in any two that are not one sent again.
#[tokio::test(flavor = "multi_thread")]
async fn times_of_a_series_only_grow_whatever_is_sent_again() {
    let receiver = Receiver::start(|number, _| match number % 3 {
        1 => Reply::Status(503),
        _ => Reply::Written,
    })
    .await;
    let app = start(&receiver, "remote_write_queue: {num_consumers: 3}").await;
    let arrived = receiver.wait(40).await;
    let bodies: BTreeSet<&[u8]> = arrived.iter().map(|one| &*one.packed).collect();
    assert!(bodies.len() < arrived.len(), "some were sent again");
    let mut last: BTreeMap<String, i64> = BTreeMap::new();
    let mut known = BTreeSet::new();
    for one in arrived
        .iter()
        .filter(|one| known.insert(one.packed.clone()))
    {
        for (name, at, _) in one.series() {
            let before = last.insert(name.clone(), at);
            assert!(
                before.is_none_or(|before| before < at),
                "{name}: {before:?}, {at}"
            );
        }
    }
    assert!(app.stop().await);
}

/// One request in flight for each series.
#[tokio::test(flavor = "multi_thread")]
async fn no_two_requests_in_flight_have_the_same_series() {
    let receiver = Receiver::held(|_, _| Reply::Written).await;
    let app = start(&receiver, "remote_write_queue: {num_consumers: 3}").await;
    for round in 0..5 {
        // All consumers have one in flight. What is queued behind it waits.
        receiver.wait(3 * (round + 1)).await;
        let flying = receiver.in_flight();
        assert_eq!(flying.len(), 3);
        let names: Vec<String> = flying
            .iter()
            .flat_map(Arrived::series)
            .map(|one| one.0)
            .collect();
        let different: BTreeSet<&String> = names.iter().collect();
        assert_eq!(different.len(), names.len());
        receiver.answer(3);
    }
    receiver.answer(10_000);
    assert!(app.stop().await);
}

/// `fallback_on_415_unsupported_media_type`, `retry_with_different_version`, `fallback_header_changes`, `accept_success_after_fallback`,
/// `persistent_fallback_choice`, `rw1_version_header`, `rw1_content_type`, `rw1_samples_encoding`, `rw1_labels_encoding`, `rw1_no_start_timestamp`.
#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_does_not_know_the_message_gets_the_same_points_in_the_other_one() {
    let receiver = Receiver::start(|_, arrived| match arrived.header("content-type") {
        V2 => Reply::Status(415),
        _ => Reply::Legacy,
    })
    .await;
    let app = start(&receiver, "remote_write_queue: {num_consumers: 1}").await;
    let arrived = receiver.wait(6).await;
    assert_eq!(arrived[0].header("content-type"), V2);
    assert_eq!(arrived[0].series(), arrived[1].series());
    for later in &arrived[1..] {
        assert_eq!(later.header("content-type"), V1);
        assert_eq!(later.header("x-prometheus-remote-write-version"), "0.1.0");
        assert_eq!(later.header("content-encoding"), "snappy");
        let samples = later
            .v1()
            .timeseries
            .into_iter()
            .flat_map(|series| series.samples);
        assert!(
            samples
                .into_iter()
                .all(|sample| sample.start_timestamp == 0)
        );
    }
    assert_eq!(counted(&app, "baton_push_failed_requests_total").await, 0.0);
    assert!(app.stop().await);
}

/// `handle_missing_written_headers`: one that accepts 2.0 and says nothing has stored nothing.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_accepted_without_a_word_on_what_is_written_is_sent_as_version_1() {
    let receiver = Receiver::held(|_, _| Reply::Legacy).await;
    let app = start(&receiver, "remote_write_queue: {num_consumers: 1}").await;
    receiver.wait(1).await;
    receiver.answer(1);
    let arrived = receiver.wait(2).await;
    assert_eq!(
        [&arrived[0], &arrived[1]].map(|one| one.header("content-type")),
        [V2, V1]
    );
    assert_eq!(arrived[0].series(), arrived[1].series());
    // The one that is answered wrote nothing, and the other one is not answered.
    assert_eq!(counted(&app, "baton_push_sent_points_total").await, 0.0);
    receiver.answer(1);
    let points = arrived[1].series().len() as f64;
    until(&app, "baton_push_sent_points_total", |sent| sent > 0.0).await;
    assert_eq!(counted(&app, "baton_push_sent_points_total").await, points);
    receiver.answer(10_000);
    assert!(app.stop().await);
}

/// After a while, one request tries 2.0 again.
#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_is_updated_gets_version_2_again() {
    let updated = Arc::new(AtomicBool::new(false));
    let is_updated = Arc::clone(&updated);
    let receiver = Receiver::start(move |_, _| match is_updated.load(Ordering::Relaxed) {
        true => Reply::Written,
        false => Reply::Legacy,
    })
    .await;
    let now = Arc::new(AtomicU64::new(1_700_000_000_000_000_000));
    let text = exporter(&receiver, "remote_write_queue: {num_consumers: 1}");
    let text = format!("{text}service: {{instance: {{id: i-1}}}}\n");
    let clock = Clock::manual(Arc::clone(&now));
    let app = App::start(&relay::config(&text), clock).await;
    let app = app.expect("it starts");
    let ten_minutes = 600_000_000_000;
    // It is as before, and one request finds that out.
    receiver.wait(4).await;
    now.fetch_add(ten_minutes, Ordering::Relaxed);
    let tried = receiver.arrived().len();
    receiver.wait(tried + 8).await;
    updated.store(true, Ordering::Relaxed);
    now.fetch_add(ten_minutes, Ordering::Relaxed);
    let tried = receiver.arrived().len();
    let arrived = receiver.wait(tried + 8).await;
    let is_v2 = |one: &Arrived| one.header("content-type") == V2;
    let (first, later) = arrived.split_at(tried);
    assert_eq!(first.iter().filter(|one| is_v2(one)).count(), 2);
    // One may have been on its way.
    assert!(later[2..].iter().all(is_v2));
    assert!(app.stop().await);
}

/// A counter is 0 until the receiver has acknowledged a point of it, whatever it answers before.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_series_is_0_until_the_receiver_knows_it() {
    let receiver = Receiver::start(|number, _| match number {
        0..3 => Reply::Status(404),
        _ => Reply::Written,
    })
    .await;
    let app = start(&receiver, "remote_write_queue: {num_consumers: 1}").await;
    let value = |one: &Arrived| -> f64 {
        let series = one.series().into_iter();
        let failed = series.filter(|one| one.0.contains("baton_push_failed_requests_total"));
        failed.map(|one| one.2).sum()
    };
    let mut arrived = receiver.wait(5).await;
    while arrived.last().map(value) == Some(0.0) {
        arrived = receiver.wait(arrived.len() + 1).await;
    }
    let values: Vec<f64> = arrived.iter().map(value).collect();
    let first = values.iter().position(|value| *value > 0.0);
    assert!(first.is_some_and(|first| first >= 4), "{values:?}");
    assert_eq!(values.last(), Some(&3.0));
    assert!(app.stop().await);
}

/// `no_retry_on_400`, `no_retry_on_401`, `no_retry_on_404`, `no_retry_on_413`, `retry_on_500`, `retry_on_502`, `retry_on_503`, `retry_on_504`,
/// `may_retry_on_429`, `sender_continues_after_errors`, `handle_large_error_body`, and no fall-back on any of them.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_retry_can_help_is_sent_again_and_nothing_else() {
    for (status, is_retried) in [
        (400, false),
        (401, false),
        (404, false),
        (413, false),
        (429, true),
        (500, true),
        (502, true),
        (503, true),
        (504, true),
    ] {
        let receiver = Receiver::start(move |number, _| match number {
            0 | 1 => Reply::Status(status),
            _ => Reply::Written,
        })
        .await;
        let app = start(&receiver, "remote_write_queue: {num_consumers: 1}").await;
        let arrived = receiver.wait(4).await;
        let again = arrived[..3]
            .windows(2)
            .filter(|two| two[0].packed == two[1].packed);
        assert_eq!(again.count(), if is_retried { 2 } else { 0 }, "{status}");
        assert!(
            arrived.iter().all(|one| one.header("content-type") == V2),
            "{status}"
        );
        assert_eq!(
            counted(&app, "baton_push_failed_requests_total").await,
            2.0,
            "{status}"
        );
        let lost = arrived[..2]
            .iter()
            .map(|one| one.series().len() as f64)
            .sum::<f64>();
        let dropped = counted(&app, "baton_push_dropped_points_total").await;
        assert_eq!(dropped, if is_retried { 0.0 } else { lost }, "{status}");
        assert!(app.stop().await);
    }
}

/// `process_written_count_headers`, `handle_partial_write_response`.
#[tokio::test(flavor = "multi_thread")]
async fn points_that_a_receiver_does_not_write_are_counted() {
    let receiver = Receiver::start(|number, _| match number {
        0 => Reply::Part(3),
        _ => Reply::Written,
    })
    .await;
    let app = start(&receiver, "remote_write_queue: {num_consumers: 1}").await;
    let arrived = receiver.wait(2).await;
    let lost = arrived[0].series().len() as f64 - 3.0;
    until(&app, "baton_push_sent_points_total", |sent| sent > 3.0).await;
    assert_eq!(counted(&app, "baton_push_dropped_points_total").await, lost);
    assert_ne!(arrived[0].packed, arrived[1].packed, "it is not sent again");
    assert!(app.stop().await);
}

/// The identity is kept in the state directory, where the operator does not say it, and the last figures are pushed at the end.
#[tokio::test(flavor = "multi_thread")]
async fn an_instance_stays_the_same_across_restarts_and_says_goodbye() {
    let receiver = Receiver::start(|_, _| Reply::Written).await;
    let state = tempfile::tempdir().expect("a folder");
    let text = format!(
        "{}state: {{directory: '{}'}}\nservice: {{name: desk, scrape_labels: true}}\n",
        exporter(&receiver, ""),
        state.path().display()
    );
    let mut instances = BTreeSet::new();
    for _ in 0..2 {
        let before = receiver.arrived().len();
        let config = relay::config(&text);
        let app = App::start(&config, Clock::system())
            .await
            .expect("it starts");
        receiver.wait(before + 1).await;
        let scraped = http::body(app.metrics, "/metrics")
            .await
            .expect("it answers");
        let line = scraped
            .lines()
            .find(|line| line.starts_with("baton_build_info"));
        let line = line.expect("it is shown");
        assert!(line.contains("job=\"desk\""), "{line}");
        instances.extend(
            line.split("instance=\"")
                .nth(1)
                .and_then(|rest| rest.split('"').next())
                .map(str::to_owned),
        );
        let before = receiver.arrived().len();
        assert!(app.stop().await);
        assert!(receiver.arrived().len() > before, "the last figures");
    }
    for arrived in receiver.arrived() {
        for (name, ..) in arrived.series() {
            instances.extend(
                name.split("instance=")
                    .nth(1)
                    .and_then(|rest| rest.split(',').next())
                    .map(str::to_owned),
            );
        }
    }
    assert_eq!(instances.len(), 1, "{instances:?}");
    assert!(Path::new(state.path()).join("meta").exists());
}
