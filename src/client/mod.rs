//! Clients of destinations: where one is, how it is reached, what Baton shows to it, and when a request is sent again. What forwards requests and
//! what pushes metrics both use them.
//!
//! | File | Content |
//! |---|---|
//! | `settings.rs` | the keys that every destination has, with the names of the Collector |
//! | `target.rs` | where a destination is, with its certificates and credentials |
//! | `failure.rs` | why a request was not accepted, and whether a retry helps |
//! | `status.rs` | what an operator is told of a destination |
//! | `backoff.rs` | the waits between attempts |
//! | `http.rs` | HTTP |
//! | `grpc_status.rs` | the status of an answer over gRPC |
//! | `otlp.rs, otlp_http.rs, otlp_grpc.rs` | OTLP over its two transports |
//! | `otlp_request.rs, otlp_answer.rs` | what is sent to a receiver of OTLP, and what it answered |
//! | `compress.rs` | gzip |

mod backoff;
mod compress;
mod failure;
mod grpc_status;
mod http;
mod otlp;
mod otlp_answer;
mod otlp_grpc;
mod otlp_http;
mod otlp_request;
mod settings;
mod status;
mod target;

#[cfg(test)]
mod tests;

pub use backoff::Backoff;
pub use failure::{SendError, SendFailure};
pub use http::{AnswerEnd, HttpAnswer, HttpClient};
pub use otlp::OtlpClient;
pub use otlp_answer::Accepted;
pub use otlp_request::OtlpRequest;
pub use settings::{ClientSettings, RetrySettings};
pub use status::DestinationStatus;
pub use target::{DestinationError, DestinationTarget};

const USER_AGENT: &str = concat!("baton/", env!("CARGO_PKG_VERSION"));
