//! A Baton that forwards, in this process, and senders of raw bytes.

use crate::support::http::get;
use baton::app::App;
use baton::clock::Clock;
use baton::config::{self, Config};
use bytes::{BufMut, Bytes, BytesMut};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use std::net::SocketAddr;
use std::path::Path;

/// The configuration of a text, on any free ports; the log is in memory unless the text says otherwise.
pub fn config(text: &str) -> Config {
    let text = if text.contains("state:") {
        text.to_owned()
    } else {
        format!("{text}\nstate: {{log: memory}}\n")
    };
    let config = config::of_text(&text, Path::new("."), &|_| None);
    let mut config = config.unwrap_or_else(|faults| panic!("{faults:?}"));
    let free = SocketAddr::from(([127, 0, 0, 1], 0));
    config.receivers.otlp.grpc.endpoint = free;
    config.receivers.otlp.http.endpoint = free;
    config.server.endpoint = free;
    config
}

pub async fn start(text: &str) -> App {
    App::start(&config(text), Clock::system())
        .await
        .expect("it starts")
}

/// Retries that a test need not wait for.
pub const SOON: &str = "retry_on_failure: {initial_interval: 1ms, max_interval: 10ms}";

/// The status of a request over HTTP.
pub async fn post(app: &App, path: &str, media: &str, body: Bytes) -> u16 {
    post_as(app, path, (media, "nobody"), body).await
}

/// The same for a tenant.
pub async fn post_as(app: &App, path: &str, (media, tenant): (&str, &str), body: Bytes) -> u16 {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let request = Request::post(format!("http://{}{path}", app.http))
        .header("content-type", media)
        .header("X-Scope-OrgID", tenant)
        .body(Full::new(body))
        .expect("a request");
    let answer: Response<Incoming> = client.request(request).await.expect("an answer");
    let status = answer.status().as_u16();
    answer.into_body().collect().await.expect("a body");
    status
}

/// The status of a request over gRPC.
pub async fn export(app: &App, service: &str, body: &Bytes) -> String {
    let mut framed = BytesMut::new();
    framed.put_u8(0);
    framed.put_u32(body.len() as u32);
    framed.put_slice(body);
    let client = Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http();
    let url = format!(
        "http://{}/opentelemetry.proto.collector.{service}/Export",
        app.grpc
    );
    let request = Request::post(url)
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(Full::new(framed.freeze()))
        .expect("a request");
    let answer = client.request(request).await.expect("an answer");
    let head = answer.headers().get("grpc-status").cloned();
    let body = answer.into_body().collect().await.expect("a body");
    let status = head.or_else(|| body.trailers()?.get("grpc-status").cloned());
    let status = status.expect("a status");
    status.to_str().expect("text").to_owned()
}

/// The sum of a metric over the series with this text in their labels.
pub async fn metric(server: SocketAddr, name: &str, label: &str) -> f64 {
    let answer = get(server, "/metrics").await;
    let lines = answer.lines().filter(|line| {
        let rest = line.strip_prefix(name).unwrap_or_default();
        (rest.starts_with('{') || rest.starts_with(' ')) && line.contains(label)
    });
    let values = lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
    values.sum()
}

/// So many looks at a metric are enough for what is about to happen.
const MAX_LOOKS: usize = 20_000;

/// Ends when a metric has a value.
pub async fn wait_for(app: &App, name: &str, label: &str, value: f64) {
    let mut found = f64::NAN;
    for _ in 0..MAX_LOOKS {
        found = metric(app.metrics, name, label).await;
        if found == value {
            return;
        }
    }
    panic!("{name} {label} is {found}, not {value}");
}
