//! The scratches of the normaliser that no request uses.

use crate::normalise::Scratch;
use std::sync::{Mutex, PoisonError};

/// Lends a scratch to one request at a time. There are as many as requests were decoded at once, which is a few.
#[derive(Debug, Default)]
pub(super) struct ScratchPool(Mutex<Vec<Scratch>>);

impl ScratchPool {
    /// The scratch that was used last, or a new one.
    pub(super) fn take(&self) -> Scratch {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        idle.pop().unwrap_or_default()
    }

    /// Keeps a scratch for the next request.
    pub(super) fn give_back(&self, scratch: Scratch) {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push(scratch);
    }
}
