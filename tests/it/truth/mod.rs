//! Truth: the figures that Baton derives from real recordings equal what the scripts that made them know.
//!
//! Each capture in `tests/fixtures` has a `meta.json` whose truth comes from the scenario script and the model server's
//! log, never from the spans. Where a dialect does not carry a figure, [`unknown::all`] says so and why; an entry that is not
//! needed any more fails the test, and `docs/dialects.md` shows the table.

pub mod figures;
mod live;
mod sections;
mod taught;
mod unknown;

use crate::support::capture::{self, Capture, Encoding};
use baton::model::event::Event;
use baton::normalise::{Normaliser, Scratch};
use baton::otlp::view::{ScopeBatch, SpanSink};
use figures::Figures;
use live::Way;
use std::collections::BTreeSet;

/// Compares what was derived with the truth, figure by figure; returns what differs.
fn compare(capture: &Capture, derived: &Figures, way: &str) -> Vec<String> {
    let truth = Figures::of_truth(&capture.truth());
    let known = truth.iter().map(|(name, _)| name);
    let names: BTreeSet<&str> = known.chain(derived.iter().map(|(name, _)| name)).collect();
    let mut faults = Vec::new();
    for name in names {
        let (expected, got) = (truth.get(name), derived.get(name));
        let what = match (unknown::reason(&capture.name, name), expected == got) {
            (None, false) => format!("expected {expected}, got {got}"),
            (Some(why), true) if expected > 0 => {
                format!("is known ({got}), though the table says: {why}")
            }
            _ => continue,
        };
        faults.push(format!("{} ({way}): {name}: {what}", capture.name));
    }
    faults
}

fn check(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn every_recording_tells_its_truth_in_replay() {
    let mut faults = Vec::new();
    for capture in capture::all() {
        for encoding in [Encoding::Protobuf, Encoding::Json] {
            let derived = figures::replay(&capture.requests(encoding));
            faults.extend(compare(
                &capture,
                &derived,
                &format!("replay of {encoding:?}"),
            ));
        }
    }
    check(&faults);
}

/// The events of what a normaliser asks for.
struct Asked<'n>(&'n Normaliser, Scratch, Vec<Box<Event>>);

impl SpanSink for Asked<'_> {
    fn asks(&self, hash: u32, name: &[u8]) -> bool {
        self.0.asks(hash, name)
    }

    fn add(&mut self, group: &ScopeBatch<'_>) {
        self.2.extend(self.0.normalise(group, &mut self.1));
    }
}

#[test]
fn attributes_that_nobody_asks_for_would_change_nothing() {
    let normaliser = baton::app::normaliser(&baton::config::Config::default(), 7);
    let mut scratch = Scratch::default();
    for capture in capture::all() {
        for request in capture.requests(Encoding::Protobuf) {
            let (mut asked, mut all) = (
                Asked(&normaliser, Scratch::default(), Vec::new()),
                Vec::new(),
            );
            figures::decode(&request, &mut asked);
            let mut take =
                |group: &ScopeBatch<'_>| all.extend(normaliser.normalise(group, &mut scratch));
            figures::decode(&request, &mut take);
            assert_eq!(asked.2, all, "{}", capture.name);
        }
    }
}

#[test]
fn the_truth_does_not_depend_on_order_batching_or_repetition() {
    let mut faults = Vec::new();
    for capture in capture::all() {
        let whole = capture.requests(Encoding::Protobuf);
        let single = capture::one_span_a_request(&whole);
        faults.extend(compare(
            &capture,
            &figures::replay(&single),
            "one span a request",
        ));
        for seed in 1..=3 {
            let shuffled = capture::shuffled(single.clone(), seed);
            faults.extend(compare(&capture, &figures::replay(&shuffled), "shuffled"));
        }
        let twice: Vec<_> = whole.iter().chain(&whole).cloned().collect();
        faults.extend(compare(
            &capture,
            &figures::replay(&twice),
            "everything twice",
        ));
    }
    check(&faults);
}

#[test]
fn the_truth_does_not_depend_on_the_number_of_partitions() {
    for capture in capture::all() {
        let requests = capture.requests(Encoding::Protobuf);
        let one = figures::replay_with(&requests, 1);
        for partitions in [2, 7] {
            assert_eq!(
                one,
                figures::replay_with(&requests, partitions),
                "{}",
                capture.name
            );
        }
    }
}

#[test]
fn every_door_gives_the_same_truth() {
    let mut faults = Vec::new();
    for capture in capture::all() {
        for way in live::WAYS {
            let requests = capture.requests(way.encoding());
            let derived = live::figures(way, &requests);
            faults.extend(compare(&capture, &derived, &format!("{way:?}")));
        }
    }
    check(&faults);
}

#[test]
fn the_doors_take_single_spans_in_any_order_and_twice() {
    let mut faults = Vec::new();
    for capture in capture::all() {
        let mut single = capture::one_span_a_request(&capture.requests(Encoding::Protobuf));
        single.extend_from_within(..);
        let derived = live::figures(Way::Grpc, &capture::shuffled(single, 7));
        faults.extend(compare(
            &capture,
            &derived,
            "gRPC, single spans, shuffled, twice",
        ));
    }
    check(&faults);
}

#[test]
fn a_running_instance_tells_the_story_that_a_replay_tells() {
    let name = "pydantic-ai/support-delegation-v2";
    let captures = capture::all();
    let capture = captures.iter().find(|capture| capture.name == name);
    let requests = capture.expect("it is there").requests(Encoding::Protobuf);
    // What `replay --explain` says of it, by tests/it/cli.
    let kept = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/stories/pydantic-ai.txt"
    );
    let kept = std::fs::read_to_string(kept).expect("a story");
    assert_eq!(
        live::story(Way::Grpc, &requests, "sess-pydantic-ai-A"),
        kept
    );
    let nobody = live::story(Way::Grpc, &[], "sess-pydantic-ai-A");
    assert!(nobody.starts_with("no such session"), "{nobody}");
}

#[test]
fn the_table_of_unknown_figures_is_in_the_docs() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/dialects.md");
    let docs = std::fs::read_to_string(path).expect("docs/dialects.md is there");
    let (before, rest) = docs.split_once(unknown::BEGIN).expect("the table begins");
    let (_, after) = rest.split_once(unknown::END).expect("the table ends");
    let written = format!(
        "{before}{}{}{}{after}",
        unknown::BEGIN,
        unknown::table(),
        unknown::END
    );
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &written).expect("docs can be written");
        return;
    }
    assert_eq!(docs, written, "run UPDATE=1 cargo test --test it truth::");
}
