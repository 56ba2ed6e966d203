//! The configuration as the operator writes it. The texts here become the JSON Schema and the comments of `baton config`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Configuration of Baton. Everything has a default; unknown keys are refused.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(title = "Baton")]
pub(crate) struct Raw {
    /// Where spans and log records come in.
    pub(crate) receivers: Receivers,
    /// Where metrics and probes are served.
    pub(crate) server: Server,
    /// What Baton should know of your names, tried before the built-in ones.
    pub(crate) normalise: Normalise,
    /// How events are worked on.
    pub(crate) engine: Engine,
    /// Where acknowledged events and the state of sessions and metrics are kept.
    pub(crate) state: State,
    /// Waits and limits of sessions, turns, handoffs and workflows.
    pub(crate) stitch: Stitch,
    /// Rules of your own, in CEL: what proves an outcome, and the steps of funnels.
    pub(crate) rules: Rules,
    /// Cohorts: dimensions by which every business metric is told apart.
    pub(crate) cohorts: Cohorts,
    /// Limits of the derived metrics.
    pub(crate) metrics: Metrics,
    /// What model calls and actions cost.
    pub(crate) prices: Prices,
    /// The one currency of all figures.
    pub(crate) money: Money,
    /// Baton's own log.
    pub(crate) log: Log,
    /// How Baton stops.
    pub(crate) shutdown: Shutdown,
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
        /// Largest request on the wire.
        max_request_bytes: Size = Size("16MiB".into()),
        /// Largest request after decompression.
        max_decompressed_bytes: Size = Size("64MiB".into()),
        /// Most attributes, events or links of one span; a span with more is rejected.
        max_attributes: u32 = 1024,
        /// Most levels of one attribute value; a span with more is rejected.
        max_depth: u32 = 32,
        /// Most requests under way at once; above, senders are asked to retry.
        max_requests_in_flight: u32 = 128,
        /// Most bytes of requests under way at once, after decompression, from the first byte to the answer; above, senders are asked to retry.
        max_bytes_in_flight: Size = Size("256MiB".into()),
        /// How long an overloaded Baton asks senders to wait.
        retry_after: Wait = Wait("5s".into()),
    }
}

section! {
    /// OTLP/gRPC.
    Grpc {
        /// Address to listen on; port 0 takes a free one, which is logged.
        endpoint: String = "127.0.0.1:4317".into(),
    }
}

section! {
    /// OTLP/HTTP.
    Http {
        /// Address to listen on; port 0 takes a free one, which is logged.
        endpoint: String = "127.0.0.1:4318".into(),
    }
}

section! {
    /// The server of `/metrics`, `/healthz` and `/readyz`.
    Server {
        /// Address to listen on; port 0 takes a free one, which is logged.
        endpoint: String = "127.0.0.1:9464".into(),
    }
}

section! {
    /// Names.
    Normalise {
        /// Attributes that hold the session id.
        session_attributes: Vec<String> = Vec::new(),
        /// Attributes that hold the user id.
        user_attributes: Vec<String> = Vec::new(),
        /// Attributes that declare the outcome of a workflow.
        outcome_attributes: Vec<String> = Vec::new(),
        /// Tools that hand over; `*` stands for the target, as in `route_to_*`.
        handoff_tools: Vec<String> = Vec::new(),
        /// Tools that call a human in.
        escalation_tools: Vec<String> = Vec::new(),
        /// Handoff targets that are human.
        human_names: Vec<String> = Vec::new(),
        /// Attributes of spans or resources that name a tenant. Session and user ids of different tenants are then kept apart; all spans of a session must say it.
        tenant_attributes: Vec<String> = Vec::new(),
        /// Attributes that hold the value of the business transaction; `transaction.currency` or `order.currency` beside it says in which currency, else it is that of `money.currency`.
        value_attributes: Vec<String> = Vec::new(),
        /// Secret that salts the hashes of message content, as in `${BATON_CONTENT_KEY}`. Without one, every start has a new one.
        content_key: Option<String> = None,
    }
}

section! {
    /// The engine.
    Engine {
        /// Partitions, each with a worker of its own; 0 takes one per core, at most 4.
        partitions: u16 = 0,
        /// Events that may wait; above, senders are asked to retry.
        queue_events: u32 = 200_000,
        /// Sessions that are remembered for `/sessions/ID`, the latest ones: fewer where they have more than eight facts each.
        stories: u32 = 1_000,
        /// Memory of all sessions and waiting events, by estimate, above which senders are asked to retry; sessions without open work are forgotten.
        soft_state_size: Size = Size("1GiB".into()),
        /// Memory of all sessions, by estimate, above which those touched least recently are closed early.
        max_state_size: Size = Size("1536MiB".into()),
    }
}

section! {
    /// State.
    State {
        /// disk: what is acknowledged survives a crash. memory: it lasts as long as the process, which suits a sidecar.
        log: LogKind = LogKind::Disk,
        /// Directory of the disk log, of this process alone. Without one: $STATE_DIRECTORY, else $XDG_STATE_HOME/baton, else ~/.local/state/baton.
        directory: Option<String> = None,
        /// Greatest size of the log on disk; above, senders are asked to retry until the state has been kept.
        max_log_size: Size = Size("8GiB".into()),
        /// Size of one file of the log.
        segment_size: Size = Size("64MiB".into()),
        /// Greatest age of the file that is written to, so that what the kept state covers can go.
        segment_age: Wait = Wait("1h".into()),
        /// How often the state is kept, so that the log before it can go and a restart is quick.
        snapshot_interval: Wait = Wait("1m".into()),
    }
}

section! {
    /// Waits and limits.
    Stitch {
        /// A turn whose traces are complete is decided after this much quiet.
        settle: Wait = Wait("5s".into()),
        /// A trace that no span binds to a session within this time is a session of its own.
        bind_timeout: Wait = Wait("30s".into()),
        /// A turn with missing parent spans is decided after this much quiet.
        trace_timeout: Wait = Wait("1m".into()),
        /// A handoff whose target stays silent this long is dropped.
        drop_timeout: Wait = Wait("2m".into()),
        /// A workflow without activity is closed after this time.
        idle_timeout: Wait = Wait("30m".into()),
        /// A workflow is closed at this age at the latest.
        max_age: Wait = Wait("24h".into()),
        /// A user who comes back with the same intent within this time makes the earlier workflow a re-contacted one.
        recontact_window: Wait = Wait("24h".into()),
        /// Percentage of the context below which a handoff has lost it, by declared or content evidence.
        retention_threshold_percent: u8 = 50,
        /// Whether delegations are judged by it too; they may rightly pass a part.
        retention_of_delegations: bool = false,
        /// Sessions and unbound traces held by one partition; above, those touched least recently are closed early.
        max_sessions: u32 = 1_000_000,
        /// Undecided spans of one session; above, its turns are decided early.
        max_spans_per_session: u32 = 20_000,
    }
}

section! {
    /// Rules.
    Rules {
        /// Outcomes, tried in order before the built-in rules, as in `{over: event, when: "event.tool == 'book_delivery' && event.ok", outcome: resolved}`.
        outcomes: Vec<OutcomeRule> = Vec::new(),
        /// Steps of funnels, as in `{step: paid, over: event, when: "event.tool == 'take_payment' && event.ok"}`. A workflow counts once for each.
        funnel: Vec<StepRule> = Vec::new(),
    }
}

/// When a workflow ends so.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub(crate) struct OutcomeRule {
    /// Its name in explanations; without one, its number.
    pub(crate) name: Option<String>,
    /// What the rule looks at.
    pub(crate) over: Over,
    /// A CEL expression over the variable of that name.
    pub(crate) when: String,
    pub(crate) outcome: OutcomeName,
}

/// When a workflow has come to a step.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub(crate) struct StepRule {
    pub(crate) step: String,
    /// What the rule looks at.
    pub(crate) over: Over,
    /// A CEL expression over the variable of that name.
    pub(crate) when: String,
}

/// One span, one decided turn, or a workflow that is about to be closed.
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
        /// Names of the dimensions, which become labels. Known without further words: tier, intent, channel, tenant, agent_version.
        dimensions: Vec<String> = ["tier", "intent", "channel", "tenant"].map(String::from).to_vec(),
        /// Attributes that declare a dimension, as in `region: [customer.region]`, tried before those known for its name.
        attributes: BTreeMap<String, Vec<String>> = BTreeMap::new(),
        /// Distinct values of one dimension; above, they become `other`.
        max_values: u32 = 50,
    }
}

section! {
    /// Derived metrics.
    Metrics {
        /// Series of one metric in one partition; above, values go to an overflow series.
        max_series: u32 = 10_000,
        /// Distinct values of one label of a metric; above, they become `_overflow`.
        max_label_values: u32 = 200,
        /// A series without a new value for this long disappears.
        expire_after: Wait = Wait("24h".into()),
        /// A new series is exposed as 0 for this long, so that increase() sees its first value: two scrapes of every Prometheus that reads it.
        zero_hold: Wait = Wait("2m".into()),
        /// Whether OpenMetrics shows when each series began (`_created`).
        created: bool = true,
    }
}

section! {
    /// Prices.
    Prices {
        /// A catalogue of your own in place of the built-in one; `baton prices` shows the form.
        file: Option<String> = None,
        /// Price of one call of a tool, by the tool's name, as in `lookup: 0.002`. A tool without one costs nothing that is known.
        tools: BTreeMap<String, f64> = BTreeMap::new(),
        /// Price of one search in a knowledge base.
        retrieval: Option<f64> = None,
        /// Price of one human called in: what people's time costs for a case.
        escalation: Option<f64> = None,
    }
}

section! {
    /// Money.
    Money {
        /// Code of the currency in which all money is told, as in EUR; the names of its metrics then end in `_eur`. Prices of actions are in it.
        currency: String = "USD".into(),
        /// What one unit of another currency is worth in it, as in `USD: 0.92`: for amounts that spans declare in another one, and for the price catalogue, which is in USD.
        rates: BTreeMap<String, f64> = BTreeMap::new(),
    }
}

section! {
    /// The log.
    Log {
        /// error, warn, info, debug or trace.
        level: Level = Level::Info,
        /// text, json, or auto: text on a terminal, else json.
        format: Format = Format::Auto,
    }
}

section! {
    /// Stopping.
    Shutdown {
        /// How long requests under way and events in the log may take to end.
        grace_period: Wait = Wait("10s".into()),
    }
}

/// A duration: `5s`, `1h30m`, `250ms`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[schemars(inline)]
pub(crate) struct Wait(#[schemars(regex(pattern = r"^([0-9]+(ms|s|m|h|d))+$"))] pub(crate) String);

/// A size: `16MiB`, `512KiB`, `1000`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[schemars(inline)]
pub(crate) struct Size(#[schemars(regex(pattern = r"^[0-9]+(B|KiB|MiB|GiB)?$"))] pub(crate) String);

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

/// How much is logged.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema, clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Level {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// How the log is written.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema, clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Format {
    Auto,
    Text,
    Json,
}
