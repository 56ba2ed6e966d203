//! Prometheus text 0.0.4 and OpenMetrics 1.0. Written here because prometheus-client has neither start timestamps nor text 0.0.4.

use crate::model::metric::{Bucket, Exemplar, Family, FamilyKind, Histogram, Point, Series};
use std::fmt::{self, Display, Formatter, Write};

/// The formats of a scrape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Text,
    OpenMetrics {
        /// Whether to write `_created` lines.
        created: bool,
    },
    /// See [`super::protobuf`].
    Protobuf,
}

impl Format {
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics { .. } => {
                "application/openmetrics-text; version=1.0.0; charset=utf-8"
            }
            Self::Protobuf => {
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
            }
        }
    }

    /// What an `Accept` header prefers, by its q-values; of equal ones that which says most. Text where it asks for nothing that
    /// is known.
    pub fn negotiate(accept: &str, created: bool) -> Self {
        let known = |range: &str| {
            let mut parts = range.split(';').map(str::trim);
            let media = parts.next()?.to_ascii_lowercase();
            let parameters: Vec<(&str, &str)> = parts.filter_map(|p| p.split_once('=')).collect();
            let parameter = |name: &str| {
                let found = parameters.iter().find(|(key, _)| *key == name);
                found.map(|(_, value)| value.trim_matches('"'))
            };
            let format = match media.as_str() {
                "application/vnd.google.protobuf" => {
                    let asked = (parameter("proto"), parameter("encoding"));
                    let ours = (Some("io.prometheus.client.MetricFamily"), Some("delimited"));
                    (asked == ours).then_some(Self::Protobuf)?
                }
                "application/openmetrics-text" => Self::OpenMetrics { created },
                "text/plain" | "text/*" => Self::Text,
                _ => return None,
            };
            let quality = parameter("q").and_then(|q| q.parse::<f64>().ok());
            Some((quality.unwrap_or(1.0), format))
        };
        let richness = |format: Self| match format {
            Self::Text => 0,
            Self::OpenMetrics { .. } => 1,
            Self::Protobuf => 2,
        };
        let asked = accept.split(',').filter_map(known);
        let best = asked.filter(|(quality, _)| *quality > 0.0).max_by(|a, b| {
            let by_quality = a.0.total_cmp(&b.0);
            by_quality.then(richness(a.1).cmp(&richness(b.1)))
        });
        best.map_or(Self::Text, |(_, format)| format)
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
    let bounds = family.series.first().map(|series| bounds_of(series, open));
    let bounds = bounds.unwrap_or_default();
    let mut labels = String::new();
    for series in &family.series {
        labels.clear();
        put_labels(&mut labels, series);
        let braces = Braces(&labels);
        match &series.point {
            Point::Counter { value, exemplar } => {
                let exemplar = Marked(exemplar.as_ref().filter(|_| open));
                line!(text, "{name}{braces} {}{exemplar}", Number(*value));
            }
            Point::Gauge(value) => line!(text, "{name}{braces} {}", Number(*value)),
            Point::Histogram(histogram) => {
                write_histogram(text, name, &labels, histogram, &bounds, open);
            }
        }
        if format == (Format::OpenMetrics { created: true }) && family.kind != FamilyKind::Gauge {
            let created = Number(series.start.as_seconds());
            line!(text, "{stem}_created{braces} {created}");
        }
    }
}

fn write_histogram(
    text: &mut String,
    name: &str,
    labels: &str,
    histogram: &Histogram,
    bounds: &[String],
    open: bool,
) {
    let comma = if labels.is_empty() { "" } else { "," };
    let mut total = 0;
    for (bound, Bucket { count, exemplar }) in bounds.iter().zip(&histogram.buckets) {
        total += count;
        let exemplar = Marked(exemplar.as_ref().filter(|_| open));
        line!(
            text,
            "{name}_bucket{{{labels}{comma}le=\"{bound}\"}} {total}{exemplar}"
        );
    }
    let braces = Braces(labels);
    line!(text, "{name}_sum{braces} {}", Number(histogram.sum));
    line!(text, "{name}_count{braces} {total}");
}

fn put_labels(text: &mut String, series: &Series) {
    for (name, value) in &series.labels {
        let comma = if text.is_empty() { "" } else { "," };
        let _ = write!(text, "{comma}{name}=\"");
        for letter in value.chars() {
            match letter {
                '\\' => text.push_str("\\\\"),
                '"' => text.push_str("\\\""),
                '\n' => text.push_str("\\n"),
                letter => text.push(letter),
            }
        }
        text.push('"');
    }
}

/// The bounds of a histogram's buckets as their labels say them. All series of a family have the same.
fn bounds_of(series: &Series, open: bool) -> Vec<String> {
    let Point::Histogram(histogram) = &series.point else {
        return Vec::new();
    };
    let bounds = histogram.bounds.iter().map(|b| bound(*b, open));
    bounds.chain(["+Inf".to_owned()]).collect()
}

/// OpenMetrics wants canonical floats as bounds: `1.0`, not `1`.
fn bound(value: f64, open: bool) -> String {
    if open {
        format!("{value:?}")
    } else {
        Number(value).to_string()
    }
}

/// Labels in braces, where there are any.
struct Braces<'a>(&'a str);

impl Display for Braces<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            "" => Ok(()),
            labels => write!(f, "{{{labels}}}"),
        }
    }
}

/// An exemplar behind its value.
struct Marked<'a>(Option<&'a Exemplar>);

impl Display for Marked<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Some(Exemplar { trace, value, at }) = self.0 else {
            return Ok(());
        };
        let (value, at) = (Number(*value), Number(at.as_seconds()));
        write!(f, " # {{trace_id=\"{trace}\"}} {value} {at}")
    }
}

/// A number as both formats want it.
struct Number(f64);

impl Display for Number {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            value if value.is_nan() => f.write_str("NaN"),
            f64::INFINITY => f.write_str("+Inf"),
            f64::NEG_INFINITY => f.write_str("-Inf"),
            value => write!(f, "{value}"),
        }
    }
}
