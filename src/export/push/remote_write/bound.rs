//! The bound of a bucket as the label `le`.

/// Numbers with more digits before the point than this have an exponent.
const LONGEST: i32 = 6;

/// The bound as Prometheus 3 writes it, whatever it was scraped as: the shortest digits in Go's format `g`, and at least one after the point.
/// A series that is pushed is then the same as one that is scraped.
pub(super) fn le(bound: f64) -> String {
    if bound == f64::INFINITY {
        return "+Inf".into();
    }
    let scientific = format!("{bound:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..LONGEST).contains(&exponent) {
        return format!("{bound:?}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::le;

    /// The texts are those of Go's `strconv.FormatFloat(bound, 'g', -1, 64)`, with `.0` where there is neither a point nor an exponent.
    #[test]
    fn bounds_are_written_as_prometheus_writes_them() {
        for (bound, expected) in [
            (1.0, "1.0"),
            (0.5, "0.5"),
            (0.0, "0.0"),
            (-1.0, "-1.0"),
            (999_999.0, "999999.0"),
            (1e6, "1e+06"),
            (1_234_567.0, "1.234567e+06"),
            (12_345_678.5, "1.23456785e+07"),
            (1e21, "1e+21"),
            (0.0001, "0.0001"),
            (0.000_01, "1e-05"),
            (2.5e-7, "2.5e-07"),
            (1e100, "1e+100"),
            (f64::INFINITY, "+Inf"),
        ] {
            assert_eq!(le(bound), expected, "{bound}");
        }
    }
}
