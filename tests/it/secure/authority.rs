//! Certificates that the tests make.

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair, SanType,
    date_time_ymd,
};
use std::path::{Path, PathBuf};

/// A certificate authority of a test.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub file: PathBuf,
}

impl Authority {
    /// Writes its certificate to a folder.
    pub fn new(folder: &Path, name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        // As the leaves have another name, nobody takes them for self-signed.
        params
            .distinguished_name
            .push(DnType::CommonName, format!("authority {name}"));
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        let file = folder.join(format!("{name}-ca.pem"));
        std::fs::write(&file, certificate.pem()).expect("written");
        Self {
            issuer: Issuer::new(params, key),
            file,
        }
    }

    /// A certificate for 127.0.0.1 that expires at the end of a year, and its key.
    pub fn issue(&self, year: i32) -> (String, String) {
        self.issue_as("baton", year)
    }

    /// The same with a name in each part that can name a tenant.
    fn issue_as(&self, name: &str, year: i32) -> (String, String) {
        let names = ["127.0.0.1".to_owned(), format!("{name}.example")];
        let mut params = CertificateParams::new(names).expect("names");
        let uri = format!("spiffe://example/{name}");
        let uri = SanType::URI(uri.try_into().expect("ASCII"));
        params.subject_alt_names.push(uri);
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_after = date_time_ymd(year, 12, 31);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        (certificate.pem(), key.serialize_pem())
    }

    /// The same in two files of a folder.
    pub fn issue_to(&self, folder: &Path, name: &str, year: i32) -> Pair {
        let pair = Pair {
            cert: folder.join(format!("{name}.pem")),
            key: folder.join(format!("{name}-key.pem")),
        };
        let (cert, key) = self.issue_as(name, year);
        std::fs::write(&pair.cert, cert).expect("written");
        std::fs::write(&pair.key, key).expect("written");
        pair
    }
}

/// The files of a certificate and its key.
pub struct Pair {
    pub cert: PathBuf,
    pub key: PathBuf,
}
