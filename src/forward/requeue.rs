//! Sends again what destinations rejected permanently, for an operator who has mended the cause.

use super::Settings;
use super::metrics::ExporterMetrics;
use super::record;
use super::sender::{GiveUpPolicy, RequestSender};
use crate::client::DestinationError;
use crate::clock::Clock;
use crate::log::disk::messages;
use crate::model::request::Signal;
use crate::model::time::Timestamp;
use crate::proto::v1::QuarantinedRequest;
use std::collections::BTreeMap;

/// The content of a file of the quarantine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuarantinedFile {
    pub destination: String,
    /// What the destination answered.
    pub answer: String,
    pub rejected: Timestamp,
    pub signal: Signal,
    /// Bytes of the body.
    pub bytes: usize,
    request: record::OutboundRequest,
}

impl QuarantinedFile {
    /// The content in these bytes; `None`: it is none, or damaged.
    pub fn decode(bytes: Vec<u8>) -> Option<Self> {
        let file = messages::unpacked::<QuarantinedRequest>(bytes)?;
        let request = record::outbound(file.request?)?;
        Some(Self {
            destination: file.destination,
            answer: file.answer,
            rejected: Timestamp(file.rejected),
            signal: request.signal,
            bytes: request.body.len(),
            request,
        })
    }
}

/// The senders of all destinations, without a spool.
pub struct Requeue(BTreeMap<String, RequestSender>);

impl std::fmt::Debug for Requeue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Requeue {
    /// For checked settings. Call it inside a tokio runtime.
    ///
    /// # Errors
    /// When a destination has certificates or credentials that cannot be used.
    pub fn new(settings: &Settings, clock: &Clock) -> Result<Self, DestinationError> {
        let mut senders = BTreeMap::new();
        for (name, settings) in &settings.0 {
            let Some(target) = settings.target(name)? else {
                continue;
            };
            let metrics = ExporterMetrics::new(name);
            let manner = (clock.clone(), GiveUpPolicy::default());
            let sender = RequestSender::new(name, settings.clone(), target, metrics, manner);
            senders.insert(name.clone(), sender);
        }
        Ok(Self(senders))
    }

    /// Sends a request to the destination that rejected it, once.
    ///
    /// # Errors
    /// What the destination answered, also if it rejects a part again, or that there is none of this name.
    pub async fn send(&self, file: &QuarantinedFile) -> Result<(), String> {
        let Some(sender) = self.0.get(&file.destination) else {
            return Err("this destination is not configured".into());
        };
        let sent = sender.attempt(&file.request).await;
        let accepted = sent.map_err(|error| error.what)?;
        accepted.partial(file.signal).map_or(Ok(()), Err)
    }
}
