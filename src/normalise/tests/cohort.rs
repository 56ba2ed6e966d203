//! What may be a cohort, and which of several names for one thing counts.

use super::{group, kept};
use crate::normalise::*;
use crate::otlp::view::Value;

/// The event of a span with these attributes, for an operator of these names.
fn event(pairs: &[(&str, Value<'static>)]) -> Event {
    let settings = Settings {
        tenant_attributes: vec!["org.id".into(), "account".into()],
        intent_attributes: vec!["intent".into(), "topic".into()],
        dimensions: vec![vec!["tier".into(), "plan".into()]],
        ..Settings::default()
    };
    let group = group("app", "x", &[], |span| {
        for (key, value) in pairs {
            span.attributes.push(kept(key), value.clone());
        }
    });
    let normaliser = Normaliser::new(settings, Arc::new(PriceBook::default()));
    *normaliser
        .normalise(&group, &mut Scratch::default())
        .remove(0)
}

fn text(text: &str) -> Value<'static> {
    Value::Str(kept(text))
}

#[test]
fn a_cohort_has_sixty_four_bytes_at_most_and_may_be_a_flag_or_a_number() {
    let tier = |value| {
        let cohort = event(&[("tier", value)]).context.cohort.clone();
        cohort.first().map(|(_, name)| name.to_string())
    };
    let longest = "x".repeat(64);
    let longer = format!("{longest}x");
    for (value, expected) in [
        (text(" gold "), Some("gold")),
        (text(&longest), Some(&*longest)),
        (text(&longer), Some("other")),
        (Value::Bool(true), Some("true")),
        (Value::Int(7), Some("7")),
        (Value::Double(1.5), Some("1.5")),
        (Value::Array(vec![text("gold")]), Some("gold")),
        (Value::Array(vec![text("gold"), text("free")]), None),
        (text(" "), None),
    ] {
        assert_eq!(tier(value.clone()).as_deref(), expected, "{value:?}");
    }
}

#[test]
fn an_earlier_name_of_the_operator_goes_before_a_later_one() {
    let found = |pairs: &[(&str, Value<'static>)]| {
        let event = event(pairs);
        let cohort = event.context.cohort.first().map(|(_, name)| name.clone());
        [
            event.context.tenant.clone(),
            event.context.intent.clone(),
            cohort,
        ]
        .map(|name| name.map(|name| name.to_string()))
    };
    let some = |names: [&str; 3]| names.map(|name| Some(name.to_owned()));
    let pairs = |keys: [&'static str; 3]| keys.map(|key| (key, text(key)));
    let first = ["org.id", "intent", "tier"];
    let second = ["account", "topic", "plan"];
    // Whatever the order on the span.
    let (one, other) = (pairs(first), pairs(second));
    assert_eq!(found(&[one.clone(), other.clone()].concat()), some(first));
    assert_eq!(found(&[other.clone(), one].concat()), some(first));
    assert_eq!(found(&other), some(second));
}

#[test]
fn a_key_of_more_than_ninety_six_bytes_names_nothing() {
    let found = |marks: usize| {
        let key = format!("{}tier", "_".repeat(marks));
        !event(&[(&key, text("gold"))]).context.cohort.is_empty()
    };
    assert!(found(92) && !found(93));
}
