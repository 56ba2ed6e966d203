//! The keys of `exporters`. Names and meanings are those of the OpenTelemetry Collector.

use crate::auth::ClientAuthSettings;
use crate::model::request::Signal;
use crate::setting::{Count, Interval, PositiveInterval, Report, Secret, Validate};
use crate::tls::ClientTlsSettings;
use crate::verdict::VerdictForm;
use http::{HeaderName, HeaderValue, Uri};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;
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

/// The section `exporters`: one destination for each key.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Settings(pub BTreeMap<String, DestinationSettings>);

/// A destination of requests as they were received. Its key is `otlp/` and a name.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(inline)]
pub struct DestinationSettings {
    /// URL of the receiver, for example `http://127.0.0.1:4317`, with TLS `https://collector.example:4317`. For http/protobuf, `/v1/traces`, `/v1/logs` and `/v1/metrics` are appended.
    pub endpoint: String,
    /// grpc or http/protobuf. With http/protobuf, OTLP/JSON is sent as it was received. With grpc, it is converted to protobuf.
    pub protocol: ForwardProtocol,
    /// none or gzip.
    pub compression: ForwardCompression,
    /// Headers of every request, for example `authorization: Bearer ${TOKEN}`.
    pub headers: BTreeMap<String, Secret>,
    /// Maximum time of one attempt.
    #[serde(with = "PositiveInterval")]
    pub timeout: Duration,
    /// Which requests are retried, and when.
    pub retry_on_failure: RetrySettings,
    /// How requests are taken from the spool, which is the queue of every destination.
    pub sending_queue: QueueSettings,
    /// What is sent: traces, logs and metrics as they were received; verdicts (Baton's results of handoffs and workflows, as log events) or verdict_spans (the same as spans).
    pub send: Vec<SentSignal>,
    /// TLS towards the destination, whose URL begins with https://.
    pub tls: ClientTlsSettings,
    /// What Baton shows to the destination: a bearer token, or a user name and a password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Option<ClientAuthSettings>,
}

/// How requests are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[schemars(inline)]
pub enum ForwardProtocol {
    #[serde(rename = "grpc")]
    Grpc,
    #[serde(rename = "http/protobuf")]
    Http,
}

/// How bodies are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum ForwardCompression {
    None,
    Gzip,
}

/// What a destination gets, as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum SentSignal {
    Traces,
    Logs,
    Metrics,
    Verdicts,
    #[serde(rename = "verdict_spans")]
    VerdictSpans,
}

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

/// The section `sending_queue`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(inline)]
pub struct QueueSettings {
    /// Always true: the queue is the spool, whose size is `spool.max_size` for all destinations together.
    pub enabled: bool,
    /// Maximum number of requests that are sent at the same time.
    #[serde(with = "Count")]
    pub num_consumers: usize,
}

impl Default for DestinationSettings {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            protocol: ForwardProtocol::Grpc,
            compression: ForwardCompression::None,
            headers: BTreeMap::new(),
            timeout: Duration::from_secs(10),
            retry_on_failure: RetrySettings::default(),
            sending_queue: QueueSettings::default(),
            send: vec![SentSignal::Traces, SentSignal::Logs, SentSignal::Metrics],
            tls: ClientTlsSettings::default(),
            auth: None,
        }
    }
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

impl Default for QueueSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            num_consumers: 10,
        }
    }
}

impl SentSignal {
    /// The signal that is forwarded. `None`: it is of Baton's own making.
    fn signal(self) -> Option<Signal> {
        match self {
            Self::Traces => Some(Signal::Traces),
            Self::Logs => Some(Signal::Logs),
            Self::Metrics => Some(Signal::Metrics),
            Self::Verdicts | Self::VerdictSpans => None,
        }
    }
}

impl Settings {
    /// Whether any destination takes a signal.
    pub fn takes(&self, signal: Signal) -> bool {
        self.0.values().any(|destination| destination.takes(signal))
    }

    /// Whether any destination takes verdicts.
    pub fn takes_verdicts(&self) -> bool {
        let mut forms = VerdictForm::ALL.into_iter();
        forms.any(|form| !self.verdict_takers(form).is_empty())
    }

    /// The keys of the destinations that take verdicts in this form.
    pub(super) fn verdict_takers(&self, form: VerdictForm) -> Vec<String> {
        let takers = self.0.iter();
        let takers = takers.filter(|(_, destination)| destination.takes_verdicts(form));
        takers.map(|(name, _)| name.clone()).collect()
    }

    /// The keys of all destinations.
    pub fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }
}

impl DestinationSettings {
    /// Whether it takes a signal.
    pub fn takes(&self, signal: Signal) -> bool {
        self.send.iter().any(|sent| sent.signal() == Some(signal))
    }

    /// Whether it takes verdicts in this form.
    pub fn takes_verdicts(&self, form: VerdictForm) -> bool {
        self.send.contains(&match form {
            VerdictForm::Events => SentSignal::Verdicts,
            VerdictForm::Spans => SentSignal::VerdictSpans,
        })
    }

    /// Whether its URL has TLS.
    pub fn has_tls(&self) -> bool {
        let uri = self.uri().ok();
        uri.is_some_and(|uri| uri.scheme_str() == Some("https"))
    }

    /// Whether its requests leave the machine.
    pub fn is_remote(&self) -> bool {
        let uri = self.uri().ok();
        let host = uri.as_ref().and_then(Uri::host).unwrap_or_default();
        let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
        host != "localhost" && !address.is_ok_and(|address| address.is_loopback())
    }

    /// The endpoint.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn uri(&self) -> Result<Uri, &'static str> {
        let example = "expected a URL such as http://127.0.0.1:4317";
        if self.endpoint.is_empty() {
            return Err(example);
        }
        let uri: Uri = self.endpoint.parse().map_err(|_| example)?;
        match uri.scheme_str() {
            Some("http" | "https") => {}
            _ => return Err("expected a URL with its scheme such as http://127.0.0.1:4317"),
        }
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        if authority.contains('@') {
            return Err("must not have a user name or a password: set auth.basic");
        }
        let has_path = !matches!(uri.path(), "" | "/");
        if self.protocol == ForwardProtocol::Grpc && has_path {
            return Err("must not have a path, because the protocol is grpc");
        }
        if uri.query().is_some() {
            return Err("must not have a query");
        }
        Ok(uri)
    }

    fn validate_headers(&self, report: &mut Report<'_>) {
        for (name, value) in &self.headers {
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

/// Whether this is the key of a destination: `otlp`, or `otlp/` and a name.
fn is_key(key: &str) -> bool {
    let is_sign = |sign: char| sign.is_ascii_alphanumeric() || "_-".contains(sign);
    match key.strip_prefix("otlp") {
        Some("") => true,
        Some(rest) => rest
            .strip_prefix('/')
            .is_some_and(|name| !name.is_empty() && name.chars().all(is_sign)),
        None => false,
    }
}

impl Validate for Settings {
    fn validate(&self, report: &mut Report<'_>) {
        for (key, destination) in &self.0 {
            if !is_key(key) {
                report.fault(
                    key,
                    "is no exporter: expected otlp, or otlp/ and a name of letters, digits, _ and -, as in otlp/next",
                );
                continue;
            }
            let mut report = report.below(key);
            if let Err(what) = destination.uri() {
                report.fault("endpoint", what);
            }
            if destination.tls.insecure && destination.has_tls() {
                report.fault(
                    "tls.insecure",
                    "must be false, because the URL of the endpoint begins with https://",
                );
            }
            destination.tls.validate(&mut report.below("tls"));
            if let Some(auth) = &destination.auth {
                auth.validate(&mut report.below("auth"));
            }
            if destination.send.is_empty() {
                report.fault(
                    "send",
                    "is empty: expected at least one of traces, logs, metrics, verdicts, verdict_spans",
                );
            }
            if !destination.sending_queue.enabled {
                report.fault(
                    "sending_queue.enabled",
                    "must be true: Baton sends every request from its spool; spool.max_size is its size",
                );
            }
            destination.validate_headers(&mut report.below("headers"));
            destination
                .retry_on_failure
                .validate(&mut report.below("retry_on_failure"));
        }
    }
}
