//! TLS towards a destination.

use super::files;
use super::metrics::TlsMetrics;
use super::settings::ClientTlsSettings;
use super::tcp::{ConnectError, Connecting, GatheredStream, TcpConnector};
use crate::reload::{Reload, ReloadError, Reloaded};
use http::Uri;
use hyper_rustls::{
    FixedServerNameResolver, HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream,
};
use hyper_util::rt::TokioIo;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::sign::SingleCertAndKey;
use tokio_rustls::rustls::{
    ClientConfig, DigitallySignedStruct, Error as RustlsError, RootCertStore, SignatureScheme,
};
use tower_service::Service;

/// A connection to a destination.
pub type TlsStream = MaybeHttpsStream<GatheredStream<TokioIo<TcpStream>>>;

/// Connects to one destination, with TLS where its URL says so. Its certificates follow their files.
#[derive(Clone, Debug)]
pub struct TlsConnector {
    tcp: TcpConnector,
    /// `None`: the URL of the destination has no TLS.
    config: Option<Arc<Reloaded<ClientConfig>>>,
    name: Option<ServerName<'static>>,
    only_http2: bool,
}

impl TlsConnector {
    /// For a destination without TLS.
    pub fn plain(connect_timeout: Duration) -> Self {
        Self {
            tcp: TcpConnector::new(connect_timeout),
            config: None,
            name: None,
            only_http2: false,
        }
    }

    /// For a destination with TLS. Reads the files. `endpoint` is the destination as in labels; `only_http2`: it speaks nothing else (ALPN).
    /// Registers its metrics with the recorder in whose scope it is called.
    ///
    /// # Errors
    /// When the files cannot be used.
    pub fn open(
        endpoint: &str,
        settings: &ClientTlsSettings,
        (connect_timeout, only_http2): (Duration, bool),
    ) -> Result<Self, ReloadError> {
        let metrics = TlsMetrics::new(endpoint, settings.cert_file.is_some());
        let mut own = settings.clone();
        let interval = own.reload_interval;
        let source = metrics.source(endpoint, own.files(), interval);
        let load = Box::new(move || load(&own, &metrics));
        let reloaded = Reloaded::open(source, load)?;
        Ok(Self {
            config: Some(Arc::new(reloaded)),
            name: settings.server_name(),
            only_http2,
            ..Self::plain(connect_timeout)
        })
    }

    /// What follows its files; `None` without TLS.
    pub fn certificates(&self) -> Option<Arc<dyn Reload>> {
        let config = self.config.as_ref()?;
        Some(Arc::<Reloaded<ClientConfig>>::clone(config))
    }

    /// The connector of the next connection.
    fn https(&self, config: &ClientConfig) -> HttpsConnector<TcpConnector> {
        let builder = HttpsConnectorBuilder::new()
            .with_tls_config(config.clone())
            .https_only();
        let builder = match &self.name {
            Some(name) => {
                builder.with_server_name_resolver(FixedServerNameResolver::new(name.clone()))
            }
            None => builder,
        };
        match self.only_http2 {
            true => builder.enable_http2().wrap_connector(self.tcp.clone()),
            false => builder
                .enable_all_versions()
                .wrap_connector(self.tcp.clone()),
        }
    }
}

impl Service<Uri> for TlsConnector {
    type Response = TlsStream;
    type Error = ConnectError;
    type Future = Connecting<TlsStream>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.tcp.poll_ready(context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        match &self.config {
            Some(config) => Box::pin(self.https(&config.current()).call(uri)),
            None => {
                let connecting = self.tcp.call(uri);
                Box::pin(async { Ok(MaybeHttpsStream::Http(connecting.await?)) })
            }
        }
    }
}

fn load(settings: &ClientTlsSettings, metrics: &TlsMetrics) -> Result<ClientConfig, ReloadError> {
    let crypto = Arc::new(ring::default_provider());
    let unusable = |error: RustlsError| ReloadError::new(format!("TLS cannot be used: {error}"));
    let builder = ClientConfig::builder_with_provider(Arc::clone(&crypto))
        .with_protocol_versions(settings.min_version.accepted())
        .map_err(unusable)?;
    let builder = match settings.insecure_skip_verify {
        true => {
            let verifier = Arc::new(Unverified(crypto.clone()));
            builder
                .dangerous()
                .with_custom_certificate_verifier(verifier)
        }
        false => {
            let roots = Arc::new(roots(settings)?);
            let verifier = WebPkiServerVerifier::builder_with_provider(roots, crypto.clone());
            let verifier = verifier.build();
            let verifier = verifier
                .map_err(|error| ReloadError::new(format!("no authority can be used: {error}")))?;
            builder.with_webpki_verifier(verifier)
        }
    };
    match (&settings.cert_file, &settings.key_file) {
        (Some(cert_file), Some(key_file)) => {
            let pair = files::pair(cert_file, key_file, &crypto)?;
            let shown = pair.cert.clone();
            let resolver = Arc::new(SingleCertAndKey::from(pair));
            let config = builder.with_client_cert_resolver(resolver);
            metrics.show(&shown);
            Ok(config)
        }
        _ => Ok(builder.with_no_client_auth()),
    }
}

/// The authorities that certify the destination.
fn roots(settings: &ClientTlsSettings) -> Result<RootCertStore, ReloadError> {
    let mut roots = RootCertStore::empty();
    if let Some(file) = &settings.ca_file {
        files::authorities(file, &mut roots)?;
    }
    if settings.ca_file.is_none() || settings.include_system_ca_certs_pool {
        let system = rustls_native_certs::load_native_certs();
        // Some systems have authorities that nobody can read.
        roots.add_parsable_certificates(system.certs);
    }
    match roots.is_empty() {
        true => Err(ReloadError::new(
            "the operating system has no certificate authorities: set ca_file",
        )),
        false => Ok(roots),
    }
}

/// Accepts every certificate, because the operator says so. The signatures of the handshake are checked.
#[derive(Debug)]
struct Unverified(Arc<CryptoProvider>);

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, RustlsError> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, RustlsError> {
        let known = &self.0.signature_verification_algorithms;
        tokio_rustls::rustls::crypto::verify_tls12_signature(message, certificate, signed, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, RustlsError> {
        let known = &self.0.signature_verification_algorithms;
        tokio_rustls::rustls::crypto::verify_tls13_signature(message, certificate, signed, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
