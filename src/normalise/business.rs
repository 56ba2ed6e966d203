//! The business context of a span: tenant, intent, value of the transaction, cohorts.

use super::attribute_filter::AttributeFilter;
use super::business_attributes::BusinessField;
use super::declared;
use super::interner::{NameInterners, trimmed};
use super::metadata::Entries;
use super::money::DeclaredAmount;
use crate::model::money::{DOLLAR, MAX_AMOUNT};
use crate::model::{List, Name};
use crate::otlp::view::Attributes;
use smallvec::SmallVec;
use std::borrow::Cow;

/// A longer value is a text, not a cohort.
const MAX_COHORT_BYTES: usize = 64;
/// What a text becomes that is no cohort.
const OTHER: &str = "other";

/// What was found.
#[derive(Debug, Default)]
pub(super) struct BusinessContext {
    pub(super) tenant: Option<Name>,
    pub(super) intent: Option<Name>,
    pub(super) value: Option<DeclaredAmount>,
    /// A value is declared that is no amount of money.
    pub(super) has_invalid_value: bool,
    pub(super) cohort: List<(u8, Name)>,
}

/// One that was found: the meaning, where (span, metadata, resource) with the rank of the name, and the text.
type Hit<'t> = (BusinessField, (u8, usize), Cow<'t, str>);

/// As many as a span usually has lie on the stack.
type Hits<'t> = SmallVec<[Hit<'t>; 6]>;

/// What surrounds the spans of one resource.
#[derive(Debug)]
pub(super) struct ResourceContext<'t> {
    filter: &'t AttributeFilter,
    /// What the resource declares for all its spans.
    declared: Hits<'t>,
}

fn look<'t>(
    place: u8,
    attributes: &'t Attributes<'_>,
    filter: &AttributeFilter,
    hits: &mut Hits<'t>,
) {
    for pair in attributes.pairs() {
        let text = || declared::of_value(&pair.value);
        match pair.key {
            Ok(key) => found(place, &filter.business.by_key[key.number()], text, hits),
            Err(hash) => {
                let other = filter.of(hash, pair.name.as_bytes());
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
    filter: &'t AttributeFilter,
) -> ResourceContext<'t> {
    let mut declared = Hits::new();
    look(2, resource, filter, &mut declared);
    ResourceContext { filter, declared }
}

/// Reads the span's own attributes, then the JSON metadata on it, then what its resource declares.
pub(super) fn read<'t>(
    attributes: &'t Attributes<'_>,
    metadata: &Entries<'_>,
    around: &ResourceContext<'t>,
    names: &NameInterners,
) -> BusinessContext {
    let mut hits: Hits<'_> = around.declared.iter().cloned().collect();
    look(0, attributes, around.filter, &mut hits);
    for (path, value) in metadata {
        let meanings = around.filter.business.meanings(path);
        found(1, &meanings, || declared::of_json(value), &mut hits);
    }
    hits.sort_by_key(|hit| (hit.0, hit.1));
    let mut context = BusinessContext::default();
    let mut currency = None;
    for (meaning, _, text) in hits {
        match meaning {
            BusinessField::Tenant if declared::is_id(&text) => {
                context.tenant.get_or_insert_with(|| names.id(&text));
            }
            BusinessField::Tenant => {}
            BusinessField::Intent => {
                context.intent.get_or_insert_with(|| cohort(&text, names));
            }
            // It comes before the values.
            BusinessField::Currency => currency = currency.or(Some(text.into_owned())),
            BusinessField::Value | BusinessField::Dollars => {
                let amount = text.trim().parse().ok();
                let amount = amount.filter(|amount| (0.0..=MAX_AMOUNT).contains(amount));
                context.has_invalid_value |= amount.is_none();
                context.value = context.value.or_else(|| {
                    Some(DeclaredAmount {
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
                    context.cohort.push((number, cohort(&text, names)));
                }
            }
        }
    }
    context
}

/// A cohort is a short word, never a text.
fn cohort(text: &str, names: &NameInterners) -> Name {
    names.cohorts.of(text, |text| {
        let text = trimmed(text);
        if text.len() > MAX_COHORT_BYTES || text.bytes().any(|b| matches!(b, b'\n' | b'\r')) {
            return OTHER.into();
        }
        names.name(text)
    })
}
