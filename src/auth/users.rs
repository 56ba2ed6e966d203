//! Users and the bcrypt hashes of their passwords.

use super::digest::{Digest, DigestKey};
use bcrypt::HashParts;
use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A hash of more rounds takes seconds to check. Each step of the cost doubles the time; 10 took 80 ms on a busy machine in November 2026.
const MAX_COST: u32 = 14;
/// Wrong passwords that are remembered, so that those who repeat one cost nothing.
const MAX_REFUSED: usize = 4096;

/// What is wrong with a user.
pub(super) fn check(name: &str, hash: &str) -> Result<(), &'static str> {
    if name.is_empty() || name.contains(':') {
        return Err("is no name of a user: expected a text without a colon");
    }
    match hash.parse::<HashParts>() {
        Err(_) => Err("expected a bcrypt hash, for example from htpasswd -nBC 10 USER"),
        Ok(parts) if parts.get_cost() > MAX_COST => {
            Err("is a bcrypt hash of too many rounds: expected a cost of at most 14")
        }
        Ok(_) => Ok(()),
    }
}

/// The users of a listener, and what is known of passwords without a check.
pub(super) struct Users {
    hashes: BTreeMap<String, String>,
    remembered: Mutex<Remembered>,
}

/// Keyed digests of users with their passwords. It is gone when the users are read again.
#[derive(Default)]
struct Remembered {
    /// The last right password of each user.
    right: BTreeMap<String, Digest>,
    wrong: HashSet<Digest>,
}

impl Users {
    /// Users that were checked.
    pub(super) fn new(hashes: BTreeMap<String, String>) -> Self {
        Self {
            hashes,
            remembered: Mutex::default(),
        }
    }

    /// Whether a password is right, if that is known already.
    pub(super) fn remembered(&self, user: &str, digest: &Digest) -> Option<bool> {
        let remembered = self.lock();
        if remembered.right.get(user) == Some(digest) {
            return Some(true);
        }
        remembered.wrong.contains(digest).then_some(false)
    }

    /// Checks a password, which takes long by design. A user that does not exist takes as long as another one.
    pub(super) fn verify(&self, (user, password): (&str, &[u8]), digest: Digest) -> bool {
        let hash = self.hashes.get(user);
        let Some(compared) = hash.or_else(|| self.hashes.values().next()) else {
            return false;
        };
        let fits = bcrypt::verify(password, compared).unwrap_or(false);
        let is_right = fits && hash.is_some();
        let mut remembered = self.lock();
        if is_right {
            remembered.right.insert(user.to_owned(), digest);
        } else {
            if remembered.wrong.len() >= MAX_REFUSED {
                remembered.wrong.clear();
            }
            remembered.wrong.insert(digest);
        }
        is_right
    }

    fn lock(&self) -> MutexGuard<'_, Remembered> {
        let remembered = self.remembered.lock();
        remembered.unwrap_or_else(PoisonError::into_inner)
    }
}

/// The digest of a user with a password.
pub(super) fn digest(key: &DigestKey, user: &str, password: &[u8]) -> Digest {
    // A user name has no colon.
    key.digest(&[user.as_bytes(), b":", password])
}
