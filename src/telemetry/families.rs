//! What the recorder holds, as metric families. `metrics-exporter-prometheus` gives its values as text 0.0.4 only: the samples are
//! read from it, and the catalogue says all else.

use crate::catalogue::{Description, INTERNAL, InternalMetric};
use crate::model::metric::{Family, FamilyKind, Point, Series};
use crate::model::time::Timestamp;

/// The families of the samples of a text, in the order of the catalogue, their series in the order of their labels.
pub(super) fn of_text(text: &str, start: Timestamp) -> Vec<Family> {
    let mut families: Vec<Family> = INTERNAL.iter().map(without_series).collect();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let Some((name, values, value)) = sample(line) else {
            continue;
        };
        let place = INTERNAL.iter().position(|known| known.name == name);
        let Some((description, family)) = place.map(|at| (&INTERNAL[at], &mut families[at])) else {
            debug_assert!(false, "{name} is not in the catalogue");
            continue;
        };
        family
            .series
            .push(series(description, values, value, start));
    }
    families.retain(|family| !family.series.is_empty());
    for family in &mut families {
        family.series.sort_by(|a, b| a.labels.cmp(&b.labels));
    }
    families
}

fn without_series(description: &Description<InternalMetric>) -> Family {
    Family {
        name: description.name.into(),
        help: description.help,
        kind: description.kind,
        unit: description.unit.into(),
        series: Vec::new(),
    }
}

fn series(
    description: &Description<InternalMetric>,
    values: Vec<String>,
    value: f64,
    start: Timestamp,
) -> Series {
    let names = description.labels.iter();
    Series {
        expired: false,
        labels: names.map(|name| (*name).into()).zip(values).collect(),
        point: match description.kind {
            FamilyKind::Counter => Point::Counter {
                value,
                exemplar: None,
            },
            _ => Point::Gauge(value),
        },
        start,
    }
}

/// The name, the label values and the value of a line of text 0.0.4.
fn sample(line: &str) -> Option<(&str, Vec<String>, f64)> {
    let end = line.find(['{', ' '])?;
    let (name, mut rest) = line.split_at(end);
    let mut values = Vec::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        while let Some((_, more)) = rest.split_once("=\"") {
            let (value, after) = unquoted(more)?;
            values.push(value);
            rest = after;
        }
        rest = rest.strip_prefix('}')?;
    }
    Some((name, values, rest.trim().parse().ok()?))
}

/// A label value up to its closing quote, and what follows.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(match letters.next()?.1 {
                'n' => '\n',
                other => other,
            }),
            letter => value.push(letter),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::{Telemetry, counter, gauge};

    #[test]
    fn values_come_back_as_families_of_the_catalogue() {
        let start = Timestamp(7);
        let telemetry = Telemetry::new(start);
        telemetry.register(|| {
            counter(InternalMetric::ConnectionsClosed, &["http", "a\"b\\c\nd"]).increment(3);
            counter(InternalMetric::ConnectionsClosed, &["grpc", "z"])
                .increment(u64::from(u32::MAX));
            gauge(InternalMetric::LogBytes, &[]).set(0.5);
            gauge(InternalMetric::VolumeFreeBytes, &[]).set(f64::INFINITY);
        });
        let families = telemetry.families();
        let names: Vec<&str> = families.iter().map(|family| &*family.name).collect();
        assert_eq!(
            names,
            [
                "baton_build_info",
                "baton_connections_closed_total",
                "baton_log_bytes",
                "baton_volume_free_bytes"
            ],
            "in the order of the catalogue"
        );
        let description = InternalMetric::ConnectionsClosed.description();
        let closed = &families[1];
        assert_eq!(
            (closed.help, closed.kind),
            (description.help, FamilyKind::Counter)
        );
        let labels = |series: &Series| {
            series
                .labels
                .iter()
                .map(|(n, v)| format!("{n}={v}"))
                .collect::<Vec<_>>()
        };
        assert_eq!(labels(&closed.series[0]), ["listener=grpc", "reason=z"]);
        assert_eq!(
            labels(&closed.series[1]),
            ["listener=http", "reason=a\"b\\c\nd"]
        );
        assert_eq!(closed.series[1].start, start);
        let counted = Point::Counter {
            value: 4_294_967_295.0,
            exemplar: None,
        };
        assert_eq!(closed.series[0].point, counted);
        assert_eq!(families[2].series[0].point, Point::Gauge(0.5));
        assert_eq!(&*families[2].unit, "bytes");
        assert_eq!(families[3].series[0].point, Point::Gauge(f64::INFINITY));
    }
}
