//! Compression of bodies on their way out.

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;

/// The body in gzip. Fast rather than small: it is done for each attempt.
pub fn gzip(body: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    let written = encoder.write_all(body).and_then(|()| encoder.finish());
    let Ok(packed) = written else {
        unreachable!("memory takes what is written to it");
    };
    packed.into()
}
