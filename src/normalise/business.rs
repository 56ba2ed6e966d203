//! The business context of a span: tenant, intent, value of the transaction, cohorts.

use super::attribute_filter::AttributeFilter;
use super::interner::{made, trimmed};
use super::session::Entries;
use super::{Settings, declared, id, name, topics};
use crate::model::money::{DOLLAR, MOST};
use crate::model::{List, Name};
use crate::otlp::attribute_key::AttributeKey;
use crate::otlp::view::Attributes;
use rapidhash::RapidHashMap as HashMap;
use smallvec::SmallVec;
use std::borrow::Cow;

/// What stands before the attributes that a user attaches.
pub(super) const PREFIXES: &[&str] = &["app.", "baton."];
/// How any other prefix of theirs ends: `langsmith.metadata.`, `mastra.metadata.` …
const METADATA: &str = "metadata.";

/// The value of a transaction.
pub(super) const VALUE: &[&str] = &["transaction.value", "order.value"];
pub(super) const VALUE_IN_DOLLARS: &[&str] = &["transaction.value.usd"];
/// In which currency it is.
pub(super) const CURRENCY: &[&str] = &["transaction.currency", "order.currency"];
/// No key that is longer names a dimension.
const MAX_KEY: usize = 96;
/// A longer value is a text, not a cohort.
const MAX_VALUE: usize = 64;
/// What a text becomes that is no cohort.
const OTHER: &str = "other";

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
    pub(super) known: Box<[Meanings]>,
}

impl BusinessAttributes {
    pub(super) fn new(settings: &Settings) -> Self {
        let mut wanted = Self::default();
        wanted.add(BusinessField::Tenant, &settings.tenant_attributes);
        wanted.add(BusinessField::Intent, &settings.intent_attributes);
        wanted.add(BusinessField::Value, &settings.value_attributes);
        wanted.add(BusinessField::Value, VALUE);
        wanted.add(BusinessField::Dollars, VALUE_IN_DOLLARS);
        wanted.add(BusinessField::Currency, CURRENCY);
        for (number, attributes) in (0..).zip(&settings.dimensions) {
            wanted.add(BusinessField::Dimension(number), attributes);
        }
        wanted.known = AttributeKey::all()
            .map(|key| wanted.meanings(key.name()))
            .collect();
        wanted
    }

    fn add(&mut self, meaning: BusinessField, attributes: &[impl AsRef<str>]) {
        for attribute in attributes {
            let known = self.by_name.entry(canonical(attribute.as_ref()));
            known.or_default().push((meaning, self.next_rank));
            self.next_rank += 1;
        }
    }

    /// What a name declares; most declare nothing.
    pub(super) fn meanings(&self, name: &str) -> Meanings {
        let meanings = (name.len() <= MAX_KEY).then(|| self.by_name.get(&canonical(name)));
        meanings
            .flatten()
            .map_or_else(Meanings::default, |m| m.as_slice().into())
    }
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Context {
    pub(super) tenant: Option<Name>,
    pub(super) intent: Option<Name>,
    pub(super) value: Option<Amount>,
    pub(super) cohort: List<(u8, Name)>,
}

/// The declared value of a transaction.
#[derive(Debug)]
pub(super) struct Amount {
    pub(super) amount: f64,
    /// `None`: the span does not say.
    pub(super) currency: Option<String>,
}

/// One that was found: the meaning, where (span, metadata, resource) with the rank of the name, and the text.
type Hit<'t> = (BusinessField, (u8, usize), Cow<'t, str>);

/// As many as a span usually has lie on the stack.
type Hits<'t> = SmallVec<[Hit<'t>; 6]>;

/// What surrounds the spans of one resource.
#[derive(Debug)]
pub(super) struct Around<'t> {
    asked: &'t AttributeFilter,
    /// What the resource declares for all its spans.
    declared: Hits<'t>,
}

fn look<'t>(
    place: u8,
    attributes: &'t Attributes<'_>,
    asked: &AttributeFilter,
    hits: &mut Hits<'t>,
) {
    for pair in attributes.pairs() {
        let text = || declared::of_value(&pair.value);
        match pair.key {
            Ok(key) => found(place, &asked.wanted.known[key.number()], text, hits),
            Err(hash) => {
                let other = asked.of(hash, pair.name.as_bytes());
                found(place, &other.meanings, text, hits);
            }
        }
    }
}

/// Adds what a text under a name of these meanings declares.
fn found<'t>(
    place: u8,
    meanings: &[(BusinessField, usize)],
    text: impl FnOnce() -> Option<Cow<'t, str>>,
    hits: &mut Hits<'t>,
) {
    if meanings.is_empty() {
        return;
    }
    if let Some(text) = text() {
        for (meaning, rank) in meanings {
            hits.push((*meaning, (place, *rank), text.clone()));
        }
    }
}

/// Reads what a resource declares.
pub(super) fn of_resource<'t>(
    resource: &'t Attributes<'_>,
    asked: &'t AttributeFilter,
) -> Around<'t> {
    let mut declared = Hits::new();
    look(2, resource, asked, &mut declared);
    Around { asked, declared }
}

/// Reads the span's own attributes, then the JSON metadata on it, then what its resource declares.
pub(super) fn read<'t>(
    attributes: &'t Attributes<'_>,
    metadata: &Entries<'_>,
    around: &Around<'t>,
) -> Context {
    let mut hits: Hits<'_> = around.declared.iter().cloned().collect();
    look(0, attributes, around.asked, &mut hits);
    for (path, value) in metadata {
        let meanings = around.asked.wanted.meanings(path);
        found(1, &meanings, || declared::of_json(value), &mut hits);
    }
    hits.sort_by_key(|hit| (hit.0, hit.1));
    let mut context = Context::default();
    let mut currency = None;
    for (meaning, _, text) in hits {
        match meaning {
            BusinessField::Tenant if declared::is_id(&text) => {
                context.tenant.get_or_insert_with(|| id(&text));
            }
            BusinessField::Tenant => {}
            BusinessField::Intent => {
                context.intent.get_or_insert_with(|| short(&text));
            }
            // It comes before the values.
            BusinessField::Currency => currency = currency.or(Some(text.into_owned())),
            BusinessField::Value | BusinessField::Dollars => {
                let amount = text.trim().parse().ok();
                let amount = amount.filter(|amount| (0.0..=MOST).contains(amount));
                context.value = context.value.or_else(|| {
                    Some(Amount {
                        amount: amount?,
                        currency: match meaning {
                            BusinessField::Dollars => Some(DOLLAR.to_owned()),
                            _ => currency.clone(),
                        },
                    })
                });
            }
            BusinessField::Dimension(number) => {
                if context
                    .cohort
                    .last()
                    .is_none_or(|(last, _)| *last != number)
                {
                    context.cohort.push((number, short(&text)));
                }
            }
        }
    }
    context
}

/// A cohort is a short word, never a text.
fn short(text: &str) -> Name {
    made!(text, |text| {
        let text = trimmed(text);
        if text.len() > MAX_VALUE || text.bytes().any(|b| matches!(b, b'\n' | b'\r')) {
            return OTHER.into();
        }
        name(text)
    })
}

/// The name that a user gave to an entry of the metadata which an SDK writes as attributes.
pub(super) fn in_metadata(key: &str) -> Option<&str> {
    let mut properties = topics::METADATA_ENTRIES.iter();
    if let Some(own) = properties.find_map(|prefix| key.strip_prefix(prefix)) {
        return Some(own);
    }
    let mut places = key.as_bytes().windows(METADATA.len());
    let at = places.position(|place| place == METADATA.as_bytes())?;
    let (prefix, rest) = key.split_at(at);
    (prefix.is_empty() || prefix.ends_with('.')).then_some(&rest[METADATA.len()..])
}

/// The name without its prefix, dots, underscores and capitals: `app.customer_tier` and `customerTier` are one.
fn canonical(key: &str) -> Vec<u8> {
    let bare = PREFIXES.iter().find_map(|prefix| key.strip_prefix(prefix));
    let bare = bare.or_else(|| in_metadata(key));
    let letters = bare.unwrap_or(key).bytes();
    let kept = letters.filter(u8::is_ascii_alphanumeric);
    kept.map(|b| b.to_ascii_lowercase()).collect()
}
