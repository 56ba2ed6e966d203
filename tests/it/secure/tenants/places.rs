//! The limit of the number of tenants: one too many is refused, or counts for nobody, and never shares a series with others.

use super::credentials::{Reaches, by_secret};
use super::limits::assert_says_when;
use super::{in_trace, page, pass, post, request, saying, started};
use crate::support::process::{
    Endpoints, Running, addresses, baton, folder, listening, now, session,
};
use bytes::Bytes;
use prost::Message;
use std::path::Path;
use std::sync::atomic::Ordering;

const DAY: u64 = 24 * 3600 * 1_000_000_000;

/// A proxy names the tenants of requests, two of which may be others than the one that is named here; an operator has a token.
fn two_tenants(folder: &Path) -> String {
    let tokens = folder.join("tokens");
    std::fs::write(&tokens, "ops ops-token\n").expect("written");
    format!(
        "server: {{auth: {{bearer: {{filename: '{}'}}}}}}\n\
         tenants: {{header: X-Scope-OrgID, max_tenants: 2, names: {{n-user: named}}, operators: [ops]}}\n\
         engine: {{partitions: 1}}\n",
        tokens.display()
    )
}

fn says(tenant: &str) -> Vec<String> {
    ["-H".to_owned(), format!("X-Scope-OrgID: {tenant}")].into()
}

fn operator(more: &[String]) -> Vec<String> {
    let token = ["-H", "authorization: Bearer ops-token"].map(str::to_owned);
    [&token, more].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_tenant_too_many_is_told_to_retry_until_another_one_is_gone() {
    let folder = folder("secure-places");
    let (app, nanos) = started(&two_tenants(&folder)).await;
    let traces = format!("http://{}/v1/traces", app.http);
    let send = |tenant: &str| post(&traces, &says(tenant), &folder, &request(tenant));
    for (tenant, status) in [
        ("x", "200"),
        ("y", "200"),
        ("z", "429"),
        ("named", "200"),
        ("x", "200"),
    ] {
        assert_eq!(send(tenant), status, "{tenant}");
    }
    assert_says_when(&app, &says("z"), &folder, "tenants.max_tenants");
    pass(&app, &nanos).await;
    let metrics = format!("http://{}/metrics", app.metrics);
    let (_, all) = page(&metrics, &operator(&[]));
    let refused = "baton_tenant_refused_requests_total{tenant=\"other\",reason=\"max_tenants\"} 3";
    assert!(all.contains(refused), "{all}");
    for tenant in ["x", "y", "named"] {
        let (status, own) = page(&metrics, &operator(&says(tenant)));
        assert_eq!(status, "200 ", "{own}");
        assert!(own.contains(&format!("{tenant}_triage")), "{own}");
    }
    // One of them goes on, and the other one is forgotten.
    for _ in 0..60 {
        nanos.fetch_add(DAY, Ordering::AcqRel);
        app.settle().await;
        assert_eq!(send("x"), "200");
        app.settle().await;
    }
    for (tenant, status) in [("z", "200"), ("y", "429"), ("x", "200")] {
        assert_eq!(send(tenant), status, "{tenant}");
    }
    assert!(app.stop().await);
}

#[test]
fn tenants_have_their_places_again_after_a_crash() {
    let folder = folder("secure-places-crash");
    let file = folder.join("baton.yaml");
    std::fs::write(&file, two_tenants(&folder)).expect("written");
    let state = folder.join("state");
    let start = || {
        let options = ["--config", file.to_str().expect("text")];
        let child = listening(&mut baton(), &state, &options).spawn();
        addresses(Running(child.expect("it starts")))
    };
    let send = |endpoints: &Endpoints, tenant: &str| {
        let body: Bytes = session(1, now()).encode_to_vec().into();
        let url = format!("http://{}/v1/traces", endpoints.http);
        post(&url, &says(tenant), &folder, &body)
    };
    let (mut running, endpoints, _) = start();
    for tenant in ["x", "y"] {
        assert_eq!(send(&endpoints, tenant), "200");
    }
    running.0.kill().expect("killed");
    running.0.wait().expect("it ended");
    let (mut running, endpoints, log) = start();
    for (tenant, status) in [
        ("z", "429"),
        ("x", "200"),
        ("named", "200"),
        ("z", "429"),
        ("y", "200"),
    ] {
        assert_eq!(send(&endpoints, tenant), status, "{tenant}");
    }
    running.0.kill().expect("killed");
    running.0.wait().expect("it ended");
    // One warning, which says what to do.
    let told = log.map(|line| line.expect("text"));
    let told: Vec<String> = told.filter(|line| line.contains("max_tenants")).collect();
    assert!(told.len() == 1 && told[0].contains("WARN"), "{told:?}");
    assert!(told[0].contains("raise tenants.max_tenants"), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_too_many_in_attributes_of_an_operator_counts_for_nobody() {
    let folder = folder("secure-places-attributes");
    let way = by_secret(&folder);
    let config = way
        .config
        .replace("tenants: {", "tenants: {max_tenants: 2, ");
    let (app, nanos) = started(&config).await;
    let sender = |reaches| way.sender(reaches).expect("a sender");
    let traces = format!("http://{}/v1/traces", app.http);
    for (number, said) in (1..).zip(["first", "second", "third", "b"]) {
        let body = in_trace(number, &saying(&format!("of_{said}"), Some(said)));
        assert_eq!(post(&traces, sender(Reaches::All), &folder, &body), "200");
    }
    let own = sender(Reaches::Own("a"));
    assert_eq!(post(&traces, own, &folder, &request("a")), "200");
    pass(&app, &nanos).await;
    let metrics = format!("http://{}/metrics", app.metrics);
    let (_, all) = page(&metrics, sender(Reaches::All));
    let line = |agent: &str| {
        let series = format!("baton_agent_invocations_total{{agent=\"{agent}_triage\"");
        let mut lines = all.lines().filter(|line| line.starts_with(&series));
        lines.next().unwrap_or_default().to_owned()
    };
    for (said, tenant) in [
        ("of_first", Some("first")),
        ("of_second", None),
        ("of_third", None),
        ("of_b", Some("b")),
    ] {
        let line = line(said);
        assert!(!line.is_empty(), "{said} counts: {all}");
        match tenant {
            Some(tenant) => assert!(line.contains(&format!("tenant=\"{tenant}\"")), "{line}"),
            None => assert!(!line.contains("tenant="), "{line}"),
        }
    }
    assert!(!all.contains("baton_receiver_unread_total{reason=\"tenant_over_limit\"} 0"));
    let (status, page) = page(&metrics, own);
    assert_eq!(status, "200 ", "{page}");
    assert!(page.contains("a_triage") && !page.contains("of_"), "{page}");
    assert!(app.stop().await);
}
