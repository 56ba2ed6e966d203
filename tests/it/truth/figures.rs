//! Figures that truth and metrics are compared by.

use crate::support::capture::{Encoding, Request};
use baton::config::Config;
use baton::engine::Offline;
use baton::ingest::Recording;
use baton::model::metric::{Family, Point};
use baton::otlp::Limits;
use baton::otlp::view::SpanSink;
use serde_json::Value;
use std::collections::BTreeMap;

/// Named counts; what is not there is 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures(BTreeMap<String, u64>);

impl Figures {
    pub fn get(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or_default()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(name, count)| (name.as_str(), *count))
    }

    fn add(&mut self, name: String, count: u64) {
        *self.0.entry(name).or_default() += count;
    }

    /// Reads the truth of a `meta.json`.
    pub fn of_truth(truth: &Value) -> Self {
        let mut figures = Self::default();
        let number = |value: &Value| value.as_u64().expect("a count");
        let list = |key: &str| truth[key].as_array().expect("a list").clone();
        figures.add("sessions".into(), number(&truth["sessions"]));
        figures.add("turns".into(), list("turns").len() as u64);
        figures.add("model calls".into(), number(&truth["llm_calls"]));
        figures.add("model errors".into(), number(&truth["llm_errors"]));
        figures.add("escalations".into(), list("escalations").len() as u64);
        for tool in list("tool_calls") {
            let name = tool["tool"].as_str().expect("a name");
            figures.add(tool_figure(name, tool["ok"] == true), 1);
        }
        for (model, used) in truth["tokens_by_model"].as_object().expect("models") {
            for (theirs, ours) in [
                ("input", "input"),
                ("output", "output"),
                ("cached", "cache_read"),
                ("cache_write", "cache_write"),
                ("reasoning", "reasoning"),
            ] {
                figures.add(format!("tokens {model} {ours}"), number(&used[theirs]));
            }
        }
        let humans: Vec<Value> = list("escalations");
        for handoff in list("handoffs") {
            let to = handoff["to"].as_str().expect("a name");
            // A handoff to a human is an escalation; the truth lists some of them twice.
            if humans.iter().any(|e| e["via"] == handoff["via_tool"]) {
                continue;
            }
            let from = handoff["from"].as_str().expect("a name");
            figures.add(handoff_figure(from, to, handoff["ok"] == true), 1);
        }
        figures
    }

    /// Reads derived metrics.
    pub fn of_metrics(families: &[Family]) -> Self {
        let mut figures = Self::default();
        for family in families {
            for series in &family.series {
                let Point::Counter { value, .. } = series.point else {
                    continue;
                };
                let label = |name: &str| {
                    series
                        .labels
                        .iter()
                        .find(|(key, _)| key == name)
                        .map_or("", |(_, value)| value.as_str())
                };
                let count = value as u64;
                match &*family.name {
                    "baton_sessions_total" => figures.add("sessions".into(), count),
                    "baton_turns_total" => figures.add("turns".into(), count),
                    "baton_escalations_total" => figures.add("escalations".into(), count),
                    "baton_llm_calls_total" => {
                        figures.add("model calls".into(), count);
                        if label("status") == "error" {
                            figures.add("model errors".into(), count);
                        }
                    }
                    "baton_llm_tokens_total" => {
                        let figure = format!("tokens {} {}", label("model"), label("type"));
                        figures.add(figure, count);
                    }
                    "baton_tool_calls_total" => {
                        figures.add(tool_figure(label("tool"), label("status") == "ok"), count);
                    }
                    "baton_handoffs_total" if label("to") != "human" => {
                        // In the truth a handoff is ok when the target was activated.
                        let ok = !matches!(label("reason"), "dropped" | "rejected");
                        figures.add(handoff_figure(label("from"), label("to"), ok), count);
                    }
                    _ => {}
                }
            }
        }
        figures
    }
}

fn tool_figure(tool: &str, ok: bool) -> String {
    format!("tool {tool} {}", if ok { "ok" } else { "error" })
}

fn handoff_figure(from: &str, to: &str, ok: bool) -> String {
    format!(
        "handoff {from} -> {to} {}",
        if ok { "ok" } else { "failed" }
    )
}

/// Replays requests as `baton replay` does.
pub fn replay(requests: &[Request]) -> Figures {
    replay_with(requests, 2)
}

pub fn replay_with(requests: &[Request], partitions: usize) -> Figures {
    replay_as(requests, partitions, &Config::default())
}

/// The same with a configuration.
pub fn replay_as(requests: &[Request], partitions: usize, config: &Config) -> Figures {
    Figures::of_metrics(&families_as(requests, partitions, config))
}

/// The metrics of requests.
pub fn families(requests: &[Request], partitions: usize) -> Vec<Family> {
    families_as(requests, partitions, &Config::default())
}

fn families_as(requests: &[Request], partitions: usize, config: &Config) -> Vec<Family> {
    let mut settings = baton::app::engine_settings(config);
    settings.partitions = partitions;
    let normaliser = baton::app::normaliser(config, 7);
    let mut recording = Recording::new(normaliser);
    for request in requests {
        decode(request, &mut recording);
    }
    let frames = recording.into_frames(partitions);
    Offline::new(&settings).replay(frames)
}

pub fn decode(request: &Request, take: &mut dyn SpanSink) {
    let decode = match (request.signal, request.encoding) {
        ("logs", Encoding::Protobuf) => baton::otlp::protobuf::logs,
        ("logs", Encoding::Json) => baton::otlp::json::logs,
        (_, Encoding::Protobuf) => baton::otlp::protobuf::traces,
        (_, Encoding::Json) => baton::otlp::json::traces,
    };
    let counts = decode(&request.body, &Limits::default(), take);
    let rejects = counts.expect("a recording decodes").rejects;
    assert_eq!(rejects, [], "nothing in a recording is rejected");
}
