//! Why a request is refused because of its credentials.

use crate::catalogue::InternalMetric;
use crate::model::tenant::tenant_rule;
use crate::telemetry::counter;
use metrics::Counter;

/// Why a request is refused. The texts say what, whose fault, and whether to retry; nothing of the request is in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// It has none.
    Missing,
    /// They are not accepted.
    Wrong,
    /// They were accepted up to some time ago.
    Expired,
    /// Too many passwords wait to be checked.
    Busy,
    /// The issuer of tokens did not tell its keys yet.
    NoKeys,
    /// They are accepted, or none are needed, but nothing says whose the request is.
    NoTenant,
    /// What says whose the request is, is no name of a tenant.
    InvalidTenant,
}

impl Denial {
    pub const ALL: [Self; 7] = [
        Self::Missing,
        Self::Wrong,
        Self::Expired,
        Self::Busy,
        Self::NoKeys,
        Self::NoTenant,
        Self::InvalidTenant,
    ];

    /// Counts it at a listener. Registers with the recorder in whose scope it is called.
    pub(super) fn counter(self, listener: &str) -> Counter {
        let labels = [listener, self.reason()];
        counter(InternalMetric::UnauthenticatedRequests, &labels)
    }

    /// As in labels.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Missing => "no_credentials",
            Self::Wrong => "wrong_credentials",
            Self::Expired => "expired_token",
            Self::Busy => "password_checks",
            Self::NoKeys => "no_issuer_keys",
            Self::NoTenant => "no_tenant",
            Self::InvalidTenant => "invalid_tenant",
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
            Self::Expired => {
                "the token of the request has expired; the sender is at fault: get a new one, do not retry unchanged"
            }
            Self::Busy => {
                "too many passwords wait to be checked; nothing was accepted, retry later"
            }
            Self::NoKeys => {
                "the receiver has no keys of the issuer of tokens yet; nothing was accepted, retry later"
            }
            Self::NoTenant => {
                "nothing says which tenant the request belongs to; the sender is at fault: use credentials of a tenant, do not retry unchanged"
            }
            Self::InvalidTenant => {
                concat!(
                    "the header, certificate or token of the request names its tenant with a text that is no allowed name of a tenant; the sender is at fault: name one tenant, with ",
                    tenant_rule!(),
                    ", do not retry unchanged"
                )
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
                "compare the token or password of the sender with the files of auth, and issuer and audience of a JSON web token with auth.oidc; a change takes up to auth.reload_interval"
            }
            Self::Expired => {
                "let the sender get new tokens in time; compare the clocks of the issuer and of Baton"
            }
            Self::Busy => {
                "find out who sends wrong passwords, lower the cost of the bcrypt hashes, or use bearer tokens"
            }
            Self::NoKeys => {
                "check that Baton reaches auth.oidc.issuer_url: its log says why it does not; or set auth.oidc.jwks_file"
            }
            Self::NoTenant => {
                "add the name of the sender to tenants.names or tenants.operators, or set tenants.certificate or auth.oidc.tenant_claim; a proxy must set the header of tenants.header"
            }
            Self::InvalidTenant => {
                "correct what the sender or its proxy writes in the header of tenants.header, what the issuer writes in the claim, or the name of the certificate, or map that name in tenants.names; lists of tenants such as a|b are not supported"
            }
        }
    }

    /// Whether other credentials are needed, and not some in the first place.
    pub fn is_forbidden(self) -> bool {
        matches!(self, Self::NoTenant | Self::InvalidTenant)
    }

    /// Whether the same request may be accepted later.
    pub fn is_retryable(self) -> bool {
        matches!(self, Self::Busy | Self::NoKeys)
    }
}
