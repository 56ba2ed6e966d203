//! Baton's own metrics in OpenMetrics format, because `metrics-exporter-prometheus` only writes text 0.0.4.

use super::prometheus::Format;
use super::protobuf::{self, COUNTER, GAUGE, LabelPair, Metric, MetricFamily, UNTYPED};

/// The text in the format asked for.
pub(super) fn rewrite(text: &str, format: Format) -> String {
    if format == Format::Text {
        return text.to_owned();
    }
    let mut open = String::with_capacity(text.len());
    for line in text.lines().filter(|line| !line.is_empty()) {
        match line
            .strip_prefix("# TYPE ")
            .or_else(|| line.strip_prefix("# HELP "))
        {
            // A counter's family is named without `_total`.
            Some(rest) => {
                let (name, more) = rest.split_once(' ').unwrap_or((rest, ""));
                let stem = name.strip_suffix("_total").unwrap_or(name);
                open.push_str(&line[..7]);
                open.push_str(stem);
                open.push(' ');
                open.push_str(more);
            }
            None => open.push_str(line),
        }
        open.push('\n');
    }
    open
}

/// The text as families of the protobuf format. What is neither a counter nor a gauge goes line by line, without a type.
pub(super) fn families(text: &str) -> Vec<MetricFamily> {
    let mut families: Vec<MetricFamily> = Vec::new();
    let (mut help, mut kind) = (("", ""), ("", ""));
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = rest.split_once(' ').unwrap_or((rest, ""));
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            kind = rest.split_once(' ').unwrap_or((rest, ""));
        } else if let Some((name, label, value)) = sample(line) {
            let kind = match kind {
                (of, "counter") if of == name => COUNTER,
                (of, "gauge") if of == name => GAUGE,
                _ => UNTYPED,
            };
            if families.last().is_none_or(|last| last.name != name) {
                families.push(MetricFamily {
                    name: name.to_owned(),
                    help: if help.0 == name { help.1 } else { "" }.to_owned(),
                    kind,
                    ..MetricFamily::default()
                });
            }
            if let Some(family) = families.last_mut() {
                family.metric.push(metric(kind, label, value));
            }
        }
    }
    families
}

fn metric(kind: i32, label: Vec<LabelPair>, value: f64) -> Metric {
    let number = protobuf::Value { value: Some(value) };
    let mut metric = Metric {
        label,
        ..Metric::default()
    };
    match kind {
        COUNTER => {
            metric.counter = Some(protobuf::Counter {
                value: Some(value),
                ..protobuf::Counter::default()
            });
        }
        GAUGE => metric.gauge = Some(number),
        _ => metric.untyped = Some(number),
    }
    metric
}

/// The name, labels and value of a line of text 0.0.4.
fn sample(line: &str) -> Option<(&str, Vec<LabelPair>, f64)> {
    let end = line.find(['{', ' '])?;
    let (name, mut rest) = line.split_at(end);
    let mut labels = Vec::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        while let Some((name, more)) = rest.split_once("=\"") {
            let (value, after) = unquoted(more)?;
            labels.push(LabelPair {
                name: name.trim_start_matches(',').to_owned(),
                value,
            });
            rest = after;
        }
        rest = rest.strip_prefix('}')?;
    }
    let value = rest.split_whitespace().next()?;
    Some((name, labels, value.parse().ok()?))
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
