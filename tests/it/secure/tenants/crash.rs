//! Tenants in the log: a process that goes on after `kill -9` keeps equal traces apart, and verdicts too.

use super::credentials::{Reaches, by_secret};
use super::{HOUR, post, request};
use crate::forward::relay::{SOON, config};
use crate::forward::server::OtlpServer;
use crate::support::process::{baton, folder, listening, now, spawn};
use baton::app::App;
use baton::clock::Clock;
use baton::model::metric::Family;
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A request in two, without a session: every other span.
fn halves(body: &Bytes) -> [Bytes; 2] {
    [0, 1].map(|half| {
        let mut request = ExportTraceServiceRequest::decode(body.clone()).expect("OTLP");
        let spans = &mut request.resource_spans[0].scope_spans[0].spans;
        let mut place = 0..;
        spans.retain(|_| place.next().is_some_and(|n: usize| n % 2 == half));
        // No session: the trace alone says what belongs together.
        for span in spans {
            span.attributes
                .retain(|pair| pair.key != "gen_ai.conversation.id");
        }
        request.encode_to_vec().into()
    })
}

/// The figures of an hour later, and the requests with verdicts that went on, by tenant.
async fn at_the_end(
    text: &str,
    state: &Path,
    next: &OtlpServer,
) -> (Vec<Family>, BTreeMap<String, usize>) {
    let mut config = config(text);
    config.state.directory = Some(state.to_owned());
    // What was counted long ago still shows.
    config.metrics.expire_after = Duration::MAX;
    let nanos = Arc::new(AtomicU64::new(now()));
    let app = App::start(&config, Clock::manual(Arc::clone(&nanos))).await;
    let app = app.expect("it starts");
    nanos.fetch_add(HOUR, Ordering::AcqRel);
    app.settle().await;
    let families = app.engine().gather();
    assert!(app.stop().await);
    let mut tenants = BTreeMap::new();
    for request in next.arrived() {
        let header = request.headers.get("x-scope-orgid");
        let tenant = header.map_or("", |tenant| tenant.to_str().expect("text"));
        *tenants.entry(tenant.to_owned()).or_default() += 1;
    }
    (families, tenants)
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_traces_of_two_tenants_stay_apart_across_a_crash_as_without_one() {
    let folder = folder("secure-tenants-crash");
    let way = by_secret(&folder);
    let mut figures = Vec::new();
    for crashes in [false, true] {
        let next = OtlpServer::start().await;
        // Only verdicts are sent on: one request for each tenant.
        let text = format!(
            "{}state: {{log: disk}}\nexporters: {{otlp/next: {{endpoint: '{}', protocol: http/protobuf, send: [verdicts], {SOON}}}}}\n",
            way.config,
            next.url()
        );
        let file = folder.join(format!("{crashes}.yaml"));
        std::fs::write(&file, &text).expect("written");
        let state = folder.join(format!("state-{crashes}"));
        let start = || {
            let mut command = baton();
            let options = ["--config", file.to_str().expect("text")];
            spawn(listening(&mut command, &state, &options))
        };
        let (mut running, mut endpoints) = start();
        for half in 0..2 {
            for tenant in ["a", "b"] {
                let sender = way.sender(Reaches::Own(tenant)).expect("a sender");
                let url = format!("http://{}/v1/traces", endpoints.http);
                let body = &halves(&request(tenant))[half];
                assert_eq!(post(&url, sender, &folder, body), "200");
            }
            if crashes && half == 0 {
                running.0.kill().expect("killed");
                running.0.wait().expect("it ended");
                (running, endpoints) = start();
            }
        }
        running.0.kill().expect("killed");
        running.0.wait().expect("it ended");
        let (families, verdicts) = at_the_end(&text, &state, &next).await;
        let figure = |tenant: &str| {
            let of = |family: &Family| {
                let is_it = |(name, value): &(_, String)| *name == "tenant" && value == tenant;
                let series = family.series.iter();
                let own = series.filter(|series| series.labels.iter().any(is_it));
                own.map(|series| (series.labels.clone(), series.point.clone()))
                    .collect::<Vec<_>>()
            };
            families.iter().flat_map(of).collect::<Vec<_>>()
        };
        let [a, b] = ["a", "b"].map(figure);
        assert!(!a.is_empty(), "{families:?}");
        assert_eq!(a.len(), b.len());
        assert_eq!(verdicts.keys().collect::<Vec<_>>(), ["a", "b"]);
        figures.push((a, b));
    }
    let strip = |figures: &(Vec<_>, Vec<_>)| format!("{figures:?}");
    assert_eq!(strip(&figures[0]), strip(&figures[1]));
}
