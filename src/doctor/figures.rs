//! What metrics say, in the text format of Prometheus: those of a running instance, or of a recording that was replayed.

use std::collections::BTreeMap;

/// The name of workflow, agent and model in the test conversation: it is in no figure of `doctor`, and anybody can leave it out of theirs.
pub(super) const TEST_NAME: &str = "baton-doctor";

/// What is counted, by the metric that counts it.
const COUNTED: &[(&str, &str)] = &[
    ("handoffs", "baton_handoffs_total"),
    ("model calls", "baton_llm_calls_total"),
    ("sessions", "baton_sessions_total"),
    ("tool calls", "baton_tool_calls_total"),
    ("turns", "baton_turns_total"),
    ("workflows", "baton_workflows_total"),
];

/// One time series and its value.
#[derive(Clone, Debug, PartialEq)]
struct Figure {
    metric: String,
    labels: Vec<(String, String)>,
    value: f64,
}

/// The metrics of an instance or a recording, without those of the test conversation.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    figures: Vec<Figure>,
}

/// The series of a metric that have one of these values of a label. No label: all.
pub(super) type Only = (&'static str, &'static [&'static str]);

impl Figures {
    /// What the metrics count.
    pub(super) fn counted(&self) -> BTreeMap<&'static str, u64> {
        let counted = COUNTED.iter();
        let counts = counted.map(|(things, metric)| (*things, self.sum(metric, ("", &[]))));
        counts.filter(|(_, count)| *count > 0).collect()
    }

    /// Reads the text format. Lines that are none of it are left out.
    pub fn of_text(text: &str) -> Self {
        let figures = text.lines().filter(|line| !line.starts_with('#'));
        let figures = figures.filter_map(figure);
        Self {
            figures: figures.filter(|one| !one.is_of_test()).collect(),
        }
    }

    /// Adds what is counted elsewhere.
    pub(super) fn add(&mut self, metric: &str, labels: &[(&str, &str)], value: u64) {
        let labels = labels.iter();
        self.figures.push(Figure {
            metric: metric.into(),
            labels: labels.map(|(k, v)| ((*k).into(), (*v).into())).collect(),
            value: value as f64,
        });
    }

    /// Whether there is a metric whose name begins like this.
    pub(super) fn any_of(&self, prefix: &str) -> bool {
        let mut figures = self.figures.iter();
        figures.any(|one| one.metric.starts_with(prefix))
    }

    /// The sum of a metric. Weights of sampling may leave parts of one.
    pub(super) fn sum(&self, metric: &str, only: Only) -> u64 {
        let values = self.of(metric, only).map(|figure| figure.value);
        whole(values.sum())
    }

    /// The sums of a metric by the values of some labels, the greatest first. Those of 0 are left out.
    pub(super) fn by(&self, metric: &str, only: Only, labels: &[&str]) -> Vec<(String, u64)> {
        let mut sums: Vec<(String, f64)> = Vec::new();
        for figure in self.of(metric, only) {
            let values = labels.iter().filter_map(|label| figure.label(label));
            let values = values.collect::<Vec<_>>().join(" ");
            match sums.iter_mut().find(|(known, _)| *known == values) {
                Some((_, sum)) => *sum += figure.value,
                None => sums.push((values, figure.value)),
            }
        }
        let sums = sums.into_iter().map(|(values, sum)| (values, whole(sum)));
        let mut sums: Vec<(String, u64)> = sums.filter(|(_, sum)| *sum > 0).collect();
        sums.sort_by(|(a, more), (b, less)| less.cmp(more).then(a.cmp(b)));
        sums
    }

    fn of(&self, metric: &str, (label, values): Only) -> impl Iterator<Item = &Figure> {
        let named = self.figures.iter().filter(move |one| one.metric == metric);
        named.filter(move |figure| {
            label.is_empty()
                || figure
                    .label(label)
                    .is_some_and(|value| values.contains(&value))
        })
    }
}

impl Figure {
    fn label(&self, label: &str) -> Option<&str> {
        let mut labels = self.labels.iter();
        let found = labels.find(|(known, _)| known == label);
        found.map(|(_, value)| value.as_str())
    }

    fn is_of_test(&self) -> bool {
        self.labels.iter().any(|(_, value)| value == TEST_NAME)
    }
}

/// A part of one is one: what is there is never shown as 0.
fn whole(value: f64) -> u64 {
    if value > 0.0 && value < 1.0 {
        return 1;
    }
    value.round().max(0.0) as u64
}

/// A line such as `name{label="value"} 3 1700`.
fn figure(line: &str) -> Option<Figure> {
    let end = line.find(['{', ' '])?;
    let (metric, rest) = line.split_at(end);
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (Vec::new(), rest),
    };
    Some(Figure {
        metric: metric.into(),
        labels,
        value: rest.split_whitespace().next()?.parse().ok()?,
    })
}

/// Labels up to the closing brace, and what follows it.
fn labels(mut rest: &str) -> Option<(Vec<(String, String)>, &str)> {
    let mut labels = Vec::new();
    loop {
        rest = rest.trim_start_matches([',', ' ']);
        if let Some(rest) = rest.strip_prefix('}') {
            return Some((labels, rest));
        }
        let (name, after) = rest.split_once("=\"")?;
        let (value, after) = quoted(after)?;
        labels.push((name.into(), value));
        rest = after;
    }
}

/// A text up to its closing quote, without its escapes, and what follows the quote.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return Some((value, text.get(at + 1..)?)),
            '\\' => match characters.next()?.1 {
                'n' => value.push('\n'),
                escaped => value.push(escaped),
            },
            c => value.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Only = ("", &[]);

    #[test]
    fn series_are_added_up_by_labels() {
        let text = "# TYPE a counter\na_total{x=\"1\",y=\"2\"} 3\na_total{x=\"1\",y=\"3\"} 4 1700\na_total{x=\"2\"} 5\na_total_more{x=\"1\"} 6\nb 0.3\nc{x=\"} \\\"q\\\\\",} 1e1\nno number\nd{x=\"\n";
        let figures = Figures::of_text(text);
        let sums = figures.by("a_total", ALL, &["x"]);
        assert_eq!(sums, [("1".to_owned(), 7), ("2".to_owned(), 5)]);
        assert_eq!(figures.by("a_total", ALL, &["x", "y"])[1].0, "1 3");
        assert_eq!(figures.sum("a_total", ("y", &["2", "9"])), 3);
        assert_eq!(figures.sum("a_total", ALL), 12);
        assert_eq!(figures.sum("b", ALL), 1, "a part of one");
        let odd = figures.by("c", ALL, &["x"]);
        assert_eq!(odd, [("} \"q\\".to_owned(), 10)]);
        assert_eq!(figures.by("e", ALL, &[]), []);
    }

    #[test]
    fn the_test_conversation_is_in_no_figure() {
        let text = format!("a_total{{workflow=\"{TEST_NAME}\"}} 3\na_total{{workflow=\"x\"}} 1\n");
        assert_eq!(Figures::of_text(&text).sum("a_total", ALL), 1);
    }
}
