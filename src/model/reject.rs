//! Reasons for which a span or log record is rejected. The set is closed, because the reason is a metric label.

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
