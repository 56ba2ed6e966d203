//! Identities of OpenTelemetry and of Baton.

use super::Name;
use rapidhash::v3::rapidhash_v3;
use std::fmt;

/// An OpenTelemetry trace id: 16 bytes, never all zero.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TraceId([u8; 16]);

/// An OpenTelemetry span id: 8 bytes, never all zero.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpanId([u8; 8]);

macro_rules! id {
    ($name:ident, $size:literal) => {
        impl $name {
            /// The id, if `bytes` has the right length and is not all zero (OTLP calls both invalid).
            pub fn new(bytes: &[u8]) -> Option<Self> {
                let bytes: [u8; $size] = bytes.try_into().ok()?;
                (bytes != [0; $size]).then_some(Self(bytes))
            }

            /// The id of bytes known not to be all zero.
            pub(crate) const fn from_nonzero(bytes: [u8; $size]) -> Self {
                Self(bytes)
            }

            /// The id written as hexadecimal digits, as in OTLP/JSON and W3C trace context.
            pub fn from_hex(text: &str) -> Option<Self> {
                let digits = text.as_bytes();
                if digits.len() != 2 * $size {
                    return None;
                }
                let mut bytes = [0; $size];
                for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
                    let high = char::from(pair[0]).to_digit(16)?;
                    let low = char::from(pair[1]).to_digit(16)?;
                    *byte = (high * 16 + low) as u8;
                }
                Self::new(&bytes)
            }

            pub fn as_bytes(&self) -> &[u8; $size] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

id!(TraceId, 16);
id!(SpanId, 8);

impl TraceId {
    /// Stands for no trace where something comes from no span. No sender makes it by chance.
    pub const UNKNOWN: Self = Self::from_nonzero([0xff; 16]);
}

impl SpanId {
    /// Stands for the trace as a whole where a log record names no span. No sender makes it by chance.
    pub const OF_TRACE: Self = Self::from_nonzero([0xff; 8]);

    /// Stands for a response of a model, whose ID has this hash, among the spans of its trace.
    pub fn of_response(hash: u64) -> Option<Self> {
        Self::new(&hash.to_be_bytes())
    }
}

/// An id that is unique within one tenant only.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantScoped {
    /// `None`: the operator names no attribute of tenants, or the span has none.
    pub tenant: Option<Name>,
    pub id: Name,
}

/// What owns state and orders it: all records of one key are handled by one partition, in log order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PartitionKey {
    /// A business session, by the id its agents declare.
    Session(TenantScoped),
    /// A trace whose session is not known (yet).
    Trace(TraceId),
    /// A user, by the id its agents declare: what is known of him across sessions.
    User(TenantScoped),
    /// A trace of a tenant that was authenticated: equal IDs of two tenants are two traces.
    TenantTrace(Name, TraceId),
}

impl PartitionKey {
    /// The partition that owns the key, of so many. The same on every machine and in every version: logs and snapshots rest on it.
    pub fn partition(&self, partitions: usize) -> usize {
        (self.stable_hash() % partitions as u64) as usize
    }

    /// A hash that is the same on every machine and in every version.
    pub fn stable_hash(&self) -> u64 {
        match self {
            Self::Session(owner) | Self::User(owner) => {
                scoped_hash(owner.tenant.as_ref(), owner.id.as_bytes())
            }
            Self::Trace(id) => scoped_hash(None, id.as_bytes()),
            Self::TenantTrace(tenant, id) => scoped_hash(Some(tenant), id.as_bytes()),
        }
    }

    /// The key of a trace. `tenant`: that of its sender, if it was authenticated.
    pub fn of_trace(tenant: Option<&Name>, trace: TraceId) -> Self {
        match tenant {
            Some(tenant) => Self::TenantTrace(tenant.clone(), trace),
            None => Self::Trace(trace),
        }
    }

    /// The trace that it is the key of.
    pub fn trace(&self) -> Option<TraceId> {
        match self {
            Self::Trace(trace) | Self::TenantTrace(_, trace) => Some(*trace),
            Self::Session(_) | Self::User(_) => None,
        }
    }

    /// Where it is the key of a trace, that of another trace of the same tenant.
    pub fn other_trace(&self, trace: TraceId) -> Self {
        match self {
            Self::TenantTrace(tenant, _) => Self::TenantTrace(tenant.clone(), trace),
            _ => Self::Trace(trace),
        }
    }

    /// The tenant whose it is; `None`: nobody's in particular.
    pub fn tenant(&self) -> Option<&Name> {
        match self {
            Self::Session(owner) | Self::User(owner) => owner.tenant.as_ref(),
            Self::TenantTrace(tenant, _) => Some(tenant),
            Self::Trace(_) => None,
        }
    }
}

/// A hash of what an ID is with its tenant.
fn scoped_hash(tenant: Option<&Name>, id: &[u8]) -> u64 {
    let tenant = tenant.map_or(0, |tenant| rapidhash_v3(tenant.as_bytes()));
    // Rotated, so that a tenant named like an id does not cancel it out.
    rapidhash_v3(id) ^ tenant.rotate_left(1)
}

/// A causal link to another span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    pub trace: TraceId,
    pub span: SpanId,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A change of these numbers would send records of a stored log to partitions that do not own their keys.
    #[test]
    fn partitions_of_keys_are_those_of_stored_logs() {
        let scoped = |tenant: Option<&str>, id: &str| TenantScoped {
            tenant: tenant.map(Name::from),
            id: id.into(),
        };
        let trace = TraceId::new(&[7; 16]).expect("not zero");
        let keys = [
            PartitionKey::Session(scoped(None, "s")),
            PartitionKey::Session(scoped(Some("acme"), "s")),
            PartitionKey::User(scoped(Some("s"), "s")),
            PartitionKey::Trace(trace),
            PartitionKey::TenantTrace("acme".into(), trace),
        ];
        let found = keys.map(|key| key.partition(1000));
        assert_eq!(found, [676, 798, 36, 109, 599]);
    }
}
