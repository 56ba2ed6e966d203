//! The check of settings by their own room.

use std::fmt::{Debug, Display};

/// Settings that check themselves: what neither their types nor the schema can express.
pub trait Validate {
    /// Reports every fault, each with the key it is about.
    fn validate(&self, report: &mut Report<'_>);
}

/// Who collects the faults of a configuration. Paths are those of the whole file, for example `stitch.settle`.
pub trait FaultSink: Debug {
    /// Takes a fault at a key.
    fn fault(&mut self, path: &str, what: String);
    /// Whether nothing is known to be wrong at a key, above it or below it: only then may its value be compared with others.
    fn is_sound(&self, path: &str) -> bool;
    /// Whether the file has the key.
    fn has(&self, path: &str) -> bool;
}

/// Where the settings of one section report their faults.
#[derive(Debug)]
pub struct Report<'r> {
    section: String,
    sink: &'r mut dyn FaultSink,
}

impl<'r> Report<'r> {
    /// For the section at a path; the empty path is the whole file.
    pub fn new(section: &str, sink: &'r mut dyn FaultSink) -> Self {
        Self {
            section: section.to_owned(),
            sink,
        }
    }

    /// For a section below this one.
    pub fn below<'b>(&'b mut self, section: &str) -> Report<'b> {
        Report {
            section: self.path(section),
            sink: self.sink,
        }
    }

    /// Reports a fault at a key of the section.
    pub fn fault(&mut self, key: &str, what: impl Into<String>) {
        let path = self.path(key);
        self.sink.fault(&path, what.into());
    }

    /// Whether the value of a key may be compared with others.
    pub fn is_sound(&self, key: &str) -> bool {
        self.sink.is_sound(&self.path(key))
    }

    /// Whether the file has a key of the section.
    pub fn has(&self, key: &str) -> bool {
        self.sink.has(&self.path(key))
    }

    /// The path of a key in the whole file.
    pub fn path(&self, key: &str) -> String {
        key_path(&self.section, key)
    }

    /// Reports a wait that is longer than another one.
    pub fn not_longer<T: PartialOrd>(&mut self, (key, value): (&str, T), limit: (&str, T)) {
        self.at_most((key, value), limit, ["longer", "shorter"]);
    }

    /// Reports a size that is more than another one.
    pub fn not_more<T: PartialOrd>(&mut self, (key, value): (&str, T), limit: (&str, T)) {
        self.at_most((key, value), limit, ["more", "less"]);
    }

    /// Reports where one value is above another, at the one that the file has.
    fn at_most<T: PartialOrd>(
        &mut self,
        (key, value): (&str, T),
        (other, limit): (&str, T),
        [above, below]: [&str; 2],
    ) {
        if value <= limit || !self.is_sound(key) || !self.is_sound(other) {
            return;
        }
        let named = |report: &Self, key: &str| {
            let default = if report.has(key) { "" } else { " (by default)" };
            format!("{}{default}", report.path(key))
        };
        if self.has(key) || !self.has(other) {
            let what = format!("must not be {above} than {}", named(self, other));
            self.fault(key, what);
        } else {
            let what = format!("must not be {below} than {}", named(self, key));
            self.fault(other, what);
        }
    }
}

/// The path of a key below another path.
pub fn key_path(path: &str, key: impl Display) -> String {
    if path.is_empty() {
        key.to_string()
    } else {
        format!("{path}.{key}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file that has some keys, of which one is at fault already.
    #[derive(Debug)]
    struct SampleFile {
        keys: &'static [&'static str],
        unsound: &'static str,
        faults: Vec<String>,
    }

    impl FaultSink for SampleFile {
        fn fault(&mut self, path: &str, what: String) {
            self.faults.push(format!("{path}: {what}"));
        }

        fn is_sound(&self, path: &str) -> bool {
            path != self.unsound
        }

        fn has(&self, path: &str) -> bool {
            self.keys.contains(&path)
        }
    }

    fn faults(keys: &'static [&'static str], unsound: &'static str) -> Vec<String> {
        let mut file = SampleFile {
            keys,
            unsound,
            faults: Vec::new(),
        };
        Report::new("a", &mut file).not_longer(("x", 2), ("y", 1));
        file.faults
    }

    #[test]
    fn a_relation_is_reported_where_the_file_says_something() {
        let at_x = "a.x: must not be longer than a.y";
        assert_eq!(faults(&["a.x", "a.y"], ""), [at_x]);
        assert_eq!(faults(&["a.x"], ""), [format!("{at_x} (by default)")]);
        assert_eq!(faults(&[], ""), [format!("{at_x} (by default)")]);
        assert_eq!(
            faults(&["a.y"], ""),
            ["a.y: must not be shorter than a.x (by default)"]
        );
        assert!(faults(&["a.x"], "a.x").is_empty());
        assert!(faults(&["a.x"], "a.y").is_empty());
    }
}
