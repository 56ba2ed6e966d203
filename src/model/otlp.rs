//! Spans and log records as received: views over the request, borrowed where the encoding allows it.

use super::ids::{SpanId, TraceId};
use super::reject::RejectReason;
use super::sampling::Threshold;
use super::time::Timestamp;
use std::borrow::Cow;

/// One export request, decoded. What could not be decoded is in `rejects`, one entry an item.
#[derive(Debug, Default)]
pub struct Batch<'a> {
    pub groups: Vec<Group<'a>>,
    pub rejects: Vec<RejectReason>,
}

/// The spans and log records of one resource and one instrumentation scope.
#[derive(Debug, Default)]
pub struct Group<'a> {
    pub resource: Attributes<'a>,
    pub scope: Scope<'a>,
    pub spans: Vec<Span<'a>>,
    pub logs: Vec<LogRecord<'a>>,
}

/// The instrumentation library that made the spans.
#[derive(Clone, Debug, Default)]
pub struct Scope<'a> {
    pub name: Cow<'a, str>,
    pub version: Cow<'a, str>,
}

/// One finished span.
#[derive(Debug)]
pub struct Span<'a> {
    pub trace: TraceId,
    pub id: SpanId,
    pub parent: Option<SpanId>,
    /// How its sender sampled, where it says so.
    pub threshold: Option<Threshold>,
    pub name: Cow<'a, str>,
    pub start: Timestamp,
    pub end: Timestamp,
    pub status: Status,
    /// Free text beside an error status; empty when there is none.
    pub status_message: Cow<'a, str>,
    pub attributes: Attributes<'a>,
    pub events: Vec<SpanEvent<'a>>,
    pub links: Vec<Link>,
}

/// The status code of a span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Status {
    #[default]
    Unset,
    Ok,
    Error,
}

/// A timed annotation of a span.
#[derive(Debug)]
pub struct SpanEvent<'a> {
    pub name: Cow<'a, str>,
    pub time: Timestamp,
    pub attributes: Attributes<'a>,
}

/// A causal link to another span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    pub trace: TraceId,
    pub span: SpanId,
}

/// One log record. Trace and span ids are optional in OTLP logs.
#[derive(Debug)]
pub struct LogRecord<'a> {
    /// `event_name`, or the attribute `event.name` of older SDKs; empty when it is not an event.
    pub event_name: Cow<'a, str>,
    pub time: Timestamp,
    pub trace: Option<TraceId>,
    pub span: Option<SpanId>,
    pub body: Value<'a>,
    pub attributes: Attributes<'a>,
}

/// An attribute value.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value<'a> {
    #[default]
    Empty,
    Str(Cow<'a, str>),
    Bool(bool),
    Int(i64),
    Double(f64),
    Bytes(Cow<'a, [u8]>),
    Array(Vec<Value<'a>>),
    /// Apart, since it is rare and large.
    Map(Box<Attributes<'a>>),
}

impl<'a> Value<'a> {
    /// The text of a string value.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }

    /// A number, also where the emitter wrote it as a string.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Int(number) => Some(*number as f64),
            Self::Double(number) => Some(*number),
            Self::Str(text) => text.trim().parse().ok(),
            _ => None,
        }
        .filter(|number| number.is_finite())
    }

    /// A count: whole, not negative, also where the emitter wrote it as a double or a string.
    pub fn as_count(&self) -> Option<u64> {
        match self {
            Self::Int(number) => u64::try_from(*number).ok(),
            _ => self
                .as_f64()
                .filter(|n| *n >= 0.0 && *n < 9e15)
                .map(|n| n as u64),
        }
    }

    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(flag) => Some(*flag),
            Self::Str(text) => text.parse().ok(),
            _ => None,
        }
    }
}

/// Attributes in the order of the request. The first of two equal keys wins.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attributes<'a> {
    pairs: Vec<(Cow<'a, str>, Value<'a>)>,
    /// The number, from 1, of the first pair whose key falls on a place: most keys that are asked for are not there, and this
    /// says so at once.
    firsts: Firsts,
}

/// A number that does not fit is the greatest one: the pair is at its place or after it.
#[derive(Clone, Debug, PartialEq)]
struct Firsts([u8; 256]);

impl Default for Firsts {
    fn default() -> Self {
        Self([0; 256])
    }
}

impl<'a> FromIterator<(Cow<'a, str>, Value<'a>)> for Attributes<'a> {
    fn from_iter<I: IntoIterator<Item = (Cow<'a, str>, Value<'a>)>>(pairs: I) -> Self {
        let mut attributes = Self::default();
        for (key, value) in pairs {
            attributes.push(key, value);
        }
        attributes
    }
}

/// The place of a key: by its length and some of its letters.
#[inline]
fn place(key: &str) -> usize {
    let bytes = key.as_bytes();
    let letter = |at: usize| bytes.get(at).copied().unwrap_or_default();
    let (middle, end) = (letter(bytes.len() / 2), letter(bytes.len().wrapping_sub(1)));
    let near = letter(bytes.len().wrapping_sub(4));
    let mixed = (bytes.len() as u32)
        .wrapping_mul(0x9E37_79B1)
        .wrapping_add(u32::from(middle).wrapping_mul(0x85EB_CA6B))
        .wrapping_add(u32::from(near).wrapping_mul(0xC2B2_AE35))
        .wrapping_add(u32::from(end).wrapping_mul(0x27D4_EB2F));
    (mixed >> 24) as usize
}

impl<'a> Attributes<'a> {
    /// None, with room for so many.
    pub fn with_capacity(pairs: usize) -> Self {
        Self {
            pairs: Vec::with_capacity(pairs),
            firsts: Firsts::default(),
        }
    }

    pub fn push(&mut self, key: Cow<'a, str>, value: Value<'a>) {
        let first = &mut self.firsts.0[place(&key)];
        self.pairs.push((key, value));
        if *first == 0 {
            *first = u8::try_from(self.pairs.len()).unwrap_or(u8::MAX);
        }
    }

    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    #[inline]
    pub fn get(&self, key: &str) -> Option<&Value<'a>> {
        match self.firsts.0[place(key)] {
            0 => None,
            first => self.find(usize::from(first) - 1, key),
        }
    }

    fn find(&self, from: usize, key: &str) -> Option<&Value<'a>> {
        let found = self.pairs[from..].iter().find(|(name, _)| name == key);
        found.map(|(_, value)| value)
    }

    /// The text under `key`, when there is some.
    #[inline]
    pub fn str(&self, key: &str) -> Option<&str> {
        self.get(key)?.as_str().filter(|text| !text.is_empty())
    }

    /// The first of `keys` that has text.
    pub fn first_str(&self, keys: &[&str]) -> Option<&str> {
        keys.iter().find_map(|key| self.str(key))
    }

    pub fn f64(&self, key: &str) -> Option<f64> {
        self.get(key)?.as_f64()
    }

    pub fn count(&self, key: &str) -> Option<u64> {
        self.get(key)?.as_count()
    }

    /// The first of `keys` that has a count.
    pub fn first_count(&self, keys: &[&str]) -> Option<u64> {
        keys.iter().find_map(|key| self.count(key))
    }

    pub fn bool(&self, key: &str) -> Option<bool> {
        self.get(key)?.as_bool()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value<'a>)> {
        self.pairs.iter().map(|(key, value)| (key.as_ref(), value))
    }
}
