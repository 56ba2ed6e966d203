//! The TCP servers of all listeners, within one limit of open files.

use super::settings::{connections, listener};
use crate::config::Config;
use crate::net::{self, Protocol, Reporter, open_files};

/// What serves the connections of each listener.
pub(super) struct Fronts {
    pub(super) grpc: net::Server,
    pub(super) http: net::Server,
    pub(super) server: net::Server,
}

impl Fronts {
    pub(super) fn new(config: &Config, reporter: &Reporter) -> Self {
        let connections = connections(config, open_files::raise());
        let front = |name, protocol, most| {
            net::Server::new(name, protocol, listener(config, most), reporter.clone())
        };
        Self {
            grpc: front("grpc", Protocol::Http2, connections.grpc),
            http: front("http", Protocol::Http, connections.http),
            server: front("server", Protocol::Http, connections.server),
        }
    }
}
