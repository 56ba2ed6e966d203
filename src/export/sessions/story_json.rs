//! How a session went, for scripts: the same turns and sentences, with what they are made of.

use super::DisplaySettings;
use super::sentence;
use super::story::{Chapter, arranged};
use super::summary::{SessionSummary, iso};
use crate::model::fact::{Fact, Handoff, What, Workflow};
use crate::model::ids::PartitionKey;
use crate::model::time::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What is known of a session; `null` where nothing is.
pub fn write(key: &PartitionKey, facts: &[Fact], display: &DisplaySettings) -> Value {
    let Some(session) = SessionSummary::of(key, facts) else {
        return Value::Null;
    };
    let traces: BTreeSet<String> = facts.iter().map(|fact| fact.trace.to_string()).collect();
    let (before, chapters) = arranged(facts);
    let mut story = session.json(display);
    let turns = (1..).zip(&chapters);
    story["trace_ids"] = traces.into_iter().collect();
    story["before_the_first_turn"] = events(&before, before.first().map(|f| f.at), display);
    story["story"] = turns
        .map(|(number, chapter)| turn(number, chapter, display))
        .collect();
    story
}

fn turn(number: usize, chapter: &Chapter<'_>, display: &DisplaySettings) -> Value {
    let turn = chapter.turn;
    let agents = turn.by_agent.iter();
    let agents =
        agents.map(|(agent, share)| json!({"agent": &**agent, "seconds": share.as_secs_f64()}));
    let workflows = chapter.facts.iter().filter_map(|fact| match &fact.what {
        What::Workflow(closed) => Some(workflow(closed, display)),
        _ => None,
    });
    json!({
        "turn": number,
        "trace_id": chapter.fact.trace.to_string(),
        "start": iso(chapter.start),
        "result": turn.result.as_str(),
        "duration_seconds": turn.duration.as_secs_f64(),
        "first_token_seconds": turn.first_token.map(|wait| wait.as_secs_f64()),
        "agents": agents.collect::<Vec<_>>(),
        "events": events(&chapter.facts, Some(chapter.start), display),
        "workflows": workflows.collect::<Vec<_>>(),
    })
}

fn workflow(closed: &Workflow, display: &DisplaySettings) -> Value {
    json!({
        "workflow": &*closed.workflow,
        "outcome": closed.outcome.as_str(),
        "because": &*closed.because,
        "evidence": closed.basis.as_str(),
        "duration_seconds": closed.duration.as_secs_f64(),
        "cost": closed.cost_usd,
        "value": closed.value_usd,
        "models": closed.models.iter().map(|model| &**model).collect::<Vec<_>>(),
        "text": sentence::workflow(closed, &display.currency),
    })
}

fn events(facts: &[&Fact], start: Option<Timestamp>, display: &DisplaySettings) -> Value {
    let events = facts.iter().filter_map(|fact| {
        let text = sentence::of(&fact.what, &display.currency)?;
        let mut event = json!({
            "after_seconds": start.map(|start| fact.at.since(start).as_secs_f64()),
            "trace_id": fact.trace.to_string(),
            "text": text,
        });
        if let What::Handoff(handoff) = &fact.what {
            event["handoff"] = of_handoff(handoff);
        }
        Some(event)
    });
    events.collect()
}

fn of_handoff(handoff: &Handoff) -> Value {
    let (result, reason) = handoff.result.labels();
    json!({
        "from": &*handoff.from,
        "to": &*handoff.to,
        "kind": handoff.kind.as_str(),
        "result": result,
        "reason": reason,
        "duration_seconds": handoff.latency.map(|wait| wait.as_secs_f64()),
        "context_retention_ratio": handoff.retention.map(|kept| kept.ratio),
        "evidence": handoff.retention.map(|kept| kept.evidence.as_str()),
    })
}
