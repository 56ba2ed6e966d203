//! Known answers of the formats.

mod protobuf;
mod text;
