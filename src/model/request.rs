//! What an OTLP export request carries, and how it is encoded.

/// The name of the instrumentation scope of verdicts, by which a Baton that receives them knows that they are no telemetry of agents.
pub const VERDICT_SCOPE: &str = "baton.verdicts";

/// The items that a request carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Signal {
    Traces,
    Logs,
    /// Baton receives and forwards metrics, and does not read them.
    Metrics,
}

impl Signal {
    pub const ALL: [Self; 3] = [Self::Traces, Self::Logs, Self::Metrics];

    /// Its name in paths of OTLP/HTTP, in labels and in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Traces => "traces",
            Self::Logs => "logs",
            Self::Metrics => "metrics",
        }
    }
}

/// How a request is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Protobuf,
    Json,
}
