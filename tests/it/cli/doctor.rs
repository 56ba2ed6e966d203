//! `baton doctor`: what is read, what is not understood, and what is missing; as text, as JSON and as an exit code.

use super::{baton, baton_reads, file, text};
use crate::support::process;
use serde_json::Value;
use std::time::Duration;

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
        "2 spans may be the work of agents and are of no known dialect",
        "2 spans, none of which shows the work of agents",
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
    assert!(told.contains("read: 1 agents, 1 model calls"), "{told}");
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
    let mut output = baton(&asked);
    for _ in 0..100 {
        if !text(&output.stdout).contains("is not ready") {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
        output = baton(&asked);
    }
    assert!(text(&output.stdout).contains("no spans were received since the start"));
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
}
