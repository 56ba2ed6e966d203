//! Bodies of HTTP requests, decompressed within limits.

use super::error::ReceiveError;
use crate::otlp::Limits;
use bytes::Bytes;
use std::io::Read;

/// The plain body. At most one byte over the limit is ever decompressed.
pub(super) fn plain(body: Bytes, encoding: &str, limits: &Limits) -> Result<Bytes, ReceiveError> {
    if body.len() > limits.max_request_bytes {
        return Err(ReceiveError::TooLarge);
    }
    match encoding.trim().to_ascii_lowercase().as_str() {
        "" | "identity" => Ok(body),
        "gzip" => inflate(flate2::read::MultiGzDecoder::new(&*body), limits),
        "zstd" => {
            let decoder = zstd::stream::read::Decoder::new(&*body);
            inflate(decoder.map_err(|_| ReceiveError::BadCompression)?, limits)
        }
        _ => Err(ReceiveError::UnknownEncoding),
    }
}

fn inflate(decoder: impl Read, limits: &Limits) -> Result<Bytes, ReceiveError> {
    let mut plain = Vec::new();
    let limit = limits.max_decompressed_bytes as u64;
    decoder
        .take(limit + 1)
        .read_to_end(&mut plain)
        .map_err(|_| ReceiveError::BadCompression)?;
    if plain.len() as u64 > limit {
        return Err(ReceiveError::TooLarge);
    }
    Ok(plain.into())
}
