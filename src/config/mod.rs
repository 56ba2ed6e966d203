//! The configuration: composes the settings of all rooms, reads them from YAML and checks them across rooms. Every error is reported at once, with its key
//! path, line and column.
//!
//! A key stands in one place: as a field of the `Settings` of its room, with its description, default and notation (`setting`). This room adds what rooms share:
//! the price catalog and the currency.
//!
//! | File | Content |
//! |---|---|
//! | `load.rs` | reads a text: YAML, references, schema, types |
//! | `check.rs` | each room's own check, and the checks across rooms |
//! | `tenants.rs` | whether every listener can tell tenants apart |
//! | `metrics.rs` | labels and buckets, checked against the catalogue of metrics |
//! | `money.rs, prices.rs, catalog.rs` | the currency, prices of actions, the price catalog as a file |
//! | `exporters.rs` | the section `exporters`, whose keys have a type |
//! | `memory.rs` | the limits of memory in bytes |
//! | `fault.rs` | one fault with its place |
//! | `node.rs, references.rs` | YAML as a tree that keeps line numbers, references to environment variables |
//! | `shape.rs, expected.rs, written.rs` | a tree made to fit its types; what a key expects in words; which keys are at fault |
//! | `annotate.rs` | the JSON Schema, and the default configuration with comments |

mod annotate;
mod catalog;
mod check;
mod expected;
mod exporters;
mod fault;
mod load;
mod memory;
mod metrics;
mod money;
mod node;
mod prices;
mod references;
mod shape;
mod tenants;
mod written;

#[cfg(test)]
mod tests;

pub use annotate::{annotated, schema};
pub use catalog::{built_in as built_in_prices, of_text as prices_of_text};
pub use exporters::Exporters;
pub use fault::ConfigFault;
pub use money::MoneySettings;
pub use prices::PriceSettings;

use crate::auth::TenantSettings;
use crate::normalise::{self, CohortSettings};
use crate::telemetry::logs;
use crate::{
    derive, engine, export, ledger, log, net, receive, report, rules, shutdown, spool, stitch,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Configuration of Baton. Every key has a default. Unknown keys are errors.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(title = "Baton")]
pub struct Config {
    /// true: Baton also starts with listeners that others than this machine can reach and that ask for no authentication. Anyone who reaches them can then send spans or read figures.
    pub insecure_listen: bool,
    /// How Baton receives spans and log records.
    pub receivers: Receivers,
    /// The HTTP server of metrics, summaries and probes.
    pub server: export::Settings,
    /// Tenants: what says whose a request is (docs/tenants.md). Without this section there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenants: Option<TenantSettings>,
    /// Timeouts of connections, the same for every listener.
    pub connections: net::Settings,
    /// Your own attribute and tool names. Baton tries them before the built-in ones.
    pub normalise: normalise::Settings,
    /// How events are processed.
    pub engine: engine::Settings,
    /// Where Baton stores acknowledged events and the state of sessions and metrics.
    pub state: log::Settings,
    /// Where Baton sends to. The part of a key before / is the type: otlp forwards requests as they were received (docs/forwarding.md), prometheusremotewrite pushes metrics (docs/push.md). For example `otlp/next: {endpoint: "http://127.0.0.1:4320", protocol: http/protobuf}`. The keys are those of the OpenTelemetry Collector.
    pub exporters: Exporters,
    /// Who this Baton is, for the receivers of its metrics (docs/push.md).
    pub service: export::ServiceSettings,
    /// Requests that wait for the destinations in exporters.
    pub spool: spool::Settings,
    /// What was found out, as rows in Parquet files that other tools read (docs/ledger.md).
    pub ledger: ledger::Settings,
    /// What `baton report` writes of the ledger (docs/report.md).
    pub report: report::Settings,
    /// Timeouts and limits of sessions, turns, handoffs and workflows.
    pub stitch: stitch::Settings,
    /// Outcomes that systems outside of the agents report, at /v1/outcomes of the OTLP/HTTP receiver (docs/outcomes.md).
    pub outcomes: stitch::OutcomeSettings,
    /// Your own rules, in CEL: what proves an outcome, and the steps of funnels.
    pub rules: rules::Settings,
    /// Cohorts: the dimensions by which business metrics are broken down.
    pub cohorts: CohortSettings,
    /// Limits and labels of business metrics.
    pub metrics: derive::Settings,
    /// What model calls and actions cost.
    pub prices: PriceSettings,
    /// The currency of all money metrics.
    pub money: MoneySettings,
    /// Baton's own log messages.
    pub log: logs::Settings,
    /// Graceful shutdown.
    pub shutdown: shutdown::Settings,
    /// The memory limit of the process in bytes, which percentages are of; `None`: the system does not report one.
    #[serde(skip)]
    pub memory: Option<u64>,
}

/// The section `receivers`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Receivers {
    /// OTLP over gRPC and HTTP.
    pub otlp: receive::Settings,
}

/// Reads and validates a configuration. `env` looks up `${NAME}` references; relative file names are relative to `folder`.
///
/// # Errors
/// All faults, in the order of the file.
pub fn of_text(
    text: &str,
    folder: &Path,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Config, Vec<ConfigFault>> {
    load::of_text(text, folder, env)
}

/// Reads and validates a file.
///
/// # Errors
/// As [`of_text`]; a file that cannot be read is one fault.
pub fn of_file(path: &Path) -> Result<Config, Vec<ConfigFault>> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| vec![ConfigFault::at(None, "", unreadable(&error))])?;
    let folder = path.parent().unwrap_or(Path::new("."));
    of_text(&text, folder, &|name| std::env::var(name).ok())
}

/// Reads and validates standard input; relative file names are relative to the working directory.
///
/// # Errors
/// As [`of_file`].
pub fn of_standard_input() -> Result<Config, Vec<ConfigFault>> {
    let text = std::io::read_to_string(std::io::stdin())
        .map_err(|error| vec![ConfigFault::at(None, "", unreadable(&error))])?;
    of_text(&text, Path::new("."), &|name| std::env::var(name).ok())
}

/// Why a file cannot be read.
fn unreadable(error: &std::io::Error) -> String {
    if error.kind() == std::io::ErrorKind::InvalidData {
        "cannot be read: it is not a text in UTF-8".into()
    } else {
        format!("cannot be read: {error}")
    }
}
