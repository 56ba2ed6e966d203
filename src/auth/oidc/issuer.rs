//! Gets the keys of an issuer by discovery, and again when they change.
//!
//! A request whose key is known never waits. One whose key is not known makes Baton ask the issuer, at a bounded rate, and waits for the answer.

use super::keys::TokenKeys;
use super::settings::OidcSettings;
use crate::reload::{Reload, ReloadError, ReloadSource};
use crate::tls::{ClientTlsSettings, TlsConnector, connection_fault};
use bytes::Bytes;
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// Maximum time to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Maximum time until the keys are there.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
/// The issuer is not asked more often, however many unknown keys come.
const MIN_WAIT: Duration = Duration::from_secs(5);
/// More of an answer is not read.
const MAX_ANSWER: usize = 1 << 20;

/// The keys of an issuer, which are asked for while [`Issuer::run`] runs.
pub struct Issuer {
    settings: OidcSettings,
    source: ReloadSource,
    connector: TlsConnector,
    /// The last ones that the issuer told; `None`: it told none yet. Written by the task, read by requests.
    keys: Mutex<Option<Arc<TokenKeys>>>,
    stage: watch::Sender<FetchStage>,
    /// A request has a key that is not known.
    asked: Notify,
}

/// What the task does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FetchStage {
    /// It asks the issuer.
    Asks,
    /// It asked just now: it does not ask again at once.
    Rests,
    /// It waits to be asked.
    Waits,
}

/// What discovery tells.
#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issuer")
            .field("url", &self.settings.issuer_url)
            .finish_non_exhaustive()
    }
}

impl Issuer {
    /// Reads the authorities of checked settings. Registers its metrics with the recorder in whose scope it is called.
    pub(super) fn open(settings: &OidcSettings, source: ReloadSource) -> Result<Self, ReloadError> {
        let has_tls = settings.issuer_url.starts_with("https:");
        let connector = match has_tls {
            true => {
                let tls = ClientTlsSettings {
                    ca_file: settings.issuer_ca_path.clone(),
                    reload_interval: source.interval,
                    ..ClientTlsSettings::default()
                };
                let open = TlsConnector::open(&source.endpoint, &tls, (CONNECT_TIMEOUT, false));
                open.map_err(|error| ReloadError::new(error.to_string()))?
            }
            false => TlsConnector::plain(CONNECT_TIMEOUT),
        };
        Ok(Self {
            settings: settings.clone(),
            source,
            connector,
            keys: Mutex::default(),
            stage: watch::Sender::new(FetchStage::Asks),
            asked: Notify::new(),
        })
    }

    /// What follows the file of its authorities.
    pub(super) fn authorities(&self) -> Option<Arc<dyn Reload>> {
        self.connector.certificates()
    }

    /// Asks the issuer now, then as often as files are read, and when a key is not known.
    pub async fn run(&self, stop: CancellationToken) {
        stop.run_until_cancelled(self.follow()).await;
    }

    async fn follow(&self) {
        let client = Client::builder(TokioExecutor::new()).build(self.connector.clone());
        let mut last_fault = None;
        loop {
            let fetched = timeout(FETCH_TIMEOUT, self.fetch(&client)).await;
            let fetched = fetched.unwrap_or_else(|_| Err("does not answer in time".into()));
            let fault = match fetched {
                Ok(keys) => {
                    *self.lock() = Some(Arc::new(keys));
                    None
                }
                Err(fault) => {
                    self.source.failures.increment(1);
                    Some(connection_fault(&*fault))
                }
            };
            if fault != last_fault {
                self.tell(fault.as_deref());
            }
            last_fault = fault;
            self.stage.send_replace(FetchStage::Rests);
            sleep(MIN_WAIT.min(self.source.interval)).await;
            self.stage.send_replace(FetchStage::Waits);
            tokio::select! {
                () = sleep(self.source.interval) => {}
                () = self.asked.notified() => {}
            }
            self.stage.send_replace(FetchStage::Asks);
        }
    }

    fn tell(&self, fault: Option<&str>) {
        let (endpoint, issuer) = (&*self.source.endpoint, &*self.settings.issuer_url);
        match fault {
            None => info!(endpoint, issuer, "the issuer tells its keys again"),
            Some(error) => warn!(
                endpoint,
                issuer, error, "the issuer does not tell its keys: the last ones stay in use"
            ),
        }
    }

    async fn fetch(
        &self,
        client: &Client<TlsConnector, Full<Bytes>>,
    ) -> Result<TokenKeys, Box<dyn Error + Send + Sync>> {
        let base = self.settings.issuer_url.trim_end_matches('/');
        let place: Uri = format!("{base}/.well-known/openid-configuration").parse()?;
        let scheme = place.scheme().cloned();
        let told = get(client, place).await?;
        let told = serde_json::from_slice::<Discovery>(&told);
        let told = told.map_err(|_| "its discovery document has no issuer and jwks_uri")?;
        if told.issuer != self.settings.issuer_url {
            return Err("its discovery document is of another issuer".into());
        }
        let place: Uri = told.jwks_uri.parse()?;
        if place.scheme() != scheme.as_ref() {
            return Err("its jwks_uri has another scheme than issuer_url".into());
        }
        let keys = get(client, place).await?;
        TokenKeys::read(&keys, &self.settings).map_err(Into::into)
    }

    /// The keys among which that of an ID is, if the issuer has it.
    pub(super) async fn keys_for(&self, id: Option<&str>) -> Option<Arc<TokenKeys>> {
        let known = self.lock().clone();
        if known
            .as_ref()
            .is_some_and(|known| known.of(id).next().is_some())
        {
            return known;
        }
        let mut stage = self.stage.subscribe();
        match *stage.borrow_and_update() {
            FetchStage::Rests => return known,
            FetchStage::Waits => self.asked.notify_one(),
            FetchStage::Asks => {}
        }
        let rests = stage.wait_for(|stage| *stage == FetchStage::Rests);
        // However it ends, what is known then counts.
        let _ = timeout(FETCH_TIMEOUT, rests).await;
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Arc<TokenKeys>>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is at a place.
async fn get(
    client: &Client<TlsConnector, Full<Bytes>>,
    place: Uri,
) -> Result<Bytes, Box<dyn Error + Send + Sync>> {
    let request = Request::get(place).body(Full::default())?;
    let answer = client.request(request).await?;
    if answer.status() != StatusCode::OK {
        return Err(format!("answers with status {}", answer.status()).into());
    }
    let body = Limited::new(answer.into_body(), MAX_ANSWER)
        .collect()
        .await?;
    Ok(body.to_bytes())
}
