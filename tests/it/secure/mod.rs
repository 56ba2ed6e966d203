//! TLS on every listener and towards every destination, with certificates that change while Baton runs.

pub mod authority;
mod client_certificates;
mod credentials;
mod doctor;
mod expired;
mod issuer;
mod matrix;
mod oidc;
mod open;
mod refused;
mod rotation;
mod secrets;
mod tenants;

use crate::forward::relay::{SOON, config, metric, start};
use crate::support::http::get;
use crate::support::process::{Running, addresses, baton, folder, listening, now, session};
use authority::{Authority, Pair};
use baton::app::{App, StartError};
use baton::clock::Clock;
use prost::Message;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;

/// The lines of a `tls` section of a listener.
fn listener(pair: &Pair, clients: Option<&Authority>) -> String {
    let clients = clients.map_or(String::new(), |authority| {
        format!(", client_ca_file: '{}'", authority.file.display())
    });
    format!(
        "tls: {{cert_file: '{}', key_file: '{}', reload_interval: 10ms{clients}}}",
        pair.cert.display(),
        pair.key.display()
    )
}

/// A Baton whose listeners all have TLS.
fn secure(pair: &Pair, clients: Option<&Authority>) -> String {
    let tls = listener(pair, clients);
    format!("receivers: {{otlp: {{grpc: {{{tls}}}, http: {{{tls}}}}}}}\nserver: {{{tls}}}\n")
}

/// What curl, which has a TLS of its own, gets: its exit code and what it prints.
fn curl(arguments: &[&str]) -> (i32, String) {
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--max-time", "30"]);
    let output = command.args(arguments).output().expect("curl");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.code().expect("it ended"), text)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}

/// Ends when something is so, which is about to happen.
async fn soon(is_so: impl AsyncFn() -> bool) {
    for _ in 0..20_000 {
        if is_so().await {
            return;
        }
    }
    panic!("it never is");
}

/// The sum of a metric of a Baton whose server has TLS.
fn secure_metric(server: SocketAddr, authority: &Authority, name: &str) -> f64 {
    let url = format!("https://{server}/metrics");
    let (code, page) = curl(&["--cacert", text(&authority.file), &url]);
    assert_eq!(code, 0, "{page}");
    let lines = page.lines().filter(|line| line.starts_with(name));
    let values = lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
    values.sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn all_listeners_speak_tls_and_nothing_else() {
    let folder = folder("secure-listeners");
    let authority = Authority::new(&folder, "own");
    let pair = authority.issue_to(&folder, "baton", 2041);
    let app = start(&secure(&pair, None)).await;
    let ca = ["--cacert", text(&authority.file)];
    let body = folder.join("request");
    std::fs::write(&body, session(1, now()).encode_to_vec()).expect("written");
    let data = format!("@{}", body.display());
    let send = [
        "--data-binary",
        &data,
        "-H",
        "content-type: application/x-protobuf",
    ];
    for version in ["--http1.1", "--http2"] {
        let url = format!("https://{}/v1/traces", app.http);
        let status = [
            version,
            "--output",
            "/dev/null",
            "--write-out",
            "%{http_code}",
        ];
        let sent = curl(&[&ca[..], &send, &status, &[&url]].concat());
        assert_eq!(sent, (0, "200".to_owned()), "{version}");
    }
    let accepted = secure_metric(app.metrics, &authority, "baton_receiver_spans_total");
    assert!(accepted > 0.0);
    // 31 December 2041, 0 o'clock.
    let expiry = secure_metric(
        app.metrics,
        &authority,
        "baton_tls_certificate_expiry_timestamp_seconds{endpoint=\"grpc\"}",
    );
    assert_eq!(expiry, 2_272_060_800.0);
    // Nobody trusts the authority, and nobody speaks plain HTTP.
    let (code, _) = curl(&[&format!("https://{}/healthz", app.metrics)]);
    assert_eq!(code, 60, "curl: the peer's certificate is not known");
    let (code, _) = curl(&[&format!("http://{}/healthz", app.metrics)]);
    assert_ne!(code, 0);
    let refused = "baton_connections_closed_total{listener=\"server\",reason=\"tls_handshake\"}";
    assert_eq!(secure_metric(app.metrics, &authority, refused), 2.0);
    app.stop().await;
}

/// Probes are answered while others open connections and send nothing, which would hold all places until `header_timeout`.
#[tokio::test(flavor = "multi_thread")]
async fn at_the_limit_handshakes_that_nobody_ends_make_room() {
    let folder = folder("secure-silent");
    let authority = Authority::new(&folder, "own");
    let pair = authority.issue_to(&folder, "baton", 2041);
    let tls = listener(&pair, None);
    let text_of =
        format!("server: {{{tls}, max_connections: 2}}\nconnections: {{header_timeout: 1h}}\n");
    let app = start(&text_of).await;
    let silent = (0..6).map(|_| TcpStream::connect(app.metrics).expect("it listens"));
    let silent: Vec<TcpStream> = silent.collect();
    let url = format!("https://{}/healthz", app.metrics);
    assert_eq!(curl(&["--cacert", text(&authority.file), &url]).0, 0);
    drop(silent);
    app.stop().await;
}

#[test]
fn each_cause_of_a_failed_handshake_is_told_apart() {
    let folder = folder("secure-handshakes");
    let authority = Authority::new(&folder, "own");
    let pair = authority.issue_to(&folder, "baton", 2041);
    let config = folder.join("baton.yaml");
    let text_of = format!("server: {{{}}}\n", listener(&pair, Some(&authority)));
    std::fs::write(&config, text_of).expect("written");
    let (mut command, state) = (baton(), folder.join("state"));
    let command = listening(&mut command, &state, &["--config", text(&config)]);
    let running = Running(command.spawn().expect("it starts"));
    let (_running, at, mut log) = addresses(running);
    drop(TcpStream::connect(at.server).expect("it listens"));
    let url = format!("//{}/healthz", at.server);
    let (plain, secure) = (format!("http:{url}"), format!("https:{url}"));
    assert_ne!(curl(&[&plain]).0, 0);
    assert_ne!(curl(&[&secure]).0, 0);
    assert_ne!(curl(&["--cacert", text(&authority.file), &secure]).0, 0);
    let mut missing = vec![
        ("INFO", "closed its connection before the end"),
        ("WARN", "does not speak TLS"),
        ("WARN", "does not accept the certificate of the listener"),
        ("WARN", "showed no certificate"),
    ];
    while !missing.is_empty() {
        let line = log.next().expect("more is told").expect("text");
        missing.retain(|(level, what)| !(line.contains(what) && line.contains(level)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_clients_with_a_certificate_are_accepted_where_one_is_asked_for() {
    let folder = folder("secure-clients");
    let authority = Authority::new(&folder, "own");
    let strangers = Authority::new(&folder, "other");
    let pair = authority.issue_to(&folder, "baton", 2041);
    let app = start(&secure(&pair, Some(&authority))).await;
    let url = format!("https://{}/healthz", app.metrics);
    let known = authority.issue_to(&folder, "known", 2041);
    let stranger = strangers.issue_to(&folder, "stranger", 2041);
    let as_client = |pair: &Pair| {
        let own = ["--cert", text(&pair.cert), "--key", text(&pair.key)];
        curl(&[&["--cacert", text(&authority.file)][..], &own, &[&url]].concat()).0
    };
    assert_eq!(as_client(&known), 0);
    assert_ne!(as_client(&stranger), 0);
    assert_ne!(curl(&["--cacert", text(&authority.file), &url]).0, 0);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_forwarded_to_destinations_with_tls_and_to_no_other_ones() {
    let folder = folder("secure-destinations");
    let authority = Authority::new(&folder, "own");
    let strangers = Authority::new(&folder, "other");
    let pair = authority.issue_to(&folder, "next", 2041);
    let tls = listener(&pair, Some(&authority));
    let receivers = format!("receivers: {{otlp: {{grpc: {{{tls}}}, http: {{{tls}}}}}}}\n");
    let next = start(&receivers).await;
    let own = authority.issue_to(&folder, "own", 2042);
    let client = format!(
        "cert_file: '{}', key_file: '{}', reload_interval: 10ms",
        own.cert.display(),
        own.key.display()
    );
    let to = |name: &str, (protocol, address): (&str, SocketAddr), ca: &Authority| {
        format!(
            "  otlp/{name}: {{endpoint: 'https://{address}', protocol: {protocol}, {SOON}, tls: {{ca_file: '{}', {client}}}}}\n",
            ca.file.display()
        )
    };
    let (grpc, http) = (("grpc", next.grpc), ("http/protobuf", next.http));
    let app = start(&format!(
        "exporters:\n{}{}{}{}",
        to("grpc", grpc, &authority),
        to("http", http, &authority),
        to("unknown_grpc", grpc, &strangers),
        to("unknown_http", http, &strangers),
    ))
    .await;
    let body = session(1, now()).encode_to_vec().into();
    let media = "application/x-protobuf";
    let status = crate::forward::relay::post(&app, "/v1/traces", media, body).await;
    assert_eq!(status, 200);
    let sent = "baton_exporter_sent_requests_total";
    for exporter in ["otlp/grpc", "otlp/http"] {
        crate::forward::relay::wait_for(&app, sent, exporter, 1.0).await;
    }
    let expiry = "baton_tls_certificate_expiry_timestamp_seconds";
    assert_eq!(
        metric(app.metrics, expiry, "otlp/http").await,
        2_303_596_800.0
    );
    for exporter in ["otlp/unknown_grpc", "otlp/unknown_http"] {
        assert_eq!(metric(app.metrics, sent, exporter).await, 0.0);
        let failed = "baton_exporter_failed_requests_total";
        let labels = format!("{{exporter=\"{exporter}\",reason=\"tls\"}}");
        soon(async || metric(app.metrics, failed, &labels).await > 0.0).await;
    }
    assert!(
        get(next.metrics, "/metrics")
            .await
            .contains("baton_receiver_spans_total")
    );
    app.stop().await;
    next.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_that_cannot_be_used_stop_the_start_with_a_reason() {
    let folder = folder("secure-faults");
    let authority = Authority::new(&folder, "own");
    let one = authority.issue_to(&folder, "one", 2041);
    let two = authority.issue_to(&folder, "two", 2041);
    let mixed = Pair {
        cert: one.cert.clone(),
        key: two.key.clone(),
    };
    let missing = Pair {
        cert: folder.join("nowhere.pem"),
        key: two.key.clone(),
    };
    let swapped = Pair {
        cert: one.key.clone(),
        key: one.cert.clone(),
    };
    for (pair, reason) in [
        (mixed, "do not fit each other"),
        (missing, "nowhere.pem: cannot be read"),
        (swapped, "one-key.pem: has no certificate"),
    ] {
        let started = App::start(&config(&secure(&pair, None)), Clock::system()).await;
        let error = started.expect_err("it does not start");
        assert!(matches!(error, StartError::Tls(_)));
        assert!(error.to_string().contains(reason), "{error}");
        assert!(!error.to_string().contains("BEGIN"), "no secret: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_web_configuration_of_prometheus_secures_the_server_and_follows_its_file() {
    let folder = folder("secure-web");
    let authority = Authority::new(&folder, "own");
    authority.issue_to(&folder, "baton", 2041);
    let web = folder.join("web.yml");
    let write = |password| {
        let hash = matrix::hash(password);
        // Names of files are relative to the file.
        let text = format!(
            "tls_server_config: {{cert_file: baton.pem, key_file: baton-key.pem, min_version: TLS13}}\nbasic_auth_users:\n  prometheus: {hash}\n"
        );
        std::fs::write(&web, text).expect("written");
    };
    write("one");
    let mut config = config(&format!(
        "server: {{web_config_file: '{}'}}\n",
        web.display()
    ));
    let auth = config.server.auth.as_mut().expect("users");
    auth.reload_interval = std::time::Duration::from_millis(10);
    let app = App::start(&config, Clock::system())
        .await
        .expect("it starts");
    let url = format!("https://{}/metrics", app.metrics);
    let scraped = |user: &str, more: &[&str]| {
        let asked = [
            "--cacert",
            text(&authority.file),
            "--user",
            user,
            "--output",
            "/dev/null",
            "--write-out",
            "%{http_code}",
        ];
        curl(&[&asked[..], more, &[&url]].concat())
    };
    let (accepted, denied) = ((0, "200".to_owned()), (0, "401".to_owned()));
    assert_eq!(scraped("prometheus:one", &[]), accepted);
    assert_eq!(scraped("prometheus:two", &[]), denied);
    assert_ne!(scraped("prometheus:one", &["--tls-max", "1.2"]).0, 0);
    write("two");
    soon(async || scraped("prometheus:two", &[]) == accepted).await;
    assert_eq!(scraped("prometheus:one", &[]), denied);
    app.stop().await;
}
