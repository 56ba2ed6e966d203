//! Cost of a model call and value of a transaction, in the configured currency.

use super::{SpanReader, topics};
use crate::model::Name;
use crate::model::event::{Cost, ModelCall};
use crate::model::money::{self, DOLLAR, MAX_AMOUNT, Money};
use crate::model::price::PriceBook;
use crate::otlp::attribute_key::AttributeKey;
use crate::otlp::view::Attributes;

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

/// Declared on the span, else tokens times the catalogue; and the currency of a declared cost that has no rate.
pub(super) fn cost(
    source: &SpanReader<'_>,
    call: &ModelCall,
    prices: &PriceBook,
) -> (Cost, Option<Name>) {
    let attributes = source.attributes();
    let money = &source.context.settings.money;
    let by_dialect = match call.cost {
        Cost::Declared(amount) => valid(amount),
        _ => None,
    };
    let mut unconverted = None;
    if let Some(amount) = by_dialect.or_else(|| declared(attributes)) {
        let currency = attributes
            .first_str(topics::COST_CURRENCY)
            .unwrap_or(DOLLAR);
        match converted(amount, currency, money) {
            Ok(amount) => return (Cost::Declared(amount), None),
            Err(currency) => unconverted = Some(currency),
        }
    }
    (computed(source, call, prices, money), unconverted)
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

/// The total, else its parts.
fn declared(attributes: &Attributes<'_>) -> Option<f64> {
    let amount = |key: &AttributeKey| attributes.f64(*key).and_then(valid);
    let total = topics::COST.iter().find_map(amount);
    total.or_else(|| {
        parts().find_map(|(input, output)| {
            let (input, output) = (amount(input), amount(output));
            let some = input.is_some() || output.is_some();
            some.then(|| input.unwrap_or(0.0) + output.unwrap_or(0.0))
        })
    })
}

/// What is no amount of money declares none.
fn valid(amount: f64) -> Option<f64> {
    (0.0..=MAX_AMOUNT).contains(&amount).then_some(amount)
}

fn computed(source: &SpanReader<'_>, call: &ModelCall, prices: &PriceBook, money: &Money) -> Cost {
    let Some(usage) = &call.usage else {
        return Cost::Unknown;
    };
    // The model that answered is what is billed; its full name may be priced apart.
    let answered = source.attributes().first_str(topics::ANSWERING_MODEL);
    let provider = call.provider.as_deref();
    let dollars = answered
        .into_iter()
        .chain(call.model.as_deref())
        .find_map(|model| prices.cost(provider, model, usage, source.span.start));
    let worth = dollars.zip(money.rate(DOLLAR));
    worth.map_or(Cost::Unpriced, |(usd, rate)| Cost::Computed(usd * rate))
}
