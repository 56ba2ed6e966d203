//! A real OpenTelemetry Collector writes Baton's verdicts to its file, beside the spans that they are about.

use super::sdk::FileCollector;
use super::until;
use crate::support::process::{self, folder, now, session};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// What the Collector's file has of a verdict: the trace and the span, the event, the attributes that are texts.
type Written = (Value, Value, Value, BTreeMap<String, String>);

/// The verdicts in a file of the Collector; the last line may be half written.
fn verdicts(file: &Path) -> Vec<Written> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let lines = text.lines();
    let lines = lines.filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let scopes = lines.map(|line| line["resourceLogs"][0]["scopeLogs"][0].clone());
    let own = scopes.filter(|scope| scope["scope"]["name"] == "baton.verdicts");
    let records = own.flat_map(|scope| scope["logRecords"].as_array().cloned().unwrap_or_default());
    let texts = |record: &Value| {
        let attributes = record["attributes"].as_array().expect("attributes");
        let text = |pair: &Value| {
            let value = pair["value"]["stringValue"].as_str()?;
            Some((pair["key"].as_str()?.to_owned(), value.to_owned()))
        };
        attributes.iter().filter_map(text).collect()
    };
    let written = |record: Value| {
        let texts = texts(&record);
        let [trace, span, event] =
            ["traceId", "spanId", "eventName"].map(|key| record[key].clone());
        (trace, span, event, texts)
    };
    records.map(written).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn verdicts_are_in_the_file_of_a_collector() {
    let folder = folder("collector-verdicts");
    let collector = FileCollector::new(&folder);
    let config = folder.join("baton.yaml");
    let text = format!(
        "exporters: {{otlp: {{endpoint: 'http://{}', send: [traces, verdicts], retry_on_failure: {{initial_interval: 10ms, max_interval: 100ms}}}}}}\n\
         stitch: {{settle: 50ms, trace_timeout: 100ms, turn_timeout: 100ms, drop_timeout: 100ms, idle_timeout: 200ms}}\nstate: {{directory: state}}\n",
        collector.grpc
    );
    fs::write(&config, text).expect("written");
    let _collector = collector.start();
    let mut command = process::baton();
    let (_baton, endpoints) =
        process::spawn(process::run(&mut command).arg("--config").arg(&config));
    let request = session(7, now());
    let spans = &request.resource_spans[0].scope_spans[0].spans;
    let hex = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let trace = hex(&spans[0].trace_id);
    // The tool that hands over, and the first span of the turn.
    let places = [&spans[2], &spans[0]].map(|span| hex(&span.span_id));
    let mut client = process::client(endpoints.grpc).await;
    client.export(request).await.expect("taken");
    let file = folder.join("collector.jsonl");
    let found = until("both verdicts are in the Collector's file", || {
        let found = verdicts(&file);
        async move { (found.len() == 2).then_some(found) }
    })
    .await;
    for (name, place) in ["handoff_result", "workflow_outcome"].iter().zip(places) {
        let one = found
            .iter()
            .find(|one| one.3["gen_ai.evaluation.name"] == *name);
        let (in_trace, at, event, texts) = one.expect("a verdict");
        assert_eq!(in_trace, &trace);
        assert_eq!(at, &place, "{name}");
        assert_eq!(event, "gen_ai.evaluation.result");
        assert_eq!(texts["gen_ai.conversation.id"], "conversation 7");
    }
    fs::remove_dir_all(&folder).expect("removed");
}
