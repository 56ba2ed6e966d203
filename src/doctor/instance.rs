//! What the metrics of a running instance show, and a conversation to test it with.

use super::emitter::UNKNOWN;
use super::finding::{Finding, FindingKind, percent};
use super::report::{Diagnosis, EmitterReport};
use super::sdks::SDKS_PAGE;
use super::survey::{DIALECTS_PAGE, TEACH_PAGE};
use crate::model::time::Timestamp;
use crate::normalise::DIALECTS;
use serde_json::{Value, json};

/// What is found in the metrics of an instance, in the text format of Prometheus.
pub fn of_metrics(text: &str) -> Diagnosis {
    let spans = samples(text, "baton_receiver_spans_total", "dialect");
    let all: u64 = spans.iter().map(|(_, count)| count).sum();
    let unknown = spans.iter().find(|(dialect, _)| dialect == UNKNOWN);
    let unknown = unknown.map_or(0, |(_, count)| *count);
    let mut findings = Vec::new();
    if all == 0 {
        let message = "no spans were received since the start: let your agents export to the addresses that `baton check` prints";
        findings.push(Finding::new(
            FindingKind::NoSpans,
            (0, 0),
            message,
            SDKS_PAGE,
        ));
    } else if unknown == all {
        let message = format!(
            "{all} spans, none of a known dialect: replay a recording with `baton doctor FILE` to see what they are"
        );
        findings.push(Finding::new(
            FindingKind::UnknownSpans,
            (all, all),
            message,
            DIALECTS_PAGE,
        ));
    }
    for (dialect, count) in samples(text, "baton_dialect_misreadings_total", "dialect") {
        let message = format!("expressions of the dialect `{dialect}` gave nothing {count} times");
        let kind = FindingKind::Misreadings;
        findings.extend((count > 0).then(|| Finding::new(kind, (count, all), message, TEACH_PAGE)));
    }
    let sum = |name| samples(text, name, "").iter().map(|(_, count)| count).sum();
    let rejected: u64 = sum("baton_receiver_rejected_total");
    if rejected > 0 {
        let message = format!(
            "{rejected} spans and log records were rejected: `baton_receiver_rejected_total` has the reasons"
        );
        let kind = FindingKind::Rejected;
        findings.push(Finding::new(
            kind,
            (rejected, all + rejected),
            message,
            "docs/operations.md",
        ));
    }
    let (calls, silent) = (
        sum("baton_llm_calls_total"),
        sum("baton_llm_calls_without_usage_total"),
    );
    if silent > 0 {
        let share = percent(silent, calls);
        let message = format!(
            "{share} % of model calls ({silent} of {calls}) say nothing of tokens, so their cost is unknown: if they are streamed, set `stream_options.include_usage` in the request"
        );
        findings.push(Finding::new(
            FindingKind::NoUsage,
            (silent, calls),
            message,
            SDKS_PAGE,
        ));
    }
    let emitters = spans.into_iter().filter(|(_, count)| *count > 0);
    Diagnosis {
        spans: all,
        emitters: emitters.map(emitter).collect(),
        findings,
        ..Diagnosis::default()
    }
}

fn emitter((dialect, spans): (String, u64)) -> EmitterReport {
    let title = DIALECTS.iter().find(|known| known.name == dialect);
    EmitterReport {
        service: "running instance".into(),
        title: title.map(|known| known.title.to_owned()),
        dialect,
        scopes: Vec::new(),
        spans,
        read: [("spans", spans)].into(),
        findings: Vec::new(),
        notes: Vec::new(),
    }
}

/// The values of a counter, added up by a label; the empty label adds up all.
fn samples(text: &str, name: &str, label: &str) -> Vec<(String, u64)> {
    let mut sums: Vec<(String, u64)> = Vec::new();
    let lines = text.lines().filter_map(|line| line.strip_prefix(name));
    for line in lines {
        let (labels, value) = match line.strip_prefix('{').map(|line| line.rsplit_once("} ")) {
            Some(Some(labelled)) => labelled,
            Some(None) => continue,
            None => match line.strip_prefix(' ') {
                Some(value) => ("", value),
                // Another metric, whose name begins like this one.
                None => continue,
            },
        };
        let begin = format!("{label}=\"");
        let found = labels
            .split("\",")
            .find_map(|pair| pair.strip_prefix(&begin));
        let found = found.unwrap_or_default().trim_end_matches('"');
        let number = value.split(' ').next().and_then(|n| n.parse::<f64>().ok());
        let count = number.unwrap_or_default().max(0.0) as u64;
        match sums.iter_mut().find(|(known, _)| known == found) {
            Some((_, sum)) => *sum += count,
            None => sums.push((found.to_owned(), count)),
        }
    }
    sums
}

/// An export request of a short conversation in the standard names, in OTLP/JSON, and the ID of its session.
pub fn conversation(now: Timestamp) -> (String, Value) {
    let session = format!("baton-doctor-{}", now.0);
    let trace = format!("{:032x}", u128::from(now.0) << 32 | 0xd0c);
    let span = |id: u64, parent: u64, from: u64, to: u64, said: &[(&str, Value)]| {
        let at = |milliseconds: u64| (now.0 - 2_000_000_000 + milliseconds * 1_000_000).to_string();
        let said = said.iter().map(|(name, value)| {
            let kind = if value.is_u64() {
                "intValue"
            } else {
                "stringValue"
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
    let agent = |name: &str| {
        [
            ("gen_ai.operation.name", json!("invoke_agent")),
            ("gen_ai.agent.name", json!(name)),
            ("baton.outcome", json!("resolved")),
        ]
    };
    let call = [
        ("gen_ai.operation.name", json!("chat")),
        ("gen_ai.request.model", json!("gpt-4o-mini")),
        ("gen_ai.provider.name", json!("openai")),
        ("gen_ai.usage.input_tokens", json!(12)),
        ("gen_ai.usage.output_tokens", json!(3)),
        (
            "gen_ai.output.messages",
            json!(r#"[{"role":"assistant","parts":[{"type":"text","content":"Hello."}]}]"#),
        ),
    ];
    let spans = [
        span(1, 0, 0, 2_000, &agent("baton-doctor")),
        span(2, 1, 100, 1_900, &call),
    ];
    let body = json!({"resourceSpans": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "baton-doctor"}}]},
        "scopeSpans": [{"scope": {"name": "baton.doctor"}, "spans": spans}],
    }]});
    (session, body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_added_up_by_a_label() {
        let text = "# TYPE a counter\na_total{x=\"1\",y=\"2\"} 3\na_total{x=\"1\",y=\"3\"} 4 1700\na_total{x=\"2\"} 5\na_total_more{x=\"1\"} 6\nb 7\n";
        let sums = samples(text, "a_total", "x");
        assert_eq!(sums, [("1".to_owned(), 7), ("2".to_owned(), 5)]);
        assert_eq!(samples(text, "b", ""), [(String::new(), 7)]);
        assert_eq!(samples(text, "c", ""), []);
    }

    #[test]
    fn an_instance_is_healthy_or_says_why_not() {
        let found = |text: &str| {
            let findings = of_metrics(text).findings;
            findings.iter().map(|one| one.kind).collect::<Vec<_>>()
        };
        let spans =
            |dialect: &str| format!("baton_receiver_spans_total{{dialect=\"{dialect}\"}} 5\n");
        assert_eq!(found(&spans("mastra")), []);
        assert_eq!(found(&spans("none")), [FindingKind::UnknownSpans]);
        assert_eq!(found(""), [FindingKind::NoSpans]);
        let more = format!(
            "{}baton_llm_calls_total{{model=\"a\"}} 4\nbaton_llm_calls_without_usage_total{{model=\"a\"}} 1\nbaton_receiver_rejected_total{{reason=\"x\"}} 2\nbaton_dialect_misreadings_total{{dialect=\"acme\",reason=\"type\"}} 1\n",
            spans("acme")
        );
        let all = of_metrics(&more);
        assert_eq!(
            found(&more),
            [
                FindingKind::Misreadings,
                FindingKind::Rejected,
                FindingKind::NoUsage
            ]
        );
        assert!(
            all.text().contains("25 % of model calls (1 of 4)"),
            "{}",
            all.text()
        );
    }
}
