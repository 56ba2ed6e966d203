//! Prometheus remote write 2.0, and 1.0 for receivers that do not know it.
//!
//! A receiver of 2.0 says in its answer how many points it has written. One that says nothing, though it accepts the request, knows 1.0 only and has
//! stored nothing: Baton sends the points again as 1.0, and goes on with 1.0. From time to time, one request tries 2.0 again.
//!
//! | File | Content |
//! |---|---|
//! | `settings.rs` | the keys of the exporter |
//! | `encode.rs` | a set of points as requests of 2.0 |
//! | `bound.rs` | the bounds of buckets as labels |
//! | `legacy.rs` | a request of 2.0 as one of 1.0 |
//! | `message.rs` | the messages of both |
//! | `answer.rs` | what a receiver answered |
//! | `version.rs` | which version it gets |

mod answer;
mod bound;
mod encode;
mod legacy;
pub mod message;
mod settings;
mod version;

#[cfg(test)]
mod tests;

pub use settings::{
    HistogramForm, RemoteWriteCompression, RemoteWriteMessage, RemoteWriteQueueSettings,
    RemoteWriteSettings, Settings,
};

use self::answer::ReceiverAnswer;
use self::encode::Manner;
use self::message::RemoteWriteRequest;
use self::version::SpokenVersion;
use super::{PointSet, PushAnswer, PushBatch, PushProtocol};
use crate::client::{DestinationTarget, HttpClient, SendError};
use crate::clock::Clock;
use crate::export::ServiceIdentity;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use prost::Message;
use std::collections::BTreeMap;
use tracing::info;

const VERSION: HeaderName = HeaderName::from_static("x-prometheus-remote-write-version");
/// The headers of each version: the media type, and the version.
const HEADERS_V2: (&str, &str) = (
    "application/x-protobuf;proto=io.prometheus.write.v2.Request",
    "2.0.0",
);
const HEADERS_V1: (&str, &str) = ("application/x-protobuf", "0.1.0");

/// The protocol of one exporter.
pub struct RemoteWrite {
    name: String,
    url: Uri,
    client: HttpClient,
    external_labels: BTreeMap<String, String>,
    forms: Vec<HistogramForm>,
    version: SpokenVersion,
    clock: Clock,
}

impl std::fmt::Debug for RemoteWrite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RemoteWrite")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl RemoteWrite {
    /// The protocol of checked settings, whose target and key in the configuration these are.
    pub fn new(
        name: &str,
        settings: &RemoteWriteSettings,
        target: DestinationTarget,
        clock: Clock,
    ) -> Self {
        Self {
            name: name.to_owned(),
            url: target.endpoint.clone(),
            client: HttpClient::new(settings.client(), target),
            external_labels: settings.external_labels.clone(),
            forms: settings.histograms.clone(),
            version: SpokenVersion::new(settings.protobuf_message == RemoteWriteMessage::V1),
            clock,
        }
    }

    /// Sends a body once.
    async fn post(&self, body: Bytes, (media, version): (&'static str, &'static str)) -> Posted {
        let headers = HeaderMap::from_iter([
            (header::CONTENT_TYPE, HeaderValue::from_static(media)),
            (header::CONTENT_ENCODING, HeaderValue::from_static("snappy")),
            (VERSION, HeaderValue::from_static(version)),
        ]);
        // Status and headers say it all, whatever becomes of the body.
        let answer = self.client.post(&self.url, headers, body).await?;
        let has_credentials = self.client.has_credentials();
        Ok(ReceiverAnswer::read(
            &answer.headers,
            answer.status,
            has_credentials,
        ))
    }

    /// Sends a request as 2.0. `None`: the receiver does not know it, and has stored nothing.
    async fn post_v2(&self, batch: &PushBatch) -> Option<Posted> {
        let posted = self.post(batch.body.clone(), HEADERS_V2).await;
        let exporter = &*self.name;
        if let Ok(answer) = &posted {
            if answer.knows_only_legacy() {
                if self.version.knows_only_v1(self.clock.now()) {
                    info!(
                        exporter,
                        "the receiver does not know remote write 2.0: 1.0 is used, without start times and metadata"
                    );
                }
                return None;
            }
            if answer.written.is_some() && self.version.knows_v2() {
                info!(exporter, "the receiver knows remote write 2.0 now");
            }
        }
        Some(posted)
    }
}

type Posted = Result<ReceiverAnswer, SendError>;

impl PushProtocol for RemoteWrite {
    fn batches(
        &self,
        points: &PointSet<'_>,
        identity: &ServiceIdentity,
        shards: usize,
    ) -> Vec<PushBatch> {
        let mut labels = BTreeMap::from([
            ("job".to_owned(), identity.service.clone()),
            ("instance".to_owned(), identity.instance.clone()),
        ]);
        labels.extend(self.external_labels.clone());
        let manner = Manner {
            labels: &labels.into_iter().collect::<Vec<_>>(),
            forms: &self.forms,
        };
        let requests = encode::requests(points, manner, shards).into_iter();
        let requests = requests.map(|encoded| PushBatch {
            shard: encoded.shard,
            points: encoded.points,
            births: encoded.births,
            body: packed(&encoded.request.encode_to_vec()),
        });
        requests.collect()
    }

    async fn send(&self, batch: &PushBatch) -> PushAnswer {
        let tries_v2 = self.version.sends_v2(self.clock.now());
        if tries_v2 && let Some(posted) = self.post_v2(batch).await {
            return answered(batch, posted, 0);
        }
        let posted = self.post(legacy_body(&batch.body), HEADERS_V1).await;
        let is_refused = matches!(&posted, Ok(answer) if answer.is_unknown_message);
        if is_refused && !tries_v2 {
            self.version.refuses_v1(self.clock.now());
        }
        // 1.0 does not say what was written: all of what is accepted.
        answered(batch, posted, batch.points)
    }
}

/// What became of a request. `accepted`: the points of one that was accepted and whose answer says nothing.
fn answered(batch: &PushBatch, posted: Posted, accepted: u64) -> PushAnswer {
    match posted {
        Err(error) => PushAnswer {
            written: 0,
            is_known: false,
            error: Some(error),
        },
        Ok(answer) => {
            let is_known = answer.may_have_stored();
            let ReceiverAnswer { written, error, .. } = answer;
            let untold = if error.is_none() { accepted } else { 0 };
            PushAnswer {
                written: written.unwrap_or(untold).min(batch.points),
                is_known,
                error,
            }
        }
    }
}

/// The request of 1.0 with the points of a body of 2.0.
fn legacy_body(body: &[u8]) -> Bytes {
    let plain = snap::raw::Decoder::new().decompress_vec(body);
    let request = plain
        .ok()
        .and_then(|plain| RemoteWriteRequest::decode(&*plain).ok());
    let Some(request) = request else {
        unreachable!("Baton packed it itself");
    };
    packed(&legacy::request(request).encode_to_vec())
}

/// The bytes in the block format of snappy.
fn packed(plain: &[u8]) -> Bytes {
    let packed = snap::raw::Encoder::new().compress_vec(plain);
    let Ok(packed) = packed else {
        unreachable!("a request is shorter than 4 GiB");
    };
    packed.into()
}
