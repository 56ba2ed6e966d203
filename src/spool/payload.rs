//! What the spool keeps of a request.

use bytes::buf::Chain;
use bytes::{Buf, Bytes};

/// The bytes that the spool keeps of a request, in two parts: the body, which is large, needs no copy that way. What is read from a disk is one part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpoolPayload {
    head: Bytes,
    body: Bytes,
}

impl SpoolPayload {
    /// The head, and the body behind it.
    pub fn new(head: Bytes, body: Bytes) -> Self {
        Self { head, body }
    }

    /// Bytes of both.
    pub fn size(&self) -> usize {
        self.head.len() + self.body.len()
    }

    /// All bytes, to be read.
    pub fn into_buf(self) -> Chain<Bytes, Bytes> {
        self.head.chain(self.body)
    }

    pub(super) fn parts(&self) -> [&[u8]; 2] {
        [&self.head, &self.body]
    }
}

impl From<Bytes> for SpoolPayload {
    fn from(bytes: Bytes) -> Self {
        Self::new(bytes, Bytes::new())
    }
}
