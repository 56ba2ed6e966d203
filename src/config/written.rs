//! What a file says: where each key stands, and which keys are at fault.

use super::node::{Place, Places};
use std::collections::BTreeSet;

/// The keys of a file. What is at fault was replaced by its default, or by any value where it has none, so that the rest can be
/// checked; nothing may be concluded from it.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) places: Places,
    faulty: BTreeSet<String>,
}

impl Written {
    /// Nothing is to be concluded from what stands here.
    pub(super) fn distrust(&mut self, path: &str) {
        self.faulty.insert(path.to_owned());
    }

    /// Whether nothing at this key, above it or below it is at fault.
    pub(super) fn is_sound(&self, path: &str) -> bool {
        let related = |faulty: &String| is_within(faulty, path) || is_within(path, faulty);
        !self.faulty.iter().any(related)
    }

    /// Whether this key, or one above it, is at fault.
    pub(super) fn is_faulty(&self, path: &str) -> bool {
        self.faulty.iter().any(|faulty| is_within(path, faulty))
    }

    /// Whether the file has this key.
    pub(super) fn has(&self, path: &str) -> bool {
        self.places.contains_key(path)
    }

    /// Where a key stands; where it does not, the nearest key around it.
    pub(super) fn place(&self, path: &str) -> Option<Place> {
        let mut path = path;
        loop {
            if let Some(place) = self.places.get(path) {
                return Some(*place);
            }
            path = path.rsplit_once('.')?.0;
        }
    }
}

/// Whether a path is another one or lies below it.
fn is_within(path: &str, other: &str) -> bool {
    let rest = path.strip_prefix(other);
    other.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_above_or_below_a_fault_is_not_sound() {
        let mut written = Written::default();
        written.distrust("a.b");
        for (path, sound, faulty) in [
            ("a", false, false),
            ("a.b", false, true),
            ("a.b.c", false, true),
            ("a.bc", true, false),
            ("x", true, false),
        ] {
            assert_eq!(written.is_sound(path), sound, "{path}");
            assert_eq!(written.is_faulty(path), faulty, "{path}");
        }
        written.distrust("");
        assert!(!written.is_sound("x") && written.is_faulty("x"));
    }
}
