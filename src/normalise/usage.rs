//! Tokens and first-token times, counted as OpenTelemetry specifies.

use super::{SpanReader, json, python, response, topics};
use crate::model::event::Usage;
use crate::otlp::attribute_key::{AttributeKey, AttributeKeys};
use crate::otlp::view::Value as Attribute;
use serde_json::Value;

/// The tokens of a call, `None` where the span says nothing of them.
pub(super) fn of(source: &SpanReader<'_>) -> Option<Usage> {
    let count = |keys: AttributeKeys| source.attributes().first_count(keys);
    let declared = ToldCounts {
        input: count(topics::INPUT_TOKENS),
        output: count(topics::OUTPUT_TOKENS),
        cache_read: count(topics::CACHE_READ_TOKENS),
        cache_write: count(topics::CACHE_WRITE_TOKENS),
        reasoning: count(topics::REASONING_TOKENS),
        total: count(topics::TOTAL_TOKENS),
        ..ToldCounts::default()
    };
    let raw = (!declared.is_complete()).then(|| raw(source)).flatten();
    match (declared.is_known(), raw) {
        (true, Some(raw)) => known(declared.filled(&raw)),
        (true, None) => known(declared.settled()),
        (false, raw) => known(raw?.settled()),
    }
}

/// What tells something: zeros are published where the tokens are not known (C-12).
pub(super) fn known(usage: Usage) -> Option<Usage> {
    (usage.input > 0 || usage.output > 0).then_some(usage)
}

/// The first usage object that stands in an attribute of its own, else in a response.
fn raw(source: &SpanReader<'_>) -> Option<ToldCounts> {
    let mut objects = topics::RAW_USAGE
        .iter()
        .filter_map(|key| object(source.attributes().get(*key)?));
    let mut responses = topics::RESPONSE.iter().filter_map(|key: &AttributeKey| {
        let response = source.attributes().get(*key)?;
        response::usage(response, ToldCounts::of_json)
    });
    objects
        .find_map(|object| ToldCounts::of_json(&object))
        .or_else(|| responses.next())
}

/// The object in an attribute; LiteLLM and others print objects of Python.
fn object(value: &Attribute<'_>) -> Option<Value> {
    match value {
        Attribute::Str(text) => json::parse(text).or_else(|| python::parse_any(text)),
        value => json::of_attribute(value),
    }
}

/// A usage object as the providers' wires and SDKs write it, parts nested or not.
pub(super) fn of_json(usage: &Value) -> Option<Usage> {
    known(ToldCounts::of_json(usage)?.settled())
}

/// The same, of buckets that exclude each other where no total says that they do not.
pub(super) fn of_buckets(usage: &Value) -> Option<Usage> {
    let mut counts = ToldCounts::of_json(usage)?;
    (counts.cache_is_beside, counts.reasoning_is_beside) = (true, true);
    known(counts.settled())
}

/// ToldCounts as they are told.
#[derive(Clone, Copy, Debug, Default)]
struct ToldCounts {
    input: Option<u64>,
    output: Option<u64>,
    cache_read: Option<u64>,
    cache_write: Option<u64>,
    reasoning: Option<u64>,
    total: Option<u64>,
    /// The input does not include what was read from a cache or written to it, unless the total says so.
    cache_is_beside: bool,
    /// The output does not include reasoning, unless the total says so.
    reasoning_is_beside: bool,
}

/// Whose details an object inside a usage object has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Whole,
    Input,
    Output,
}

impl ToldCounts {
    fn is_known(&self) -> bool {
        self.input.is_some() || self.output.is_some()
    }

    /// Nothing is left that another source could tell.
    fn is_complete(&self) -> bool {
        self.input.is_some()
            && self.output.is_some()
            && self.cache_read.is_some()
            && (self.reasoning == Some(0) || self.reasoning.is_some() && self.total.is_some())
    }

    fn of_json(usage: &Value) -> Option<Self> {
        let mut counts = Self::default();
        counts.read(usage, Side::Whole);
        counts.is_known().then_some(counts)
    }

    /// Names differ in case and underscores: `promptTokenCount`, `prompt_token_count`.
    fn read(&mut self, object: &Value, side: Side) {
        let mut plain_input = false;
        let mut beside_by_name = false;
        for (name, value) in object.as_object().into_iter().flatten() {
            let name = plain(name);
            if let Some(count) = count(value) {
                beside_by_name |= matches!(
                    name.as_str(),
                    "cachereadinputtokens" | "cachecreationinputtokens"
                );
                plain_input |= name == "inputtokens";
                self.put(&name, count, side);
            } else if value.is_object() {
                match inside(&name) {
                    Some(inner) if side == Side::Whole => self.read(value, inner),
                    _ => {}
                }
            }
        }
        // These names are those of Anthropic's wire, whose input leaves cached tokens out.
        self.cache_is_beside |= side == Side::Whole && plain_input && beside_by_name;
    }

    fn put(&mut self, name: &str, count: u64, side: Side) {
        let place = match (name, side) {
            ("total" | "totaltokens" | "totaltokencount", Side::Whole) => &mut self.total,
            ("total", Side::Input) => &mut self.input,
            ("total", Side::Output) => &mut self.output,
            (
                "input" | "inputtokens" | "prompttokens" | "prompttokencount" | "inputtokencount",
                Side::Whole,
            ) => &mut self.input,
            ("tooluseprompttokencount", Side::Whole) => {
                self.input = Some(self.input.unwrap_or(0).saturating_add(count));
                return;
            }
            (
                "output"
                | "outputtokens"
                | "completiontokens"
                | "candidatestokencount"
                | "responsetokencount"
                | "outputtokencount",
                Side::Whole,
            ) => &mut self.output,
            ("thoughtstokencount" | "thoughtstokens", _) => {
                self.reasoning_is_beside = true;
                &mut self.reasoning
            }
            _ if CACHE_READ.contains(&name) && side != Side::Output => &mut self.cache_read,
            _ if CACHE_WRITE.contains(&name) && side != Side::Output => &mut self.cache_write,
            _ if REASONING.contains(&name) && side != Side::Input => &mut self.reasoning,
            _ => return,
        };
        place.get_or_insert(count);
    }

    /// With the parts that only another source of the same call has.
    fn filled(self, raw: &Self) -> Usage {
        let other = raw.settled();
        // What the object says of the same counts, it knows better: what they include.
        let same = |own: Option<u64>, theirs: Option<u64>| own.is_none() || own == theirs;
        if same(self.input, raw.input) && same(self.output, raw.output) && self.total.is_none() {
            let whole = Self {
                input: raw.input,
                output: raw.output,
                cache_read: self.cache_read.or(raw.cache_read),
                cache_write: self.cache_write.or(raw.cache_write),
                reasoning: self.reasoning.or(raw.reasoning),
                ..*raw
            };
            return whole.settled();
        }
        Self {
            input: self.input.or(Some(other.input)),
            output: self.output.or(Some(other.output)),
            cache_read: self.cache_read.or(raw.cache_read),
            cache_write: self.cache_write.or(raw.cache_write),
            reasoning: self.reasoning.or(raw.reasoning),
            ..self
        }
        .settled()
    }

    /// In the counting of OpenTelemetry. The total shows which parts stand beside the whole (C-13).
    fn settled(&self) -> Usage {
        let rest = |side: Option<u64>| self.total.and_then(|total| total.checked_sub(side?));
        let mut usage = Usage {
            input: self.input.or_else(|| rest(self.output)).unwrap_or(0),
            output: self.output.or_else(|| rest(self.input)).unwrap_or(0),
            cache_read: self.cache_read,
            cache_write: self.cache_write,
            reasoning: self.reasoning,
        };
        let (cached, reasoning) = (cached(&usage), usage.reasoning.unwrap_or(0));
        let sides = usage.input.saturating_add(usage.output);
        let is_total = |parts: u64| self.total == Some(sides.saturating_add(parts));
        let (cache_is_beside, reasoning_is_beside) = if is_total(0) {
            (false, false)
        } else if is_total(cached.saturating_add(reasoning)) {
            (true, true)
        } else if is_total(reasoning) {
            (false, true)
        } else if is_total(cached) {
            (true, false)
        } else {
            (self.cache_is_beside, self.reasoning_is_beside)
        };
        if cache_is_beside {
            usage.input = usage.input.saturating_add(cached);
        }
        if reasoning_is_beside {
            usage.output = usage.output.saturating_add(reasoning);
        }
        inclusive(usage)
    }
}

const CACHE_READ: &[&str] = &[
    "cachedtokens",
    "cacheread",
    "cachereadtokens",
    "cachereadinputtokens",
    "cachereadinputtokencount",
    "cachedinputtokens",
    "cachedprompttokens",
    "cachedcontenttokencount",
    "cachedcontenttokens",
    "cacheinputtokens",
    "inputcachedtokens",
    "inputcacheread",
    "inputcachereadtokens",
    "prompttokenscached",
    "promptcachedtokens",
    "promptcachehittokens",
];
const CACHE_WRITE: &[&str] = &[
    "cachewritetokens",
    "cachewrite",
    "cachewriteinputtokens",
    "cachewriteinputtokencount",
    "cachecreation",
    "cachecreationtokens",
    "cachecreationinputtokens",
    "cachedcreationtokens",
    "inputcachecreation",
    "inputcachewrite",
];
const REASONING: &[&str] = &[
    "reasoning",
    "reasoningtokens",
    "reasoningoutputtokens",
    "outputreasoning",
    "outputreasoningtokens",
    "thinkingtokens",
];

/// Whose details stand in an object of that name.
fn inside(name: &str) -> Option<Side> {
    match name {
        "inputtokensdetails"
        | "inputtokendetails"
        | "prompttokensdetails"
        | "prompttokendetails"
        | "inputtokens"
        | "input" => Some(Side::Input),
        "outputtokensdetails"
        | "outputtokendetails"
        | "completiontokensdetails"
        | "completiontokendetails"
        | "outputtokens"
        | "output" => Some(Side::Output),
        "details" => Some(Side::Whole),
        _ => None,
    }
}

/// A count, also where it was written as a text.
fn count(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64().or_else(|| {
            let whole = number.as_f64().filter(|n| *n >= 0.0 && *n < 9e15)?;
            Some(whole as u64)
        }),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// The letters of a name, in lower case.
fn plain(name: &str) -> String {
    let letters = name.chars().filter(char::is_ascii_alphanumeric);
    letters.map(|c| c.to_ascii_lowercase()).collect()
}

/// Tokens in the counting of OpenTelemetry: the parts inside the whole.
pub(super) fn inclusive(mut usage: Usage) -> Usage {
    // The wire of Anthropic leaves cached tokens out of the input, and that of Gemini thoughts out of the output; some
    // instrumentations pass it on as it is. A part that is more than the whole shows that.
    let cached = cached(&usage);
    if cached > usage.input {
        usage.input = usage.input.saturating_add(cached);
    }
    let reasoning = usage.reasoning.unwrap_or(0);
    if reasoning > usage.output {
        usage.output = usage.output.saturating_add(reasoning);
    }
    usage
}

/// Tokens read from a cache or written to it.
pub(super) fn cached(usage: &Usage) -> u64 {
    let (read, written) = (usage.cache_read, usage.cache_write);
    read.unwrap_or(0).saturating_add(written.unwrap_or(0))
}

/// Seconds to the first token, under the names that mean seconds everywhere.
pub(super) fn first_token_seconds(source: &SpanReader<'_>) -> Option<f64> {
    let mut declared = topics::FIRST_TOKEN_SECONDS.iter();
    declared
        .find_map(|key| source.attributes().f64(*key))
        .filter(|seconds| *seconds >= 0.0)
}
