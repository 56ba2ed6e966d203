//! Compression of bodies on their way out, and of answers.

use super::http::MAX_ANSWER;
use bytes::Bytes;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use std::io::{Read, Write};

/// The content of an answer in gzip; `None`: it is none.
pub fn gunzip(answer: &[u8]) -> Option<Bytes> {
    let mut content = Vec::new();
    let read = GzDecoder::new(answer)
        .take(MAX_ANSWER as u64)
        .read_to_end(&mut content);
    read.ok().map(|_| content.into())
}

/// The body in gzip. Fast rather than small: it is done for each attempt.
pub fn gzip(body: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    let written = encoder.write_all(body).and_then(|()| encoder.finish());
    let Ok(packed) = written else {
        unreachable!("memory takes what is written to it");
    };
    packed.into()
}
