//! What is said of wrong destinations.

use crate::config::{self, ConfigFault};
use crate::forward::{ForwardCompression, ForwardProtocol};
use crate::model::request::Signal;
use std::path::Path;
use std::time::Duration;

fn read(exporters: &str) -> Result<config::Config, Vec<ConfigFault>> {
    let text = format!("exporters: {exporters}\n");
    config::of_text(&text, Path::new("."), &|_| None)
}

/// The faults as `path: what`.
fn faults(exporters: &str) -> Vec<String> {
    let faults = read(exporters).expect_err("it is wrong");
    let faults = faults.into_iter();
    faults
        .map(|fault| format!("{}: {}", fault.path, fault.what))
        .collect()
}

#[test]
fn an_endpoint_and_a_protocol_are_enough() {
    let config =
        read(r#"{otlp/next: {endpoint: "http://127.0.0.1:4320", protocol: http/protobuf}}"#);
    let config = config.expect("it is right");
    let next = &config.exporters.otlp.0["otlp/next"];
    assert_eq!(next.protocol, ForwardProtocol::Http);
    assert_eq!(next.compression, ForwardCompression::None);
    assert!(Signal::ALL.into_iter().all(|signal| next.takes(signal)));
    assert!(next.retry_on_failure.enabled);
    assert_eq!(
        next.retry_on_failure.max_elapsed_time,
        Duration::ZERO,
        "for ever"
    );
}

#[test]
fn signals_are_taken_as_they_are_named() {
    let config = read(
        "{otlp: {endpoint: 'http://h:1', send: [logs]}, otlp/b: {endpoint: 'http://h:2', send: [traces]}}",
    );
    let exporters = config.expect("it is right").exporters.otlp;
    let taken = Signal::ALL.map(|signal| exporters.takes(signal));
    assert_eq!(taken, [true, true, false]);
    assert_eq!(exporters.names(), ["otlp", "otlp/b"]);
}

#[test]
fn what_is_wrong_is_said_at_its_key() {
    for (exporters, expected) in [
        (
            "{otlp/a: {}}",
            "exporters.otlp/a.endpoint: expected a URL such as http://127.0.0.1:4317",
        ),
        (
            "{otlp/a: {endpoint: 'https://h:4317', tls: {insecure: true}}}",
            "exporters.otlp/a.tls.insecure: must be false, because the URL of the endpoint begins with https://",
        ),
        (
            "{otlp/a: {endpoint: 'h:4317'}}",
            "exporters.otlp/a.endpoint: expected a URL with its scheme such as http://127.0.0.1:4317",
        ),
        (
            "{otlp/a: {endpoint: 'http://me:hush@h:4317'}}",
            "exporters.otlp/a.endpoint: must not have a user name or a password: set auth.basic",
        ),
        (
            "{otlp/a: {endpoint: 'http://h:4317/x'}}",
            "exporters.otlp/a.endpoint: must not have a path, because the protocol is grpc",
        ),
        (
            "{otlp/a: {endpoint: 'https://h:4317', tls: {cert_file: own.pem}}}",
            "exporters.otlp/a.tls.key_file: is missing: cert_file needs it",
        ),
        (
            "{kafka: {endpoint: 'http://h:4317'}}",
            "exporters.kafka: unknown type kafka; known types: otlp, prometheusremotewrite",
        ),
        (
            "{oltp/a: {endpoint: 'http://h:4317'}}",
            "exporters.oltp/a: unknown type oltp; did you mean otlp?",
        ),
        (
            "{otlp/ä: {endpoint: 'http://h:4317'}}",
            "exporters.otlp/ä: is no key: expected otlp, or otlp/ and a name of letters, digits, _ and -, as in otlp/next",
        ),
        (
            "{otlp/a: {endpoint: 'http://h:4317', send: []}}",
            "exporters.otlp/a.send: is empty: expected at least one of traces, logs, metrics, verdicts, verdict_spans, derived",
        ),
        (
            "{otlp/a: {endpoint: 'http://h:4317', sending_queue: {enabled: false}}}",
            "exporters.otlp/a.sending_queue.enabled: must be true: Baton sends every request from its spool; spool.max_size is its size",
        ),
        (
            "{otlp/a: {endpoint: 'http://h:4317', sending_queue: {queue_size: 5}}}",
            "exporters.otlp/a.sending_queue.queue_size: unknown key; known here: enabled, num_consumers",
        ),
        (
            "{otlp/a: {endpoint: 'http://h:4317', headers: {content-type: x}}}",
            "exporters.otlp/a.headers.content-type: is a header that cannot be set",
        ),
        (
            "{otlp/a: {endpoint: 'http://h:4317', headers: {a b: x}}}",
            "exporters.otlp/a.headers.a b: is no name of a header",
        ),
        (
            "{otlp/a: {endpoint: 'http://h:4317', retry_on_failure: {initial_interval: 1m}}}",
            "exporters.otlp/a.retry_on_failure.initial_interval: must not be longer than exporters.otlp/a.retry_on_failure.max_interval (by default)",
        ),
        (
            "{otlp/a: {endpoint: 'http://h:4317', retry_on_failure: {multiplier: 0.5}}}",
            "exporters.otlp/a.retry_on_failure.multiplier: expected a number of at least 1",
        ),
    ] {
        assert_eq!(faults(exporters), [expected], "{exporters}");
    }
}

#[test]
fn all_that_can_be_sent_is_listed_where_something_else_is_asked_for() {
    assert_eq!(
        faults("{otlp/a: {endpoint: 'http://h:4317', send: [trace]}}"),
        [
            "exporters.otlp/a.send.0: expected one of traces, logs, metrics, verdicts, verdict_spans, derived, found another text"
        ]
    );
}

#[test]
fn what_is_wrong_with_pushed_metrics_is_said_at_its_key() {
    for (keys, expected) in [
        (
            "default_histogram_aggregation: base2_exponential_bucket_histogram",
            "default_histogram_aggregation: needs metrics.native_histograms: true",
        ),
        (
            "temporality_preference: lowmemory",
            "temporality_preference: expected one of cumulative, delta, found another text",
        ),
        (
            "interval: 0s",
            "interval: expected a duration above 0 such as 30s, found 0",
        ),
    ] {
        let exporters = format!(
            "{{otlp/a: {{endpoint: 'http://h:4317', send: [derived], derived: {{{keys}}}}}}}"
        );
        let expected = format!("exporters.otlp/a.derived.{expected}");
        assert_eq!(faults(&exporters), [expected], "{exporters}");
    }
}

#[test]
fn metrics_are_pushed_beside_what_is_forwarded_or_alone() {
    let exporters = "{otlp/both: {endpoint: 'http://h:4317', send: [traces, derived]}, otlp/alone: {endpoint: 'http://h:4317', send: [derived]}, otlp: {endpoint: 'http://h:4317'}}";
    let settings = read(exporters).expect("it is right").exporters.otlp;
    assert_eq!(settings.names(), ["otlp", "otlp/both"]);
    let derived: Vec<&String> = settings.derived().map(|(key, _)| key).collect();
    assert_eq!(derived, ["otlp/alone", "otlp/both"]);
}

#[test]
fn what_is_wrong_with_credentials_is_said_at_its_key() {
    for (keys, expected) in [
        (
            "auth: {authenticator: x, bearer: {token: hush}}",
            "auth.authenticator: unknown key; known here: basic, bearer, reload_interval",
        ),
        (
            "auth: {}",
            "auth.bearer: is missing: expected bearer or basic",
        ),
        (
            "auth: {bearer: {token: hush, filename: file}}",
            "auth.bearer.token: must not be set beside filename",
        ),
        (
            "auth: {basic: {username: x}}",
            "auth.basic.password_file: is missing: expected password_file or password",
        ),
        (
            "auth: {bearer: {token: hush}}, headers: {Authorization: x}",
            "headers.Authorization: must not be set, because auth sets it",
        ),
    ] {
        let told = faults(&format!(
            "{{otlp/a: {{endpoint: 'http://h:4317', {keys}}}}}"
        ));
        assert_eq!(told, [format!("exporters.otlp/a.{expected}")], "{keys}");
    }
}

#[test]
fn a_secret_in_a_header_is_in_no_message() {
    let secret =
        "{otlp/a: {endpoint: 'http://h:4317', headers: {authorization: \"Bearer hush\\n\"}}}";
    let told = faults(secret);
    assert_eq!(
        told,
        ["exporters.otlp/a.headers.authorization: cannot be the value of a header"]
    );
    let right = read(
        "{otlp/a: {endpoint: 'http://h:4317', headers: {authorization: Bearer hush}}, otlp/b: {endpoint: 'http://h:4317', auth: {bearer: {token: hush}}}, otlp/c: {endpoint: 'http://h:4317', auth: {basic: {username: me, password: hush}}}}",
    );
    let shown = format!("{:?}", right.expect("it is right").exporters);
    assert!(!shown.contains("hush"), "{shown}");
}

#[test]
fn headers_that_belong_to_a_connection_are_not_forwarded() {
    let text = "receivers: {otlp: {forward_headers: [X-Scope-OrgID, Host, content-type, 'a b']}}\n";
    let faults = config::of_text(text, Path::new("."), &|_| None).expect_err("it is wrong");
    let told: Vec<(&str, &str)> = faults
        .iter()
        .map(|fault| (&*fault.path, &*fault.what))
        .collect();
    assert_eq!(
        told,
        [
            (
                "receivers.otlp.forward_headers.1",
                "is a header that cannot be forwarded"
            ),
            (
                "receivers.otlp.forward_headers.2",
                "is a header that cannot be forwarded"
            ),
            ("receivers.otlp.forward_headers.3", "is no name of a header"),
        ]
    );
}

#[test]
fn the_spool_has_room_for_the_largest_request() {
    let text = "spool: {max_size: 32MiB}\n";
    let faults = config::of_text(text, Path::new("."), &|_| None).expect_err("it is wrong");
    assert_eq!(faults[0].path, "spool.max_size");
    assert_eq!(
        faults[0].what,
        "must not be less than receivers.otlp.max_decompressed_bytes (by default)"
    );
}
