//! A running instance, as commands ask it: its TLS, and what is shown to it.

use crate::auth::{
    ClientAuthSettings, ClientBasicSettings, ClientBearerSettings, ServerAuthSettings,
};
use crate::client::{
    ClientSettings, DestinationTarget, HttpAnswer, HttpClient, RetrySettings, SendError,
    SendFailure,
};
use crate::model::harmless::within;
use crate::tls::{ClientTlsSettings, ServerTlsSettings};
use bytes::Bytes;
use clap::Args;
use http::{HeaderMap, HeaderValue, Uri, header};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// Time for an instance to answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// More of a page is not read.
const MAX_PAGE: usize = 256 << 20;
/// How the options of credentials are named.
const CREDENTIALS: &str = "--token-file, or --user and --password-file";

/// What a running instance is shown, and how its certificates are checked. The options have the names of the keys of `tls` of a destination.
#[derive(Debug, Args)]
#[command(next_help_heading = "Access to the running instance")]
pub(super) struct InstanceArgs {
    /// PEM file with the authorities of its certificates (default: those of the operating system)
    #[arg(long, visible_alias = "ca", value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// PEM file with a client certificate
    #[arg(
        long,
        visible_alias = "cert",
        value_name = "FILE",
        requires = "key_file"
    )]
    cert_file: Option<PathBuf>,
    /// PEM file with the private key of the client certificate
    #[arg(
        long,
        visible_alias = "key",
        value_name = "FILE",
        requires = "cert_file"
    )]
    key_file: Option<PathBuf>,
    /// Name that its certificates must have, if it is not the address
    #[arg(long, value_name = "NAME")]
    server_name_override: Option<String>,
    /// Do not check its certificates: anyone on the way can read and change everything
    #[arg(long)]
    insecure_skip_verify: bool,
    /// File with a bearer token in its first line
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Name of a user
    #[arg(long, value_name = "NAME", requires = "password_file")]
    user: Option<String>,
    /// File with the password of the user in its first line
    #[arg(long, value_name = "FILE", requires = "user")]
    password_file: Option<PathBuf>,
}

/// A listener of the instance, as its configuration says.
pub(super) struct ListenerOf<'c> {
    pub(super) address: SocketAddr,
    /// `None`: it is plain, or nothing is known of it.
    pub(super) tls: Option<&'c ServerTlsSettings>,
    pub(super) auth: Option<&'c ServerAuthSettings>,
}

impl InstanceArgs {
    /// A client of a listener. Call it inside a tokio runtime. `is_configured`: what is not in the configuration of the listener is not there.
    ///
    /// # Errors
    /// When a file cannot be used, or the listener needs one that is not named.
    pub(super) fn client(
        &self,
        listener: &ListenerOf<'_>,
        is_configured: bool,
    ) -> Result<InstanceClient, String> {
        let address = reachable(listener.address);
        let asks = listener.tls.and_then(|tls| tls.client_ca_file.as_ref());
        if asks.is_some() && self.cert_file.is_none() {
            return Err(format!(
                "the instance at {address} asks for a client certificate: name one with --cert-file and --key-file"
            ));
        }
        let has_tls = listener.tls.is_some() || !is_configured && self.speaks_tls();
        let endpoint = format!("{}://{address}", if has_tls { "https" } else { "http" });
        let (headers, retry, tls) = (BTreeMap::new(), RetrySettings::default(), self.tls());
        let auth = self.auth(listener.auth);
        let settings = ClientSettings {
            endpoint: &endpoint,
            example: "",
            content: "",
            headers: &headers,
            timeout: TIMEOUT,
            retry: &retry,
            tls: &tls,
            auth: auth.as_ref(),
        };
        let target = DestinationTarget::open("instance", settings, false);
        let target = target.map_err(|error| error.to_string())?;
        let Some(target) = target else {
            unreachable!("an address is the host of a URL");
        };
        Ok(InstanceClient {
            address,
            base: endpoint.clone(),
            has_tls,
            shows: auth.is_some(),
            client: HttpClient::new(settings, target).with_answers_of(MAX_PAGE),
        })
    }

    /// Whether an option says that the instance has TLS.
    fn speaks_tls(&self) -> bool {
        self.insecure_skip_verify
            || self.server_name_override.is_some()
            || self.ca_file.is_some()
            || self.cert_file.is_some()
    }

    fn tls(&self) -> ClientTlsSettings {
        ClientTlsSettings {
            insecure_skip_verify: self.insecure_skip_verify,
            server_name_override: self.server_name_override.clone(),
            ca_file: self.ca_file.clone(),
            cert_file: self.cert_file.clone(),
            key_file: self.key_file.clone(),
            ..ClientTlsSettings::default()
        }
    }

    /// The credentials for a listener: of a token and a password, the one that it takes.
    fn auth(&self, accepted: Option<&ServerAuthSettings>) -> Option<ClientAuthSettings> {
        let bearer = self.token_file.clone().map(|file| ClientBearerSettings {
            filename: Some(file),
            ..ClientBearerSettings::default()
        });
        let basic = self.user.clone().map(|user| ClientBasicSettings {
            username: Some(user),
            password_file: self.password_file.clone(),
            ..ClientBasicSettings::default()
        });
        let takes_tokens = |auth: &ServerAuthSettings| auth.bearer.is_some() || auth.oidc.is_some();
        let bearer = match accepted.is_none_or(takes_tokens) || basic.is_none() {
            true => bearer,
            false => None,
        };
        let is_shown = bearer.is_some() || basic.is_some();
        is_shown.then(|| ClientAuthSettings {
            basic: basic.filter(|_| bearer.is_none()),
            bearer,
            ..ClientAuthSettings::default()
        })
    }
}

/// The lines of an answer that are quoted, and the bytes of each.
const MAX_LINES: usize = 8;
const MAX_QUOTED: usize = 400;

/// Asks a listener of a running instance.
pub(super) struct InstanceClient {
    /// Where it is asked.
    pub(super) address: SocketAddr,
    base: String,
    has_tls: bool,
    /// Whether it is shown credentials.
    shows: bool,
    client: HttpClient,
}

impl InstanceClient {
    /// Asks for a page.
    ///
    /// # Errors
    /// Why there is no answer, or none for these credentials, and what to do.
    pub(super) async fn get(&self, path: &str) -> Result<(u16, String), String> {
        let url = self.url(path)?;
        self.told(path, self.client.get(&url).await)
    }

    /// Sends JSON.
    ///
    /// # Errors
    /// As for [`get`](Self::get).
    pub(super) async fn post(&self, path: &str, body: String) -> Result<(u16, String), String> {
        let url = self.url(path)?;
        let json = HeaderValue::from_static("application/json");
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, json)]);
        let answer = self.client.post(&url, headers, Bytes::from(body)).await;
        self.told(path, answer)
    }

    fn url(&self, path: &str) -> Result<Uri, String> {
        let url = format!("{}{path}", self.base).parse();
        url.map_err(|_| format!("{path} is no path"))
    }

    fn told(
        &self,
        path: &str,
        answer: Result<HttpAnswer, SendError>,
    ) -> Result<(u16, String), String> {
        let address = self.address;
        // Half a page would be read for the whole.
        let answer = answer.and_then(HttpAnswer::whole);
        let answer = answer.map_err(|error| self.unreached(&error))?;
        let body = String::from_utf8_lossy(&answer.body).into_owned();
        let status = answer.status.as_u16();
        match (status, self.shows) {
            (401, false) => Err(format!(
                "the instance at {address} asks for credentials: name them with {CREDENTIALS}"
            )),
            (401, true) => Err(format!(
                "the instance at {address} does not accept the credentials of {CREDENTIALS} (401): compare them with its auth; it says: {}",
                quoted(&body)
            )),
            (403, _) => Err(format!(
                "the instance at {address} does not let these credentials ask for {path} (403): it says: {}",
                quoted(&body)
            )),
            _ => Ok((status, body)),
        }
    }

    fn unreached(&self, error: &SendError) -> String {
        let (address, what) = (self.address, &error.what);
        match (error.reason, self.has_tls) {
            (SendFailure::Tls, _) => format!("no TLS with the instance at {address}: {what}"),
            (_, true) => format!(
                "nothing answers at {address} ({what}): start `baton run`, or name the address with --server-endpoint and --http-endpoint"
            ),
            // A listener with TLS breaks off what is plain.
            (_, false) => format!(
                "nothing answers at {address} without TLS ({what}): start `baton run`, name the address with --server-endpoint and --http-endpoint, or name the authority of its certificate with --ca-file"
            ),
        }
    }
}

/// What a server says, in one line that no terminal takes for commands.
pub(super) fn quoted(body: &str) -> String {
    let lines = body.trim().lines().map(|line| within(line, MAX_QUOTED));
    let lines: Vec<_> = lines.take(MAX_LINES).collect();
    lines.join("; ")
}

/// Where a server answers that listens on all addresses.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}
