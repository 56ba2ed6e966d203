//! Validation of the operator's rules.

use super::node::join;
use super::raw::{OutcomeName, Over, Rules as Raw};
use super::written::Written;
use crate::model::event::Outcome;
use crate::rules::{Condition, Rule, Rules, Scope};

/// Compiles all rules; each that is wrong is told to `fault` with its key path.
pub(super) fn compile(raw: &Raw, written: &Written, fault: &mut dyn FnMut(&str, String)) -> Rules {
    let mut rules = Rules::default();
    let mut condition = |rule: String, over, text: &str| {
        let path = join(&rule, "when");
        // What a condition may say depends on what it is about.
        if !written.is_sound(&join(&rule, "over")) || !written.is_sound(&path) {
            return None;
        }
        let compiled = Condition::compile(scope(over), text);
        compiled.map_err(|what| fault(&path, what.to_string())).ok()
    };
    for (i, rule) in raw.outcomes.iter().enumerate() {
        let place = format!("rules.outcomes.{i}");
        if let Some(condition) = condition(place, rule.over, &rule.when) {
            let name = rule
                .name
                .clone()
                .unwrap_or_else(|| format!("rule {}", i + 1));
            rules.outcomes.push(Rule {
                name: name.into(),
                condition,
                then: outcome(rule.outcome),
            });
        }
    }
    for (i, rule) in raw.funnel.iter().enumerate() {
        let place = format!("rules.funnel.{i}");
        if let Some(condition) = condition(place, rule.over, &rule.when) {
            rules.steps.push(Rule {
                name: rule.step.as_str().into(),
                condition,
                then: rule.step.as_str().into(),
            });
        }
    }
    rules
}

fn scope(over: Over) -> Scope {
    match over {
        Over::Event => Scope::Event,
        Over::Turn => Scope::Turn,
        Over::Workflow => Scope::Workflow,
    }
}

fn outcome(name: OutcomeName) -> Outcome {
    match name {
        OutcomeName::Resolved => Outcome::Resolved,
        OutcomeName::Escalated => Outcome::Escalated,
        OutcomeName::Failed => Outcome::Failed,
        OutcomeName::Abandoned => Outcome::Abandoned,
        OutcomeName::Unverified => Outcome::Unverified,
    }
}
