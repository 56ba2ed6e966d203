//! The real doors: bad input, stalled and slow senders, bursts, too many connections, and how they stop.

mod connections;
mod doors;
mod input;
mod log;
mod stalls;
mod whole;
