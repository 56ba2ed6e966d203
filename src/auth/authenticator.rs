//! Checks the credentials of requests to one listener.

use super::denial::Denial;
use super::digest::{Digest, DigestKey};
use super::oidc::{Issuer, OidcVerifier};
use super::server_settings::ServerAuthSettings;
use super::users::Users;
use super::web_config::WebConfig;
use super::{tokens, users};
use crate::catalogue::InternalMetric;
use crate::model::Name;
use crate::reload::{Reload, ReloadError, ReloadSource, Reloaded};
use crate::setting::Secret;
use crate::telemetry::counter;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue, header};
use metrics::Counter;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// A longer header is not looked at.
pub(super) const MAX_HEADER_BYTES: usize = 8192;
/// Passwords of a listener that are checked at the same time. A flood of wrong ones takes so many cores and no more.
const MAX_CHECKS: usize = 1;
/// Requests that wait for such a check.
pub(super) const MAX_WAITING: usize = 256;

/// Checks the requests to one listener. Clones share everything.
#[derive(Clone)]
pub struct Authenticator(Arc<AuthenticatorState>);

struct AuthenticatorState {
    key: DigestKey,
    accepted: Arc<Reloaded<AcceptedCredentials>>,
    /// Checks JSON web tokens.
    oidc: Option<OidcVerifier>,
    /// The claim of those that names the tenant.
    tenant_claim: Option<String>,
    /// One permit for each password that is checked.
    checks: Semaphore,
    /// One permit for each request that waits for that, or is checked.
    places: Semaphore,
    denied: [Counter; Denial::ALL.len()],
    challenges: Vec<HeaderValue>,
}

/// Who sends a request, as far as its credentials say it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Principal {
    /// The user, the name of the token, or the subject of a JSON web token.
    pub(super) name: Option<Name>,
    /// The claim that names the tenant.
    pub(super) tenant: Option<Name>,
}

/// What is accepted, as the files last said.
struct AcceptedCredentials {
    /// With the names before them.
    tokens: HashMap<Digest, Option<Name>>,
    users: Users,
}

impl std::fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Authenticator")
            .field(&self.0.accepted)
            .finish()
    }
}

impl Authenticator {
    /// Reads the files of checked settings. `listener` is the listener as in labels.
    /// Registers its metrics with the recorder in whose scope it is called.
    ///
    /// # Errors
    /// When a file cannot be used.
    pub fn open(listener: &str, settings: &ServerAuthSettings) -> Result<Self, ReloadError> {
        let key = DigestKey::random()?;
        let mut own = settings.clone();
        let source = ReloadSource {
            what: "credentials",
            endpoint: listener.to_owned(),
            files: own.own_files().map(|file| file.clone()).collect(),
            interval: own.reload_interval,
            failures: counter(InternalMetric::AuthReloadFailures, &[listener]),
        };
        let oidc = settings.oidc.as_ref().map(|oidc| {
            let source = ReloadSource {
                what: "keys of the issuer",
                files: Vec::new(),
                ..source.clone()
            };
            OidcVerifier::open(oidc, source)
        });
        let kinds = [
            (settings.bearer.is_some() || settings.oidc.is_some())
                .then_some("Bearer realm=\"baton\""),
            settings
                .basic
                .is_some()
                .then_some("Basic realm=\"baton\", charset=\"UTF-8\""),
        ];
        let (load_key, kinds) = (key.clone(), kinds.into_iter().flatten());
        let accepted = Reloaded::open(source, Box::new(move || accepted(&own, &load_key)))?;
        Ok(Self(Arc::new(AuthenticatorState {
            key,
            accepted: Arc::new(accepted),
            oidc: oidc.transpose()?,
            tenant_claim: settings
                .oidc
                .as_ref()
                .and_then(|oidc| oidc.tenant_claim.clone()),
            checks: Semaphore::new(MAX_CHECKS),
            places: Semaphore::new(MAX_WAITING),
            denied: Denial::ALL.map(|denial| denial.counter(listener)),
            challenges: kinds.map(HeaderValue::from_static).collect(),
        })))
    }

    /// What follows its files.
    pub fn files(&self) -> impl Iterator<Item = Arc<dyn Reload>> {
        let accepted = Arc::<Reloaded<AcceptedCredentials>>::clone(&self.0.accepted);
        let keys = self.0.oidc.as_ref().and_then(OidcVerifier::files);
        [accepted as Arc<dyn Reload>].into_iter().chain(keys)
    }

    /// What asks an issuer for its keys, if one is asked.
    pub fn issuer(&self) -> Option<Arc<Issuer>> {
        self.0.oidc.as_ref().and_then(OidcVerifier::issuer)
    }

    /// What `WWW-Authenticate` says: one value for each kind of credentials.
    pub fn challenges(&self) -> &[HeaderValue] {
        &self.0.challenges
    }

    /// Checks the credentials of a request, and counts it if they are not accepted. Needs a runtime of several threads: a password that is
    /// checked takes one.
    ///
    /// # Errors
    /// Why the request is refused.
    pub(super) async fn check(&self, headers: &HeaderMap) -> Result<Principal, Denial> {
        let checked = self.0.check(headers).await;
        if let Err(denial) = &checked {
            self.0.denied[*denial as usize].increment(1);
        }
        checked
    }
}

#[cfg(test)]
impl Authenticator {
    /// Takes the place of a check that does not end.
    pub(super) async fn hold(&self) -> tokio::sync::SemaphorePermit<'_> {
        self.0.checks.acquire().await.expect("it is never closed")
    }
}

impl AuthenticatorState {
    async fn check(&self, headers: &HeaderMap) -> Result<Principal, Denial> {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        let value = values.next().ok_or(Denial::Missing)?.as_bytes();
        if values.next().is_some() || value.len() > MAX_HEADER_BYTES {
            return Err(Denial::Wrong);
        }
        let value = std::str::from_utf8(value).map_err(|_| Denial::Wrong)?;
        let (scheme, rest) = value.split_once(' ').ok_or(Denial::Wrong)?;
        let rest = rest.trim();
        let is = |name| scheme.eq_ignore_ascii_case(name);
        if is("bearer") {
            self.check_token(rest).await
        } else if is("basic") {
            self.check_password(rest).await
        } else {
            Err(Denial::Wrong)
        }
    }

    async fn check_token(&self, token: &str) -> Result<Principal, Denial> {
        let digest = self.key.digest(&[token.as_bytes()]);
        if let Some(name) = self.accepted.current().tokens.get(&digest) {
            let name = name.clone();
            return Ok(Principal { name, tenant: None });
        }
        let oidc = self.oidc.as_ref().ok_or(Denial::Wrong)?;
        let claims = oidc.check(token).await?;
        let text = |claim: &str| claims.get(claim)?.as_str().map(Name::from);
        Ok(Principal {
            name: text("sub"),
            tenant: self.tenant_claim.as_deref().and_then(text),
        })
    }

    async fn check_password(&self, encoded: &str) -> Result<Principal, Denial> {
        let decoded = STANDARD.decode(encoded).map_err(|_| Denial::Wrong)?;
        let colon = decoded.iter().position(|sign| *sign == b':');
        let (user, password) = decoded.split_at(colon.ok_or(Denial::Wrong)?);
        let user = std::str::from_utf8(user).map_err(|_| Denial::Wrong)?;
        let password = &password[1..];
        let is_right = self.is_password(user, password).await?;
        let name = is_right.then(|| Name::from(user)).ok_or(Denial::Wrong)?;
        Ok(Principal {
            name: Some(name),
            tenant: None,
        })
    }

    async fn is_password(&self, user: &str, password: &[u8]) -> Result<bool, Denial> {
        let digest = users::digest(&self.key, user, password);
        let accepted = self.accepted.current();
        if let Some(known) = accepted.users.remembered(user, &digest) {
            return Ok(known);
        }
        let _place = self.places.try_acquire().map_err(|_| Denial::Busy)?;
        let _check = self.checks.acquire().await.map_err(|_| Denial::Busy)?;
        // Another request may have had the same password checked meanwhile.
        let known = accepted.users.remembered(user, &digest);
        let verify = || accepted.users.verify((user, password), digest);
        Ok(known.unwrap_or_else(|| tokio::task::block_in_place(verify)))
    }
}

fn accepted(
    settings: &ServerAuthSettings,
    key: &DigestKey,
) -> Result<AcceptedCredentials, ReloadError> {
    let tokens = match &settings.bearer {
        Some(bearer) => tokens::of_file(&bearer.filename, key)?,
        None => HashMap::new(),
    };
    let mut hashes = BTreeMap::new();
    if let Some(basic) = &settings.basic {
        let own = basic.basic_auth_users.iter();
        hashes.extend(own.map(|(name, Secret(hash))| (name.clone(), hash.clone())));
        if let Some(file) = &basic.filename {
            let found = WebConfig::read(file)?.basic_auth_users;
            if found.is_empty() {
                return Err(ReloadError::of(file, "has no basic_auth_users"));
            }
            hashes.extend(found);
        }
    }
    Ok(AcceptedCredentials {
        tokens,
        users: Users::new(hashes),
    })
}
