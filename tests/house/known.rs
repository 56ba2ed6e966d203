//! What breaks a rule today. Each list may only get shorter.

/// A break of a rule: under which name the lists know it, and what it says.
pub struct Offence {
    pub name: String,
    pub says: String,
}

impl Offence {
    pub fn new(name: impl Into<String>, says: String) -> Self {
        let name = name.into();
        Self { name, says }
    }
}

/// Fails for offences that are not listed.
pub fn refuse(found: Vec<Offence>, listed: &[&str]) {
    for name in listed {
        if !found.iter().any(|offence| offence.name == *name) {
            eprintln!("take {name} off the list in tests/house/known.rs");
        }
    }
    let new = found.into_iter();
    let new = new.filter(|offence| !listed.contains(&offence.name.as_str()));
    let new: Vec<String> = new.map(|offence| offence.says).collect();
    assert!(new.is_empty(), "\n{}", new.join("\n"));
}

pub const LONG_FUNCTIONS: &[&str] = &[
    "apply",
    "calls",
    "close",
    "events",
    "every_encoding_tells_the_same_facts_and_the_system_prompt_none",
    "every_first_value_counts_whoever_reads_and_whatever_restarts",
    "figures",
    "of",
    "of_results",
    "open_after",
    "request",
    "rules_prove_outcomes_and_count_steps_of_the_funnel",
    "session",
    "the_sdk_sends_prometheus_scrapes_and_no_failure_is_lost",
    "what_is_no_otlp_fails_and_says_what_it_is_and_where",
    "whoever_comes_first_a_trace_follows_its_link_unless_it_has_a_session",
];
pub const LONG_FILES: &[&str] = &[
    "normalise/tests/dialect.rs",
    "normalise/tests/edges.rs",
    "normalise/tests/mod.rs",
    "tests/it/law/naive/handoffs.rs",
    "tests/it/law/scene.rs",
    "tests/it/simulation/world.rs",
];
pub const REPEATED_TYPES: &[&str] = &[
    "Asked",
    "Check",
    "Cohort",
    "Desk",
    "Fields",
    "File",
    "Handoff",
    "HandoffEvidence",
    "Kind",
    "Limit",
    "ModelCall",
    "Pair",
    "Pattern",
    "Place",
    "Reader",
    "Said",
    "Scope",
    "Share",
    "Shared",
    "Step",
    "Told",
    "ToolCall",
    "Turn",
    "Usage",
    "Value",
    "Verdict",
    "What",
];
pub const NAMELESS_CONSTANTS: &[&str] = &["model/money.rs"];
pub const IMPURE_FILES: &[&str] = &[];
/// Rooms with circles.
pub const CIRCLES: &[&str] = &["config", "derive", "export", "net"];
