//! The decoders against generated and damaged requests.

mod encodings;
mod protobuf;
