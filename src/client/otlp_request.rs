//! What is sent to a receiver of OTLP.

use super::compress;
use crate::model::request::{Encoding, Signal};
use bytes::Bytes;
use http::Uri;

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

impl OtlpRequest<'_> {
    /// The body as it is sent; `gzip`: compressed.
    pub(super) fn packed(&self, gzip: bool) -> Bytes {
        match gzip {
            false => self.body.clone(),
            true => compress::gzip(self.body),
        }
    }
}

/// The URL of a destination with another path.
pub(super) fn at_path(endpoint: &Uri, path: &str) -> Uri {
    let mut parts = endpoint.clone().into_parts();
    parts.path_and_query = path.parse().ok();
    Uri::from_parts(parts).unwrap_or_else(|_| endpoint.clone())
}
