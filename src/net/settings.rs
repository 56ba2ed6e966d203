//! The keys of `connections`.

use crate::setting::PositiveInterval;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Timeouts of connections, the same for every listener: the section `connections`.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Maximum time from accepting a connection to the end of its first request header, handshake included.
    #[serde(with = "PositiveInterval")]
    pub header_timeout: Duration,
    /// Maximum time without a request in flight. Choose it longer than your clients keep idle connections.
    #[serde(with = "PositiveInterval")]
    pub idle_timeout: Duration,
    /// Maximum time with requests in flight of which none begins or ends.
    #[serde(with = "PositiveInterval")]
    pub request_timeout: Duration,
    /// Interval of HTTP/2 PINGs that check whether the peer is alive.
    #[serde(with = "PositiveInterval")]
    pub keepalive_interval: Duration,
    /// Maximum time until the peer answers a PING.
    #[serde(with = "PositiveInterval")]
    pub keepalive_timeout: Duration,
    /// Maximum number of open connections of this listener, whose own section has the key.
    #[serde(skip)]
    pub max_connections: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(120),
            request_timeout: Duration::from_secs(90),
            keepalive_interval: Duration::from_secs(30),
            keepalive_timeout: Duration::from_secs(20),
            max_connections: 2048,
        }
    }
}
