//! The keys of each `tls` section. Names and meanings are those of the OpenTelemetry Collector (`configtls`).

use crate::setting::{PositiveInterval, Report, Validate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;
use tokio_rustls::rustls::SupportedProtocolVersion;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::version::{TLS12, TLS13};

/// How often files are read again where the operator does not say.
const RELOAD_INTERVAL: Duration = Duration::from_secs(60);

/// The lowest version of the protocol that is accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[schemars(inline)]
pub enum TlsVersion {
    #[default]
    #[serde(rename = "1.2")]
    V12,
    #[serde(rename = "1.3")]
    V13,
}

/// TLS of a listener: the section `tls` of its own.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(inline)]
pub struct ServerTlsSettings {
    /// PEM file with the certificate of the listener, followed by those between it and the authority.
    #[schemars(with = "String")]
    pub cert_file: PathBuf,
    /// PEM file with the private key of the certificate.
    #[schemars(with = "String")]
    pub key_file: PathBuf,
    /// PEM file with the authorities of client certificates. If it is set, only clients with such a certificate are accepted (mTLS).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub client_ca_file: Option<PathBuf>,
    /// Lowest version of TLS that is accepted: "1.2" or "1.3".
    pub min_version: TlsVersion,
    /// How often the files are read again. New connections use what changed. Files that do not fit each other are reported, and the last ones that did stay in use.
    #[serde(with = "PositiveInterval")]
    pub reload_interval: Duration,
}

/// TLS towards a destination: the section `tls` of its own.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(inline)]
pub struct ClientTlsSettings {
    /// true: no TLS. The URL must begin with http://.
    pub insecure: bool,
    /// true: the certificate of the destination is not checked. Anyone on the way can read and change what is sent.
    pub insecure_skip_verify: bool,
    /// Name that the certificate of the destination must have, if it is not the host of the URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_name_override: Option<String>,
    /// PEM file with the authorities that the destination may be certified by. Without it, those of the operating system.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub ca_file: Option<PathBuf>,
    /// true: the authorities of the operating system too, beside those of ca_file.
    pub include_system_ca_certs_pool: bool,
    /// PEM file with the certificate of Baton, followed by those between it and the authority (mTLS).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub cert_file: Option<PathBuf>,
    /// PEM file with the private key of that certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub key_file: Option<PathBuf>,
    /// Lowest version of TLS that is accepted: "1.2" or "1.3".
    pub min_version: TlsVersion,
    /// How often the files are read again. New connections use what changed. Files that do not fit each other are reported, and the last ones that did stay in use.
    #[serde(with = "PositiveInterval")]
    pub reload_interval: Duration,
}

impl Default for ServerTlsSettings {
    fn default() -> Self {
        Self {
            cert_file: PathBuf::new(),
            key_file: PathBuf::new(),
            client_ca_file: None,
            min_version: TlsVersion::default(),
            reload_interval: RELOAD_INTERVAL,
        }
    }
}

impl Default for ClientTlsSettings {
    fn default() -> Self {
        Self {
            insecure: false,
            insecure_skip_verify: false,
            server_name_override: None,
            ca_file: None,
            include_system_ca_certs_pool: false,
            cert_file: None,
            key_file: None,
            min_version: TlsVersion::default(),
            reload_interval: RELOAD_INTERVAL,
        }
    }
}

impl TlsVersion {
    /// This version and higher ones.
    pub(super) fn accepted(self) -> &'static [&'static SupportedProtocolVersion] {
        static ALL: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];
        match self {
            Self::V12 => &ALL,
            Self::V13 => &ALL[..1],
        }
    }
}

impl ServerTlsSettings {
    /// Its files, to make their names relative to a folder.
    pub fn files(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let files = [&mut self.cert_file, &mut self.key_file];
        files.into_iter().chain(&mut self.client_ca_file)
    }
}

impl ClientTlsSettings {
    /// The name that the certificate of the destination must have, if the operator gives one.
    pub(super) fn server_name(&self) -> Option<ServerName<'static>> {
        ServerName::try_from(self.server_name_override.clone()?).ok()
    }

    /// Its files, to make their names relative to a folder.
    pub fn files(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let files = [&mut self.ca_file, &mut self.cert_file, &mut self.key_file];
        files.into_iter().flatten()
    }
}

impl Validate for ServerTlsSettings {
    fn validate(&self, report: &mut Report<'_>) {
        for (key, file) in [("cert_file", &self.cert_file), ("key_file", &self.key_file)] {
            if file.as_os_str().is_empty() {
                report.fault(key, "is missing: expected the path of a PEM file");
            }
        }
    }
}

impl Validate for ClientTlsSettings {
    fn validate(&self, report: &mut Report<'_>) {
        match (&self.cert_file, &self.key_file) {
            (Some(_), None) => report.fault("key_file", "is missing: cert_file needs it"),
            (None, Some(_)) => report.fault("cert_file", "is missing: key_file needs it"),
            _ => {}
        }
        if self.server_name_override.is_some() && self.server_name().is_none() {
            report.fault("server_name_override", "is no name of a host");
        }
    }
}
