//! One set of points.

use crate::model::metric::{Family, Series};
use crate::model::time::Timestamp;
use rapidhash::v3::rapidhash_v3;
use std::collections::HashMap;

/// A series by its name and its labels, as a hash that is the same in every process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SeriesHash(pub(super) u64);

impl SeriesHash {
    /// The hash of one series.
    pub fn of(family: &Family, series: &Series) -> Self {
        // No text of UTF-8 has this byte.
        const END: u8 = 0xff;
        let mut text = family.name.as_bytes().to_vec();
        for (name, value) in &series.labels {
            text.push(END);
            text.extend_from_slice(name.as_bytes());
            text.push(END);
            text.extend_from_slice(value.as_bytes());
        }
        Self(rapidhash_v3(&text))
    }

    /// The hashes of all series, in their order.
    pub fn of_all(families: &[Family]) -> Vec<Self> {
        let series = families.iter().flat_map(|family| {
            let series = family.series.iter();
            series.map(move |series| Self::of(family, series))
        });
        series.collect()
    }

    /// Which of so many shards the series has.
    pub fn shard(self, shards: usize) -> usize {
        // The remainder is less than a number of the type.
        (self.0 % shards as u64) as usize
    }
}

/// A series that its receiver does not know yet, and that is pushed as 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeriesBirth {
    /// Its name and its labels.
    pub series: SeriesHash,
    /// When it began to count.
    pub start: Timestamp,
}

/// All metrics at one time, beside those of the set before.
#[derive(Clone, Copy, Debug)]
pub struct PointSet<'f> {
    /// The one time of all points. No earlier set has it.
    pub at: Timestamp,
    /// Each series once.
    pub families: &'f [Family],
    /// The hashes of its series, in their order.
    pub hashes: &'f [SeriesHash],
    /// The set before; empty for the first one.
    pub before: &'f [Family],
    /// The series that the receiver does not know yet, with the times at which they began to count. Their points are 0.
    pub births: &'f HashMap<SeriesHash, Timestamp>,
}

/// The series of one family by their labels.
type SeriesIndex<'f> = HashMap<&'f [(std::borrow::Cow<'static, str>, String)], &'f Series>;

impl<'f> PointSet<'f> {
    /// Every series, with what it was in the set before.
    pub fn series(
        &self,
    ) -> impl Iterator<Item = (SeriesHash, &'f Family, &'f Series, Option<&'f Series>)> {
        let compared = compared(self.families, self.before).zip(self.hashes);
        compared.map(|((family, series, before), hash)| (*hash, family, series, before))
    }

    /// What the receiver learns of with this series; `None`: it knows it.
    pub fn birth(&self, series: SeriesHash) -> Option<SeriesBirth> {
        let start = *self.births.get(&series)?;
        Some(SeriesBirth { series, start })
    }

    /// The series of the set before that are no more.
    pub fn ended(&self) -> impl Iterator<Item = (&'f Family, &'f Series)> {
        let compared = compared(self.before, self.families);
        compared.filter_map(|(family, series, now)| now.is_none().then_some((family, series)))
    }
}

/// Every series of some families, with the same one of others.
fn compared<'f>(
    families: &'f [Family],
    others: &'f [Family],
) -> impl Iterator<Item = (&'f Family, &'f Series, Option<&'f Series>)> {
    let others: HashMap<&str, &[Series]> = others
        .iter()
        .map(|family| (&*family.name, &*family.series))
        .collect();
    families.iter().flat_map(move |family| {
        let others = others.get(&*family.name).copied().unwrap_or_default();
        let others: SeriesIndex<'f> = others
            .iter()
            .map(|series| (&*series.labels, series))
            .collect();
        let series = family.series.iter();
        series.map(move |series| (family, series, others.get(&*series.labels).copied()))
    })
}
