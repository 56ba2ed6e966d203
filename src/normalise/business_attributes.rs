//! The attributes that declare something of the business, by their canonical names.

use super::Settings;
use super::metadata::canonical;
use crate::otlp::attribute_key::AttributeKey;
use rapidhash::RapidHashMap as HashMap;

/// The value of a transaction.
pub(super) const VALUE: &[&str] = &["transaction.value", "order.value"];
pub(super) const VALUE_IN_DOLLARS: &[&str] = &["transaction.value.usd"];
/// In which currency it is.
pub(super) const CURRENCY: &[&str] = &["transaction.currency", "order.currency"];
/// No key that is longer names a dimension.
const MAX_KEY_BYTES: usize = 96;

/// What an attribute may declare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum BusinessField {
    Tenant,
    Intent,
    Currency,
    Value,
    Dollars,
    Dimension(u8),
}

/// What a name may declare, and the rank of the name for each: the smallest wins.
pub(super) type Meanings = Box<[(BusinessField, usize)]>;

/// The attribute names that matter.
#[derive(Clone, Debug, Default)]
pub(super) struct BusinessAttributes {
    by_name: HashMap<Vec<u8>, Vec<(BusinessField, usize)>>,
    /// The rank of the next name: earlier names go first.
    next_rank: usize,
    /// By the numbers of the keys.
    pub(super) by_key: Box<[Meanings]>,
}

impl BusinessAttributes {
    pub(super) fn new(settings: &Settings) -> Self {
        let mut attributes = Self::default();
        attributes.add(BusinessField::Tenant, &settings.tenant_attributes);
        attributes.add(BusinessField::Intent, &settings.intent_attributes);
        attributes.add(BusinessField::Value, &settings.value_attributes);
        attributes.add(BusinessField::Value, VALUE);
        attributes.add(BusinessField::Dollars, VALUE_IN_DOLLARS);
        attributes.add(BusinessField::Currency, CURRENCY);
        for (number, names) in (0..).zip(&settings.dimensions) {
            attributes.add(BusinessField::Dimension(number), names);
        }
        attributes.by_key = AttributeKey::all()
            .map(|key| attributes.meanings(key.name()))
            .collect();
        attributes
    }

    fn add(&mut self, field: BusinessField, attributes: &[impl AsRef<str>]) {
        for attribute in attributes {
            let known = self.by_name.entry(canonical(attribute.as_ref()));
            known.or_default().push((field, self.next_rank));
            self.next_rank += 1;
        }
    }

    /// What a name declares; most declare nothing.
    pub(super) fn meanings(&self, name: &str) -> Meanings {
        let meanings = (name.len() <= MAX_KEY_BYTES).then(|| self.by_name.get(&canonical(name)));
        meanings
            .flatten()
            .map_or_else(Meanings::default, |m| m.as_slice().into())
    }
}
