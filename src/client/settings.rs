//! What the settings of every destination have. Names and meanings are those of the OpenTelemetry Collector.

use crate::auth::ClientAuthSettings;
use crate::setting::{Interval, PositiveInterval, Report, Secret, Validate};
use crate::tls::{ClientTlsSettings, is_local};
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// Headers that belong to the protocol.
const OWN_HEADERS: [&str; 7] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "te",
    "transfer-encoding",
];

/// The section `retry_on_failure`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(inline)]
pub struct RetrySettings {
    /// Whether a request is sent again if the destination is not reached, or asks for it.
    pub enabled: bool,
    /// Wait before the first retry.
    #[serde(with = "PositiveInterval")]
    pub initial_interval: Duration,
    /// Share of a wait by which it is shorter or longer at random, from 0 to 1.
    pub randomization_factor: f64,
    /// Factor from one wait to the next.
    pub multiplier: f64,
    /// Maximum wait, except where the destination asks for a longer one.
    #[serde(with = "PositiveInterval")]
    pub max_interval: Duration,
    /// Maximum time of all attempts of a request, after which it is dropped. 0s: no limit.
    #[serde(with = "Interval")]
    pub max_elapsed_time: Duration,
}

/// What a client is made of: these keys of the settings of a destination.
#[derive(Clone, Copy, Debug)]
pub struct ClientSettings<'s> {
    /// URL of the destination.
    pub endpoint: &'s str,
    /// A URL for messages.
    pub example: &'static str,
    /// What is sent there, for messages.
    pub content: &'static str,
    /// Headers of every request.
    pub headers: &'s BTreeMap<String, Secret>,
    /// Maximum time of one attempt.
    pub timeout: Duration,
    /// Which requests are retried, and when.
    pub retry: &'s RetrySettings,
    /// TLS towards the destination.
    pub tls: &'s ClientTlsSettings,
    /// What Baton shows to the destination.
    pub auth: Option<&'s ClientAuthSettings>,
}

impl Default for RetrySettings {
    fn default() -> Self {
        Self {
            enabled: true,
            initial_interval: Duration::from_secs(5),
            randomization_factor: 0.5,
            multiplier: 1.5,
            max_interval: Duration::from_secs(30),
            max_elapsed_time: Duration::ZERO,
        }
    }
}

impl ClientSettings<'_> {
    /// Whether its URL has TLS.
    pub fn has_tls(&self) -> bool {
        let uri = self.uri().ok();
        uri.is_some_and(|uri| uri.scheme_str() == Some("https"))
    }

    /// Whether its requests leave the machine.
    pub fn is_remote(&self) -> bool {
        !self.uri().is_ok_and(|uri| is_local(&uri))
    }

    /// The endpoint.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn uri(&self) -> Result<Uri, String> {
        let example = self.example;
        let expected = || format!("expected a URL such as {example}");
        if self.endpoint.is_empty() {
            return Err(expected());
        }
        let uri: Uri = self.endpoint.parse().map_err(|_| expected())?;
        match uri.scheme_str() {
            Some("http" | "https") => {}
            _ => return Err(format!("expected a URL with its scheme such as {example}")),
        }
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        if authority.contains('@') {
            return Err("must not have a user name or a password: set auth.basic".into());
        }
        if uri.query().is_some() {
            return Err("must not have a query".into());
        }
        Ok(uri)
    }

    /// The headers of every request. Their values are secret.
    pub(super) fn header_map(&self) -> HeaderMap {
        let headers = self.headers.iter().filter_map(|(name, value)| {
            let mut value = HeaderValue::try_from(value.0.as_str()).ok()?;
            value.set_sensitive(true);
            Some((HeaderName::try_from(name.as_str()).ok()?, value))
        });
        headers.collect()
    }

    fn validate_headers(&self, report: &mut Report<'_>) {
        for (name, value) in self.headers {
            let known = HeaderName::try_from(name.as_str());
            let lower = name.to_ascii_lowercase();
            let is_own = OWN_HEADERS.contains(&&*lower) || lower.starts_with("grpc-");
            if known.is_err() {
                report.fault(name, "is no name of a header");
            } else if lower == "authorization" && self.auth.is_some() {
                report.fault(name, "must not be set, because auth sets it");
            } else if is_own || lower.ends_with("-bin") {
                report.fault(name, "is a header that cannot be set");
            } else if HeaderValue::try_from(value.0.as_str()).is_err() {
                report.fault(name, "cannot be the value of a header");
            }
        }
    }
}

impl Validate for ClientSettings<'_> {
    fn validate(&self, report: &mut Report<'_>) {
        if let Err(what) = self.uri() {
            report.fault("endpoint", what);
        }
        if self.tls.insecure && self.has_tls() {
            report.fault(
                "tls.insecure",
                "must be false, because the URL of the endpoint begins with https://",
            );
        }
        self.tls.validate(&mut report.below("tls"));
        if let Some(auth) = self.auth {
            auth.validate(&mut report.below("auth"));
        }
        self.validate_headers(&mut report.below("headers"));
        self.retry.validate(&mut report.below("retry_on_failure"));
    }
}

impl RetrySettings {
    fn validate(&self, report: &mut Report<'_>) {
        if !(0.0..=1.0).contains(&self.randomization_factor) {
            report.fault("randomization_factor", "expected a number from 0 to 1");
        }
        if !(self.multiplier >= 1.0 && self.multiplier.is_finite()) {
            report.fault("multiplier", "expected a number of at least 1");
        }
        report.not_longer(
            ("initial_interval", self.initial_interval),
            ("max_interval", self.max_interval),
        );
    }
}
