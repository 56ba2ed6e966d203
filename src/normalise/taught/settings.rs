//! The keys of one dialect in `normalise.dialects`.

use crate::expression::Type;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};
use std::borrow::Cow;

/// One expression, or several of which the first that has a value counts.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(transparent)]
pub struct Expressions(pub Vec<String>);

impl<'de> Deserialize<'de> for Expressions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum WrittenExpressions {
            One(String),
            Several(Vec<String>),
        }
        Ok(Self(match WrittenExpressions::deserialize(deserializer)? {
            WrittenExpressions::One(text) => vec![text],
            WrittenExpressions::Several(texts) => texts,
        }))
    }
}

impl JsonSchema for Expressions {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Expressions".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "array"], "items": { "type": "string" } })
    }
}

/// A dialect of your own. All values but `name` are CEL expressions over `span`, `scope`, `attributes` and `resource`; a list of them means the first that has a value.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct DialectSettings {
    /// Its label in `baton_receiver_spans_total`.
    pub name: String,
    /// Which spans are of this dialect. It must need an attribute, or compare the name of scope or span with a text.
    pub when: String,
    /// `agent`, `workflow`, `model`, `embeddings`, `tool`, `handoff`, `retrieval`, `guardrail` or `none`. Without a value, the span is read by the standard names.
    #[serde(default)]
    pub kind: Expressions,
    /// The agent that the span is, or works for.
    #[serde(default)]
    pub agent: Expressions,
    /// The name of a run around agents.
    #[serde(default)]
    pub workflow: Expressions,
    /// The model.
    #[serde(default)]
    pub model: Expressions,
    /// The provider of the model.
    #[serde(default)]
    pub provider: Expressions,
    /// Tokens of the input, cached ones included.
    #[serde(default)]
    pub input_tokens: Expressions,
    /// Tokens of the output, reasoning included.
    #[serde(default)]
    pub output_tokens: Expressions,
    /// Tokens of the input that were read from a cache.
    #[serde(default)]
    pub cache_read_tokens: Expressions,
    /// Tokens of the input that were written to a cache.
    #[serde(default)]
    pub cache_write_tokens: Expressions,
    /// Tokens of the output that are reasoning.
    #[serde(default)]
    pub reasoning_tokens: Expressions,
    /// What the model call cost, in US dollars.
    #[serde(default)]
    pub cost: Expressions,
    /// Seconds from the start of the model call to the first token.
    #[serde(default)]
    pub first_token_seconds: Expressions,
    /// What the model put out: a text, messages, or JSON of them. Requests for handoffs are found in it, and whether the user was answered.
    #[serde(default)]
    pub output: Expressions,
    /// The name of the tool.
    #[serde(default)]
    pub tool: Expressions,
    /// The ID of the tool call.
    #[serde(default)]
    pub tool_call_id: Expressions,
    /// The agent that hands over, on a span of kind `handoff`.
    #[serde(default)]
    pub handoff_from: Expressions,
    /// The agent that takes over, on a span of kind `handoff` or `tool`.
    #[serde(default)]
    pub handoff_to: Expressions,
    /// True if whoever hands over waits for the result.
    #[serde(default)]
    pub delegates: Expressions,
    /// The session ID.
    #[serde(default)]
    pub session: Expressions,
    /// The user ID.
    #[serde(default)]
    pub user: Expressions,
    /// True if the work of the span failed. Default: the status of the span.
    #[serde(default)]
    pub failed: Expressions,
    /// True if the output of the model call has text for the user.
    #[serde(default)]
    pub answered: Expressions,
    /// True if the guardrail stopped something.
    #[serde(default)]
    pub triggered: Expressions,
}

/// What an expression is for: the key that it stands under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::normalise) enum Field {
    When,
    Kind,
    Agent,
    Workflow,
    Model,
    Provider,
    InputTokens,
    OutputTokens,
    CacheReadTokens,
    CacheWriteTokens,
    ReasoningTokens,
    Cost,
    FirstTokenSeconds,
    Output,
    Tool,
    ToolCallId,
    HandoffFrom,
    HandoffTo,
    Delegates,
    Session,
    User,
    Failed,
    Answered,
    Triggered,
}

impl Field {
    /// All, each at its own number.
    pub(super) const ALL: [Self; 24] = [
        Self::When,
        Self::Kind,
        Self::Agent,
        Self::Workflow,
        Self::Model,
        Self::Provider,
        Self::InputTokens,
        Self::OutputTokens,
        Self::CacheReadTokens,
        Self::CacheWriteTokens,
        Self::ReasoningTokens,
        Self::Cost,
        Self::FirstTokenSeconds,
        Self::Output,
        Self::Tool,
        Self::ToolCallId,
        Self::HandoffFrom,
        Self::HandoffTo,
        Self::Delegates,
        Self::Session,
        Self::User,
        Self::Failed,
        Self::Answered,
        Self::Triggered,
    ];

    /// Its key in the configuration.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::When => "when",
            Self::Kind => "kind",
            Self::Agent => "agent",
            Self::Workflow => "workflow",
            Self::Model => "model",
            Self::Provider => "provider",
            Self::InputTokens => "input_tokens",
            Self::OutputTokens => "output_tokens",
            Self::CacheReadTokens => "cache_read_tokens",
            Self::CacheWriteTokens => "cache_write_tokens",
            Self::ReasoningTokens => "reasoning_tokens",
            Self::Cost => "cost",
            Self::FirstTokenSeconds => "first_token_seconds",
            Self::Output => "output",
            Self::Tool => "tool",
            Self::ToolCallId => "tool_call_id",
            Self::HandoffFrom => "handoff_from",
            Self::HandoffTo => "handoff_to",
            Self::Delegates => "delegates",
            Self::Session => "session",
            Self::User => "user",
            Self::Failed => "failed",
            Self::Answered => "answered",
            Self::Triggered => "triggered",
        }
    }
}

/// Types of what becomes a name, an id or a number: emitters write numbers as texts, and use numbers as ids.
const SCALAR: &[Type] = &[Type::Text, Type::Number];
const FLAG: &[Type] = &[Type::Bool];

/// A field with its expressions and the types that they may have.
pub(super) type TaughtField<'s> = (Field, &'s Expressions, &'static [Type]);

impl DialectSettings {
    /// All fields but [`Field::When`].
    pub(super) fn fields(&self) -> [TaughtField<'_>; 23] {
        use Field as F;
        [
            (F::Kind, &self.kind, &[Type::Text]),
            (F::Agent, &self.agent, SCALAR),
            (F::Workflow, &self.workflow, SCALAR),
            (F::Model, &self.model, SCALAR),
            (F::Provider, &self.provider, SCALAR),
            (F::InputTokens, &self.input_tokens, SCALAR),
            (F::OutputTokens, &self.output_tokens, SCALAR),
            (F::CacheReadTokens, &self.cache_read_tokens, SCALAR),
            (F::CacheWriteTokens, &self.cache_write_tokens, SCALAR),
            (F::ReasoningTokens, &self.reasoning_tokens, SCALAR),
            (F::Cost, &self.cost, SCALAR),
            (F::FirstTokenSeconds, &self.first_token_seconds, SCALAR),
            (F::Output, &self.output, &[Type::Any]),
            (F::Tool, &self.tool, SCALAR),
            (F::ToolCallId, &self.tool_call_id, SCALAR),
            (F::HandoffFrom, &self.handoff_from, SCALAR),
            (F::HandoffTo, &self.handoff_to, SCALAR),
            (F::Delegates, &self.delegates, FLAG),
            (F::Session, &self.session, SCALAR),
            (F::User, &self.user, SCALAR),
            (F::Failed, &self.failed, FLAG),
            (F::Answered, &self.answered, FLAG),
            (F::Triggered, &self.triggered, FLAG),
        ]
    }
}
