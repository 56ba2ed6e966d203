//! The one error of every log: whether its outcome is known, who can mend it, and whether to retry.

use crate::model::limit::Limit;
use std::fmt;
use std::io;

/// A log operation that did not succeed.
///
/// An append that fails is *determinate* (nothing was taken) with one exception: [`LogError::WriteFailed`].
#[derive(Debug)]
pub enum LogError {
    /// Append: a limit is reached, and there is no room now.
    Full(Limit),
    /// Append: more entries at once than the log can ever hold.
    TooLarge,
    /// Snapshot: what it would cover is not durable there yet.
    Behind(&'static str),
    /// The log is closed, because the process is stopping.
    Closed,
    /// Append: the log failed while it was written. The entries may be in it or not.
    WriteFailed,
    /// A file or directory cannot be read or written.
    Io(String, io::Error),
    /// Another process uses the directory.
    InUse(String),
    /// A file is damaged before its end, after so many intact bytes.
    Corrupt(String, u64),
    /// The log has no entries at this position, though later ones are there.
    Missing(u64),
    /// A file of another kind, or of a version that this Baton does not know.
    UnknownFormat(String),
    /// A stored message has a valid checksum and an invalid content.
    Invalid(&'static str),
    /// State files without the file `meta` that says what they are.
    NoMetadata(String),
}

/// Who can mend a [`LogError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Responsible {
    /// The sender: it sent too much at once.
    Sender,
    /// Nobody has to: it ends by itself, or the process is stopping.
    Nobody,
    /// The operator: files, permissions, disks, versions.
    Operator,
}

impl LogError {
    /// Whether it is certain that nothing was appended.
    pub fn is_determinate(&self) -> bool {
        !matches!(self, Self::WriteFailed)
    }

    /// Whether the same append may succeed later. After an indeterminate outcome it is recognised as a duplicate, where the
    /// first one did succeed.
    pub fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::Full(_) | Self::Behind(_) | Self::Closed | Self::WriteFailed
        )
    }

    /// Who can mend it.
    pub fn responsible(&self) -> Responsible {
        match self {
            Self::TooLarge => Responsible::Sender,
            Self::Full(_) | Self::Behind(_) | Self::Closed => Responsible::Nobody,
            Self::WriteFailed
            | Self::Io(..)
            | Self::InUse(_)
            | Self::Corrupt(..)
            | Self::Missing(_)
            | Self::UnknownFormat(_)
            | Self::Invalid(_)
            | Self::NoMetadata(_) => Responsible::Operator,
        }
    }
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(limit) => write!(f, "the log takes nothing now: limit {}", limit.as_str()),
            Self::Behind(place) => write!(f, "{place} does not have all that was found out"),
            Self::TooLarge => f.write_str("more entries at once than the log can hold"),
            Self::Closed => f.write_str("the log is closed"),
            Self::WriteFailed => {
                f.write_str("the log failed while it was written: the outcome is not known")
            }
            Self::Io(name, error) => write!(f, "{name}: {error}"),
            Self::InUse(name) => write!(f, "{name}: another process has it"),
            Self::Corrupt(name, at) => write!(f, "{name}: damaged after byte {at}"),
            Self::Missing(at) => {
                write!(f, "the log has nothing at position {at}: files are missing")
            }
            Self::UnknownFormat(name) => write!(f, "{name}: not a file of this version of Baton"),
            Self::Invalid(what) => write!(f, "a stored message has no valid {what}"),
            Self::NoMetadata(name) => write!(
                f,
                "{name}: the file `meta` that belongs to it is missing: bring it back, or use another directory"
            ),
        }
    }
}

impl std::error::Error for LogError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_failed_write_leaves_the_outcome_open_and_only_what_passes_is_tried_again() {
        let errors = [
            (LogError::Full(Limit::Disk), true, true, Responsible::Nobody),
            (LogError::TooLarge, true, false, Responsible::Sender),
            (
                LogError::Behind("the ledger"),
                true,
                true,
                Responsible::Nobody,
            ),
            (LogError::Closed, true, true, Responsible::Nobody),
            (LogError::WriteFailed, false, true, Responsible::Operator),
            (LogError::Missing(7), true, false, Responsible::Operator),
        ];
        for (error, determinate, retryable, source) in errors {
            assert_eq!(error.is_determinate(), determinate, "{error}");
            assert_eq!(error.is_retryable(), retryable, "{error}");
            assert_eq!(error.responsible(), source, "{error}");
        }
    }
}
