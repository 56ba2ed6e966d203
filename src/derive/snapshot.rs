//! Conversion of the values of a deriver from and to protobuf.

use super::Deriver;
use super::distribution::Distribution;
use super::reveal::Interrupted;
use super::store::Store;
use super::value::{Accumulator, Number};
use crate::catalogue::DERIVED;
use crate::model::metric::{Bucket, Exemplar};
use crate::model::native::{BucketCounts, Native};
use crate::model::time::Timestamp;
use crate::proto::v1::series::Number as Stored;
use crate::proto::{Invalid, trace, v1};
use std::sync::Arc;

impl Deriver {
    /// All series, with the names of their metrics and labels.
    pub fn save(&self) -> impl Iterator<Item = v1::Series> + '_ {
        self.store.save()
    }

    /// What the head of a snapshot says of series that are exposed as 0; the rest of it is the partition's.
    pub fn save_head(&self) -> v1::SnapshotHead {
        let interrupted = self.store.reveals.interrupted();
        v1::SnapshotHead {
            held_from: interrupted.map_or(0, |i| i.from.0),
            held_since: interrupted.map_or(0, |i| i.since.0),
            ..v1::SnapshotHead::default()
        }
    }

    /// Goes on from the head of a snapshot.
    pub fn restore_head(&mut self, head: &v1::SnapshotHead) {
        let interrupted = (head.held_since > 0).then_some(Interrupted {
            from: Timestamp(head.held_from),
            since: Timestamp(head.held_since),
        });
        let log_time = Timestamp(head.log_time);
        self.store.reveals.restore(interrupted, log_time);
        self.store.tell(log_time);
    }

    /// How many series there are.
    pub fn series(&self) -> usize {
        let series = self.store.metrics.iter().map(|values| values.series.len());
        series.sum()
    }

    /// Takes one series of a snapshot.
    ///
    /// # Errors
    /// When it is none that a Baton wrote.
    pub fn restore(&mut self, stored: v1::Series) -> Result<Restored, Invalid> {
        self.store.restore(stored)
    }
}

/// What became of a series of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restored {
    Taken,
    /// The catalogue has no such metric any more.
    Unknown,
    /// Its buckets were others, and what they counted does not tell what those of today would have: this histogram starts anew.
    Anew(&'static str),
}

impl Store {
    fn save(&self) -> impl Iterator<Item = v1::Series> + '_ {
        DERIVED.iter().flat_map(move |description| {
            let values = &self.metrics[description.metric as usize];
            values.series.iter().map(move |(labels, value)| {
                let labels = self.labels(description.metric, labels).into_iter();
                let label = |(name, value): (std::borrow::Cow<'static, str>, String)| v1::Label {
                    name: name.into_owned(),
                    value,
                };
                v1::Series {
                    metric: self.name(description).into_owned(),
                    labels: labels.map(label).collect(),
                    start: value.start.0,
                    touched: value.touched.0,
                    number: Some(value.number.save(&values.bounds)),
                }
            })
        })
    }

    /// Labels go by their names, so that dimensions may come and go between two runs; series that become equal add up.
    fn restore(&mut self, stored: v1::Series) -> Result<Restored, Invalid> {
        let found = DERIVED.iter().find(|d| self.name(d) == stored.metric);
        let Some(description) = found else {
            return Ok(Restored::Unknown);
        };
        let bounds = Arc::clone(&self.metrics[description.metric as usize].bounds);
        let native = self.native_histograms();
        let number = stored.number.ok_or(Invalid("number"))?;
        let Some(number) = Number::restore(number, &bounds, native)? else {
            return Ok(Restored::Anew(description.name));
        };
        if !number.fits(description.kind, &bounds) {
            return Ok(Restored::Unknown);
        }
        let places = 0..self.places(description.metric);
        let value_of = |place: usize| {
            let name = self.label(description.metric, place);
            let label = stored.labels.iter().find(|label| label.name == name);
            label.map(|label| label.value.clone()).unwrap_or_default()
        };
        let labels: Vec<String> = places.map(value_of).collect();
        let value = Accumulator {
            start: Timestamp(stored.start),
            touched: Timestamp(stored.touched),
            number,
        };
        self.join(description.metric, &labels, value);
        Ok(Restored::Taken)
    }
}

impl Number {
    fn save(&self, bounds: &[f64]) -> Stored {
        match self {
            Self::Counter(total, exemplar) => Stored::Counter(v1::Counter {
                total: Some(i128::try_from(*total).unwrap_or(i128::MAX).into()),
                exemplar: exemplar.map(Into::into),
            }),
            Self::Gauge(level) => Stored::Gauge(*level),
            Self::Histogram(known) => Stored::Histogram(v1::Histogram {
                bounds: bounds.to_vec(),
                buckets: known
                    .buckets(bounds)
                    .iter()
                    .map(|bucket| v1::Bucket {
                        count: bucket.count,
                        exemplar: bucket.exemplar.map(Into::into),
                    })
                    .collect(),
                sum: Some(known.sum.into()),
                native: known.native.as_ref().map(Into::into),
            }),
        }
    }

    /// `None`: a histogram of other buckets, which are not known.
    fn restore(stored: Stored, bounds: &[f64], native: bool) -> Result<Option<Self>, Invalid> {
        Ok(Some(match stored {
            Stored::Counter(counter) => {
                let total: i128 = counter.total.map_or(0, Into::into);
                let exemplar = counter.exemplar.map(Exemplar::try_from).transpose()?;
                Self::Counter(total.unsigned_abs(), exemplar)
            }
            Stored::Gauge(level) => Self::Gauge(level),
            Stored::Histogram(histogram) => {
                if histogram.buckets.len() != histogram.bounds.len() + 1 {
                    return Err(Invalid("buckets"));
                }
                let bucket = |bucket: v1::Bucket| {
                    Ok(Bucket {
                        count: bucket.count,
                        exemplar: bucket.exemplar.map(Exemplar::try_from).transpose()?,
                    })
                };
                let buckets = histogram.buckets.into_iter().map(bucket);
                let buckets: Vec<Bucket> = buckets.collect::<Result<_, _>>()?;
                let found = Distribution::of_buckets(&histogram.bounds, &buckets, bounds);
                let Some(mut found) = found else {
                    return Ok(None);
                };
                found.sum = histogram.sum.map_or(0, Into::into);
                if native {
                    let known = histogram.native.map(Native::try_from).transpose()?;
                    found.native = Some(known.unwrap_or_default());
                    if found.native.as_ref().map(Native::count) != Some(found.count()) {
                        return Ok(None);
                    }
                }
                Self::Histogram(Box::new(found))
            }
        }))
    }
}

impl From<Exemplar> for v1::Exemplar {
    fn from(exemplar: Exemplar) -> Self {
        Self {
            trace: exemplar.trace.as_bytes().to_vec(),
            value: exemplar.value,
            at: exemplar.at.0,
        }
    }
}

impl TryFrom<v1::Exemplar> for Exemplar {
    type Error = Invalid;

    fn try_from(stored: v1::Exemplar) -> Result<Self, Invalid> {
        Ok(Self {
            trace: trace(&stored.trace)?,
            value: stored.value,
            at: Timestamp(stored.at),
        })
    }
}

impl From<&Native> for v1::NativeHistogram {
    fn from(native: &Native) -> Self {
        let side = |counts: &BucketCounts| v1::NativeBuckets {
            buckets: counts.iter().map(|(bucket, _)| *bucket).collect(),
            counts: counts.iter().map(|(_, count)| *count).collect(),
        };
        Self {
            schema: native.schema,
            zero: native.zero,
            positive: Some(side(&native.positive)),
            negative: Some(side(&native.negative)),
        }
    }
}

impl TryFrom<v1::NativeHistogram> for Native {
    type Error = Invalid;

    fn try_from(stored: v1::NativeHistogram) -> Result<Self, Invalid> {
        let side = |side: Option<v1::NativeBuckets>| {
            let side = side.unwrap_or_default();
            let in_order = side.buckets.is_sorted_by(|a, b| a < b);
            if side.buckets.len() != side.counts.len() || !in_order {
                return Err(Invalid("native buckets"));
            }
            Ok(side.buckets.into_iter().zip(side.counts).collect())
        };
        Ok(Self {
            schema: stored.schema,
            zero: stored.zero,
            positive: side(stored.positive)?,
            negative: side(stored.negative)?,
        })
    }
}
