//! Properties of whole runs of the engine: expiry over partitions, sampled populations, sessions of sessions.

mod expiry;
mod sampling;
mod session;
