//! A tenant whose series cannot be told from those of others is shown none.

use super::credentials::{Reaches, by_header, by_secret};
use super::{page, pass, post, request, saying, started};
use crate::support::process::folder;

#[tokio::test(flavor = "multi_thread")]
async fn where_tenants_are_folded_into_one_series_none_of_them_is_shown_figures() {
    let folder = folder("secure-folded");
    let way = by_secret(&folder);
    // One partition: each has its share of the limit, and at least one value.
    let (app, nanos) = started(&format!(
        "{}cohorts: {{max_values: 1}}\nengine: {{partitions: 1}}\n",
        way.config
    ))
    .await;
    let send = |tenant| {
        let sender = way.sender(Reaches::Own(tenant)).expect("a sender");
        let url = format!("http://{}/v1/traces", app.http);
        assert_eq!(post(&url, sender, &folder, &request(tenant)), "200");
    };
    let shown = |path: &str, reaches| {
        let sender = way.sender(reaches).expect("a sender");
        page(&format!("http://{}{path}", app.metrics), sender)
    };
    send("a");
    pass(&app, &nanos).await;
    for path in ["/metrics", "/summary"] {
        assert_eq!(shown(path, Reaches::Own("a")).0, "200 ");
    }
    send("b");
    pass(&app, &nanos).await;
    for tenant in ["a", "b"] {
        for path in ["/metrics", "/summary"] {
            let (status, text) = shown(path, Reaches::Own(tenant));
            assert_eq!(status, "501 ", "{tenant} {path}");
            assert!(text.contains("cohorts.max_values"), "{text}");
        }
        // Sessions are kept apart all the same.
        let (status, text) = shown("/sessions", Reaches::Own(tenant));
        assert_eq!(status, "200 ");
        assert!(text.contains(&format!("{tenant}_triage")), "{text}");
    }
    assert!(
        shown("/metrics", Reaches::All)
            .1
            .contains("tenant=\"other\"")
    );
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
