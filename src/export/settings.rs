//! The keys of `server`.

use crate::net::Address;
use crate::setting::{Count, Report, Validate};
use crate::tls::ServerTlsSettings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// The HTTP server of metrics, summaries and probes: the section `server`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Address to listen on. Port 0 selects a free port, which is logged.
    #[serde(with = "Address")]
    pub endpoint: SocketAddr,
    /// Maximum number of open connections. At the limit, the longest idle connection is closed, and new connections wait. Reduced at start if the limit of open files is too low.
    #[serde(with = "Count")]
    pub max_connections: usize,
    /// TLS of this listener. Without it, the listener has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<ServerTlsSettings>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            endpoint: SocketAddr::from(([127, 0, 0, 1], 9464)),
            max_connections: 128,
            tls: None,
        }
    }
}

impl Validate for Settings {
    fn validate(&self, report: &mut Report<'_>) {
        if let Some(tls) = &self.tls {
            tls.validate(&mut report.below("tls"));
        }
    }
}
