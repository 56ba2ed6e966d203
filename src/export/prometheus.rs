//! Prometheus text 0.0.4 and OpenMetrics 1.0. Written here because prometheus-client has neither start timestamps nor text 0.0.4.

use crate::model::metric::{Bucket, Exemplar, Family, FamilyKind, Histogram, Point, Series};
use std::fmt::Write;

/// The two text formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Text,
    OpenMetrics {
        /// Whether to write `_created` lines.
        created: bool,
    },
}

impl Format {
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics { .. } => {
                "application/openmetrics-text; version=1.0.0; charset=utf-8"
            }
        }
    }

    /// What an `Accept` header asks for; text where it does not prefer OpenMetrics.
    pub fn negotiate(accept: &str, created: bool) -> Self {
        let quality = |wanted: &[&str]| {
            accept
                .split(',')
                .filter_map(|range| {
                    let mut parts = range.split(';').map(str::trim);
                    let media = parts.next()?.to_ascii_lowercase();
                    let q = parts.find_map(|p| p.strip_prefix("q=")?.parse::<f64>().ok());
                    wanted.contains(&media.as_str()).then_some(q.unwrap_or(1.0))
                })
                .fold(0.0, f64::max)
        };
        let open = quality(&["application/openmetrics-text"]);
        let text = quality(&["text/plain", "text/*"]);
        if open > 0.0 && open >= text {
            Self::OpenMetrics { created }
        } else {
            Self::Text
        }
    }
}

/// Writes families without the end mark of OpenMetrics, so that more may follow.
pub fn write(families: &[Family], format: Format) -> String {
    let mut text = String::new();
    for family in families.iter().filter(|f| !f.series.is_empty()) {
        write_family(&mut text, family, format);
    }
    text
}

/// Writing to a `String` does not fail.
macro_rules! line {
    ($text:expr, $($arg:tt)*) => {{
        let _ = writeln!($text, $($arg)*);
    }};
}

fn write_family(text: &mut String, family: &Family, format: Format) {
    let open = format != Format::Text;
    let name = &*family.name;
    let stem = name.strip_suffix("_total").unwrap_or(name);
    let head = if open { stem } else { name };
    let kind = match family.kind {
        FamilyKind::Counter => "counter",
        FamilyKind::Gauge => "gauge",
        FamilyKind::Histogram => "histogram",
    };
    line!(
        text,
        "# HELP {head} {}",
        family.help.replace('\\', "\\\\").replace('\n', "\\n")
    );
    line!(text, "# TYPE {head} {kind}");
    // OpenMetrics wants a unit to end the name.
    if open && !family.unit.is_empty() && stem.ends_with(&*family.unit) {
        line!(text, "# UNIT {head} {}", family.unit);
    }
    for series in &family.series {
        let labels = labels_of(series);
        match &series.point {
            Point::Counter { value, exemplar } => {
                let exemplar = exemplar_of(exemplar.as_ref(), open);
                line!(
                    text,
                    "{}{} {}{exemplar}",
                    name,
                    braces(&labels),
                    number(*value)
                );
            }
            Point::Gauge(value) => line!(text, "{}{} {}", name, braces(&labels), number(*value)),
            Point::Histogram(histogram) => write_histogram(text, name, &labels, histogram, open),
        }
        if format == (Format::OpenMetrics { created: true }) && family.kind != FamilyKind::Gauge {
            line!(
                text,
                "{stem}_created{} {}",
                braces(&labels),
                number(series.start.as_seconds())
            );
        }
    }
}

fn write_histogram(text: &mut String, name: &str, labels: &str, histogram: &Histogram, open: bool) {
    let comma = if labels.is_empty() { "" } else { "," };
    let mut total = 0;
    let bounds = histogram
        .bounds
        .iter()
        .map(|b| bound(*b, open))
        .chain(["+Inf".to_owned()]);
    for (bound, Bucket { count, exemplar }) in bounds.zip(&histogram.buckets) {
        total += count;
        let exemplar = exemplar_of(exemplar.as_ref(), open);
        line!(
            text,
            "{name}_bucket{{{labels}{comma}le=\"{bound}\"}} {total}{exemplar}"
        );
    }
    line!(
        text,
        "{name}_sum{} {}",
        braces(labels),
        number(histogram.sum)
    );
    line!(text, "{name}_count{} {total}", braces(labels));
}

fn labels_of(series: &Series) -> String {
    let pairs: Vec<String> = series
        .labels
        .iter()
        .map(|(name, value)| format!("{name}=\"{}\"", escape(value)))
        .collect();
    pairs.join(",")
}

fn braces(labels: &str) -> String {
    if labels.is_empty() {
        String::new()
    } else {
        format!("{{{labels}}}")
    }
}

fn escape(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

fn exemplar_of(exemplar: Option<&Exemplar>, open: bool) -> String {
    match exemplar {
        Some(e) if open => format!(
            " # {{trace_id=\"{}\"}} {} {}",
            e.trace,
            number(e.value),
            number(e.at.as_seconds())
        ),
        _ => String::new(),
    }
}

fn number(value: f64) -> String {
    if value.is_nan() {
        "NaN".into()
    } else if value.is_infinite() {
        if value > 0.0 {
            "+Inf".into()
        } else {
            "-Inf".into()
        }
    } else {
        value.to_string()
    }
}

/// OpenMetrics wants canonical floats as bounds: `1.0`, not `1`.
fn bound(value: f64, open: bool) -> String {
    if open {
        format!("{value:?}")
    } else {
        number(value)
    }
}
