//! Every route of every listener with every kind of credentials, asked by curl.

use super::{curl, soon};
use crate::forward::relay::start;
use crate::support::process::{baton, folder};
use baton::app::App;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

const LISTENERS: [&str; 3] = ["grpc", "http", "server"];

/// A bcrypt hash that is fast to check.
pub fn hash(password: &str) -> String {
    bcrypt::hash(password, 4).expect("a hash")
}

/// The files of a listener: its tokens, and its users.
fn files(folder: &Path, listener: &str) -> (PathBuf, PathBuf) {
    let file = |name| folder.join(format!("{listener}-{name}"));
    (file("tokens"), file("users.yaml"))
}

/// Writes what a listener accepts in a generation: its token, and the password of its user.
fn issue(folder: &Path, listener: &str, generation: u32) {
    let (tokens, users) = files(folder, listener);
    let own = format!("# of {listener}\n\nops {listener}-token-{generation}\n{listener}-plain\n");
    fs::write(tokens, own).expect("written");
    let hash = hash(&format!("{listener}-password-{generation}"));
    let users_text = format!("basic_auth_users:\n  {listener}-user: {hash}\n");
    fs::write(users, users_text).expect("written");
}

fn auth(folder: &Path, listener: &str) -> String {
    let (tokens, users) = files(folder, listener);
    format!(
        "auth: {{bearer: {{filename: '{}'}}, basic: {{filename: '{}'}}, reload_interval: 10ms}}",
        tokens.display(),
        users.display()
    )
}

/// A Baton whose listeners each have tokens and users of their own.
async fn guarded(folder: &Path) -> App {
    for listener in LISTENERS {
        issue(folder, listener, 1);
    }
    let [grpc, http, server] = LISTENERS.map(|listener| auth(folder, listener));
    start(&format!(
        "receivers: {{otlp: {{grpc: {{{grpc}}}, http: {{{http}}}}}}}\nserver: {{{server}}}\n\
         exporters: {{otlp/next: {{endpoint: 'http://127.0.0.1:1'}}}}\n"
    ))
    .await
}

/// What a sender shows, and whether a listener accepts it.
struct Shown {
    arguments: Vec<String>,
    is_accepted: bool,
}

/// All kinds of credentials at a listener in a generation.
fn credentials(listener: &str, generation: u32) -> Vec<Shown> {
    let others = LISTENERS.into_iter().filter(|other| *other != listener);
    let of = |listener: &str, generation: u32| {
        [
            format!("authorization: Bearer {listener}-token-{generation}"),
            format!("{listener}-user:{listener}-password-{generation}"),
        ]
    };
    let shown = |value: String, is_accepted| {
        let option = if value.starts_with("authorization") {
            "--header"
        } else {
            "--user"
        };
        Shown {
            arguments: vec![option.to_owned(), value],
            is_accepted,
        }
    };
    let right = of(listener, generation);
    let plain = format!("authorization: bearer {listener}-plain");
    let mut all: Vec<Shown> = [right.clone().into(), vec![plain.clone()]]
        .into_iter()
        .flatten()
        .map(|value| shown(value, true))
        .collect();
    // Those of another listener, and those of another generation: expired ones or ones of the future.
    let wrong = others.flat_map(|other| of(other, generation));
    let wrong = wrong.chain(
        [1, 2, 3]
            .into_iter()
            .filter(|g| *g != generation)
            .flat_map(|g| of(listener, g)),
    );
    let odd = [
        "authorization: ops",
        "authorization: Bearer ops",
        "authorization: Basic !",
        "authorization: Negotiate x",
        "nobody:nothing",
    ];
    let wrong = wrong.chain(odd.map(str::to_owned));
    all.extend(wrong.map(|value| shown(value, false)));
    let nothing = Shown {
        arguments: Vec::new(),
        is_accepted: false,
    };
    let both = Shown {
        arguments: vec!["-H".into(), plain.clone(), "-H".into(), plain],
        is_accepted: false,
    };
    all.extend([nothing, both]);
    all
}

/// A route, what accepted requests get, and whether everyone may ask.
#[derive(Clone)]
pub(super) struct Route {
    pub(super) url: String,
    arguments: Vec<&'static str>,
    pub(super) accepted: &'static str,
    pub(super) denied: &'static str,
}

/// The routes of the scrape server, as its own page lists them, and one that it does not have.
fn server_routes(address: SocketAddr) -> Vec<Route> {
    let token = "authorization: Bearer server-token-1";
    let (_, page) = curl(&["--header", token, &format!("http://{address}/")]);
    let paths = page.lines().filter(|line| line.starts_with('/'));
    let paths = paths.filter_map(|line| line.split_whitespace().next());
    // A line of text begins with a path too.
    let mut paths: Vec<String> = paths.map(str::to_owned).collect();
    paths.sort();
    paths.dedup();
    assert!(paths.len() >= 7, "{paths:?}");
    paths.extend(["/".to_owned(), "/nowhere".to_owned()]);
    let route = |path: String| {
        let trace = "0123456789abcdef0123456789abcdef";
        let accepted = match &*path {
            "/nowhere" | "/sessions/ID" | "/sessions/by-trace/TRACE_ID" => "404",
            _ => "200",
        };
        let is_probe = ["/healthz", "/readyz"].contains(&&*path);
        Route {
            url: format!("http://{address}{}", path.replace("TRACE_ID", trace)),
            arguments: Vec::new(),
            accepted,
            denied: if is_probe { "200" } else { "401" },
        }
    };
    paths.into_iter().map(route).collect()
}

pub(super) fn http_routes(address: SocketAddr) -> Vec<Route> {
    let json = ["--header", "content-type: application/json", "--data", "{}"];
    let posted =
        ["traces", "logs", "metrics"].map(|signal| (format!("/v1/{signal}"), json.to_vec(), "200"));
    let odd = [
        ("/v1/traces".to_owned(), Vec::new(), "405"),
        ("/v1/traces".to_owned(), vec!["--data", "x"], "415"),
        ("/v1/outcomes".to_owned(), json.to_vec(), "400"),
        ("/v1/outcomes".to_owned(), vec!["--data", "x"], "415"),
        ("/nowhere".to_owned(), json.to_vec(), "404"),
    ];
    let route = |(path, arguments, accepted)| Route {
        url: format!("http://{address}{path}"),
        arguments,
        accepted,
        denied: "401",
    };
    posted.into_iter().chain(odd).map(route).collect()
}

/// Statuses of gRPC. Where the length of the answer is known, curl does not show the trailers after it: then that of HTTP. A message of no bytes has a frame of five.
pub(super) fn grpc_routes(address: SocketAddr, frame: &'static str) -> Vec<Route> {
    let export = |signal: &str| {
        let name = signal[..1].to_uppercase() + &signal[1..];
        format!("opentelemetry.proto.collector.{signal}.v1.{name}Service/Export")
    };
    let [trace, logs, metrics] = ["trace", "logs", "metrics"].map(export);
    let health = "grpc.health.v1.Health/Check".to_owned();
    let odd = ["nowhere.Service/Export", "nowhere"].map(str::to_owned);
    let [service, nowhere] = odd;
    [
        (trace, "200", "16"),
        (logs, "200", "16"),
        (metrics, "200", "16"),
        (health, "0", "0"),
        (service, "12", "16"),
        (nowhere, "12", "16"),
    ]
    .into_iter()
    .map(|(path, accepted, denied)| Route {
        url: format!("http://{address}/{path}"),
        arguments: vec![
            "--http2-prior-knowledge",
            "--header",
            "content-type: application/grpc",
            "--header",
            "te: trailers",
            "--data-binary",
            frame,
        ],
        accepted,
        denied,
    })
    .collect()
}

/// The status of a request: of gRPC where there is one.
pub(super) fn status(route: &Route, shown: &[String]) -> (String, String) {
    let mut arguments = vec!["--dump-header", "-", "--output", "/dev/null"];
    arguments.extend(&route.arguments);
    arguments.extend(shown.iter().map(String::as_str));
    arguments.push(&route.url);
    let (code, head) = curl(&arguments);
    assert_eq!(code, 0, "{arguments:?}: {head}");
    let grpc = head
        .lines()
        .find_map(|line| line.strip_prefix("grpc-status: "));
    let http = head.split(' ').nth(1);
    let status = grpc.or(http).expect("a status").trim().to_owned();
    (status, head)
}

/// Asks every route with every kind of credentials; returns how many were denied.
fn ask_all(routes: &[Route], listener: &str, generation: u32) -> usize {
    let mut denied = 0;
    for route in routes {
        for shown in credentials(listener, generation) {
            let (found, head) = status(route, &shown.arguments);
            let expected = if shown.is_accepted {
                route.accepted
            } else {
                route.denied
            };
            let case = format!("{} {:?} {:?}", route.url, route.arguments, shown.arguments);
            assert_eq!(found, expected, "{case}: {head}");
            if !shown.is_accepted && ["401", "16"].contains(&route.denied) {
                denied += 1;
                let challenged = head.to_lowercase().matches("www-authenticate:").count();
                assert_eq!(
                    challenged,
                    if found == "401" { 2 } else { 0 },
                    "{case}: {head}"
                );
            }
        }
    }
    denied
}

fn denied_so_far(server: SocketAddr, listener: &str, generation: u32) -> usize {
    let token = format!("authorization: Bearer server-token-{generation}");
    let (_, page) = curl(&["--header", &token, &format!("http://{server}/metrics")]);
    let name = format!("baton_unauthenticated_requests_total{{listener=\"{listener}\"");
    let lines = page.lines().filter(|line| line.starts_with(&name));
    let values = lines.filter_map(|line| line.rsplit(' ').next()?.parse::<usize>().ok());
    values.sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_asks_for_the_credentials_of_its_listener_before_and_after_they_change() {
    let folder = folder("secure-matrix");
    let frame = folder.join("frame");
    fs::write(&frame, [0; 5]).expect("written");
    let frame: &'static str = format!("@{}", frame.display()).leak();
    let app = guarded(&folder).await;
    let routes = [
        grpc_routes(app.grpc, frame),
        http_routes(app.http),
        server_routes(app.metrics),
    ];
    for (listener, routes) in LISTENERS.into_iter().zip(&routes) {
        let denied = ask_all(routes, listener, 1);
        assert!(denied > 10, "{listener}");
        assert_eq!(
            denied_so_far(app.metrics, listener, 1),
            denied,
            "{listener}"
        );
    }
    for listener in LISTENERS {
        issue(&folder, listener, 2);
    }
    // Who examines an instance is told why there is nothing to see.
    let mut doctor = baton();
    doctor.args(["doctor", "--server-endpoint", &app.metrics.to_string()]);
    let told = doctor.output().expect("it runs");
    assert_eq!(told.status.code(), Some(1));
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(told.contains("asks for credentials"), "{told}");
    for (listener, routes) in LISTENERS.into_iter().zip(&routes) {
        let new = &credentials(listener, 2)[..2];
        for shown in new {
            let route = &routes[0];
            soon(async || status(route, &shown.arguments).0 == route.accepted).await;
        }
        ask_all(routes, listener, 2);
    }
    app.stop().await;
}
