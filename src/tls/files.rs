//! Certificates and keys from PEM files.

use std::path::Path;
use std::sync::Arc;
use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::sign::CertifiedKey;

/// Why a file, or what several of them say together, cannot be used. It never shows what a file contains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsError(String);

impl std::fmt::Display for TlsError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TlsError {}

impl TlsError {
    pub(super) fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }

    fn of(file: &Path, what: impl std::fmt::Display) -> Self {
        Self(format!("{}: {what}", file.display()))
    }
}

/// The certificates of a file, at least one.
pub(super) fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = read(file)?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let all = all.map_err(|_| TlsError::of(file, "is no PEM file"))?;
    match all.is_empty() {
        true => Err(TlsError::of(file, "has no certificate")),
        false => Ok(all),
    }
}

/// The authorities of a file.
pub(super) fn authorities(file: &Path, to: &mut RootCertStore) -> Result<(), TlsError> {
    for certificate in certificates(file)? {
        let added = to.add(certificate);
        added.map_err(|error| TlsError::of(file, format!("has no authority: {error}")))?;
    }
    Ok(())
}

/// The certificates and the private key of two files, which belong together.
pub(super) fn pair(
    cert_file: &Path,
    key_file: &Path,
    crypto: &CryptoProvider,
) -> Result<Arc<CertifiedKey>, TlsError> {
    let certificates = certificates(cert_file)?;
    let text = read(key_file)?;
    let key = PrivateKeyDer::from_pem_slice(&text);
    let key = key.map_err(|_| TlsError::of(key_file, "has no private key in PEM"))?;
    let pair = CertifiedKey::from_der(certificates, key, crypto);
    let pair = pair.map_err(|error| {
        let (cert, key) = (cert_file.display(), key_file.display());
        TlsError::new(format!("{cert} and {key} do not fit each other: {error}"))
    })?;
    Ok(Arc::new(pair))
}

/// When the first of these certificates expires, in seconds since 1970.
pub(super) fn expiry(certificates: &[CertificateDer<'static>]) -> Option<i64> {
    let of_one = |certificate: &CertificateDer<'static>| {
        let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
        Some(parsed.validity().not_after.timestamp())
    };
    certificates.iter().filter_map(of_one).min()
}

fn read(file: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(file).map_err(|error| TlsError::of(file, format!("cannot be read: {error}")))
}
