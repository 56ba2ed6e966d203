//! Baton's own metrics in OpenMetrics format, because `metrics-exporter-prometheus` only writes text 0.0.4.

use super::prometheus::Format;

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
