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

/// What an expression is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::normalise) enum Field {
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

/// Types of what becomes a name, an id or a number: emitters write numbers as texts, and use numbers as ids.
const SCALAR: &[Type] = &[Type::Text, Type::Number];
const FLAG: &[Type] = &[Type::Bool];

/// A field with its key, its expressions and the types that they may have.
pub(super) type TaughtField<'s> = (Field, &'static str, &'s Expressions, &'static [Type]);

impl DialectSettings {
    /// All fields.
    pub(super) fn fields(&self) -> [TaughtField<'_>; 23] {
        use Field as F;
        [
            (F::Kind, "kind", &self.kind, &[Type::Text]),
            (F::Agent, "agent", &self.agent, SCALAR),
            (F::Workflow, "workflow", &self.workflow, SCALAR),
            (F::Model, "model", &self.model, SCALAR),
            (F::Provider, "provider", &self.provider, SCALAR),
            (F::InputTokens, "input_tokens", &self.input_tokens, SCALAR),
            (
                F::OutputTokens,
                "output_tokens",
                &self.output_tokens,
                SCALAR,
            ),
            (
                F::CacheReadTokens,
                "cache_read_tokens",
                &self.cache_read_tokens,
                SCALAR,
            ),
            (
                F::CacheWriteTokens,
                "cache_write_tokens",
                &self.cache_write_tokens,
                SCALAR,
            ),
            (
                F::ReasoningTokens,
                "reasoning_tokens",
                &self.reasoning_tokens,
                SCALAR,
            ),
            (F::Cost, "cost", &self.cost, SCALAR),
            (
                F::FirstTokenSeconds,
                "first_token_seconds",
                &self.first_token_seconds,
                SCALAR,
            ),
            (F::Output, "output", &self.output, &[Type::Any]),
            (F::Tool, "tool", &self.tool, SCALAR),
            (F::ToolCallId, "tool_call_id", &self.tool_call_id, SCALAR),
            (F::HandoffFrom, "handoff_from", &self.handoff_from, SCALAR),
            (F::HandoffTo, "handoff_to", &self.handoff_to, SCALAR),
            (F::Delegates, "delegates", &self.delegates, FLAG),
            (F::Session, "session", &self.session, SCALAR),
            (F::User, "user", &self.user, SCALAR),
            (F::Failed, "failed", &self.failed, FLAG),
            (F::Answered, "answered", &self.answered, FLAG),
            (F::Triggered, "triggered", &self.triggered, FLAG),
        ]
    }
}
