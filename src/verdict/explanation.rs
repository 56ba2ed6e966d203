//! The reason for a verdict in words. No text of a message is in it.

use crate::model::event::Basis;
use crate::model::fact::{HUMAN, Handoff, HandoffResult, Workflow};

/// Why a handoff has its result, and what says that it is one.
pub(super) fn handoff(handoff: &Handoff) -> String {
    let result = match handoff.result {
        HandoffResult::Success if &*handoff.to == HUMAN => "A human was called in.",
        HandoffResult::Success => "The target started to work and its first step did not fail.",
        HandoffResult::Dropped => "The target did not start in time.",
        HandoffResult::TargetError => "The first step of the target failed.",
        HandoffResult::Rejected => "The handoff call itself failed.",
        HandoffResult::Bounced => "The target handed back at once, without a text of its own.",
        HandoffResult::ContextLost => "The target did not receive what the source knew.",
        HandoffResult::Unknown => "Nothing could show whether the target started.",
    };
    let basis = match handoff.basis {
        Basis::Declared => "A span declares the handoff.",
        Basis::Rule => "A name in the configuration makes it a handoff.",
        Basis::Inferred => "Baton inferred the handoff from spans.",
    };
    let phantom = match handoff.phantom {
        true => " A model requested it, and it was never executed.",
        false => "",
    };
    format!("{result} {basis}{phantom}")
}

/// Why a workflow has its outcome.
pub(super) fn workflow(workflow: &Workflow) -> String {
    let (outcome, because) = (workflow.outcome.as_str(), &workflow.because);
    match workflow.basis {
        Basis::Rule => {
            format!("{outcome}, because the rule {because} of the configuration applies")
        }
        Basis::Declared | Basis::Inferred => format!("{outcome}, because {because}"),
    }
}
