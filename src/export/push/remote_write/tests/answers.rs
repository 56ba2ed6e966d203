//! Answers and settings of remote write.

use crate::client::SendFailure;
use crate::config;
use crate::export::push::remote_write::answer::ReceiverAnswer;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use std::path::Path;

fn answer(status: u16, headers: &[(&'static str, &'static str)]) -> ReceiverAnswer {
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        })
        .collect();
    let status = StatusCode::from_u16(status).expect("a status");
    ReceiverAnswer::read(&headers, status, false)
}

#[test]
fn the_status_says_what_is_sent_again() {
    for (status, reason) in [
        (500, SendFailure::Unavailable),
        (503, SendFailure::Unavailable),
        (599, SendFailure::Unavailable),
        (429, SendFailure::Throttled),
        (400, SendFailure::Rejected),
        (401, SendFailure::Rejected),
        (404, SendFailure::Rejected),
        (413, SendFailure::Rejected),
        (301, SendFailure::Rejected),
    ] {
        let error = answer(status, &[]).error.expect("it is refused");
        assert_eq!(error.reason, reason, "{status}");
    }
    let asked = answer(429, &[("retry-after", "7")])
        .error
        .expect("it is refused");
    assert_eq!(asked.wait.map(|wait| wait.as_secs()), Some(7));
}

#[test]
fn who_says_nothing_of_what_is_written_knows_only_version_1() {
    const SAMPLES: &str = "x-prometheus-remote-write-samples-written";
    const HISTOGRAMS: &str = "x-prometheus-remote-write-histograms-written";
    const EXEMPLARS: &str = "x-prometheus-remote-write-exemplars-written";
    for (status, headers, written, is_legacy) in [
        (204, &[][..], None, true),
        (200, &[], None, true),
        (415, &[], None, true),
        (
            204,
            &[(SAMPLES, "5"), (HISTOGRAMS, "2"), (EXEMPLARS, "9")],
            Some(7),
            false,
        ),
        (
            204,
            &[
                (SAMPLES, "18446744073709551615"),
                (HISTOGRAMS, "18446744073709551615"),
            ],
            Some(u64::MAX),
            false,
        ),
        (204, &[(SAMPLES, "0")], Some(0), false),
        (204, &[(EXEMPLARS, "0")], Some(0), false),
        (400, &[(SAMPLES, "3")], Some(3), false),
        (400, &[], None, false),
        (500, &[], None, false),
    ] {
        let answer = answer(status, headers);
        assert_eq!(answer.written, written, "{status} {headers:?}");
        assert_eq!(
            answer.knows_only_legacy(),
            is_legacy,
            "{status} {headers:?}"
        );
    }
}

#[test]
fn a_receiver_knows_the_series_of_what_it_may_have_stored() {
    const SAMPLES: &str = "x-prometheus-remote-write-samples-written";
    for (status, headers, is_known) in [
        (204, &[][..], true),
        (204, &[(SAMPLES, "5")], true),
        (204, &[(SAMPLES, "0")], false),
        (400, &[(SAMPLES, "5")], true),
        (400, &[(SAMPLES, "0")], false),
        // Receivers of 1.0 store what they can.
        (400, &[], true),
        (401, &[], false),
        (404, &[], false),
        (413, &[], false),
        (415, &[], false),
        (503, &[], false),
    ] {
        let answer = answer(status, headers);
        assert_eq!(answer.may_have_stored(), is_known, "{status} {headers:?}");
    }
}

#[test]
fn what_is_wrong_is_said_at_its_key() {
    for (keys, expected) in [
        (
            "endpoint: 'h:1'",
            "endpoint: expected a URL with its scheme such as http://127.0.0.1:9090/api/v1/write",
        ),
        (
            "external_labels: {'a-b': x}",
            "external_labels.a-b: is no name of a label: expected letters, digits and _",
        ),
        (
            "external_labels: {a: ''}",
            "external_labels.a: is empty: expected a text",
        ),
        (
            "histograms: []",
            "histograms: is empty: expected at least one of classic, exponential, custom_buckets",
        ),
        (
            "histograms: [exponential, custom_buckets]",
            "histograms: must not have both exponential and custom_buckets: they would be the same series",
        ),
        (
            "headers: {X-Prometheus-Remote-Write-Version: '3'}",
            "headers.X-Prometheus-Remote-Write-Version: is a header that cannot be set",
        ),
        (
            "remote_write_queue: {enabled: false}",
            "remote_write_queue.enabled: must be true: requests wait here while the receiver does not answer",
        ),
        (
            "compression: gzip",
            "compression: expected one of snappy, found another text",
        ),
    ] {
        let endpoint = if keys.starts_with("endpoint") {
            ""
        } else {
            "endpoint: 'http://h:1/w', "
        };
        let text = format!(
            "exporters: {{prometheusremotewrite/a: {{{endpoint}{keys}}}}}\nservice: {{instance: {{id: a}}}}\n"
        );
        let faults = config::of_text(&text, Path::new("."), &|_| None).expect_err("it is wrong");
        let told: Vec<String> = faults
            .iter()
            .map(|fault| format!("{}: {}", fault.path, fault.what))
            .collect();
        assert_eq!(
            told,
            [format!("exporters.prometheusremotewrite/a.{expected}")]
        );
    }
}

#[test]
fn who_pushes_and_keeps_nothing_must_say_who_he_is() {
    let of = |more: &str| {
        let text = format!("state: {{log: memory}}\n{more}\n");
        let read = config::of_text(&text, Path::new("."), &|_| None);
        read.map_err(|faults| format!("{}: {}", faults[0].path, faults[0].what))
    };
    let push = "exporters: {prometheusremotewrite: {endpoint: 'http://h:1/w'}}";
    for (more, user) in [
        (push, "exporters.prometheusremotewrite"),
        ("service: {scrape_labels: true}", "service.scrape_labels"),
    ] {
        let told = of(more).expect_err("it is wrong");
        assert_eq!(
            told,
            format!(
                "service.instance.id: is missing: {user} needs it, because state.log is memory"
            )
        );
    }
    assert!(of("").is_ok());
    assert!(of(&format!("{push}\nservice: {{instance: {{id: baton-0}}}}")).is_ok());
}
