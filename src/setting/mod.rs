//! Pure. Notations of configuration values, and the contract by which a room checks its own settings.
//!
//! A room declares its keys once, as the fields of its `Settings`. A notation says how a field is written in YAML, and stands in an attribute:
//! `#[serde(with = "Interval")] pub settle: Duration`. serde reads and writes the value by it, and schemars takes the JSON Schema of the key from it.
//!
//! | File | Content |
//! |---|---|
//! | `validate.rs` | `Validate`: a room checks what no type can express; `Report`: where it reports faults |
//! | `interval.rs` | durations: `5s`, `1h30m` |
//! | `size.rs` | sizes in bytes: `16MiB`, `auto` |
//! | `amount.rs` | amounts of memory: a size, or a percentage of the memory limit |
//! | `number.rs` | counts, percentages |
//! | `secret.rs` | texts that are never printed |

mod amount;
mod interval;
mod number;
mod secret;
mod size;
mod validate;

pub use amount::Amount;
pub use interval::{Interval, PositiveInterval};
pub use number::{Count, Percent, Whole};
pub use secret::Secret;
pub use size::{AutoSize, Size};
pub use validate::{FaultSink, Report, Validate, key_path};

use schemars::{Schema, json_schema};

/// How messages of notations begin. `config` shows these to the user; those of serde may hold a value, which may be secret.
pub const EXPECTED: &str = "expected ";

/// The schema of a text in a notation.
fn text_schema(pattern: &str) -> Schema {
    json_schema!({ "type": "string", "pattern": pattern })
}
