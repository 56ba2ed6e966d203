//! Facts: what the stitcher found out, each once and for good. Metrics and ledger rows derive from these and from nothing else.

use super::Name;
use super::action::Action;
use super::call_costs::CallCosts;
use super::cohort::Cohort;
use super::correction::{Correction, ReportResult};
use super::event::{Basis, Cost, Event, Operation, Outcome, RunTotals, Usage};
use super::ids::{PartitionKey, SpanId, TraceId};
use super::sampling::Threshold;
use super::time::Timestamp;
use std::time::Duration;

/// One thing that happened. `at` is event time; `trace` is for exemplars.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    pub at: Timestamp,
    pub trace: TraceId,
    /// Whose story it belongs to; the stitcher knows and says it last.
    pub key: Option<PartitionKey>,
    pub cohort: Cohort,
    /// What it stands for, where its sender sampled; `None`: for itself.
    pub threshold: Option<Threshold>,
    pub what: What,
}

impl Fact {
    /// A fact of no cohort; its session knows more and says it afterwards.
    pub fn new(at: Timestamp, trace: TraceId, what: What) -> Self {
        Self {
            at,
            trace,
            key: None,
            cohort: Cohort::default(),
            threshold: None,
            what,
        }
    }

    /// A fact of one span, at its end.
    pub fn of_span(event: &Event, what: What) -> Self {
        Self {
            threshold: event.rare.threshold,
            ..Self::new(event.end, event.trace, what)
        }
    }

    /// It says only that nothing in a trace is about agents, or about one session, or comes from no trace.
    pub fn is_about_nobody(&self) -> bool {
        matches!(
            self.what,
            What::Ignored {
                reason: Ignored::NotAboutAgents | Ignored::OfSeveralSessions,
                ..
            } | What::Reported { .. }
                | What::Forgotten { .. }
        )
    }

    /// How many like it it stands for.
    pub fn weight(&self) -> u64 {
        self.threshold.map_or(1, |t| t.weight(self.trace))
    }
}

/// The kinds of facts.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// A session was seen for the first time.
    Session,
    Turn(Turn),
    Workflow(Workflow),
    /// The user of a closed workflow came back with the same intent: it was not settled at first contact.
    Recontact {
        workflow: Name,
        outcome: Outcome,
    },
    /// What was counted of a closed workflow does not hold.
    Correction(Correction),
    /// A system outside of the agents reported an outcome.
    Reported {
        source: Name,
        result: ReportResult,
    },
    /// So many closed workflows can be corrected no more, though their time is not up.
    Forgotten {
        workflows: u64,
    },
    /// A closed workflow had come to this step of its funnel.
    FunnelStep {
        workflow: Name,
        step: Name,
    },
    Agent(AgentInvocation),
    Model(ModelCallFact),
    /// What all calls of an agent or of a run took, where no call shows it. It is no call.
    Totals {
        agent: Name,
        totals: RunTotals,
    },
    /// A call of which nobody knows what it took.
    UnknownUsage {
        provider: Name,
        model: Name,
    },
    /// A call whose tokens are part of those of its agent or run, which have no price.
    UnknownPrice {
        provider: Name,
        model: Name,
    },
    Tool(ToolCallFact),
    Retrieval,
    /// Money was spent on a tool call, a retrieval or a human, by a price of the operator's.
    Action(Action),
    Evaluation {
        name: Name,
        score: f64,
    },
    /// A score that a user gave, by the agent whose work it is about.
    Feedback {
        workflow: Name,
        agent: Name,
        score: f64,
    },
    Handoff(Handoff),
    /// Control came back to an agent that had given it away in the same turn, after so many transfers.
    Loop {
        agent: Name,
        length: u64,
    },
    /// The user had to say it again after a handoff, to this agent.
    Repeat {
        workflow: Name,
        agent: Name,
    },
    /// A human was called in.
    Escalation {
        workflow: Name,
        from: Name,
    },
    /// Handoffs that now wait for their target (+1) or no longer do (-1).
    Pending(i64),
    /// A span declares an outcome by a word that Baton does not know: it declares nothing.
    UnknownOutcome {
        word: Name,
    },
    /// A span declares an amount in a currency that nobody gave a rate for; it is in no figure.
    Unconverted {
        currency: Name,
    },
    /// An event came after its turn was decided; it counted only where it adds up.
    Late,
    /// An event that was already known.
    Duplicate,
    /// So many events that changed no figure, and why.
    Ignored {
        reason: Ignored,
        events: u64,
    },
    /// A limit made the stitcher decide or drop early.
    Shed(Shed),
}

/// From one user input to the final output that answers it.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    pub workflow: Name,
    pub result: TurnResult,
    /// First span's start to the end of the final answer.
    pub duration: Duration,
    /// To the first token of the call that produced the final answer.
    pub first_token: Option<Duration>,
    /// It counts as answered, though no span shows text for the user (T-16).
    pub is_assumed: bool,
    /// How long each agent had it, by name; together no longer than the duration.
    pub by_agent: Vec<(Name, Duration)>,
}

/// How a turn ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TurnResult {
    Answered,
    Failed,
}

impl TurnResult {
    pub const ALL: [Self; 2] = [Self::Answered, Self::Failed];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Failed => "failed",
        }
    }
}

/// One unit of business work, closed.
#[derive(Clone, Debug, PartialEq)]
pub struct Workflow {
    pub workflow: Name,
    pub outcome: Outcome,
    /// The name of the rule that decided it, or what did where none did.
    pub because: Name,
    pub basis: Basis,
    pub duration: Duration,
    /// All money spent that could be priced; `None` when nothing could.
    pub cost_usd: Option<f64>,
    /// The value of the business transaction, where declared.
    pub value_usd: Option<f64>,
    /// The models that answered a chat call, by name.
    pub models: Vec<Name>,
    /// How many of its model calls have a known cost.
    pub calls: CallCosts,
    /// Whether a span names the user, so that a repeat contact can be recognised.
    pub has_user: bool,
    /// The first span of its first turn, in the trace of the fact. `None`: an older Baton did not keep it.
    pub span: Option<SpanId>,
}

/// How a call or the work of an agent ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Ok,
    Error,
    /// Somebody stopped it: it neither failed nor succeeded.
    Cancelled,
}

impl Ending {
    /// Of something that may have failed, and may have been cancelled, which goes first.
    pub fn of(failed: bool, cancelled: bool) -> Self {
        match (cancelled, failed) {
            (true, _) => Self::Cancelled,
            (false, true) => Self::Error,
            (false, false) => Self::Ok,
        }
    }

    pub fn is_error(self) -> bool {
        self == Self::Error
    }

    /// The value of the label `status`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Cancelled => "cancelled",
        }
    }
}

/// One activation of one agent.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentInvocation {
    pub agent: Name,
    pub ending: Ending,
}

/// One model call, a leaf.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelCallFact {
    pub agent: Name,
    pub provider: Name,
    pub model: Name,
    pub operation: Operation,
    pub ending: Ending,
    pub usage: Option<Usage>,
    pub cost: Cost,
    /// What caching saved, in the configured currency; negative where writing the cache cost more.
    pub cache_savings: Option<f64>,
    pub duration: Duration,
    pub first_token: Option<Duration>,
}

/// One tool call that is not a handoff.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolCallFact {
    pub tool: Name,
    pub ending: Ending,
}

/// One handoff, judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Handoff {
    /// That of the turn it was made in.
    pub workflow: Name,
    pub from: Name,
    pub to: Name,
    pub kind: HandoffKind,
    pub result: HandoffResult,
    /// What says that it was a handoff.
    pub basis: Basis,
    /// From the source's decision to the target's first activity.
    pub latency: Option<Duration>,
    /// The share of what the source knew that the target received, and what says so; `None`: unknown.
    pub retention: Option<Retention>,
    /// Whether the target works on what the user came for; `None`: a side does not say.
    pub intent: Option<IntentPassed>,
    /// Only the model's output shows it: nothing ever ran.
    pub phantom: bool,
    /// Where it was made.
    pub place: HandoffPlace,
}

/// Where a handoff was made, in the trace of its fact: what tells it from every other handoff.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HandoffPlace {
    /// The span that shows it best. `None`: an older Baton did not keep it.
    pub span: Option<SpanId>,
    /// Its number among the handoffs that this span shows, from 0.
    pub ordinal: u32,
}

/// The target of a handoff to a human.
pub const HUMAN: &str = "human";

/// How much context passed, from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Retention {
    pub ratio: f64,
    pub evidence: Evidence,
}

/// What became of the user's intent on the way from one agent to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntentPassed {
    pub kept: bool,
    /// What the source and the target declare, where both do and not only an evaluation says it.
    pub sides: Option<(Name, Name)>,
}

/// What a figure rests on, strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Evidence {
    /// An attribute or an evaluation says so.
    Declared,
    /// The facts of the messages.
    Content,
    /// The numbers of input tokens: weak, never a reason to fail a handoff.
    Tokens,
}

impl Evidence {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Declared => "declared",
            Self::Content => "content",
            Self::Tokens => "tokens",
        }
    }
}

/// How control passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HandoffKind {
    /// The source is done.
    Transfer,
    /// The source waits for a result.
    Delegation,
    /// Made in one trace, taken up in a later one.
    Resume,
}

impl HandoffKind {
    pub const ALL: [Self; 3] = [Self::Transfer, Self::Delegation, Self::Resume];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Transfer => "transfer",
            Self::Delegation => "delegation",
            Self::Resume => "resume",
        }
    }
}

/// How a handoff ended. Only these pairs of `result` and `reason` exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HandoffResult {
    Success,
    Dropped,
    TargetError,
    Rejected,
    Bounced,
    ContextLost,
    /// No span names an agent: nothing could show whether the target started.
    Unknown,
}

impl HandoffResult {
    pub const ALL: [Self; 7] = [
        Self::Success,
        Self::Dropped,
        Self::TargetError,
        Self::Rejected,
        Self::Bounced,
        Self::ContextLost,
        Self::Unknown,
    ];

    /// Whether the handoff is known not to have worked.
    pub fn has_failed(self) -> bool {
        !matches!(self, Self::Success | Self::Unknown)
    }

    /// The labels `result` and `reason`.
    pub fn labels(self) -> (&'static str, &'static str) {
        match self {
            Self::Success => ("success", ""),
            Self::Dropped => ("failed", "dropped"),
            Self::TargetError => ("failed", "target_error"),
            Self::Rejected => ("failed", "rejected"),
            Self::Bounced => ("failed", "bounced"),
            Self::ContextLost => ("failed", "context_lost"),
            Self::Unknown => ("unknown", "no_agents"),
        }
    }
}

/// Why events changed no figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ignored {
    /// Nothing in their trace is about agents.
    NotAboutAgents,
    /// An outcome whose workflow was closed.
    OutcomeAfterClose,
    /// An evaluation that has no score, and no label that says yes or no or is read by a rule.
    EvaluationWithoutScore,
    /// They lie around the work for several sessions and belong to none.
    OfSeveralSessions,
    /// Links of one trace above the limit: they lead to no session.
    LinksOverLimit,
    /// Closed workflows of one user above the limit: they are not compared with later ones.
    ContactsOverLimit,
}

impl Ignored {
    pub const ALL: [Self; 6] = [
        Self::NotAboutAgents,
        Self::OutcomeAfterClose,
        Self::EvaluationWithoutScore,
        Self::OfSeveralSessions,
        Self::LinksOverLimit,
        Self::ContactsOverLimit,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotAboutAgents => "not_about_agents",
            Self::OutcomeAfterClose => "outcome_after_close",
            Self::EvaluationWithoutScore => "evaluation_without_score",
            Self::OfSeveralSessions => "of_several_sessions",
            Self::LinksOverLimit => "links_over_limit",
            Self::ContactsOverLimit => "contacts_over_limit",
        }
    }
}

/// Which limit was hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shed {
    /// A session held more spans than allowed: its turn was decided early.
    SpansPerSession,
    /// More sessions were open than allowed: the oldest was closed early.
    Sessions,
    /// The state took more memory than allowed: the oldest session was closed early.
    Memory,
    /// A tenant had more sessions open than it may: its oldest was closed early.
    TenantSessions,
}

impl Shed {
    pub const ALL: [Self; 4] = [
        Self::SpansPerSession,
        Self::Sessions,
        Self::Memory,
        Self::TenantSessions,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::SpansPerSession => "spans_per_session",
            Self::Sessions => "sessions",
            Self::Memory => "memory",
            Self::TenantSessions => "tenant_sessions",
        }
    }
}
