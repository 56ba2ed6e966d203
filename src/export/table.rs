//! Metric families as tables for people.

use super::key_figures::{KeyFigures, find};
use crate::catalogue::Metric;
use crate::model::metric::{Family, Point};
use comfy_table::Table;

/// Metrics worth a table of their own, with their headings.
const TABLES: &[(&str, Metric)] = &[
    ("Handoffs", Metric::Handoffs),
    ("Workflows", Metric::Workflows),
    ("Outcomes corrected later", Metric::Corrections),
    ("Model calls", Metric::LlmCalls),
    ("Tokens", Metric::LlmTokens),
    ("Money for models", Metric::LlmCost),
    ("Money for actions", Metric::ActionCost),
    ("Tool calls", Metric::ToolCalls),
];

/// The key figures first, then the counters behind them; series at 0 are left out. Money is in this currency.
pub fn write(families: &[Family], currency: &str) -> String {
    let mut figures = Table::new();
    for (name, value) in KeyFigures::of(families, currency).lines() {
        figures.add_row([name.to_owned(), value]);
    }
    let mut text = format!("{figures}\n");
    for (heading, metric) in TABLES {
        let family = find(families, *metric, currency);
        let Some(family) = family.filter(|family| !family.series.is_empty()) else {
            continue;
        };
        let mut table = Table::new();
        let labels = family.series.iter().take(1).flat_map(|s| &s.labels);
        let mut header: Vec<String> = labels.map(|(label, _)| label.to_string()).collect();
        // An amount of money is no count.
        let is_money = !family.unit.is_empty();
        header.push(if is_money { "amount" } else { "count" }.into());
        table.set_header(header);
        for series in &family.series {
            let Point::Counter { value, .. } = series.point else {
                continue;
            };
            if value > 0.0 {
                let mut row: Vec<String> = series.labels.iter().map(|(_, v)| v.clone()).collect();
                row.push(value.to_string());
                table.add_row(row);
            }
        }
        let unit = match &*family.unit {
            "" => String::new(),
            unit => format!(" ({})", unit.to_ascii_uppercase()),
        };
        text.push_str(&format!("\n{heading}{unit}\n{table}\n"));
    }
    text
}
