//! Checks a token: signature, issuer, audience, times.

use super::issuer::Issuer;
use super::keys::TokenKeys;
use super::settings::OidcSettings;
use crate::auth::denial::Denial;
use crate::reload::{Reload, ReloadError, ReloadSource, Reloaded, read_text};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{decode, decode_header};
use serde_json::{Map, Value};
use std::path::Path;
use std::sync::Arc;

/// Checks the tokens of one issuer.
pub(in crate::auth) enum OidcVerifier {
    /// With keys from a file.
    File(Arc<Reloaded<TokenKeys>>),
    /// With keys that the issuer tells.
    Issuer(Arc<Issuer>),
}

impl OidcVerifier {
    /// Reads the files of checked settings. `source` is where failures are counted.
    pub(in crate::auth) fn open(
        settings: &OidcSettings,
        source: ReloadSource,
    ) -> Result<Self, ReloadError> {
        let Some(file) = settings.jwks_file.clone() else {
            return Ok(Self::Issuer(Arc::new(Issuer::open(settings, source)?)));
        };
        let own = settings.clone();
        let source = ReloadSource {
            files: Vec::from([file.clone()]),
            ..source
        };
        let load = Box::new(move || of_file(&file, &own));
        Ok(Self::File(Arc::new(Reloaded::open(source, load)?)))
    }

    /// What follows its file, if it has one.
    pub(in crate::auth) fn files(&self) -> Option<Arc<dyn Reload>> {
        match self {
            Self::File(keys) => Some(Arc::<Reloaded<TokenKeys>>::clone(keys)),
            Self::Issuer(issuer) => issuer.authorities(),
        }
    }

    /// What asks the issuer for its keys, if it does.
    pub(in crate::auth) fn issuer(&self) -> Option<Arc<Issuer>> {
        match self {
            Self::File(_) => None,
            Self::Issuer(issuer) => Some(Arc::clone(issuer)),
        }
    }

    /// The claims of a token that is accepted.
    pub(in crate::auth) async fn check(&self, token: &str) -> Result<Map<String, Value>, Denial> {
        // An algorithm that is none, or not known, ends here.
        let header = decode_header(token).map_err(|_| Denial::Wrong)?;
        let id = header.kid.as_deref();
        let known = match self {
            Self::File(keys) => Some(keys.current()),
            Self::Issuer(issuer) => issuer.keys_for(id).await,
        };
        let known = known.ok_or(Denial::NoKeys)?;
        let mut denial = Denial::Wrong;
        for key in known.of(id) {
            match decode(token, &key.key, &key.validation) {
                Ok(decoded) => return Ok(decoded.claims),
                // The signature was right.
                Err(error) if *error.kind() == ErrorKind::ExpiredSignature => {
                    denial = Denial::Expired;
                }
                Err(_) => {}
            }
        }
        Err(denial)
    }
}

fn of_file(file: &Path, settings: &OidcSettings) -> Result<TokenKeys, ReloadError> {
    let text = read_text(file)?;
    TokenKeys::read(text.as_bytes(), settings).map_err(|what| ReloadError::of(file, what))
}
