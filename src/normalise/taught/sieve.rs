//! What a span must have before any expression of a dialect is evaluated: plain comparisons, found in the condition of the dialect.
//!
//! The sieve lets through every span for which the condition is true, and few others.

use super::names::{AttributeName, literal, variable};
use super::parts::SpanParts;
use cel::common::ast::{CallExpr, EntryExpr, Expr, IdedExpr, LiteralValue, operators as op};

/// Where a value stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SievePlace {
    Attribute(AttributeName),
    Resource(AttributeName),
    ScopeName,
    SpanName,
}

/// What a span must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sieve {
    /// Nothing: every span passes.
    Open,
    Has(SievePlace),
    Is(SievePlace, Box<str>),
    Begins(SievePlace, Box<str>),
    All(Vec<Self>),
    Any(Vec<Self>),
}

impl SievePlace {
    fn text<'a>(&self, parts: &SpanParts<'a>) -> Option<&'a str> {
        match self {
            Self::Attribute(name) => name.of(parts.attributes())?.as_str(),
            Self::Resource(name) => name.of(parts.resource)?.as_str(),
            Self::ScopeName => Some(parts.scope.name),
            Self::SpanName => Some(parts.span.name),
        }
    }

    fn is_there(&self, parts: &SpanParts<'_>) -> bool {
        match self {
            Self::Attribute(name) => name.of(parts.attributes()).is_some(),
            Self::Resource(name) => name.of(parts.resource).is_some(),
            Self::ScopeName | Self::SpanName => true,
        }
    }
}

impl Sieve {
    /// What must be there for an expression to be true.
    pub(super) fn of(condition: &IdedExpr) -> Self {
        match &condition.expr {
            Expr::Select(select) if select.test => match variable(&select.operand) {
                Some("attributes") => {
                    Self::Has(SievePlace::Attribute(AttributeName::new(&select.field)))
                }
                Some("resource") => {
                    Self::Has(SievePlace::Resource(AttributeName::new(&select.field)))
                }
                _ => Self::readable(condition),
            },
            Expr::Call(call) => Self::of_call(condition, call),
            // Nothing passes.
            Expr::Literal(LiteralValue::Boolean(flag)) if !*flag.inner() => Self::Any(Vec::new()),
            _ => Self::readable(condition),
        }
    }

    fn of_call(condition: &IdedExpr, call: &CallExpr) -> Self {
        match (call.func_name.as_str(), call.args.as_slice()) {
            (op::LOGICAL_AND, all) => Self::all(all.iter().map(Self::of)),
            (op::LOGICAL_OR, all) => Self::any(all.iter().map(Self::of)),
            (op::CONDITIONAL, [asked, then, otherwise]) => Self::all([
                Self::readable(asked),
                Self::any([
                    Self::all([Self::of(asked), Self::of(then)]),
                    Self::of(otherwise),
                ]),
            ]),
            (op::IN, [name, map]) => match (variable(map), literal(name)) {
                (Some("attributes"), Some(name)) => {
                    Self::Has(SievePlace::Attribute(AttributeName::new(name)))
                }
                (Some("resource"), Some(name)) => {
                    Self::Has(SievePlace::Resource(AttributeName::new(name)))
                }
                _ => Self::readable(condition),
            },
            (op::EQUALS, [one, other]) => {
                let either = |place: &IdedExpr, text: &IdedExpr| {
                    Some(Self::Is(place_of(place)?, literal(text)?.into()))
                };
                let found = either(one, other).or_else(|| either(other, one));
                found.unwrap_or_else(|| Self::readable(condition))
            }
            ("startsWith", [beginning]) => {
                let target = call.target.as_deref().and_then(place_of);
                match (target, literal(beginning)) {
                    (Some(place), Some(text)) if !text.is_empty() => {
                        Self::Begins(place, text.into())
                    }
                    _ => Self::readable(condition),
                }
            }
            _ => Self::readable(condition),
        }
    }

    /// What must be there for an expression to have a value at all.
    fn readable(expression: &IdedExpr) -> Self {
        if let Some(place @ (SievePlace::Attribute(_) | SievePlace::Resource(_))) =
            place_of(expression)
        {
            return Self::Has(place);
        }
        match &expression.expr {
            Expr::Select(select) => match variable(&select.operand) {
                Some(_) => Self::Open,
                None => Self::readable(&select.operand),
            },
            Expr::List(list) => Self::all(list.elements.iter().map(Self::readable)),
            Expr::Map(map) => Self::all(map.entries.iter().map(|entry| match &entry.expr {
                EntryExpr::MapEntry(entry) => Self::readable(&entry.value),
                EntryExpr::StructField(_) => Self::Open,
            })),
            Expr::Comprehension(all) => Self::readable(&all.iter_range),
            Expr::Call(call) => match (call.func_name.as_str(), call.args.as_slice()) {
                // Where one side decides, the other need not be known.
                (op::LOGICAL_AND | op::LOGICAL_OR, all) => {
                    Self::any(all.iter().map(Self::readable))
                }
                (op::CONDITIONAL, [asked, then, otherwise]) => Self::all([
                    Self::readable(asked),
                    Self::any([Self::readable(then), Self::readable(otherwise)]),
                ]),
                (op::OPT_INDEX | op::OPT_SELECT | op::NOT_STRICTLY_FALSE, _) => Self::Open,
                (op::IN, [_, map]) if variable(map).is_some() => Self::Open,
                ("or" | "orValue" | "hasValue", _) => Self::Open,
                (_, arguments) => {
                    let all = call.target.as_deref().into_iter().chain(arguments);
                    Self::all(all.map(Self::readable))
                }
            },
            _ => Self::Open,
        }
    }

    fn all(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut needed: Vec<Self> = Vec::new();
        for part in parts {
            match part {
                Self::Open => {}
                Self::All(inner) => needed.extend(inner),
                part => needed.push(part),
            }
        }
        match needed.len() {
            0 => Self::Open,
            1 => needed.remove(0),
            _ => Self::All(needed),
        }
    }

    fn any(parts: impl IntoIterator<Item = Self>) -> Self {
        let parts: Vec<Self> = parts.into_iter().collect();
        if parts.contains(&Self::Open) {
            return Self::Open;
        }
        Self::Any(parts)
    }

    /// Whether a span has it.
    pub(super) fn passes(&self, parts: &SpanParts<'_>) -> bool {
        match self {
            Self::Open => true,
            Self::Has(place) => place.is_there(parts),
            Self::Is(place, text) => place.text(parts) == Some(text),
            Self::Begins(place, text) => place
                .text(parts)
                .is_some_and(|found| found.starts_with(&**text)),
            Self::All(all) => all.iter().all(|part| part.passes(parts)),
            Self::Any(any) => any.iter().any(|part| part.passes(parts)),
        }
    }
}

/// The place that an expression reads, and nothing else.
pub(super) fn place_of(at: &IdedExpr) -> Option<SievePlace> {
    let (map, name) = match &at.expr {
        Expr::Select(select) if !select.test => (variable(&select.operand)?, select.field.as_str()),
        Expr::Call(call) if call.func_name == op::INDEX => match call.args.as_slice() {
            [map, name] => (variable(map)?, literal(name)?),
            _ => return None,
        },
        _ => return None,
    };
    match (map, name) {
        ("attributes", name) => Some(SievePlace::Attribute(AttributeName::new(name))),
        ("resource", name) => Some(SievePlace::Resource(AttributeName::new(name))),
        ("scope", "name") => Some(SievePlace::ScopeName),
        ("span", "name") => Some(SievePlace::SpanName),
        _ => None,
    }
}
