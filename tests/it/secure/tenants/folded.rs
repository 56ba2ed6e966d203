//! A tenant whose series cannot be told from those of others is shown none.

use super::credentials::{Reaches, by_header, by_secret};
use super::{ATTRIBUTES, BEGIN, in_trace, page, pass, post, request, saying, started};
use crate::forward::relay::config;
use crate::support::process::folder;
use baton::app::App;
use baton::clock::Clock;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

#[tokio::test(flavor = "multi_thread")]
async fn series_of_several_tenants_from_a_time_without_tenants_are_shown_to_none() {
    let folder = folder("secure-folded");
    let way = by_secret(&folder);
    // Attributes named the tenants, and one partition had room for one name.
    let before = format!("{ATTRIBUTES}cohorts: {{max_values: 1}}\n");
    let nanos = Arc::new(AtomicU64::new(BEGIN));
    let start = async |text: &str| {
        let text = format!("{text}engine: {{partitions: 1}}\nstate: {{log: disk}}\n");
        let mut config = config(&text);
        config.state.directory = Some(folder.join("state"));
        let app = App::start(&config, Clock::manual(Arc::clone(&nanos))).await;
        app.expect("it starts")
    };
    let app = start(&before).await;
    for (number, tenant) in [(1, "a"), (2, "b")] {
        let url = format!("http://{}/v1/traces", app.http);
        let body = in_trace(number, &saying(tenant, Some(tenant)));
        assert_eq!(post(&url, &[], &folder, &body), "200");
    }
    pass(&app, &nanos).await;
    assert!(app.stop().await);

    let app = start(&way.config).await;
    let shown = |path: &str, reaches| {
        let sender = way.sender(reaches).expect("a sender");
        page(&format!("http://{}{path}", app.metrics), sender)
    };
    for tenant in ["a", "b"] {
        for path in ["/metrics", "/summary"] {
            let (status, text) = shown(path, Reaches::Own(tenant));
            assert_eq!(status, "501 ", "{tenant} {path}");
            assert!(text.contains("metrics.expire_after"), "{text}");
        }
        // Sessions are kept apart all the same.
        assert_eq!(shown("/sessions", Reaches::Own(tenant)).0, "200 ");
    }
    let (_, all) = shown("/metrics", Reaches::All);
    assert!(all.contains("tenant=\"other\""), "{all}");
    // It ends when the old series do.
    for _ in 0..30 {
        pass(&app, &nanos).await;
    }
    assert_eq!(shown("/metrics", Reaches::Own("a")).0, "200 ");
    assert!(app.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_no_tenant_can_have_are_not_believed_of_attributes_of_an_operator() {
    let folder = folder("secure-reserved");
    let way = by_secret(&folder);
    let (app, nanos) = started(&way.config).await;
    let sender = |reaches| way.sender(reaches).expect("a sender");
    let url = format!("http://{}/v1/traces", app.http);
    let own = sender(Reaches::Own("a"));
    assert_eq!(post(&url, own, &folder, &request("a")), "200");
    for said in ["other", "_overflow", "_tenant", "a|b"] {
        let body = saying("ops", Some(said));
        assert_eq!(post(&url, sender(Reaches::All), &folder, &body), "200");
    }
    pass(&app, &nanos).await;
    for path in ["/metrics", "/summary"] {
        let url = format!("http://{}{path}", app.metrics);
        let (status, text) = page(&url, own);
        assert_eq!(status, "200 ", "{text}");
        assert!(text.contains("a_triage"), "{text}");
        let (_, all) = page(&url, sender(Reaches::All));
        assert!(all.contains("ops_triage"), "they are there: {all}");
    }
    assert!(app.stop().await);
}

#[test]
fn a_configuration_in_which_a_listener_cannot_tell_tenants_apart_is_refused() {
    let faults = |text: &str| {
        let read = baton::config::of_text(text, std::path::Path::new("."), &|_| None);
        let faults = read.err().into_iter().flatten();
        faults
            .map(|fault| fault.to_string())
            .collect::<Vec<_>>()
            .join("\n")
    };
    assert_eq!(faults(&by_header().config), "");
    for (text, told) in [
        ("tenants: {}", "set receivers.otlp.grpc.auth"),
        (
            "tenants: {certificate: uri}",
            "set receivers.otlp.grpc.auth",
        ),
        ("tenants: {header: 'a b'}", "tenants.header"),
        ("tenants: {header: x, names: {a: 'b|c'}}", "tenants.names.a"),
        (
            "tenants: {header: x, names: {a: b}, operators: [a]}",
            "has no tenant",
        ),
        (
            "tenants: {header: x, limits: {request_rate: 0}}",
            "tenants.limits.request_rate: expected at least 1",
        ),
        (
            "tenants: {header: x, overrides: {'a|b': {}}}",
            "tenants.overrides.a|b",
        ),
        (
            "tenants: {header: x, limits: {max_bytes_in_flight: much}}",
            "tenants.limits.max_bytes_in_flight",
        ),
        (
            "tenants: {header: x}\ncohorts: {dimensions: [tier]}",
            "cohorts.dimensions",
        ),
        (
            "server: {auth: {oidc: {issuer_url: 'https://i', audience: x, tenant_claim: org}}}",
            "server.auth.oidc.tenant_claim: needs the section tenants",
        ),
    ] {
        let found = faults(text);
        assert!(found.contains(told), "{text}: {found}");
    }
}
