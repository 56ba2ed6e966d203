//! Views of spans and log records: they borrow names, texts and values from the request.

use super::attribute_key::AttributeKey;
use crate::model::hash::hash;
use crate::model::ids::{Link, SpanId, TraceId};
use crate::model::sampling::Threshold;
use crate::model::time::Timestamp;

/// A batch of spans or log records with one resource and one instrumentation scope. A scope with many items gives several batches.
#[derive(Debug, Default)]
pub struct ScopeBatch<'a> {
    pub resource: Attributes<'a>,
    pub scope: Scope<'a>,
    pub spans: RecycledVec<Span<'a>>,
    pub logs: RecycledVec<LogRecord<'a>>,
}

/// A vector that keeps cleared items and hands them out again, so that the allocations inside them are reused.
#[derive(Debug)]
pub struct RecycledVec<T> {
    /// The items, then those that were cleared.
    made: Vec<T>,
    /// How many are items.
    length: usize,
}

impl<T> Default for RecycledVec<T> {
    fn default() -> Self {
        Self {
            made: Vec::new(),
            length: 0,
        }
    }
}

impl<T> From<Vec<T>> for RecycledVec<T> {
    fn from(made: Vec<T>) -> Self {
        let length = made.len();
        Self { made, length }
    }
}

impl<T> FromIterator<T> for RecycledVec<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self::from(Vec::from_iter(items))
    }
}

impl<T> std::ops::Deref for RecycledVec<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.made[..self.length]
    }
}

impl<T> RecycledVec<T> {
    /// Appends an item to be filled: a cleared one, which still holds what it held, or a new one.
    pub fn another(&mut self, new: impl FnOnce() -> T) -> &mut T {
        if self.length == self.made.len() {
            self.made.push(new());
        }
        self.length += 1;
        &mut self.made[self.length - 1]
    }

    /// Appends an item.
    pub fn push(&mut self, item: T) {
        self.made.truncate(self.length);
        self.made.push(item);
        self.length += 1;
    }

    /// Removes the last item and keeps it for reuse.
    pub fn take_back(&mut self) {
        self.length = self.length.saturating_sub(1);
    }

    /// Removes all items and keeps them for reuse.
    pub fn clear(&mut self) {
        self.length = 0;
    }
}

/// The instrumentation library that made the spans.
#[derive(Clone, Debug, Default)]
pub struct Scope<'a> {
    pub name: &'a str,
    pub version: &'a str,
}

/// One finished span.
#[derive(Debug)]
pub struct Span<'a> {
    pub trace: TraceId,
    pub id: SpanId,
    pub parent: Option<SpanId>,
    /// How its sender sampled, where it says so.
    pub threshold: Option<Threshold>,
    pub caller: Caller,
    pub name: &'a str,
    pub start: Timestamp,
    pub end: Timestamp,
    pub status: Status,
    /// Free text beside an error status; empty when there is none.
    pub status_message: &'a str,
    pub attributes: Attributes<'a>,
    pub events: Vec<SpanEvent<'a>>,
    pub links: Vec<Link>,
}

/// What a span says of who made it begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// Whether its parent is a span of another process; `None`: the flags of the span do not say.
    pub is_remote: Option<bool>,
    /// It serves a request or takes a message: its kind is server or consumer.
    pub is_request: bool,
}

impl Caller {
    /// The flags that say whether the parent is remote, and that it is.
    const HAS_IS_REMOTE: u64 = 0x100;
    const IS_REMOTE: u64 = 0x200;

    /// By the flags and the kind of a span, as OTLP numbers them.
    pub(super) fn of(flags: u64, kind: u64) -> Self {
        let known = flags & Self::HAS_IS_REMOTE != 0;
        Self {
            is_remote: known.then_some(flags & Self::IS_REMOTE != 0),
            is_request: matches!(kind, 2 | 5),
        }
    }

    /// Whether the parent is known to be a span of another process. Where no flag says so, a request came from one.
    pub fn is_elsewhere(self) -> bool {
        self.is_remote.unwrap_or(self.is_request)
    }
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
    pub name: &'a str,
    pub time: Timestamp,
    pub attributes: Attributes<'a>,
}

/// One log record. Trace and span ids are optional in OTLP logs.
#[derive(Debug)]
pub struct LogRecord<'a> {
    /// `event_name`, or the attribute `event.name` of older SDKs; empty when it is not an event.
    pub event_name: &'a str,
    pub time: Timestamp,
    pub trace: Option<TraceId>,
    pub span: Option<SpanId>,
    pub body: Value<'a>,
    pub attributes: Attributes<'a>,
}

/// An attribute value.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value<'a> {
    /// Nothing, or bytes: no dialect reads these.
    #[default]
    Empty,
    Str(&'a str),
    Bool(bool),
    Int(i64),
    Double(f64),
    Array(Vec<Value<'a>>),
    /// Apart, since it is rare and large.
    Map(Box<Attributes<'a>>),
}

impl<'a> Value<'a> {
    /// The text of a string value.
    pub fn as_str(&self) -> Option<&'a str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The text of a string value that is not empty.
    pub fn as_text(&self) -> Option<&'a str> {
        self.as_str().filter(|text| !text.is_empty())
    }

    /// Whether it says nothing: it is not there, or an empty text.
    pub fn is_blank(&self) -> bool {
        matches!(self, Self::Empty | Self::Str(""))
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

/// Attributes in the order of the request. The first of two equal names wins.
#[derive(Clone, Debug)]
pub struct Attributes<'a> {
    pairs: Vec<Pair<'a>>,
    /// By the numbers of the keys, the place of the first pair of each, from 1; 0: it is not there, or behind so many.
    places: [u8; AttributeKey::COUNT],
}

/// One attribute.
#[derive(Clone, Debug)]
pub struct Pair<'a> {
    pub name: &'a str,
    /// Its key, or the hash of a name that has none.
    pub key: Result<AttributeKey, u32>,
    pub value: Value<'a>,
}

impl PartialEq for Pair<'_> {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        let same_name = self.key == other.key && (self.key.is_ok() || self.name == other.name);
        same_name && self.value == other.value
    }
}

impl Default for Attributes<'_> {
    fn default() -> Self {
        Self::with_capacity(0)
    }
}

impl PartialEq for Attributes<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<'a> FromIterator<(&'a str, Value<'a>)> for Attributes<'a> {
    fn from_iter<I: IntoIterator<Item = (&'a str, Value<'a>)>>(pairs: I) -> Self {
        let mut attributes = Self::default();
        for (name, value) in pairs {
            attributes.push(name, value);
        }
        attributes
    }
}

/// Pairs after so many are looked through one by one.
const PLACED: usize = u8::MAX as usize;

impl<'a> Attributes<'a> {
    /// None, with room for so many.
    pub fn with_capacity(pairs: usize) -> Self {
        Self {
            pairs: Vec::with_capacity(pairs),
            places: [0; AttributeKey::COUNT],
        }
    }

    pub fn push(&mut self, name: &'a str, value: Value<'a>) {
        let hash = hash(name.as_bytes());
        match AttributeKey::find(hash, name.as_bytes()) {
            Some(key) => self.push_known(key, value),
            None => self.push_other(hash, name, value),
        }
    }

    /// As [`Self::push`], of a name whose key is known.
    #[inline]
    pub fn push_known(&mut self, key: AttributeKey, value: Value<'a>) {
        self.pairs.push(Pair {
            name: key.name(),
            key: Ok(key),
            value,
        });
        let place = &mut self.places[key.number()];
        if *place == 0 && self.pairs.len() <= PLACED {
            *place = self.pairs.len() as u8;
        }
    }

    /// As [`Self::push`], of a name of this hash that has no key.
    #[inline]
    pub fn push_other(&mut self, hash: u32, name: &'a str, value: Value<'a>) {
        let key = Err(hash);
        self.pairs.push(Pair { name, key, value });
    }

    /// Forgets all, but keeps the room.
    pub fn clear(&mut self) {
        self.pairs.clear();
        self.places = [0; AttributeKey::COUNT];
    }

    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    #[inline]
    pub fn get(&self, key: AttributeKey) -> Option<&Value<'a>> {
        match self.places[key.number()] {
            0 if self.pairs.len() <= PLACED => None,
            0 => self.behind(key),
            place => Some(&self.pairs[usize::from(place) - 1].value),
        }
    }

    #[cold]
    fn behind(&self, key: AttributeKey) -> Option<&Value<'a>> {
        let mut behind = self.pairs.iter().skip(PLACED);
        let pair = behind.find(|pair| pair.key == Ok(key))?;
        Some(&pair.value)
    }

    /// What stands under a name that became known when Baton ran.
    pub fn named(&self, name: &str) -> Option<&Value<'a>> {
        match AttributeKey::of(name) {
            Some(key) => self.get(key),
            None => {
                let mut others = self.pairs.iter();
                let pair = others.find(|pair| pair.key.is_err() && pair.name == name)?;
                Some(&pair.value)
            }
        }
    }

    /// The text under `key`, when there is some.
    #[inline]
    pub fn str(&self, key: AttributeKey) -> Option<&'a str> {
        self.get(key)?.as_text()
    }

    /// The first of `keys` that has text.
    pub fn first_str(&self, keys: &[AttributeKey]) -> Option<&'a str> {
        keys.iter().find_map(|key| self.str(*key))
    }

    pub fn f64(&self, key: AttributeKey) -> Option<f64> {
        self.get(key)?.as_f64()
    }

    pub fn count(&self, key: AttributeKey) -> Option<u64> {
        self.get(key)?.as_count()
    }

    /// The first of `keys` that has a count.
    pub fn first_count(&self, keys: &[AttributeKey]) -> Option<u64> {
        keys.iter().find_map(|key| self.count(*key))
    }

    pub fn bool(&self, key: AttributeKey) -> Option<bool> {
        self.get(key)?.as_bool()
    }

    /// All of them.
    pub fn pairs(&self) -> &[Pair<'a>] {
        &self.pairs
    }

    /// Those whose names have no key: of such names a part is known, or they are the operator's.
    pub fn others(&self) -> impl Iterator<Item = (&'a str, &Value<'a>)> {
        let others = self.pairs.iter().filter(|pair| pair.key.is_err());
        others.map(|pair| (pair.name, &pair.value))
    }

    /// As [`Self::pairs`], names and values only.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &Value<'a>)> {
        let pairs = self.pairs.iter();
        pairs.map(|pair| (pair.name, &pair.value))
    }
}

/// Receives the items of a request, a batch at a time: a request decoded as a whole would not stay in the CPU caches.
pub trait SpanSink {
    /// Whether an attribute is asked for whose name, of this [`hash`], has no [`AttributeKey`]. What is not asked for is passed over
    /// unread.
    fn asks(&self, hash: u32, name: &[u8]) -> bool;

    /// Receives the next batch. It is filled anew after this returns.
    fn add(&mut self, batch: &ScopeBatch<'_>);
}

/// A function as a sink asks for all attributes.
impl<F: FnMut(&ScopeBatch<'_>)> SpanSink for F {
    fn asks(&self, _: u32, _: &[u8]) -> bool {
        true
    }

    fn add(&mut self, batch: &ScopeBatch<'_>) {
        self(batch);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// However many there are, known or not: the first of equal keys is found, and no other.
        #[test]
        fn the_first_of_equal_keys_is_found(
            names in prop::collection::vec("[a-c]{0,2}|gen_ai\\.usage\\.(in|out)put_tokens[0-9]{0,2}|user\\.id", 0..40),
            before in prop_oneof![Just(0), 240..300_usize],
        ) {
            let fill = (0..before).map(|i| format!("fill.{i}"));
            let names: Vec<String> = fill.chain(names).collect();
            let pairs = names.iter().zip(0..).map(|(name, i)| (name.as_str(), Value::Int(i)));
            let attributes: Attributes<'_> = pairs.collect();
            for name in names.iter().map(String::as_str).chain(["a", "fill", "gen_ai.usage.input_tokens99"]) {
                let first = names.iter().position(|n| n == name);
                let expected = first.map(|i| Value::Int(i as i64));
                prop_assert_eq!(attributes.named(name), expected.as_ref());
            }
        }
    }
}
