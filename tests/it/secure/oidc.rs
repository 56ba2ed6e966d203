//! Tokens of an issuer whose keys Baton gets by discovery.

use super::issuer::{IssuerKey, TestIssuer, claims};
use super::{curl, soon};
use crate::forward::relay::start;
use baton::app::App;
use std::net::SocketAddr;

/// A Baton that accepts the tokens of an issuer, whose keys it asks for so often.
async fn guarded(issuer: &TestIssuer, interval: &str) -> App {
    let auth = format!(
        "auth: {{oidc: {{issuer_url: '{}', audience: baton}}, reload_interval: {interval}}}",
        issuer.url()
    );
    start(&format!("receivers: {{otlp: {{http: {{{auth}}}}}}}\n")).await
}

/// The status of a request with a token.
fn sent(to: SocketAddr, token: &str) -> String {
    let token = format!("authorization: Bearer {token}");
    let json = ["--header", "content-type: application/json", "--data", "{}"];
    let status = ["--output", "/dev/null", "--write-out", "%{http_code}"];
    let url = format!("http://{to}/v1/traces");
    let (_, status) = curl(&[&["--header", &token][..], &json, &status, &[&url]].concat());
    status
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_of_the_issuer_is_accepted_at_once_and_old_ones_while_it_is_out() {
    let (old, new, later) = (
        IssuerKey::new("1"),
        IssuerKey::new("2"),
        IssuerKey::new("3"),
    );
    let issuer = TestIssuer::start(&[&old]).await;
    // The interval is never over: what is new is asked for because somebody shows it.
    let app = guarded(&issuer, "1h").await;
    let of = |key: &IssuerKey| key.token(&claims(&issuer.url(), 60));
    assert_eq!(sent(app.http, &of(&old)), "200");
    for forged in old.forged(&claims(&issuer.url(), 60)) {
        assert_eq!(sent(app.http, &forged), "401", "{forged}");
    }
    issuer.tell(&[&old, &new]);
    soon(async || sent(app.http, &of(&new)) == "200").await;
    assert_eq!(sent(app.http, &of(&old)), "200");
    let asked = issuer.asked();
    // However many unknown keys come, the issuer is not asked for each.
    for number in 0..100 {
        let unknown = IssuerKey::new(&format!("unknown-{number}"));
        assert_eq!(sent(app.http, &of(&unknown)), "401");
    }
    assert!(
        issuer.asked() <= asked + 3,
        "{} times",
        issuer.asked() - asked
    );
    issuer.tell(&[]);
    for key in [&old, &new] {
        assert_eq!(sent(app.http, &of(key)), "200");
    }
    assert_eq!(sent(app.http, &of(&later)), "401");
    assert_eq!(
        sent(app.http, &old.token(&claims(&issuer.url(), -60))),
        "401"
    );
    assert!(app.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_the_issuer_takes_back_is_refused_and_an_issuer_that_is_out_is_told_of() {
    let (old, new) = (IssuerKey::new("1"), IssuerKey::new("2"));
    let issuer = TestIssuer::start(&[]).await;
    let app = guarded(&issuer, "10ms").await;
    let of = |key: &IssuerKey| key.token(&claims(&issuer.url(), 60));
    // Nobody can say whether it is right: the sender shall retry.
    assert_eq!(sent(app.http, &of(&old)), "503");
    let failures = "baton_auth_reload_failures_total";
    let failed = async || crate::forward::relay::metric(app.metrics, failures, "http").await;
    soon(async || failed().await > 0.0).await;
    issuer.tell(&[&old]);
    soon(async || sent(app.http, &of(&old)) == "200").await;
    issuer.tell(&[&new]);
    soon(async || sent(app.http, &of(&old)) == "401").await;
    assert_eq!(sent(app.http, &of(&new)), "200");
    assert!(app.stop().await);
}
