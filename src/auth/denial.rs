//! Why a request is refused because of its credentials.

/// Why a request is refused. The texts say what, whose fault, and whether to retry; nothing of the request is in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// It has none.
    Missing,
    /// They are not accepted.
    Wrong,
    /// Too many passwords wait to be checked.
    Busy,
}

impl Denial {
    pub const ALL: [Self; 3] = [Self::Missing, Self::Wrong, Self::Busy];

    /// As in labels.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Missing => "no_credentials",
            Self::Wrong => "wrong_credentials",
            Self::Busy => "password_checks",
        }
    }

    /// To the sender.
    pub fn text(self) -> &'static str {
        match self {
            Self::Missing => {
                "the request has no credentials; the sender is at fault: set its header authorization, do not retry unchanged"
            }
            Self::Wrong => {
                "the credentials of the request are not accepted; the sender is at fault: correct its header authorization, do not retry unchanged"
            }
            Self::Busy => {
                "too many passwords wait to be checked; nothing was accepted, retry later"
            }
        }
    }

    /// To the operator.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Missing => {
                "give the sender a token or a password of auth: OTEL_EXPORTER_OTLP_HEADERS, headers of a Collector, authorization of a scrape"
            }
            Self::Wrong => {
                "compare the token or password of the sender with the files of auth; a change of them takes up to auth.reload_interval"
            }
            Self::Busy => {
                "find out who sends wrong passwords, lower the cost of the bcrypt hashes, or use bearer tokens"
            }
        }
    }

    /// Whether the same request may be accepted later.
    pub fn is_retryable(self) -> bool {
        self == Self::Busy
    }
}
