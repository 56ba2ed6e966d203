//! TCP servers of all listeners: connection limits, time-outs, the limit of open files, and rate-limited reports of refusals.
//!
//! | File | Content |
//! |---|---|
//! | `settings.rs` | timeouts of connections |
//! | `address.rs` | addresses in the configuration |
//! | `listener.rs` | what a listener is, and what its connections share |
//! | `server.rs` | accepts connections up to a limit and survives faults of `accept` |
//! | `connection.rs` | one connection: HTTP/1 or HTTP/2, cut by its time-outs |
//! | `eviction.rs` | connections that give their place up at the limit, in an order |
//! | `slow_peers.rs` | peers that send or read slowly, of which one gives way at the connection limit |
//! | `metrics.rs` | the metrics of a listener |
//! | `open_files.rs` | raises the limit of open files and fits the connection limits to it |
//! | `report.rs` | rate-limited reports: the first refusal of a kind at once, further ones once a minute |

mod address;
mod connection;
mod eviction;
mod listener;
mod metrics;
pub mod open_files;
mod report;
mod server;
mod settings;
mod slow_peers;

pub use address::Address;
pub use listener::{Peer, Protocol};
pub use report::{Reporter, Trouble};
pub use server::{Server, listen};
pub use settings::Settings;
