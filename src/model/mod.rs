//! Plain data types that all rooms share.
//!
//! | File | Content |
//! |---|---|
//! | `reject.rs` | reasons for which a span or log record is rejected |
//! | `event.rs` | one normalized span |
//! | `evaluation.rs` | scores that somebody gave, and those that mean something to Baton |
//! | `outcome_report.rs, correction.rs` | outcomes that systems outside of the agents report, and what becomes of them |
//! | `record.rs` | log entries |
//! | `request.rs` | the signal and the encoding of an export request |
//! | `fact.rs` | business facts: the results of stitching, and the only input of metrics |
//! | `call_costs.rs, action.rs` | model calls by whether their cost is known, and money spent on other things |
//! | `metric.rs` | metric families with their values |
//! | `ids.rs, time.rs` | identities, the partition of a key, and timestamps |
//! | `limit.rs, memory_limit.rs` | limits at which senders are asked to retry, and the one of memory |
//! | `tenant.rs` | names of tenants, and what somebody may reach |
//! | `cohort.rs` | the dimensions of a fact: tier, intent, channel and others |
//! | `money.rs, price.rs` | amounts in the configured currency, prices of models and actions |
//! | `sampling.rs` | the number of spans that one sampled span stands for |
//! | `sketch.rs` | salted hashes of the facts of a text, to estimate the share of one text in another |
//! | `memo.rs` | a cache for texts that repeat |
//! | `compact.rs` | compact storage of optional parts |
//! | `small_map.rs` | compact maps and sets of few entries |
//! | `agent_name.rs` | names of agents as they are compared |
//! | `agent_kin.rs` | names that say one agent in more or fewer words |
//! | `hash.rs` | the hash of short names |

pub mod action;
pub mod agent_kin;
pub mod agent_name;
pub mod call_costs;
pub mod cohort;
pub mod compact;
pub mod correction;
pub mod evaluation;
pub mod event;
pub mod fact;
pub mod harmless;
pub mod hash;
pub mod ids;
pub mod limit;
pub mod memo;
pub mod memory_limit;
pub mod metric;
pub mod money;
pub mod native;
pub mod outcome_report;
pub mod price;
pub mod record;
pub mod reject;
pub mod request;
pub mod sampling;
pub mod sketch;
pub mod small_map;
pub mod tenant;
pub mod time;

/// A short name (agent, tool, model …), cheap to clone and one word wide: of events there are many, and each has many names.
pub type Name = arcstr::ArcStr;

/// A list that is mostly empty, and then one word wide.
pub type List<T> = thin_vec::ThinVec<T>;
#[cfg(test)]
pub use thin_vec::thin_vec as list;
