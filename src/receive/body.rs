//! Bodies of HTTP requests, decompressed within limits.

use super::error::ReceiveError;
use crate::otlp::Limits;
use axum::body::Body;
use axum::http::HeaderMap;
use bytes::Bytes;
use http_body_util::BodyExt;
use std::io::Read;
use std::time::Duration;
use tokio::time::timeout;

/// How much of the body of a request is read that is refused for its head, and for how long.
const MAX_DISCARDED_BYTES: usize = 1 << 20;
const DISCARD_TIMEOUT: Duration = Duration::from_secs(5);

/// Reads a body and keeps nothing of it. A sender that is still sending when the answer comes may see a broken connection, which it would
/// retry, and not the answer.
pub(super) async fn discard(mut body: Body) {
    let reading = async {
        let mut left = MAX_DISCARDED_BYTES;
        while let Some(Ok(frame)) = body.frame().await {
            let length = frame.data_ref().map_or(0, Bytes::len);
            match left.checked_sub(length) {
                Some(less) => left = less,
                None => return,
            }
        }
    };
    // Whether it ended or not, it is answered now.
    let _ = timeout(DISCARD_TIMEOUT, reading).await;
}

/// The compression that a header declares; empty for none.
pub(super) fn compression(headers: &HeaderMap, name: &str) -> Result<String, ReceiveError> {
    let Some(declared) = headers.get(name) else {
        return Ok(String::new());
    };
    let text = declared.to_str();
    let text = text.map_err(|_| ReceiveError::UnknownEncoding)?;
    Ok(text.to_owned())
}

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
