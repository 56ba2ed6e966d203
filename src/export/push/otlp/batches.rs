//! Requests of a size that receivers take: gRPC servers refuse messages above 4 MiB by default.

use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{ExponentialHistogram, Gauge, Histogram, Sum};
use prost::Message;

/// The metrics in batches of about so many bytes.
pub(super) fn batches(metrics: Vec<Metric>, max_bytes: usize) -> Vec<Vec<Metric>> {
    let mut batches = Batches {
        done: Vec::new(),
        open: Vec::new(),
        bytes: 0,
        max_bytes,
    };
    for metric in metrics {
        batches.add(metric);
    }
    batches.close();
    batches.done
}

struct Batches {
    done: Vec<Vec<Metric>>,
    open: Vec<Metric>,
    /// Of the points in `open`.
    bytes: usize,
    max_bytes: usize,
}

impl Batches {
    fn add(&mut self, metric: Metric) {
        let Metric {
            name,
            description,
            unit,
            data,
            ..
        } = metric;
        let part = |data: Data| Metric {
            name: name.clone(),
            description: description.clone(),
            unit: unit.clone(),
            metadata: Vec::new(),
            data: Some(data),
        };
        match data {
            Some(Data::Sum(Sum {
                data_points,
                aggregation_temporality,
                is_monotonic,
            })) => {
                self.split(data_points, |data_points| {
                    part(Data::Sum(Sum {
                        data_points,
                        aggregation_temporality,
                        is_monotonic,
                    }))
                });
            }
            Some(Data::Gauge(Gauge { data_points })) => {
                self.split(data_points, |data_points| {
                    part(Data::Gauge(Gauge { data_points }))
                });
            }
            Some(Data::Histogram(Histogram {
                data_points,
                aggregation_temporality,
            })) => {
                self.split(data_points, |data_points| {
                    part(Data::Histogram(Histogram {
                        data_points,
                        aggregation_temporality,
                    }))
                });
            }
            Some(Data::ExponentialHistogram(ExponentialHistogram {
                data_points,
                aggregation_temporality,
            })) => {
                self.split(data_points, |data_points| {
                    part(Data::ExponentialHistogram(ExponentialHistogram {
                        data_points,
                        aggregation_temporality,
                    }))
                });
            }
            Some(Data::Summary(_)) | None => {}
        }
    }

    fn split<P: Message>(&mut self, points: Vec<P>, part: impl Fn(Vec<P>) -> Metric) {
        let mut group: Vec<P> = Vec::new();
        for point in points {
            let size = point.encoded_len();
            if self.bytes > 0 && self.bytes + size > self.max_bytes {
                if !group.is_empty() {
                    self.open.push(part(std::mem::take(&mut group)));
                }
                self.close();
            }
            self.bytes += size;
            group.push(point);
        }
        if !group.is_empty() {
            self.open.push(part(group));
        }
    }

    fn close(&mut self) {
        if !self.open.is_empty() {
            self.done.push(std::mem::take(&mut self.open));
        }
        self.bytes = 0;
    }
}
