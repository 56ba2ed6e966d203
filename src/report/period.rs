//! Days of a time zone as times.

use crate::model::time::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Error, ToSpan};

/// Days in a time zone, one after the other. A day with a change of summer time has 23 or 25 hours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportPeriod {
    /// The first day and the last one, included.
    pub days: (Date, Date),
    /// When each day begins, and when the last one ends.
    starts: Vec<Timestamp>,
}

impl ReportPeriod {
    /// The days from one to another, included.
    ///
    /// # Errors
    /// When they are beyond the calendar.
    pub fn new(first: Date, last: Date, zone: &TimeZone) -> Result<Self, Error> {
        let mut starts = Vec::new();
        let mut day = first;
        loop {
            let start = zone.to_timestamp(day.to_datetime(jiff::civil::Time::midnight()))?;
            let nanos = start.as_nanosecond();
            starts.push(Timestamp(u64::try_from(nanos).unwrap_or_default()));
            if day > last {
                break;
            }
            day = day.tomorrow()?;
        }
        Ok(Self {
            days: (first, last),
            starts,
        })
    }

    /// As many days before.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn before(&self, zone: &TimeZone) -> Result<Self, Error> {
        let (first, last) = self.days;
        let length = (last - first).get_days() + 1;
        Self::new(
            first.checked_sub(length.days())?,
            last.checked_sub(length.days())?,
            zone,
        )
    }

    /// The number of the day of a time. `None`: it is of another period.
    pub(super) fn day(&self, time: Timestamp) -> Option<usize> {
        let after = self.starts.partition_point(|start| *start <= time);
        (after < self.starts.len()).then(|| after.checked_sub(1))?
    }

    /// How many days it has.
    pub(super) fn length(&self) -> usize {
        self.starts.len() - 1
    }

    /// When it ends.
    pub fn end(&self) -> Timestamp {
        self.starts[self.starts.len() - 1]
    }

    /// The days of UTC that it touches.
    pub fn utc_days(&self) -> (Date, Date) {
        let day = |time: Timestamp| {
            let time = jiff::Timestamp::from_nanosecond(i128::from(time.0));
            let time = time.unwrap_or(jiff::Timestamp::MAX);
            TimeZone::UTC.to_datetime(time).date()
        };
        (day(self.starts[0]), day(self.end()))
    }
}
