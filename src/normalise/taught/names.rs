//! The names of attributes that expressions read, found in their trees.

use super::settings::Field;
use crate::model::hash::hash;
use crate::otlp::attribute_key::AttributeKey;
use crate::otlp::view::{Attributes, Value};
use cel::common::ast::{EntryExpr, Expr, IdedExpr, LiteralValue, operators as op};

/// The variable of the attributes that are read as JSON. No expression can name it.
pub(super) const PARSED: &str = "@json";

/// The name of an attribute, ready to be looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AttributeName {
    pub(super) name: Box<str>,
    /// Its key, or the hash of a name that has none.
    key: Result<AttributeKey, u32>,
}

impl AttributeName {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            key: AttributeKey::of(name).ok_or_else(|| hash(name.as_bytes())),
        }
    }

    /// The value under this name.
    pub(super) fn of<'a>(&self, attributes: &'a Attributes<'a>) -> Option<&'a Value<'a>> {
        match self.key {
            Ok(key) => attributes.get(key),
            Err(_) => {
                let mut pairs = attributes.pairs().iter();
                let pair = pairs.find(|pair| pair.key == self.key && pair.name == &*self.name)?;
                Some(&pair.value)
            }
        }
    }
}

/// All names that the expressions of a dialect read.
#[derive(Clone, Debug, Default)]
pub(super) struct TaughtNames {
    pub(super) attributes: Vec<AttributeName>,
    /// Attributes that are read as JSON, each with the first field that reads it.
    pub(super) parsed: Vec<(AttributeName, Field)>,
    pub(super) resource: Vec<AttributeName>,
}

impl TaughtNames {
    /// Notes what an expression of a field reads. Attributes that are read as JSON get a variable of their own, so that each is parsed once for all expressions, and
    /// not copied before.
    pub(super) fn note(&mut self, field: Field, tree: &mut IdedExpr) {
        if let Some(name) = parsed_attribute(tree) {
            let name = name.to_owned();
            if !self.parsed.iter().any(|(known, _)| *known.name == name) {
                self.parsed.push((AttributeName::new(&name), field));
            }
            if let Expr::Call(call) = &mut tree.expr
                && let Some(mut read) = call.args.pop()
            {
                rename(&mut read, PARSED);
                *tree = read;
            }
            return;
        }
        match &mut tree.expr {
            Expr::Call(call) => {
                if let [one, other] = call.args.as_slice() {
                    match call.func_name.as_str() {
                        op::INDEX | op::OPT_INDEX | op::OPT_SELECT => {
                            self.name(one, literal(other))
                        }
                        op::IN => self.name(other, literal(one)),
                        _ => {}
                    }
                }
                call.target
                    .iter_mut()
                    .for_each(|target| self.note(field, target));
                call.args.iter_mut().for_each(|one| self.note(field, one));
            }
            Expr::Select(select) => {
                self.name(&select.operand, Some(&select.field));
                self.note(field, &mut select.operand);
            }
            Expr::List(list) => list
                .elements
                .iter_mut()
                .for_each(|one| self.note(field, one)),
            Expr::Map(map) => {
                for entry in &mut map.entries {
                    if let EntryExpr::MapEntry(entry) = &mut entry.expr {
                        self.note(field, &mut entry.key);
                        self.note(field, &mut entry.value);
                    }
                }
            }
            Expr::Comprehension(all) => {
                for part in [
                    &mut all.iter_range,
                    &mut all.accu_init,
                    &mut all.loop_cond,
                    &mut all.loop_step,
                    &mut all.result,
                ] {
                    self.note(field, part);
                }
            }
            _ => {}
        }
    }

    fn name(&mut self, map: &IdedExpr, name: Option<&str>) {
        match (variable(map), name) {
            (Some("attributes"), Some(name)) => add(&mut self.attributes, name),
            (Some("resource"), Some(name)) => add(&mut self.resource, name),
            _ => {}
        }
    }
}

fn add(names: &mut Vec<AttributeName>, name: &str) {
    if !names.iter().any(|known| &*known.name == name) {
        names.push(AttributeName::new(name));
    }
}

/// The name in `json(attributes['name'])`.
fn parsed_attribute(tree: &IdedExpr) -> Option<&str> {
    let Expr::Call(call) = &tree.expr else {
        return None;
    };
    let [read] = call.args.as_slice() else {
        return None;
    };
    if call.func_name != "json" || call.target.is_some() {
        return None;
    }
    match &read.expr {
        Expr::Select(select) if !select.test && variable(&select.operand) == Some("attributes") => {
            Some(&select.field)
        }
        Expr::Call(call) if call.func_name == op::INDEX => match call.args.as_slice() {
            [map, name] if variable(map) == Some("attributes") => literal(name),
            _ => None,
        },
        _ => None,
    }
}

/// Lets an expression that reads one attribute read it in another variable.
fn rename(read: &mut IdedExpr, to: &str) {
    match &mut read.expr {
        Expr::Select(select) => select.operand.expr = Expr::Ident(to.to_owned()),
        Expr::Call(call) => {
            if let Some(map) = call.args.first_mut() {
                map.expr = Expr::Ident(to.to_owned());
            }
        }
        _ => {}
    }
}

/// The name of a variable that stands there.
pub(super) fn variable(at: &IdedExpr) -> Option<&str> {
    match &at.expr {
        Expr::Ident(name) => Some(name),
        _ => None,
    }
}

/// The text of a literal one.
pub(super) fn literal(at: &IdedExpr) -> Option<&str> {
    match &at.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner()),
        _ => None,
    }
}
