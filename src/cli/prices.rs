//! `baton prices`.

use super::{Exit, PriceFormat, Prices, complain, out};
use crate::clock::Clock;
use crate::config;
use crate::model::price::{Price, PriceBook};
use comfy_table::Table;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

pub(super) fn prices(asked: &Prices) -> Exit {
    let book = match book(asked.file.as_deref()) {
        Ok(book) => book,
        Err(faults) => {
            faults.iter().for_each(|fault| complain(fault));
            return Exit::Config;
        }
    };
    let now = Clock::system().now();
    // Each model that was asked for with its price; without models, all prices.
    let rows: Vec<(&str, Option<&Price>)> = if asked.models.is_empty() {
        book.prices()
            .iter()
            .map(|price| ("", Some(price)))
            .collect()
    } else {
        let models = asked.models.iter();
        models
            .map(|model| (&**model, book.find(None, model, now)))
            .collect()
    };
    let printed = print(&rows, asked.format);
    let missing: Vec<&str> = rows
        .iter()
        .filter_map(|(model, price)| price.is_none().then_some(*model))
        .collect();
    if missing.is_empty() {
        return printed;
    }
    complain(&format!("baton: no price for {}", missing.join(", ")));
    Exit::Failed
}

fn print(rows: &[(&str, Option<&Price>)], format: PriceFormat) -> Exit {
    match format {
        PriceFormat::Text => out(&table(rows)),
        PriceFormat::Json => {
            let prices: Vec<Value> = rows
                .iter()
                .map(|(model, price)| in_json(model, *price))
                .collect();
            out(&format!(
                "{:#}\n",
                json!({"currency": "USD", "per_tokens": 1_000_000, "prices": prices})
            ))
        }
    }
}

fn book(file: Option<&Path>) -> Result<Arc<PriceBook>, Vec<String>> {
    let Some(file) = file else {
        return Ok(config::built_in_prices());
    };
    let name = file.display();
    let text = std::fs::read_to_string(file)
        .map_err(|error| vec![format!("{name}: cannot be read: {error}")])?;
    config::prices_of_text(&text)
        .map(Arc::new)
        .map_err(|faults| {
            faults
                .iter()
                .map(|fault| format!("{name}:{fault}"))
                .collect()
        })
}

/// The price of a token that has none of its own is that of input or output.
fn amounts(price: &Price) -> [(&'static str, f64); 5] {
    [
        ("input", price.input),
        ("output", price.output),
        ("cache_read", price.cache_read.unwrap_or(price.input)),
        ("cache_write", price.cache_write.unwrap_or(price.input)),
        ("reasoning", price.reasoning.unwrap_or(price.output)),
    ]
}

fn table(rows: &[(&str, Option<&Price>)]) -> String {
    let mut table = Table::new();
    table.set_header([
        "model",
        "provider",
        "pattern",
        "input",
        "output",
        "cache read",
        "cache write",
        "reasoning",
    ]);
    for (model, price) in rows {
        table.add_row(match price {
            None => vec![(*model).to_owned(), String::new(), "no price".into()],
            Some(price) => {
                let names = [*model, &price.provider, &price.model].map(str::to_owned);
                let amounts = amounts(price).map(|(_, usd)| usd.to_string());
                names.into_iter().chain(amounts).collect()
            }
        });
    }
    format!("US dollars per million tokens\n{table}\n")
}

/// `pattern` is what the model's name was found by; `null` where there is no price.
fn in_json(model: &str, price: Option<&Price>) -> Value {
    let mut line = json!({"pattern": price.map(|price| &price.model)});
    if !model.is_empty() {
        line["model"] = model.into();
    }
    if let Some(price) = price {
        line["provider"] = price.provider.clone().into();
        for (kind, usd) in amounts(price) {
            line[kind] = usd.into();
        }
    }
    line
}
