//! The configuration as written in YAML. The texts here become the JSON Schema and the comments of `baton config`.

use crate::net::Address;
use crate::setting::{Amount, AutoSize, Count, Interval, PositiveInterval, Secret, Size};
use crate::telemetry::logs;
use crate::{shutdown, stitch};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

/// Configuration of Baton. Every key has a default. Unknown keys are errors.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(title = "Baton")]
pub(crate) struct Raw {
    /// How Baton receives spans and log records.
    pub(crate) receivers: Receivers,
    /// The HTTP server of metrics, summaries and probes.
    pub(crate) server: Server,
    /// Timeouts of connections, the same for every listener.
    pub(crate) connections: Connections,
    /// Your own attribute and tool names. Baton tries them before the built-in ones.
    pub(crate) normalise: Normalise,
    /// How events are processed.
    pub(crate) engine: Engine,
    /// Where Baton stores acknowledged events and the state of sessions and metrics.
    pub(crate) state: State,
    /// Timeouts and limits of sessions, turns, handoffs and workflows.
    pub(crate) stitch: stitch::Settings,
    /// Your own rules, in CEL: what proves an outcome, and the steps of funnels.
    pub(crate) rules: Rules,
    /// Cohorts: the dimensions by which business metrics are broken down.
    pub(crate) cohorts: Cohorts,
    /// Limits and labels of business metrics.
    pub(crate) metrics: Metrics,
    /// What model calls and actions cost.
    pub(crate) prices: Prices,
    /// The currency of all money metrics.
    pub(crate) money: Money,
    /// Baton's own log messages.
    pub(crate) log: logs::Settings,
    /// Graceful shutdown.
    pub(crate) shutdown: shutdown::Settings,
}

macro_rules! section {
    ($(#[$meta:meta])* $name:ident { $($(#[doc = $doc:literal])+ $(@$attr:meta)? $field:ident: $type:ty = $default:expr,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
        #[serde(deny_unknown_fields, default)]
        pub(crate) struct $name {
            $($(#[doc = $doc])+ $(#[$attr])? pub(crate) $field: $type,)*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }
    };
}

section! {
    /// Receivers.
    Receivers {
        /// OTLP over gRPC and HTTP.
        otlp: Otlp = Otlp::default(),
    }
}

section! {
    /// OTLP.
    Otlp {
        /// OTLP/gRPC.
        grpc: Grpc = Grpc::default(),
        /// OTLP/HTTP, protobuf and JSON.
        http: Http = Http::default(),
        /// Maximum size of a request on the wire.
        @serde(with = "Size")
        max_request_bytes: usize = 16 << 20,
        /// Maximum size of a request after decompression.
        @serde(with = "Size")
        max_decompressed_bytes: usize = 64 << 20,
        /// Maximum number of attributes, events or links of a span. A span with more is rejected.
        @serde(with = "Count")
        max_attributes: usize = 1024,
        /// Maximum nesting depth of an attribute value. A span with a deeper value is rejected.
        @serde(with = "Count")
        max_depth: usize = 32,
        /// Maximum number of requests that are decoded and appended at the same time. Further requests wait in a queue once their body has arrived.
        @serde(with = "Count")
        max_requests_in_flight: usize = 128,
        /// Maximum time that a request waits in that queue. After it, the request is refused with a retryable status.
        @serde(with = "Interval")
        queue_timeout: Duration = Duration::from_secs(5),
        /// Maximum number of bytes in flight, after decompression, from the first byte of a request to its answer. Above it, stalled uploads are cut; if that does not free enough, requests are refused with a retryable status. A size, or a percentage of the memory limit, which is never less than max_decompressed_bytes.
        max_bytes_in_flight: Amount = Amount::Percent(10),
        /// Maximum time in which the body of a request must arrive. A slower upload is cut and refused with a retryable status.
        @serde(with = "Interval")
        body_timeout: Duration = Duration::from_secs(60),
        /// Maximum time without a byte while the body of a request arrives.
        @serde(with = "Interval")
        body_idle_timeout: Duration = Duration::from_secs(10),
        /// How long senders are asked to wait before they retry a refused request.
        @serde(with = "Interval")
        retry_after: Duration = Duration::from_secs(5),
    }
}

section! {
    /// OTLP/gRPC.
    Grpc {
        /// Address to listen on. Port 0 selects a free port, which is logged.
        @serde(with = "Address")
        endpoint: SocketAddr = SocketAddr::from(([127, 0, 0, 1], 4317)),
        /// Maximum number of open connections. At the limit, the longest idle connection is closed, and new connections wait. Reduced at start if the limit of open files is too low.
        @serde(with = "Count")
        max_connections: usize = 2048,
    }
}

section! {
    /// OTLP/HTTP.
    Http {
        /// Address to listen on. Port 0 selects a free port, which is logged.
        @serde(with = "Address")
        endpoint: SocketAddr = SocketAddr::from(([127, 0, 0, 1], 4318)),
        /// Maximum number of open connections. At the limit, the longest idle connection is closed, and new connections wait. Reduced at start if the limit of open files is too low.
        @serde(with = "Count")
        max_connections: usize = 2048,
    }
}

section! {
    /// The server of `/metrics`, `/healthz` and `/readyz`.
    Server {
        /// Address to listen on. Port 0 selects a free port, which is logged.
        @serde(with = "Address")
        endpoint: SocketAddr = SocketAddr::from(([127, 0, 0, 1], 9464)),
        /// Maximum number of open connections. At the limit, the longest idle connection is closed, and new connections wait. Reduced at start if the limit of open files is too low.
        @serde(with = "Count")
        max_connections: usize = 128,
    }
}

section! {
    /// Timeouts of connections.
    Connections {
        /// Maximum time from accepting a connection to the end of its first request header, handshake included.
        @serde(with = "PositiveInterval")
        header_timeout: Duration = Duration::from_secs(10),
        /// Maximum time without a request in flight. Choose it longer than your clients keep idle connections.
        @serde(with = "PositiveInterval")
        idle_timeout: Duration = Duration::from_secs(120),
        /// Maximum time with requests in flight of which none begins or ends.
        @serde(with = "PositiveInterval")
        request_timeout: Duration = Duration::from_secs(90),
        /// Interval of HTTP/2 PINGs that check whether the peer is alive.
        @serde(with = "PositiveInterval")
        keepalive_interval: Duration = Duration::from_secs(30),
        /// Maximum time until the peer answers a PING.
        @serde(with = "PositiveInterval")
        keepalive_timeout: Duration = Duration::from_secs(20),
    }
}

section! {
    /// Attribute and tool names.
    Normalise {
        /// Attributes that hold the session ID.
        session_attributes: Vec<String> = Vec::new(),
        /// Attributes that hold the user ID.
        user_attributes: Vec<String> = Vec::new(),
        /// Attributes that declare the outcome of a workflow.
        outcome_attributes: Vec<String> = Vec::new(),
        /// Tools that hand over to another agent. `*` stands for the target, for example `route_to_*`.
        handoff_tools: Vec<String> = Vec::new(),
        /// Tools that escalate to a human.
        escalation_tools: Vec<String> = Vec::new(),
        /// Names of handoff targets that are humans.
        human_names: Vec<String> = Vec::new(),
        /// Attributes of spans or resources that hold the tenant. Equal session and user IDs of different tenants are then different. All spans of a session must have the tenant.
        tenant_attributes: Vec<String> = Vec::new(),
        /// Attributes that hold the value of the business transaction. Its currency is in `transaction.currency` or `order.currency`, otherwise it is `money.currency`.
        value_attributes: Vec<String> = Vec::new(),
        /// Secret from which the salt of content hashes is derived, for example `${BATON_CONTENT_KEY}`. If not set, the salt is random.
        content_key: Option<Secret> = None,
    }
}

section! {
    /// The engine.
    Engine {
        /// Number of partitions, each with its own worker thread. 0 means the number of the state directory; a new directory gets one per CPU core, at most 4. Another number changes the directory at the next start.
        partitions: u16 = 0,
        /// Maximum number of events that wait to be processed. Above it, requests are refused with a retryable status.
        @serde(with = "Count")
        queue_events: usize = 200_000,
        /// Number of latest sessions to remember for `/sessions/ID`. Fewer are kept if they have more than eight facts on average.
        stories: u32 = 1_000,
        /// Estimated memory of all sessions and waiting events above which requests are refused with a retryable status and sessions without open work are forgotten. A size, or a percentage of the memory limit: that of the container (cgroup), otherwise the memory of the machine.
        soft_state_size: Amount = Amount::Percent(40),
        /// Estimated memory of all sessions above which the least recently used sessions are closed early. A size, or a percentage of the memory limit.
        max_state_size: Amount = Amount::Percent(50),
    }
}

section! {
    /// State.
    State {
        /// disk: acknowledged spans survive a crash. memory: they are lost when the process ends, for example for a sidecar.
        log: LogKind = LogKind::Disk,
        /// Directory of the log on disk. Only one process can use it. Default: $STATE_DIRECTORY, then $XDG_STATE_HOME/baton, then ~/.local/state/baton.
        directory: Option<String> = None,
        /// Maximum size of the log on disk. Above it, requests are refused with a retryable status until a snapshot succeeds. auto: half of the free space of the volume and the log together, at most 8GiB; it follows the volume.
        @serde(with = "AutoSize")
        max_log_size: Option<u64> = None,
        /// Size of one segment (file) of the log.
        @serde(with = "Size")
        segment_size: usize = 64 << 20,
        /// Maximum age of the current segment, so that segments covered by snapshots can be removed.
        @serde(with = "Interval")
        segment_age: Duration = Duration::from_secs(3600),
        /// Interval between snapshots. Snapshots allow old segments to be removed and make restarts fast.
        @serde(with = "Interval")
        snapshot_interval: Duration = Duration::from_secs(60),
    }
}

section! {
    /// Rules.
    Rules {
        /// Outcomes, evaluated in this order before the built-in rules. Example: `{over: event, when: "event.tool == 'book_delivery' && event.ok", outcome: resolved}`.
        outcomes: Vec<OutcomeRule> = Vec::new(),
        /// Funnel steps. A workflow counts once per step. Example: `{step: paid, over: event, when: "event.tool == 'take_payment' && event.ok"}`.
        funnel: Vec<StepRule> = Vec::new(),
    }
}

/// Condition for an outcome.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub(crate) struct OutcomeRule {
    /// Name of the rule in explanations. Default: its number.
    pub(crate) name: Option<String>,
    /// What the rule is evaluated for.
    pub(crate) over: Over,
    /// A CEL expression over the variable of that name.
    pub(crate) when: String,
    pub(crate) outcome: OutcomeName,
}

/// Condition for a funnel step.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub(crate) struct StepRule {
    pub(crate) step: String,
    /// What the rule is evaluated for.
    pub(crate) over: Over,
    /// A CEL expression over the variable of that name.
    pub(crate) when: String,
}

/// One span, one finalized turn, or a workflow that is about to close.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Over {
    Event,
    Turn,
    Workflow,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum OutcomeName {
    Resolved,
    Escalated,
    Failed,
    Abandoned,
    Unverified,
}

section! {
    /// Cohorts.
    Cohorts {
        /// Names of the dimensions, which become labels. Attributes of tier, intent, channel, tenant and agent_version are built in.
        dimensions: Vec<String> = ["tier", "intent", "channel", "tenant"].map(String::from).to_vec(),
        /// Attributes of a dimension, for example `region: [customer.region]`. They are tried before the built-in ones.
        attributes: BTreeMap<String, Vec<String>> = BTreeMap::new(),
        /// Maximum number of distinct values of a dimension in the process, in equal shares per partition. Further values become `other`.
        @serde(with = "Count")
        max_values: usize = 200,
    }
}

section! {
    /// Business metrics.
    Metrics {
        /// Labels that metrics carry. They determine the number of time series.
        labels: MetricLabels = MetricLabels::default(),
        /// Upper bounds of the buckets of a histogram, for example `baton_turn_duration_seconds: [1, 5, 30]`. They replace the built-in bounds. An empty list leaves only sum and count.
        buckets: BTreeMap<String, Vec<f64>> = BTreeMap::new(),
        /// Whether to keep native histograms too. They are exposed to a Prometheus that requests the protobuf format.
        native_histograms: bool = false,
        /// Maximum number of label sets of a metric in the process, in equal shares per partition. Further values go to an overflow series.
        @serde(with = "Count")
        max_series: usize = 40_000,
        /// Maximum number of distinct values of a label of a metric in the process, in equal shares per partition. Further values become `_overflow`.
        @serde(with = "Count")
        max_label_values: usize = 800,
        /// A series without a new value for this time is removed.
        @serde(with = "Interval")
        expire_after: Duration = Duration::from_secs(86400),
        /// A new series is exposed as 0 for this time, so that increase() sees its first value. Set it to at least two scrape intervals of your slowest Prometheus.
        @serde(with = "Interval")
        zero_hold: Duration = Duration::from_secs(120),
        /// Whether OpenMetrics exposes when each series began (`_created`). Most Prometheus versions store this as additional series. The protobuf format always contains it.
        created: bool = false,
    }
}

section! {
    /// The labels of metrics.
    MetricLabels {
        /// standard: cohort dimensions on metrics of workflows, not on metrics of agents, models and tools. full: all labels and dimensions on all metrics. minimal: no cohort dimensions.
        preset: LabelPreset = LabelPreset::Standard,
        /// Labels of single metrics, for example `baton_handoffs_total: [from, to, result, tier]`. They replace the labels of the preset. Series that differ only in other labels are added up.
        keep: BTreeMap<String, Vec<String>> = BTreeMap::new(),
    }
}

section! {
    /// Prices.
    Prices {
        /// File with your own price catalog, which replaces the built-in one. `baton prices` shows the format.
        file: Option<String> = None,
        /// Price of one call of a tool, by the name of the tool, for example `lookup: 0.002`. The cost of other tools is unknown and not counted.
        tools: BTreeMap<String, f64> = BTreeMap::new(),
        /// Price of one search in a knowledge base.
        retrieval: Option<f64> = None,
        /// Price of one escalation to a human: the cost of the time of people for one workflow.
        escalation: Option<f64> = None,
    }
}

section! {
    /// Money.
    Money {
        /// Currency code of all money metrics, for example EUR. The names of these metrics then end in `_eur`. Prices of actions are in this currency.
        currency: String = "USD".into(),
        /// Value of one unit of another currency in `money.currency`, for example `USD: 0.92`. Needed for amounts that spans declare in another currency, and for the price catalog, which is in USD.
        rates: BTreeMap<String, f64> = BTreeMap::new(),
    }
}

/// Where the log of events is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema, clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum LogKind {
    Disk,
    Memory,
}

/// A choice of labels.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum LabelPreset {
    Standard,
    Full,
    Minimal,
}
