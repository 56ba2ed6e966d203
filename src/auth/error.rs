//! Why credentials cannot be used.

use std::path::Path;

/// Why credentials, or the file they are in, cannot be used. It never shows what a file contains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthError(String);

impl std::fmt::Display for AuthError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for AuthError {}

impl AuthError {
    pub(super) fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }

    pub(super) fn of(file: &Path, what: impl std::fmt::Display) -> Self {
        Self(format!("{}: {what}", file.display()))
    }
}

/// The text of a file.
pub(super) fn read(file: &Path) -> Result<String, AuthError> {
    std::fs::read_to_string(file)
        .map_err(|error| AuthError::of(file, format!("cannot be read: {error}")))
}
