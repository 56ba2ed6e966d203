//! Reasons for which a span or log record is rejected, or a part of it is not read. The sets are closed, because the reason is a metric
//! label.

/// The fault of one item; the rest of its batch is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RejectReason {
    /// The bytes are not a valid protobuf or JSON span.
    Malformed,
    /// A string is not UTF-8.
    InvalidUtf8,
    /// The trace or span id is missing, of a wrong length or zero.
    InvalidId,
    /// An attribute value is nested deeper than the limit.
    TooDeep,
    /// A start time is missing, or an end time lies before the start.
    InvalidTime,
    /// More attributes, events or links than the limit.
    TooLarge,
}

impl RejectReason {
    pub const ALL: [Self; 6] = [
        Self::Malformed,
        Self::InvalidUtf8,
        Self::InvalidId,
        Self::TooDeep,
        Self::InvalidTime,
        Self::TooLarge,
    ];

    /// The value of the label `reason`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::InvalidUtf8 => "invalid_utf8",
            Self::InvalidId => "invalid_id",
            Self::TooDeep => "too_deep",
            Self::InvalidTime => "invalid_time",
            Self::TooLarge => "too_large",
        }
    }
}

/// Why a log record that was accepted, a verdict, or a part of an accepted span or log record, changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// A log record without a trace that is no verdict: nothing says what it belongs to.
    LogWithoutTrace,
    /// A log record without anything that is about agents.
    LogNotAboutAgents,
    /// A resource that cannot be read; its spans are taken without it.
    Resource,
    /// An instrumentation scope that cannot be read.
    Scope,
    /// A link without valid IDs.
    Link,
    /// Links of one span to other traces above the limit.
    LinksOverLimit,
    /// Flattened verdicts of one span above the limit.
    VerdictsOverLimit,
    /// An evaluation in a span event that does not say what it judges.
    EvaluationWithoutName,
    /// An amount of money that is negative, too great or no number.
    AmountOutOfRange,
    /// A verdict of a Baton: it is a result, and no telemetry of agents.
    Verdict,
    /// A tenant that attributes of an operator name with a text that is no name of a tenant.
    InvalidTenant,
    /// A tenant that attributes of an operator name, and that has no place.
    TenantOverLimit,
}

impl Unread {
    pub const ALL: [Self; 12] = [
        Self::LogWithoutTrace,
        Self::LogNotAboutAgents,
        Self::Resource,
        Self::Scope,
        Self::Link,
        Self::LinksOverLimit,
        Self::VerdictsOverLimit,
        Self::EvaluationWithoutName,
        Self::AmountOutOfRange,
        Self::Verdict,
        Self::InvalidTenant,
        Self::TenantOverLimit,
    ];

    /// The value of the label `reason`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LogWithoutTrace => "log_without_trace",
            Self::LogNotAboutAgents => "log_not_about_agents",
            Self::Resource => "resource",
            Self::Scope => "scope",
            Self::Link => "link",
            Self::LinksOverLimit => "links_over_limit",
            Self::VerdictsOverLimit => "verdicts_over_limit",
            Self::EvaluationWithoutName => "evaluation_without_name",
            Self::AmountOutOfRange => "amount_out_of_range",
            Self::Verdict => "verdict",
            Self::InvalidTenant => "invalid_tenant",
            Self::TenantOverLimit => "tenant_over_limit",
        }
    }
}

/// How often each of [`Unread::ALL`] happened, in their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UnreadCounts([u64; Unread::ALL.len()]);

impl UnreadCounts {
    pub fn add(&mut self, what: Unread, count: u64) {
        self.0[what as usize] += count;
    }

    pub fn add_all(&mut self, others: &Self) {
        for (sum, count) in self.0.iter_mut().zip(others.0) {
            *sum += count;
        }
    }

    pub fn of(&self, what: Unread) -> u64 {
        self.0[what as usize]
    }
}
