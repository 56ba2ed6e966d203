//! One line of the report.

use super::words::Unit;
use crate::statistics::{
    ALPHA, Assessment, Difference, Merit, Statistic, TargetResult, assess, holm, target,
};

/// A figure of a period beside the one before.
#[derive(Clone, Debug)]
pub(super) struct FigureLine {
    /// The key of the figure in JSON.
    pub(super) key: &'static str,
    pub(super) title: &'static str,
    pub(super) unit: Unit,
    pub(super) merit: Merit,
    /// `None`: nothing is known of it.
    pub(super) now: Option<Statistic>,
    pub(super) before: Option<Statistic>,
    /// How many cases the figures are of.
    pub(super) cases: [u64; 2],
    pub(super) target: Option<f64>,
    /// What can be said of the change. `None`: one period has no figure.
    pub(super) told: Option<Assessment>,
}

impl FigureLine {
    /// The change, where both are known.
    pub(super) fn change(&self) -> Option<Difference> {
        let (now, before) = (self.now.as_ref()?, self.before.as_ref()?);
        Some(Difference::new(now, before))
    }

    /// Whether the target is met, where there are both.
    pub(super) fn target_result(&self) -> Option<(f64, TargetResult)> {
        let (aim, now) = (self.target?, self.now.as_ref()?);
        Some((aim, target(now, aim, self.merit)))
    }

    /// The interval of the figure itself.
    pub(super) fn interval(&self) -> Option<(f64, f64)> {
        self.now.as_ref().map(|now| now.interval(ALPHA))
    }
}

/// Says of all lines together what can be said: with more lines, each needs more proof.
pub(super) fn tell(lines: &mut [FigureLine]) {
    let changes: Vec<Option<Difference>> = lines.iter().map(FigureLine::change).collect();
    let known: Vec<f64> = changes.iter().flatten().map(Difference::p_value).collect();
    let mut adjusted = holm(&known).into_iter();
    for (line, change) in lines.iter_mut().zip(changes) {
        let Some((change, p)) = change.and_then(|change| Some((change, adjusted.next()?))) else {
            continue;
        };
        line.told = Some(assess(&change, p, line.merit, line.cases));
    }
}
