//! Destinations that are dead, silent or slow, and a Baton that stops, starts and is killed.

use super::relay::{SOON, config, metric, post, post_as, start, wait_for};
use super::server::{OtlpServer, Reply};
use super::{PROTOBUF, sorted, traces};
use crate::support::process::{baton, client, folder, listening, now, session, spawn};
use baton::app::App;
use baton::clock::Clock;
use bytes::Bytes;
use prost::Message;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::mpsc;

/// Sends sessions; their bodies.
async fn send(app: &App, sessions: std::ops::Range<u64>) -> Vec<Bytes> {
    let mut bodies = Vec::new();
    for n in sessions {
        let body = traces(n);
        assert_eq!(post(app, "/v1/traces", PROTOBUF, body.clone()).await, 200);
        bodies.push(body);
    }
    bodies
}

/// One destination is dead, another one never answers: figures and the third one have everything.
#[tokio::test(flavor = "multi_thread")]
async fn a_dead_destination_touches_neither_figures_nor_other_destinations() {
    let dead = OtlpServer::start().await;
    let dead_url = dead.url();
    drop(dead);
    let silent = OtlpServer::scripted(|_, _| Reply::Silence).await;
    let server = OtlpServer::start().await;
    let text = format!(
        "exporters:\n  otlp/dead: {{endpoint: '{dead_url}', {SOON}}}\n  otlp/silent: {{endpoint: '{}', timeout: 100ms, {SOON}}}\n  otlp/fine: {{endpoint: '{}'}}\n",
        silent.url(),
        server.url()
    );
    let nanos = Arc::new(AtomicU64::new(now()));
    let app = App::start(&config(&text), Clock::manual(Arc::clone(&nanos))).await;
    let app = app.expect("it starts");
    let sent = send(&app, 0..30).await;
    server.wait(30).await;
    assert_eq!(server.bodies(), sorted(sent));
    silent.wait(10).await;
    nanos.fetch_add(3600 * 1_000_000_000, Ordering::AcqRel);
    app.settle().await;
    let workflows = app.engine().gather();
    let workflows = crate::support::process::total(&workflows, "baton_workflows_total", "");
    assert_eq!(workflows, 30.0);
    wait_for(&app, "baton_spool_requests", "otlp/fine", 0.0).await;
    wait_for(&app, "baton_spool_requests", "otlp/dead", 30.0).await;
    let age = metric(app.metrics, "baton_spool_oldest_seconds", "otlp/dead").await;
    assert!((3600.0..3700.0).contains(&age), "{age}");
    drop(app);
}

/// A Baton with a log on disk that forwards to one destination.
fn on_disk(state: &Path, url: &str, more: &str) -> String {
    let state = state.display();
    format!(
        "exporters: {{otlp/next: {{endpoint: '{url}', protocol: http/protobuf, {SOON}}}}}\nstate: {{directory: '{state}'}}\n{more}"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_goes_on_where_the_last_process_was() {
    let state = folder("forward-restart");
    let server = OtlpServer::start().await;
    let (address, url) = (server.address, server.url());
    let text = on_disk(&state, &url, "");
    let app = start(&text).await;
    let first = send(&app, 0..10).await;
    server.wait(10).await;
    assert_eq!(server.bodies(), sorted(first));
    wait_for(&app, "baton_spool_requests", "", 0.0).await;
    server.close().await;
    let mut rest = send(&app, 10..20).await;
    assert!(app.stop().await, "a dead destination does not hold it up");
    let app = start(&text).await;
    rest.extend(send(&app, 20..30).await);
    let server = OtlpServer::at(address).await;
    server.wait(20).await;
    assert_eq!(
        server.bodies(),
        sorted(rest),
        "each once, and none of the first ten"
    );
    assert!(app.stop().await);
    std::fs::remove_dir_all(&state).expect("removed");
}

/// Four days without the destination, with a restart on each of them: all that was acknowledged arrives once and in order.
#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_four_days_costs_nothing_and_keeps_the_order() {
    const HOUR: u64 = 3600 * 1_000_000_000;
    let state = folder("forward-days");
    let (address, url) = OtlpServer::nobody().await;
    let text = on_disk(&state, &url, "");
    let text = text.replace("endpoint:", "sending_queue: {num_consumers: 1}, endpoint:");
    let nanos = Arc::new(AtomicU64::new(now()));
    let start = || async {
        let app = App::start(&config(&text), Clock::manual(Arc::clone(&nanos))).await;
        app.expect("it starts")
    };
    let failed = "baton_exporter_failed_requests_total";
    let mut sent = Vec::new();
    let mut app = start().await;
    for hour in 0..96 {
        let body = Bytes::from(session(hour, nanos.load(Ordering::Acquire)).encode_to_vec());
        assert_eq!(post(&app, "/v1/traces", PROTOBUF, body.clone()).await, 200);
        sent.push(body);
        nanos.fetch_add(HOUR, Ordering::AcqRel);
        if hour % 24 == 23 {
            // It is still asking.
            while metric(app.metrics, failed, "connection").await == 0.0 {}
            assert!(app.stop().await);
            app = start().await;
        }
    }
    wait_for(&app, "baton_spool_requests", "", 96.0).await;
    while metric(app.metrics, failed, "connection").await == 0.0 {}
    let age = metric(app.metrics, "baton_spool_oldest_seconds", "").await;
    assert!((96.0 * 3600.0..97.0 * 3600.0).contains(&age), "{age}");
    let server = OtlpServer::at(address).await;
    wait_for(&app, "baton_spool_requests", "", 0.0).await;
    let arrived: Vec<Bytes> = server.arrived().into_iter().map(|one| one.body).collect();
    assert!(arrived[0] == sent[0], "the first one is the first one");
    assert!(arrived == sent, "each once, in order");
    wait_for(&app, "baton_exporter_dropped_requests_total", "", 0.0).await;
    let families = app.engine().gather();
    let calls = crate::support::process::total(&families, "baton_llm_calls_total", "");
    assert!(calls > 0.0, "the figures went on");
    assert!(app.stop().await);
    std::fs::remove_dir_all(&state).expect("removed");
}

/// Two tenants in turn, with a restart between: each request has the header that it came with.
#[tokio::test(flavor = "multi_thread")]
async fn headers_stay_with_their_request_over_a_restart() {
    let state = folder("forward-headers");
    for protocol in ["grpc", "http/protobuf"] {
        let (address, url) = OtlpServer::nobody().await;
        let text = on_disk(
            &state,
            &url,
            "receivers: {otlp: {forward_headers: [X-Scope-OrgID]}}\n",
        );
        let text = text.replace(
            "protocol: http/protobuf",
            &format!("protocol: {protocol}, headers: {{x-key: k}}"),
        );
        let app = start(&text).await;
        let mut expected = Vec::new();
        for n in 0..10 {
            let (body, tenant) = (traces(n), format!("tenant {}", n % 2));
            let path = "/v1/traces";
            let status = post_as(&app, path, (PROTOBUF, &tenant), body.clone()).await;
            assert_eq!(status, 200);
            expected.push((body, tenant));
        }
        assert!(app.stop().await);
        let app = start(&text).await;
        let server = OtlpServer::at(address).await;
        server.wait(10).await;
        let arrived = server.arrived().into_iter().map(|request| {
            assert_eq!(request.headers["x-key"], "k");
            let tenant = request.headers["x-scope-orgid"].to_str().expect("text");
            (request.body, tenant.to_owned())
        });
        let mut arrived: Vec<_> = arrived.collect();
        arrived.sort_unstable();
        expected.sort_unstable();
        assert_eq!(arrived, expected);
        assert!(app.stop().await);
    }
    std::fs::remove_dir_all(&state).expect("removed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_destination_does_not_hold_up_a_stop_and_gets_its_requests_later() {
    let state = folder("forward-silent");
    let silent = OtlpServer::scripted(|_, _| Reply::Silence).await;
    let (address, text) = (silent.address, on_disk(&state, &silent.url(), ""));
    let app = start(&text).await;
    let sent = send(&app, 0..3).await;
    silent.wait(3).await;
    assert!(app.stop().await, "within the grace period");
    silent.close().await;
    let server = OtlpServer::at(address).await;
    let app = start(&text).await;
    server.wait(3).await;
    assert_eq!(server.bodies(), sorted(sent));
    assert!(app.stop().await);
    std::fs::remove_dir_all(&state).expect("removed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spool_in_memory_is_sent_before_the_end() {
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    let opened = Arc::clone(&gate);
    let script = move |_, _: &_| match opened.available_permits() {
        0 => Reply::Http(503, None),
        _ => Reply::Ok,
    };
    let server = OtlpServer::scripted(script).await;
    let text = format!(
        "exporters: {{otlp: {{endpoint: '{}', protocol: http/protobuf, sending_queue: {{num_consumers: 1}}, {SOON}}}}}",
        server.url()
    );
    let app = start(&text).await;
    let sent = send(&app, 0..20).await;
    server.wait(1).await;
    gate.add_permits(1);
    while server.bodies().is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(app.stop().await);
    let arrived = server.bodies();
    assert_eq!(arrived, sorted(sent));
}

/// A spool that is full refuses, and takes again; nothing that was acknowledged is lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_spool_refuses_with_a_retryable_status_until_there_is_room() {
    let state = folder("forward-full");
    let (address, url) = OtlpServer::nobody().await;
    let limits = "spool: {max_size: 64KiB, segment_size: 8KiB}\n\
                  receivers: {otlp: {max_request_bytes: 16KiB, max_decompressed_bytes: 16KiB}}\n";
    for state_log in ["memory", "disk"] {
        let text = on_disk(&state, &url, limits);
        let text = text.replace("state: {", &format!("state: {{log: {state_log}, "));
        let app = start(&text).await;
        let mut taken = Vec::new();
        let refused = loop {
            let body = traces(taken.len() as u64);
            match post(&app, "/v1/traces", PROTOBUF, body.clone()).await {
                200 => taken.push(body),
                status => break status,
            }
        };
        assert_eq!(refused, 503);
        assert!(taken.len() > 20, "{}", taken.len());
        let reason = metric(
            app.metrics,
            "baton_receiver_failed_requests_total",
            "spool_full",
        );
        assert!(reason.await > 0.0);
        let unready = crate::support::http::get(app.metrics, "/readyz").await;
        assert!(unready.contains("spool.max_size"), "{unready}");
        let server = OtlpServer::at(address).await;
        server.wait(taken.len()).await;
        let last = traces(1000);
        while post(&app, "/v1/traces", PROTOBUF, last.clone()).await != 200 {
            tokio::task::yield_now().await;
        }
        taken.push(last);
        server.wait(taken.len()).await;
        assert_eq!(server.bodies(), sorted(taken));
        assert!(app.stop().await);
    }
    std::fs::remove_dir_all(&state).expect("removed");
}

/// The real process, killed under load: every acknowledged session arrives. What was on its way arrives more than once.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_killed_at_any_moment_forwards_all_that_it_acknowledged() {
    let rounds: u64 = std::env::var("ROUNDS").map_or(4, |text| text.parse().expect("a number"));
    let state = folder("forward-kill");
    let server = OtlpServer::start().await;
    let (address, url) = (server.address, server.url());
    let mut server = Some(server);
    let file = state.with_extension("yaml");
    let text = on_disk(&state, &url, "spool: {segment_size: 16KiB}\n");
    std::fs::write(&file, text).expect("written");
    let file = file.to_str().expect("text").to_owned();
    let (mut next, mut acknowledged, mut arrived) = (0, BTreeSet::new(), BTreeSet::new());
    let mut chance = now();
    for round in 0..rounds {
        // The destination is there in every other round.
        if round % 2 == 1 {
            arrived.extend(server.take().expect("it is up").bodies());
        } else if server.is_none() {
            server = Some(OtlpServer::at(address).await);
        }
        let more = ["--config", &file];
        let (running, endpoints) = spawn(listening(&mut baton(), &state, &more));
        let (told, mut taken) = mpsc::unbounded_channel();
        let senders: Vec<_> = (0..3)
            .map(|lane| {
                let told = told.clone();
                tokio::spawn(async move {
                    let mut client = client(endpoints.grpc).await;
                    for n in (next + lane..).step_by(3) {
                        let request = session(n, now());
                        let body = Bytes::from(request.encode_to_vec());
                        let is_taken = client.export(request).await.is_ok();
                        if !is_taken || told.send(body).is_err() {
                            return;
                        }
                    }
                })
            })
            .collect();
        chance = chance
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        for _ in 0..(5 + (chance >> 33) % 60) {
            acknowledged.insert(taken.recv().await.expect("a session is taken"));
        }
        drop(running);
        for sender in senders {
            sender.await.expect("no panic");
        }
        drop(told);
        while let Some(body) = taken.recv().await {
            acknowledged.insert(body);
        }
        next += 10_000;
    }
    arrived.extend(server.take().into_iter().flat_map(|server| server.bodies()));
    let server = OtlpServer::at(address).await;
    let more = ["--config", &file];
    let (running, endpoints) = spawn(listening(&mut baton(), &state, &more));
    while metric(endpoints.server, "baton_spool_requests", "").await > 0.0 {
        tokio::task::yield_now().await;
    }
    drop(running);
    arrived.extend(server.bodies());
    let lost = acknowledged.difference(&arrived).count();
    assert_eq!(lost, 0, "of {} acknowledged", acknowledged.len());
    std::fs::remove_dir_all(&state).expect("removed");
}
