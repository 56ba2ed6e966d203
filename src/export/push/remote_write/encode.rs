//! A set of points as requests of remote write 2.0.

use super::bound::le;
use super::message::{
    self, ExemplarRefs, NativeHistogram, RemoteWriteRequest, Sample, SeriesMetadata, TimeSeries,
};
use super::settings::HistogramForm;
use crate::export::push::{PointSet, SeriesBirth, SeriesHash};
use crate::export::scrape::protobuf::spans;
use crate::model::metric::{Exemplar, Family, FamilyKind, Histogram, Point, Series};
use crate::model::native::{Native, ZERO_THRESHOLD};
use crate::model::time::Timestamp;
use std::collections::HashMap;

/// A request with more points is sent as several ones.
const MAX_POINTS: u64 = 2000;
/// The NaN that says that a series has ended.
const STALE: u64 = 0x7ff0_0000_0000_0002;
/// The schema of native histograms with custom buckets.
const CUSTOM_BUCKETS: i32 = -53;

/// A request with the number of its points and its shard.
pub(super) struct EncodedRequest {
    pub(super) shard: usize,
    pub(super) points: u64,
    pub(super) births: Vec<SeriesBirth>,
    pub(super) request: RemoteWriteRequest,
}

/// What is the same for every series of an exporter.
#[derive(Clone, Copy)]
pub(super) struct Manner<'m> {
    /// Labels that every series gets.
    pub(super) labels: &'m [(String, String)],
    pub(super) forms: &'m [HistogramForm],
}

/// All points as requests. A series, with all that a histogram is made of, always has the same shard.
pub(super) fn requests(
    points: &PointSet<'_>,
    manner: Manner<'_>,
    shards: usize,
) -> Vec<EncodedRequest> {
    let mut building: Vec<RequestBuilder<'_>> = (0..shards)
        .map(|_| RequestBuilder::new(manner, points.at))
        .collect();
    let mut done = Vec::new();
    let mut add = |hash: SeriesHash, write: &dyn Fn(&mut RequestBuilder<'_>)| {
        let shard = hash.shard(shards);
        let builder = &mut building[shard];
        write(builder);
        builder.births.extend(points.birth(hash));
        if builder.points >= MAX_POINTS {
            let full = std::mem::replace(builder, RequestBuilder::new(manner, points.at));
            done.push(full.into_request(shard));
        }
    };
    for (hash, family, series, before) in points.series() {
        add(hash, &|to| to.series(family, series, before));
    }
    for (family, series) in points.ended() {
        let hash = SeriesHash::of(family, series);
        add(hash, &|to| to.ended(family, series));
    }
    let rest = building.into_iter().enumerate();
    let rest = rest.filter(|(_, builder)| builder.points > 0);
    done.extend(rest.map(|(shard, builder)| builder.into_request(shard)));
    done
}

/// A request in the making.
struct RequestBuilder<'m> {
    manner: Manner<'m>,
    at: i64,
    /// The place of each symbol in `request.symbols`.
    symbols: HashMap<String, u32>,
    request: RemoteWriteRequest,
    points: u64,
    births: Vec<SeriesBirth>,
}

impl<'m> RequestBuilder<'m> {
    fn new(manner: Manner<'m>, at: Timestamp) -> Self {
        let mut builder = Self {
            manner,
            at: milliseconds(at),
            symbols: HashMap::new(),
            request: RemoteWriteRequest::default(),
            points: 0,
            births: Vec::new(),
        };
        // The first one is empty: references that are left out mean it.
        builder.symbol("");
        builder
    }

    fn into_request(self, shard: usize) -> EncodedRequest {
        EncodedRequest {
            shard,
            points: self.points,
            births: self.births,
            request: self.request,
        }
    }

    /// The points of a series. Exemplars that it had before are not sent again.
    fn series(&mut self, family: &Family, series: &Series, before: Option<&Series>) {
        let start = milliseconds(series.start).min(self.at);
        match &series.point {
            Point::Counter { value, exemplar } => {
                let known = before.and_then(|before| match &before.point {
                    Point::Counter { exemplar, .. } => exemplar.as_ref(),
                    _ => None,
                });
                let new = exemplar
                    .as_ref()
                    .filter(|exemplar| Some(*exemplar) != known);
                let sample = self.sample(*value, start);
                self.add(family, series, ("", None), sample, new.into_iter());
            }
            Point::Gauge(value) => {
                let sample = self.sample(*value, 0);
                self.add(family, series, ("", None), sample, [].into_iter());
            }
            Point::Histogram(histogram) => {
                let known = before.and_then(|before| match &before.point {
                    Point::Histogram(histogram) => Some(histogram),
                    _ => None,
                });
                for form in self.manner.forms {
                    self.histogram(family, series, (histogram, known), *form, start);
                }
            }
        }
    }

    fn histogram(
        &mut self,
        family: &Family,
        series: &Series,
        (histogram, known): (&Histogram, Option<&Histogram>),
        form: HistogramForm,
        start: i64,
    ) {
        let native = match form {
            HistogramForm::Classic => {
                return self.classic(family, series, (histogram, known), start);
            }
            HistogramForm::Exponential => match &histogram.native {
                Some(native) => exponential(native),
                None => return,
            },
            HistogramForm::CustomBuckets => custom_buckets(histogram),
        };
        let native = NativeHistogram {
            sum: histogram.sum,
            timestamp: self.at,
            start_timestamp: start,
            ..native
        };
        let mut exemplars: Vec<&Exemplar> = new_exemplars(histogram, known).flatten().collect();
        exemplars.sort_by_key(|exemplar| exemplar.at);
        let exemplars = exemplars.into_iter();
        self.add(
            family,
            series,
            ("", None),
            SeriesPoint::Native(native),
            exemplars,
        );
    }

    fn classic(
        &mut self,
        family: &Family,
        series: &Series,
        (histogram, known): (&Histogram, Option<&Histogram>),
        start: i64,
    ) {
        let mut count = 0;
        let bounds = histogram.bounds.iter().copied().chain([f64::INFINITY]);
        let exemplars = new_exemplars(histogram, known);
        for ((bound, bucket), exemplar) in bounds.zip(&histogram.buckets).zip(exemplars) {
            count += bucket.count;
            let sample = self.sample(count as f64, start);
            let part = ("_bucket", Some(le(bound)));
            self.add(family, series, part, sample, exemplar.into_iter());
        }
        for (suffix, value) in [("_sum", histogram.sum), ("_count", count as f64)] {
            let sample = self.sample(value, start);
            self.add(family, series, (suffix, None), sample, [].into_iter());
        }
    }

    /// Says that a series has ended, in all the forms that it had.
    fn ended(&mut self, family: &Family, series: &Series) {
        let stale = self.sample(f64::from_bits(STALE), 0);
        let Point::Histogram(histogram) = &series.point else {
            return self.add(family, series, ("", None), stale, [].into_iter());
        };
        for form in self.manner.forms {
            let has_native = *form == HistogramForm::CustomBuckets || histogram.native.is_some();
            if *form != HistogramForm::Classic {
                let native = SeriesPoint::Native(NativeHistogram {
                    sum: f64::from_bits(STALE),
                    timestamp: self.at,
                    ..NativeHistogram::default()
                });
                if has_native {
                    self.add(family, series, ("", None), native, [].into_iter());
                }
                continue;
            }
            for bound in histogram.bounds.iter().copied().chain([f64::INFINITY]) {
                let part = ("_bucket", Some(le(bound)));
                self.add(family, series, part, stale.clone(), [].into_iter());
            }
            for suffix in ["_sum", "_count"] {
                self.add(
                    family,
                    series,
                    (suffix, None),
                    stale.clone(),
                    [].into_iter(),
                );
            }
        }
    }

    fn sample(&self, value: f64, start_timestamp: i64) -> SeriesPoint {
        SeriesPoint::Sample(Sample {
            value,
            timestamp: self.at,
            start_timestamp,
        })
    }

    /// Adds one series of Prometheus. `suffix` and `le` tell the parts of a classic histogram.
    fn add<'e>(
        &mut self,
        family: &Family,
        series: &Series,
        (suffix, le): (&str, Option<String>),
        point: SeriesPoint,
        exemplars: impl Iterator<Item = &'e Exemplar>,
    ) {
        let name = format!("{}{suffix}", family.name);
        let mut labels: Vec<(&str, &str)> = vec![("__name__", &name)];
        labels.extend(le.as_ref().map(|le| ("le", le.as_str())));
        let own = series.labels.iter();
        labels.extend(own.map(|(name, value)| (&**name, value.as_str())));
        for (name, value) in self.manner.labels {
            labels.retain(|(own, _)| own != name);
            labels.push((name, value));
        }
        // An empty label is none, and the protocol wants the names in their order.
        labels.retain(|(_, value)| !value.is_empty());
        labels.sort_unstable();
        let mut one = TimeSeries {
            labels_refs: self.refs(&labels),
            metadata: Some(self.metadata(family)),
            ..TimeSeries::default()
        };
        for exemplar in exemplars {
            let trace = exemplar.trace.to_string();
            one.exemplars.push(ExemplarRefs {
                labels_refs: self.refs(&[("trace_id", &trace)]),
                value: exemplar.value,
                timestamp: milliseconds(exemplar.at),
            });
        }
        match point {
            SeriesPoint::Sample(sample) => one.samples.push(sample),
            SeriesPoint::Native(histogram) => one.histograms.push(histogram),
        }
        self.request.timeseries.push(one);
        self.points += 1;
    }

    fn metadata(&mut self, family: &Family) -> SeriesMetadata {
        SeriesMetadata {
            kind: match family.kind {
                FamilyKind::Counter => message::COUNTER,
                FamilyKind::Gauge => message::GAUGE,
                FamilyKind::Histogram => message::HISTOGRAM,
            },
            help_ref: self.symbol(family.help),
            unit_ref: self.symbol(&family.unit),
        }
    }

    fn refs(&mut self, labels: &[(&str, &str)]) -> Vec<u32> {
        let texts = labels.iter().flat_map(|(name, value)| [*name, *value]);
        texts.map(|text| self.symbol(text)).collect()
    }

    /// The place of a text among the symbols.
    fn symbol(&mut self, text: &str) -> u32 {
        if let Some(known) = self.symbols.get(text) {
            return *known;
        }
        // A request has too few points for so many symbols.
        let place = u32::try_from(self.symbols.len()).unwrap_or(u32::MAX);
        self.symbols.insert(text.to_owned(), place);
        self.request.symbols.push(text.to_owned());
        place
    }
}

/// A point of a series of Prometheus.
#[derive(Clone)]
enum SeriesPoint {
    Sample(Sample),
    Native(NativeHistogram),
}

/// The exemplar of each bucket, where it is new.
fn new_exemplars<'h>(
    histogram: &'h Histogram,
    known: Option<&'h Histogram>,
) -> impl Iterator<Item = Option<&'h Exemplar>> {
    let buckets = histogram.buckets.iter().enumerate();
    buckets.map(move |(at, bucket)| {
        let known = known.and_then(|known| known.buckets.get(at)?.exemplar.as_ref());
        let exemplar = bucket.exemplar.as_ref();
        exemplar.filter(|exemplar| Some(*exemplar) != known)
    })
}

/// A native histogram without its sum and its times.
fn exponential(native: &Native) -> NativeHistogram {
    let (negative_spans, negative_deltas) = spans(&native.negative);
    let (positive_spans, positive_deltas) = spans(&native.positive);
    NativeHistogram {
        count: Some(native.count()),
        schema: native.schema,
        zero_threshold: ZERO_THRESHOLD,
        zero_count: Some(native.zero),
        negative_spans,
        negative_deltas,
        positive_spans,
        positive_deltas,
        ..NativeHistogram::default()
    }
}

/// The same with the buckets of the classic one.
fn custom_buckets(histogram: &Histogram) -> NativeHistogram {
    let counts = histogram.buckets.iter().map(|bucket| bucket.count);
    let filled = (0..).zip(counts.clone()).filter(|(_, count)| *count > 0);
    let (positive_spans, positive_deltas) = spans(&filled.collect());
    NativeHistogram {
        count: Some(counts.sum()),
        schema: CUSTOM_BUCKETS,
        zero_count: Some(0),
        positive_spans,
        positive_deltas,
        custom_values: histogram.bounds.to_vec(),
        ..NativeHistogram::default()
    }
}

/// Milliseconds since the epoch.
fn milliseconds(at: Timestamp) -> i64 {
    i64::try_from(at.0 / 1_000_000).unwrap_or(i64::MAX)
}
