//! The tokens of a listener.

use super::digest::{Digest, DigestKey};
use crate::model::Name;
use crate::reload::{ReloadError, read_text};
use std::collections::HashMap;
use std::path::Path;

/// The digests of the tokens in a file, with their names.
pub(super) fn of_file(
    file: &Path,
    key: &DigestKey,
) -> Result<HashMap<Digest, Option<Name>>, ReloadError> {
    let text = read_text(file)?;
    let mut tokens = HashMap::new();
    for (place, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        let is_token = |token: &str| token.bytes().all(|sign| sign.is_ascii_graphic());
        let (name, token) = match words[..] {
            [token] if is_token(token) => (None, token),
            [name, token] if is_token(token) => (Some(Name::from(name)), token),
            _ => {
                let what = format!(
                    "line {}: expected a token, or a name and a token",
                    place + 1
                );
                return Err(ReloadError::of(file, what));
            }
        };
        tokens.insert(key.digest(&[token.as_bytes()]), name);
    }
    match tokens.is_empty() {
        true => Err(ReloadError::of(file, "has no token")),
        false => Ok(tokens),
    }
}
