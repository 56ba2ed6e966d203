//! The support desk of `baton demo`: agents of several dialects with seeded failures and escalations, sent as real OTLP.

mod desk;
mod send;
mod speak;

pub use desk::{Desk, Session, Truth};
pub use send::Sender;
