//! Whoever sent a recording is led to the section of docs/sdks.md that names it.

use super::figures;
use crate::support::capture::{self, Encoding};
use baton::config::Config;
use baton::doctor::{Figures, Survey};
use baton::model::reject::UnreadCounts;

const PAGE: &str = include_str!("../../../docs/sdks.md");

/// Recordings whose spans do not tell them from those of another section.
const ALIKE: &[(&str, &str)] = &[
    // The protocol has spans, and the agents are those of whoever uses it.
    (
        "a2a/support-remote-agents",
        "docs/sdks.md#spans-of-your-own",
    ),
    // A graph of LangGraph.
    (
        "deepagents-openinference/support-subagents",
        "docs/sdks.md#langgraph",
    ),
    // It writes the spans of the versions before.
    (
        "vercel-ai-v7legacy/support-delegation",
        "docs/sdks.md#vercel-ai-5-and-6",
    ),
];

/// The anchors of the sections that name a recording.
fn sections_with(recording: &str) -> Vec<String> {
    let named = format!("`{recording}`");
    let mut sections = PAGE.split("\n### ").skip(1);
    let mut anchors = Vec::new();
    for section in sections.by_ref() {
        let (heading, text) = section.split_once('\n').expect("a heading");
        let about = text.lines().find(|line| line.starts_with("Dialect:"));
        if about.is_some_and(|line| line.contains(&named)) {
            let anchor = heading.to_lowercase().replace(' ', "-");
            anchors.push(format!("docs/sdks.md#{anchor}"));
        }
    }
    anchors
}

#[test]
fn every_recording_leads_to_a_section_that_names_it() {
    let mut faults = Vec::new();
    for capture in capture::all() {
        let normaliser = baton::app::normaliser(&Config::default(), 7);
        let mut survey = Survey::new(normaliser);
        for request in capture.requests(Encoding::Protobuf) {
            figures::decode(&request, &mut survey);
        }
        let diagnosis = survey.diagnosis(Figures::default(), &[], &UnreadCounts::default());
        let mut expected = sections_with(&capture.name);
        let alike = ALIKE.iter().filter(|(name, _)| *name == capture.name);
        expected.extend(alike.map(|(_, see)| (*see).to_owned()));
        let found: Vec<&str> = diagnosis
            .emitters
            .iter()
            .filter_map(|one| one.see)
            .collect();
        if !found
            .iter()
            .any(|see| expected.iter().any(|known| known == see))
        {
            let scopes = diagnosis.emitters.iter().flat_map(|one| &one.scopes);
            let scopes: Vec<&String> = scopes.collect();
            faults.push(format!(
                "{}: {found:?} instead of {expected:?}, scopes {scopes:?}",
                capture.name
            ));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
