//! The metrics of one place with TLS.

use super::files;
use crate::catalogue::InternalMetric;
use crate::reload::ReloadSource;
use crate::telemetry::{counter, gauge};
use metrics::{Counter, Gauge};
use std::path::PathBuf;
use std::time::Duration;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tracing::warn;
use x509_parser::time::ASN1Time;

/// Of a listener, or of a destination.
#[derive(Clone, Debug)]
pub(super) struct TlsMetrics {
    /// The listener or the exporter, as in labels.
    endpoint: String,
    /// When its certificate expires, in seconds since 1970; absent where it has none.
    expiry: Gauge,
    failed_reloads: Counter,
}

impl TlsMetrics {
    /// Registers with the recorder in whose scope it is called.
    pub(super) fn new(endpoint: &str, has_certificate: bool) -> Self {
        Self {
            endpoint: endpoint.to_owned(),
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

    /// Shows when the first of these certificates, which are in use now, expires, and warns if it has.
    pub(super) fn show(&self, certificates: &[CertificateDer<'static>]) {
        let Some(expiry) = files::expiry(certificates) else {
            return;
        };
        self.expiry.set(expiry.timestamp() as f64);
        if expiry < ASN1Time::now() {
            warn!(
                endpoint = self.endpoint,
                expired = %expiry,
                "the certificate has expired, and peers that check it will refuse it: renew it"
            );
        }
    }
}
