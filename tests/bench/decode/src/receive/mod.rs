//! Of the door, what the walk needs.

#[path = "../../../../../src/receive/fields.rs"]
mod fields;
#[path = "../../../../../src/receive/limits.rs"]
mod limits;
#[path = "../../../../../src/receive/names.rs"]
mod names;
#[path = "../../../../../src/receive/pieces.rs"]
mod pieces;
#[path = "../../../../../src/receive/wire.rs"]
pub mod wire;

pub use limits::{Limits, Malformed};
use limits::{check_times, complete_log};
use pieces::Counts;
