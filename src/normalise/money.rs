//! Cost of a model call and value of a transaction, in the configured currency.

use super::{SpanReader, json, topics};
use crate::model::Name;
use crate::model::event::{Cost, Usage};
use crate::model::money::{self, DOLLAR, MAX_AMOUNT, Money};
use crate::model::price::PriceBook;
use crate::otlp::attribute_key::AttributeKey;
use crate::otlp::view::{Attributes, Value};
use memchr::memmem;
use serde_json::Value as Json;

/// Parts of a declared cost that add up where there is no total.
pub(super) fn parts() -> impl Iterator<Item = (&'static AttributeKey, &'static AttributeKey)> {
    topics::INPUT_COST.iter().zip(topics::OUTPUT_COST)
}

/// The declared value of a transaction.
#[derive(Debug)]
pub(super) struct DeclaredAmount {
    pub(super) amount: f64,
    /// `None`: the span does not say.
    pub(super) currency: Option<String>,
}

/// What is billed: one call, or all calls of a run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bill<'b> {
    pub(super) provider: Option<&'b str>,
    pub(super) model: Option<&'b str>,
    pub(super) usage: Option<&'b Usage>,
    /// The amount that its dialect found.
    pub(super) amount: Option<f64>,
}

/// Declared on the span, else tokens times the catalogue; and the currency of a declared cost that has no rate.
pub(super) fn cost(
    source: &SpanReader<'_>,
    bill: Bill<'_>,
    prices: &PriceBook,
) -> (Cost, Option<Name>) {
    let attributes = source.attributes();
    let money = &source.context.settings.money;
    let by_dialect = bill.amount.and_then(valid);
    let by_dialect = by_dialect.map(|amount| (amount, None));
    let mut unconverted = None;
    let in_object = || in_objects(attributes).map(|amount| (amount, None));
    let by_attribute = || declared(attributes).or_else(in_object);
    if let Some((amount, currency)) = by_dialect.or_else(by_attribute) {
        let on_span = || attributes.first_str(topics::COST_CURRENCY);
        let currency = currency.as_deref().or_else(on_span).unwrap_or(DOLLAR);
        match converted(amount, currency, money) {
            Ok(amount) => return (Cost::Declared(amount), None),
            Err(currency) => unconverted = Some(currency),
        }
    }
    (computed(source, bill, prices, money), unconverted)
}

/// Whether a cost is declared by a number that is no amount of money. 0 is one that nobody knows (C-12).
pub(super) fn is_invalid(attributes: &Attributes<'_>) -> bool {
    let parts = parts().flat_map(|(input, output)| [input, output]);
    let mut declared = topics::COST.iter().chain(parts);
    declared.any(|key| {
        let amount = attributes.f64(*key);
        amount.is_some_and(|amount| amount != 0.0 && valid(amount).is_none())
    })
}

/// What a declared amount is worth, or the currency that has no rate.
fn converted(amount: f64, currency: &str, money: &Money) -> Result<f64, Name> {
    let rate = money.rate(currency.trim());
    rate.map(|rate| amount * rate)
        .ok_or_else(|| money::label(currency.trim()))
}

/// The value of a transaction. Without a currency it is the operator's own, as the attribute is.
pub(super) fn value(declared: DeclaredAmount, money: &Money) -> Result<f64, Name> {
    match &declared.currency {
        Some(currency) => converted(declared.amount, currency, money),
        None => Ok(declared.amount),
    }
}

/// The total, else its parts; and its currency, where it stands in the same object.
fn declared(attributes: &Attributes<'_>) -> Option<(f64, Option<String>)> {
    let amount = |key: &AttributeKey| attributes.f64(*key).and_then(valid);
    let total = topics::COST
        .iter()
        .find_map(|key| match attributes.get(*key)? {
            value @ (Value::Map(_) | Value::Str(_)) if amount(key).is_none() => of_object(value),
            _ => Some((amount(key)?, None)),
        });
    total.or_else(|| {
        parts().find_map(|(input, output)| {
            let (input, output) = (amount(input), amount(output));
            let sum = input.unwrap_or(0.0) + output.unwrap_or(0.0);
            valid(sum).map(|sum| (sum, None))
        })
    })
}

/// A cost that is an object: a total, or parts, maybe with a currency.
fn of_object(value: &Value<'_>) -> Option<(f64, Option<String>)> {
    let object = json::of_attribute(value)?;
    let currency = object.get("currency").and_then(Json::as_str);
    Some((total(&object)?, currency.map(str::to_owned)))
}

/// The cost that stands in an object beside other things: in usage, in what a gateway or a provider added.
fn in_objects(attributes: &Attributes<'_>) -> Option<f64> {
    let keys = topics::COST_OBJECT.iter().chain(topics::RAW_USAGE);
    let mut objects = keys.filter_map(|key| match attributes.get(*key)? {
        Value::Str(text) if memmem::find(text.as_bytes(), b"ost").is_none() => None,
        value => json::of_attribute(value),
    });
    objects.find_map(|object| beside(&object, 0))
}

/// A cost among other members of an object, of one that a provider has for itself in it, or of the usage in that.
fn beside(object: &Json, depth: usize) -> Option<f64> {
    const NAMES: &[&str] = &[
        "total_cost",
        "totalCost",
        "cost",
        "response_cost",
        "total_cost_usd",
    ];
    let members = object.as_object()?;
    let own = NAMES.iter().find_map(|name| amount(members.get(*name)?));
    let inside = || {
        let mut inner = members.values().filter(|_| depth < 2);
        inner.find_map(|inner| beside(inner, depth + 1))
    };
    own.or_else(inside)
}

/// The total of a cost object, else the sum of its parts.
pub(super) fn total(cost: &Json) -> Option<f64> {
    const TOTALS: &[&str] = &["total", "total_cost", "totalCost", "amount", "cost"];
    let named = TOTALS.iter().find_map(|name| amount(cost.get(*name)?));
    named.or_else(|| {
        let parts = cost.as_object()?.values().filter_map(amount);
        valid(parts.sum())
    })
}

/// An amount in JSON, also where it was written as a text.
fn amount(value: &Json) -> Option<f64> {
    let number = match value {
        Json::String(text) => text.trim().parse().ok(),
        value => value.as_f64(),
    };
    number.and_then(valid)
}

/// What is no amount of money declares none, and 0 is written where nobody knows the price (C-12).
fn valid(amount: f64) -> Option<f64> {
    (amount > 0.0 && amount <= MAX_AMOUNT).then_some(amount)
}

fn computed(source: &SpanReader<'_>, bill: Bill<'_>, prices: &PriceBook, money: &Money) -> Cost {
    let Some(usage) = bill.usage else {
        return Cost::Unknown;
    };
    let cost = |model: &str| prices.cost(bill.provider, model, usage, source.span.start);
    let dollars = billed_models(source, bill).find_map(cost);
    let worth = dollars.zip(money.rate(DOLLAR));
    worth.map_or(Cost::Unpriced, |(usd, rate)| Cost::Computed(usd * rate))
}

/// What caching saved by the price catalogue, also where the cost is declared (C-18).
pub(super) fn cache_savings(
    source: &SpanReader<'_>,
    bill: Bill<'_>,
    prices: &PriceBook,
) -> Option<f64> {
    let (usage, at) = (bill.usage?, source.span.start);
    let saved = |model: &str| prices.cache_savings(bill.provider, model, usage, at);
    let dollars = billed_models(source, bill).find_map(saved)?;
    Some(dollars * source.context.settings.money.rate(DOLLAR)?)
}

/// The model that answered is what is billed; its full name may be priced apart.
fn billed_models<'m>(source: &'m SpanReader<'_>, bill: Bill<'m>) -> impl Iterator<Item = &'m str> {
    let answered = source.attributes().first_str(topics::ANSWERING_MODEL);
    answered.into_iter().chain(bill.model)
}
