//! Certificates change while Baton runs: no handshake fails, and what cannot be used is not.
//!
//! `ROUNDS=1000` changes them that often.

use super::authority::Authority;
use super::{Pair, secure, secure_metric, soon};
use crate::forward::relay::start;
use crate::support::process::folder;
use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// A client that trusts an authority.
fn client(authority: &Authority) -> TlsConnector {
    let pem = fs::read(&authority.file).expect("written");
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        roots.add(certificate.expect("PEM")).expect("an authority");
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

/// The certificate of a server.
async fn shown(client: &TlsConnector, server: SocketAddr) -> Vec<u8> {
    let stream = TcpStream::connect(server).await.expect("it listens");
    let name = ServerName::from(server.ip());
    let stream = client.connect(name, stream).await.expect("a handshake");
    let (_, connection) = stream.get_ref();
    let certificates = connection.peer_certificates().expect("a certificate");
    certificates[0].to_vec()
}

fn der(pem: &str) -> Vec<u8> {
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes());
    certificate.expect("PEM").to_vec()
}

/// Writes a file as those do who change it in place, or as those who replace it.
fn write(pair: &Pair, cert: &str, key: &str, in_place: bool) {
    for (file, text) in [(&pair.cert, cert), (&pair.key, key)] {
        if in_place {
            fs::write(file, text).expect("written");
        } else {
            let new = file.with_extension("new");
            fs::write(&new, text).expect("written");
            fs::rename(&new, file).expect("renamed");
        }
    }
}

fn rounds() -> u64 {
    let asked = std::env::var("ROUNDS").ok();
    asked.and_then(|rounds| rounds.parse().ok()).unwrap_or(12)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_handshake_fails_while_certificates_change() {
    let folder = folder("secure-rotation");
    let authority = Authority::new(&folder, "own");
    let pair = authority.issue_to(&folder, "baton", 2041);
    let app = start(&secure(&pair, None)).await;
    let client = client(&authority);
    for round in 0..rounds() {
        let (cert, key) = authority.issue(2042);
        write(&pair, &cert, &key, round % 2 == 0);
        let cert = der(&cert);
        // Each of these is a handshake that must not fail.
        for server in [app.http, app.metrics] {
            soon(async || shown(&client, server).await == cert).await;
        }
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_pair_is_not_used_and_counted_once() {
    let folder = folder("secure-half");
    let authority = Authority::new(&folder, "own");
    let pair = authority.issue_to(&folder, "baton", 2041);
    let app = start(&secure(&pair, None)).await;
    let client = client(&authority);
    let before = shown(&client, app.http).await;
    let (cert, key) = authority.issue(2043);
    fs::write(&pair.cert, &cert).expect("written");
    let failures = "baton_tls_reload_failures_total{endpoint=\"http\"}";
    soon(async || secure_metric(app.metrics, &authority, failures) > 0.0).await;
    assert_eq!(shown(&client, app.http).await, before);
    fs::write(&pair.key, &key).expect("written");
    soon(async || shown(&client, app.http).await == der(&cert)).await;
    assert_eq!(secure_metric(app.metrics, &authority, failures), 1.0);
    app.stop().await;
}
