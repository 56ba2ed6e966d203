//! Names of models and providers, without the parts that would split one model into many series.

use super::interner::{NameInterners, trimmed};
use crate::model::Name;
use std::borrow::Cow;

/// Routers write the provider in front of the model: `openai/gpt-4o`. Makers of open models (`meta-llama/…`) are none of these.
const ROUTES: &[&str] = &[
    "models",
    "openai",
    "azure",
    "azure_ai",
    "anthropic",
    "gemini",
    "google",
    "vertex_ai",
    "bedrock",
    "openrouter",
    "litellm_proxy",
    "mistral",
    "groq",
    "xai",
    "deepseek",
    "cohere",
    "ollama",
    "ollama_chat",
];

/// The model without its route and its snapshot date: `openai/gpt-4o-2024-08-06` → `gpt-4o`.
pub(super) fn model(text: &str, names: &NameInterners) -> Name {
    names.models.of(text, |text| names.name(bare(text)))
}

fn bare(text: &str) -> &str {
    let mut text = trimmed(text);
    while let Some((route, rest)) = text.split_once('/') {
        if !ROUTES.contains(&route) || rest.is_empty() {
            break;
        }
        text = rest;
    }
    without_date(text)
}

fn without_date(text: &str) -> &str {
    let digits = |part: &str, n: usize| part.len() == n && part.bytes().all(|b| b.is_ascii_digit());
    if let Some((head, date)) = text.rsplit_once(['-', '@'])
        && digits(date, 8)
        && date.starts_with("20")
        && !head.is_empty()
    {
        return head;
    }
    let mut parts = text.rsplitn(4, '-');
    if let (Some(day), Some(month), Some(year), Some(head)) =
        (parts.next(), parts.next(), parts.next(), parts.next())
        && digits(day, 2)
        && digits(month, 2)
        && digits(year, 4)
    {
        return head;
    }
    text
}

/// Providers of OpenTelemetry's list that are written with a dot.
const DOTTED: &[&str] = &["gcp.", "aws.", "azure.ai.", "ibm.", "x_ai", "x.ai"];

/// The provider in lower case; Vercel's `openai.chat` is `openai`.
pub(super) fn provider(text: &str, names: &NameInterners) -> Name {
    names
        .providers
        .of(text, |text| names.name(&first_word(text)))
}

fn first_word(text: &str) -> Cow<'_, str> {
    let mut lower = Cow::Borrowed(trimmed(text));
    if lower.bytes().any(|b| b.is_ascii_uppercase()) {
        lower.to_mut().make_ascii_lowercase();
    }
    if DOTTED.iter().any(|dotted| lower.starts_with(dotted)) {
        return lower;
    }
    let end = lower.find('.').unwrap_or(lower.len());
    match lower {
        Cow::Borrowed(text) => Cow::Borrowed(&text[..end]),
        Cow::Owned(mut text) => {
            text.truncate(end);
            Cow::Owned(text)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::NameInterners;

    #[test]
    fn models_lose_their_date_and_nothing_else() {
        for (given, expected) in [
            ("gpt-4o-2024-08-06", "gpt-4o"),
            ("gpt-4o", "gpt-4o"),
            ("claude-sonnet-4-20250514", "claude-sonnet-4"),
            ("claude-sonnet-4@20250514", "claude-sonnet-4"),
            ("models/gemini-2.5-pro", "gemini-2.5-pro"),
            ("openai/gpt-4o", "gpt-4o"),
            ("openrouter/anthropic/claude-sonnet-4", "claude-sonnet-4"),
            ("meta-llama/Llama-3-70b", "meta-llama/Llama-3-70b"),
            ("openai/", "openai/"),
            ("gpt-4-32k", "gpt-4-32k"),
            ("llama-3-70b-8192", "llama-3-70b-8192"),
            ("m-20251301", "m"),
            ("m-20billion", "m-20billion"),
            ("m-20abcdef", "m-20abcdef"),
            ("m-12345678", "m-12345678"),
            ("m-2024-08-ab", "m-2024-08-ab"),
            ("m-2024-ab-06", "m-2024-ab-06"),
            ("m-abcd-08-06", "m-abcd-08-06"),
            ("m-24-08-06", "m-24-08-06"),
            ("-20250514", "-20250514"),
            ("2024-08-06", "2024-08-06"),
            ("", ""),
        ] {
            assert_eq!(&*super::model(given, &NameInterners::default()), expected);
        }
    }

    #[test]
    fn providers_are_one_word() {
        for (given, expected) in [
            ("openai.chat", "openai"),
            ("OpenAI", "openai"),
            ("gcp.gemini", "gcp.gemini"),
            ("azure.ai.openai", "azure.ai.openai"),
            ("azure.chat", "azure"),
            ("anthropic.messages", "anthropic"),
        ] {
            assert_eq!(
                &*super::provider(given, &NameInterners::default()),
                expected
            );
        }
    }
}
