//! The vocabulary of a dialect: which of its terms mean what. The vocabularies of all dialects are merged into one list per topic, at
//! compile time.

use super::{DIALECTS, MONEY_TERMS};

/// What a term means.
///
/// Most terms are whole names of attributes. Each of these gets a number, see `otlp/attribute_key.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::normalise) enum Topic {
    /// Read by its dialect alone.
    Own,
    /// The session of a span.
    Session,
    /// The session of all spans of a resource.
    ResourceSession,
    User,
    /// The unit of business work.
    WorkflowId,
    /// The number or the id of an exchange with the user, on the span that stands for it.
    Exchange,
    /// The kind of work: the run around agents.
    Workflow,
    /// How a unit of work ended.
    Outcome,
    /// The metadata of a user, as an object or as the JSON of one.
    Metadata,
    /// Requested models, and answering ones where a request names none.
    Model,
    AnsweringModel,
    Provider,
    /// Why a model stopped.
    FinishReason,
    InputTokens,
    OutputTokens,
    CacheReadTokens,
    CacheWriteTokens,
    ReasoningTokens,
    /// Input and output together.
    TotalTokens,
    /// The usage object of a provider as JSON.
    RawUsage,
    /// A whole response of a model as JSON, in which usage may stand.
    Response,
    /// The id that a provider gave its response.
    ResponseId,
    /// The time to the first token, under names that mean seconds everywhere.
    FirstTokenSeconds,
    /// The cost of a call.
    Cost,
    /// Parts of it. A dialect names as many of the one as of the other, in the same order.
    InputCost,
    OutputCost,
    CostCurrency,
    /// An object in which the cost may stand beside other things.
    CostObject,
    /// The messages that a model gets, as JSON.
    InputMessages,
    /// The messages that a model puts out, as JSON.
    OutputMessages,
    /// All of a call in one text, ids and settings included.
    WholeInput,
    /// Output in which a handoff may be requested, as JSON.
    RequestingMessages,
    /// Those of [`Self::RequestingMessages`] that hold a list of events, the output among them.
    EventList,
    /// The answer of a model as plain text.
    AnswerText,
    ToolCallId,
    ToolArguments,
    /// What a tool returned.
    ToolResult,
    /// What a run around agents got.
    RunInput,
    /// How control passes in a handoff.
    HandoffMode,
    HandoffSource,
    HandoffTarget,
    HandoffTargetType,
    /// The text of an error, beside the status of a span.
    StatusMessage,
    EvaluationScore,
    /// The share of the context that a handoff passed on.
    ContextRetention,
    IntentRetention,
    /// Where in a graph of LangGraph a run stands.
    GraphNamespace,
    /// The agent that LangChain's own agents say they are.
    GraphAgent,
    /// Beginning of a name: flattened input messages, `llm.input_messages.0.message.content`.
    FlatInput,
    /// The same of output messages.
    FlatOutput,
    /// Beginning of a name that this dialect alone writes, by which it is recognised.
    OwnBeginnings,
    /// Beginning of a name: what follows is what a user called an entry of the metadata.
    MetadataEntries,
    /// Beginning of a name on a span that is one request to a server.
    TechnicalRequest,
    /// Beginning of a name by which a resource is a browser.
    BrowserResource,
    /// Beginning of a name: of flattened verdicts on a span, its trace or its session.
    Verdicts,
    /// A value: the name of a framework where that of the provider belongs.
    FrameworkAsProvider,
    /// A text: what a framework puts before the user's own words, which end with an empty line.
    InstructionFrame,
}

impl Topic {
    /// Whether its terms are whole names of attributes.
    const fn is_attribute(self) -> bool {
        !matches!(
            self,
            Self::FlatInput
                | Self::FlatOutput
                | Self::OwnBeginnings
                | Self::MetadataEntries
                | Self::TechnicalRequest
                | Self::BrowserResource
                | Self::Verdicts
                | Self::FrameworkAsProvider
                | Self::InstructionFrame
        )
    }
}

/// The usual rank of a standard's terms.
pub(super) const STANDARD: u8 = 1;
/// The usual rank of an SDK's terms. One that has to go before or after others of the same topic has one a little lower or higher.
pub(super) const SDK: u8 = 5;
/// The usual rank of plain words, which anybody may use.
pub(super) const PLAIN: u8 = 8;
/// Ranks are smaller than this.
const RANKS: u8 = 10;

/// Terms of one topic in the vocabulary of one dialect.
#[derive(Debug)]
pub(in crate::normalise) struct Terms {
    topic: Topic,
    /// Of the terms of a topic those of the lowest rank are tried first; within a rank, in the order of the dialects.
    rank: u8,
    texts: &'static [&'static str],
}

/// Terms of a topic, at a rank.
pub(super) const fn terms(topic: Topic, rank: u8, texts: &'static [&'static str]) -> Terms {
    assert!(rank < RANKS);
    Terms { topic, rank, texts }
}

/// Names of attributes that the dialect itself reads.
pub(super) const fn own(texts: &'static [&'static str]) -> Terms {
    terms(Topic::Own, SDK, texts)
}

/// The vocabulary in a place of the table; behind it, what belongs to no dialect alone.
const fn vocabulary(place: usize) -> &'static [Terms] {
    match place < DIALECTS.len() {
        true => DIALECTS[place].vocabulary,
        false => MONEY_TERMS,
    }
}

const TERM_COUNT: usize = {
    let (mut place, mut count) = (0, 0);
    while place <= DIALECTS.len() {
        count += vocabulary(place).len();
        place += 1;
    }
    count
};

/// The vocabularies of all dialects, in the order of the table, and the terms that belong to none alone.
const TERMS: [&Terms; TERM_COUNT] = {
    let (mut all, mut length) = ([&own(&[]); TERM_COUNT], 0);
    let mut place = 0;
    while place <= DIALECTS.len() {
        let vocabulary = vocabulary(place);
        let mut i = 0;
        while i < vocabulary.len() {
            all[length] = &vocabulary[i];
            (i, length) = (i + 1, length + 1);
        }
        place += 1;
    }
    all
};

/// How many terms a topic has.
pub(in crate::normalise) const fn count(topic: Topic) -> usize {
    let (mut i, mut count) = (0, 0);
    while i < TERM_COUNT {
        if TERMS[i].topic as u8 == topic as u8 {
            count += TERMS[i].texts.len();
        }
        i += 1;
    }
    count
}

/// The terms of a topic in all dialects, best first.
pub(in crate::normalise) const fn merged<const N: usize>(topic: Topic) -> [&'static str; N] {
    let (mut merged, mut length) = ([""; N], 0);
    let mut rank = 0;
    while rank < RANKS {
        let mut i = 0;
        while i < TERM_COUNT {
            if TERMS[i].topic as u8 == topic as u8 && TERMS[i].rank == rank {
                length = append(&mut merged, length, TERMS[i].texts);
            }
            i += 1;
        }
        rank += 1;
    }
    merged
}

/// Puts texts behind those that are there. Returns how many there are then.
const fn append(into: &mut [&'static str], length: usize, texts: &[&'static str]) -> usize {
    let mut i = 0;
    while i < texts.len() {
        into[length + i] = texts[i];
        i += 1;
    }
    length + texts.len()
}

const NAME_COUNT: usize = {
    let (mut i, mut count) = (0, 0);
    while i < TERM_COUNT {
        if TERMS[i].topic.is_attribute() {
            count += TERMS[i].texts.len();
        }
        i += 1;
    }
    count
};

/// All names of attributes in all vocabularies. One that has several meanings is there several times.
pub(in crate::normalise) const ATTRIBUTE_NAMES: [&str; NAME_COUNT] = {
    let (mut names, mut length) = ([""; NAME_COUNT], 0);
    let mut i = 0;
    while i < TERM_COUNT {
        if TERMS[i].topic.is_attribute() {
            length = append(&mut names, length, TERMS[i].texts);
        }
        i += 1;
    }
    names
};
