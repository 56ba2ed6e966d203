//! The keys of an issuer (JSON Web Key Set), and the algorithms of each.

use super::settings::OidcSettings;
use super::signatures;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, Validation};
use serde::Deserialize;
use serde_json::Value;

/// How far the clocks of issuer, sender and Baton may differ, in seconds.
const LEEWAY: u64 = 30;
/// An issuer has a few keys. A token that names none is checked with all of them.
const MAX_KEYS: usize = 32;

/// One key. What a token says of its own algorithm only selects among those of the key.
pub(super) struct TokenKey {
    id: Option<String>,
    pub(super) key: DecodingKey,
    /// What a token must have, with the algorithms of this key.
    pub(super) validation: Validation,
}

/// All keys of an issuer that can be used, at least one.
pub(in crate::auth) struct TokenKeys(Vec<TokenKey>);

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Value>,
}

impl TokenKeys {
    /// Reads a key set. Keys that are for something else, or of kinds that Baton does not know, are left out.
    pub(super) fn read(text: &[u8], settings: &OidcSettings) -> Result<Self, &'static str> {
        signatures::install();
        let set: KeySet = serde_json::from_slice(text).map_err(|_| "is no JSON Web Key Set")?;
        let keys = set.keys.into_iter();
        let keys =
            keys.filter_map(|key| TokenKey::of(&serde_json::from_value(key).ok()?, settings));
        let keys: Vec<TokenKey> = keys.take(MAX_KEYS + 1).collect();
        match keys.len() {
            0 => Err("has no key for signatures that Baton can check"),
            count if count > MAX_KEYS => Err("has more than 32 keys"),
            _ => Ok(Self(keys)),
        }
    }

    /// The keys that may have signed a token: that of its key ID, or all where it has none.
    pub(super) fn of(&self, id: Option<&str>) -> impl Iterator<Item = &TokenKey> {
        let is_asked = move |key: &&TokenKey| id.is_none() || key.id.as_deref() == id;
        self.0.iter().filter(is_asked)
    }
}

impl TokenKey {
    fn of(jwk: &Jwk, settings: &OidcSettings) -> Option<Self> {
        let common = &jwk.common;
        if !matches!(common.public_key_use, None | Some(PublicKeyUse::Signature)) {
            return None;
        }
        let mut algorithms = match &jwk.algorithm {
            AlgorithmParameters::RSA(_) => AlgorithmFamily::Rsa.algorithms().to_vec(),
            AlgorithmParameters::EllipticCurve(of) => match of.curve {
                EllipticCurve::P256 => vec![Algorithm::ES256],
                EllipticCurve::P384 => vec![Algorithm::ES384],
                _ => return None,
            },
            AlgorithmParameters::OctetKeyPair(of) if of.curve == EllipticCurve::Ed25519 => {
                vec![Algorithm::EdDSA]
            }
            // A shared secret is no key of a set that everyone can read.
            _ => return None,
        };
        if let Some(own) = common.key_algorithm {
            let own = own.to_string().parse::<Algorithm>().ok()?;
            algorithms.retain(|algorithm| *algorithm == own);
        }
        let mut validation = Validation::new(*algorithms.first()?);
        validation.algorithms = algorithms;
        validation.leeway = LEEWAY;
        validation.validate_nbf = true;
        validation.set_issuer(&[&settings.issuer_url]);
        validation.set_audience(&[&settings.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        Some(Self {
            id: common.key_id.clone(),
            key: DecodingKey::from_jwk(jwk).ok()?,
            validation,
        })
    }
}
