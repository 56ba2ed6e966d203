//! A fact as a sentence.

use crate::model::action::{Action, ActionKind};
use crate::model::correction::Correction;
use crate::model::event::RunTotals;
use crate::model::fact::{
    AgentInvocation, Ending, Evidence, HUMAN, Handoff, HandoffResult, Ignored, IntentPassed,
    ModelCallFact, ToolCallFact, What, Workflow,
};
use crate::model::money::written;
use std::fmt::Write;

/// One sentence about a fact; `None` where people need none.
pub(super) fn of(what: &What, currency: &str) -> Option<String> {
    Some(match what {
        What::Agent(AgentInvocation { agent, ending }) => match ending {
            Ending::Ok => format!("{agent} took over"),
            Ending::Error => format!("{agent} took over and failed"),
            Ending::Cancelled => format!("{agent} took over and was cancelled"),
        },
        What::Model(call) => model(call, currency),
        What::Totals { agent, totals } => self::totals(agent, totals, currency),
        What::UnknownUsage { model, .. } => {
            format!("nobody knows what the call of {model} took")
        }
        What::UnknownPrice { model, .. } => {
            format!("the call of {model} has no price")
        }
        What::Tool(ToolCallFact { tool, ending }) => match ending {
            Ending::Ok => format!("the tool {tool} ran"),
            Ending::Error => format!("the tool {tool} failed"),
            Ending::Cancelled => format!("the tool {tool} was cancelled"),
        },
        What::Retrieval => "a knowledge base was searched".to_owned(),
        What::Action(action) => self::action(action, currency),
        What::Handoff(handoff) => self::handoff(handoff),
        What::Loop { agent, length } => {
            format!("control came back to {agent} after {length} transfers")
        }
        What::Repeat { agent, .. } => format!("the user repeated a message to {agent}"),
        What::Evaluation { name, score } => format!("evaluation {name}: {score}"),
        What::Feedback { agent, score, .. } => format!("the user rated {agent}: {score}"),
        What::Recontact { .. } => "the user came back with the same intent".to_owned(),
        What::Correction(correction) => self::correction(correction, currency),
        What::UnknownOutcome { word } => {
            format!("Baton does not know the declared outcome {word}, so it declares nothing")
        }
        What::Unconverted { currency } => {
            format!("an amount in {currency} is excluded, because the currency has no rate")
        }
        What::Late => "a span arrived after its turn was finalized".to_owned(),
        What::Shed(reason) => format!("a limit closed it early: {}", reason.as_str()),
        // The session and its turns and workflows are headings.
        What::Session | What::Turn(_) | What::Workflow(_) | What::FunnelStep { .. } => return None,
        // Its handoff says it.
        What::Escalation { .. } => return None,
        What::Ignored {
            reason: Ignored::OutcomeAfterClose,
            ..
        } => "an outcome arrived after its workflow was closed, so it changes nothing".to_owned(),
        What::Ignored {
            reason: Ignored::EvaluationWithoutScore,
            ..
        } => "an evaluation has no score, and no label that says yes or no or that a rule reads, so it changes nothing".to_owned(),
        What::Pending(_) | What::Duplicate | What::Ignored { .. } => return None,
        // They come from no trace, and belong to no story.
        What::Reported { .. } | What::Forgotten { .. } => return None,
    })
}

fn correction(correction: &Correction, currency: &str) -> String {
    let Correction { from, to, .. } = correction;
    let source = correction.source.as_ref();
    let source = source.map_or(
        "a report that belongs to a later workflow was taken back".to_owned(),
        |source| format!("{source} reported it"),
    );
    let value = match correction.value_to {
        Some(value) if correction.value_from != correction.value_to => {
            format!(", value {}", written(value, currency, 2))
        }
        _ => String::new(),
    };
    let (from, to) = (from.as_str(), to.as_str());
    match from == to {
        true => format!("after the workflow was counted, {source}: {to}{value}"),
        false => format!("after the workflow was counted, {source}: {to} instead of {from}{value}"),
    }
}

fn model(call: &ModelCallFact, currency: &str) -> String {
    let called = match call.ending {
        Ending::Ok => "called",
        Ending::Error => "called without success",
        Ending::Cancelled => "called, until it was cancelled,",
    };
    let mut text = format!("{} {called} {}", call.agent, call.model);
    if let Some(usage) = &call.usage {
        let _ = write!(text, ", {} tokens in, {} out", usage.input, usage.output);
    }
    match call.cost.usd() {
        Some(usd) => {
            let _ = write!(text, ", {}", amount(usd, currency));
        }
        None => text.push_str(", cost unknown"),
    }
    text
}

/// What an agent or a run says of all its calls.
fn totals(agent: &str, totals: &RunTotals, currency: &str) -> String {
    let mut text = format!("{agent} says that its calls took");
    match &totals.usage {
        Some(usage) => {
            let _ = write!(text, " {} tokens in, {} out", usage.input, usage.output);
        }
        None => text.push_str(" an unknown number of tokens"),
    }
    match totals.cost.usd() {
        Some(usd) => {
            let _ = write!(text, ", {}", amount(usd, currency));
        }
        None => text.push_str(", cost unknown"),
    }
    text
}

fn action(action: &Action, currency: &str) -> String {
    let name = &action.name;
    let cost = amount(action.usd, currency);
    match action.kind {
        ActionKind::Tool => format!("the tool {name} cost {cost}"),
        ActionKind::Retrieval => format!("the search in {name} cost {cost}"),
        ActionKind::Escalation => format!("the human whom {name} called in cost {cost}"),
    }
}

fn handoff(handoff: &Handoff) -> String {
    let (from, to, kind) = (&handoff.from, &handoff.to, handoff.kind.as_str());
    let mut text = if **to == *HUMAN {
        format!("{from} called a human in: ")
    } else {
        format!("{from} handed over to {to} ({kind}): ")
    };
    text.push_str(match handoff.result {
        HandoffResult::Success => "success",
        HandoffResult::Dropped if handoff.phantom => {
            "failed, the model requested it and it was never executed"
        }
        HandoffResult::Dropped => "failed, the target did not start",
        HandoffResult::TargetError => "failed, the target\'s first step failed",
        HandoffResult::Rejected => "failed, it was rejected",
        HandoffResult::Bounced => "failed, the target handed back in its first step",
        HandoffResult::ContextLost => "failed, the context was lost",
        HandoffResult::Unknown => "unknown, no span names an agent",
    });
    if let Some(wait) = handoff.latency {
        let _ = write!(text, ", after {:.2} s", wait.as_secs_f64());
    }
    match handoff.retention {
        Some(kept) => {
            let percent = percent(kept.ratio);
            let _ = write!(text, ", {percent} % of the context was passed");
            // Fewer tokens may say the same.
            if percent < 100 && kept.evidence != Evidence::Tokens {
                let _ = write!(text, " and {} % was lost", 100 - percent);
            }
            let _ = write!(text, " ({})", rests_on(kept.evidence));
        }
        // No target came, or a human.
        None if handoff.latency.is_none() => {}
        None => text.push_str(", without evidence of how much context was passed"),
    }
    text.push_str(&match &handoff.intent {
        None => String::new(),
        Some(IntentPassed {
            kept: true,
            sides: Some((_, intent)),
        }) => format!(", the intent {intent} was kept"),
        Some(IntentPassed { kept: true, .. }) => ", the intent was kept".to_owned(),
        // Both declare the same, and an evaluation or a span says that it was lost all the same.
        Some(IntentPassed {
            sides: Some((before, after)),
            ..
        }) if before == after => format!(", the intent {before} was not preserved"),
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

fn rests_on(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::Declared => "as declared",
        Evidence::Content => "by the content of the messages",
        Evidence::Tokens => "by the number of tokens, which is weak evidence",
    }
}

/// How a workflow ended, and why.
pub(super) fn workflow(workflow: &Workflow, currency: &str) -> String {
    let mut text = format!(
        "The workflow {} ended: {}, because {}.",
        workflow.workflow,
        workflow.outcome.as_str(),
        workflow.because
    );
    let took = workflow.duration.as_secs_f64();
    let _ = match workflow.cost_usd {
        Some(usd) => write!(
            text,
            " It took {took:.2} s and cost {}",
            amount(usd, currency)
        ),
        None => write!(text, " It took {took:.2} s, and its cost is unknown"),
    };
    if let Some(usd) = workflow.value_usd {
        let _ = write!(
            text,
            ", for a business value of {}",
            written(usd, currency, 2)
        );
    }
    if !workflow.models.is_empty() {
        let _ = write!(text, ", with {}", workflow.models.join(" and "));
    }
    text.push('.');
    text
}

/// What something cost; calls of small models are far below a cent.
pub(super) fn amount(usd: f64, currency: &str) -> String {
    let digits = if usd < 0.01 { 6 } else { 4 };
    written(usd, currency, digits)
}

/// A share in whole per cent. What was lost is never rounded to nothing, and neither is what was passed.
fn percent(ratio: f64) -> u8 {
    match (ratio * 100.0).round() {
        rounded if rounded >= 100.0 && ratio < 1.0 => 99,
        rounded if rounded <= 0.0 && ratio > 0.0 => 1,
        rounded => rounded.clamp(0.0, 100.0) as u8,
    }
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn a_loss_is_never_rounded_to_nothing() {
        for (ratio, shown) in [(0.0, 0), (0.002, 1), (0.254, 25), (0.996, 99), (1.0, 100)] {
            assert_eq!(percent(ratio), shown, "{ratio}");
        }
    }
}
