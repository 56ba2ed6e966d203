//! Verdicts: what Baton adds to the stream equals what `/metrics` shows, whatever is killed, and touches nothing else.

use super::relay::{SOON, config, post, start, wait_for};
use super::server::{Arrived, OtlpServer};
use super::{PROTOBUF, sorted, traces};
use crate::support::process::{baton, client, folder, listening, now, session, spawn, total};
use baton::app::App;
use baton::clock::Clock;
use baton::demo::{CONFIGURATION, Desk, Sender};
use baton::model::event::Outcome;
use baton::model::fact::HandoffResult;
use baton::model::metric::Family;
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use prost::Message;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::mpsc;

const SCOPE: &str = "baton.verdicts";
const HOUR: u64 = 3600 * 1_000_000_000;
/// What closes workflows while a test waits.
const QUICK: &str = "stitch: {settle: 50ms, trace_timeout: 100ms, turn_timeout: 100ms, drop_timeout: 100ms, idle_timeout: 200ms}\n";

/// A verdict as a store has it.
#[derive(Clone, Debug, PartialEq)]
struct StoredVerdict {
    /// The end of its ID in hexadecimal digits, which record and span share.
    id: String,
    /// Where it is: the trace and the span that it is about.
    place: (Vec<u8>, Vec<u8>),
    attributes: BTreeMap<String, String>,
    bytes: Vec<u8>,
}

impl StoredVerdict {
    fn is(&self, key: &str, value: &str) -> bool {
        self.attributes.get(key).is_some_and(|found| found == value)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn read(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |pair: &KeyValue| match pair.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        Value::DoubleValue(number) => Some(number.to_string()),
        _ => None,
    };
    let pairs = attributes.iter();
    let pairs = pairs.filter_map(|pair| Some((pair.key.clone(), text(pair)?)));
    pairs.collect()
}

/// The verdicts that came as log records.
fn events(arrived: &[Arrived]) -> Vec<StoredVerdict> {
    let logs = arrived.iter().filter(|one| one.accepted);
    let logs = logs.filter(|one| one.path.contains("logs"));
    let requests =
        logs.map(|one| ExportLogsServiceRequest::decode(one.body.clone()).expect("logs"));
    let scopes = requests
        .flat_map(|one| one.resource_logs)
        .flat_map(|one| one.scope_logs);
    let own = scopes.filter(|one| one.scope.as_ref().is_some_and(|scope| scope.name == SCOPE));
    let records = own.flat_map(|one| one.log_records);
    let verdict = |record: opentelemetry_proto::tonic::logs::v1::LogRecord| {
        assert_eq!(record.event_name, "gen_ai.evaluation.result");
        let attributes = read(&record.attributes);
        let id = attributes["log.record.uid"].replace('-', "");
        StoredVerdict {
            id: id[16..].to_owned(),
            bytes: record.encode_to_vec(),
            place: (record.trace_id, record.span_id),
            attributes,
        }
    };
    records.map(verdict).collect()
}

/// The verdicts that came as spans.
fn spans(arrived: &[Arrived]) -> Vec<StoredVerdict> {
    let traces = arrived.iter().filter(|one| one.path.contains("race"));
    let requests =
        traces.map(|one| ExportTraceServiceRequest::decode(one.body.clone()).expect("traces"));
    let scopes = requests
        .flat_map(|one| one.resource_spans)
        .flat_map(|one| one.scope_spans);
    let own = scopes.filter(|one| one.scope.as_ref().is_some_and(|scope| scope.name == SCOPE));
    let spans = own.flat_map(|one| one.spans);
    let verdict = |span: opentelemetry_proto::tonic::trace::v1::Span| StoredVerdict {
        id: hex(&span.span_id),
        bytes: span.encode_to_vec(),
        attributes: read(&span.attributes),
        place: (span.trace_id, span.parent_span_id),
    };
    spans.map(verdict).collect()
}

/// Ends when so many verdicts are written.
async fn written(app: &App, verdicts: f64) {
    wait_for(app, "baton_verdicts_total", "", verdicts).await;
    wait_for(app, "baton_spool_requests", "", 0.0).await;
}

/// The support desk of the demo with 200 sessions, sent to a Baton with three destinations: its figures.
async fn demo(text: &str) -> Vec<Family> {
    let nanos = Arc::new(AtomicU64::new(1_800_000_000_000_000_000));
    let clock = Clock::manual(Arc::clone(&nanos));
    let app = App::start(&config(text), clock.clone()).await;
    let app = app.expect("it starts");
    let sender = Sender::connect(app.grpc).expect("an exporter");
    for number in 0..200 {
        let session = Desk::new(7).session(number);
        tokio::task::block_in_place(|| sender.send(&session, clock.now())).expect("taken");
    }
    nanos.fetch_add(HOUR, Ordering::AcqRel);
    app.settle().await;
    let figures = app.engine().gather();
    let count = |metric| total(&figures, metric, "");
    let verdicts = count("baton_handoffs_total") + count("baton_workflows_total");
    assert!(verdicts > 300.0, "{verdicts}");
    written(&app, verdicts).await;
    assert!(app.stop().await);
    figures
}

/// Each result and each outcome is there as often as the metrics say.
fn assert_equal(verdicts: &[StoredVerdict], figures: &[Family]) {
    let count = |name: &str, (key, value): (&str, &str)| {
        let found = verdicts.iter();
        let found = found.filter(|one| one.is("gen_ai.evaluation.name", name));
        found.filter(|one| one.is(key, value)).count() as f64
    };
    let label = "gen_ai.evaluation.score.label";
    for outcome in Outcome::ALL.map(Outcome::as_str) {
        let shown = count("workflow_outcome", (label, outcome));
        let counted = total(figures, "baton_workflows_total", outcome);
        assert_eq!(shown, counted, "{outcome}");
    }
    for (result, reason) in HandoffResult::ALL.map(HandoffResult::labels) {
        let (key, value) = match reason {
            "" => (label, result),
            reason => ("baton.handoff.reason", reason),
        };
        let shown = count("handoff_result", (key, value));
        let counted = total(figures, "baton_handoffs_total", value);
        assert_eq!(shown, counted, "{value}");
    }
    let all = |metric| total(figures, metric, "");
    let all = all("baton_handoffs_total") + all("baton_workflows_total");
    assert_eq!(verdicts.len() as f64, all);
}

/// The places of all spans in these requests of traces.
fn spans_in(bodies: Vec<Bytes>) -> BTreeSet<(Vec<u8>, Vec<u8>)> {
    let requests = bodies.into_iter();
    let requests = requests.map(|body| ExportTraceServiceRequest::decode(body).expect("traces"));
    let scopes = requests
        .flat_map(|one| one.resource_spans)
        .flat_map(|one| one.scope_spans);
    let spans = scopes.flat_map(|one| one.spans);
    spans.map(|span| (span.trace_id, span.span_id)).collect()
}

/// As events and as spans, each at a span that was received; the requests of the senders are what they are without verdicts.
#[tokio::test(flavor = "multi_thread")]
async fn the_verdicts_of_the_demo_are_the_figures_of_its_metrics() {
    let (only, both) = (OtlpServer::start().await, OtlpServer::start().await);
    let plain = OtlpServer::start().await;
    let text = format!(
        "{CONFIGURATION}\nexporters:\n  otlp/events: {{endpoint: '{}', send: [verdicts]}}\n  \
         otlp/spans: {{endpoint: '{}', protocol: http/protobuf, send: [traces, verdict_spans]}}\n  otlp/plain: {{endpoint: '{}'}}\n",
        only.url(),
        both.url(),
        plain.url()
    );
    let figures = demo(&text).await;
    let (found, as_spans) = (events(&only.arrived()), spans(&both.arrived()));
    assert_equal(&found, &figures);
    assert_equal(&as_spans, &figures);
    let places = |verdicts: &[StoredVerdict]| {
        let places = verdicts.iter();
        let places = places.map(|one| (one.id.clone(), one.place.clone()));
        places.collect::<BTreeMap<_, _>>()
    };
    assert_eq!(places(&found), places(&as_spans));
    assert_eq!(places(&found).len(), found.len(), "each has its own ID");
    let is_original = |one: &&Arrived| spans(std::slice::from_ref(one)).is_empty();
    let arrived = both.arrived();
    let originals = arrived.iter().filter(is_original);
    let originals = originals.map(|one| one.body.clone()).collect();
    assert_eq!(sorted(originals), plain.bodies());
    let received = spans_in(plain.bodies());
    let homeless = found.iter().find(|one| !received.contains(&one.place));
    assert_eq!(homeless, None);
}

/// A Baton that gets the verdicts of another one: they change no figure.
#[tokio::test(flavor = "multi_thread")]
async fn verdicts_change_no_figure_of_the_next_baton() {
    let nanos = Arc::new(AtomicU64::new(now()));
    let clock = Clock::manual(Arc::clone(&nanos));
    let last = App::start(&config(""), clock.clone())
        .await
        .expect("it starts");
    let text = format!(
        "exporters: {{otlp: {{endpoint: 'http://{}', send: [traces, verdicts, verdict_spans], {SOON}}}}}",
        last.grpc
    );
    let first = App::start(&config(&text), clock).await.expect("it starts");
    for n in 0..20 {
        assert_eq!(post(&first, "/v1/traces", PROTOBUF, traces(n)).await, 200);
    }
    wait_for(&first, "baton_spool_requests", "", 0.0).await;
    nanos.fetch_add(HOUR, Ordering::AcqRel);
    first.settle().await;
    written(&first, 40.0).await;
    nanos.fetch_add(HOUR, Ordering::AcqRel);
    last.settle().await;
    let unread = "baton_receiver_unread_total";
    wait_for(&last, unread, "reason=\"verdict\"", 80.0).await;
    let (there, here) = (last.engine().gather(), first.engine().gather());
    for name in [
        "baton_sessions_total",
        "baton_turns_total",
        "baton_workflows_total",
        "baton_handoffs_total",
        "baton_llm_calls_total",
    ] {
        assert_eq!(total(&there, name, ""), total(&here, name, ""), "{name}");
    }
    assert_eq!(total(&here, "baton_workflows_total", ""), 20.0);
    assert!(first.stop().await && last.stop().await);
}

/// Requests keep the header of their tenant, and so do verdicts.
#[tokio::test(flavor = "multi_thread")]
async fn verdicts_of_a_tenant_have_its_header() {
    let server = OtlpServer::start().await;
    let app = start(&format!(
        "exporters: {{otlp: {{endpoint: '{}', send: [verdicts]}}}}\n{QUICK}\
         receivers: {{otlp: {{forward_headers: [X-Scope-OrgID]}}}}\nnormalise: {{tenant_attributes: [gen_ai.conversation.id]}}\n",
        server.url()
    ))
    .await;
    assert_eq!(post(&app, "/v1/traces", PROTOBUF, traces(1)).await, 200);
    written(&app, 2.0).await;
    assert!(app.stop().await);
    for request in server.arrived() {
        assert_eq!(request.headers["x-scope-orgid"], "conversation 1");
    }
    for verdict in events(&server.arrived()) {
        assert!(verdict.is("tenant.id", "conversation 1"), "{verdict:?}");
    }
}

/// The verdicts by conversation, after a look that repeated ones are the same to the last byte.
fn by_conversation(found: &[StoredVerdict]) -> BTreeMap<String, BTreeSet<String>> {
    let mut bytes: BTreeMap<&str, &[u8]> = BTreeMap::new();
    let mut ids: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for verdict in found {
        let known = bytes.entry(&verdict.id).or_insert(&verdict.bytes);
        assert_eq!(*known, verdict.bytes, "{verdict:?}");
        let conversation = verdict.attributes["gen_ai.conversation.id"].clone();
        ids.entry(conversation)
            .or_default()
            .insert(verdict.id.clone());
    }
    ids
}

/// A spool that is full takes no verdicts: no snapshot gets ahead of them, so the next process finds them out again.
#[tokio::test(flavor = "multi_thread")]
async fn verdicts_that_wait_for_a_full_spool_survive_a_kill() {
    let state = folder("verdicts-full");
    let (address, url) = OtlpServer::nobody().await;
    let file = state.with_extension("yaml");
    let text = format!(
        "exporters: {{otlp: {{endpoint: '{url}', send: [verdicts], {SOON}}}}}\n{QUICK}\
         spool: {{max_size: 64KiB, segment_size: 8KiB}}\nengine: {{partitions: 2}}\nmetrics: {{zero_hold: 0s}}\n\
         receivers: {{otlp: {{max_request_bytes: 16KiB, max_decompressed_bytes: 16KiB}}}}\n\
         state: {{directory: '{}', snapshot_interval: 100ms}}\n",
        state.display()
    );
    std::fs::write(&file, text).expect("written");
    let file = file.to_str().expect("text").to_owned();
    let more = ["--config", &file];
    let (running, endpoints) = spawn(listening(&mut baton(), &state, &more));
    let mut client = client(endpoints.grpc).await;
    let mut sent = 0;
    // Until more is decided than the spool has room for, and for some snapshots longer.
    let waiting = || super::relay::metric(endpoints.server, "baton_verdicts_waiting", "");
    while waiting().await < 300.0 {
        client.export(session(sent, now())).await.expect("taken");
        sent += 1;
    }
    let snapshots = || super::relay::metric(endpoints.server, "baton_snapshots_total", "kept");
    let before = snapshots().await;
    for _ in 0..200 {
        client.export(session(sent, now())).await.expect("taken");
        sent += 1;
    }
    let workflows = || super::relay::metric(endpoints.server, "baton_workflows_total", "");
    while workflows().await < sent as f64 {
        tokio::task::yield_now().await;
    }
    assert_eq!(snapshots().await, before, "none while verdicts wait");
    drop(running);
    let server = OtlpServer::at(address).await;
    let (running, _) = spawn(listening(&mut baton(), &state, &more));
    let complete = |found: &BTreeMap<String, BTreeSet<String>>| {
        found.len() as u64 == sent && found.values().all(|ids| ids.len() == 2)
    };
    while !complete(&by_conversation(&events(&server.arrived()))) {
        tokio::task::yield_now().await;
    }
    drop(running);
    std::fs::remove_dir_all(&state).expect("removed");
}

/// The real process, killed under load: every acknowledged session has its two verdicts, and no other one.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_killed_at_any_moment_loses_no_verdict() {
    let rounds: u64 = std::env::var("ROUNDS").map_or(4, |text| text.parse().expect("a number"));
    let state = folder("verdicts-kill");
    let server = OtlpServer::start().await;
    let file = state.with_extension("yaml");
    let text = format!(
        "exporters: {{otlp: {{endpoint: '{}', send: [verdicts], {SOON}}}}}\n{QUICK}\
         state: {{directory: '{}', snapshot_interval: 200ms}}\n",
        server.url(),
        state.display()
    );
    std::fs::write(&file, text).expect("written");
    let file = file.to_str().expect("text").to_owned();
    let more = ["--config", &file];
    let (mut next, mut acknowledged) = (0, BTreeSet::new());
    let mut chance = now();
    for _ in 0..rounds {
        let (running, endpoints) = spawn(listening(&mut baton(), &state, &more));
        let (told, mut taken) = mpsc::unbounded_channel();
        let sending = tokio::spawn(async move {
            let mut client = client(endpoints.grpc).await;
            for n in next.. {
                let is_taken = client.export(session(n, now())).await.is_ok();
                if !is_taken || told.send(n).is_err() {
                    return;
                }
            }
        });
        chance = chance
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        for _ in 0..(50 + (chance >> 33) % 400) {
            acknowledged.insert(taken.recv().await.expect("a session is taken"));
        }
        drop(running);
        sending.await.expect("no panic");
        while let Some(n) = taken.recv().await {
            acknowledged.insert(n);
        }
        next += 10_000;
    }
    let (running, _) = spawn(listening(&mut baton(), &state, &more));
    let complete = |found: &BTreeMap<String, BTreeSet<String>>| {
        acknowledged.iter().all(|n| {
            let ids = found.get(&format!("conversation {n}"));
            ids.is_some_and(|ids| ids.len() >= 2)
        })
    };
    while !complete(&by_conversation(&events(&server.arrived()))) {
        tokio::task::yield_now().await;
    }
    drop(running);
    let found = by_conversation(&events(&server.arrived()));
    let strange = found.iter().find(|(_, ids)| ids.len() != 2);
    assert_eq!(strange, None);
    // What was taken and not acknowledged counts too: it is one session in each round at most.
    assert!(found.len() as u64 <= acknowledged.len() as u64 + rounds);
    std::fs::remove_dir_all(&state).expect("removed");
}
