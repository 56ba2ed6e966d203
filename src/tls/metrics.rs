//! The metrics of one place with TLS.

use super::files;
use crate::catalogue::InternalMetric;
use crate::reload::ReloadSource;
use crate::telemetry::{counter, gauge};
use metrics::{Counter, Gauge};
use std::path::PathBuf;
use std::time::Duration;
use tokio_rustls::rustls::pki_types::CertificateDer;

/// Of a listener, or of a destination.
#[derive(Clone, Debug)]
pub(super) struct TlsMetrics {
    /// When its certificate expires, in seconds since 1970; absent where it has none.
    expiry: Gauge,
    failed_reloads: Counter,
}

impl TlsMetrics {
    /// Registers with the recorder in whose scope it is called.
    pub(super) fn new(endpoint: &str, has_certificate: bool) -> Self {
        Self {
            expiry: match has_certificate {
                true => gauge(InternalMetric::TlsCertificateExpiry, &[endpoint]),
                false => Gauge::noop(),
            },
            failed_reloads: counter(InternalMetric::TlsReloadFailures, &[endpoint]),
        }
    }

    /// Where the certificates of a place come from, whose unusable changes are counted here.
    pub(super) fn source<'f>(
        &self,
        endpoint: &str,
        files: impl Iterator<Item = &'f mut PathBuf>,
        interval: Duration,
    ) -> ReloadSource {
        ReloadSource {
            what: "certificates",
            endpoint: endpoint.to_owned(),
            files: files.map(|file| file.clone()).collect(),
            interval,
            failures: self.failed_reloads.clone(),
        }
    }

    /// Shows when the first of these certificates, which are in use now, expires.
    pub(super) fn show(&self, certificates: &[CertificateDer<'static>]) {
        if let Some(expiry) = files::expiry(certificates) {
            self.expiry.set(expiry as f64);
        }
    }
}
