//! The variables and fields of rules.

use crate::expression::{Type, Variable, Vocabulary};
use crate::model::Name;
use cel::Value;
use cel::objects::Key;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;

/// What a rule looks at, which is the name of its variable: one span or log record once its turn is finalized, one finalized turn, or one workflow that is
/// about to close.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum RuleScope {
    Event,
    Turn,
    Workflow,
}

impl RuleScope {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Turn => "turn",
            Self::Workflow => "workflow",
        }
    }

    /// Its fields. A field that is not known is missing; so is a value of a map.
    pub(super) fn fields(self) -> &'static [(&'static str, Type)] {
        match self {
            Self::Event => EVENT,
            Self::Turn => TURN,
            Self::Workflow => WORKFLOW,
        }
    }

    /// What a rule over it may name.
    pub(super) fn vocabulary(self) -> &'static Vocabulary {
        match self {
            Self::Event => {
                &const {
                    vocabulary(
                        &[("event", Variable::Fields(EVENT))],
                        "the rule is over event",
                    )
                }
            }
            Self::Turn => {
                &const { vocabulary(&[("turn", Variable::Fields(TURN))], "the rule is over turn") }
            }
            Self::Workflow => {
                &const {
                    vocabulary(
                        &[("workflow", Variable::Fields(WORKFLOW))],
                        "the rule is over workflow",
                    )
                }
            }
        }
    }
}

const fn vocabulary(
    variables: &'static [(&'static str, Variable)],
    over: &'static str,
) -> Vocabulary {
    Vocabulary {
        variables,
        methods: &[
            ("contains", Type::Bool),
            ("startsWith", Type::Bool),
            ("endsWith", Type::Bool),
            ("size", Type::Number),
        ],
        functions: &[("size", Type::Number)],
        has_maps: false,
        nests_macros: true,
        over,
    }
}

const EVENT: &[(&str, Type)] = &[
    ("kind", Type::Text),
    ("ok", Type::Bool),
    ("agent", Type::Text),
    ("tool", Type::Text),
    ("model", Type::Text),
    ("provider", Type::Text),
    ("workflow", Type::Text),
    ("intent", Type::Text),
    ("cohort", Type::Texts),
    ("scores", Type::Numbers),
    ("labels", Type::Texts),
    ("value_usd", Type::Number),
    ("cost_usd", Type::Number),
    ("duration_seconds", Type::Number),
];

const TURN: &[(&str, Type)] = &[
    ("workflow", Type::Text),
    ("result", Type::Text),
    ("intent", Type::Text),
    ("cohort", Type::Texts),
    ("agents", Type::List),
    ("models", Type::List),
    ("tools", Type::List),
    ("handoffs", Type::Number),
    ("failed_handoffs", Type::Number),
    ("escalated", Type::Bool),
    ("value_usd", Type::Number),
    ("cost_usd", Type::Number),
    ("duration_seconds", Type::Number),
];

const WORKFLOW: &[(&str, Type)] = &[
    ("name", Type::Text),
    ("outcome", Type::Text),
    ("intent", Type::Text),
    ("cohort", Type::Texts),
    ("agents", Type::List),
    ("models", Type::List),
    ("steps", Type::List),
    ("turns", Type::Number),
    ("handoffs", Type::Number),
    ("failed_handoffs", Type::Number),
    ("escalated", Type::Bool),
    ("value_usd", Type::Number),
    ("cost_usd", Type::Number),
    ("duration_seconds", Type::Number),
];

/// One thing as its rules see it.
#[derive(Debug)]
pub struct View {
    scope: RuleScope,
    fields: HashMap<Key, Value>,
}

impl View {
    pub fn new(scope: RuleScope) -> Self {
        Self {
            scope,
            fields: HashMap::new(),
        }
    }

    pub fn scope(&self) -> RuleScope {
        self.scope
    }

    pub(super) fn into_value(self) -> Value {
        Value::from(self.fields)
    }

    pub fn flag(self, field: &'static str, value: bool) -> Self {
        self.with(field, Some(Value::Bool(value)))
    }

    pub fn text(self, field: &'static str, value: &str) -> Self {
        self.with(field, Some(Value::from(value)))
    }

    pub fn name(self, field: &'static str, value: Option<&Name>) -> Self {
        self.with(field, value.map(|name| Value::from(&**name)))
    }

    pub fn count(self, field: &'static str, value: u64) -> Self {
        self.with(
            field,
            Some(Value::Int(i64::try_from(value).unwrap_or(i64::MAX))),
        )
    }

    pub fn number(self, field: &'static str, value: Option<f64>) -> Self {
        self.with(field, value.map(Value::Float))
    }

    pub fn list<'a>(self, field: &'static str, values: impl Iterator<Item = &'a Name>) -> Self {
        let values: Vec<Value> = values.map(|name| Value::from(&**name)).collect();
        self.with(field, Some(Value::List(Arc::new(values))))
    }

    /// Texts by name.
    pub fn texts<'a>(
        self,
        field: &'static str,
        values: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let values = values.map(|(name, value)| (name, Value::from(value)));
        self.map(field, values)
    }

    /// Numbers by name.
    pub fn numbers<'a>(
        self,
        field: &'static str,
        values: impl Iterator<Item = (&'a str, f64)>,
    ) -> Self {
        let values = values.map(|(name, value)| (name, Value::Float(value)));
        self.map(field, values)
    }

    fn map<'a>(self, field: &'static str, values: impl Iterator<Item = (&'a str, Value)>) -> Self {
        let values: HashMap<Key, Value> = values.map(|(name, v)| (Key::from(name), v)).collect();
        self.with(field, Some(Value::from(values)))
    }

    fn with(mut self, field: &'static str, value: Option<Value>) -> Self {
        debug_assert!(self.scope.fields().iter().any(|(known, _)| *known == field));
        if let Some(value) = value {
            self.fields.insert(Key::from(field), value);
        }
        self
    }
}
