//! The price catalogue as a file.

use crate::model::price::{Price, PriceBook};
use crate::model::time::Timestamp;
use serde::Deserialize;

const BUILT_IN: &str = include_str!("../../config/prices.yaml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    prices: Vec<Line>,
}

/// One price, US dollars per million tokens.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    provider: String,
    model: String,
    /// `YYYY-MM-DD`; absent: always.
    from: Option<String>,
    input: f64,
    output: f64,
    cache_read: Option<f64>,
    cache_write: Option<f64>,
    reasoning: Option<f64>,
}

/// The catalogue that Baton comes with.
pub fn built_in() -> PriceBook {
    match of_text(BUILT_IN) {
        Ok(book) => book,
        Err(what) => unreachable!("config/prices.yaml is tested: {what}"),
    }
}

/// Reads a catalogue.
///
/// # Errors
/// What is wrong, with the place.
pub fn of_text(text: &str) -> Result<PriceBook, String> {
    let file: File = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
    let prices: Result<Vec<Price>, String> = file.prices.into_iter().map(price).collect();
    prices.map(PriceBook::new)
}

fn price(line: Line) -> Result<Price, String> {
    let from = match &line.from {
        None => Timestamp::default(),
        Some(text) => {
            let start = format!("{text}T00:00:00Z").parse::<jiff::Timestamp>();
            let start = start.map_err(|_| format!("{}: from is not a date: {text}", line.model))?;
            let nanos = u64::try_from(start.as_nanosecond());
            Timestamp(nanos.map_err(|_| format!("{}: from lies before 1970", line.model))?)
        }
    };
    let amounts = [
        Some(line.input),
        Some(line.output),
        line.cache_read,
        line.cache_write,
        line.reasoning,
    ];
    if amounts
        .into_iter()
        .flatten()
        .any(|usd| !usd.is_finite() || usd < 0.0)
    {
        return Err(format!("{}: a price is negative or no number", line.model));
    }
    Ok(Price {
        provider: line.provider.to_lowercase(),
        model: line.model.to_lowercase(),
        from,
        input: line.input,
        output: line.output,
        cache_read: line.cache_read,
        cache_write: line.cache_write,
        reasoning: line.reasoning,
    })
}
