//! YAML as a tree that keeps line numbers.

use super::ConfigFault;
use crate::setting::key_path;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use serde_saphyr::{DuplicateKeyPolicy, Spanned};
use std::collections::BTreeMap;
use std::fmt;

/// One value of the file.
#[derive(Debug)]
pub(super) enum Node {
    Scalar(Value),
    List(Vec<Spanned<Node>>),
    Map(Vec<(Spanned<String>, Spanned<Node>)>),
}

/// A place in the file; lines and columns begin at 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) line: u64,
    pub(super) column: u64,
}

/// Where keys and list items stand, by their path.
pub(super) type Places = BTreeMap<String, Place>;

/// The tree of a text.
///
/// # Errors
/// The first place where the text is no YAML.
pub(super) fn parse(text: &str) -> Result<Node, ConfigFault> {
    // A key that stands twice is a fault like others: it must not hide them.
    let mut options = serde_saphyr::Options::default();
    options.duplicate_keys = DuplicateKeyPolicy::PassThrough;
    options.non_finite_float_policy = serde_saphyr::NonFiniteFloatPolicy::PassThrough;
    options.with_snippet = false;
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let place = error.location().map(|l| Place {
            line: l.line(),
            column: l.column(),
        });
        ConfigFault::at(place, "", format!("not valid YAML: {}", in_words(&error)))
    })
}

/// What the parser found, in the words of someone who writes YAML.
fn in_words(error: &serde_saphyr::Error) -> String {
    use serde_saphyr::Error as E;
    match error {
        E::WithSnippet { error, .. } | E::AliasError { error, .. } => in_words(error),
        E::Eof { .. } => "the file ends in the middle of a value".into(),
        E::MultipleDocuments { .. } => {
            "a second document begins here (`---`); a file holds one".into()
        }
        E::UnknownAnchor { .. } => "an alias (`*name`) without its anchor (`&name`)".into(),
        E::RecursiveReferencesRequireWeakTypes { .. } => "an alias that contains itself".into(),
        E::AliasReplayCounterOverflow { .. }
        | E::AliasReplayLimitExceeded { .. }
        | E::AliasExpansionLimitExceeded { .. }
        | E::AliasReplayStackDepthExceeded { .. } => "aliases that expand to too much".into(),
        E::MergeValueNotMapOrSeqOfMaps { .. } => {
            "`<<` needs an alias of a section, or a list of them".into()
        }
        E::Budget { .. } => "the file is too large or too deeply nested".into(),
        E::ContainerEndMismatch { .. } => "a `]` or `}` that closes nothing".into(),
        other => of_parser(&other.to_string()),
    }
}

/// Messages of the parser by their characteristic words, with what mostly causes them.
const CAUSES: &[(&str, &str)] = &[
    (
        "mapping values are not allowed",
        "a `:` that cannot be here: the line before lacks its `:`, this line is indented too far, or a text with `: ` needs quotes",
    ),
    ("tab", "a tab; YAML is indented with spaces"),
    (
        "simple key expect",
        "a key without its `: ` (a colon and a space), or a wrong indentation",
    ),
    (
        "could not find expected ':'",
        "a key without its `: ` (a colon and a space), or a wrong indentation",
    ),
    (
        "block mapping",
        "a key that is indented differently from the keys before it",
    ),
    (
        "block collection",
        "a list item that is indented differently from the items before it",
    ),
    ("',' or ']'", "a list in brackets without its `,` or `]`"),
    ("',' or '}'", "a section in braces without its `,` or `}`"),
    (
        "illegal placement of ':'",
        "a `:` that cannot be here: is a bracket before it not closed?",
    ),
    (
        "unexpected character",
        "a character that cannot begin a value here; put the text in quotes",
    ),
    ("misplaced bracket", "a bracket that closes nothing"),
    ("unclosed bracket", "a `[` or `{` that is not closed"),
    ("quote", "a text in quotes that is not closed"),
    ("quoted scalar", "a text in quotes that is not closed"),
];

fn of_parser(message: &str) -> String {
    let first = message.lines().next().unwrap_or_default();
    let lower = first.to_lowercase();
    let known = CAUSES.iter().find(|(words, _)| lower.contains(words));
    // Where it is stands before it.
    let bare = first.split(" at line ").next().unwrap_or(first);
    known.map_or_else(|| bare.to_owned(), |(_, cause)| (*cause).to_owned())
}

impl Node {
    /// The tree as JSON; `scalar` sees every text with its path, `fault` a key that stands twice. Of two values the first stays.
    pub(super) fn into_json(
        self,
        path: &str,
        places: &mut Places,
        scalar: &mut dyn FnMut(&str, String) -> Value,
        fault: &mut dyn FnMut(ConfigFault),
    ) -> Value {
        match self {
            Self::Scalar(Value::String(text)) => scalar(path, text),
            Self::Scalar(value) => value,
            Self::List(items) => items
                .into_iter()
                .enumerate()
                .map(|(i, item)| {
                    let path = key_path(path, i);
                    places.insert(path.clone(), place(&item));
                    item.value.into_json(&path, places, scalar, fault)
                })
                .collect(),
            Self::Map(pairs) => {
                let mut object = Map::new();
                for (key, item) in pairs {
                    let at = place(&key);
                    let path = key_path(path, &key.value);
                    if object.contains_key(&key.value) {
                        let first = places.get(&path).map_or(0, |first| first.line);
                        let what = format!("is a duplicate key; it is on line {first} already");
                        fault(ConfigFault::at(Some(at), &path, what));
                        // Its own faults are told too.
                        let again = item.value.into_json(&path, places, scalar, fault);
                        if let (Some(Value::Object(first)), Value::Object(again)) =
                            (object.get_mut(&key.value), again)
                        {
                            for (key, value) in again {
                                first.entry(key).or_insert(value);
                            }
                        }
                        continue;
                    }
                    places.insert(path.clone(), at);
                    let value = item.value.into_json(&path, places, scalar, fault);
                    object.insert(key.value, value);
                }
                Value::Object(object)
            }
        }
    }
}

fn place<T>(spanned: &Spanned<T>) -> Place {
    Place {
        line: spanned.referenced.line(),
        column: spanned.referenced.column(),
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        // No limit is infinite and no price is no number: what is none becomes a text, which no number accepts.
        let number = serde_json::Number::from_f64(value);
        Ok(Node::Scalar(
            number.map_or_else(|| value.to_string().into(), Value::Number),
        ))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Null))
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Null))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<Node, A::Error> {
        let mut map = Vec::new();
        while let Some(pair) = pairs.next_entry()? {
            map.push(pair);
        }
        Ok(Node::Map(map))
    }
}
