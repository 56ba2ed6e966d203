//! Metrics as plain numbers by name and labels.

use baton::model::metric::{Family, Point};
use std::collections::BTreeSet;

/// Each series by name and labels, its exemplars included. Left out: when series began, which is a time of arrival, and the count
/// of duplicates, which is about the way and not about the story.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures(pub BTreeSet<String>);

impl Figures {
    pub fn of(families: &[Family]) -> Self {
        let mut figures = BTreeSet::new();
        for family in families {
            if family.name == "baton_duplicate_events_total" {
                continue;
            }
            for series in &family.series {
                let labels: Vec<String> = series
                    .labels
                    .iter()
                    .filter(|(_, value)| !value.is_empty())
                    .map(|(key, value)| format!("{key}={value}"))
                    .collect();
                let (labels, point) = (labels.join(","), point(&series.point));
                figures.insert(format!("{}{{{labels}}} {point}", family.name));
            }
        }
        Self(figures)
    }
}

/// A point in one line, empty buckets left out.
fn point(point: &Point) -> String {
    match point {
        Point::Counter { value, exemplar } => format!("{value} {exemplar:?}"),
        Point::Gauge(level) => format!("{level}"),
        Point::Histogram(histogram) => {
            let buckets = histogram.buckets.iter().enumerate();
            let full: Vec<_> = buckets.filter(|(_, b)| b.count > 0).collect();
            format!("{} {full:?}", histogram.sum)
        }
    }
}

/// What only one of two tells.
pub fn difference<'t, L>(one: L, other: L) -> String
where
    L: IntoIterator<Item = &'t String> + Clone,
{
    let only = |sign, here: L, there: L| {
        let there: BTreeSet<&String> = there.into_iter().collect();
        let lines = here.into_iter().filter(move |line| !there.contains(line));
        lines.map(move |line| format!("{sign} {line}\n"))
    };
    let gone = only('-', one.clone(), other.clone());
    gone.chain(only('+', other, one)).collect()
}
