//! Configuration. Turns YAML into a validated configuration and reports every error at once, with its key path and line.
//!
//! | File | Content |
//! |---|---|
//! | `raw.rs` | the configuration as written in YAML, with defaults and descriptions |
//! | `load.rs` | validation: references, then the schema, then everything that a schema cannot express |
//! | `node.rs` | YAML as a tree that keeps line numbers |
//! | `money.rs` | currency, rates and prices of actions |
//! | `prices.rs` | the price catalogue as a file |
//! | `rules.rs` | rules of the operator, compiled |
//! | `connections.rs` | limits and timeouts of connections |
//! | `annotate.rs` | the JSON Schema, and the default configuration with comments |

mod amount;
mod annotate;
mod connections;
mod expected;
mod load;
mod metrics;
mod money;
mod node;
mod prices;
mod raw;
mod references;
mod rules;
mod shape;
mod written;

#[cfg(test)]
mod tests;

pub use annotate::{annotated, schema};
pub use connections::Connections;
pub use prices::{built_in as built_in_prices, of_text as prices_of_text};
pub use raw::LogKind;

use crate::derive::Labels;
use crate::model::money::Money;
use crate::model::price::{ActionPrices, PriceBook};
use crate::rules::Rules;
use crate::setting::{Amount, Secret};
use crate::telemetry::logs;
use crate::{shutdown, stitch};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// One fault of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Line in the file, from 1; `None` where the file as a whole is at fault.
    pub line: Option<u64>,
    /// Column in the line, from 1.
    pub column: Option<u64>,
    /// e.g. `stitch.settle`; empty for the whole file.
    pub path: String,
    pub what: String,
}

impl Fault {
    fn at(place: Option<node::Place>, path: &str, what: String) -> Self {
        Self {
            line: place.map(|place| place.line),
            column: place.map(|place| place.column),
            path: path.to_owned(),
            what,
        }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.line, self.column) {
            (Some(line), Some(column)) => write!(f, "{line}:{column}: ")?,
            (Some(line), None) => write!(f, "{line}: ")?,
            _ => f.write_str(" ")?,
        }
        // A key may hold what a terminal obeys.
        for sign in self.path.chars() {
            if sign.is_control() {
                write!(f, "{}", sign.escape_unicode())?;
            } else {
                write!(f, "{sign}")?;
            }
        }
        if !self.path.is_empty() {
            f.write_str(": ")?;
        }
        f.write_str(&self.what)
    }
}

/// The configuration, validated.
#[derive(Clone, Debug)]
pub struct Config {
    pub grpc: SocketAddr,
    pub http: SocketAddr,
    pub server: SocketAddr,
    pub connections: Connections,
    pub max_request_bytes: usize,
    pub max_decompressed_bytes: usize,
    pub max_attributes: usize,
    pub max_depth: usize,
    pub max_requests: usize,
    pub queue_timeout: Duration,
    pub max_bytes_in_flight: Amount,
    pub body_timeout: Duration,
    pub body_idle_timeout: Duration,
    pub retry_after: Duration,
    pub session_attributes: Vec<String>,
    pub user_attributes: Vec<String>,
    pub outcome_attributes: Vec<String>,
    pub handoff_tools: Vec<String>,
    pub escalation_tools: Vec<String>,
    pub human_names: Vec<String>,
    pub tenant_attributes: Vec<String>,
    pub value_attributes: Vec<String>,
    pub content_key: Option<Secret>,
    /// Each dimension of cohorts with the attributes that declare it.
    pub cohorts: Vec<(String, Vec<String>)>,
    pub max_cohort_values: usize,
    /// `None`: one per core, at most 4.
    pub partitions: Option<usize>,
    pub queue_events: usize,
    pub stitch: stitch::Settings,
    /// Which labels each metric carries.
    pub metric_labels: Labels,
    /// Upper bounds of buckets by histogram, where they are not the built-in ones.
    pub metric_buckets: BTreeMap<String, Vec<f64>>,
    pub native_histograms: bool,
    pub max_series: usize,
    pub max_label_values: usize,
    pub expire_after: Duration,
    pub zero_hold: Duration,
    pub created: bool,
    pub prices: Arc<PriceBook>,
    pub action_prices: Arc<ActionPrices>,
    pub money: Money,
    pub rules: Arc<Rules>,
    pub stories: usize,
    pub soft_state_bytes: Amount,
    pub max_state_bytes: Amount,
    /// The memory limit that shares are of.
    pub memory: u64,
    pub state_log: LogKind,
    pub state_directory: Option<PathBuf>,
    /// `None`: a share of the volume.
    pub max_log_bytes: Option<u64>,
    pub segment_bytes: u64,
    pub segment_age: Duration,
    pub snapshot_interval: Duration,
    pub log: logs::Settings,
    pub shutdown: shutdown::Settings,
}

impl Default for Config {
    /// The configuration of an empty file.
    fn default() -> Self {
        match load::validate(
            &raw::Raw::default(),
            Path::new("."),
            &written::Written::default(),
        ) {
            Ok(config) => config,
            Err(faults) => unreachable!("the defaults are valid: {faults:?}"),
        }
    }
}

/// Reads and validates a configuration. `env` looks up `${NAME}` references; relative file names are relative to `folder`.
///
/// # Errors
/// All faults, in the order of the file.
pub fn of_text(
    text: &str,
    folder: &Path,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Config, Vec<Fault>> {
    load::of_text(text, folder, env)
}

/// Reads and validates a file.
///
/// # Errors
/// As [`of_text`]; a file that cannot be read is one fault.
pub fn of_file(path: &Path) -> Result<Config, Vec<Fault>> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| vec![Fault::at(None, "", unreadable(&error))])?;
    let folder = path.parent().unwrap_or(Path::new("."));
    of_text(&text, folder, &|name| std::env::var(name).ok())
}

/// Reads and validates standard input; relative file names are relative to the working directory.
///
/// # Errors
/// As [`of_file`].
pub fn of_standard_input() -> Result<Config, Vec<Fault>> {
    let text = std::io::read_to_string(std::io::stdin())
        .map_err(|error| vec![Fault::at(None, "", unreadable(&error))])?;
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
