//! What the metrics of a running instance show, and a conversation to test it with.

use super::emitter::UNKNOWN;
use super::figures::{Figures, TEST_NAME};
use super::finding::{DIALECTS_PAGE, Finding, FindingKind, percent};
use super::forwarding::waiting;
use super::lacks::lacks;
use super::report::{Diagnosis, EmitterReport};
use super::sdks::SDKS_PAGE;
use crate::model::harmless::harmless;
use crate::model::time::Timestamp;
use crate::normalise::DIALECTS;
use serde_json::{Value, json};

/// How the metrics of what an instance receives begin. It always has some.
const OF_RECEIVER: &str = "baton_receiver_";
const TENANTS_PAGE: &str = "docs/tenants.md";
const SPANS: &str = "baton_receiver_spans_total";

/// What is found in the metrics of an instance.
pub fn of_metrics(figures: &Figures) -> Diagnosis {
    let spans = figures.by(SPANS, ("", &[]), &["dialect"]);
    let all: u64 = spans.iter().map(|(_, count)| count).sum();
    let unknown = figures.sum(SPANS, ("dialect", &[UNKNOWN]));
    let (mut findings, mut notes) = lacks(figures);
    findings.extend(waiting(figures));
    let share = percent(unknown, all);
    if !figures.any_of(OF_RECEIVER) {
        // What a tenant may see says nothing of the instance.
        let message = "These credentials see the figures of one tenant only, and not what the instance receives, refuses and forwards: ask with those of an operator (`tenants.operators`)";
        let kind = FindingKind::Instance;
        findings.push(Finding::new(kind, (1, 1), message, TENANTS_PAGE));
    } else if all == 0 {
        let message = "No spans were received since the start: let your agents export to the addresses that `baton check` prints";
        let kind = FindingKind::NoSpans;
        findings.push(Finding::new(kind, (0, 0), message, SDKS_PAGE));
    } else if unknown > 0 {
        let message = format!(
            "Spans of no known dialect: {unknown} of {all} ({share} %). `baton doctor FILE` says of a recording which of them may be the work of agents"
        );
        let kind = FindingKind::UnknownSpans;
        let finding = Finding::new(kind, (unknown, all), message, DIALECTS_PAGE);
        // Spans of servers and databases are among them.
        let found = if unknown == all {
            &mut findings
        } else {
            &mut notes
        };
        found.push(finding);
    }
    Diagnosis {
        spans: all,
        log_records: figures.sum("baton_receiver_log_records_total", ("", &[])),
        counted: figures.counted(),
        emitters: spans.into_iter().map(emitter).collect(),
        findings,
        notes,
    }
}

fn emitter((dialect, spans): (String, u64)) -> EmitterReport {
    let title = DIALECTS.iter().find(|known| known.name == dialect);
    EmitterReport {
        service: "running instance".into(),
        title: title.map(|known| known.title.to_owned()),
        // Whatever answers there: it may be no Baton.
        dialect: harmless(&dialect).into_owned(),
        scopes: Vec::new(),
        spans,
        see: None,
        read: [("spans", spans)].into(),
        findings: Vec::new(),
        notes: Vec::new(),
    }
}

/// An export request of a short conversation in the standard names, in OTLP/JSON, and the ID of its session. It declares no outcome, names no user, and costs the
/// least amount there is, so that it shifts no figure but the number of sessions, turns and unverified workflows by one.
pub fn conversation(now: Timestamp) -> (String, Value) {
    let session = format!("{TEST_NAME}-{}", now.0);
    let trace = format!("{:032x}", u128::from(now.0) << 32 | 0xd0c);
    let span = |id: u64, parent: u64, from: u64, to: u64, said: &[(&str, Value)]| {
        let at = |milliseconds: u64| (now.0 - 2_000_000_000 + milliseconds * 1_000_000).to_string();
        let said = said.iter().map(|(name, value)| {
            let kind = match value {
                Value::Number(number) if number.is_f64() => "doubleValue",
                Value::Number(_) => "intValue",
                _ => "stringValue",
            };
            json!({"key": name, "value": {kind: value}})
        });
        let session = json!({"key": "gen_ai.conversation.id", "value": {"stringValue": session}});
        let attributes: Vec<Value> = said.chain([session]).collect();
        json!({
            "traceId": trace,
            "spanId": format!("{id:016x}"),
            "parentSpanId": if parent == 0 { String::new() } else { format!("{parent:016x}") },
            "name": "baton doctor",
            "startTimeUnixNano": at(from),
            "endTimeUnixNano": at(to),
            "attributes": attributes,
        })
    };
    let agent = [
        ("gen_ai.operation.name", json!("invoke_agent")),
        ("gen_ai.agent.name", json!(TEST_NAME)),
        ("workflow.name", json!(TEST_NAME)),
    ];
    let call = [
        ("gen_ai.operation.name", json!("chat")),
        ("gen_ai.request.model", json!(TEST_NAME)),
        ("gen_ai.provider.name", json!(TEST_NAME)),
        ("gen_ai.usage.input_tokens", json!(12)),
        ("gen_ai.usage.output_tokens", json!(3)),
        ("gen_ai.usage.cost", json!(0.000_000_001)),
        (
            "gen_ai.output.messages",
            json!(r#"[{"role":"assistant","parts":[{"type":"text","content":"Hello."}]}]"#),
        ),
    ];
    let spans = [span(1, 0, 0, 2_000, &agent), span(2, 1, 100, 1_900, &call)];
    let body = json!({"resourceSpans": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": TEST_NAME}}]},
        "scopeSpans": [{"scope": {"name": "baton.doctor"}, "spans": spans}],
    }]});
    (session, body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<FindingKind> {
        let findings = of_metrics(&Figures::of_text(text)).findings;
        findings.iter().map(|one| one.kind).collect()
    }

    #[test]
    fn an_instance_without_spans_or_with_unknown_ones_is_told() {
        let spans =
            |dialect: &str, count: u64| format!("{SPANS}{{dialect=\"{dialect}\"}} {count}\n");
        assert_eq!(found(&spans("mastra", 5)), []);
        assert_eq!(found(&spans("none", 5)), [FindingKind::UnknownSpans]);
        assert_eq!(
            found("baton_receiver_waiting_requests 0\n"),
            [FindingKind::NoSpans]
        );
        let both = spans("none", 1) + &spans("mastra", 3);
        let both = of_metrics(&Figures::of_text(&both));
        assert_eq!(
            (both.count(), both.notes.len(), both.emitters.len()),
            (0, 1, 2)
        );
        let text = both.text();
        assert!(text.contains("1 of 4 (25 %)"), "{text}");
        assert!(text.ends_with("No findings, 1 note.\n"), "{text}");
        assert!(text.contains("no known dialect, 1 span\n"), "{text}");
    }

    #[test]
    fn a_tenant_is_told_that_it_does_not_see_the_instance() {
        for text in ["", "baton_turns_total{tenant=\"a\"} 3\n"] {
            let told = of_metrics(&Figures::of_text(text));
            let kinds: Vec<FindingKind> = told.findings.iter().map(|one| one.kind).collect();
            assert_eq!(kinds, [FindingKind::Instance]);
            assert!(told.text().contains("of one tenant only"));
        }
    }

    #[test]
    fn no_label_of_a_server_reaches_the_terminal_as_it_is() {
        let odd = format!("{SPANS}{{dialect=\"a\u{1b}[2Jb\"}} 5\n");
        let text = of_metrics(&Figures::of_text(&odd)).text();
        assert!(!text.contains('\u{1b}'), "{text:?}");
        assert!(text.contains("[2Jb"), "{text:?}");
    }

    #[test]
    fn the_test_conversation_can_be_recognised_everywhere_and_claims_nothing() {
        let (session, request) = conversation(Timestamp(5_000_000_000));
        let request = request.to_string();
        assert!(session.starts_with(TEST_NAME));
        assert_eq!(request.matches(&format!("\"{TEST_NAME}\"")).count(), 5);
        assert!(!request.contains("outcome"), "{request}");
    }
}
