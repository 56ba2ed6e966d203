//! A dialect of the configuration, compiled.

use super::counts::Misreading;
use super::names::{TaughtNames, literal};
use super::parts::SpanParts;
use super::settings::{DialectSettings, Field};
use super::sieve::Sieve;
use super::values::{self, TaughtValue};
use crate::expression::{Expression, Fault, NoValue, Type, Variable, Vocabulary};
use crate::setting::Report;
use cel::Context;
use cel::common::ast::{EntryExpr, Expr, IdedExpr, operators as op};

/// Words that say what a span is. The empty one says nothing.
const KINDS: &[&str] = &[
    "agent",
    "workflow",
    "model",
    "embeddings",
    "tool",
    "handoff",
    "retrieval",
    "guardrail",
    "none",
];

/// What an expression of a dialect may name.
const VOCABULARY: Vocabulary = Vocabulary {
    variables: &[
        (
            "span",
            Variable::Fields(&[
                ("name", Type::Text),
                ("status", Type::Text),
                ("status_message", Type::Text),
                ("is_root", Type::Bool),
                ("duration_seconds", Type::Number),
            ]),
        ),
        (
            "scope",
            Variable::Fields(&[("name", Type::Text), ("version", Type::Text)]),
        ),
        ("attributes", Variable::Of(Type::Attributes)),
        ("resource", Variable::Of(Type::Attributes)),
    ],
    methods: &[
        ("contains", Type::Bool),
        ("startsWith", Type::Bool),
        ("endsWith", Type::Bool),
        ("size", Type::Number),
        ("lowerAscii", Type::Text),
        ("upperAscii", Type::Text),
        ("trim", Type::Text),
        ("substring", Type::Text),
        ("indexOf", Type::Number),
        ("lastIndexOf", Type::Number),
        ("split", Type::List),
    ],
    functions: &[
        ("size", Type::Number),
        ("json", Type::Any),
        ("string", Type::Text),
        ("int", Type::Number),
        ("double", Type::Number),
    ],
    has_maps: true,
    nests_macros: false,
    over: "an expression of a dialect names span, scope, attributes and resource",
};

/// Faults with their keys.
type Faults = Vec<(String, Fault)>;

/// A dialect of the configuration.
#[derive(Clone, Debug)]
pub(in crate::normalise) struct TaughtDialect {
    pub(in crate::normalise) name: Box<str>,
    sieve: Sieve,
    when: Expression,
    fields: Vec<(Field, Vec<Expression>)>,
    names: TaughtNames,
}

impl TaughtDialect {
    /// Compiles all expressions.
    ///
    /// # Errors
    /// All faults, each with its key.
    pub(super) fn compile(settings: &DialectSettings) -> Result<Self, Faults> {
        let (mut faults, mut names) = (Faults::new(), TaughtNames::default());
        let mut compile = |field: Field, key: String, text: &str, wanted: &[Type]| {
            let compiled = Expression::compile(text, &VOCABULARY, wanted).and_then(|expression| {
                if field == Field::Kind {
                    kinds(expression.tree())?;
                }
                Ok(expression)
            });
            compiled.map_err(|fault| faults.push((key, fault))).ok()
        };
        let when = compile(
            Field::When,
            Field::When.key().into(),
            &settings.when,
            &[Type::Bool],
        );
        let sieve = when.as_ref().map(|when| Sieve::of(when.tree()));
        let mut fields = Vec::new();
        for (field, expressions, wanted) in settings.fields() {
            let texts = expressions.0.iter().enumerate();
            let compiled = texts.filter_map(|(number, text)| {
                let key = match expressions.0.len() {
                    1 => field.key().to_owned(),
                    _ => format!("{}.{number}", field.key()),
                };
                compile(field, key, text, wanted)
            });
            let compiled: Vec<Expression> = compiled.collect();
            if !compiled.is_empty() {
                fields.push((field, compiled));
            }
        }
        if sieve == Some(Sieve::Open) {
            let what = "must need something that other spans do not have: an attribute (`'acme.kind' in attributes`), or a text that the name of scope or span is or starts with";
            faults.push((
                "when".into(),
                Fault {
                    column: None,
                    what: what.into(),
                },
            ));
        }
        let (Some(when), Some(sieve), true) = (when, sieve, faults.is_empty()) else {
            return Err(faults);
        };
        let mut read = |field: Field, expression: Expression| {
            expression.changed(|tree| names.note(field, tree))
        };
        let when = read(Field::When, when);
        let fields = fields.into_iter().map(|(field, expressions)| {
            let expressions = expressions
                .into_iter()
                .map(|one| read(field, one))
                .collect();
            (field, expressions)
        });
        Ok(Self {
            name: settings.name.as_str().into(),
            sieve,
            when,
            fields: fields.collect(),
            names,
        })
    }

    /// All dialects; one that does not compile is left out: the check of the settings reports it.
    pub(in crate::normalise) fn all(settings: &[DialectSettings]) -> Vec<Self> {
        let compiled = settings.iter().map(Self::compile);
        compiled.filter_map(Result::ok).collect()
    }

    /// All names of attributes that it reads.
    pub(in crate::normalise) fn attributes(&self) -> impl Iterator<Item = &str> {
        let names = self.names.attributes.iter().chain(&self.names.resource);
        let parsed = self.names.parsed.iter().map(|(name, _)| name);
        names.chain(parsed).map(|name| &*name.name)
    }

    /// Whether a span may be of this dialect, by comparisons alone.
    pub(in crate::normalise) fn may_be(&self, parts: &SpanParts<'_>) -> bool {
        self.sieve.passes(parts)
    }

    /// What may go wrong when its expressions read a span: each key that has some, with each reason that it may have.
    pub(in crate::normalise) fn misreadings(&self) -> Vec<(&'static str, Misreading)> {
        let fields = self.fields.iter().map(|(field, _)| *field);
        let all = [Field::When]
            .into_iter()
            .chain(fields)
            .flat_map(|field| Misreading::ALL.map(|reason| (field, reason)));
        let possible = all.filter(|(field, reason)| match reason {
            Misreading::Evaluation => true,
            Misreading::Type => *field != Field::When,
            Misreading::Json => self.names.parsed.iter().any(|(_, reader)| reader == field),
            Misreading::Kind => *field == Field::Kind,
        });
        possible
            .map(|(field, reason)| (field.key(), reason))
            .collect()
    }

    /// The variables of a span, and the fields that read a text as JSON that is none.
    pub(in crate::normalise) fn context(
        &self,
        parts: &SpanParts<'_>,
    ) -> (Context<'static, 'static>, Vec<Field>) {
        values::context(parts, &self.names)
    }

    /// Whether a span is of this dialect.
    ///
    /// # Errors
    /// When that cannot be evaluated.
    pub(in crate::normalise) fn is(&self, context: &Context<'_, '_>) -> Result<bool, NoValue> {
        match self.when.value(context) {
            Ok(value) => Ok(value == cel::Value::Bool(true)),
            Err(NoValue::Unknown) => Ok(false),
            Err(failed) => Err(failed),
        }
    }

    /// The values of the expressions of a field, in their order.
    pub(in crate::normalise) fn values<'t>(
        &'t self,
        field: Field,
        context: &'t Context<'_, '_>,
    ) -> impl Iterator<Item = Result<TaughtValue, NoValue>> + 't {
        let mut fields = self.fields.iter();
        let found = fields.find(|(known, _)| *known == field);
        let expressions = found.into_iter().flat_map(|(_, expressions)| expressions);
        expressions.map(|expression| Ok(TaughtValue(expression.value(context)?)))
    }
}

impl DialectSettings {
    /// Reports its faults. `taken` are names that it may not have.
    pub(in crate::normalise) fn validate(&self, report: &mut Report<'_>, taken: &[&str]) {
        let is_label = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if report.is_sound("name") {
            if self.name.is_empty() || !self.name.chars().all(is_label) {
                report.fault("name", "expected lower-case letters, digits and _");
            } else if taken.contains(&self.name.as_str()) {
                report.fault("name", "is the name of another dialect");
            }
        }
        let Err(faults) = TaughtDialect::compile(self) else {
            return;
        };
        for (key, fault) in faults {
            if report.is_sound(&key) {
                report.fault(&key, fault.to_string());
            }
        }
    }
}

/// Checks the words that an expression yields, where they stand in it.
fn kinds(tree: &IdedExpr) -> Result<(), Fault> {
    match &tree.expr {
        Expr::Call(call) if call.func_name == op::CONDITIONAL => {
            call.args.iter().skip(1).try_for_each(kinds)
        }
        Expr::Call(call) if call.func_name == op::INDEX => match call.args.first() {
            Some(map) => match &map.expr {
                Expr::Map(map) => map.entries.iter().try_for_each(|entry| match &entry.expr {
                    EntryExpr::MapEntry(entry) => kinds(&entry.value),
                    EntryExpr::StructField(_) => Ok(()),
                }),
                _ => Ok(()),
            },
            None => Ok(()),
        },
        _ => match literal(tree) {
            Some(word) if !word.is_empty() && !KINDS.contains(&word) => Err(Fault {
                column: None,
                what: format!("{word} is no kind; kinds are {}", KINDS.join(", ")),
            }),
            _ => Ok(()),
        },
    }
}
