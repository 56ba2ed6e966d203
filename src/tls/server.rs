//! TLS of a listener.

use super::client_certificate::ClientCertificate;
use super::files;
use super::metrics::TlsMetrics;
use super::settings::ServerTlsSettings;
use crate::reload::{Reload, ReloadError, Reloaded};
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::sign::SingleCertAndKey;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};
use tokio_rustls::server::TlsStream;

/// TLS of a listener, whose certificates follow their files.
#[derive(Clone, Debug)]
pub struct TlsListener(Arc<Reloaded<ServerConfig>>);

impl TlsListener {
    /// Reads the files. `endpoint` is the listener as in labels; `protocols` are those that it speaks, the preferred one first (ALPN).
    /// Registers its metrics with the recorder in whose scope it is called.
    ///
    /// # Errors
    /// When the files cannot be used.
    pub fn open(
        endpoint: &str,
        settings: &ServerTlsSettings,
        protocols: &'static [&'static [u8]],
    ) -> Result<Self, ReloadError> {
        let metrics = TlsMetrics::new(endpoint, true);
        let mut own = settings.clone();
        let interval = own.reload_interval;
        let source = metrics.source(endpoint, own.files(), interval);
        let load = Box::new(move || load(&own, protocols, &metrics));
        let reloaded = Reloaded::open(source, load)?;
        Ok(Self(Arc::new(reloaded)))
    }

    /// Does the handshake of a connection. Beside it the certificate of the client, where one is asked for.
    ///
    /// # Errors
    /// When the peer speaks no TLS, breaks off, or has no certificate that is accepted.
    pub async fn accept(
        &self,
        stream: TcpStream,
    ) -> std::io::Result<(TlsStream<TcpStream>, Option<ClientCertificate>)> {
        let stream = TlsAcceptor::from(self.0.current()).accept(stream).await?;
        let (_, session) = stream.get_ref();
        let own = session.peer_certificates().and_then(<[_]>::first);
        let certificate = own.map(ClientCertificate::of);
        Ok((stream, certificate))
    }

    /// What follows its files.
    pub fn certificates(&self) -> Arc<dyn Reload> {
        Arc::<Reloaded<ServerConfig>>::clone(&self.0)
    }
}

fn load(
    settings: &ServerTlsSettings,
    protocols: &[&[u8]],
    metrics: &TlsMetrics,
) -> Result<ServerConfig, ReloadError> {
    let crypto = Arc::new(ring::default_provider());
    let pair = files::pair(&settings.cert_file, &settings.key_file, &crypto)?;
    let shown = pair.cert.clone();
    let unusable = |error| ReloadError::new(format!("TLS cannot be used: {error}"));
    let builder = ServerConfig::builder_with_provider(Arc::clone(&crypto))
        .with_protocol_versions(settings.min_version.accepted())
        .map_err(unusable)?;
    let builder = match &settings.client_ca_file {
        Some(file) => builder.with_client_cert_verifier(verifier(file, &crypto)?),
        None => builder.with_no_client_auth(),
    };
    let resolver = Arc::new(SingleCertAndKey::from(pair));
    let mut config = builder.with_cert_resolver(resolver);
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    metrics.show(&shown);
    Ok(config)
}

fn verifier(
    file: &Path,
    crypto: &Arc<CryptoProvider>,
) -> Result<Arc<dyn tokio_rustls::rustls::server::danger::ClientCertVerifier>, ReloadError> {
    let mut roots = RootCertStore::empty();
    files::authorities(file, &mut roots)?;
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(crypto))
        .build()
        .map_err(|error| ReloadError::new(format!("{} cannot be used: {error}", file.display())))
}
