//! How a session went, as a person would tell it.

use crate::model::fact::{
    Action, ActionKind, Fact, Handoff, HandoffResult, IntentPassed, ModelCall, TurnResult, What,
    Workflow,
};
use crate::model::money::written;
use jiff::Timestamp;
use std::fmt::Write;

/// One line for each fact, in the order of event time; empty where nothing is known. Money is in `currency`.
pub fn write(session: &str, facts: &[Fact], currency: &str) -> String {
    let mut facts: Vec<&Fact> = facts.iter().collect();
    facts.sort_by_key(|fact| (fact.at, rank(&fact.what)));
    let mut text = String::new();
    for fact in facts {
        let Some(line) = line(&fact.what, currency) else {
            continue;
        };
        if text.is_empty() {
            let _ = writeln!(text, "Session {session}");
        }
        let _ = writeln!(text, "  {}  {line}", time(fact.at.0));
    }
    text
}

/// What happened at the same moment is told in this order: causes first.
fn rank(what: &What) -> u8 {
    match what {
        What::Session => 0,
        What::Agent(_) => 1,
        What::Model(_) | What::Tool(_) | What::Retrieval => 2,
        What::Handoff(_) | What::Escalation { .. } | What::Loop { .. } => 3,
        What::Turn(_) => 5,
        What::FunnelStep { .. } => 6,
        What::Workflow(_) => 7,
        _ => 4,
    }
}

fn time(nanos: u64) -> String {
    match Timestamp::from_nanosecond(i128::from(nanos)) {
        Ok(time) => time.strftime("%Y-%m-%d %H:%M:%S%.3f").to_string(),
        Err(_) => nanos.to_string(),
    }
}

fn line(what: &What, currency: &str) -> Option<String> {
    Some(match what {
        What::Session => "the session began".to_owned(),
        What::Agent(agent) if agent.failed => format!("{} took over and failed", agent.agent),
        What::Agent(agent) => format!("{} took over", agent.agent),
        What::Model(call) => model(call, currency),
        What::Tool(tool) if tool.failed => format!("the tool {} failed", tool.tool),
        What::Tool(tool) => format!("the tool {} ran", tool.tool),
        What::Retrieval => "a knowledge base was searched".to_owned(),
        What::Action(action) => self::action(action, currency),
        What::Handoff(handoff) => self::handoff(handoff),
        What::Escalation { from } => format!("{from} called a human in"),
        What::Loop { agent, length } => {
            format!("control came back to {agent} after {length} transfers")
        }
        What::Repeat { agent } => format!("the user had to say it again, to {agent}"),
        What::Evaluation { name, score } => format!("evaluation {name}: {score}"),
        What::Feedback { agent, score } => format!("the user rated {agent}: {score}"),
        What::Turn(turn) => {
            let result = match turn.result {
                TurnResult::Answered => "the user got an answer",
                TurnResult::Failed => "the user got no answer",
            };
            let first = turn
                .first_token
                .map(|wait| format!(", its first token after {:.1} s", wait.as_secs_f64()));
            format!(
                "{result} after {:.1} s{}",
                turn.duration.as_secs_f64(),
                first.unwrap_or_default()
            )
        }
        What::FunnelStep { step, .. } => format!("it had come to the step {step}"),
        What::Workflow(workflow) => self::workflow(workflow, currency),
        What::Recontact { .. } => "the user came back with the same intent".to_owned(),
        What::Unconverted { currency } => {
            format!("an amount in {currency} is unknown: the currency has no rate")
        }
        What::Late => "a span came after its turn was decided".to_owned(),
        What::Shed(reason) => format!("a limit closed it early: {}", reason.as_str()),
        What::Pending(_) | What::Duplicate => return None,
    })
}

fn model(call: &ModelCall, currency: &str) -> String {
    let asked = if call.failed {
        "asked in vain"
    } else {
        "asked"
    };
    let mut text = format!("{} {asked} {}", call.agent, call.model);
    if let Some(usage) = &call.usage {
        let _ = write!(text, ", {} tokens in, {} out", usage.input, usage.output);
    }
    match call.cost.usd() {
        Some(usd) => {
            let _ = write!(text, ", {}", written(usd, currency, 4));
        }
        None => text.push_str(", cost unknown"),
    }
    text
}

fn action(action: &Action, currency: &str) -> String {
    let name = &action.name;
    let cost = written(action.usd, currency, 4);
    match action.kind {
        ActionKind::Tool => format!("the tool {name} cost {cost}"),
        ActionKind::Retrieval => format!("the search in {name} cost {cost}"),
        ActionKind::Escalation => format!("the human whom {name} called in cost {cost}"),
    }
}

fn handoff(handoff: &Handoff) -> String {
    let mut text = format!(
        "{} handed over to {} ({}): ",
        handoff.from,
        handoff.to,
        handoff.kind.as_str()
    );
    text.push_str(match handoff.result {
        HandoffResult::Success => "success",
        HandoffResult::Dropped if handoff.phantom => "failed, it was asked for and never ran",
        HandoffResult::Dropped => "failed, nobody took it up",
        HandoffResult::TargetError => "failed, the target\'s first step failed",
        HandoffResult::Rejected => "failed, it was rejected",
        HandoffResult::Bounced => "failed, the target handed back at once",
        HandoffResult::ContextLost => "failed, the context was lost",
    });
    if let Some(wait) = handoff.latency {
        let _ = write!(text, ", after {:.1} s", wait.as_secs_f64());
    }
    if let Some(kept) = handoff.retention {
        let percent = kept.ratio * 100.0;
        let _ = write!(
            text,
            ", {percent:.0} % of the context passed (by {})",
            kept.evidence.as_str()
        );
    }
    text.push_str(&match &handoff.intent {
        None => String::new(),
        Some(IntentPassed { kept: true, .. }) => ", the intent was kept".to_owned(),
        Some(IntentPassed {
            sides: Some((before, after)),
            ..
        }) => {
            format!(", the intent changed from {before} to {after}")
        }
        Some(_) => ", the intent changed".to_owned(),
    });
    text
}

fn workflow(workflow: &Workflow, currency: &str) -> String {
    let mut text = format!(
        "the workflow {} ended: {}, because: {}",
        workflow.workflow,
        workflow.outcome.as_str(),
        workflow.because
    );
    match workflow.cost_usd {
        Some(usd) => {
            let _ = write!(text, "; it cost {}", written(usd, currency, 4));
        }
        None => text.push_str("; its cost is unknown"),
    }
    if let Some(usd) = workflow.value_usd {
        let _ = write!(text, ", worth {}", written(usd, currency, 2));
    }
    text
}
