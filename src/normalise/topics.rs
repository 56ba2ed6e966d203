//! The topic lists: the vocabularies of all dialects, merged by what their terms mean. [`Topic`] says what each list holds.

use super::dialect::vocabulary::{Topic, count, merged};
use crate::otlp::attribute_key::{AttributeKeys, keys};

/// The keys of the attributes of a topic, best first.
macro_rules! attributes {
    ($($list:ident: $topic:ident,)*) => {
        $(pub(super) const $list: AttributeKeys = &keys(merged::<{ count(Topic::$topic) }>(Topic::$topic));)*
    };
}

/// The terms of a topic that are no whole names of attributes.
macro_rules! texts {
    ($($list:ident: $topic:ident,)*) => {
        $(pub(super) const $list: &[&str] = &merged::<{ count(Topic::$topic) }>(Topic::$topic);)*
    };
}

attributes! {
    SESSION: Session,
    RESOURCE_SESSION: ResourceSession,
    USER: User,
    WORKFLOW_ID: WorkflowId,
    EXCHANGE: Exchange,
    WORKFLOW: Workflow,
    OUTCOME: Outcome,
    METADATA: Metadata,
    MODEL: Model,
    ANSWERING_MODEL: AnsweringModel,
    PROVIDER: Provider,
    FINISH_REASON: FinishReason,
    INPUT_TOKENS: InputTokens,
    OUTPUT_TOKENS: OutputTokens,
    CACHE_READ_TOKENS: CacheReadTokens,
    CACHE_WRITE_TOKENS: CacheWriteTokens,
    REASONING_TOKENS: ReasoningTokens,
    TOTAL_TOKENS: TotalTokens,
    RAW_USAGE: RawUsage,
    RESPONSE: Response,
    RESPONSE_ID: ResponseId,
    FIRST_TOKEN_SECONDS: FirstTokenSeconds,
    COST: Cost,
    INPUT_COST: InputCost,
    OUTPUT_COST: OutputCost,
    COST_CURRENCY: CostCurrency,
    COST_OBJECT: CostObject,
    INPUT_MESSAGES: InputMessages,
    OUTPUT_MESSAGES: OutputMessages,
    WHOLE_INPUT: WholeInput,
    REQUESTING_MESSAGES: RequestingMessages,
    EVENT_LIST: EventList,
    ANSWER_TEXT: AnswerText,
    TOOL_CALL_ID: ToolCallId,
    TOOL_ARGUMENTS: ToolArguments,
    TOOL_RESULT: ToolResult,
    RUN_INPUT: RunInput,
    HANDOFF_MODE: HandoffMode,
    HANDOFF_SOURCE: HandoffSource,
    HANDOFF_TARGET: HandoffTarget,
    HANDOFF_TARGET_TYPE: HandoffTargetType,
    STATUS_MESSAGE: StatusMessage,
    EVALUATION_SCORE: EvaluationScore,
    CONTEXT_RETENTION: ContextRetention,
    INTENT_RETENTION: IntentRetention,
    GRAPH_NAMESPACE: GraphNamespace,
    GRAPH_AGENT: GraphAgent,
}

texts! {
    FLAT_INPUT: FlatInput,
    FLAT_OUTPUT: FlatOutput,
    OWN_BEGINNINGS: OwnBeginnings,
    METADATA_ENTRIES: MetadataEntries,
    TECHNICAL_REQUEST: TechnicalRequest,
    BROWSER_RESOURCE: BrowserResource,
    VERDICTS: Verdicts,
    FRAMEWORK_AS_PROVIDER: FrameworkAsProvider,
    INSTRUCTION_FRAME: InstructionFrame,
}
