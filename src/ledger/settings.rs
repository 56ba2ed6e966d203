//! The keys of `ledger`.

use crate::setting::{PositiveInterval, Size};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

/// Rows of what was found out, in Parquet files (docs/ledger.md): the section `ledger`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Directory of the ledger. Without it there is none.
    #[schemars(with = "Option<String>")]
    pub directory: Option<PathBuf>,
    /// Maximum time until a row is in a file. With `state.log: disk`, rows are written with every snapshot (state.snapshot_interval) at the latest.
    #[serde(with = "PositiveInterval")]
    pub roll_interval: Duration,
    /// Size in memory of the rows of one partition above which they are written.
    #[serde(with = "Size")]
    pub roll_size: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            directory: None,
            roll_interval: Duration::from_secs(300),
            roll_size: 16 << 20,
        }
    }
}
