//! The check of the settings that their types cannot express.

use super::{Settings, SpanCounts};
use crate::setting::{Report, Validate};

impl Validate for Settings {
    fn validate(&self, report: &mut Report<'_>) {
        let mut taken: Vec<&str> = SpanCounts::dialects().collect();
        for (number, dialect) in self.dialects.iter().enumerate() {
            dialect.validate(&mut report.below(&format!("dialects.{number}")), &taken);
            taken.push(&dialect.name);
        }
    }
}
