//! Tenants that send equal sessions and traces: each is shown its own, as if it were alone, whatever it shows and whatever its spans say.

mod crash;
mod credentials;
mod folded;
mod limits;
mod matrix;
mod places;
mod shares;

use super::authority::Pair;
use super::{curl, text};
use crate::forward::relay::config;
use crate::support::process::{self, session};
use baton::app::App;
use baton::clock::Clock;
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use prost::Message;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// When everything happens: the pages of two processes are the same to the last byte.
const BEGIN: u64 = 1_800_000_000_000_000_000;
const HOUR: u64 = 3600 * 1_000_000_000;
/// Spans name a tenant, and must not be believed.
const ATTRIBUTES: &str = "normalise: {tenant_attributes: [tenant.id]}\n";
/// Tenants by the names that the credentials of these tests have.
const NAMES: &str = "names: {a-user: a, b-user: b, a.example: a, b.example: b, 'spiffe://example/a': a, 'spiffe://example/b': b}, \
    operators: [ops, ops.example, 'spiffe://example/ops']";

/// The session of everybody, with agents of this sender. Every span says that it is of tenant b, but for those of an operator, whom Baton believes.
fn request(sender: &str) -> Bytes {
    saying(sender, (sender != "ops").then_some("b"))
}

/// The same, with spans that say that they are of this tenant.
fn saying(sender: &str, tenant: Option<&str>) -> Bytes {
    session_of(1, sender, tenant)
}

/// One of many sessions, with agents of this sender.
fn session_of(number: u64, sender: &str, tenant: Option<&str>) -> Bytes {
    let mut request = session(number, BEGIN);
    let scopes = request
        .resource_spans
        .iter_mut()
        .flat_map(|one| &mut one.scope_spans);
    for span in scopes.flat_map(|scope| &mut scope.spans) {
        for pair in &mut span.attributes {
            let value = pair.value.as_mut().and_then(|value| value.value.as_mut());
            if let Some(Value::StringValue(text)) = value {
                for agent in ["triage", "refunds"] {
                    *text = text.replace(agent, &format!("{sender}_{agent}"));
                }
            }
        }
        if let Some(tenant) = tenant {
            span.attributes.push(process::text("tenant.id", tenant));
        }
    }
    request.encode_to_vec().into()
}

/// The same in a trace of its own: of attributes, no two tenants have the same one.
fn in_trace(number: u8, body: &Bytes) -> Bytes {
    let mut request = ExportTraceServiceRequest::decode(body.clone()).expect("OTLP");
    let scopes = request.resource_spans.iter_mut();
    let scopes = scopes.flat_map(|one| &mut one.scope_spans);
    for span in scopes.flat_map(|scope| &mut scope.spans) {
        span.trace_id = vec![number; 16];
    }
    request.encode_to_vec().into()
}

/// Its trace, as in paths.
fn trace() -> String {
    let request = session(1, BEGIN);
    let id = &request.resource_spans[0].scope_spans[0].spans[0].trace_id;
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A Baton with a clock of its own, and what moves that.
async fn started(text: &str) -> (App, Arc<AtomicU64>) {
    let nanos = Arc::new(AtomicU64::new(BEGIN));
    let app = App::start(&config(text), Clock::manual(Arc::clone(&nanos))).await;
    (app.expect("it starts"), nanos)
}

/// Lets two hours pass: everything is decided, and no series is new.
async fn pass(app: &App, nanos: &AtomicU64) {
    app.settle().await;
    for _ in 0..2 {
        nanos.fetch_add(HOUR, Ordering::AcqRel);
        app.settle().await;
    }
}

/// Posts a request as somebody; the status.
fn post(url: &str, arguments: &[String], folder: &Path, body: &[u8]) -> String {
    let file = folder.join("body");
    std::fs::write(&file, body).expect("written");
    let data = format!("@{}", file.display());
    let mut all = vec!["--output", "/dev/null", "--write-out", "%{http_code}"];
    all.extend(["-H", "content-type: application/x-protobuf"]);
    all.extend(["--data-binary", &data]);
    all.extend(arguments.iter().map(String::as_str));
    all.push(url);
    curl(&all).1
}

/// What a page says to somebody: its status, where it leads, and its text. Exemplars are asked for where there are any.
fn page(url: &str, arguments: &[String]) -> (String, String) {
    let mut all = vec!["--write-out", "\n%{http_code} %header{location}"];
    all.extend(["-H", "accept: application/openmetrics-text"]);
    all.extend(arguments.iter().map(String::as_str));
    all.push(url);
    let (code, said) = curl(&all);
    assert_eq!(code, 0, "{all:?}");
    let (body, end) = said.rsplit_once('\n').expect("a status");
    (end.to_owned(), body.to_owned())
}

/// The arguments by which curl shows a certificate.
fn certificate(pair: &Pair, authority: &Path) -> Vec<String> {
    let files = [
        ("--cacert", authority),
        ("--cert", &pair.cert),
        ("--key", &pair.key),
    ];
    let files = files.map(|(option, file)| [option.to_owned(), text(file).to_owned()]);
    files.concat()
}
