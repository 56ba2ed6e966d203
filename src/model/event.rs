//! The event: what one span says about agents, in one language, without its text.
//!
//! An event is small and holds no prompt, completion or argument text. It says what its own span says; what needs
//! a span's neighbours (whose call this is, where a handoff led) is the stitcher's to find.

use super::compact::{CowArc, Empty, OptionBox};
use super::evaluation::Evaluation;
use super::ids::{Link, SpanId, TraceId};
use super::sampling::Threshold;
use super::sketch::Content;
use super::time::Timestamp;
use super::{List, Name};

/// One span (or one log record that belongs to a span), normalised.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub trace: TraceId,
    pub span: SpanId,
    pub parent: Option<SpanId>,
    pub start: Timestamp,
    pub end: Timestamp,
    /// The span's own status was an error. Alone it decides nothing: several SDKs mark successful handoffs so.
    pub error: bool,
    /// The agent that this span is (for [`Kind::Agent`]) or works for, where the span itself says so.
    pub agent: Option<Name>,
    /// The name of the workflow or app run, where declared.
    pub workflow: Option<Name>,
    pub kind: Kind,
    /// What is left of the messages of a model call, where they are captured.
    pub content: Option<Box<Content>>,
    pub context: CowArc<SpanContext>,
    pub rare: OptionBox<RareFields>,
}

/// Whose work a span is, and what for. Spans of one conversation mostly declare the same.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SpanContext {
    pub session: Option<SessionHint>,
    pub user: Option<Name>,
    /// Whose ids these are, where the operator says how to tell.
    pub tenant: Option<Name>,
    /// The tenant is that of the sender's credentials, and not what an attribute says. Trace IDs are its own too.
    pub has_authenticated_tenant: bool,
    /// What the user came for, where declared.
    pub intent: Option<Name>,
    /// The values of the configured dimensions that are declared, by their numbers.
    pub cohort: List<(u8, Name)>,
    /// The value of the business transaction, where declared.
    pub value_usd: Option<f64>,
    /// An id of the unit of business work, where declared.
    pub workflow_id: Option<Name>,
}

impl Empty for SpanContext {
    const EMPTY: &'static Self = &Self {
        session: None,
        user: None,
        tenant: None,
        has_authenticated_tenant: false,
        intent: None,
        cohort: List::new(),
        value_usd: None,
        workflow_id: None,
    };
}

/// What few spans say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RareFields {
    /// Links to spans of other traces only; they join turns.
    pub links: List<Link>,
    /// How its sender sampled, where the span says so.
    pub threshold: Option<Threshold>,
    /// The currency of an amount that it declares and that is in no figure, as nobody said what that currency is worth.
    pub unconverted: Option<Name>,
    /// A word that declares an outcome and is none that Baton knows.
    pub unknown_outcome: Option<Name>,
    /// Proof or verdict about the business result, where this span carries one.
    pub outcome: Option<OutcomeEvidence>,
    /// Evaluations attached to this span (span events, log records or attributes).
    pub evaluations: List<Evaluation>,
    /// Handoffs that a log record shows the span's model asking for; always empty but for [`Kind::Note`].
    pub requests: List<HandoffRequest>,
    /// Handoffs that the span's error says were refused, e.g. "tool not found: transfer_to_x".
    pub refused: List<HandoffRequest>,
    /// The parent is a span of another process, as the flags of the span say.
    pub remote_parent: bool,
    /// The id of its agent, where the span has both a name and an id that differs from it.
    pub agent_id: Option<Name>,
    /// The agent that called its agent, where the span says so.
    pub caller: Option<Name>,
    /// The span shows that its run waits for a person, or goes on after one decided.
    pub pause: Option<Pause>,
    /// The work was cancelled: it neither failed nor succeeded.
    pub cancelled: bool,
    /// The span stands for one exchange with the user, of several in its trace.
    pub is_exchange: bool,
    /// What an agent or a run says that all its calls took.
    pub totals: Option<Box<RunTotals>>,
    /// The hash of the response that a log record or a score speaks about, see [`ModelCall::response`].
    pub about: Option<u64>,
    /// What says that the tool call hands over, if it is more than its name.
    pub handoff_basis: Basis,
    /// The tool that delegates returned something: whoever it called has worked, here or elsewhere.
    pub delegate_returned: bool,
    /// Work of a job beside the sessions of its trace: it adds to what its session took and is in no turn (S-16). Set when the trace is
    /// dealt out.
    pub is_beside: bool,
}

/// How a span shows that a run waits for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    /// The run stopped here until a person decides: an interrupt, an approval, a deferred tool, a question. A tool call with this
    /// mark did not run.
    Waits,
    /// The tool returned nothing: it waits if its run did nothing more after it, else that is its result.
    MayWait,
    /// The user was asked something and answers with the next input.
    Asks,
    /// The run goes on after the decision of a person, or with the result of a tool; it is no new input of the user.
    Resumes,
}

/// Usage and cost that the span of an agent or of a run declares for all calls inside it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunTotals {
    pub provider: Option<Name>,
    pub model: Option<Name>,
    pub usage: Option<Usage>,
    pub cost: Cost,
}

impl OptionBox<RareFields> {
    /// Roughly the bytes that it leads to.
    pub fn weight(&self) -> usize {
        if !self.says() {
            return 0;
        }
        let lists = (self.evaluations.len() + self.requests.len() + self.refused.len()) * 64
            + self.links.len() * size_of::<Link>();
        let totals = self.totals.as_ref().map_or(0, |_| size_of::<RunTotals>());
        size_of::<RareFields>() + lists + totals
    }
}

impl Empty for RareFields {
    const EMPTY: &'static Self = &Self {
        links: List::new(),
        threshold: None,
        unconverted: None,
        unknown_outcome: None,
        outcome: None,
        evaluations: List::new(),
        requests: List::new(),
        refused: List::new(),
        remote_parent: false,
        agent_id: None,
        caller: None,
        pause: None,
        cancelled: false,
        is_exchange: false,
        totals: None,
        about: None,
        handoff_basis: Basis::Inferred,
        delegate_returned: false,
        is_beside: false,
    };
}

impl Event {
    /// The span of the one other trace that a span without a session of its own links to. Of several traces it is nobody's alone: a
    /// batch is read for many users.
    pub fn follows(&self) -> Option<Link> {
        let mut others = self.rare.links.iter();
        let first = others.next().filter(|_| self.context.session.is_none())?;
        let is_it = |other: &Link| other.trace == first.trace;
        others.all(is_it).then_some(*first)
    }

    /// Roughly the bytes that it holds in memory, with a part of its case, which it shares with the spans around it.
    pub fn weight(&self) -> usize {
        // A name is counted where it is held, though several may share one text; to look up how long it is would cost too much.
        const NAME: usize = 40;
        const CASE: usize = 64;
        let names = [self.agent.is_some(), self.workflow.is_some()];
        let names = names.into_iter().map(usize::from).sum::<usize>() * NAME;
        let content = self.content.as_ref().map_or(0, |content| content.weight());
        let kind = match &self.kind {
            Kind::Model(_) => size_of::<ModelCall>() + 64,
            Kind::Tool(_) => 2 * NAME,
            _ => 0,
        };
        size_of::<Self>() + CASE + names + content + kind + self.rare.weight()
    }
}

/// A session id and how much it is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionHint {
    pub id: Name,
    pub source: SessionSource,
}

/// Where a session id was found, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SessionSource {
    Span,
    /// Only the resource says so: used for a trace in which no span does.
    Resource,
}

/// What a span is.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Not about agents by itself, kept because it may be the parent of spans that are.
    Structure,
    /// A run, crew, graph or workflow around agents.
    Workflow,
    /// An agent at work. `inferred`: named by position only (a graph node), so it counts only if it acts itself.
    Agent { inferred: bool },
    /// A call of a model.
    Model(Box<ModelCall>),
    /// A call of a tool.
    Tool(ToolCall),
    /// A span whose only meaning is a handoff.
    Handoff(HandoffSpan),
    /// A search in a knowledge base; a rerank or an embedding is not one.
    Retrieval { source: Option<Name> },
    /// What a log record adds to its span. The number tells notes to one span apart.
    Note(u64),
    /// A check of input or output.
    Guardrail { triggered: bool },
}

impl Kind {
    /// Whether the span alone shows that agents are at work in its trace.
    pub fn is_agentic(&self) -> bool {
        !matches!(self, Self::Structure | Self::Note(_))
    }
}

/// More tools that one call asks for are not counted.
pub const MAX_ASKED_TOOLS: u32 = 32;

/// One call of a model. Whether it is a leaf (and so counts) depends on its neighbours.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelCall {
    pub operation: Operation,
    /// e.g. `openai`, `anthropic`, `gcp.gemini`; lower case.
    pub provider: Option<Name>,
    /// The model asked for, else the one that answered, without its snapshot date.
    pub model: Option<Name>,
    /// `None`: the span says nothing of tokens.
    pub usage: Option<Usage>,
    pub cost: Cost,
    /// What caching saved at the prices of the catalogue, in the configured currency. Negative: writing the cache cost more (C-18).
    pub cache_savings: Option<f64>,
    /// Seconds from the start of the call to the first token.
    pub first_token_seconds: Option<f64>,
    /// Handoffs that the model asked for in its output.
    pub requests: List<HandoffRequest>,
    /// Whether the output had text for the reader (and not only tool calls); `None` where content is not captured.
    pub answered: Option<bool>,
    /// The span stands for an agent's whole work too (an agent span marked as a model call).
    pub is_agent: bool,
    /// The call failed.
    pub failed: bool,
    /// Which instrumentation shows it: a hash of the scope's name. Two may show the same call.
    pub instrumentation: u32,
    /// The next call under the same span counts the tokens and the cost of this one too: some SDKs add up what a row of calls takes.
    pub usage_is_cumulative: bool,
    /// The hash of the id that the provider gave its response.
    pub response: Option<u64>,
    /// How many tools that do work the output asks for, at most [`MAX_ASKED_TOOLS`]; 0 if it has text. If nobody calls all of them, the
    /// run waits for a person or for the program.
    pub asked_tools: u32,
    /// Whether the last message of the input is the result of a tool, and not the user's; `None` where that is not captured.
    pub continues: Option<bool>,
}

/// What was asked of the model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Operation {
    #[default]
    Chat,
    Embeddings,
}

/// Tokens of one call, in the counting of OpenTelemetry: `input` includes both cache figures, `output` includes `reasoning`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Usage {
    pub input: u64,
    pub output: u64,
    /// `None`: the span says nothing of it; the same for the two below.
    pub cache_read: Option<u64>,
    pub cache_write: Option<u64>,
    pub reasoning: Option<u64>,
}

impl Usage {
    /// The tokens of a call without those before it, which it counted again.
    pub fn without(&self, before: &Self) -> Self {
        let part =
            |all: Option<u64>, before: Option<u64>| Some(all?.saturating_sub(before.unwrap_or(0)));
        Self {
            input: self.input.saturating_sub(before.input),
            output: self.output.saturating_sub(before.output),
            cache_read: part(self.cache_read, before.cache_read),
            cache_write: part(self.cache_write, before.cache_write),
            reasoning: part(self.reasoning, before.reasoning),
        }
    }
}

/// Money in the configured currency.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Cost {
    /// The span says what it cost.
    Declared(f64),
    /// Tokens times the price catalogue.
    Computed(f64),
    /// No tokens and no declared cost: unknown, not zero.
    #[default]
    Unknown,
    /// Tokens of a model that has no price.
    Unpriced,
}

impl Cost {
    pub fn usd(self) -> Option<f64> {
        match self {
            Self::Declared(usd) | Self::Computed(usd) => Some(usd),
            Self::Unknown | Self::Unpriced => None,
        }
    }

    /// The cost of a call without that of those before it, which its tokens counted again.
    pub fn without(self, before: Self) -> Self {
        match (self, before) {
            (Self::Computed(all), Self::Computed(before)) => {
                Self::Computed((all - before).max(0.0))
            }
            _ => self,
        }
    }
}

/// One call of a tool.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolCall {
    pub name: Name,
    /// The id that joins this span to the request in a model's output.
    pub call_id: Option<Name>,
    /// The tool hands over. With a target [`Target::Human`] it may still do work of its own: see `does_work`.
    pub hands_to: Option<Target>,
    /// The tool does work besides handing over to a human (it opens a ticket), so it counts as a tool call too. With a target
    /// [`Target::Agent`] only the tool's name says that it hands over: what happens may say that it is a tool like others (H-10).
    pub does_work: bool,
    /// The tool waits for the target's result: a delegation.
    pub delegates: bool,
    /// The tool reported failure by its own means, though its span may be without error.
    pub failed: bool,
}

impl ToolCall {
    /// Whether it is a call of a tool by itself, whatever happens around it.
    pub fn is_tool_call(&self) -> bool {
        match self.hands_to {
            None => true,
            Some(Target::Human) => self.does_work,
            Some(Target::Agent(_) | Target::Unknown) => false,
        }
    }

    /// Whether a tool span inside shows the same call: they have one ID, or one name and no IDs that differ. What has no name is a part
    /// of the one around it (C-2).
    pub fn is_same_call(&self, inner: &Self) -> bool {
        match (&self.call_id, &inner.call_id) {
            (Some(outer), Some(inner)) => outer == inner,
            _ => inner.name.is_empty() || self.name == inner.name,
        }
    }
}

/// Where a handoff leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    Agent(Name),
    Human,
    /// The span does not say; its neighbours may.
    Unknown,
}

/// A handoff that a model asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandoffRequest {
    pub target: Target,
    pub call_id: Option<Name>,
}

/// A handoff shown by a span of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct HandoffSpan {
    pub from: Option<Name>,
    pub to: Target,
    pub delegates: bool,
    pub failed: bool,
}

/// A verdict about the business result.
#[derive(Clone, Debug, PartialEq)]
pub struct OutcomeEvidence {
    pub outcome: Outcome,
}

/// How a unit of work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Done, and something proved it.
    Resolved,
    /// A human took over.
    Escalated,
    /// Ended in an error, or declared unsolved.
    Failed,
    /// The user's last request never got an answer.
    Abandoned,
    /// Ended normally; nothing proved the result.
    Unverified,
}

impl Outcome {
    pub const ALL: [Self; 5] = [
        Self::Resolved,
        Self::Escalated,
        Self::Failed,
        Self::Abandoned,
        Self::Unverified,
    ];

    /// The value of the label `outcome`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Resolved => "resolved",
            Self::Escalated => "escalated",
            Self::Failed => "failed",
            Self::Abandoned => "abandoned",
            Self::Unverified => "unverified",
        }
    }
}

/// What an outcome or a handoff rests on, strongest first: the label `evidence`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Basis {
    /// The application says so: an attribute, an evaluation, a span whose only meaning it is.
    Declared,
    /// The operator says so: a rule in CEL, a name in the configuration.
    Rule,
    /// Baton's own rules found it.
    #[default]
    Inferred,
}

impl Basis {
    pub const ALL: [Self; 3] = [Self::Declared, Self::Rule, Self::Inferred];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Declared => "declared",
            Self::Rule => "rule",
            Self::Inferred => "inferred",
        }
    }
}
