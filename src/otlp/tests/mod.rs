//! The decoders against generated and damaged requests.

mod protobuf;
