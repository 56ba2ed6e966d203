//! Output of metrics and facts: exporters, and texts for people and scripts.
//!
//! An exporter implements [`Exporter`] and reads one [`Feed`]. The first one is the scrape server, with the probes and the pages for
//! people. A further exporter is a folder of its own: settings, encoding, client or server, tests.
//!
//! | File | Content |
//! |---|---|
//! | `settings.rs` | the address of the scrape server |
//! | `exporter.rs` | the trait of exporters, and why one fails |
//! | `feed.rs` | what every exporter reads: metric families, facts of sessions, readiness, clock |
//! | `identity.rs` | who Baton is, for those who get its metrics |
//! | `scrape/` | the HTTP server of `/metrics`, `/healthz`, `/readyz` and of the pages for people |
//! | `push/` | exporters that push metrics at an interval |
//! | `sessions/` | sessions as lists and stories, as text and as JSON |
//! | `key_figures.rs` | the figures for executives; unknown figures are `None`, never 0 |
//! | `json.rs` | metric families as JSON |
//! | `table.rs` | metric families as tables |

mod exporter;
mod feed;
mod identity;
pub mod json;
pub mod key_figures;
pub mod push;
pub mod scrape;
pub mod sessions;
mod settings;
pub mod table;

pub use exporter::{ExportError, Exporter};
pub use feed::{FactSource, FamilySource, Feed, Readiness, SessionVisitor};
pub use identity::{InstanceSettings, ServiceIdentity, ServiceSettings};
pub use settings::Settings;

#[cfg(test)]
mod tests;
