//! The findings as text and as JSON.

use super::emitter::UNKNOWN;
use super::finding::{Finding, numbered};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What is found about a recording or a running instance.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Diagnosis {
    pub spans: u64,
    pub log_records: u64,
    /// What the metrics count. A call that several spans show is one.
    pub counted: BTreeMap<&'static str, u64>,
    pub emitters: Vec<EmitterReport>,
    /// Findings that concern no single emitter.
    pub findings: Vec<Finding>,
    /// What is no fault, and yet good to know.
    pub notes: Vec<Finding>,
}

/// What is found about one emitter.
#[derive(Clone, Debug, Serialize)]
pub struct EmitterReport {
    pub service: String,
    /// The label of its dialect.
    pub dialect: String,
    /// The name of its dialect for people, where it is built in.
    pub title: Option<String>,
    pub scopes: Vec<String>,
    pub spans: u64,
    /// The section of the documentation about it.
    pub see: Option<&'static str>,
    /// What its spans are read as, by kind.
    pub read: BTreeMap<&'static str, u64>,
    pub findings: Vec<Finding>,
    /// What is no fault, and yet good to know.
    pub notes: Vec<String>,
}

impl Diagnosis {
    /// How many findings there are.
    pub fn count(&self) -> usize {
        let emitters = self.emitters.iter();
        let of_emitters: usize = emitters.map(|emitter| emitter.findings.len()).sum();
        of_emitters + self.findings.len()
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for emitter in &self.emitters {
            emitter.write(&mut text);
        }
        if !(self.counted.is_empty() && self.findings.is_empty() && self.notes.is_empty()) {
            text.push_str("All together\n");
            if !self.counted.is_empty() {
                let _ = writeln!(text, "  counted: {}", list(&self.counted));
            }
            self.findings
                .iter()
                .for_each(|one| write(&mut text, '!', one));
            self.notes.iter().for_each(|one| write(&mut text, '-', one));
            text.push('\n');
        }
        let summary = match (self.count() as u64, self.notes.len() as u64) {
            (0, 0) => "Nothing is missing.".to_owned(),
            (0, notes) => format!("No findings, {}.", numbered(notes, "notes")),
            (count, _) => format!("{}.", numbered(count, "findings")),
        };
        text.push_str(&summary);
        text.push('\n');
        text
    }

    /// For programs.
    pub fn json(&self) -> serde_json::Value {
        let mut json = serde_json::json!(self);
        json["count"] = self.count().into();
        json
    }
}

impl EmitterReport {
    fn write(&self, text: &mut String) {
        let dialect = match (&self.title, self.dialect.as_str()) {
            (Some(title), label) => format!("{title} (`{label}`)"),
            (None, UNKNOWN) => "no known dialect".to_owned(),
            (None, label) => format!("`{label}` of the configuration"),
        };
        let spans = numbered(self.spans, "spans");
        let _ = writeln!(text, "{}: {dialect}, {spans}", self.service);
        if !self.scopes.is_empty() {
            let _ = writeln!(text, "  scopes: {}", self.scopes.join(", "));
        }
        let _ = writeln!(text, "  spans read: {}", list(&self.read));
        self.findings.iter().for_each(|one| write(text, '!', one));
        for note in &self.notes {
            let _ = writeln!(text, "  note: {note}");
        }
        text.push('\n');
    }
}

fn write(text: &mut String, mark: char, finding: &Finding) {
    let _ = writeln!(text, "  {mark} {} [{}]", finding.message, finding.see);
}

fn list(counts: &BTreeMap<&'static str, u64>) -> String {
    let counts = counts
        .iter()
        .map(|(things, count)| numbered(*count, things));
    counts.collect::<Vec<_>>().join(", ")
}
