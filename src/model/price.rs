//! Prices of models and actions, and the cost of a call.

use super::event::Usage;
use super::hash::hash;
use super::memo::Memo;
use super::time::Timestamp;
use rapidhash::RapidHashMap as HashMap;
use smallvec::SmallVec;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// The price catalogue. Lookups are by provider, model and date.
#[derive(Clone, Default)]
pub struct PriceBook {
    prices: Vec<Price>,
    /// Places in `prices` of the names without `*`, and of the others.
    exact: HashMap<String, Vec<usize>>,
    wild: Vec<(usize, Pattern)>,
    /// Places of the prices of a model at a provider, the best first.
    known: Memo<Box<[usize]>>,
}

impl PartialEq for PriceBook {
    /// The rest follows from the prices.
    fn eq(&self, other: &Self) -> bool {
        self.prices == other.prices
    }
}

/// A model's name with `*`.
#[derive(Clone, Debug, PartialEq)]
struct Pattern {
    /// What stands between its `*`.
    parts: Vec<String>,
    /// The letters of all parts: a name that lacks one needs no closer look.
    letters: u128,
}

impl Pattern {
    fn new(model: &str) -> Self {
        Self {
            parts: model.split('*').map(str::to_owned).collect(),
            letters: letters(&model.replace('*', "")),
        }
    }

    /// Whether it covers the whole of a text of these letters.
    fn covers(&self, text: &str, of_text: u128) -> bool {
        if self.letters & !of_text != 0 {
            return false;
        }
        let Some((first, parts)) = self.parts.split_first() else {
            return false;
        };
        let Some(mut rest) = text.strip_prefix(first.as_str()) else {
            return false;
        };
        let Some((last, parts)) = parts.split_last() else {
            return rest.is_empty();
        };
        for part in parts.iter().filter(|part| !part.is_empty()) {
            // Names are short: looking at every place costs less than making ready for a search.
            let mut places = rest.as_bytes().windows(part.len());
            match places.position(|place| place == part.as_bytes()) {
                Some(at) => rest = &rest[at + part.len()..],
                None => return false,
            }
        }
        rest.ends_with(last.as_str())
    }
}

/// What actions cost that are no model calls, in US dollars each. Without a price they cost nothing that is known, never 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ActionPrices {
    /// By the name of the tool.
    pub tools: BTreeMap<String, f64>,
    pub retrieval: Option<f64>,
    /// People's time for one case.
    pub escalation: Option<f64>,
}

/// One price, in US dollars per million tokens.
#[derive(Clone, Debug, PartialEq)]
pub struct Price {
    pub provider: String,
    /// A model's name; `*` stands for anything.
    pub model: String,
    /// Valid from this time on.
    pub from: Timestamp,
    pub input: f64,
    pub output: f64,
    /// `None`: as `input`.
    pub cache_read: Option<f64>,
    /// `None`: as `input`.
    pub cache_write: Option<f64>,
    /// `None`: as `output`.
    pub reasoning: Option<f64>,
}

impl std::fmt::Debug for PriceBook {
    /// The prices alone: the rest follows from them, in no order.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(&self.prices).finish()
    }
}

impl PriceBook {
    pub fn new(prices: Vec<Price>) -> Self {
        let mut book = Self::default();
        for (place, price) in prices.iter().enumerate() {
            if price.model.contains('*') {
                book.wild.push((place, Pattern::new(&price.model)));
            } else {
                let same = book.exact.entry(price.model.clone()).or_default();
                same.push(place);
            }
        }
        Self { prices, ..book }
    }

    pub fn prices(&self) -> &[Price] {
        &self.prices
    }

    /// The price of a model at a time. A price of the same provider goes before one of another, a longer pattern before a
    /// shorter one, a later date before an earlier one.
    pub fn find(&self, provider: Option<&str>, model: &str, at: Timestamp) -> Option<&Price> {
        let mut asked: SmallVec<[u8; 96]> = SmallVec::new();
        asked.extend_from_slice(model.as_bytes());
        if let Some(provider) = provider {
            // No text has this byte.
            asked.push(0xff);
            asked.extend_from_slice(provider.as_bytes());
        }
        let ranked = || self.ranked(provider, model);
        let ranked = self.known.get(hash(&asked), &asked, ranked);
        let mut prices = ranked.iter().map(|place| &self.prices[*place]);
        prices.find(|price| price.from <= at)
    }

    /// The places of the prices that cover a model, the best first.
    fn ranked(&self, provider: Option<&str>, model: &str) -> Box<[usize]> {
        let model = model.to_ascii_lowercase();
        let provider = provider.map(str::to_ascii_lowercase);
        let same = |price: &Price| {
            let declared = provider.as_deref();
            declared.is_some_and(|declared| is_same_provider(declared, &price.provider))
        };
        let length = |price: &Price| price.model.bytes().filter(|b| *b != b'*').count();
        let exact = self.exact.get(&model).into_iter().flatten().copied();
        let letters = letters(&model);
        let wild = self.wild.iter();
        let wild = wild.filter(|(_, pattern)| pattern.covers(&model, letters));
        let mut ranked: Vec<usize> = wild.map(|(place, _)| *place).chain(exact).collect();
        let rank = |place: usize| {
            let price = &self.prices[place];
            // No pattern is more particular than the whole name at the provider itself.
            (
                same(price),
                !price.model.contains('*') && same(price),
                length(price),
                price.from,
            )
        };
        // Of two alike the later counts.
        ranked.reverse();
        ranked.sort_by_key(|place| Reverse(rank(*place)));
        ranked.into()
    }

    /// US dollars for one call, `None` where the model has no price.
    ///
    /// Cached tokens are part of the input and reasoning tokens part of the output, as OpenTelemetry counts them.
    pub fn cost(
        &self,
        provider: Option<&str>,
        model: &str,
        usage: &Usage,
        at: Timestamp,
    ) -> Option<f64> {
        let price = self.find(provider, model, at)?;
        let read = usage.cache_read.unwrap_or(0);
        let written = usage.cache_write.unwrap_or(0);
        let reasoning = usage.reasoning.unwrap_or(0);
        let fresh = usage.input.saturating_sub(read.saturating_add(written));
        let plain = usage.output.saturating_sub(reasoning);
        let million = [
            (fresh, price.input),
            (read, price.cache_read.unwrap_or(price.input)),
            (written, price.cache_write.unwrap_or(price.input)),
            (plain, price.output),
            (reasoning, price.reasoning.unwrap_or(price.output)),
        ];
        Some(million.iter().map(|(n, usd)| *n as f64 * usd / 1e6).sum())
    }

    /// US dollars that the cache saved for one call: what its cached tokens would have cost as plain input, without what they did cost.
    /// `None` where the span tells no such tokens, or the model has no price.
    pub fn cache_savings(
        &self,
        provider: Option<&str>,
        model: &str,
        usage: &Usage,
        at: Timestamp,
    ) -> Option<f64> {
        let (read, written) = (usage.cache_read, usage.cache_write);
        read.or(written)?;
        let price = self.find(provider, model, at)?;
        let saved = |tokens: Option<u64>, usd: Option<f64>| {
            tokens.unwrap_or(0) as f64 * (price.input - usd.unwrap_or(price.input)) / 1e6
        };
        Some(saved(read, price.cache_read) + saved(written, price.cache_write))
    }
}

/// `gcp.gemini` and `google`, `azure.ai.openai` and `openai`: the same models at the same list price.
fn is_same_provider(declared: &str, listed: &str) -> bool {
    match listed {
        "google" => {
            declared.starts_with("gcp")
                || declared.starts_with("google")
                || declared.contains("gemini")
        }
        "aws" => declared.starts_with("aws") || declared.contains("bedrock"),
        listed => declared == listed || declared.contains(listed),
    }
}

/// The set of a text's bytes; those beyond ASCII share places with others.
fn letters(text: &str) -> u128 {
    text.bytes().fold(0, |set, byte| set | 1 << (byte & 127))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(provider: &str, model: &str, from: u64, input: f64) -> Price {
        Price {
            provider: provider.into(),
            model: model.into(),
            from: Timestamp(from),
            input,
            output: 10.0,
            cache_read: Some(0.1),
            cache_write: None,
            reasoning: None,
        }
    }

    #[test]
    fn the_most_particular_price_that_is_valid_wins() {
        let book = PriceBook::new(vec![
            price("openai", "gpt-4o*", 0, 1.0),
            price("openai", "gpt-4o-mini*", 0, 2.0),
            price("openai", "gpt-4o-mini*", 100, 3.0),
            price("other", "gpt-4o-mini*", 0, 4.0),
        ]);
        let input =
            |provider, model, at| book.find(provider, model, Timestamp(at)).map(|p| p.input);
        assert_eq!(input(Some("openai"), "gpt-4o-2024-08-06", 50), Some(1.0));
        assert_eq!(input(Some("openai"), "GPT-4o-mini", 50), Some(2.0));
        assert_eq!(
            input(Some("azure.ai.openai"), "gpt-4o-mini", 100),
            Some(3.0)
        );
        assert_eq!(input(Some("other"), "gpt-4o-mini", 100), Some(4.0));
        assert_eq!(input(None, "claude", 100), None);
    }

    #[test]
    fn a_model_and_its_provider_are_not_taken_for_another_model() {
        let book = PriceBook::new(vec![price("p", "m", 0, 1.0)]);
        let input = |provider, model| book.find(provider, model, Timestamp(1)).map(|p| p.input);
        assert_eq!(input(Some("p"), "m"), Some(1.0));
        for odd in ["m\0p", "m p", "mp"] {
            assert_eq!(input(None, odd), None, "{odd:?}");
        }
    }

    #[test]
    fn cached_and_reasoning_tokens_are_parts_not_additions() {
        let book = PriceBook::new(vec![price("p", "m", 0, 1.0)]);
        let usage = Usage {
            input: 1_000_000,
            output: 500_000,
            cache_read: Some(400_000),
            cache_write: Some(100_000),
            reasoning: Some(200_000),
        };
        let cost = book.cost(None, "m", &usage, Timestamp(1));
        assert_eq!(cost, Some(0.5 + 0.04 + 0.1 + 3.0 + 2.0));
    }

    #[test]
    fn what_caching_saved_is_the_difference_to_the_price_of_input() {
        let mut dear = price("p", "m", 0, 1.0);
        dear.cache_write = Some(1.25);
        let book = PriceBook::new(vec![dear]);
        let saved = |cache_read, cache_write| {
            let usage = Usage {
                input: 1_000_000,
                cache_read,
                cache_write,
                ..Usage::default()
            };
            book.cache_savings(None, "m", &usage, Timestamp(1))
        };
        assert_eq!(saved(Some(400_000), None), Some(0.36));
        assert_eq!(saved(Some(0), Some(400_000)), Some(-0.1));
        assert_eq!(saved(None, None), None);
        let usage = Usage {
            cache_read: Some(1),
            ..Usage::default()
        };
        assert_eq!(
            book.cache_savings(None, "other", &usage, Timestamp(1)),
            None
        );
    }

    #[test]
    fn patterns() {
        for (pattern, text, expected) in [
            ("a*", "abc", true),
            ("a*c", "abc", true),
            ("*b*", "abc", true),
            ("a", "abc", false),
            ("abc", "abc", true),
            ("a*c*e", "abcde", true),
            ("a*d", "abc", false),
            ("é*", "éa", true),
        ] {
            let covers = Pattern::new(pattern).covers(text, letters(text));
            assert_eq!(covers, expected, "{pattern} {text}");
        }
    }
}
