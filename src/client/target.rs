//! Where a destination is, how it is reached, and what Baton shows to it.

use super::settings::ClientSettings;
use crate::auth::Credentials;
use crate::reload::{Reload, ReloadError};
use crate::tls::TlsConnector;
use http::Uri;
use std::sync::Arc;

/// What the clients of a destination are made of.
#[derive(Clone, Debug)]
pub struct DestinationTarget {
    /// Its URL.
    pub endpoint: Uri,
    /// Makes its connections.
    pub connector: TlsConnector,
    /// `None`: Baton shows nothing, or a header of `headers`.
    pub credentials: Option<Credentials>,
}

/// What a destination needs and cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DestinationError {
    /// Its certificates.
    Tls(ReloadError),
    /// Its credentials.
    Auth(ReloadError),
}

impl std::fmt::Display for DestinationError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tls(error) => write!(f, "TLS cannot be used: {error}"),
            Self::Auth(error) => write!(f, "credentials cannot be used: {error}"),
        }
    }
}

impl std::error::Error for DestinationError {}

impl DestinationTarget {
    /// The target of checked settings; `None`: they have no endpoint. `only_http2`: the destination speaks nothing else. Registers its metrics with the recorder in whose scope it is called.
    ///
    /// # Errors
    /// When its certificates or credentials cannot be used.
    pub fn open(
        name: &str,
        settings: ClientSettings<'_>,
        only_http2: bool,
    ) -> Result<Option<Self>, DestinationError> {
        let Ok(endpoint) = settings.uri() else {
            return Ok(None);
        };
        let connector = match settings.has_tls() {
            true => TlsConnector::open(name, settings.tls, (settings.timeout, only_http2))
                .map_err(DestinationError::Tls)?,
            false => TlsConnector::plain(settings.timeout),
        };
        let credentials = settings.auth.map(|auth| Credentials::open(name, auth));
        Ok(Some(Self {
            endpoint,
            connector,
            credentials: credentials.transpose().map_err(DestinationError::Auth)?,
        }))
    }

    /// What follows its files.
    pub fn files(&self) -> impl Iterator<Item = Arc<dyn Reload>> {
        let credentials = self.credentials.as_ref().map(Credentials::files);
        self.connector.certificates().into_iter().chain(credentials)
    }
}
