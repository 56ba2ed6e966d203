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
    for (told, expected) in [("0", 0), ("5", 5), ("6", 5)] {
        let found = usage(&[IN, OUT, (REASONING, told)]).expect("usage");
        assert_eq!((found.1, found.4), (5, Some(expected)), "{told}");
    }
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
