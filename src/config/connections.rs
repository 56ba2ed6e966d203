//! How many connections each address may have, and their time-outs.

use super::raw::Raw;
use std::time::Duration;

/// The validated limits of connections.
#[derive(Clone, Copy, Debug)]
pub struct Connections {
    pub max_grpc: usize,
    pub max_http: usize,
    pub max_server: usize,
    pub header_timeout: Duration,
    pub idle_timeout: Duration,
    pub request_timeout: Duration,
    pub keepalive_interval: Duration,
    pub keepalive_timeout: Duration,
}

pub(super) fn read(raw: &Raw) -> Connections {
    let otlp = &raw.receivers.otlp;
    let connections = &raw.connections;
    Connections {
        max_grpc: otlp.grpc.max_connections,
        max_http: otlp.http.max_connections,
        max_server: raw.server.max_connections,
        header_timeout: connections.header_timeout,
        idle_timeout: connections.idle_timeout,
        request_timeout: connections.request_timeout,
        keepalive_interval: connections.keepalive_interval,
        keepalive_timeout: connections.keepalive_timeout,
    }
}
