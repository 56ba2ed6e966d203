//! Keyed digests, by which secrets are compared and remembered. As nobody outside knows the key, the time that a comparison takes says nothing of a secret.

use crate::reload::ReloadError;
use ring::hmac::{Context, HMAC_SHA256, Key};
use ring::rand::SystemRandom;

/// HMAC-SHA-256 of a secret.
pub(super) type Digest = [u8; 32];

/// A random key of this process.
#[derive(Clone)]
pub(super) struct DigestKey(Key);

impl DigestKey {
    pub(super) fn random() -> Result<Self, ReloadError> {
        let key = Key::generate(HMAC_SHA256, &SystemRandom::new());
        let key = key.map_err(|_| ReloadError::new("the system gives no random numbers"))?;
        Ok(Self(key))
    }

    /// The digest of texts, one after the other.
    pub(super) fn digest(&self, parts: &[&[u8]]) -> Digest {
        let mut context = Context::with_key(&self.0);
        parts.iter().for_each(|part| context.update(part));
        let tag = context.sign();
        let mut digest = Digest::default();
        digest.copy_from_slice(tag.as_ref());
        digest
    }
}
