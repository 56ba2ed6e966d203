//! Prometheus text 0.0.4 and OpenMetrics 1.0. Written here because prometheus-client has neither start timestamps nor text 0.0.4.

use super::format::ScrapeFormat;
use crate::model::metric::{Bucket, Exemplar, Family, FamilyKind, Histogram, Point, Series};
use std::fmt::{self, Display, Formatter, Write};

/// Writes all families that have series.
pub fn write(families: &[Family], format: ScrapeFormat) -> String {
    let mut text = String::new();
    for family in families.iter().filter(|f| !f.series.is_empty()) {
        write_family(&mut text, family, format);
    }
    if format != ScrapeFormat::Text {
        text.push_str("# EOF\n");
    }
    text
}

/// Writing to a `String` does not fail.
macro_rules! line {
    ($text:expr, $($arg:tt)*) => {{
        let _ = writeln!($text, $($arg)*);
    }};
}

fn write_family(text: &mut String, family: &Family, format: ScrapeFormat) {
    let open = format != ScrapeFormat::Text;
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
                line!(text, "{name}{braces} {}{exemplar}", NumberText(*value));
            }
            Point::Gauge(value) => line!(text, "{name}{braces} {}", NumberText(*value)),
            Point::Histogram(histogram) => {
                write_histogram(text, name, &labels, histogram, &bounds, open);
            }
        }
        if format == (ScrapeFormat::OpenMetrics { created: true })
            && family.kind != FamilyKind::Gauge
        {
            let created = NumberText(series.start.as_seconds());
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
    line!(text, "{name}_sum{braces} {}", NumberText(histogram.sum));
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
        NumberText(value).to_string()
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
        let (value, at) = (NumberText(*value), NumberText(at.as_seconds()));
        write!(f, " # {{trace_id=\"{trace}\"}} {value} {at}")
    }
}

/// A number as both formats want it.
struct NumberText(f64);

impl Display for NumberText {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            value if value.is_nan() => f.write_str("NaN"),
            f64::INFINITY => f.write_str("+Inf"),
            f64::NEG_INFINITY => f.write_str("-Inf"),
            value => write!(f, "{value}"),
        }
    }
}
