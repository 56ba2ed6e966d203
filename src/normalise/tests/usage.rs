//! Known answers of tokens: the parts are inside the whole, and each part comes from where it is told.

use super::event;
use crate::model::event::Usage;
use crate::normalise::*;

const IN: (&str, &str) = ("gen_ai.usage.input_tokens", "10");
const OUT: (&str, &str) = ("gen_ai.usage.output_tokens", "5");
const READ: &str = "gen_ai.usage.cache_read.input_tokens";
const WRITTEN: &str = "gen_ai.usage.cache_creation.input_tokens";
const REASONING: &str = "gen_ai.usage.reasoning.output_tokens";

/// Input, output, and the parts read from a cache, written to it and spent on reasoning.
type Parts = (u64, u64, Option<u64>, Option<u64>, Option<u64>);

fn usage(attributes: &[(&str, &str)]) -> Option<Parts> {
    let mut all = vec![("gen_ai.operation.name", "chat")];
    all.extend(attributes);
    let Kind::Model(call) = event("app", "chat", &all).kind else {
        panic!("a call")
    };
    let Usage {
        input,
        output,
        cache_read,
        cache_write,
        reasoning,
    } = call.usage?;
    Some((input, output, cache_read, cache_write, reasoning))
}

#[test]
fn one_side_is_enough_and_none_is_unknown() {
    assert_eq!(usage(&[]), None);
    assert_eq!(usage(&[(READ, "4"), (REASONING, "1")]), None);
    assert_eq!(usage(&[IN]), Some((10, 0, None, None, None)));
    assert_eq!(usage(&[OUT]), Some((0, 5, None, None, None)));
}

#[test]
fn more_cached_than_input_tokens_were_left_out_of_the_input() {
    for (read, written, input) in [
        ("4", "5", 10),
        ("10", "0", 10),
        ("4", "6", 10),
        ("11", "0", 21),
        ("4", "7", 21),
        ("0", "90", 100),
    ] {
        let found = usage(&[IN, OUT, (READ, read), (WRITTEN, written)]);
        let found = found.map(|parts| parts.0);
        assert_eq!(found, Some(input), "{read} read, {written} written");
    }
}

#[test]
fn reasoning_is_a_part_of_the_output() {
    // More than the output has was left out of it.
    for (told, output) in [("0", 5), ("5", 5), ("6", 11)] {
        let found = usage(&[IN, OUT, (REASONING, told)]).expect("usage");
        let reasoning = told.parse().ok();
        assert_eq!((found.1, found.4), (output, reasoning), "{told}");
    }
}

/// C-12.
#[test]
fn zeros_for_both_sides_are_unknown() {
    let zero_in = ("gen_ai.usage.input_tokens", "0");
    let zero_out = ("gen_ai.usage.output_tokens", "0");
    let total = ("gen_ai.usage.total_tokens", "0");
    assert_eq!(usage(&[zero_in, zero_out]), None);
    assert_eq!(usage(&[zero_in, zero_out, total, (READ, "0")]), None);
    assert_eq!(usage(&[zero_in, OUT]), Some((0, 5, None, None, None)));
    let raw = (
        "gen_ai.usage.raw",
        r#"{"prompt_tokens":0,"completion_tokens":0}"#,
    );
    assert_eq!(usage(&[raw]), None);
}

/// C-13.
#[test]
fn the_total_shows_which_parts_stand_beside_the_whole() {
    let total = |total| ("gen_ai.usage.total_tokens", total);
    let parts = [IN, OUT, (READ, "4"), (REASONING, "3")];
    for (told, input, output) in [
        ("15", 10, 5),
        ("18", 10, 8),
        ("19", 14, 5),
        ("22", 14, 8),
        ("99", 10, 5),
    ] {
        let found = usage(&[&parts[..], &[total(told)]].concat()).expect("usage");
        assert_eq!((found.0, found.1), (input, output), "{told}");
    }
    // A side that is not told is the rest.
    assert_eq!(usage(&[IN, total("15")]), Some((10, 5, None, None, None)));
}

#[test]
fn usage_inside_a_response_counts_where_attributes_do_not_say_it() {
    let thoughts = r#"{"content":{"parts":[]},"usage_metadata":{"prompt_token_count":10,"candidates_token_count":5,"thoughts_token_count":7,"total_token_count":22}}"#;
    let camel = r#"{"usageMetadata":{"promptTokenCount":10,"candidatesTokenCount":5,"thoughtsTokenCount":7,"cachedContentTokenCount":4}}"#;
    let openai = r#"{"response":{"usage":{"prompt_tokens":10,"completion_tokens":12,"total_tokens":22,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":7}}}}"#;
    for (response, cached) in [(thoughts, None), (camel, Some(4)), (openai, Some(4))] {
        for key in ["llm_response", "gcp.vertex.agent.llm_response"] {
            let found = usage(&[(key, response)]);
            assert_eq!(found, Some((10, 12, cached, None, Some(7))), "{key}");
        }
    }
    // What attributes say of the same counts is mended by it.
    let found = usage(&[IN, OUT, ("llm_response", camel)]);
    assert_eq!(found, Some((10, 12, Some(4), None, Some(7))));
    let beside = ("gen_ai.usage.experimental.reasoning_tokens", "7");
    let found = usage(&[IN, OUT, beside, ("llm_response", thoughts)]);
    assert_eq!(found, Some((10, 12, None, None, Some(7))));
    // Other counts are of something else: only the parts are taken.
    let other = ("gen_ai.usage.output_tokens", "12");
    let found = usage(&[IN, other, ("llm_response", camel)]);
    assert_eq!(found, Some((10, 12, Some(4), None, Some(7))));
}

/// C-11.
#[test]
fn usage_objects_are_read_as_python_prints_them() {
    let dictionary = "{'completion_tokens': 12, 'prompt_tokens': 10, 'total_tokens': 22, 'completion_tokens_details': {'reasoning_tokens': 7, 'audio_tokens': None}, 'prompt_tokens_details': {'cached_tokens': 4}}";
    let object = "Usage(completion_tokens=12, prompt_tokens=10, total_tokens=22, completion_tokens_details=CompletionTokensDetails(reasoning_tokens=7, text_tokens=None), prompt_tokens_details=Details(cached_tokens=4))";
    for text in [dictionary, object] {
        let found = usage(&[("metadata.usage_object", text)]);
        assert_eq!(found, Some((10, 12, Some(4), None, Some(7))));
        let found = usage(&[
            IN,
            ("gen_ai.usage.output_tokens", "12"),
            ("usage_object", text),
        ]);
        assert_eq!(found, Some((10, 12, Some(4), None, Some(7))));
    }
}

#[test]
fn the_names_of_anthropic_and_of_buckets_leave_the_parts_beside_the_whole() {
    let raw = |text| usage(&[("gen_ai.usage.raw", text)]);
    let own = r#"{"input_tokens":10,"output_tokens":5,"cache_read_input_tokens":4,"cache_creation_input_tokens":2}"#;
    assert_eq!(raw(own), Some((16, 5, Some(4), Some(2), None)));
    let bedrock = r#"{"inputTokens":10,"outputTokens":5,"totalTokens":21,"cacheReadInputTokens":4,"cacheWriteInputTokens":2}"#;
    assert_eq!(raw(bedrock), Some((16, 5, Some(4), Some(2), None)));
    let inside = r#"{"prompt_tokens":10,"completion_tokens":5,"cache_read_input_tokens":4}"#;
    assert_eq!(raw(inside), Some((10, 5, Some(4), None, None)));
    let vercel = r#"{"inputTokens":{"total":10,"noCache":6,"cacheRead":4},"outputTokens":{"total":5,"text":2,"reasoning":3}}"#;
    assert_eq!(raw(vercel), Some((10, 5, Some(4), None, Some(3))));
    let details = |text| {
        let kind = ("langfuse.observation.type", "generation");
        let details = ("langfuse.observation.usage_details", text);
        usage(&[kind, details])
    };
    let buckets = r#"{"input":10,"input_cached_tokens":4,"output":5,"output_reasoning_tokens":3}"#;
    assert_eq!(details(buckets), Some((14, 8, Some(4), None, Some(3))));
    let whole =
        r#"{"input":10,"input_cached_tokens":4,"output":5,"output_reasoning_tokens":3,"total":15}"#;
    assert_eq!(details(whole), Some((10, 5, Some(4), None, Some(3))));
}

#[test]
fn each_part_that_no_attribute_tells_is_looked_for_in_the_raw_usage() {
    let raw = r#"{"input_tokens":99,"output_tokens":98,"cache_read_input_tokens":1,"cache_creation_input_tokens":2,"reasoning_tokens":3}"#;
    let raw = ("gen_ai.usage.raw", raw);
    let own = [(READ, "4"), (WRITTEN, "6"), (REASONING, "5")];
    let with = |own: &[(&'static str, &'static str)]| usage(&[&[IN, OUT, raw], own].concat());
    assert_eq!(with(&[]), Some((10, 5, Some(1), Some(2), Some(3))));
    assert_eq!(with(&own), Some((10, 5, Some(4), Some(6), Some(5))));
    assert_eq!(with(&own[..2]), Some((10, 5, Some(4), Some(6), Some(3))));
    assert_eq!(with(&own[1..]), Some((10, 5, Some(1), Some(6), Some(5))));
    let written = with(&[own[0], own[2]]);
    assert_eq!(written, Some((10, 5, Some(4), Some(2), Some(5))));
}
