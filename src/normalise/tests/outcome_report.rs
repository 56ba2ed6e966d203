//! Reported outcomes in JSON.

use super::*;
use crate::model::event::Outcome;
use crate::model::money::Money;
use crate::model::outcome_report::{AddressedReport, OutcomeFault};
use crate::model::time::Timestamp;

/// 2026-11-30T12:00:00Z.
const NOON: Timestamp = Timestamp(1_796_040_000_000_000_000);

fn read(body: &str, tenant: Option<&str>) -> Result<Vec<AddressedReport>, OutcomeFault> {
    let settings = Settings {
        money: Money::new("EUR", [("USD".to_owned(), 0.5)].into()),
        ..Settings::default()
    };
    let tenant = tenant.map(Name::from);
    Normaliser::new(settings, Arc::default()).outcome_reports(
        body.as_bytes(),
        tenant.as_ref(),
        NOON,
    )
}

#[test]
fn one_report_or_a_list_of_reports_is_read() {
    let whole = r#" {"session_id": " s\u202e1 ", "outcome": "Resolved", "value": "120.5", "currency": "usd",
        "time": "2026-11-30T13:30:00+02:00", "source": "crm", "id": 7, "tenant": "shop"} "#;
    let read_one = read(whole, None).expect("a report");
    let [AddressedReport { session, report }] = &read_one[..] else {
        panic!("{read_one:?}")
    };
    assert_eq!(session.id.as_str(), "s\\u{202e}1", "as of spans");
    assert_eq!(session.tenant.as_deref(), Some("shop"));
    assert_eq!(report.outcome, Outcome::Resolved);
    assert_eq!(report.value_usd, Some(60.25));
    assert_eq!(report.at.0, NOON.0 - 1_800_000_000_000);
    assert_eq!(&*report.source, "crm");
    assert_eq!(report.id.as_deref(), Some("7"));
    let own = read(whole, Some("own")).expect("a report");
    assert_eq!(
        own[0].session.tenant.as_deref(),
        Some("own"),
        "not its own word"
    );
    let few = r#"[{"session_id": 5, "outcome": "failed", "source": "a"}, {"session_id": "s", "outcome": "failed", "source": "a", "value": null}]"#;
    let few = read(few, None).expect("reports");
    assert_eq!(few.len(), 2);
    assert_eq!(few[0].report.at, NOON);
    assert_eq!(few[1].report.value_usd, None);
    assert_eq!(read("[]", None), Ok(Vec::new()));
}

/// A list is not kept before its items are looked at.
#[test]
fn a_list_is_read_up_to_its_first_fault_or_the_most_items_of_a_request() {
    let item = r#"{"session_id": 5, "outcome": "failed", "source": "a"}"#;
    let list = |items: usize, end: &str| format!("[{}{end}", vec![item; items].join(","));
    let most = read(&list(100_000, "]"), None).expect("reports");
    assert_eq!(most.len(), 100_000);
    let more = read(&list(100_001, "]"), None).expect_err("too many");
    assert_eq!(more.item, Some(100_001));
    // What is behind the fault is not read.
    let first = read("[0, no JSON", None).expect_err("no report");
    assert_eq!(first.item, Some(1));
    for broken in [
        list(1, ""),
        list(1, ","),
        list(1, "] more"),
        format!("{item} more"),
    ] {
        assert_eq!(read(&broken, None).expect_err("no JSON").item, None);
    }
}

/// Items with a fault, and the field that has it.
const FAULTY: &[(&str, &str)] = &[
    (r#"{"outcome": "failed", "source": "a"}"#, "session_id"),
    (
        r#"{"session_id": "", "outcome": "failed", "source": "a"}"#,
        "session_id",
    ),
    (
        r#"{"session_id": "0000-00", "outcome": "failed", "source": "a"}"#,
        "session_id",
    ),
    (
        r#"{"session_id": 1.5, "outcome": "failed", "source": "a"}"#,
        "session_id",
    ),
    (r#"{"session_id": "s", "source": "a"}"#, "outcome"),
    (
        r#"{"session_id": "s", "outcome": "secret", "source": "a"}"#,
        "outcome",
    ),
    (r#"{"session_id": "s", "outcome": "failed"}"#, "source"),
    (
        r#"{"session_id": "s", "outcome": "failed", "source": "secret one"}"#,
        "source",
    ),
    (
        r#"{"session_id": "s", "outcome": "failed", "source": "a", "value": -1}"#,
        "value",
    ),
    (
        r#"{"session_id": "s", "outcome": "failed", "source": "a", "value": "NaN"}"#,
        "value",
    ),
    (
        r#"{"session_id": "s", "outcome": "failed", "source": "a", "value": 1e13}"#,
        "value",
    ),
    (
        r#"{"session_id": "s", "outcome": "failed", "source": "a", "value": 1, "currency": "GBP"}"#,
        "currency",
    ),
    (
        r#"{"session_id": "s", "outcome": "failed", "source": "a", "time": "secret"}"#,
        "time",
    ),
    (
        r#"{"session_id": "s", "outcome": "failed", "source": "a", "time": 1796040000}"#,
        "time",
    ),
    (
        r#"{"session_id": "s", "outcome": "failed", "source": "a", "time": "2026-11-30T13:00:01Z"}"#,
        "time",
    ),
    (
        r#"{"session_id": "s", "outcome": "failed", "source": "a", "id": []}"#,
        "id",
    ),
    (
        r#"{"session_id": "s", "outcome": "failed", "source": "a", "secret": 1}"#,
        "(unknown)",
    ),
    ("7", "(all)"),
];

#[test]
fn a_fault_names_the_item_and_the_field_and_repeats_nothing() {
    let good = r#"{"session_id": "s", "outcome": "failed", "source": "a"}"#;
    for (bad, field) in FAULTY {
        let fault = read(&format!("[{good},{bad}]"), None).expect_err(bad);
        assert_eq!((fault.item, fault.field), (Some(2), *field), "{bad}");
        assert!(!fault.to_string().contains("secret"), "{fault}");
        assert!(fault.to_string().starts_with("item 2, field "), "{fault}");
    }
    for body in ["", "x", "[{]", "{} {}", "\u{feff}{}"] {
        let fault = read(body, None).expect_err(body);
        assert_eq!(fault.item, None, "{body}");
    }
}
