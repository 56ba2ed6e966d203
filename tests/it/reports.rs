//! Shapes of public bug reports: small OTLP requests with the figures that an operator expects.
//!
//! `tests/fixtures/reports/NN-name.json` has one request a line. A line `metric{label="value",…} number` of `NN-name.expect` is the sum over
//! all series that have these labels; a label that a series lacks has the value "". A line that begins with `#` says whose report it is.

use crate::support::capture::{self, Encoding, Request};
use crate::truth::figures;
use baton::model::metric::{Family, Point};
use serde_json::{Deserializer, Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// One case with the expected sums.
struct Case {
    name: String,
    requests: Vec<Value>,
    expected: Vec<(String, Labels, f64)>,
}

type Labels = Vec<(String, String)>;

fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/reports");
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "json"))
        .collect();
    files.sort();
    assert!(files.len() >= 26, "the cases are there");
    files.iter().map(|path| case(path)).collect()
}

fn case(path: &Path) -> Case {
    let text = fs::read_to_string(path).expect("requests");
    let expected = fs::read_to_string(path.with_extension("expect")).expect("what is expected");
    let requests = Deserializer::from_str(&text).into_iter::<Value>();
    let is_figure = |line: &&str| !line.trim().is_empty() && !line.starts_with('#');
    let lines = expected.lines().filter(is_figure);
    Case {
        name: path.file_stem().expect("a name").display().to_string(),
        requests: requests.map(|one| one.expect("JSON")).collect(),
        expected: lines.map(line).collect(),
    }
}

impl Case {
    /// As they are sent.
    fn whole(&self) -> Vec<Request> {
        self.requests.iter().map(request).collect()
    }

    /// The same spans and log records, each in a request of its own.
    fn single(&self) -> Vec<Request> {
        let mut single = Vec::new();
        for whole in &self.requests {
            for [resources, scopes, items] in [
                ["resourceSpans", "scopeSpans", "spans"],
                ["resourceLogs", "scopeLogs", "logRecords"],
            ] {
                for resource in list(whole, resources) {
                    for scope in list(resource, scopes) {
                        single.extend(list(scope, items).iter().map(|item| {
                            let (mut resource, mut scope) = (resource.clone(), scope.clone());
                            scope[items] = json!([item]);
                            resource[scopes] = json!([scope]);
                            request(&json!({ resources: [resource] }))
                        }));
                    }
                }
            }
        }
        single
    }
}

fn list<'v>(value: &'v Value, field: &str) -> &'v [Value] {
    value
        .get(field)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn request(value: &Value) -> Request {
    let signal = match value.get("resourceLogs") {
        Some(_) => "logs",
        None => "traces",
    };
    Request {
        encoding: Encoding::Json,
        signal,
        body: value.to_string().into_bytes(),
    }
}

/// `metric{label="value",…} number`.
fn line(line: &str) -> (String, Labels, f64) {
    let (series, number) = line.rsplit_once(' ').expect("a number");
    let (name, labels) = series.split_once('{').unwrap_or((series, ""));
    let pair = |pair: &str| {
        let (label, value) = pair.split_once("=\"").expect("a label");
        (label.to_owned(), value.trim_end_matches('"').to_owned())
    };
    let labels = labels.trim_end_matches('}');
    let labels = labels.split_terminator(',').map(pair).collect();
    (name.to_owned(), labels, number.parse().expect("a number"))
}

/// The sum over all series of this name, `_sum` and `_count` included, that have these labels.
fn total(families: &[Family], name: &str, labels: &Labels) -> f64 {
    let mut total = 0.0;
    for family in families {
        let series = family.series.iter().filter(|series| {
            labels.iter().all(|(label, value)| {
                let found = series.labels.iter().find(|(known, _)| known == label);
                found.map_or("", |(_, value)| value.as_str()) == value
            })
        });
        for series in series {
            total += match &series.point {
                Point::Counter { value, .. } if *family.name == *name => *value,
                Point::Gauge(value) if *family.name == *name => *value,
                Point::Histogram(of) if name == format!("{}_sum", family.name) => of.sum,
                Point::Histogram(of) if name == format!("{}_count", family.name) => {
                    of.buckets.iter().map(|bucket| bucket.count as f64).sum()
                }
                _ => 0.0,
            };
        }
    }
    total
}

fn faults(case: &Case, requests: &[Request], way: &str) -> Vec<String> {
    let families = figures::families(requests, 2);
    let differs = |(name, labels, expected): &(String, Labels, f64)| {
        let got = total(&families, name, labels);
        let is_right = (got - expected).abs() <= 1e-9 + 1e-9 * expected.abs();
        (!is_right).then(|| {
            let case = &case.name;
            format!("{case} ({way}): {name} {labels:?}: expected {expected}, got {got}")
        })
    };
    case.expected.iter().filter_map(differs).collect()
}

fn check(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn every_report_has_the_expected_figures() {
    let all = cases();
    let faults = all
        .iter()
        .flat_map(|case| faults(case, &case.whole(), "as sent"));
    check(&faults.collect::<Vec<_>>());
}

#[test]
fn the_figures_of_a_report_do_not_depend_on_order_or_batching() {
    let mut found = Vec::new();
    for case in cases() {
        found.extend(faults(&case, &case.single(), "one span a request"));
        for seed in 1..=5 {
            let shuffled = capture::shuffled(case.single(), seed);
            found.extend(faults(&case, &shuffled, "shuffled"));
        }
    }
    check(&found);
}
