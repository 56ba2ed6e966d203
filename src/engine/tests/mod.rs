//! Properties of whole runs of the engine: partitions that move, expiry over partitions, sampled populations, sessions of sessions.

mod assignment;
mod expiry;
mod sampling;
mod session;
