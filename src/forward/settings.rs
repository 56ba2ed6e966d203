//! The keys of an exporter of the type `otlp`. Names and meanings are those of the OpenTelemetry Collector.

use crate::auth::ClientAuthSettings;
use crate::client::{
    ClientSettings, DestinationError, DestinationTarget, OtlpClient, RetrySettings,
};
use crate::export::push::otlp::OtlpPushSettings;
use crate::model::request::Signal;
use crate::setting::{Count, PositiveInterval, Report, Secret, Validate};
use crate::tls::ClientTlsSettings;
use crate::verdict::VerdictForm;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// The exporters of the type `otlp`, by their keys in the section `exporters`.
#[derive(Clone, Debug, Default)]
pub struct Settings(pub BTreeMap<String, DestinationSettings>);

/// Forwards requests as they were received. The key is otlp, or otlp/ and a name.
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
    /// What is sent: traces, logs and metrics as they were received; verdicts (Baton's results of handoffs and workflows, as log events) or verdict_spans (the same as spans); derived (Baton's metrics, pushed at an interval).
    pub send: Vec<SentSignal>,
    /// How Baton's metrics are pushed, if `send` has derived (docs/push.md).
    pub derived: OtlpPushSettings,
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
    /// What Baton derives, and its own metrics.
    Derived,
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
            derived: OtlpPushSettings::default(),
            tls: ClientTlsSettings::default(),
            auth: None,
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
            Self::Verdicts | Self::VerdictSpans | Self::Derived => None,
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

    /// The destinations that get something from the spool, by their keys.
    pub fn forwarded(&self) -> impl Iterator<Item = (&String, &DestinationSettings)> {
        self.0.iter().filter(|(_, settings)| settings.forwards())
    }

    /// Their keys.
    pub fn names(&self) -> Vec<String> {
        self.forwarded().map(|(key, _)| key.clone()).collect()
    }

    /// The destinations to which Baton's metrics are pushed, by their keys.
    pub fn derived(&self) -> impl Iterator<Item = (&String, &DestinationSettings)> {
        self.0.iter().filter(|(_, settings)| settings.derives())
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

    /// Whether it gets something from the spool.
    pub fn forwards(&self) -> bool {
        self.send.iter().any(|sent| *sent != SentSignal::Derived)
    }

    /// Whether Baton's metrics are pushed to it.
    pub fn derives(&self) -> bool {
        self.send.contains(&SentSignal::Derived)
    }

    /// A client of the destination. Call it inside a tokio runtime.
    pub fn connect(&self, target: DestinationTarget) -> OtlpClient {
        let gzip = self.compression == ForwardCompression::Gzip;
        let open = match self.protocol {
            ForwardProtocol::Grpc => OtlpClient::grpc,
            ForwardProtocol::Http => OtlpClient::http,
        };
        open(self.client(), gzip, target)
    }

    /// Where it is; `None`: it has no endpoint. Registers its metrics with the recorder in whose scope it is called.
    ///
    /// # Errors
    /// When its certificates or credentials cannot be used.
    pub fn target(&self, name: &str) -> Result<Option<DestinationTarget>, DestinationError> {
        let only_http2 = self.protocol == ForwardProtocol::Grpc;
        DestinationTarget::open(name, self.client(), only_http2)
    }

    /// What its client is made of.
    pub fn client(&self) -> ClientSettings<'_> {
        ClientSettings {
            endpoint: &self.endpoint,
            example: "http://127.0.0.1:4317",
            content: match self.forwards() {
                true => "prompts and answers",
                false => "business metrics",
            },
            headers: &self.headers,
            timeout: self.timeout,
            retry: &self.retry_on_failure,
            tls: &self.tls,
            auth: self.auth.as_ref(),
        }
    }
}

impl Validate for DestinationSettings {
    fn validate(&self, report: &mut Report<'_>) {
        self.client().validate(report);
        let uri = self.client().uri().ok();
        let has_path = uri.is_some_and(|uri| !matches!(uri.path(), "" | "/"));
        if self.protocol == ForwardProtocol::Grpc && has_path {
            report.fault(
                "endpoint",
                "must not have a path, because the protocol is grpc",
            );
        }
        if self.send.is_empty() {
            report.fault(
                "send",
                "is empty: expected at least one of traces, logs, metrics, verdicts, verdict_spans, derived",
            );
        }
        if !self.sending_queue.enabled {
            report.fault(
                "sending_queue.enabled",
                "must be true: Baton sends every request from its spool; spool.max_size is its size",
            );
        }
    }
}
