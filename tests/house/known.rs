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

/// Fails for offences that are not listed, and for entries that are not needed any more.
pub fn refuse(found: Vec<Offence>, listed: &[&str]) {
    let is_found = |name: &&&str| found.iter().any(|offence| offence.name == **name);
    let done = listed.iter().filter(|name| !is_found(name));
    let done = done.map(|name| format!("take {name} off the list in tests/house/known.rs"));
    let new = found.iter();
    let new = new.filter(|offence| !listed.contains(&offence.name.as_str()));
    let new = new.map(|offence| offence.says.clone());
    let faults: Vec<String> = done.chain(new).collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn what_is_new_and_what_is_done_are_refused() {
    let offence = || Offence::new("one", String::from("one is long"));
    refuse(vec![offence()], &["one"]);
    refuse(Vec::new(), &[]);
    assert!(std::panic::catch_unwind(|| refuse(vec![offence()], &[])).is_err());
    assert!(std::panic::catch_unwind(|| refuse(Vec::new(), &["one"])).is_err());
}

pub const LONG_FUNCTIONS: &[&str] = &[
    "apply",
    "events",
    "every_encoding_tells_the_same_facts_and_the_system_prompt_none",
    "of_results",
    "open_after",
    "rules_prove_outcomes_and_count_steps_of_the_funnel",
    "whoever_comes_first_a_trace_follows_its_link_unless_it_has_a_session",
];
pub const LONG_FILES: &[&str] = &[
    "normalise/tests/dialect.rs",
    "normalise/tests/edges.rs",
    "normalise/tests/mod.rs",
];
pub const REPEATED_TYPES: &[&str] = &[
    "Cohort",
    "Desk",
    "File",
    "Handoff",
    "HandoffEvidence",
    "Kind",
    "Limit",
    "ModelCall",
    "Pattern",
    "Place",
    "Scope",
    "Shared",
    "Step",
    "Told",
    "ToolCall",
    "Turn",
    "Usage",
    "Value",
    "What",
];
pub const NAMELESS_CONSTANTS: &[&str] = &["model/money.rs"];
pub const IMPURE_FILES: &[&str] = &[];
/// Rooms with circles.
pub const CIRCLES: &[&str] = &["net"];
