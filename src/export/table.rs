//! Metric families as tables for people.

use super::summary::Summary;
use crate::model::metric::{Family, Point};
use comfy_table::Table;

/// Families worth a table of their own, by the beginnings of their names, with their headings.
const TABLES: &[(&str, &str)] = &[
    ("Handoffs", "baton_handoffs_total"),
    ("Workflows", "baton_workflows_total"),
    ("Model calls", "baton_llm_calls_total"),
    ("Tokens", "baton_llm_tokens_total"),
    ("Money for models", "baton_llm_cost_"),
    ("Money for actions", "baton_action_cost_"),
    ("Tool calls", "baton_tool_calls_total"),
];

/// The summary first, then the counters behind it; series at 0 are left out.
pub fn write(families: &[Family]) -> String {
    let mut summary = Table::new();
    for (name, value) in Summary::of(families).lines() {
        summary.add_row([name.to_owned(), value]);
    }
    let mut text = format!("{summary}\n");
    for (heading, name) in TABLES {
        let Some(family) = families
            .iter()
            .find(|f| f.name.starts_with(name) && !f.series.is_empty())
        else {
            continue;
        };
        let mut table = Table::new();
        let labels = family.series.iter().take(1).flat_map(|s| &s.labels);
        let mut header: Vec<String> = labels.map(|(label, _)| label.to_string()).collect();
        header.push("count".into());
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
