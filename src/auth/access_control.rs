//! Decides who may send a request to a listener, and what it may reach.

use super::authenticator::{Authenticator, Principal};
use super::denial::Denial;
use super::oidc::Issuer;
use super::server_settings::ServerAuthSettings;
use super::tenant_settings::TenantSettings;
use crate::model::tenant::{Access, tenant};
use crate::reload::{Reload, ReloadError};
use crate::tls::ClientCertificate;
use http::{HeaderMap, HeaderValue, Request};
use metrics::Counter;
use std::sync::Arc;

/// Who may use one listener. Clones share everything.
#[derive(Clone, Debug, Default)]
pub struct AccessControl {
    /// `None`: it asks for no credentials.
    auth: Option<Authenticator>,
    /// `None`: there are no tenants.
    tenants: Option<Arc<Tenants>>,
}

#[derive(Debug)]
struct Tenants {
    settings: TenantSettings,
    /// Requests that nothing gives a tenant.
    unnamed: Counter,
    /// Requests whose tenant has a name that none can have.
    misnamed: Counter,
}

impl AccessControl {
    /// Reads the files of checked settings. `listener` is the listener as in labels.
    /// Registers its metrics with the recorder in whose scope it is called.
    ///
    /// # Errors
    /// When a file cannot be used.
    pub fn open(
        listener: &str,
        auth: Option<&ServerAuthSettings>,
        tenants: Option<&TenantSettings>,
    ) -> Result<Self, ReloadError> {
        let auth = auth.map(|auth| Authenticator::open(listener, auth));
        let tenants = tenants.map(|settings| {
            Arc::new(Tenants {
                settings: settings.clone(),
                unnamed: Denial::NoTenant.counter(listener),
                misnamed: Denial::InvalidTenant.counter(listener),
            })
        });
        let auth = auth.transpose()?;
        Ok(Self { auth, tenants })
    }

    /// What follows its files.
    pub fn files(&self) -> impl Iterator<Item = Arc<dyn Reload>> {
        self.auth.iter().flat_map(Authenticator::files)
    }

    /// What asks an issuer for its keys, if one is asked.
    pub fn issuer(&self) -> Option<Arc<Issuer>> {
        self.auth.as_ref().and_then(Authenticator::issuer)
    }

    /// What `WWW-Authenticate` says: one value for each kind of credentials.
    pub fn challenges(&self) -> &[HeaderValue] {
        self.auth.as_ref().map_or(&[], Authenticator::challenges)
    }

    /// Whether requests have tenants.
    pub fn has_tenants(&self) -> bool {
        self.tenants.is_some()
    }

    /// Checks who sends a request, and notes with it what it may reach, as an extension. A request that is refused is counted.
    ///
    /// # Errors
    /// Why it is refused.
    pub async fn admit<B>(&self, request: &mut Request<B>) -> Result<(), Denial> {
        let certificate = request.extensions().get::<Arc<ClientCertificate>>();
        let certificate = certificate.map(|certificate| &**certificate);
        let access = self.access(request.headers(), certificate).await?;
        request.extensions_mut().insert(access);
        Ok(())
    }

    /// What a request with these headers may reach.
    pub(super) async fn access(
        &self,
        headers: &HeaderMap,
        certificate: Option<&ClientCertificate>,
    ) -> Result<Access, Denial> {
        let principal = match &self.auth {
            Some(auth) => Some(auth.check(headers).await?),
            None => None,
        };
        let Some(tenants) = &self.tenants else {
            return Ok(Access::All);
        };
        let access = tenants.access(principal, headers, certificate);
        match access {
            Err(Denial::InvalidTenant) => tenants.misnamed.increment(1),
            Err(_) => tenants.unnamed.increment(1),
            Ok(_) => {}
        }
        access
    }
}

impl Tenants {
    /// What a request may reach, unless nothing says whose it is. What its sender can prove goes first: its certificate, then its token, then its
    /// name, and only then a header.
    fn access(
        &self,
        principal: Option<Principal>,
        headers: &HeaderMap,
        certificate: Option<&ClientCertificate>,
    ) -> Result<Access, Denial> {
        let settings = &self.settings;
        let part = settings.certificate.zip(certificate);
        let certified = part.and_then(|(part, certificate)| part.of(certificate));
        let asks_nothing = principal.is_none() && part.is_none();
        let principal = principal.unwrap_or_default();
        let name = certified.or(principal.name.as_deref());
        let is_operator = name.is_some_and(|name| settings.operators.iter().any(|o| o == name));
        if is_operator || asks_nothing {
            return match self.of_header(headers) {
                Some(named) => of_name(named),
                None if is_operator => Ok(Access::All),
                None => Err(Denial::NoTenant),
            };
        }
        let mapped = name.and_then(|name| settings.names.get(name));
        let mapped = mapped.map(String::as_str);
        let named = match certified {
            Some(certified) => mapped.or(Some(certified)),
            None => principal.tenant.as_deref().or(mapped),
        };
        of_name(Some(named.ok_or(Denial::NoTenant)?))
    }

    /// What the header says; `None`: it is not there, or not believed. A header that is there twice, or is no text, names nobody.
    fn of_header<'h>(&self, headers: &'h HeaderMap) -> Option<Option<&'h str>> {
        let mut values = headers.get_all(self.settings.header.as_ref()?).iter();
        let first = values.next()?;
        let is_one = values.next().is_none();
        Some(first.to_str().ok().filter(|_| is_one))
    }
}

/// What the tenant of a name may reach; `None`: what should name it does not name one.
fn of_name(named: Option<&str>) -> Result<Access, Denial> {
    let named = named.and_then(tenant);
    named.map(Access::Tenant).ok_or(Denial::InvalidTenant)
}
