//! Metrics as plain text, to be compared.

use baton::model::metric::{Family, Point};
use std::collections::BTreeMap;

/// Each series by name and labels; what a crash may change (retries are duplicates, and start times) is left out.
pub type Figures = BTreeMap<String, String>;

/// The values of counters and the counts of histograms, by name and labels.
pub fn growing(families: &[Family]) -> Vec<(String, f64)> {
    let series = families.iter().flat_map(|family| {
        let name = &family.name;
        family.series.iter().filter_map(move |series| {
            let value = match &series.point {
                Point::Counter { value, .. } => *value,
                Point::Histogram(histogram) => {
                    histogram.buckets.iter().map(|b| b.count).sum::<u64>() as f64
                }
                Point::Gauge(_) => return None,
            };
            Some((format!("{name} {:?}", series.labels), value))
        })
    });
    series.collect()
}

pub fn figures(families: &[Family]) -> Figures {
    let mut figures = Figures::new();
    for family in families {
        if family.name == "baton_duplicate_events_total" {
            continue;
        }
        for series in &family.series {
            let point = match &series.point {
                Point::Gauge(level) => format!("{level}"),
                other => format!("{other:?}"),
            };
            figures.insert(format!("{} {:?}", family.name, series.labels), point);
        }
    }
    figures
}

/// The series that differ.
pub fn difference(one: &Figures, other: &Figures) -> String {
    let names = one.keys().chain(other.keys());
    let mut lines: Vec<String> = names
        .filter(|name| one.get(*name) != other.get(*name))
        .map(|name| format!("{name}\n  {:?}\n  {:?}", one.get(name), other.get(name)))
        .collect();
    lines.sort();
    lines.dedup();
    lines.join("\n")
}
