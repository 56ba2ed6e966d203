//! Pure. Expressions of the operator in CEL (<https://cel.dev>), compiled and type-checked once: what `rules` and the configured dialects of `normalise` share.
//!
//! Whoever uses it says in a [`Vocabulary`] which variables and functions an expression may name.
//!
//! | File | Content |
//! |---|---|
//! | `check.rs` | the type check, which the `cel` crate does not have |
//! | `vocabulary.rs` | variables, functions and types of expressions |
//! | `json.rs` | JSON as values, and the function that reads it |
//! | `limits.rs` | the limits of length and of brackets inside brackets |

mod check;
mod json;
mod limits;
mod vocabulary;

#[cfg(test)]
mod tests;

pub use json::json;
pub use vocabulary::{Type, Variable, Vocabulary};

use cel::common::ast::IdedExpr;
use cel::{Context, Env, Value};
use std::sync::{Arc, LazyLock};

/// The standard functions of CEL and those of its extension for texts. Which of them an expression may call its vocabulary says.
static CEL: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut functions = Env::stdlib();
    let added = [cel::extensions::strings, json::extension].map(|one| functions.add_extension(one));
    if added.iter().any(Result::is_err) {
        unreachable!("each extension is added once, to functions of other names");
    }
    Arc::new(functions)
});

/// A context without variables.
pub fn context<'v>() -> Context<'static, 'v> {
    Context::with_env(Arc::clone(&CEL))
}

/// A compiled expression.
#[derive(Clone, Debug)]
pub struct Expression {
    tree: Arc<IdedExpr>,
}

/// Why an expression has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoValue {
    /// It needs something that is not known here.
    Unknown,
    /// It cannot be evaluated with what is known, for example as it adds a number to a text.
    Failed,
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

impl Expression {
    /// Compiles an expression, and checks that it names what is known, that its types agree, and that it yields one of the wanted types.
    ///
    /// # Errors
    /// The first fault, with its place.
    pub fn compile(text: &str, vocabulary: &Vocabulary, wanted: &[Type]) -> Result<Self, Fault> {
        limits::check(text)?;
        let program = CEL.compile(text).map_err(|errors| {
            let first = errors.errors.first();
            Fault {
                column: first.and_then(|error| usize::try_from(error.pos.1).ok()),
                what: first.map_or_else(|| errors.to_string(), |error| error.msg.clone()),
            }
        })?;
        check::check(vocabulary, &program, text, wanted)?;
        Ok(Self {
            tree: Arc::new(program.expression().clone()),
        })
    }

    /// How it is built.
    pub fn tree(&self) -> &IdedExpr {
        &self.tree
    }

    /// The same with its tree changed. Whoever changes it keeps its types.
    #[must_use]
    pub fn changed(mut self, change: impl FnOnce(&mut IdedExpr)) -> Self {
        change(Arc::make_mut(&mut self.tree));
        self
    }

    /// Its value.
    ///
    /// # Errors
    /// When there is none.
    pub fn value(&self, context: &Context<'_, '_>) -> Result<Value, NoValue> {
        Value::resolve(&self.tree, context).map_err(|error| match error {
            cel::ExecutionError::NoSuchKey(_) => NoValue::Unknown,
            _ => NoValue::Failed,
        })
    }
}
