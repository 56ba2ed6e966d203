//! Dialects that the configuration teaches: expressions in CEL that say how the spans of an emitter are recognised, and what they hold.
//!
//! A span is asked for nothing that no dialect names, and no expression is evaluated for it before a sieve of plain comparisons lets it through.
//! `dialect/taught.rs` makes the event of such a span.
//!
//! | File | Content |
//! |---|---|
//! | `settings.rs` | the keys of a dialect |
//! | `compiled.rs` | its expressions, checked and compiled |
//! | `names.rs, parts.rs` | the names of attributes that expressions read, and what they read of a span |
//! | `sieve.rs` | what a span must have before any expression is evaluated |
//! | `values.rs` | spans as values of CEL, and back |
//! | `counts.rs` | how many spans a dialect read, and how often an expression had no use |

mod compiled;
mod counts;
mod names;
mod parts;
mod settings;
mod sieve;
mod values;

pub(super) use compiled::TaughtDialect;
pub use counts::{Misreading, TaughtCounts};
pub(super) use parts::SpanParts;
pub(super) use settings::Field;
pub use settings::{DialectSettings, Expressions};
pub(super) use values::TaughtValue;
