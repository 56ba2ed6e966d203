//! Attributes that are read without a key: by a part of their name, or because the configuration names them.

use super::business_attributes::{BusinessAttributes, Meanings};
use super::taught::TaughtDialect;
use super::{Settings, metadata, topics};
use crate::model::memo::Memo;
use crate::otlp::attribute_key::AttributeKey;
use crate::otlp::view::Pair;
use std::borrow::Cow;

/// Beginnings of names that are read.
const BEGINNINGS: &[&[&str]] = &[
    topics::FLAT_INPUT,
    topics::FLAT_OUTPUT,
    topics::OWN_BEGINNINGS,
    topics::TECHNICAL_REQUEST,
    topics::BROWSER_RESOURCE,
    topics::VERDICTS,
];

/// Which attributes are read, and what for.
#[derive(Clone, Debug)]
pub(super) struct AttributeFilter {
    /// What names declare of the business.
    pub(super) business: BusinessAttributes,
    configured: Vec<String>,
    /// Names that dialects of the configuration read.
    taught: Vec<Box<str>>,
    /// By the numbers of the keys, whether what stands there is of the span's context.
    is_context: Box<[bool]>,
    /// Emitters repeat their names in every span.
    unkeyed: Memo<UnkeyedName>,
}

/// What is known of a name without a key.
#[derive(Clone, Debug)]
pub(super) struct UnkeyedName {
    /// It is read.
    pub(super) read: bool,
    /// It may say whose work the span is, or what for.
    is_context: bool,
    /// What it declares.
    pub(super) meanings: Meanings,
}

impl AttributeFilter {
    pub(super) fn new(settings: &Settings, taught: &[TaughtDialect]) -> Self {
        let names = [
            &settings.session_attributes,
            &settings.user_attributes,
            &settings.outcome_attributes,
        ];
        let business = BusinessAttributes::new(settings);
        let configured: Vec<String> = names.into_iter().flatten().cloned().collect();
        let known = [
            topics::SESSION,
            topics::USER,
            topics::METADATA,
            topics::WORKFLOW_ID,
        ];
        let is_context = |key: AttributeKey| {
            known.iter().any(|keys| keys.contains(&key))
                || !business.by_key[key.number()].is_empty()
                || configured.iter().any(|name| name == key.name())
        };
        Self {
            is_context: AttributeKey::all().map(is_context).collect(),
            business,
            configured,
            taught: taught
                .iter()
                .flat_map(TaughtDialect::attributes)
                .map(Box::from)
                .collect(),
            unkeyed: Memo::default(),
        }
    }

    /// Whether an attribute may say whose work its span is, or what for.
    #[inline]
    pub(super) fn is_context(&self, pair: &Pair<'_>) -> bool {
        match pair.key {
            Ok(key) => self.is_context[key.number()],
            Err(hash) => self.of(hash, pair.name.as_bytes()).is_context,
        }
    }

    /// What is known of a name of this hash.
    #[inline]
    pub(super) fn of(&self, hash: u32, name: &[u8]) -> Cow<'_, UnkeyedName> {
        self.unkeyed.get(hash, name, || self.find(name))
    }

    fn find(&self, name: &[u8]) -> UnkeyedName {
        let Ok(name) = std::str::from_utf8(name) else {
            // It is read, so that its span is rejected.
            return UnkeyedName {
                read: true,
                is_context: false,
                meanings: Meanings::default(),
            };
        };
        let meanings = self.business.meanings(name);
        let begins = |beginnings: &&[&str]| beginnings.iter().any(|b| name.starts_with(b));
        let is_context = !meanings.is_empty()
            || metadata::in_metadata(name).is_some()
            || self.configured.iter().any(|configured| configured == name);
        UnkeyedName {
            read: is_context
                || BEGINNINGS.iter().any(begins)
                || self.taught.iter().any(|taught| **taught == *name),
            is_context,
            meanings,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::hash::hash;

    #[test]
    fn names_are_read_by_what_is_known_of_them() {
        let settings = Settings {
            session_attributes: vec!["desk.context".into()],
            user_attributes: vec!["desk.caller".into()],
            outcome_attributes: vec!["desk.result".into()],
            dimensions: vec![vec!["region".into()]],
            ..Settings::default()
        };
        let filter = AttributeFilter::new(&settings, &[]);
        for (name, read) in [
            ("llm.input_messages.0.message.content", true),
            ("gen_ai.prompt.3.role", true),
            (
                "llm.output_messages.1.message.tool_calls.0.tool_call.id",
                true,
            ),
            ("gen_ai.completion.0.tool_calls.0.name", true),
            ("traceloop.anything", true),
            ("langgraph.anything", true),
            ("http.route", true),
            ("browser.language", true),
            ("mastra.metadata.sessionId", true),
            ("desk.context", true),
            ("desk.caller", true),
            ("desk.result", true),
            ("app.Region", true),
            ("order.value", true),
            ("desk.context.more", false),
            ("my.llm.input_messages.0", false),
            ("metadatas", false),
            ("regions", false),
            ("server.address", false),
            ("", false),
        ] {
            for round in 0..2 {
                let bytes = name.as_bytes();
                assert_eq!(filter.of(hash(bytes), bytes).read, read, "{name} {round}");
            }
        }
        let of_no_text = filter.of(7, &[0xff]);
        assert!(of_no_text.read, "its span is to be rejected");
    }
}
