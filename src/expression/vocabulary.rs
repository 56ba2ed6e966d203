//! What an expression may name: variables, functions, and the types of both.

/// The types of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    Bool,
    /// CEL compares whole and broken numbers with each other.
    Number,
    Text,
    /// A list of texts.
    List,
    /// Texts by name.
    Texts,
    /// Numbers by name.
    Numbers,
    /// Anything by name. A name is written as a text in quotes, so that it is known beforehand which are asked for.
    Attributes,
    /// A value that may be missing: `attributes[?'name']`.
    Optional,
    /// Anything: the checker does not know more.
    Any,
}

impl Type {
    /// For people.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Bool => "true or false",
            Self::Number => "a number",
            Self::Text => "a text",
            Self::List => "a list of texts",
            Self::Texts => "a map of texts",
            Self::Numbers => "a map of numbers",
            Self::Attributes => "attributes by name",
            Self::Optional => "a value that may be missing",
            Self::Any => "anything",
        }
    }
}

/// A variable that an expression may name.
#[derive(Clone, Copy, Debug)]
pub enum Variable {
    /// It has these fields.
    Fields(&'static [(&'static str, Type)]),
    Of(Type),
}

/// What an expression may name.
#[derive(Clone, Copy, Debug)]
pub struct Vocabulary {
    pub variables: &'static [(&'static str, Variable)],
    /// Functions on a text, and what they yield.
    pub methods: &'static [(&'static str, Type)],
    /// Functions of one value, and what they yield.
    pub functions: &'static [(&'static str, Type)],
    /// Whether it may hold maps (`{'llm': 'model'}['llm']`).
    pub has_maps: bool,
    /// Whether a macro that visits all elements of a list may stand inside another one.
    pub nests_macros: bool,
    /// What it is evaluated for, for people.
    pub over: &'static str,
}

impl Vocabulary {
    pub(super) fn variable(&self, name: &str) -> Option<Variable> {
        let known = self.variables.iter().find(|(known, _)| *known == name);
        known.map(|(_, variable)| *variable)
    }
}
