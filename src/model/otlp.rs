//! Spans and log records as received: views over the request, borrowed where the encoding allows it.

use super::ids::{SpanId, TraceId};
use super::key::Key;
use super::sampling::Threshold;
use super::time::Timestamp;
use std::borrow::Cow;

/// Spans and log records of one resource and one instrumentation scope: all that a request has, or a piece of them.
#[derive(Debug, Default)]
pub struct Group<'a> {
    pub resource: Attributes<'a>,
    pub scope: Scope<'a>,
    pub spans: Reused<Span<'a>>,
    pub logs: Reused<LogRecord<'a>>,
}

/// A list whose items are not dropped when they are done with, but filled anew: their lists and texts keep their room.
#[derive(Debug)]
pub struct Reused<T> {
    made: Vec<T>,
    length: usize,
}

impl<T> Default for Reused<T> {
    fn default() -> Self {
        Self {
            made: Vec::new(),
            length: 0,
        }
    }
}

impl<T> From<Vec<T>> for Reused<T> {
    fn from(made: Vec<T>) -> Self {
        let length = made.len();
        Self { made, length }
    }
}

impl<T> FromIterator<T> for Reused<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self::from(Vec::from_iter(items))
    }
}

impl<T> std::ops::Deref for Reused<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.made[..self.length]
    }
}

impl<T> Reused<T> {
    /// Another item at the end: a new one, or one that was done with and holds what it held.
    pub fn another(&mut self, new: impl FnOnce() -> T) -> &mut T {
        if self.length == self.made.len() {
            self.made.push(new());
        }
        self.length += 1;
        &mut self.made[self.length - 1]
    }

    /// This item at the end.
    pub fn push(&mut self, item: T) {
        self.made.truncate(self.length);
        self.made.push(item);
        self.length += 1;
    }

    /// Takes the last item back.
    pub fn take_back(&mut self) {
        self.length = self.length.saturating_sub(1);
    }

    /// All items are done with.
    pub fn clear(&mut self) {
        self.length = 0;
    }
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
#[derive(Clone, Debug, Default)]
pub struct Attributes<'a> {
    pairs: Vec<Pair<'a>>,
    /// The number, from 1, of the first pair of those whose hash ends alike.
    firsts: Firsts,
}

#[derive(Clone, Debug)]
struct Pair<'a> {
    key: Cow<'a, str>,
    value: Value<'a>,
    hash: u32,
    /// The number of the next pair whose hash ends alike; 0: there is none.
    next: u8,
}

impl Pair<'_> {
    fn key(&self) -> Key<'_> {
        Key {
            name: &self.key,
            hash: self.hash,
        }
    }
}

#[derive(Clone, Debug)]
struct Firsts([u8; 256]);

impl Default for Firsts {
    fn default() -> Self {
        Self([0; 256])
    }
}

impl Firsts {
    #[inline(always)]
    fn of(&self, hash: u32) -> u8 {
        self.0[(hash & 0xff) as usize]
    }
}

impl PartialEq for Attributes<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
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

/// Pairs after so many are looked through one by one.
const NUMBERED: usize = u8::MAX as usize;

impl<'a> Attributes<'a> {
    /// None, with room for so many.
    pub fn with_capacity(pairs: usize) -> Self {
        Self {
            pairs: Vec::with_capacity(pairs),
            firsts: Firsts::default(),
        }
    }

    #[inline]
    pub fn push(&mut self, key: Cow<'a, str>, value: Value<'a>) {
        let hash = Key::new(&key).hash;
        self.pairs.push(Pair {
            key,
            value,
            hash,
            next: 0,
        });
        if self.pairs.len() <= NUMBERED {
            self.link(hash, self.pairs.len() as u8);
        }
    }

    /// Puts a pair after those whose hash ends alike.
    #[inline]
    fn link(&mut self, hash: u32, number: u8) {
        let mut last = &mut self.firsts.0[(hash & 0xff) as usize];
        while let Some(before) = usize::from(*last).checked_sub(1) {
            last = &mut self.pairs[before].next;
        }
        *last = number;
    }

    /// Forgets all, but keeps the room.
    pub fn clear(&mut self) {
        self.pairs.clear();
        self.firsts = Firsts::default();
    }

    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    #[inline(always)]
    pub fn get<'k>(&self, key: impl Into<Key<'k>>) -> Option<&Value<'a>> {
        let key = key.into();
        match self.firsts.of(key.hash) {
            0 if self.pairs.len() <= NUMBERED => None,
            first => self.find(first, key),
        }
    }

    #[inline(never)]
    fn find(&self, first: u8, key: Key<'_>) -> Option<&Value<'a>> {
        let is = |pair: &&Pair<'_>| pair.hash == key.hash && pair.key == key.name;
        let mut number = first;
        while let Some(place) = usize::from(number).checked_sub(1) {
            let pair = &self.pairs[place];
            if is(&pair) {
                return Some(&pair.value);
            }
            number = pair.next;
        }
        let rest = self.pairs.iter().skip(NUMBERED);
        rest.clone().find(is).map(|pair| &pair.value)
    }

    /// The text under `key`, when there is some.
    #[inline(always)]
    pub fn str<'k>(&self, key: impl Into<Key<'k>>) -> Option<&str> {
        self.get(key)?.as_str().filter(|text| !text.is_empty())
    }

    /// The first of `keys` that has text.
    pub fn first_str(&self, keys: &[Key<'_>]) -> Option<&str> {
        keys.iter().find_map(|key| self.str(key))
    }

    #[inline(always)]
    pub fn f64<'k>(&self, key: impl Into<Key<'k>>) -> Option<f64> {
        self.get(key)?.as_f64()
    }

    #[inline(always)]
    pub fn count<'k>(&self, key: impl Into<Key<'k>>) -> Option<u64> {
        self.get(key)?.as_count()
    }

    /// The first of `keys` that has a count.
    pub fn first_count(&self, keys: &[Key<'_>]) -> Option<u64> {
        keys.iter().find_map(|key| self.count(key))
    }

    pub fn bool<'k>(&self, key: impl Into<Key<'k>>) -> Option<bool> {
        self.get(key)?.as_bool()
    }

    /// As [`Self::iter`], with the hashes of the names.
    pub fn keys(&self) -> impl Iterator<Item = (Key<'_>, &Value<'a>)> {
        let pairs = self.pairs.iter();
        pairs.map(|pair| (pair.key(), &pair.value))
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value<'a>)> {
        let pairs = self.pairs.iter();
        pairs.map(|pair| (pair.key.as_ref(), &pair.value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// However many there are and however their hashes fall: the first of equal keys is found, and no other.
        #[test]
        fn the_first_of_equal_keys_is_found(
            names in prop::collection::vec("[a-c]{0,2}|gen_ai\\.usage\\.(in|out)put_tokens[0-9]{0,2}", 0..40),
            before in prop_oneof![Just(0), 240..300_usize],
        ) {
            let fill = (0..before).map(|i| format!("fill.{i}"));
            let names: Vec<String> = fill.chain(names).collect();
            let pairs = names.iter().zip(0..).map(|(name, i)| (name.as_str().into(), Value::Int(i)));
            let attributes: Attributes<'_> = pairs.collect();
            for name in names.iter().map(String::as_str).chain(["a", "fill", "gen_ai.usage.input_tokens99"]) {
                let first = names.iter().position(|n| n == name);
                let expected = first.map(|i| Value::Int(i as i64));
                prop_assert_eq!(attributes.get(name), expected.as_ref());
            }
        }
    }
}
