//! The web configuration of Prometheus.

use super::super::*;
use crate::tls::TlsVersion;
use std::path::Path;

const HASH: &str = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi";

fn read(text: &str) -> Result<WebConfig, String> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("web.yaml");
    std::fs::write(&file, text).expect("written");
    let read = WebConfig::read(&file);
    // Without the folder, which has another name each time.
    let prefix = format!("{}/", folder.path().display());
    read.map_err(|error| error.to_string().replace(&prefix, ""))
}

#[test]
fn the_example_of_prometheus_is_read() {
    let text = format!(
        "# TLS and users\ntls_server_config:\n  cert_file: server.crt\n  key_file: /keys/server.key\n  client_auth_type: \"RequireAndVerifyClientCert\"\n  client_ca_file: ca.crt\n  min_version: TLS13\nbasic_auth_users:\n  alice: {HASH}\n  bob: \"{HASH}\"\n"
    );
    let web = read(&text).expect("it is right");
    let users: Vec<&str> = web.basic_auth_users.keys().map(String::as_str).collect();
    assert_eq!(users, ["alice", "bob"]);
    assert_eq!(web.basic_auth_users["alice"], HASH);
    let shown = format!("{web:?}");
    assert!(!shown.contains(HASH), "{shown}");
    let tls = web.tls.expect("it has TLS");
    assert!(tls.cert_file.ends_with("server.crt") && tls.cert_file.is_absolute());
    assert_eq!(tls.key_file, Path::new("/keys/server.key"));
    assert!(tls.client_ca_file.is_some());
    assert_eq!(tls.min_version, TlsVersion::V13);
}

#[test]
fn an_empty_file_asks_for_nothing() {
    for text in ["", "# nothing\n", "basic_auth_users:\n"] {
        let web = read(text).expect("it is right");
        assert!(web.tls.is_none() && web.basic_auth_users.is_empty());
    }
}

#[test]
fn what_baton_does_not_do_is_refused_by_its_key() {
    for (text, expected) in [
        (
            "http_server_config: {http2: false}",
            "web.yaml: http_server_config: known keys: tls_server_config, basic_auth_users",
        ),
        (
            "tls_server_config: {cert_file: a, key_file: b, cipher_suites: [x]}",
            "web.yaml: tls_server_config.cipher_suites: Baton does not support this key; supported keys: cert_file, key_file, client_ca_file, client_auth_type, min_version",
        ),
        (
            "tls_server_config: {key_file: b}",
            "web.yaml: tls_server_config.cert_file: is missing",
        ),
        (
            "tls_server_config: {cert_file: a, key_file: b, client_auth_type: RequestClientCert}",
            "web.yaml: tls_server_config.client_auth_type: Baton supports NoClientCert and RequireAndVerifyClientCert",
        ),
        (
            "tls_server_config: {cert_file: a, key_file: b, client_ca_file: c}",
            "web.yaml: tls_server_config.client_ca_file: must be set together with client_auth_type: RequireAndVerifyClientCert",
        ),
        (
            "tls_server_config: {cert_file: a, key_file: b, min_version: TLS10}",
            "web.yaml: tls_server_config.min_version: expected TLS12 or TLS13",
        ),
        (
            "tls_server_config: {cert_file: [a]}",
            "web.yaml: tls_server_config.cert_file: expected a text",
        ),
        (
            "basic_auth_users: {alice: 1234}",
            "web.yaml: basic_auth_users.alice: expected a text",
        ),
        (
            "basic_auth_users: {alice: $2y$19$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi}",
            "web.yaml: basic_auth_users.alice: is a bcrypt hash of too many rounds: expected a cost of at most 14",
        ),
        (
            "basic_auth_users: {a: x",
            "web.yaml: line 1: not valid YAML",
        ),
        ("[]", "web.yaml: the file: expected a section of keys"),
    ] {
        assert_eq!(read(text).expect_err(text), expected);
    }
}
