//! Certificates change while Baton runs: no handshake fails, and what cannot be used is not.
//!
//! `ROUNDS=1000` changes them that often.

use super::authority::Authority;
use super::{Pair, secure, secure_metric, soon};
use crate::forward::relay::start;
use crate::support::process::folder;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::path::Path;
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

/// How those who rotate certificates replace a pair; the number of the round is new.
type Replace = fn(&Pair, [&str; 2], u64);

fn in_place(pair: &Pair, texts: [&str; 2], _: u64) {
    for (file, text) in [&pair.cert, &pair.key].into_iter().zip(texts) {
        fs::write(file, text).expect("written");
    }
}

fn by_renaming(pair: &Pair, texts: [&str; 2], _: u64) {
    for (file, text) in [&pair.cert, &pair.key].into_iter().zip(texts) {
        let new = file.with_extension("new");
        fs::write(&new, text).expect("written");
        fs::rename(&new, file).expect("renamed");
    }
}

/// As Kubernetes does it with a mounted secret: both files are links through `data`, which is a link to a folder and is replaced.
fn by_a_link(pair: &Pair, texts: [&str; 2], round: u64) {
    let folder = pair.cert.parent().expect("a folder");
    let name = round.to_string();
    fs::create_dir(folder.join(&name)).expect("a folder");
    for (file, text) in [&pair.cert, &pair.key].into_iter().zip(texts) {
        let own = Path::new(file.file_name().expect("a name"));
        fs::write(folder.join(&name).join(own), text).expect("written");
        if !file.is_symlink() {
            fs::remove_file(file).expect("removed");
            symlink(Path::new("data").join(own), file).expect("linked");
        }
    }
    let next = folder.join("data.new");
    symlink(&name, &next).expect("linked");
    fs::rename(next, folder.join("data")).expect("renamed");
}

fn rounds() -> u64 {
    let asked = std::env::var("ROUNDS").ok();
    asked.and_then(|rounds| rounds.parse().ok()).unwrap_or(12)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_handshake_fails_while_certificates_change() {
    let manners: [Replace; 3] = [in_place, by_renaming, by_a_link];
    for (manner, replace) in manners.into_iter().enumerate() {
        let folder = folder(&format!("secure-rotation-{manner}"));
        let authority = Authority::new(&folder, "own");
        let pair = authority.issue_to(&folder, "baton", 2041);
        let app = start(&secure(&pair, None)).await;
        let client = client(&authority);
        for round in 0..rounds().div_ceil(3) {
            let (cert, key) = authority.issue(2042);
            replace(&pair, [&cert, &key], round);
            let cert = der(&cert);
            // Each of these is a handshake that must not fail.
            for server in [app.http, app.metrics] {
                soon(async || shown(&client, server).await == cert).await;
            }
        }
        app.stop().await;
    }
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
