//! Pure. Rules of the operator for outcomes and funnel steps: expressions in CEL, see [`expression`].
//!
//! A rule looks at one event, one finalized turn or one workflow that is about to close. An unknown value is a missing field, and a rule that needs it does not
//! match.
//!
//! | File | Content |
//! |---|---|
//! | `settings.rs` | the rules as written in YAML, and their compilation |
//! | `schema.rs` | the variables and fields of rules |

mod schema;
mod settings;

#[cfg(test)]
mod tests;

pub use schema::{RuleScope, View};
pub use settings::{OutcomeRule, RuleOutcome, Settings, StepRule};

use crate::expression::{self, Expression, Fault, Type};
use crate::model::Name;
use crate::model::event::Outcome;
use cel::{Context, Value};

/// All rules, in their order.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    pub outcomes: Vec<Rule<Outcome>>,
    /// Each says that a workflow has come to a step of its funnel.
    pub steps: Vec<Rule<Name>>,
}

/// One rule: what follows where its condition holds.
#[derive(Clone, Debug)]
pub struct Rule<T> {
    pub name: Name,
    pub condition: Condition,
    pub then: T,
}

/// A compiled expression over one kind of thing.
#[derive(Clone, Debug)]
pub struct Condition {
    scope: RuleScope,
    expression: Expression,
    /// Its text names the labels of evaluations.
    reads_labels: bool,
}

impl Condition {
    /// Compiles an expression and checks that its fields exist, that its types agree and that it is true or false.
    ///
    /// # Errors
    /// The first fault, with its place.
    pub fn compile(scope: RuleScope, text: &str) -> Result<Self, Fault> {
        let expression = Expression::compile(text, scope.vocabulary(), &[Type::Bool])?;
        let reads_labels = scope == RuleScope::Event && text.contains("labels");
        Ok(Self {
            scope,
            expression,
            reads_labels,
        })
    }

    pub fn scope(&self) -> RuleScope {
        self.scope
    }

    /// Whether it holds. One that needs what is not known does not.
    fn holds(&self, context: &Context<'_, '_>) -> bool {
        matches!(self.expression.value(context), Ok(Value::Bool(true)))
    }
}

impl Rules {
    /// Whether some rule looks at things of this kind.
    pub fn look_at(&self, scope: RuleScope) -> bool {
        let outcomes = self.outcomes.iter().map(|rule| rule.condition.scope);
        let steps = self.steps.iter().map(|rule| rule.condition.scope);
        outcomes.chain(steps).any(|one| one == scope)
    }

    /// Whether some rule reads the labels of evaluations.
    pub fn read_labels(&self) -> bool {
        let outcomes = self.outcomes.iter().map(|rule| &rule.condition);
        let steps = self.steps.iter().map(|rule| &rule.condition);
        outcomes.chain(steps).any(|one| one.reads_labels)
    }

    /// What follows for one thing: the first outcome rule that holds, and all steps.
    pub fn judge(&self, view: View) -> RuleMatches<'_> {
        let scope = view.scope();
        let mut context = expression::context();
        context.add_variable_from_value(scope.as_str(), view.into_value());
        let holds = |condition: &Condition| condition.scope == scope && condition.holds(&context);
        RuleMatches {
            outcome: self.outcomes.iter().find(|rule| holds(&rule.condition)),
            steps: self
                .steps
                .iter()
                .filter(|rule| holds(&rule.condition))
                .collect(),
        }
    }
}

/// Rules that match one thing.
#[derive(Debug)]
pub struct RuleMatches<'a> {
    pub outcome: Option<&'a Rule<Outcome>>,
    pub steps: Vec<&'a Rule<Name>>,
}
