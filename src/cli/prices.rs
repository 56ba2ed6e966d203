//! `baton prices`.

use super::{Exit, complain, out};
use crate::clock::Clock;
use crate::config;
use crate::model::price::Price;
use comfy_table::Table;
use std::path::Path;

pub(super) fn prices(models: &[String], file: Option<&Path>) -> Exit {
    let book = match file {
        None => Ok(config::built_in_prices()),
        Some(file) => std::fs::read_to_string(file)
            .map_err(|error| format!("cannot be read: {error}"))
            .and_then(|text| config::prices_of_text(&text)),
    };
    let book = match book {
        Ok(book) => book,
        Err(what) => {
            complain(&format!(
                "{}: {what}",
                file.unwrap_or(Path::new("")).display()
            ));
            return Exit::Config;
        }
    };
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
    if models.is_empty() {
        for price in book.prices() {
            table.add_row(row("", Some(price)));
        }
    }
    let now = Clock::system().now();
    for model in models {
        table.add_row(row(model, book.find(None, model, now)));
    }
    out(&format!("US dollars per million tokens\n{table}\n"))
}

fn row(model: &str, price: Option<&Price>) -> Vec<String> {
    let Some(price) = price else {
        return vec![model.to_owned(), String::new(), "no price".into()];
    };
    let or = |usd: Option<f64>, other: f64| usd.unwrap_or(other).to_string();
    vec![
        model.to_owned(),
        price.provider.clone(),
        price.model.clone(),
        price.input.to_string(),
        price.output.to_string(),
        or(price.cache_read, price.input),
        or(price.cache_write, price.input),
        or(price.reasoning, price.output),
    ]
}
