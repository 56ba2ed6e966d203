//! The type check of an expression: the `cel` crate has none of its own.

use super::{Fault, Type, Variable, Vocabulary};
use cel::Program;
use cel::common::ast::{CallExpr, EntryExpr, Expr, IdedExpr, LiteralValue, operators as op};

/// What is told where the name of an attribute is computed.
const NO_LITERAL: &str = "the name of an attribute is a text in quotes";

struct Checker<'a> {
    vocabulary: &'a Vocabulary,
    program: &'a Program,
    /// Variables of the macros around.
    bound: Vec<(&'a str, Type)>,
}

/// Checks an expression that is to yield one of the wanted types.
pub(super) fn check(
    vocabulary: &Vocabulary,
    program: &Program,
    text: &str,
    wanted: &[Type],
) -> Result<(), Fault> {
    let mut checker = Checker {
        vocabulary,
        program,
        bound: Vec::new(),
    };
    let found = checker.of(program.expression())?;
    if !wanted.iter().any(|wanted| fits(found, *wanted)) {
        let wanted: Vec<&str> = wanted.iter().map(|wanted| wanted.text()).collect();
        return Err(Fault {
            column: None,
            what: format!("`{text}` is {}, not {}", found.text(), wanted.join(" or ")),
        });
    }
    Ok(())
}

fn fits(found: Type, wanted: Type) -> bool {
    found == wanted || found == Type::Any || wanted == Type::Any && found != Type::Optional
}

/// The text of a literal one.
pub(super) fn literal(at: &IdedExpr) -> Option<&str> {
    match &at.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner()),
        _ => None,
    }
}

impl<'a> Checker<'a> {
    fn fault<T>(&self, at: &IdedExpr, what: String) -> Result<T, Fault> {
        let offset = self.program.source_info().offset_for(at.id);
        Err(Fault {
            column: offset.map(|(start, _)| start as usize + 1),
            what,
        })
    }

    fn of(&mut self, at: &'a IdedExpr) -> Result<Type, Fault> {
        match &at.expr {
            Expr::Literal(literal) => Ok(match literal {
                LiteralValue::Boolean(_) => Type::Bool,
                LiteralValue::Double(_) | LiteralValue::Int(_) | LiteralValue::UInt(_) => {
                    Type::Number
                }
                LiteralValue::String(_) => Type::Text,
                LiteralValue::Bytes(_) | LiteralValue::Null => Type::Any,
            }),
            Expr::Ident(name) => self.variable(at, name),
            Expr::Select(select) => {
                let found = self.selected(at, &select.operand, &select.field)?;
                Ok(if select.test { Type::Bool } else { found })
            }
            Expr::List(list) => {
                for element in &list.elements {
                    self.of(element)?;
                }
                Ok(Type::List)
            }
            Expr::Call(call) => self.call(at, call),
            Expr::Comprehension(all) => {
                if !self.vocabulary.nests_macros && !self.bound.is_empty() {
                    return self.fault(at, "a macro inside a macro is not allowed".to_owned());
                }
                if self.vocabulary.has_maps && self.vocabulary.variable(&all.iter_var).is_some() {
                    let what = format!("{} is the name of something else already", all.iter_var);
                    return self.fault(at, what);
                }
                let range = self.of(&all.iter_range)?;
                let element = match range {
                    Type::List | Type::Texts | Type::Numbers => Type::Text,
                    Type::Any => self.element(),
                    _ => {
                        let what = format!("{} has no elements", range.text());
                        return self.fault(&all.iter_range, what);
                    }
                };
                let before = self.bound.len();
                self.bound.push((&all.iter_var, element));
                self.bound.push((&all.accu_var, Type::Any));
                for part in [&all.accu_init, &all.loop_cond, &all.loop_step, &all.result] {
                    self.of(part)?;
                }
                self.bound.truncate(before);
                Ok(Type::Any)
            }
            Expr::Map(map) if self.vocabulary.has_maps => {
                for entry in &map.entries {
                    if let EntryExpr::MapEntry(entry) = &entry.expr {
                        self.want(&entry.key, Type::Text)?;
                        self.of(&entry.value)?;
                    }
                }
                Ok(Type::Any)
            }
            Expr::Map(_) | Expr::Struct(_) | Expr::Unspecified => {
                self.fault(at, "maps and messages are not used in rules".to_owned())
            }
        }
    }

    /// The type of the elements of a list of which nothing is known.
    fn element(&self) -> Type {
        if self.vocabulary.has_maps {
            Type::Any
        } else {
            Type::Text
        }
    }

    /// The type of a field.
    fn selected(
        &mut self,
        at: &IdedExpr,
        operand: &'a IdedExpr,
        field: &str,
    ) -> Result<Type, Fault> {
        let fields = match self.named(operand) {
            Some((name, Variable::Fields(fields))) => Some((name, fields)),
            Some((_, Variable::Of(Type::Attributes))) => return Ok(Type::Any),
            _ => None,
        };
        if let Some((name, fields)) = fields {
            return self.field(at, name, fields, field);
        }
        match self.of(operand)? {
            Type::Texts => Ok(Type::Text),
            Type::Numbers => Ok(Type::Number),
            Type::Any => Ok(Type::Any),
            other => self.fault(at, format!("{} has no field {field}", other.text())),
        }
    }

    /// The variable of the vocabulary that stands there.
    fn named(&self, at: &'a IdedExpr) -> Option<(&'a str, Variable)> {
        match &at.expr {
            Expr::Ident(name) if self.bound(name).is_none() => {
                Some((name, self.vocabulary.variable(name)?))
            }
            _ => None,
        }
    }

    fn bound(&self, name: &str) -> Option<Type> {
        let bound = self.bound.iter().rev().find(|(known, _)| *known == name);
        bound.map(|(_, found)| *found)
    }

    /// Whether all attributes stand there.
    fn is_attributes(&self, at: &'a IdedExpr) -> bool {
        matches!(self.named(at), Some((_, Variable::Of(Type::Attributes))))
    }

    fn variable(&self, at: &IdedExpr, name: &str) -> Result<Type, Fault> {
        if let Some(found) = self.bound(name) {
            return Ok(found);
        }
        match self.vocabulary.variable(name) {
            Some(Variable::Of(Type::Attributes)) => {
                let what = format!("write the name of an attribute: {name}['name']");
                self.fault(at, what)
            }
            Some(Variable::Of(found)) => Ok(found),
            Some(Variable::Fields(_)) => Ok(Type::Any),
            None => {
                let over = self.vocabulary.over;
                self.fault(at, format!("{name} is not known here: {over}"))
            }
        }
    }

    fn field(
        &self,
        at: &IdedExpr,
        variable: &str,
        fields: &[(&str, Type)],
        field: &str,
    ) -> Result<Type, Fault> {
        if let Some((_, found)) = fields.iter().find(|(known, _)| *known == field) {
            return Ok(*found);
        }
        let known: Vec<&str> = fields.iter().map(|(known, _)| *known).collect();
        let known = known.join(", ");
        let what = format!("{variable} has no field {field}; it has {known}");
        self.fault(at, what)
    }

    /// The type of a function asked of a value.
    fn method(
        &mut self,
        at: &IdedExpr,
        target: &'a IdedExpr,
        call: &'a CallExpr,
    ) -> Result<Type, Fault> {
        let name = call.func_name.as_str();
        let target = self.of(target)?;
        if target == Type::Optional {
            let yields = match name {
                "hasValue" => Type::Bool,
                "or" => Type::Optional,
                "orValue" | "value" => Type::Any,
                _ => return self.fault(at, format!("there is no function {name} here")),
            };
            for argument in &call.args {
                self.of(argument)?;
            }
            return Ok(yields);
        }
        let methods = self.vocabulary.methods;
        let Some((_, yields)) = methods.iter().find(|(known, _)| *known == name) else {
            return self.fault(at, format!("there is no function {name} here"));
        };
        if name != "size" && !fits(target, Type::Text) {
            return self.fault(at, format!("{name} is asked of {}", target.text()));
        }
        for argument in &call.args {
            let wanted = if name == "substring" {
                Type::Number
            } else {
                Type::Text
            };
            self.want(argument, wanted)?;
        }
        Ok(*yields)
    }

    /// The type of an element of a map or a list.
    fn element_of(
        &mut self,
        at: &IdedExpr,
        map: &'a IdedExpr,
        key: &'a IdedExpr,
    ) -> Result<Type, Fault> {
        if self.is_attributes(map) {
            return match literal(key) {
                Some(_) => Ok(Type::Any),
                None => self.fault(key, NO_LITERAL.to_owned()),
            };
        }
        let found = self.of(map)?;
        self.of(key)?;
        match found {
            Type::Texts | Type::List => Ok(Type::Text),
            Type::Numbers => Ok(Type::Number),
            Type::Any => Ok(Type::Any),
            other => self.fault(at, format!("{} has no elements", other.text())),
        }
    }

    fn call(&mut self, at: &'a IdedExpr, call: &'a CallExpr) -> Result<Type, Fault> {
        let name = call.func_name.as_str();
        if let Some(target) = &call.target {
            return self.method(at, target, call);
        }
        match (name, call.args.as_slice()) {
            (op::LOGICAL_AND | op::LOGICAL_OR | op::LOGICAL_NOT | op::NOT_STRICTLY_FALSE, all) => {
                self.all(all, Type::Bool)?;
                Ok(Type::Bool)
            }
            (op::EQUALS | op::NOT_EQUALS, [left, right]) => {
                self.alike(at, left, right)?;
                Ok(Type::Bool)
            }
            (op::LESS | op::LESS_EQUALS | op::GREATER | op::GREATER_EQUALS, [left, right]) => {
                let found = self.alike(at, left, right)?;
                if !matches!(found, Type::Number | Type::Text | Type::Any) {
                    return self.fault(at, format!("{} has no order", found.text()));
                }
                Ok(Type::Bool)
            }
            (op::ADD, [left, right]) => self.alike(at, left, right),
            (op::SUBSTRACT | op::MULTIPLY | op::DIVIDE | op::MODULO | op::NEGATE, all) => {
                self.all(all, Type::Number)?;
                Ok(Type::Number)
            }
            (op::IN, [element, list]) if self.is_attributes(list) => match literal(element) {
                Some(_) => Ok(Type::Bool),
                None => self.fault(element, NO_LITERAL.to_owned()),
            },
            (op::IN, [element, list]) => {
                self.want(element, Type::Text)?;
                let found = self.of(list)?;
                if !matches!(found, Type::List | Type::Texts | Type::Numbers | Type::Any) {
                    return self.fault(list, format!("{} has no elements", found.text()));
                }
                Ok(Type::Bool)
            }
            (op::INDEX, [map, key]) => self.element_of(map, map, key),
            (op::OPT_INDEX, [map, key]) if self.vocabulary.has_maps => {
                self.element_of(map, map, key)?;
                Ok(Type::Optional)
            }
            (op::OPT_SELECT, [map, _]) if self.vocabulary.has_maps => {
                if !self.is_attributes(map) {
                    self.want(map, Type::Any)?;
                }
                Ok(Type::Optional)
            }
            (op::CONDITIONAL, [condition, then, otherwise]) => {
                self.want(condition, Type::Bool)?;
                self.alike(at, then, otherwise)
            }
            (name, [one]) if let Some(yields) = self.function(name) => {
                self.of(one)?;
                Ok(yields)
            }
            _ => self.fault(at, format!("there is no function {name} here")),
        }
    }

    fn function(&self, name: &str) -> Option<Type> {
        let functions = self.vocabulary.functions.iter();
        let mut known = functions.filter(|(known, _)| *known == name);
        known.next().map(|(_, yields)| *yields)
    }

    fn want(&mut self, at: &'a IdedExpr, wanted: Type) -> Result<(), Fault> {
        let found = self.of(at)?;
        if fits(found, wanted) {
            return Ok(());
        }
        self.fault(at, format!("is {}, not {}", found.text(), wanted.text()))
    }

    fn all(&mut self, all: &'a [IdedExpr], wanted: Type) -> Result<(), Fault> {
        all.iter().try_for_each(|one| self.want(one, wanted))
    }

    /// The type that both sides have.
    fn alike(
        &mut self,
        at: &IdedExpr,
        left: &'a IdedExpr,
        right: &'a IdedExpr,
    ) -> Result<Type, Fault> {
        let (one, other) = (self.of(left)?, self.of(right)?);
        if fits(one, other) {
            return Ok(if one == Type::Any { other } else { one });
        }
        self.fault(
            at,
            format!("{} is compared with {}", one.text(), other.text()),
        )
    }
}
