//! Every route of every listener with every kind of credentials.

use super::super::matrix::{Route, grpc_routes, http_routes, status};
use super::credentials::{Credential, Reaches, Way, by_certificate, by_header, by_secret};
use super::{page, pass, post, request, started, trace};
use crate::forward::relay::SOON;
use crate::forward::server::OtlpServer;
use crate::support::process::folder;
use baton::app::App;
use std::collections::BTreeMap;
use std::path::Path;

/// A Baton to which these senders sent their sessions.
async fn seeded(way: &Way, folder: &Path, senders: &[(&str, Reaches)]) -> App {
    let (app, nanos) = started(&format!("{}state: {{log: memory}}\n", way.config)).await;
    let url = format!("{}://{}/v1/traces", way.scheme, app.http);
    for (name, reaches) in senders {
        if let Some(arguments) = way.sender(*reaches) {
            let status = post(&url, arguments, folder, &request(name));
            assert_eq!(status, "200", "{} {name}", way.name);
        }
    }
    pass(&app, &nanos).await;
    app
}

/// The pages of a server, as its own page lists them, with what people may add.
fn pages(base: &str, arguments: &[String]) -> Vec<String> {
    let (_, list) = page(base, arguments);
    let lines = list.lines().filter(|line| line.starts_with('/'));
    let paths = lines.filter_map(|line| line.split_whitespace().next());
    let mut paths: Vec<String> = paths
        .map(|path| path.replace("TRACE_ID", &trace()))
        .map(|path| path.replace("/ID", "/conversation%201"))
        .filter(|path| !["/healthz", "/readyz"].contains(&&**path))
        .collect();
    paths.sort();
    paths.dedup();
    assert!(paths.len() >= 5, "{list}");
    let stories: Vec<String> = paths
        .iter()
        .filter(|path| path.starts_with("/sessions") || path.starts_with("/summary"))
        .flat_map(|path| {
            ["?format=json", "?tenant=b", "?tenant=a"].map(|more| format!("{path}{more}"))
        })
        .collect();
    let by_trace = format!("/sessions?trace={}", trace());
    paths.extend(stories);
    paths.extend([by_trace, "/".to_owned(), "/nowhere".to_owned()]);
    paths
}

/// What a tenant is shown where nobody else ever sent anything, by path.
type Alone = BTreeMap<&'static str, BTreeMap<String, (String, String)>>;

/// By tenant, every page of a Baton that has its sessions alone.
async fn alone(way: &Way, folder: &Path, paths: &[String]) -> Alone {
    let mut all = Alone::new();
    for tenant in ["a", "b"] {
        let reaches = Reaches::Own(tenant);
        let app = seeded(way, folder, &[(tenant, reaches)]).await;
        let sender = way.sender(reaches).expect("a sender");
        let base = format!("{}://{}", way.scheme, app.metrics);
        let shown = paths
            .iter()
            .map(|path| (path.clone(), page(&format!("{base}{path}"), sender)));
        let shown: BTreeMap<_, _> = shown.collect();
        // Otherwise nothing is proved.
        let mark = format!("{tenant}_triage");
        for path in ["/metrics", "/sessions", "/sessions/conversation%201"] {
            let (status, text) = &shown[path];
            assert_eq!(status, "200 ", "{path}");
            assert!(text.contains(&mark), "{path}: {text}");
        }
        assert!(app.stop().await);
        all.insert(tenant, shown);
    }
    all
}

/// Asks every page of a Baton that has the sessions of all.
fn ask_pages(way: &Way, app: &App, paths: &[String], alone: &Alone) {
    let base = format!("{}://{}", way.scheme, app.metrics);
    for path in paths {
        for Credential { arguments, reaches } in &way.credentials {
            let case = format!("{} {path} {arguments:?}", way.name);
            let (status, text) = page(&format!("{base}{path}"), arguments);
            match reaches {
                Reaches::Nothing(http, _) => {
                    assert_eq!(status.trim(), *http, "{case}");
                    assert!(!text.contains("triage"), "{case}");
                }
                Reaches::Own(tenant) if alone.contains_key(tenant) => {
                    let expected = &alone[tenant][path];
                    assert_eq!((&status, &text), (&expected.0, &expected.1), "{case}");
                }
                Reaches::Own(_) => assert!(!text.contains("triage"), "{case}: {text}"),
                Reaches::All if ["/metrics", "/sessions"].contains(&&**path) => {
                    for mark in ["a_triage", "b_triage", "ops_triage"] {
                        assert!(text.contains(mark), "{case}: {mark} is not in {text}");
                    }
                }
                Reaches::All => assert_ne!(status.trim(), "403", "{case}"),
            }
        }
    }
}

/// The routes of a listener of OTLP.
fn routes(way: &Way, app: &App, frame: &'static str) -> Vec<Route> {
    let mut routes = [http_routes(app.http), grpc_routes(app.grpc, frame)].concat();
    for route in &mut routes {
        route.url = route.url.replace("http://", &format!("{}://", way.scheme));
    }
    routes
}

/// Sends to every route as everyone; what is forwarded has the tenant of its sender.
async fn send_all(way: &Way, folder: &Path) {
    let frame = folder.join("frame");
    std::fs::write(&frame, [0; 5]).expect("written");
    let frame: &'static str = format!("@{}", frame.display()).leak();
    let next = OtlpServer::start().await;
    let exporter = format!(
        "exporters: {{otlp/next: {{endpoint: '{}', protocol: http/protobuf, {SOON}}}}}\n",
        next.url()
    );
    let (app, _) = started(&format!("{}{exporter}", way.config)).await;
    let mut expected = Vec::new();
    for route in routes(way, &app, frame) {
        for Credential { arguments, reaches } in &way.credentials {
            let (found, head) = status(&route, arguments);
            let case = format!("{} {} {arguments:?}", way.name, route.url);
            let (denied, tenant) = match reaches {
                Reaches::Nothing(http, grpc) => (Some([*http, *grpc]), None),
                Reaches::Own(tenant) => (None, Some(*tenant)),
                Reaches::All => (None, None),
            };
            match denied {
                Some(denied) if route.denied != "0" => {
                    let [http, grpc] = denied;
                    let status = if route.denied == "16" { grpc } else { http };
                    assert_eq!(found, status, "{case}: {head}");
                }
                _ => assert_eq!(found, route.accepted, "{case}: {head}"),
            }
            if denied.is_none() && route.accepted == "200" {
                expected.push(tenant);
            }
        }
    }
    while next.arrived().len() < expected.len() {
        tokio::task::yield_now().await;
    }
    let arrived = next.arrived();
    let tenants = arrived.iter().map(|request| {
        let mut values = request.headers.get_all("x-scope-orgid").iter();
        let first = values.next().map(|value| value.to_str().expect("text"));
        assert_eq!(values.next(), None);
        first
    });
    let mut tenants: Vec<_> = tenants.collect();
    tenants.sort_unstable();
    expected.sort_unstable();
    assert_eq!(tenants, expected, "{}", way.name);
    assert!(app.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_reaches_its_own_by_every_route_with_every_credential_and_an_operator_all() {
    let folder = folder("secure-tenants");
    let secrets = by_secret(&folder);
    let ops = secrets.sender(Reaches::All).expect("an operator").to_vec();
    let senders = [
        ("a", Reaches::Own("a")),
        ("b", Reaches::Own("b")),
        ("ops", Reaches::All),
    ];
    let app = seeded(&secrets, &folder, &senders).await;
    let paths = pages(&format!("http://{}", app.metrics), &ops);
    let alone = alone(&secrets, &folder, &paths).await;
    ask_pages(&secrets, &app, &paths, &alone);
    assert!(app.stop().await);
    send_all(&secrets, &folder).await;
    let others = ["common_name", "dns", "uri"].map(|part| by_certificate(&folder, part));
    for way in others.into_iter().chain([by_header()]) {
        let app = seeded(&way, &folder, &senders).await;
        ask_pages(&way, &app, &paths, &alone);
        assert!(app.stop().await);
        send_all(&way, &folder).await;
    }
}
