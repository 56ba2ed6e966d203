//! The keys of an exporter of the type `prometheusremotewrite`. Names and meanings are those of the OpenTelemetry Collector, where it has them.

use crate::auth::ClientAuthSettings;
use crate::client::{ClientSettings, DestinationError, DestinationTarget, RetrySettings};
use crate::export::push::PushSettings;
use crate::setting::{Count, PositiveInterval, Report, Secret, Validate};
use crate::tls::ClientTlsSettings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// Headers that belong to the protocol, beside those of HTTP.
const PROTOCOL_HEADERS: &str = "x-prometheus-remote-write-";

/// The exporters of the type `prometheusremotewrite`, by their keys in the section `exporters`.
#[derive(Clone, Debug, Default)]
pub struct Settings(pub BTreeMap<String, RemoteWriteSettings>);

/// Pushes all metrics by Prometheus remote write. The key is prometheusremotewrite, or prometheusremotewrite/ and a name.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(inline)]
pub struct RemoteWriteSettings {
    /// URL of the receiver with its path, for example `http://127.0.0.1:9090/api/v1/write`.
    pub endpoint: String,
    /// Time from one push of all metrics to the next.
    #[serde(with = "PositiveInterval")]
    pub interval: Duration,
    /// Headers of every request, for example `X-Scope-OrgID: team`.
    pub headers: BTreeMap<String, Secret>,
    /// Maximum time of one attempt.
    #[serde(with = "PositiveInterval")]
    pub timeout: Duration,
    /// Labels of every series, beside job and instance of the section service. They replace labels of the same name.
    pub external_labels: BTreeMap<String, String>,
    /// Message of the protocol: io.prometheus.write.v2.Request is remote write 2.0, and 1.0 where the receiver does not know it. prometheus.WriteRequest is remote write 1.0.
    pub protobuf_message: RemoteWriteMessage,
    /// Always snappy, the one compression of the protocol.
    pub compression: RemoteWriteCompression,
    /// How histograms are sent: classic (one series for each bucket), exponential (native, if metrics.native_histograms is on) and custom_buckets (native, with the buckets of the classic one).
    pub histograms: Vec<HistogramForm>,
    /// Which requests are retried, and when. At the end of max_elapsed_time, the points of the request are dropped.
    pub retry_on_failure: RetrySettings,
    /// Requests that wait for the receiver.
    pub remote_write_queue: RemoteWriteQueueSettings,
    /// TLS towards the receiver, whose URL begins with https://.
    pub tls: ClientTlsSettings,
    /// What Baton shows to the receiver: a bearer token, or a user name and a password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Option<ClientAuthSettings>,
}

/// Which message is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[schemars(inline)]
pub enum RemoteWriteMessage {
    #[serde(rename = "io.prometheus.write.v2.Request")]
    V2,
    #[serde(rename = "prometheus.WriteRequest")]
    V1,
}

/// How bodies are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum RemoteWriteCompression {
    Snappy,
}

/// A form of histograms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum HistogramForm {
    Classic,
    Exponential,
    CustomBuckets,
}

/// The section `remote_write_queue`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(inline)]
pub struct RemoteWriteQueueSettings {
    /// Always true: requests wait here while the receiver does not answer.
    pub enabled: bool,
    /// Maximum number of requests that wait, each with at most 2000 points. When it is reached, the oldest are dropped.
    #[serde(with = "Count")]
    pub queue_size: usize,
    /// Maximum number of requests in flight. The points of a series are never in two of them.
    #[serde(with = "Count")]
    pub num_consumers: usize,
}

impl Default for RemoteWriteSettings {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            interval: Duration::from_secs(15),
            headers: BTreeMap::new(),
            timeout: Duration::from_secs(5),
            external_labels: BTreeMap::new(),
            protobuf_message: RemoteWriteMessage::V2,
            compression: RemoteWriteCompression::Snappy,
            histograms: vec![HistogramForm::Classic, HistogramForm::Exponential],
            retry_on_failure: RetrySettings::default(),
            remote_write_queue: RemoteWriteQueueSettings::default(),
            tls: ClientTlsSettings::default(),
            auth: None,
        }
    }
}

impl Default for RemoteWriteQueueSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            queue_size: 1000,
            num_consumers: 5,
        }
    }
}

impl RemoteWriteSettings {
    /// What its client is made of.
    pub fn client(&self) -> ClientSettings<'_> {
        ClientSettings {
            endpoint: &self.endpoint,
            example: "http://127.0.0.1:9090/api/v1/write",
            content: "business metrics",
            headers: &self.headers,
            timeout: self.timeout,
            retry: &self.retry_on_failure,
            tls: &self.tls,
            auth: self.auth.as_ref(),
        }
    }

    /// Where its receiver is; `None`: it has no endpoint. Registers its metrics with the recorder in whose scope it is called.
    ///
    /// # Errors
    /// When its certificates or credentials cannot be used.
    pub fn target(&self, name: &str) -> Result<Option<DestinationTarget>, DestinationError> {
        DestinationTarget::open(name, self.client(), false)
    }

    /// What the loop of the exporter is told, whose key in the configuration this is.
    pub fn push(&self, name: &str) -> PushSettings {
        PushSettings {
            name: name.to_owned(),
            endpoint: self.endpoint.clone(),
            interval: self.interval,
            retry: self.retry_on_failure.clone(),
            queue_size: self.remote_write_queue.queue_size,
            shards: self.remote_write_queue.num_consumers,
        }
    }
}

/// Whether every version of Prometheus takes a name of a label.
fn is_label(name: &str) -> bool {
    let is_letter = |letter: char| letter.is_ascii_alphabetic() || letter == '_';
    let is_sign = |sign: char| is_letter(sign) || sign.is_ascii_digit();
    name.starts_with(is_letter) && name.chars().all(is_sign) && !name.starts_with("__")
}

impl Validate for RemoteWriteSettings {
    fn validate(&self, report: &mut Report<'_>) {
        self.client().validate(report);
        for name in self.headers.keys() {
            if name.to_ascii_lowercase().starts_with(PROTOCOL_HEADERS) {
                let report = &mut report.below("headers");
                report.fault(name, "is a header that cannot be set");
            }
        }
        for (name, value) in &self.external_labels {
            let report = &mut report.below("external_labels");
            if !is_label(name) {
                report.fault(
                    name,
                    "is no name of a label: expected letters, digits and _",
                );
            } else if value.is_empty() {
                report.fault(name, "is empty: expected a text");
            }
        }
        let forms = &self.histograms;
        if forms.is_empty() {
            report.fault(
                "histograms",
                "is empty: expected at least one of classic, exponential, custom_buckets",
            );
        }
        let has = |form| forms.contains(&form);
        if has(HistogramForm::Exponential) && has(HistogramForm::CustomBuckets) {
            report.fault(
                "histograms",
                "must not have both exponential and custom_buckets: they would be the same series",
            );
        }
        if !self.remote_write_queue.enabled {
            report.fault(
                "remote_write_queue.enabled",
                "must be true: requests wait here while the receiver does not answer",
            );
        }
    }
}
