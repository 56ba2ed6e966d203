//! Identities of OpenTelemetry and of Baton.

use super::Name;
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
}

/// A causal link to another span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    pub trace: TraceId,
    pub span: SpanId,
}
