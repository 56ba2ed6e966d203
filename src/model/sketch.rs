//! Sketches: what is left of a text. The smallest of the salted hashes of its facts, enough to say which share of one text is in another.
//!
//! Bottom-k sketches: A. Broder, "On the resemblance and containment of documents", 1997.

/// Hashes kept of one text. Up to this many facts every answer is exact.
const MAX_HASHES: usize = 128;
/// With fewer facts a share says nothing.
const LEAST: usize = 3;

/// The smallest hashes of a set, in order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sketch {
    hashes: Box<[u32]>,
    /// There were more facts than fit.
    full: bool,
}

impl FromIterator<u32> for Sketch {
    fn from_iter<I: IntoIterator<Item = u32>>(hashes: I) -> Self {
        let mut all: Vec<u32> = hashes.into_iter().collect();
        // Not the unstable sort: two sketches one after the other are two runs, which this one only merges.
        all.sort();
        all.dedup();
        let full = all.len() > MAX_HASHES;
        all.truncate(MAX_HASHES);
        Self {
            full,
            hashes: all.into(),
        }
    }
}

impl Sketch {
    /// Facts kept.
    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    pub fn hashes(&self) -> &[u32] {
        &self.hashes
    }

    /// Whether there were more facts than fit.
    pub fn is_full(&self) -> bool {
        self.full
    }

    /// The sketch that [`Sketch::hashes`] and [`Sketch::is_full`] came from.
    pub fn of_parts(mut hashes: Vec<u32>, full: bool) -> Self {
        hashes.sort_unstable();
        hashes.dedup();
        hashes.truncate(MAX_HASHES);
        Self {
            hashes: hashes.into(),
            full,
        }
    }

    /// The sketch of both texts together.
    pub fn with(&self, other: &Self) -> Self {
        let all: Self = self.hashes.iter().chain(&other.hashes).copied().collect();
        Self {
            full: all.full || self.full || other.full,
            ..all
        }
    }

    /// The share of this text's facts that the other has too; `None` where there are too few to tell.
    pub fn kept_in(&self, other: &Self) -> Option<f64> {
        // Above the greatest hash of a full sketch nothing is known of its text.
        let known = if other.full {
            other.hashes.last().copied().unwrap_or(u32::MAX)
        } else {
            u32::MAX
        };
        let sample: Vec<&u32> = self.hashes.iter().filter(|hash| **hash <= known).collect();
        let kept = sample.iter().filter(|hash| other.has(***hash)).count();
        (sample.len() >= LEAST).then(|| kept as f64 / sample.len() as f64)
    }

    /// How alike two texts are: facts in both of facts in either, from 0 to 1.
    pub fn resemblance(&self, other: &Self) -> f64 {
        let either = self.with(other);
        let both = either
            .hashes
            .iter()
            .filter(|h| self.has(**h) && other.has(**h));
        both.count() as f64 / either.len().max(1) as f64
    }

    fn has(&self, hash: u32) -> bool {
        self.hashes.binary_search(&hash).is_ok()
    }
}

/// What is left of the messages of one model call.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Content {
    /// Facts of all messages that went in, system prompt excluded.
    pub input: Option<Sketch>,
    /// Facts of what came out.
    pub output: Option<Sketch>,
    /// All words of the last message of the user; `None` where it is too short or too long to be recognised again.
    pub asked: Option<Sketch>,
}

impl Content {
    pub fn is_empty(&self) -> bool {
        self.input.is_none() && self.output.is_none() && self.asked.is_none()
    }

    /// Roughly the bytes that it holds in memory.
    pub fn weight(&self) -> usize {
        let sketches = [&self.input, &self.output, &self.asked];
        let sketches = sketches.into_iter().flatten();
        size_of::<Self>() + sketches.map(|s| 4 * s.len() + 16).sum::<usize>()
    }

    /// Facts that whoever made the call knew when it ended.
    pub fn known(&self) -> Option<Sketch> {
        match (&self.input, &self.output) {
            (Some(input), Some(output)) => Some(input.with(output)),
            (input, output) => input.clone().or_else(|| output.clone()),
        }
    }

    /// Adds what a log record tells of the same call.
    pub fn add(&mut self, other: &Self) {
        let join = |own: &mut Option<Sketch>, more: &Option<Sketch>| match (&own, more) {
            (Some(known), Some(new)) => *own = Some(known.with(new)),
            (None, Some(new)) => *own = Some(new.clone()),
            (_, None) => {}
        };
        join(&mut self.input, &other.input);
        join(&mut self.output, &other.output);
        self.asked = self.asked.take().or_else(|| other.asked.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sketch(range: std::ops::Range<u32>) -> Sketch {
        // Multiplying by an odd number spreads the numbers over all hashes, each once.
        range.map(|n| n.wrapping_mul(2_654_435_761)).collect()
    }

    #[test]
    fn small_sets_are_exact_and_too_few_facts_are_unknown() {
        assert_eq!(sketch(0..10).kept_in(&sketch(0..10)), Some(1.0));
        assert_eq!(sketch(0..10).kept_in(&sketch(5..100)), Some(0.5));
        assert_eq!(sketch(0..10).kept_in(&sketch(10..20)), Some(0.0));
        assert_eq!(sketch(0..2).kept_in(&sketch(0..2)), None);
        assert_eq!(sketch(0..10).resemblance(&sketch(0..10)), 1.0);
        assert_eq!(sketch(0..10).resemblance(&sketch(5..15)), 5.0 / 15.0);
    }

    #[test]
    fn large_sets_are_near() {
        for (to, share) in [(10_000, 1.0), (5_000, 0.5), (1_000, 0.1)] {
            let kept = sketch(0..10_000).kept_in(&sketch(0..to)).expect("known");
            assert!((kept - share).abs() < 0.15, "{to}: {kept}");
        }
        // A short text inside a long one is seen as long as its hashes are small enough to be kept.
        let kept = sketch(0..300).kept_in(&sketch(0..20_000));
        assert!(kept.is_none_or(|kept| kept == 1.0), "{kept:?}");
    }

    #[test]
    fn joining_is_the_sketch_of_both() {
        assert_eq!(sketch(0..500).with(&sketch(400..900)), sketch(0..900));
    }
}
