//! The seam of protocols that push.

use super::points::{PointSet, SeriesBirth};
use crate::client::SendError;
use crate::export::ServiceIdentity;
use bytes::Bytes;
use std::future::Future;

/// How points are written and sent.
pub trait PushProtocol: Send + Sync + 'static {
    /// The requests of a set of points, for so many shards. A series is in one request, and always in the same shard.
    fn batches(
        &self,
        points: &PointSet<'_>,
        identity: &ServiceIdentity,
        shards: usize,
    ) -> Vec<PushBatch>;

    /// Sends a request once. It is not called again for a shard before it has answered.
    fn send(&self, batch: &PushBatch) -> impl Future<Output = PushAnswer> + Send;
}

/// One request with points of one time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushBatch {
    /// Which queue it goes through.
    pub shard: usize,
    /// How many points it has.
    pub points: u64,
    /// The series in it that the receiver does not know yet.
    pub births: Vec<SeriesBirth>,
    /// The request as the protocol keeps it.
    pub body: Bytes,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushAnswer {
    /// Points that the receiver has now.
    pub written: u64,
    /// It may have stored points of any series of the request, also where it accepted the request in part: it knows all of them from now on.
    pub is_known: bool,
    /// Why it has not all of them, where it says so; whether a retry helps.
    pub error: Option<SendError>,
}
