//! The TCP servers of all listeners, within one limit of open files.

use super::settings::{connections, listener};
use crate::config::Config;
use crate::net::{self, Protocol, Reporter, open_files};
use crate::reload::Reload;
use crate::tls::{ServerTlsSettings, TlsError, TlsListener};
use std::sync::Arc;

/// The TCP server of each listener.
pub(super) struct ListenerServers {
    pub(super) grpc: net::Server,
    pub(super) http: net::Server,
    pub(super) server: net::Server,
    /// What follows the files of all listeners.
    pub(super) files: Vec<Arc<dyn Reload>>,
}

impl ListenerServers {
    /// Reads the certificates.
    ///
    /// # Errors
    /// When a listener has certificates that cannot be used.
    pub(super) fn new(config: &Config, reporter: &Reporter) -> Result<Self, TlsError> {
        let connections = connections(config, open_files::raise());
        let mut files = Vec::<Arc<dyn Reload>>::new();
        let mut server = |name, protocol: Protocol, max_connections, tls| {
            let open = |tls: &ServerTlsSettings| TlsListener::open(name, tls, protocol.names());
            let tls: Option<&ServerTlsSettings> = tls;
            let tls = tls.map(open).transpose()?;
            files.extend(tls.as_ref().map(TlsListener::certificates));
            let settings = listener(config, max_connections);
            let server = net::Server::new(name, protocol, settings, (tls, reporter.clone()));
            Ok::<_, TlsError>(server)
        };
        let (otlp, http) = (&config.receivers.otlp, Protocol::Http);
        let grpc_tls = otlp.grpc.tls.as_ref();
        Ok(Self {
            grpc: server("grpc", Protocol::Http2, connections.grpc, grpc_tls)?,
            http: server("http", http, connections.http, otlp.http.tls.as_ref())?,
            server: server(
                "server",
                http,
                connections.server,
                config.server.tls.as_ref(),
            )?,
            files,
        })
    }
}
