//! A request of remote write 2.0 as one of 1.0, which has neither start times nor metadata of series.

use super::message::{
    LegacyExemplar, LegacyLabel, LegacyRequest, LegacySeries, NativeHistogram, RemoteWriteRequest,
    Sample, TimeSeries,
};

/// The same points in a request of 1.0.
pub(super) fn request(request: RemoteWriteRequest) -> LegacyRequest {
    let RemoteWriteRequest {
        symbols,
        timeseries,
    } = request;
    let series = timeseries.into_iter();
    LegacyRequest {
        timeseries: series.map(|one| self::series(one, &symbols)).collect(),
    }
}

fn series(series: TimeSeries, symbols: &[String]) -> LegacySeries {
    let samples = series.samples.into_iter();
    let histograms = series.histograms.into_iter();
    let exemplars = series.exemplars.into_iter();
    LegacySeries {
        labels: labels(&series.labels_refs, symbols),
        samples: samples
            .map(|sample| Sample {
                start_timestamp: 0,
                ..sample
            })
            .collect(),
        exemplars: exemplars
            .map(|exemplar| LegacyExemplar {
                labels: labels(&exemplar.labels_refs, symbols),
                value: exemplar.value,
                timestamp: exemplar.timestamp,
            })
            .collect(),
        histograms: histograms
            .map(|histogram| NativeHistogram {
                start_timestamp: 0,
                ..histogram
            })
            .collect(),
    }
}

fn labels(refs: &[u32], symbols: &[String]) -> Vec<LegacyLabel> {
    let symbol = |at: &u32| symbols.get(*at as usize).cloned().unwrap_or_default();
    let pairs = refs.chunks_exact(2);
    pairs
        .map(|pair| LegacyLabel {
            name: symbol(&pair[0]),
            value: symbol(&pair[1]),
        })
        .collect()
}
