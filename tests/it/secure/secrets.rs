//! No secret is in a log message, in what commands print, or on a page.

use super::curl;
use super::matrix::hash;
use crate::support::process::{Endpoints, Running, addresses, baton, folder, listening};
use std::fs;
use std::path::Path;
use std::process::Output;

/// Each is in a file, in the configuration or in a request, and nowhere else.
const SECRETS: [&str; 7] = [
    "hush-token-of-a-sender",
    "hush-password-of-a-scraper",
    "hush-token-for-a-destination",
    "hush-password-for-a-destination",
    "hush-wrong-token",
    "hush-wrong-password",
    "hush-malformed",
];

/// Fails where a text has a secret or one in base64, or the hash of a password.
fn assert_silent(text: &str, hashes: &[String]) {
    use base64::Engine;
    let encoder = base64::engine::general_purpose::STANDARD_NO_PAD;
    for secret in SECRETS {
        assert!(!text.contains(secret), "{secret} in {text}");
        // Behind "user:", the rest of a secret stands at one of three places in base64.
        for skipped in 0..3 {
            let encoded = encoder.encode(&secret[skipped..]);
            let encoded = &encoded[..encoded.len() - 2];
            assert!(!text.contains(encoded), "{secret} in {text}");
        }
    }
    for hash in hashes {
        assert!(!text.contains(hash.as_str()), "a hash in {text}");
    }
}

fn all(output: &Output) -> String {
    let (out, error) = (&output.stdout, &output.stderr);
    String::from_utf8_lossy(out).into_owned() + &String::from_utf8_lossy(error)
}

fn config(folder: &Path, hashes: &[String]) -> String {
    let tokens = folder.join("tokens");
    fs::write(&tokens, format!("ops {}\n", SECRETS[0])).expect("written");
    let web = folder.join("web.yaml");
    let users = format!("basic_auth_users: {{scraper: {}}}\n", hashes[0]);
    fs::write(&web, users).expect("written");
    let token = folder.join("token");
    fs::write(&token, SECRETS[2]).expect("written");
    format!(
        "receivers: {{otlp: {{grpc: {{auth: {{bearer: {{filename: tokens}}}}}}, http: {{auth: {{basic: {{basic_auth_users: {{sender: '{}'}}}}}}}}}}}}\n\
         server: {{web_config_file: web.yaml}}\n\
         exporters:\n  \
           otlp/a: {{endpoint: 'http://127.0.0.1:1', auth: {{bearer: {{filename: token}}}}}}\n  \
           otlp/b: {{endpoint: 'http://127.0.0.1:1', protocol: http/protobuf, auth: {{basic: {{username: me, password: {}}}}}}}\n",
        hashes[1], SECRETS[3]
    )
}

/// What all listeners answer to right and to wrong credentials.
fn asked(endpoints: &Endpoints) -> String {
    let (http, server) = (endpoints.http, endpoints.server);
    let mut pages = String::new();
    let json = [
        "--header",
        "content-type: application/json",
        "--data",
        "{}",
        "--include",
    ];
    for (user, expected) in [
        (format!("sender:{}", SECRETS[0]), "200"),
        (format!("sender:{}", SECRETS[5]), "401"),
        (SECRETS[6].to_owned() + ":x", "401"),
    ] {
        let url = format!("http://{http}/v1/traces");
        let (code, page) = curl(&[&json[..], &["--user", &user, &url]].concat());
        assert!(code == 0 && page.contains(expected), "{page}");
        pages += &page;
    }
    for (user, expected) in [(SECRETS[1], "200"), (SECRETS[5], "401")] {
        let user = format!("scraper:{user}");
        for path in ["/", "/metrics", "/summary", "/sessions", "/readyz"] {
            let url = format!("http://{server}{path}");
            let (_, page) = curl(&["--include", "--user", &user, &url]);
            assert!(page.contains(expected) || path == "/readyz", "{page}");
            pages += &page;
        }
    }
    for header in [SECRETS[4], SECRETS[6]] {
        let header = format!("authorization: Bearer {header}");
        let url = format!(
            "http://{}/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            endpoints.grpc
        );
        let grpc = [
            "--http2-prior-knowledge",
            "--include",
            "--header",
            "content-type: application/grpc",
            "--data",
            "x",
        ];
        let (_, page) = curl(&[&grpc[..], &["--header", &header, &url]].concat());
        assert!(page.contains("grpc-status: 16"), "{page}");
        pages += &page;
    }
    pages
}

#[test]
fn no_secret_is_in_the_log_or_on_a_page() {
    let folder = folder("secure-secrets");
    let hashes = [SECRETS[1], SECRETS[0]].map(hash);
    let file = folder.join("baton.yaml");
    fs::write(&file, config(&folder, &hashes)).expect("written");
    let checked = baton().arg("check").arg(&file).output().expect("it runs");
    assert_eq!(checked.status.code(), Some(0), "{}", all(&checked));
    assert_silent(&all(&checked), &hashes);
    let state = folder.join("state");
    let mut command = baton();
    let more = [
        "--log-level",
        "trace",
        "--config",
        file.to_str().expect("text"),
    ];
    let running = listening(&mut command, &state, &more).spawn();
    let (running, endpoints, log) = addresses(Running(running.expect("baton starts")));
    let reading = std::thread::spawn(move || log.map_while(Result::ok).collect::<Vec<_>>());
    let pages = asked(&endpoints);
    assert_silent(&pages, &hashes);
    drop(running);
    let log = reading.join().expect("read").join("\n");
    assert!(log.contains("wrong_credentials"), "{log}");
    assert_silent(&log, &hashes);
}

#[test]
fn no_secret_is_in_what_is_said_of_faults() {
    let folder = folder("secure-said-of-faults");
    let (hushed, file) = (SECRETS[6], folder.join("baton.yaml"));
    let web = folder.join("web.yaml");
    for (config, of_web, expected) in [
        (
            format!("server: {{auth: {{basic: {{basic_auth_users: {{a: {hushed}}}}}}}}}"),
            String::new(),
            "expected a bcrypt hash",
        ),
        (
            format!("server: {{auth: {{bearer: {hushed}}}}}"),
            String::new(),
            "server.auth.bearer",
        ),
        (
            format!(
                "exporters: {{otlp: {{endpoint: 'http://h:1', auth: {{bearer: {{token: [{hushed}]}}}}}}}}"
            ),
            String::new(),
            "token",
        ),
        (
            "server: {web_config_file: web.yaml}".into(),
            format!("basic_auth_users: {{a: {hushed}}}"),
            "web.yaml: basic_auth_users.a: expected a bcrypt hash",
        ),
        (
            "server: {web_config_file: web.yaml}".into(),
            format!("basic_auth_users: {hushed}"),
            "web.yaml: basic_auth_users: expected a section",
        ),
        (
            "server: {web_config_file: web.yaml}".into(),
            format!("{{basic_auth_users: {{a: {hushed}"),
            "web.yaml: line 1: not valid YAML",
        ),
        (
            "server: {web_config_file: web.yaml}".into(),
            format!("tls_server_config: {{key: {hushed}}}"),
            "web.yaml: tls_server_config.key: Baton does not support this key",
        ),
    ] {
        fs::write(&file, config + "\n").expect("written");
        fs::write(&web, of_web).expect("written");
        let checked = baton().arg("check").arg(&file).output().expect("it runs");
        let told = all(&checked);
        assert_eq!(checked.status.code(), Some(3), "{told}");
        assert!(told.contains(expected), "{told}");
        assert_silent(&told, &[]);
    }
}

#[test]
fn no_secret_is_in_what_is_said_of_a_file_at_the_start() {
    let folder = folder("secure-start");
    let (hushed, file) = (SECRETS[6], folder.join("baton.yaml"));
    let tokens = folder.join("tokens");
    fs::write(&tokens, format!("a b {hushed}\n")).expect("written");
    fs::write(
        &file,
        "receivers: {otlp: {grpc: {auth: {bearer: {filename: tokens}}}}}\n",
    )
    .expect("written");
    let mut command = baton();
    let more = ["--config", file.to_str().expect("text")];
    let ended = listening(&mut command, &folder.join("state"), &more)
        .output()
        .expect("it runs");
    let told = all(&ended);
    assert_eq!(ended.status.code(), Some(4), "{told}");
    assert!(
        told.contains("line 1: expected a token, or a name and a token"),
        "{told}"
    );
    assert_silent(&told, &[]);
}
