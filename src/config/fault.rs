//! A fault of a configuration, with its place in the file.

use super::node::Place;

/// One fault of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFault {
    /// Line in the file, from 1; `None` where the file as a whole is at fault.
    pub line: Option<u64>,
    /// Column in the line, from 1.
    pub column: Option<u64>,
    /// e.g. `stitch.settle`; empty for the whole file.
    pub path: String,
    pub what: String,
}

impl ConfigFault {
    pub(super) fn at(place: Option<Place>, path: &str, what: String) -> Self {
        Self {
            line: place.map(|place| place.line),
            column: place.map(|place| place.column),
            path: path.to_owned(),
            what,
        }
    }
}

impl std::fmt::Display for ConfigFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.line, self.column) {
            (Some(line), Some(column)) => write!(f, "{line}:{column}: ")?,
            (Some(line), None) => write!(f, "{line}: ")?,
            _ => f.write_str(" ")?,
        }
        // A key may hold what a terminal obeys.
        for sign in self.path.chars() {
            if sign.is_control() {
                write!(f, "{}", sign.escape_unicode())?;
            } else {
                write!(f, "{sign}")?;
            }
        }
        if !self.path.is_empty() {
            f.write_str(": ")?;
        }
        f.write_str(&self.what)
    }
}
