//! The tokens of a listener.

use super::digest::{Digest, DigestKey};
use super::error::{AuthError, read};
use std::collections::HashSet;
use std::path::Path;

/// The digests of the tokens in a file.
pub(super) fn of_file(file: &Path, key: &DigestKey) -> Result<HashSet<Digest>, AuthError> {
    let text = read(file)?;
    let mut tokens = HashSet::new();
    for (place, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        let token = match words[..] {
            [token] | [_, token] if token.bytes().all(|sign| sign.is_ascii_graphic()) => token,
            _ => {
                let what = format!(
                    "line {}: expected a token, or a name and a token",
                    place + 1
                );
                return Err(AuthError::of(file, what));
            }
        };
        tokens.insert(key.digest(&[token.as_bytes()]));
    }
    match tokens.is_empty() {
        true => Err(AuthError::of(file, "has no token")),
        false => Ok(tokens),
    }
}
