//! `baton check`: every fault of a configuration at once, with its place.

use super::{baton, baton_reads, file, text};

#[test]
fn every_fault_has_its_line_its_column_and_what_is_expected() {
    let bad = file(
        "bad.yaml",
        b"stitch:\n  setle: 1s\n  drop_timeout: 5\nlog: {level: loud}\nrules:\n  funnel:\n  - {step: x, over: turn, when: turn.x}\n",
    );
    let bad = bad.to_str().expect("text");
    let output = baton(&["check", bad]);
    assert_eq!(output.status.code(), Some(3));
    let told = text(&output.stderr);
    for expected in [
        "2:3: stitch.setle: unknown key; did you mean settle?",
        "3:3: stitch.drop_timeout: expected a duration (units: ms, s, m, h, d) such as 2m, found a number",
        "4:7: log.level: expected one of error, warn, info, debug, trace, found another text",
        "7:27: rules.funnel.0.when: ",
    ] {
        assert!(
            told.contains(&format!("{bad}:{expected}")),
            "{expected} is not in\n{told}"
        );
    }
    assert_eq!(told.lines().count(), 4, "{told}");
}

#[test]
fn a_sound_configuration_says_what_run_would_do() {
    let asked = [
        "check",
        "config/baton.yaml",
        "--state-directory",
        "/var/lib/baton",
    ];
    let output = baton(&asked);
    assert_eq!(
        (output.status.code(), text(&output.stdout).as_str()),
        (
            Some(0),
            "config/baton.yaml: ok: OTLP/gRPC on 127.0.0.1:4317, OTLP/HTTP on 127.0.0.1:4318, metrics on 127.0.0.1:9464, state in /var/lib/baton\n"
        )
    );
    let memory = b"state: {log: memory}\nserver: {endpoint: '[::1]:1'}\nstitch:\n";
    let output = baton_reads(&["check", "-"], memory);
    assert_eq!(
        text(&output.stdout),
        "standard input: ok: OTLP/gRPC on 127.0.0.1:4317, OTLP/HTTP on 127.0.0.1:4318, metrics on [::1]:1, state in memory\n"
    );
}

/// It can be used all the same.
#[test]
fn what_is_insecure_is_told_with_what_to_do() {
    let insecure = b"receivers: {otlp: {forward_headers: [authorization]}}\n";
    let output = baton_reads(&["check", "-"], insecure);
    assert_eq!(output.status.code(), Some(0));
    let told = text(&output.stderr);
    assert!(
        told.starts_with("standard input: insecure: receivers.otlp.forward_headers has authorization: the credentials of senders go on"),
        "{told}"
    );
    assert_eq!(told.lines().count(), 1, "{told}");
}

#[test]
fn what_cannot_be_read_is_a_fault_of_its_own() {
    for (file, expected) in [
        ("missing.yaml", "missing.yaml: cannot be read: No such file"),
        ("tests", "tests: cannot be read: Is a directory"),
        (
            "docs/images/sre.png",
            "docs/images/sre.png: cannot be read: it is not a text in UTF-8",
        ),
    ] {
        let output = baton(&["check", file]);
        assert_eq!(output.status.code(), Some(3));
        let told = text(&output.stderr);
        assert!(told.starts_with(expected), "{told}");
    }
    let output = baton_reads(&["check", "-"], b"a: [1\nb: 2");
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output.stderr).starts_with("standard input:2:2: not valid YAML: "));
}
