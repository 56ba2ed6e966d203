//! What a model call cost.

use super::Source;
use crate::model::event::{Cost, ModelCall};
use crate::model::price::PriceBook;

/// Attributes that declare the cost of the call in US dollars.
const DECLARED: &[&str] = &[
    "gen_ai.usage.cost.total",
    "gen_ai.usage.cost.total_cost",
    "gen_ai.usage.cost",
    "gen_ai.usage.total_cost",
    "operation.cost",
    "llm.cost.total",
    "llm.usage.cost",
];

/// Parts of a declared cost that add up where there is no total.
const PARTS: &[(&str, &str)] = &[
    ("gen_ai.usage.cost.input", "gen_ai.usage.cost.output"),
    ("gen_ai.usage.input_cost", "gen_ai.usage.output_cost"),
    ("llm.cost.prompt", "llm.cost.completion"),
];

/// Declared on the span, else tokens times the catalogue.
pub(super) fn cost(source: &Source<'_>, call: &ModelCall, prices: &PriceBook) -> Cost {
    if let Cost::Declared(_) = call.cost {
        return call.cost;
    }
    let attributes = source.attributes();
    let total = DECLARED.iter().find_map(|key| attributes.f64(key));
    let parts = PARTS.iter().find_map(|(input, output)| {
        let (input, output) = (attributes.f64(input), attributes.f64(output));
        (input.is_some() || output.is_some()).then(|| input.unwrap_or(0.0) + output.unwrap_or(0.0))
    });
    if let Some(usd) = total.or(parts).filter(|usd| *usd >= 0.0) {
        return Cost::Declared(usd);
    }
    let Some(usage) = &call.usage else {
        return Cost::Unknown;
    };
    // The model that answered is what is billed; its full name may be priced apart.
    let answered = attributes.first_str(&[
        "gen_ai.response.model",
        "llm.response.model_name",
        "ai.response.model",
    ]);
    let provider = call.provider.as_deref();
    answered
        .into_iter()
        .chain(call.model.as_deref())
        .find_map(|model| prices.cost(provider, model, usage, source.span.start))
        .map_or(Cost::Unpriced, Cost::Computed)
}
