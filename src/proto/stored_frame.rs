//! A stored frame of which one partition reads its own part: the parts of the others are passed over without being decoded.

use super::{Invalid, v1};
use crate::model::record::{Delivery, Entry, Origin};
use crate::model::time::Timestamp;
use bytes::Bytes;
use prost::Message;

/// A [`v1::Frame`] whose parts are still encoded.
#[derive(Clone, PartialEq, Message)]
pub struct StoredFrame {
    #[prost(fixed64, tag = "1")]
    arrival_unix_nano: u64,
    #[prost(message, optional, tag = "2")]
    origin: Option<v1::Origin>,
    #[prost(bytes = "bytes", repeated, tag = "3")]
    parts: Vec<Bytes>,
    #[prost(bool, tag = "4")]
    restart: bool,
    #[prost(fixed64, repeated, tag = "5")]
    forget: Vec<u64>,
    #[prost(fixed64, optional, tag = "6")]
    restart_unix_nano: Option<u64>,
}

/// The beginning of a [`v1::Part`].
#[derive(Clone, PartialEq, Message)]
struct PartOwner {
    #[prost(uint32, tag = "1")]
    partition: u32,
}

impl StoredFrame {
    /// # Errors
    /// When the payload is no frame.
    pub fn read(payload: Vec<u8>) -> Result<Self, Invalid> {
        Self::decode(Bytes::from(payload)).map_err(|_| Invalid("frame"))
    }

    /// The partition that sent it and the position that made it send; `None`: it comes from outside.
    pub fn origin(&self) -> Option<Origin> {
        self.origin.map(|origin| Origin {
            partition: origin.partition as usize,
            position: origin.position,
        })
    }

    /// An older Baton took the time at which it was appended.
    fn restarted_at(&self) -> Option<Timestamp> {
        let since = self.restart_unix_nano.unwrap_or(self.arrival_unix_nano);
        self.restart.then_some(Timestamp(since))
    }

    /// What a partition gets of it; `None`: it has no part.
    ///
    /// # Errors
    /// When the part is none that a Baton wrote.
    pub fn delivery(&self, partition: usize, position: u64) -> Result<Option<Delivery>, Invalid> {
        for part in &self.parts {
            let owner = PartOwner::decode(part.clone()).map_err(|_| Invalid("part"))?;
            if owner.partition as usize != partition {
                continue;
            }
            let part = v1::Part::decode(part.clone()).map_err(|_| Invalid("part"))?;
            let entries = part.entries.into_iter().map(Entry::try_from);
            return Ok(Some(Delivery {
                position,
                arrival: Timestamp(self.arrival_unix_nano),
                entries: entries.collect::<Result<_, _>>()?,
                restart: self.restarted_at(),
                forget: self.forget.as_slice().into(),
            }));
        }
        Ok(None)
    }
}
