//! `baton doctor`: what is read, what is not understood, and what is missing; as text, as JSON and as an exit code.

use super::{baton, baton_reads, file, text};
use crate::support::process;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

const WHOLE: &str = "tests/fixtures/otel-genai-semconv/support-manual/001.pb";

/// One request with spans of a framework that nobody knows.
const HOME_MADE: &str = r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"desk"}}]},"scopeSpans":[{"scope":{"name":"acme.agents"},"spans":[
{"traceId":"00000000000000000000000000000001","spanId":"0000000000000001","name":"plan","startTimeUnixNano":"1000000000","endTimeUnixNano":"3000000000","attributes":[{"key":"acme.kind","value":{"stringValue":"planner"}},{"key":"acme.agent","value":{"stringValue":"clerk"}},{"key":"acme.case","value":{"intValue":"7"}}]},
{"traceId":"00000000000000000000000000000001","spanId":"0000000000000002","parentSpanId":"0000000000000001","name":"ask","startTimeUnixNano":"1000000000","endTimeUnixNano":"2000000000","attributes":[{"key":"acme.kind","value":{"stringValue":"llm"}},{"key":"acme.model","value":{"stringValue":"gpt-4o-mini"}},{"key":"acme.usage","value":{"stringValue":"{\"prompt\":11,\"completion\":2}"}}]}
]}]}]}"#;

const TAUGHT: &str = "
normalise:
  dialects:
    - name: acme
      when: \"scope.name == 'acme.agents' && 'acme.kind' in attributes\"
      kind: \"{'llm': 'model', 'planner': 'agent'}[attributes['acme.kind']]\"
      agent: \"attributes['acme.agent']\"
      model: \"attributes['acme.model']\"
      input_tokens: \"json(attributes['acme.usage']).prompt\"
      output_tokens: \"json(attributes['acme.usage']).completion\"
      session: \"attributes['acme.case']\"
rules:
  outcomes:
    - {over: turn, when: \"turn.result == 'answered'\", outcome: resolved}
";

#[test]
fn what_is_missing_is_told_and_is_the_exit_code() {
    let output = baton_reads(&["doctor", "-"], HOME_MADE.as_bytes());
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{told}");
    for expected in [
        "desk: no known dialect, 2 spans\n  scopes: acme.agents\n",
        "2 spans that may be the work of agents, of no known dialect",
        "2 spans without the work of agents",
        "2 findings.",
    ] {
        assert!(told.contains(expected), "{expected}: {told}");
    }
    let output = baton(&["doctor", "--output", "json", WHOLE]);
    let told: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let emitters = told["emitters"].as_array().expect("a list");
    // The spans of the application itself are of no dialect.
    let known = emitters.iter().find(|emitter| emitter["dialect"] != "none");
    let known = known.expect("one is known");
    assert_eq!(known["dialect"], "otel_genai");
    assert!(known["read"]["model calls"].as_u64() > Some(0));
    let code = i32::from(told["count"].as_u64() > Some(0));
    assert_eq!(output.status.code(), Some(code), "{told:#}");
}

#[test]
fn a_taught_dialect_is_read_replayed_and_healthy() {
    let config = file("taught.yaml", TAUGHT.as_bytes());
    let config = config.to_str().expect("text");
    let output = baton_reads(&["doctor", "--config", config, "-"], HOME_MADE.as_bytes());
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(
        told.contains("desk: `acme` of the configuration, 2 spans"),
        "{told}"
    );
    assert!(
        told.contains("spans read: 1 agent, 1 model call\n"),
        "{told}"
    );
    let output = baton_reads(&["replay", "--config", config, "-"], HOME_MADE.as_bytes());
    let metrics = text(&output.stdout);
    for expected in [
        "agent=\"clerk\"",
        "type=\"input\"} 11",
        "baton_sessions_total 1",
    ] {
        assert!(metrics.contains(expected), "{expected}: {metrics}");
    }
    assert_eq!(baton(&["check", config]).status.code(), Some(0));
}

/// What a server answers.
fn page(server: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(server).expect("connected");
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").expect("asked");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("text");
    answer
}

#[test]
fn a_running_instance_is_examined_and_takes_a_test_conversation() {
    let output = baton(&["doctor", "--server-endpoint", "127.0.0.1:9", "--send"]);
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("nothing answers at 127.0.0.1:9"), "{told}");

    let state = process::folder("doctor");
    let mut command = process::baton();
    let (_running, endpoints) = process::spawn(process::listening(&mut command, &state, &[]));
    let (server, http) = (endpoints.server.to_string(), endpoints.http.to_string());
    let asked = [
        "doctor",
        "--server-endpoint",
        &server,
        "--http-endpoint",
        &http,
    ];
    let output = baton(&asked);
    assert!(text(&output.stdout).contains("No spans were received since the start"));
    let mut sending = asked.to_vec();
    sending.push("--send");
    let output = baton(&sending);
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(
        told.contains("the test conversation came through"),
        "{told}"
    );
    assert!(
        told.contains("OpenTelemetry GenAI (`otel_genai`), 2 spans"),
        "{told}"
    );
    // Nobody takes it for work that was done: it has its own workflow, and no outcome.
    let metrics = page(endpoints.server, "/metrics");
    let test = metrics.lines().filter(|line| line.contains("baton-doctor"));
    let test: Vec<&str> = test.collect();
    let is_turn = |line: &&str| line.starts_with("baton_turns_total{workflow=\"baton-doctor\"");
    assert!(test.iter().any(is_turn), "{metrics}");
    assert!(!metrics.contains("outcome="), "{metrics}");
    assert!(!metrics.contains("workflow=\"default\""), "{metrics}");
}

/// What `doctor` says of a recording, as JSON, and the numbers that `replay` gives for a metric.
fn of_recording(name: &str) -> (Value, impl Fn(&str) -> u64) {
    let folder = format!("tests/fixtures/{name}");
    let found = std::fs::read_dir(&folder).expect("a recording");
    let mut files: Vec<String> = found
        .map(|entry| entry.expect("an entry").path().display().to_string())
        .filter(|path| path.ends_with(".pb"))
        .collect();
    files.sort();
    let ask = |command: &str, format: &str| {
        let mut asked = vec![command, "--format", format];
        asked.extend(files.iter().map(String::as_str));
        text(&baton(&asked).stdout)
    };
    let told = serde_json::from_str(&ask("doctor", "json")).expect("JSON");
    let metrics = ask("replay", "prometheus");
    let sum = move |metric: &str| {
        let lines = metrics.lines().filter(|line| line.starts_with(metric));
        let values = lines.map(|line| line.rsplit(' ').next().expect("a value").parse::<u64>());
        values.map(|value| value.expect("a number")).sum()
    };
    (told, sum)
}

fn finding<'t>(told: &'t Value, kind: &str) -> Option<&'t Value> {
    let of_emitters = told["emitters"].as_array().into_iter().flatten();
    let of_emitters = of_emitters.filter_map(|emitter| emitter["findings"].as_array());
    let all = of_emitters.chain(told["findings"].as_array()).flatten();
    all.into_iter().find(|finding| finding["kind"] == kind)
}

#[test]
fn a_recording_is_counted_as_its_metrics_count_it() {
    // Their model spans lie inside each other: two spans are one call.
    for (recording, silent) in [
        ("dspy-openinference/support-react", 0),
        ("llama-index-openinference/support-agentworkflow", 3),
    ] {
        let (told, sum) = of_recording(recording);
        let calls = sum("baton_llm_calls_total");
        assert_eq!(told["counted"]["model calls"], calls, "{told:#}");
        assert_eq!(sum("baton_llm_calls_without_usage_total"), silent);
        let found = finding(&told, "no_usage");
        let found = found.map(|one| (one["count"].as_u64(), one["of"].as_u64()));
        let expected = (silent > 0).then_some((Some(silent), Some(calls)));
        assert_eq!(found, expected, "{told:#}");
        let inferred = finding(&told, "no_outcome").expect("none is declared");
        assert_eq!(inferred["of"], sum("baton_workflows_total"));
    }
}

#[test]
fn a_recording_without_model_calls_is_not_cleared() {
    let (told, sum) = of_recording("autogen-native/support-swarm");
    assert_eq!(sum("baton_llm_calls_total"), 0);
    let found = finding(&told, "no_model_calls").expect("a finding");
    let message = found["message"].as_str().expect("text");
    assert!(
        message.contains("native spans: model calls, tokens"),
        "{message}"
    );
    assert_eq!(found["see"], "docs/sdks.md#autogen");
}

#[test]
fn an_expression_that_gives_nothing_is_told_with_its_key() {
    let odd = TAUGHT.replace("attributes['acme.model']", "attributes['acme.model'] + 1");
    let config = file("odd.yaml", odd.as_bytes());
    let config = config.to_str().expect("text");
    let output = baton_reads(&["doctor", "--config", config, "-"], HOME_MADE.as_bytes());
    let told = text(&output.stdout);
    assert!(told.contains("`acme model evaluation` 1"), "{told}");
}
