//! A destination that asks for a client certificate and does not get one that it accepts.

use super::authority::Authority;
use super::{listener, soon};
use crate::forward::relay::{SOON, metric, post, start};
use crate::support::process::{folder, now, session};
use prost::Message;

#[tokio::test(flavor = "multi_thread")]
async fn a_client_certificate_that_is_missing_or_refused_is_counted_as_tls() {
    let folder = folder("secure-client-certificates");
    let authority = Authority::new(&folder, "own");
    let strangers = Authority::new(&folder, "other");
    let tls = listener(&authority.issue_to(&folder, "next", 2041), Some(&authority));
    let next = start(&format!(
        "receivers: {{otlp: {{grpc: {{{tls}}}, http: {{{tls}}}}}}}\n"
    ))
    .await;
    let stranger = strangers.issue_to(&folder, "stranger", 2041);
    let shown = format!(
        ", cert_file: '{}', key_file: '{}'",
        stranger.cert.display(),
        stranger.key.display()
    );
    let mut exporters = String::from("exporters:\n");
    let mut names = Vec::new();
    for (protocol, address, short) in [
        ("grpc", next.grpc, "grpc"),
        ("http/protobuf", next.http, "http"),
    ] {
        for (client, kind) in [("", "none"), (&shown, "stranger")] {
            let name = format!("otlp/{kind}_{short}");
            exporters += &format!(
                "  {name}: {{endpoint: 'https://{address}', protocol: {protocol}, {SOON}, tls: {{ca_file: '{}'{client}}}}}\n",
                authority.file.display()
            );
            names.push(name);
        }
    }
    let app = start(&exporters).await;
    let body = session(1, now()).encode_to_vec().into();
    let status = post(&app, "/v1/traces", "application/x-protobuf", body).await;
    assert_eq!(status, 200);
    for name in names {
        let failed = "baton_exporter_failed_requests_total";
        let labels = format!("{{exporter=\"{name}\",reason=\"tls\"}}");
        soon(async || metric(app.metrics, failed, &labels).await > 0.0).await;
    }
    app.stop().await;
    next.stop().await;
}
