//! The keys of `rules`.

use super::{Condition, Rule, RuleScope, Rules};
use crate::expression::Fault;
use crate::model::Name;
use crate::model::event::Outcome;
use crate::setting::{Report, Validate, key_path};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Rules of the operator, in CEL: the section `rules`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Outcomes, evaluated in this order before the built-in rules. Example: `{over: event, when: "event.tool == 'book_delivery' && event.ok", outcome: resolved}`.
    pub outcomes: Vec<OutcomeRule>,
    /// Funnel steps. A workflow counts once per step. Example: `{step: paid, over: event, when: "event.tool == 'take_payment' && event.ok"}`.
    pub funnel: Vec<StepRule>,
}

/// Condition for an outcome.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct OutcomeRule {
    /// Name of the rule in explanations. Default: its number.
    pub name: Option<String>,
    /// What the rule is evaluated for.
    pub over: RuleScope,
    /// A CEL expression over the variable of that name.
    pub when: String,
    /// The outcome of the workflow if the rule matches.
    pub outcome: RuleOutcome,
}

/// Condition for a funnel step.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct StepRule {
    /// The name of the step.
    pub step: String,
    /// What the rule is evaluated for.
    pub over: RuleScope,
    /// A CEL expression over the variable of that name.
    pub when: String,
}

/// The outcomes that a rule may declare.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum RuleOutcome {
    Resolved,
    Escalated,
    Failed,
    Abandoned,
    Unverified,
}

impl From<RuleOutcome> for Outcome {
    fn from(outcome: RuleOutcome) -> Self {
        match outcome {
            RuleOutcome::Resolved => Self::Resolved,
            RuleOutcome::Escalated => Self::Escalated,
            RuleOutcome::Failed => Self::Failed,
            RuleOutcome::Abandoned => Self::Abandoned,
            RuleOutcome::Unverified => Self::Unverified,
        }
    }
}

impl Settings {
    /// All rules, compiled. One that does not compile is left out; [`Validate`] reports it.
    pub fn compile(&self) -> Rules {
        let outcomes = self.outcomes.iter().enumerate();
        let outcomes = outcomes.filter_map(|(i, rule)| rule.compile(i).ok());
        let steps = self.funnel.iter().filter_map(|rule| rule.compile().ok());
        Rules {
            outcomes: outcomes.collect(),
            steps: steps.collect(),
        }
    }
}

impl OutcomeRule {
    /// `index` is its place in the list, from 0.
    fn compile(&self, index: usize) -> Result<Rule<Outcome>, Fault> {
        let number = || format!("rule {}", index + 1);
        Ok(Rule {
            name: self.name.clone().unwrap_or_else(number).into(),
            condition: Condition::compile(self.over, &self.when)?,
            then: self.outcome.into(),
        })
    }
}

impl StepRule {
    fn compile(&self) -> Result<Rule<Name>, Fault> {
        Ok(Rule {
            name: self.step.as_str().into(),
            condition: Condition::compile(self.over, &self.when)?,
            then: self.step.as_str().into(),
        })
    }
}

impl Validate for Settings {
    fn validate(&self, report: &mut Report<'_>) {
        for (i, rule) in self.outcomes.iter().enumerate() {
            check(&format!("outcomes.{i}"), report, || rule.compile(i));
        }
        for (i, rule) in self.funnel.iter().enumerate() {
            check(&format!("funnel.{i}"), report, || rule.compile());
        }
    }
}

/// Reports a rule that does not compile. What a condition may say depends on what it is about.
fn check<T>(key: &str, report: &mut Report<'_>, compile: impl FnOnce() -> Result<Rule<T>, Fault>) {
    let when = key_path(key, "when");
    if report.is_sound(&key_path(key, "over"))
        && report.is_sound(&when)
        && let Err(fault) = compile()
    {
        report.fault(&when, fault.to_string());
    }
}
