//! Pure. Rules of the operator for outcomes and funnel steps: expressions in CEL (<https://cel.dev>), compiled and type-checked once.
//!
//! A rule looks at one event, one finalized turn or one workflow that is about to close. An unknown value is a missing field, and a rule that needs it does not
//! match.
//!
//! | File | Content |
//! |---|---|
//! | `settings.rs` | the rules as written in YAML, and their compilation |
//! | `schema.rs` | the variables and fields of rules |
//! | `check.rs` | the type check, which the `cel` crate does not have |
//! | `depth.rs` | the limit of brackets inside brackets |

mod check;
mod depth;
mod schema;
mod settings;

#[cfg(test)]
mod tests;

pub use schema::{RuleScope, View};
pub use settings::{OutcomeRule, RuleOutcome, Settings, StepRule};

use crate::model::Name;
use crate::model::event::Outcome;
use cel::{Context, Env, Program, Value};
use std::sync::{Arc, LazyLock};

/// The functions of CEL; the same for all rules.
static CEL: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));

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
    program: Arc<Program>,
}

/// What is wrong with an expression, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// In characters from 1, where it is known.
    pub column: Option<usize>,
    pub what: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.column {
            Some(column) => write!(f, "column {column}: {}", self.what),
            None => f.write_str(&self.what),
        }
    }
}

impl Condition {
    /// Compiles an expression and checks that its fields exist, that its types agree and that it is true or false.
    ///
    /// # Errors
    /// The first fault, with its place.
    pub fn compile(scope: RuleScope, text: &str) -> Result<Self, Fault> {
        depth::check(text)?;
        let program = Program::compile(text).map_err(|errors| {
            let first = errors.errors.first();
            Fault {
                column: first.and_then(|error| usize::try_from(error.pos.1).ok()),
                what: first.map_or_else(|| errors.to_string(), |error| error.msg.clone()),
            }
        })?;
        check::check(scope, &program, text)?;
        Ok(Self {
            scope,
            program: Arc::new(program),
        })
    }

    pub fn scope(&self) -> RuleScope {
        self.scope
    }

    /// Whether it holds. One that needs what is not known does not.
    fn holds(&self, context: &Context<'_, '_>) -> bool {
        matches!(self.program.execute(context), Ok(Value::Bool(true)))
    }
}

impl Rules {
    /// Whether some rule looks at things of this kind.
    pub fn look_at(&self, scope: RuleScope) -> bool {
        let outcomes = self.outcomes.iter().map(|rule| rule.condition.scope);
        let steps = self.steps.iter().map(|rule| rule.condition.scope);
        outcomes.chain(steps).any(|one| one == scope)
    }

    /// What follows for one thing: the first outcome rule that holds, and all steps.
    pub fn judge(&self, view: View) -> RuleMatches<'_> {
        let scope = view.scope();
        let mut context = Context::with_env(Arc::clone(&CEL));
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
