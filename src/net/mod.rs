//! NET. Every TCP server of Baton: connection limits, time-outs, the limit of open files, and reports that do not flood the log.
//!
//! | file | what |
//! |---|---|
//! | `server.rs` | accepts connections up to a limit and survives faults of `accept` |
//! | `connection.rs` | one connection: HTTP/1 or HTTP/2, cut by its time-outs |
//! | `metrics.rs` | what each listener counts |
//! | `open_files.rs` | raises the limit of open files and fits the connection limits to it |
//! | `report.rs` | tells the operator of refusals: the first at once, further ones once a minute |

mod connection;
mod metrics;
pub mod open_files;
mod report;
mod server;

pub use report::{Reporter, Trouble};
pub use server::{Peer, Protocol, Server, Settings, listen};
