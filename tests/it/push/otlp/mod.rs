//! Metrics that Baton pushes as OTLP: every value arrives once, whatever becomes of destinations and of Baton.
//!
//! `ROUNDS=50` kills the process that often.

mod delta;
pub mod points;

use crate::forward::relay::{SOON, export, post, start, wait_for};
use crate::forward::server::{Arrived, OtlpServer};
use crate::forward::{PROTOBUF, traces};
use crate::support::http::get;
use baton::app::App;
use bytes::Bytes;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use points::{Received, accepted, metrics, request};
use std::collections::BTreeMap;

/// Turns are decided soon, and scrapes show true values.
const FAST: &str =
    "stitch: {settle: 20ms}\nmetrics: {zero_hold: 0s}\nservice: {instance: {id: baton-0}}\n";
const SESSIONS: &str = "baton_sessions_total";

async fn send(app: &App, sessions: std::ops::Range<u64>) {
    for n in sessions {
        assert_eq!(post(app, "/v1/traces", PROTOBUF, traces(n)).await, 200);
    }
}

/// Ends when the last point of a series has a value.
async fn last_is(server: &OtlpServer, series: &str, value: f64) {
    for requests in 1.. {
        server.wait(requests).await;
        let last = accepted(server)
            .get(series)
            .and_then(|all| all.last().copied());
        if last.is_some_and(|point| point.value == value) {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_arrive_over_grpc_and_over_http() {
    let (over_grpc, over_http) = (OtlpServer::start().await, OtlpServer::start().await);
    let app = start(&format!(
        "{FAST}exporters:\n  otlp/grpc: {{endpoint: '{}', compression: gzip, headers: {{x-key: k1}}, send: [derived], derived: {{interval: 20ms}}}}\n  \
         otlp/http: {{endpoint: '{}/prefix', protocol: http/protobuf, auth: {{bearer: {{token: secret}}}}, send: [derived], derived: {{interval: 20ms}}}}\n",
        over_grpc.url(),
        over_http.url()
    ))
    .await;
    send(&app, 0..3).await;
    for server in [&over_grpc, &over_http] {
        last_is(server, SESSIONS, 3.0).await;
    }
    let first = &over_grpc.arrived()[0];
    assert_eq!(
        first.path,
        "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
    );
    assert_eq!(
        (&first.headers["x-key"], &first.headers["grpc-encoding"]),
        (
            &"k1".parse().expect("a value"),
            &"gzip".parse().expect("a value")
        )
    );
    let first = &over_http.arrived()[0];
    assert_eq!(
        (&*first.path, &first.headers["content-type"]),
        ("/prefix/v1/metrics", &PROTOBUF.parse().expect("a value"))
    );
    assert_eq!(first.headers["authorization"], "Bearer secret");
    assert_is_baton(first);
    // Nothing is forwarded, so there is no spool, and metrics of others are not taken.
    let none = Bytes::new();
    assert_eq!(post(&app, "/v1/metrics", PROTOBUF, none.clone()).await, 404);
    assert_eq!(export(&app, "metrics.v1.MetricsService", &none).await, "12");
    let shown = get(app.metrics, "/metrics").await;
    assert!(!shown.contains("baton_spool_requests"), "{shown}");
    assert!(app.stop().await);
    // Baton's own metrics are there too, and each series begins at 0.
    let all = accepted(&over_grpc);
    for series in [SESSIONS, "baton_log_events_total"] {
        assert_eq!(all[series][0].value, 0.0, "{series}");
    }
    let sessions = &all[SESSIONS];
    assert!(
        sessions.is_sorted_by(|a, b| a.time < b.time && a.value <= b.value),
        "{sessions:?}"
    );
    assert!(
        sessions
            .iter()
            .all(|point| point.start == sessions[0].start),
        "{sessions:?}"
    );
}

/// The resource says who Baton is.
fn assert_is_baton(arrived: &Arrived) {
    let request = request(arrived);
    let resource = request.resource_metrics[0].resource.clone();
    let attributes = resource.expect("a resource").attributes.into_iter();
    let attributes = attributes.map(|attribute| {
        let Some(Some(Value::StringValue(value))) = attribute.value.map(|value| value.value) else {
            panic!("a text");
        };
        (attribute.key, value)
    });
    let expected = [
        ("service.name", "baton"),
        ("service.instance.id", "baton-0"),
        ("service.version", env!("CARGO_PKG_VERSION")),
    ];
    let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!(attributes.collect::<Vec<_>>(), expected);
}

/// A Prometheus that is away does not see the zero of a series that is born then, wherever it is exposed.
#[tokio::test(flavor = "multi_thread")]
async fn a_series_that_is_born_in_an_outage_begins_at_0_after_it() {
    let server = OtlpServer::start().await;
    let (address, url) = (server.address, server.url());
    let app = start(&format!(
        "{FAST}exporters: {{otlp/next: {{endpoint: '{url}', protocol: http/protobuf, {SOON}, send: [derived], derived: {{interval: 20ms}}}}}}\n"
    ))
    .await;
    server.wait(1).await;
    assert!(!accepted(&server).contains_key(SESSIONS));
    server.close().await;
    send(&app, 0..5).await;
    wait_for(&app, SESSIONS, "", 5.0).await;
    let failed = r#"{exporter="otlp/next",reason="connection"}"#;
    while crate::forward::relay::metric(app.metrics, "baton_push_failed_requests_total", failed)
        .await
        < 5.0
    {}
    let server = OtlpServer::at(address).await;
    last_is(&server, SESSIONS, 5.0).await;
    let values: Vec<f64> = accepted(&server)[SESSIONS]
        .iter()
        .map(|point| point.value)
        .collect();
    assert_eq!(values[..2], [0.0, 5.0]);
    assert!(app.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_figures_are_pushed_at_the_end() {
    let server = OtlpServer::start().await;
    let app = start(&format!(
        "{FAST}exporters: {{otlp/next: {{endpoint: '{}', send: [derived], derived: {{interval: 1h}}}}}}\n",
        server.url()
    ))
    .await;
    server.wait(1).await;
    send(&app, 0..4).await;
    wait_for(&app, SESSIONS, "", 4.0).await;
    assert!(app.stop().await);
    let values: Vec<f64> = accepted(&server)[SESSIONS]
        .iter()
        .map(|point| point.value)
        .collect();
    assert_eq!(values, [0.0, 4.0]);
}

/// The values of series that count business, as `/metrics` shows them.
async fn shown(app_metrics: std::net::SocketAddr) -> BTreeMap<String, f64> {
    use baton::catalogue::DERIVED;
    use baton::model::metric::FamilyKind;
    let text = get(app_metrics, "/metrics").await;
    let counts = |series: &str| {
        let name = series.split('{').next().unwrap_or_default();
        DERIVED.iter().any(|row| match row.kind {
            FamilyKind::Counter => row.name == name,
            FamilyKind::Histogram => name.strip_suffix("_count") == Some(row.name),
            FamilyKind::Gauge => false,
        })
    };
    let lines = text.lines().filter_map(|line| {
        let (series, value) = line.rsplit_once(' ')?;
        Some((series.to_owned(), value.parse().ok()?))
    });
    lines.filter(|(series, _)| counts(series)).collect()
}

/// The sums of points, each time of a series once.
fn sums(all: &BTreeMap<String, Vec<Received>>) -> BTreeMap<String, f64> {
    let sums = all.iter().map(|(series, points)| {
        let mut by_time: BTreeMap<u64, Received> = BTreeMap::new();
        for point in points {
            let known = by_time.entry(point.time).or_insert(*point);
            assert_eq!(known, point, "{series}: one time has one value");
        }
        let sum: f64 = by_time.values().map(|point| point.value).sum();
        (series.clone(), (sum * 1e9).round() / 1e9)
    });
    sums.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn exponential_histograms_are_pushed_where_they_are_kept() {
    let server = OtlpServer::start().await;
    let app = start(&format!(
        "stitch: {{settle: 20ms}}\nmetrics: {{zero_hold: 0s, native_histograms: true}}\nservice: {{instance: {{id: a}}}}\n\
         exporters: {{otlp/next: {{endpoint: '{}', send: [derived], derived: {{interval: 20ms, default_histogram_aggregation: base2_exponential_bucket_histogram}}}}}}\n",
        server.url()
    ))
    .await;
    send(&app, 0..2).await;
    last_is(&server, SESSIONS, 2.0).await;
    assert!(app.stop().await);
    let arrived = server.arrived();
    let kinds = arrived.iter().flat_map(|one| metrics(request(one)));
    let mut durations = kinds.filter(|metric| metric.name == "baton_turn_duration_seconds");
    use opentelemetry_proto::tonic::metrics::v1::metric::Data;
    let is_exponential = |metric: opentelemetry_proto::tonic::metrics::v1::Metric| {
        matches!(metric.data, Some(Data::ExponentialHistogram(_)))
    };
    assert!(durations.next().is_some_and(is_exponential) && durations.all(is_exponential));
}
