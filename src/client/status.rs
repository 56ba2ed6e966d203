//! What an operator is told of a destination: each change once.

use super::failure::SendError;
use std::sync::atomic::{AtomicBool, Ordering};
use tracing::{info, warn};

/// Whether a destination accepts what it is sent. Tells the operator when that changes. Written by whoever sends to it.
#[derive(Debug)]
pub struct DestinationStatus {
    exporter: String,
    /// What is sent there, in the plural.
    content: &'static str,
    /// The last attempt failed.
    failing: AtomicBool,
    /// The destination did not accept all of what it answered to last.
    rejecting: AtomicBool,
    /// The last answer of OTLP broke off after its status.
    untold: AtomicBool,
}

impl DestinationStatus {
    /// Of the destination of an exporter, which nobody has sent `content` to yet.
    pub fn new(exporter: &str, content: &'static str) -> Self {
        Self {
            exporter: exporter.to_owned(),
            content,
            failing: AtomicBool::new(false),
            rejecting: AtomicBool::new(false),
            untold: AtomicBool::new(false),
        }
    }

    /// The exporter.
    pub fn exporter(&self) -> &str {
        &self.exporter
    }

    /// An attempt failed, and another one may not.
    pub fn failed(&self, error: &SendError) {
        if !self.failing.swap(true, Ordering::Relaxed) {
            let (exporter, content) = (&*self.exporter, self.content);
            let (reason, fault) = (error.reason.as_str(), &error.what);
            warn!(
                exporter,
                reason,
                %fault,
                "the destination does not accept {content}: they are sent again"
            );
        }
    }

    /// It answered to an attempt.
    pub fn answered(&self) {
        if self.failing.swap(false, Ordering::Relaxed) {
            let (exporter, content) = (&*self.exporter, self.content);
            info!(exporter, "the destination accepts {content} again");
        }
    }

    /// It rejected something permanently. `then`: what becomes of that.
    pub fn rejected(&self, answer: &str, then: &str) {
        if !self.rejecting.swap(true, Ordering::Relaxed) {
            let (exporter, content) = (&*self.exporter, self.content);
            warn!(
                exporter,
                %answer,
                "the destination rejected {content} permanently, as a whole or in part: {then}"
            );
        }
    }

    /// It accepted something. `is_untold`: its answer broke off before it said of how much.
    pub fn told(&self, is_untold: bool) {
        if !self.untold.swap(is_untold, Ordering::Relaxed) && is_untold {
            let (exporter, content) = (&*self.exporter, self.content);
            warn!(
                exporter,
                "the destination accepted {content}, and its answer broke off after the status or did not come in time: if it rejected some of them, nobody knows"
            );
        }
    }

    /// It accepted all of what it answered to.
    pub fn accepted_all(&self) {
        self.rejecting.store(false, Ordering::Relaxed);
    }
}
