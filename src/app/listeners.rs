//! The TCP servers of all listeners, within one limit of open files, and who may use them.

use super::StartError;
use super::settings::{connections, listener};
use crate::auth::{AccessControl, Issuer, ServerAuthSettings};
use crate::config::Config;
use crate::net::{self, Protocol, Reporter, open_files};
use crate::reload::Reload;
use crate::tls::{ServerTlsSettings, TlsListener};
use std::sync::Arc;

/// What one listener is made of.
pub(super) struct ListenerParts {
    pub(super) server: net::Server,
    /// Who may use it.
    pub(super) access: AccessControl,
}

/// The TCP server of each listener.
pub(super) struct ListenerServers {
    pub(super) grpc: ListenerParts,
    pub(super) http: ListenerParts,
    pub(super) server: ListenerParts,
    /// What follows the files of all listeners.
    pub(super) files: Vec<Arc<dyn Reload>>,
    /// What asks the issuers of tokens for their keys.
    pub(super) issuers: Vec<Arc<Issuer>>,
}

/// What the settings of a listener say of its security.
type Security<'c> = (
    &'c Option<ServerTlsSettings>,
    &'c Option<ServerAuthSettings>,
);

impl ListenerServers {
    /// Reads certificates and credentials.
    ///
    /// # Errors
    /// When a listener has some that cannot be used.
    pub(super) fn new(config: &Config, reporter: &Reporter) -> Result<Self, StartError> {
        let connections = connections(config, open_files::raise());
        let mut files = Vec::<Arc<dyn Reload>>::new();
        let mut issuers = Vec::new();
        let mut parts = |name, protocol: Protocol, max_connections, (tls, auth): Security<'_>| {
            let open = |tls| TlsListener::open(name, tls, protocol.names());
            let tls = tls
                .as_ref()
                .map(open)
                .transpose()
                .map_err(StartError::Tls)?;
            files.extend(tls.as_ref().map(TlsListener::certificates));
            let access = AccessControl::open(name, auth.as_ref(), config.tenants.as_ref());
            let access = access.map_err(StartError::Auth)?;
            files.extend(access.files());
            issuers.extend(access.issuer());
            let settings = listener(config, max_connections);
            let server = net::Server::new(name, protocol, settings, (tls, reporter.clone()));
            Ok::<_, StartError>(ListenerParts { server, access })
        };
        let (grpc, http) = (&config.receivers.otlp.grpc, &config.receivers.otlp.http);
        let server = &config.server;
        Ok(Self {
            grpc: parts(
                "grpc",
                Protocol::Http2,
                connections.grpc,
                (&grpc.tls, &grpc.auth),
            )?,
            http: parts(
                "http",
                Protocol::Http,
                connections.http,
                (&http.tls, &http.auth),
            )?,
            server: parts(
                "server",
                Protocol::Http,
                connections.server,
                (&server.tls, &server.auth),
            )?,
            files,
            issuers,
        })
    }
}
