//! Certificates and keys from PEM files.

use crate::reload::{ReloadError, read_bytes};
use std::path::Path;
use std::sync::Arc;
use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::sign::CertifiedKey;
use x509_parser::time::ASN1Time;

/// The certificates of a file, at least one.
pub(super) fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, ReloadError> {
    let text = read_bytes(file)?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let all = all.map_err(|_| ReloadError::of(file, "is no PEM file"))?;
    match all.is_empty() {
        true => Err(ReloadError::of(file, "has no certificate")),
        false => Ok(all),
    }
}

/// The authorities of a file.
pub(super) fn authorities(file: &Path, to: &mut RootCertStore) -> Result<(), ReloadError> {
    for certificate in certificates(file)? {
        let added = to.add(certificate);
        added.map_err(|error| ReloadError::of(file, format!("has no authority: {error}")))?;
    }
    Ok(())
}

/// The certificates and the private key of two files, which belong together.
pub(super) fn pair(
    cert_file: &Path,
    key_file: &Path,
    crypto: &CryptoProvider,
) -> Result<Arc<CertifiedKey>, ReloadError> {
    let certificates = certificates(cert_file)?;
    let text = read_bytes(key_file)?;
    let key = PrivateKeyDer::from_pem_slice(&text);
    let key = key.map_err(|_| ReloadError::of(key_file, "has no private key in PEM"))?;
    let pair = CertifiedKey::from_der(certificates, key, crypto);
    let pair = pair.map_err(|error| {
        let (cert, key) = (cert_file.display(), key_file.display());
        ReloadError::new(format!("{cert} and {key} do not fit each other: {error}"))
    })?;
    Ok(Arc::new(pair))
}

/// When the first of these certificates expires.
pub(super) fn expiry(certificates: &[CertificateDer<'static>]) -> Option<ASN1Time> {
    let of_one = |certificate: &CertificateDer<'static>| {
        let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
        Some(parsed.validity().not_after)
    };
    certificates.iter().filter_map(of_one).min()
}
