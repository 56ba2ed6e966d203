//! The keys of `normalise`.

use super::taught::DialectSettings;
use crate::model::money::Money;
use crate::setting::Secret;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Attribute and tool names of the operator, which Baton tries before the built-in ones: the section `normalise`, and what the room is told of other sections.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Attributes that hold the session ID.
    pub session_attributes: Vec<String>,
    /// Attributes that hold the user ID.
    pub user_attributes: Vec<String>,
    /// Attributes that declare the outcome of a workflow.
    pub outcome_attributes: Vec<String>,
    /// Tools that hand over to another agent. `*` stands for the target, for example `route_to_*`.
    pub handoff_tools: Vec<String>,
    /// Tools that do not hand over, although their names look so. `*` stands for any text, for example `transfer_to_*_account`.
    pub not_handoffs: Vec<String>,
    /// Tools that escalate to a human.
    pub escalation_tools: Vec<String>,
    /// Names of handoff targets that are humans.
    pub human_names: Vec<String>,
    /// Attributes of spans or resources that hold the tenant. Equal session and user IDs of different tenants are then different. All spans of a session must have the tenant.
    pub tenant_attributes: Vec<String>,
    /// Attributes that hold the value of the business transaction. Its currency is in `transaction.currency` or `order.currency`, otherwise it is `money.currency`.
    pub value_attributes: Vec<String>,
    /// Dialects of your own, tried in this order before the built-in ones; docs/teach-a-dialect.md shows how to write one.
    pub dialects: Vec<DialectSettings>,
    /// Secret from which the salt of content hashes is derived, for example `${BATON_CONTENT_KEY}`. If not set, the salt is random.
    pub content_key: Option<Secret>,
    /// The currency of all figures (`money`).
    #[serde(skip)]
    pub money: Money,
    /// Attributes that declare the intent of the user (`cohorts`).
    #[serde(skip)]
    pub intent_attributes: Vec<String>,
    /// The attributes of each cohort dimension (`cohorts`).
    #[serde(skip)]
    pub dimensions: Vec<Vec<String>>,
    /// The seed of the hashes of content: of `content_key` if set, otherwise that of the state directory. It is secret, and the same for all that share a log.
    #[serde(skip)]
    pub content_seed: u64,
}
