//! The keys of `server`.

use crate::auth::ServerAuthSettings;
use crate::net::Address;
use crate::setting::{Count, Report, Validate};
use crate::tls::ServerTlsSettings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::PathBuf;

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
    /// Who may ask this listener. Without it, everyone who reaches it, unless tls.client_ca_file is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Option<ServerAuthSettings>,
    /// File with TLS and users of this listener, as Prometheus and its exporters take it. tls and auth are not set beside it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub web_config_file: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            endpoint: SocketAddr::from(([127, 0, 0, 1], 9464)),
            max_connections: 128,
            tls: None,
            auth: None,
            web_config_file: None,
        }
    }
}

impl Validate for Settings {
    fn validate(&self, report: &mut Report<'_>) {
        if let Some(tls) = &self.tls {
            tls.validate(&mut report.below("tls"));
        }
        if let Some(auth) = &self.auth {
            auth.validate(&mut report.below("auth"));
        }
        for (key, is_set) in [("tls", self.tls.is_some()), ("auth", self.auth.is_some())] {
            if is_set && self.web_config_file.is_some() {
                report.fault(key, "must not be set beside web_config_file");
            }
        }
    }
}
