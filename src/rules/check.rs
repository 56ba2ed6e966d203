//! The type check of an expression: the `cel` crate has none of its own.

use super::Fault;
use super::schema::{RuleScope, Type};
use cel::Program;
use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, operators as op};

/// Functions on a text, and what they yield.
const METHODS: &[(&str, Type)] = &[
    ("contains", Type::Bool),
    ("startsWith", Type::Bool),
    ("endsWith", Type::Bool),
    ("size", Type::Number),
];

struct Checker<'a> {
    scope: RuleScope,
    program: &'a Program,
    /// Variables of the macros around.
    bound: Vec<(&'a str, Type)>,
}

pub(super) fn check(scope: RuleScope, program: &Program, text: &str) -> Result<(), Fault> {
    let mut checker = Checker {
        scope,
        program,
        bound: Vec::new(),
    };
    let found = checker.of(program.expression())?;
    if !fits(found, Type::Bool) {
        return Err(Fault {
            column: None,
            what: format!("`{text}` is {}, not true or false", found.text()),
        });
    }
    Ok(())
}

impl Type {
    fn text(self) -> &'static str {
        match self {
            Self::Bool => "true or false",
            Self::Number => "a number",
            Self::Text => "a text",
            Self::List => "a list of texts",
            Self::Texts => "a map of texts",
            Self::Numbers => "a map of numbers",
            Self::Any => "anything",
        }
    }
}

fn fits(found: Type, wanted: Type) -> bool {
    found == wanted || found == Type::Any || wanted == Type::Any
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
                let found = if matches!(&select.operand.expr, Expr::Ident(name) if name == self.scope.as_str())
                {
                    self.field(at, &select.field)?
                } else {
                    match self.of(&select.operand)? {
                        Type::Texts => Type::Text,
                        Type::Numbers => Type::Number,
                        Type::Any => Type::Any,
                        other => {
                            let what = format!("{} has no field {}", other.text(), select.field);
                            return self.fault(at, what);
                        }
                    }
                };
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
                let range = self.of(&all.iter_range)?;
                if !matches!(range, Type::List | Type::Texts | Type::Numbers | Type::Any) {
                    let what = format!("{} has no elements", range.text());
                    return self.fault(&all.iter_range, what);
                }
                let before = self.bound.len();
                self.bound.push((&all.iter_var, Type::Text));
                self.bound.push((&all.accu_var, Type::Any));
                for part in [&all.accu_init, &all.loop_cond, &all.loop_step, &all.result] {
                    self.of(part)?;
                }
                self.bound.truncate(before);
                Ok(Type::Any)
            }
            Expr::Map(_) | Expr::Struct(_) | Expr::Unspecified => {
                self.fault(at, "maps and messages are not used in rules".to_owned())
            }
        }
    }

    fn variable(&self, at: &IdedExpr, name: &str) -> Result<Type, Fault> {
        if name == self.scope.as_str() {
            return Ok(Type::Any);
        }
        let bound = self.bound.iter().rev().find(|(known, _)| *known == name);
        match bound {
            Some((_, found)) => Ok(*found),
            None => {
                let what = format!(
                    "{name} is not known here: the rule is over {}",
                    self.scope.as_str()
                );
                self.fault(at, what)
            }
        }
    }

    fn field(&self, at: &IdedExpr, field: &str) -> Result<Type, Fault> {
        let fields = self.scope.fields();
        if let Some((_, found)) = fields.iter().find(|(known, _)| *known == field) {
            return Ok(*found);
        }
        let known: Vec<&str> = fields.iter().map(|(known, _)| *known).collect();
        let scope = self.scope.as_str();
        self.fault(
            at,
            format!("{scope} has no field {field}; it has {}", known.join(", ")),
        )
    }

    fn call(&mut self, at: &'a IdedExpr, call: &'a CallExpr) -> Result<Type, Fault> {
        let name = call.func_name.as_str();
        if let Some(target) = &call.target {
            let target = self.of(target)?;
            let Some((_, yields)) = METHODS.iter().find(|(known, _)| *known == name) else {
                return self.fault(at, format!("there is no function {name} here"));
            };
            let can = name == "size" || fits(target, Type::Text);
            if !can {
                return self.fault(at, format!("{name} is asked of {}", target.text()));
            }
            for argument in &call.args {
                self.want(argument, Type::Text)?;
            }
            return Ok(*yields);
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
            (op::IN, [element, list]) => {
                self.want(element, Type::Text)?;
                let found = self.of(list)?;
                if !matches!(found, Type::List | Type::Texts | Type::Numbers | Type::Any) {
                    return self.fault(list, format!("{} has no elements", found.text()));
                }
                Ok(Type::Bool)
            }
            (op::INDEX, [map, key]) => {
                let found = self.of(map)?;
                self.of(key)?;
                match found {
                    Type::Texts | Type::List => Ok(Type::Text),
                    Type::Numbers => Ok(Type::Number),
                    Type::Any => Ok(Type::Any),
                    other => self.fault(map, format!("{} has no elements", other.text())),
                }
            }
            (op::CONDITIONAL, [condition, then, otherwise]) => {
                self.want(condition, Type::Bool)?;
                self.alike(at, then, otherwise)
            }
            ("size", [one]) => {
                self.of(one)?;
                Ok(Type::Number)
            }
            _ => self.fault(at, format!("there is no function {name} here")),
        }
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
