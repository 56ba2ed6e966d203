//! `baton replay`: the metrics of recordings, and what is said of files that are none.

use super::{baton, baton_reads, file, text};
use std::io::Write;
use std::path::Path;

#[test]
fn replay_prints_the_same_figures_in_every_form() {
    let folder = "tests/fixtures/otel-genai-semconv/support-manual";
    let files: Vec<String> = (1..=6).map(|i| format!("{folder}/00{i}.pb")).collect();
    let mut arguments = vec!["replay"];
    arguments.extend(files.iter().map(String::as_str));
    let prometheus = text(&baton(&arguments).stdout);
    let answered: f64 = prometheus
        .lines()
        .filter(|line| {
            line.starts_with("baton_turns_total{workflow=\"customer_support\",result=\"answered\",")
        })
        .filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok())
        .sum();
    assert_eq!(answered, 5.0, "{prometheus}");
    // The value of a transaction stands beside the outcome and the cohort of its workflow.
    assert!(
        prometheus.contains(
            "baton_workflow_value_usd_total{workflow=\"customer_support\",outcome=\"resolved\",tier=\"gold\",intent=\"refund\"} 49.99\n"
        ),
        "{prometheus}"
    );
    arguments.extend(["--format", "json"]);
    let json: serde_json::Value = serde_json::from_slice(&baton(&arguments).stdout).expect("JSON");
    let sessions = &json["metrics"][0];
    let counted = sessions["series"].as_array().into_iter().flatten();
    let counted: f64 = counted.filter_map(|s| s["value"].as_f64()).sum();
    assert_eq!(
        (&sessions["name"], counted),
        (&"baton_sessions_total".into(), 2.0)
    );
    *arguments.last_mut().expect("a form") = "table";
    let table = text(&baton(&arguments).stdout);
    assert!(
        table.contains("Resolution rate") && table.contains("Handoffs"),
        "{table}"
    );
}

#[test]
fn money_is_told_in_the_configured_currency_with_the_operators_prices() {
    let euros = b"money: {currency: EUR, rates: {USD: 0.5}}\nprices: {escalation: 4.50}\n";
    let euros = file("euros.yaml", euros);
    let folder = "tests/fixtures/otel-genai-semconv/support-manual";
    let files: Vec<String> = (1..=6).map(|i| format!("{folder}/00{i}.pb")).collect();
    let files = files.iter().map(String::as_str);
    // All values of a metric, added up.
    let sum = |told: &str, name: &str| {
        let of_it = told.lines().filter(|line| line.starts_with(name));
        let values = of_it.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok());
        values.sum::<f64>()
    };
    let dollars = text(
        &baton(
            &["replay"]
                .into_iter()
                .chain(files.clone())
                .collect::<Vec<_>>(),
        )
        .stdout,
    );
    let config = ["replay", "--config", euros.to_str().expect("text")];
    let told = text(&baton(&config.into_iter().chain(files).collect::<Vec<_>>()).stdout);
    assert!(!told.contains("usd"), "{told}");
    let spent = sum(&dollars, "baton_llm_cost_usd_total{");
    assert!(spent > 0.0);
    assert!((sum(&told, "baton_llm_cost_eur_total{") - spent / 2.0).abs() < 1e-9);
    // People are paid in euros, and only where they have a price.
    let people = sum(&told, "baton_action_cost_eur_total{kind=\"escalation\"");
    assert_eq!(people, 4.5 * sum(&told, "baton_escalations_total{"));
    assert!(people > 0.0 && !dollars.contains("baton_action_cost_usd_total{"));
    let workflows = sum(&told, "baton_workflow_cost_eur_sum{");
    assert!((workflows - people - spent / 2.0).abs() < 1e-9, "{told}");
}

#[test]
fn replay_reads_json_lines_and_packed_files_alike() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/openai-agents-traceloop/support-responses");
    let mut lines = Vec::new();
    let mut protobuf = vec!["replay".to_owned()];
    for i in 1..=6 {
        lines.extend(std::fs::read(folder.join(format!("00{i}.json"))).expect("recorded"));
        lines.push(b'\n');
        protobuf.push(folder.join(format!("00{i}.pb")).display().to_string());
    }
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    Write::write_all(&mut packed, &lines).expect("memory");
    let plain = file("spans.jsonl", &lines);
    let packed = file("spans.jsonl.gz", &packed.finish().expect("memory"));
    let arguments: Vec<&str> = protobuf.iter().map(String::as_str).collect();
    let expected = text(&baton(&arguments).stdout);
    assert!(expected.contains("baton_llm_calls_total"));
    for path in [plain, packed] {
        assert_eq!(
            text(&baton(&["replay", path.to_str().expect("text")]).stdout),
            expected
        );
    }
}

/// The figures of a recording.
fn figures(arguments: &[&str]) -> String {
    let output = baton(&[&["replay"], arguments].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    text(&output.stdout)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(bytes).expect("memory");
    packed.finish().expect("memory")
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::stream::encode_all(bytes, 1).expect("memory")
}

/// Each message with its length before it, as the file exporter writes protobuf.
fn framed(messages: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for message in messages {
        bytes.extend((message.len() as u32).to_be_bytes());
        bytes.extend(message);
    }
    bytes
}

const SUPPORT: &str = "tests/fixtures/google-adk-native/support-subagents";

fn recorded(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(SUPPORT)
        .join(name);
    std::fs::read(path).expect("recorded")
}

#[test]
fn what_a_file_holds_is_told_by_its_content_from_standard_input_too() {
    let (traces, logs) = (
        format!("{SUPPORT}/001.pb"),
        format!("{SUPPORT}/logs-001.pb"),
    );
    let expected = figures(&[&traces, &logs]);
    assert_ne!(expected, figures(&[&traces]), "the logs say something");
    let (traces, logs) = (recorded("001.pb"), recorded("logs-001.pb"));
    let one_stream = framed(&[traces.clone(), logs.clone()]);
    let packed_messages = framed(&[zstd(&traces), zstd(&logs)]);
    // Names that say something else, or nothing.
    for (name, bytes) in [
        ("a.json", one_stream.clone()),
        ("b", gzip(&one_stream)),
        ("c.gz", zstd(&one_stream)),
        ("d.pb.zst", packed_messages),
        ("e.txt", zstd(&gzip(&one_stream))),
    ] {
        let path = file(name, &bytes);
        assert_eq!(figures(&[path.to_str().expect("text")]), expected, "{name}");
        let read = baton_reads(&["replay", "-"], &bytes);
        assert_eq!(text(&read.stdout), expected, "{name} by standard input");
    }
    let json = recorded("001.json");
    let alone = figures(&[&format!("{SUPPORT}/001.pb")]);
    let named_otherwise = file("spans.pb", &json);
    assert_eq!(figures(&[named_otherwise.to_str().expect("text")]), alone);
    for bytes in [
        json.clone(),
        gzip(&json),
        zstd(&json),
        [b"\xef\xbb\xbf\n", json.as_slice()].concat(),
    ] {
        assert_eq!(text(&baton_reads(&["replay", "-"], &bytes).stdout), alone);
    }
}

#[test]
fn json_may_span_lines_mix_signals_and_hold_metrics() {
    let spans: serde_json::Value = serde_json::from_slice(&recorded("001.json")).expect("JSON");
    let empty_logs = r#"{"resourceLogs": [{"scopeLogs": [{"logRecords": []}]}]}"#;
    let metrics = r#"{"resourceMetrics": []}"#;
    let lines = format!("{spans:#}\n{empty_logs}\n\n{metrics}\n");
    let output = baton_reads(&["replay", "-"], lines.as_bytes());
    assert_eq!(
        text(&output.stdout),
        figures(&[&format!("{SUPPORT}/001.pb")])
    );
    assert_eq!(
        text(&output.stderr),
        "standard input: warning: skipped 1 requests of metrics: only traces and logs are read\n"
    );
}

/// Each input fails, says what it is and where, in no words of our libraries.
fn fail(cases: &[(&[u8], &str)]) {
    for (input, expected) in cases {
        let output = baton_reads(&["replay", "-"], input);
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(5), "{told}");
        assert!(told.contains(expected), "{expected} is not in {told}");
        assert!(output.stdout.is_empty(), "no figures of half a recording");
        for jargon in ["serde", "EOF", "prost", "Malformed"] {
            assert!(!told.contains(jargon), "{told}");
        }
    }
}

#[test]
fn what_is_no_otlp_fails_and_says_what_it_is_and_where() {
    let traces = recorded("001.pb");
    let two = [traces.as_slice(), &traces[..traces.len() - 9]].concat();
    fail(&[
        (&b""[..], "standard input: is empty; expected recorded OTLP"),
        (b" \n", "is empty"),
        (b"hello\n", "not OTLP, but text; expected recorded OTLP"),
        (b"hi", "not OTLP, but text"),
        (b"PK\x03\x04....", "not OTLP, but a zip archive"),
        (
            b"\x00\x01\x02\xff\xfe",
            "not OTLP, but other binary data: byte 0",
        ),
        (
            &traces[..traces.len() - 1],
            "longer than the file: the file is cut or damaged",
        ),
        (
            &two,
            &format!(
                "OTLP protobuf up to byte {}, and none from there on",
                traces.len()
            ),
        ),
        (b"\x1f\x8b\x08\x00garbage", "cannot be decompressed (gzip)"),
        (b"\x28\xb5\x2f\xfdgarbage", "cannot be decompressed (zstd)"),
        (
            &framed(&[traces.clone(), b"{}".to_vec()]),
            &format!("record 2 (byte {}): line 1", traces.len() + 4),
        ),
    ]);
    for (path, expected) in [
        (
            "tests",
            "tests: is a directory: name the files in it, such as tests/*",
        ),
        ("missing.pb", "missing.pb: cannot be read: No such file"),
        ("README.md", "README.md: not OTLP, but text"),
    ] {
        let output = baton(&["replay", path]);
        assert_eq!(output.status.code(), Some(5));
        assert!(
            text(&output.stderr).starts_with(expected),
            "{}",
            text(&output.stderr)
        );
    }
}

#[test]
fn json_that_is_no_otlp_fails_and_says_what_it_is_and_where() {
    let good_line = r#"{"resourceSpans": []}"#;
    fail(&[
        (
            &b"{}"[..],
            "line 1 (byte 0): an empty object, without resourceSpans or resourceLogs; expected",
        ),
        (
            br#"[{"traceId": "1", "spanId": "2"}]"#,
            "a list instead of an object",
        ),
        (
            br#"{"data": [{"traceID": "1"}]}"#,
            "this looks like Jaeger's JSON",
        ),
        (
            br#"{"resourceSpans": {}}"#,
            "resourceSpans is an object, and OTLP has a list there",
        ),
        (
            br#"{"resourceSpans": ]}"#,
            "line 1, column 19: not valid JSON",
        ),
        (
            format!("{good_line}\n\n{{\"a\": 1}}\n").as_bytes(),
            "line 3 (byte 23): an object with the keys \"a\"",
        ),
        (
            format!("{good_line}\n{good_line}\n{{\"resourceSp").as_bytes(),
            "line 3 (byte 44): the file ends inside the request",
        ),
        (
            format!("{good_line}\n{{\"resourceSpans\": oops}}\n").as_bytes(),
            "line 2, column 19: not valid JSON",
        ),
    ]);
}

#[test]
fn a_recording_without_spans_and_rejected_spans_are_warned_of() {
    let output = baton_reads(&["replay", "-"], br#"{"resourceSpans": []}"#);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(
        text(&output.stderr),
        "standard input: warning: valid OTLP with 0 spans and 0 log records taken\n"
    );
    let bad = br#"{"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "x"}, 7]}]}]}"#;
    let output = baton_reads(&["replay", "-"], bad);
    assert_eq!(output.status.code(), Some(0));
    let told = text(&output.stderr);
    assert!(
        told.contains("rejected 2 of 2 spans and log records (1 malformed, 1 invalid_id)"),
        "{told}"
    );
}
