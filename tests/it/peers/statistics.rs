//! Intervals and adjusted p-values are those of scipy and statsmodels.

use super::root;
use baton::statistics::{ALPHA, Difference, Statistic, holm};
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Stdio};

/// Hits and cases of two periods.
const RATES: &[[u64; 4]] = &[
    [1616, 2412, 1432, 2375],
    [3, 40, 9, 35],
    [0, 25, 4, 30],
    [50, 50, 45, 50],
    [120_034, 250_000, 119_000, 250_100],
];
/// A value with its error and degrees of freedom.
const MEANS: &[[f64; 3]] = &[[0.95, 0.1, 511.0], [-3.0, 1.2, 9.0], [10.0, 5.0, 60.0]];
const P_VALUES: &[f64] = &[0.001, 0.04, 0.03, 0.2, 0.04, 0.9, 0.012];

/// Asks `statistics.py`.
fn expected(input: &Value) -> Value {
    let mut child = Command::new(root().join("target/peers/bin/python"))
        .arg(root().join("tests/it/peers/statistics_of.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python is there: run tests/run");
    let mut sink = child.stdin.take().expect("its input");
    sink.write_all(input.to_string().as_bytes())
        .expect("it reads");
    drop(sink);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn assert_near(found: &[f64], expected: &Value, what: &str) {
    let expected = expected.as_array().expect(what);
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        let expected = expected.as_f64().expect(what);
        let limit = 1e-9 * expected.abs().max(1.0);
        assert!(
            (found - expected).abs() < limit,
            "{what}: {found} instead of {expected}"
        );
    }
}

#[test]
fn intervals_are_those_of_scipy_and_statsmodels() {
    let answer =
        expected(&json!({"rates": RATES, "means": MEANS, "p_values": P_VALUES, "alpha": ALPHA}));
    for (place, [hits, cases, hits_before, cases_before]) in RATES.iter().enumerate() {
        let rate = |hits: u64, cases: u64| Statistic::Rate {
            share: hits as f64 / cases as f64,
            cases: cases as f64,
        };
        let (now, before) = (rate(*hits, *cases), rate(*hits_before, *cases_before));
        let (low, high) = now.interval(ALPHA);
        assert_near(&[low, high], &answer["wilson"][place], "Wilson");
        let (low, high) = Difference::new(&now, &before).interval(ALPHA);
        assert_near(&[low, high], &answer["newcombe"][place], "Newcombe");
    }
    for (place, [value, error, freedom]) in MEANS.iter().enumerate() {
        let mean = Statistic::Linear {
            value: *value,
            error: *error,
            freedom: *freedom,
        };
        let (low, high) = mean.interval(ALPHA);
        assert_near(&[low, high], &answer["student"][place], "Student");
    }
    assert_near(&holm(P_VALUES), &answer["holm"], "Holm");
}
