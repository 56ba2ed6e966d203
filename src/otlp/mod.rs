//! Decodes OTLP, as protobuf and as JSON, into views of spans and log records that borrow from the request. No I/O.
//!
//! | File | Content |
//! |---|---|
//! | `view.rs` | spans, log records and attributes as received: views over the request |
//! | `attribute_key.rs` | the attributes that are read by their whole name, each with a number |
//! | `protobuf.rs, any_value.rs, fields.rs` | the protobuf decoder: items, attributes and values, wire format |
//! | `json.rs` | the OTLP/JSON decoder |
//! | `context.rs` | what items are read with, in both encodings |
//! | `pieces.rs` | the account of a request, kept while its batches are handed over |
//! | `name_cache.rs` | per-request intern table of attribute names and repeated texts |
//! | `limits.rs` | limits of requests and of single spans |
//! | `recognise.rs` | tells which content a file of recorded requests has |

mod any_value;
pub mod attribute_key;
mod context;
mod fields;
pub mod json;
mod limits;
mod name_cache;
mod pieces;
pub mod protobuf;
pub mod recognise;
pub mod view;

#[cfg(test)]
mod tests;

pub use limits::{Limits, Malformed};
pub use pieces::Counts;

use limits::{check_times, complete_log};
