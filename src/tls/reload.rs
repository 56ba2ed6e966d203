//! A configuration of rustls that follows its files.

use super::files::{self, TlsError};
use super::metrics::TlsMetrics;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tracing::{info, warn};

/// What is made of files: a configuration, and the certificates that it shows to others.
pub(super) type Loaded<T> = (Arc<T>, Vec<CertificateDer<'static>>);

/// How a configuration is made.
type LoadConfig<T> = Box<dyn Fn() -> Result<Loaded<T>, TlsError> + Send + Sync>;

/// What the files of one place last were, and the configuration that came of it.
pub(super) struct Reloaded<T> {
    /// The listener or the exporter, as in labels.
    endpoint: String,
    files: Vec<PathBuf>,
    interval: Duration,
    load: LoadConfig<T>,
    metrics: TlsMetrics,
    state: Mutex<ReloadState<T>>,
}

struct ReloadState<T> {
    contents: Vec<Option<Vec<u8>>>,
    current: Arc<T>,
}

impl<T> std::fmt::Debug for Reloaded<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reloaded")
            .field("endpoint", &self.endpoint)
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}

impl<T> Reloaded<T> {
    /// Loads for the first time.
    ///
    /// # Errors
    /// When the files cannot be used.
    pub(super) fn open(
        endpoint: &str,
        files: Vec<PathBuf>,
        interval: Duration,
        load: LoadConfig<T>,
    ) -> Result<Self, TlsError> {
        // Before they are loaded: what changes meanwhile is loaded again.
        let contents = files::contents(&files);
        let (current, shown) = load()?;
        let metrics = TlsMetrics::new(endpoint, !shown.is_empty());
        let opened = Self {
            endpoint: endpoint.to_owned(),
            files,
            interval,
            load,
            metrics,
            state: Mutex::new(ReloadState { contents, current }),
        };
        opened.show(&shown);
        Ok(opened)
    }

    /// The configuration for the next connection.
    pub(super) fn current(&self) -> Arc<T> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&state.current)
    }

    fn show(&self, shown: &[CertificateDer<'static>]) {
        if let Some(expiry) = files::expiry(shown) {
            self.metrics.expiry.set(expiry as f64);
        }
    }
}

/// Certificates that are read again while Baton runs: of a listener, or of a destination.
pub trait Certificates: Send + Sync {
    /// How often their files are looked at.
    fn interval(&self) -> Duration;

    /// Looks whether the files changed. What cannot be used is reported once, and what was in use stays so.
    fn reload(&self);
}

impl<T: Send + Sync> Certificates for Reloaded<T> {
    fn interval(&self) -> Duration {
        self.interval
    }

    fn reload(&self) {
        let contents = files::contents(&self.files);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.contents == contents {
            return;
        }
        state.contents = contents;
        let endpoint = &*self.endpoint;
        match (self.load)() {
            Ok((current, shown)) => {
                state.current = current;
                self.show(&shown);
                info!(endpoint, "the certificates were read again");
            }
            Err(error) => {
                self.metrics.failed_reloads.increment(1);
                warn!(
                    endpoint,
                    %error,
                    "the certificates changed and cannot be used: the last ones stay in use"
                );
            }
        }
    }
}
