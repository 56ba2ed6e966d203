//! What is sent to a receiver of OTLP.

use crate::model::request::{Encoding, Signal};
use bytes::Bytes;

/// An export request of OTLP.
#[derive(Clone, Copy, Debug)]
pub struct OtlpRequest<'r> {
    /// What it has.
    pub signal: Signal,
    /// How its body is written. gRPC takes protobuf only.
    pub encoding: Encoding,
    /// Headers of this request. Those of the destination come first.
    pub headers: &'r [(String, String)],
    /// The request, not compressed.
    pub body: &'r Bytes,
}
