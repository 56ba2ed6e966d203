//! The price catalog as a file.

use super::written::Written;
use super::{ConfigFault, annotate, load};
use crate::model::price::{Price, PriceBook};
use crate::model::time::Timestamp;
use crate::setting::key_path;
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::{Arc, LazyLock};

const BUILT_IN: &str = include_str!("../../config/prices.yaml");

#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CatalogFile {
    /// Prices, as in `{provider: openai, model: gpt-4o, input: 2.5, output: 10}`.
    prices: Vec<CatalogLine>,
}

/// One price, US dollars per million tokens.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CatalogLine {
    provider: String,
    model: String,
    /// The first day, as in `2026-01-31`; absent: always.
    from: Option<String>,
    input: f64,
    output: f64,
    cache_read: Option<f64>,
    cache_write: Option<f64>,
    reasoning: Option<f64>,
}

/// The built-in catalog, read once.
static BUILT_IN_BOOK: LazyLock<Arc<PriceBook>> = LazyLock::new(|| match of_text(BUILT_IN) {
    Ok(book) => Arc::new(book),
    Err(faults) => unreachable!("config/prices.yaml is tested: {faults:?}"),
});

/// The catalog that Baton comes with.
pub fn built_in() -> Arc<PriceBook> {
    Arc::clone(&BUILT_IN_BOOK)
}

/// Reads a catalogue.
///
/// # Errors
/// All faults, in the order of the file.
pub fn of_text(text: &str) -> Result<PriceBook, Vec<ConfigFault>> {
    let schema = annotate::schema_of::<CatalogFile>();
    let read = load::read::<CatalogFile>(text, &schema, None).map_err(|fault| vec![fault])?;
    let mut faults = read.faults;
    let lines = read.value.prices.into_iter().enumerate();
    let prices =
        lines.map(|(i, line)| price(&key_path("prices", i), line, &read.written, &mut faults));
    let prices: Vec<Price> = prices.collect();
    if faults.is_empty() {
        return Ok(PriceBook::new(prices));
    }
    faults.sort_by_key(|fault| (fault.line, fault.column));
    Err(faults)
}

fn price(path: &str, line: CatalogLine, written: &Written, faults: &mut Vec<ConfigFault>) -> Price {
    let mut fault = |key: &str, what: &str| {
        let path = key_path(path, key);
        if !written.is_faulty(&path) {
            faults.push(ConfigFault::at(written.place(&path), &path, what.into()));
        }
    };
    let mut from = Timestamp::default();
    if let Some(text) = &line.from {
        let start = format!("{text}T00:00:00Z").parse::<jiff::Timestamp>().ok();
        let nanos = start.map(|start| u64::try_from(start.as_nanosecond()));
        match nanos {
            Some(Ok(nanos)) => from = Timestamp(nanos),
            Some(Err(_)) => fault("from", "expected a day after 1970"),
            None => fault("from", "expected a day such as 2026-01-31"),
        }
    }
    let amounts = [
        ("input", Some(line.input)),
        ("output", Some(line.output)),
        ("cache_read", line.cache_read),
        ("cache_write", line.cache_write),
        ("reasoning", line.reasoning),
    ];
    for (key, usd) in amounts {
        if usd.is_some_and(|usd| !usd.is_finite() || usd < 0.0) {
            fault(
                key,
                "expected a price of at least 0, found a negative number",
            );
        }
    }
    Price {
        provider: line.provider.to_lowercase(),
        model: line.model.to_lowercase(),
        from,
        input: line.input,
        output: line.output,
        cache_read: line.cache_read,
        cache_write: line.cache_write,
        reasoning: line.reasoning,
    }
}
