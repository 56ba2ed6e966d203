//! The dialects of docs/teach-a-dialect.md read recordings as the built-in ones do.

use super::{Asked, figures};
use crate::support::capture::{self, Encoding};
use baton::config::{self, Config};
use baton::normalise::Scratch;
use std::path::Path;

const PAGE: &str = include_str!("../../../docs/teach-a-dialect.md");

/// The examples of the page, with the recordings that they read.
const EXAMPLES: &[(&str, &[&str])] = &[
    (
        "Vercel AI 5",
        &[
            "vercel-ai-v5/support-delegation",
            "vercel-ai-v6/claim-approval",
            "vercel-ai-v6/parcel-transfers",
            "vercel-ai-v7legacy/support-delegation",
        ],
    ),
    ("Haystack", &["haystack-native/support-agents-as-tools"]),
    ("Mastra", &["mastra/support-subagents"]),
];

/// Recordings with the attributes of an example and those of another instrumentation, whose figures the built-in dialects take.
const OF_BOTH: &[(&str, &str)] = &[("Vercel AI 5", "vercel-ai-v6-openinference/parcel-transfers")];

/// The first configuration below a heading of the page.
fn example(title: &str) -> Config {
    let (_, below) = PAGE.split_once(&format!("\n### {title}\n")).expect(title);
    read(below.split("```yaml\n").nth(1).expect(title))
}

fn read(text: &str) -> Config {
    let text = text.split("```").next().expect("an end");
    config::of_text(text, Path::new("."), &|_| None).expect(text)
}

#[test]
fn what_the_page_shows_compiles() {
    let mut all = PAGE.split("```yaml\n").skip(1).map(read);
    assert!(all.all(|config| config.normalise.dialects.len() == 1));
}

#[test]
fn taught_dialects_give_the_figures_of_the_built_in_ones() {
    let captures = capture::all();
    for (title, recordings) in EXAMPLES {
        let taught = example(title);
        let read = captures
            .iter()
            .filter(|capture| recordings.contains(&&*capture.name));
        let read: Vec<_> = read.collect();
        assert_eq!(read.len(), recordings.len(), "{title}");
        for capture in read {
            let requests = capture.requests(Encoding::Protobuf);
            let figures = figures::replay_as(&requests, 2, &taught);
            assert_eq!(figures, figures::replay(&requests), "{}", capture.name);
        }
    }
}

#[test]
fn spans_of_others_are_not_evaluated() {
    for capture in capture::all() {
        for (title, recordings) in EXAMPLES {
            let normaliser = baton::app::normaliser(&example(title), 7);
            let mut sink = Asked(&normaliser, Scratch::default(), Vec::new());
            for request in capture.requests(Encoding::Protobuf) {
                figures::decode(&request, &mut sink);
            }
            let counts = sink.1.take_span_counts();
            let [counts] = counts.of_taught() else {
                panic!("one dialect is taught");
            };
            let is_own =
                recordings.contains(&&*capture.name) || OF_BOTH.contains(&(*title, &*capture.name));
            assert_eq!(counts.spans > 0, is_own, "{title}: {}", capture.name);
            assert_eq!(counts.evaluated > 0, is_own, "{title}: {}", capture.name);
            let misread: Vec<_> = counts.misreadings().collect();
            assert_eq!(misread, [], "{title}: {}", capture.name);
        }
    }
}
