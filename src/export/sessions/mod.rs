//! Sessions for people and scripts, from their facts alone.
//!
//! | File | Content |
//! |---|---|
//! | `summary.rs` | one session in one line: what happened in it |
//! | `filter.rs` | which sessions are asked for: the parameters of a query |
//! | `list.rs` | the latest sessions as text and as JSON |
//! | `story.rs` | the story of one session: a paragraph per turn and per workflow |
//! | `story_json.rs` | the same for scripts |
//! | `sentence.rs` | one fact as a sentence |

mod filter;
mod list;
mod sentence;
pub mod story;
mod story_json;
mod summary;

pub use filter::SessionFilter;
pub use list::SessionList;
pub use story_json::write as story_json;
pub use summary::{SessionSummary, href, id};

#[cfg(test)]
mod tests;

use crate::model::Name;

/// What sessions are told in.
#[derive(Clone, Debug)]
pub struct DisplaySettings {
    /// The code of the currency of all money.
    pub currency: Name,
    /// The names of the dimensions of cohorts, in their order.
    pub dimensions: Vec<String>,
}
