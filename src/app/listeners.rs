//! The TCP servers of all listeners, within one limit of open files.

use super::settings::{connections, listener};
use crate::config::Config;
use crate::net::{self, Protocol, Reporter, open_files};

/// The TCP server of each listener.
pub(super) struct ListenerServers {
    pub(super) grpc: net::Server,
    pub(super) http: net::Server,
    pub(super) server: net::Server,
}

impl ListenerServers {
    pub(super) fn new(config: &Config, reporter: &Reporter) -> Self {
        let connections = connections(config, open_files::raise());
        let server = |name, protocol, max_connections| {
            net::Server::new(
                name,
                protocol,
                listener(config, max_connections),
                reporter.clone(),
            )
        };
        Self {
            grpc: server("grpc", Protocol::Http2, connections.grpc),
            http: server("http", Protocol::Http, connections.http),
            server: server("server", Protocol::Http, connections.server),
        }
    }
}
