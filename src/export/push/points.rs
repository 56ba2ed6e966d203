//! One set of points.

use crate::model::metric::{Family, Series};
use crate::model::time::Timestamp;
use std::collections::HashMap;

/// All metrics at one time, beside those of the set before.
#[derive(Clone, Copy, Debug)]
pub struct PointSet<'f> {
    /// The one time of all points. No earlier set has it.
    pub at: Timestamp,
    /// Each series once.
    pub families: &'f [Family],
    /// The set before; empty for the first one.
    pub before: &'f [Family],
}

/// The series of one family by their labels.
type SeriesIndex<'f> = HashMap<&'f [(std::borrow::Cow<'static, str>, String)], &'f Series>;

impl<'f> PointSet<'f> {
    /// Every series, with what it was in the set before.
    pub fn series(&self) -> impl Iterator<Item = (&'f Family, &'f Series, Option<&'f Series>)> {
        compared(self.families, self.before)
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
