//! How many connections each address may have, and their time-outs.

use super::load::Check;
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

pub(super) fn read(raw: &Raw, check: &mut Check<'_>) -> Connections {
    let otlp = &raw.receivers.otlp;
    let connections = &raw.connections;
    let mut most = |path, count| check.count(path, count);
    let max_grpc = most(
        "receivers.otlp.grpc.max_connections",
        otlp.grpc.max_connections,
    );
    let max_http = most(
        "receivers.otlp.http.max_connections",
        otlp.http.max_connections,
    );
    let max_server = most("server.max_connections", raw.server.max_connections);
    let mut wait = |path, text| {
        let wait = check.wait(path, text);
        if wait.is_zero() {
            check.fault(path, "expected a duration above 0 such as 30s, found 0");
        }
        wait
    };
    Connections {
        max_grpc,
        max_http,
        max_server,
        header_timeout: wait("connections.header_timeout", &connections.header_timeout),
        idle_timeout: wait("connections.idle_timeout", &connections.idle_timeout),
        request_timeout: wait("connections.request_timeout", &connections.request_timeout),
        keepalive_interval: wait(
            "connections.keepalive_interval",
            &connections.keepalive_interval,
        ),
        keepalive_timeout: wait(
            "connections.keepalive_timeout",
            &connections.keepalive_timeout,
        ),
    }
}
