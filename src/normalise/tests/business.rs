//! Known answers of the business context.

use crate::model::cohort::preset;
use crate::normalise::Settings;
use crate::normalise::attribute_filter::AttributeFilter;
use crate::normalise::business::{BusinessContext, of_resource, read};
use crate::normalise::interner::NameInterners;
use crate::otlp::view::{Attributes, Value};
use serde_json::json;

fn attributes(pairs: &[(&'static str, Value<'static>)]) -> Attributes<'static> {
    let pair = |(key, value): &(&'static str, Value<'static>)| (*key, value.clone());
    pairs.iter().map(pair).collect()
}

fn text(text: &'static str) -> Value<'static> {
    Value::Str(text)
}

fn settings() -> Settings {
    let own = |name: &str| {
        preset(name)
            .expect("a preset")
            .iter()
            .map(|a| (*a).into())
            .collect()
    };
    Settings {
        tenant_attributes: vec!["org.id".into()],
        intent_attributes: own("intent"),
        dimensions: vec![own("tier"), vec!["region".into()]],
        ..Settings::default()
    }
}

fn of(
    span: &[(&'static str, Value<'static>)],
    resource: &[(&'static str, Value<'static>)],
) -> BusinessContext {
    {
        let filter = AttributeFilter::new(&settings(), &[]);
        let resource = attributes(resource);
        let span = attributes(span);
        let around = of_resource(&resource, &filter);
        read(&span, &[], &around, &NameInterners::default())
    }
}

fn shown(context: &BusinessContext) -> (Option<&str>, Option<f64>, Vec<(u8, &str)>) {
    let cohort = context.cohort.iter().map(|(i, v)| (*i, &**v)).collect();
    (
        context.intent.as_deref(),
        context.value.as_ref().map(|value| value.amount),
        cohort,
    )
}

#[test]
fn every_spelling_of_the_sdks_is_one_name() {
    for (intent, value, tier) in [
        ("intent", "transaction.value", "customer.tier"),
        ("app.intent", "app.transaction.value", "app.customer.tier"),
        (
            "traceloop.association.properties.intent",
            "traceloop.association.properties.transaction.value",
            "traceloop.association.properties.customer.tier",
        ),
        (
            "ai.telemetry.metadata.intent",
            "ai.telemetry.metadata.transactionValue",
            "ai.telemetry.metadata.customerTier",
        ),
        (
            "mastra.metadata.intent",
            "mastra.metadata.transactionValue",
            "mastra.metadata.customerTier",
        ),
        (
            "ai.settings.context.intent",
            "ai.settings.context.transactionValue",
            "ai.settings.context.customer_tier",
        ),
    ] {
        let context = of(
            &[
                (intent, text("refund")),
                (value, Value::Double(49.99)),
                (tier, text(" gold ")),
            ],
            &[],
        );
        let expected = (Some("refund"), Some(49.99), vec![(0, "gold")]);
        assert_eq!(shown(&context), expected, "{intent}");
    }
}

#[test]
fn a_name_is_one_in_capitals_and_small_letters_up_to_its_last_sign() {
    for (said, key) in [
        ("area", "AREA"),
        ("LOBBY", "lobby"),
        ("zz", "Zz"),
        ("line.09", "LINE_09"),
        ("line_9b", "line9B"),
        ("9", "_9"),
    ] {
        let settings = Settings {
            dimensions: vec![vec![said.into()]],
            ..Settings::default()
        };
        let (filter, none) = (AttributeFilter::new(&settings, &[]), attributes(&[]));
        let span = attributes(&[(key, text("here"))]);
        let context = read(
            &span,
            &[],
            &of_resource(&none, &filter),
            &NameInterners::default(),
        );
        assert_eq!(shown(&context).2, [(0, "here")], "{said}: {key}");
    }
}

#[test]
fn the_span_goes_before_its_metadata_and_the_metadata_before_the_resource() {
    let span = attributes(&[("tier", text("span"))]);
    let metadata = [json!({"customer.tier": "metadata", "region": "eu", "transaction.value": 5})];
    let resource = attributes(&[
        ("customer.tier", text("resource")),
        ("region", text("resource")),
        ("org.id", Value::Int(7)),
    ]);
    let filter = AttributeFilter::new(&settings(), &[]);
    let around = of_resource(&resource, &filter);
    let context = read(
        &span,
        &crate::normalise::declared::entries(&metadata),
        &around,
        &NameInterners::default(),
    );
    assert_eq!(
        shown(&context),
        (None, Some(5.0), vec![(0, "span"), (1, "eu")])
    );
    assert_eq!(context.tenant.as_deref(), Some("7"));
}

#[test]
fn a_text_is_no_cohort_and_an_absurd_number_is_no_value() {
    let long = "a customer who wrote a whole sentence where a short word was filter for";
    let context = of(&[("tier", text(long)), ("region", text("a\nb"))], &[]);
    assert_eq!(shown(&context).2, [(0, "other"), (1, "other")]);
    for value in [
        Value::Double(f64::NAN),
        Value::Double(-1.0),
        Value::Double(1e300),
        text("many"),
        text(""),
    ] {
        let context = of(&[("order.value", value.clone())], &[]);
        assert!(context.value.is_none(), "{value:?}");
    }
}

#[test]
fn the_currency_of_a_value_may_stand_anywhere_beside_it() {
    let value = |span: &[(&'static str, Value<'static>)],
                 resource: &[(&'static str, Value<'static>)]| {
        let value = of(span, resource).value.expect("a value");
        (value.amount, value.currency)
    };
    let twenty = ("order.value", Value::Int(20));
    let euros = [("app.order.currency", text("EUR"))];
    let pounds = ("order.currency", text("GBP"));
    let alone = [twenty.clone()];
    let beside = [twenty.clone(), euros[0].clone()];
    let nearer = [twenty, pounds];
    assert_eq!(value(&alone, &[]), (20.0, None));
    assert_eq!(value(&beside, &[]), (20.0, Some("EUR".into())));
    assert_eq!(value(&alone, &euros), (20.0, Some("EUR".into())));
    assert_eq!(value(&nearer, &euros), (20.0, Some("GBP".into())));
    let dollars = ("transaction.value.usd", Value::Int(7));
    assert_eq!(value(&[dollars], &[]), (7.0, Some("USD".into())));
}

#[test]
fn what_is_declared_of_a_handoff_is_an_evaluation() {
    let declared = |pairs: &[(&'static str, Value<'static>)]| {
        let attributes = attributes(pairs);
        let evaluations = crate::normalise::evaluation::retention(&attributes);
        let shown = evaluations.map(|e| (e.name.to_string(), e.score));
        shown.collect::<Vec<_>>()
    };
    let both = [
        ("gen_ai.handoff.context_retention", Value::Double(0.25)),
        ("handoff.intent_retention", Value::Int(1)),
    ];
    let expected = [
        ("context_retention".to_owned(), Some(0.25)),
        ("intent_retention".to_owned(), Some(1.0)),
    ];
    assert_eq!(declared(&both), expected);
    let absurd = [("app.intent_retention", Value::Double(7.0))];
    assert_eq!(declared(&absurd), []);
}

/// Names fall on the same place of what is remembered around the spans of one resource; each is still itself.
#[test]
fn a_name_that_was_met_is_not_taken_for_another() {
    let filter = AttributeFilter::new(&settings(), &[]);
    let resource = Attributes::default();
    let names: Vec<String> = (0..1000).map(|i| format!("n{i}.tier")).collect();
    let names = names.iter().flat_map(|name| [name, "customer.tier"]);
    let spans: Vec<Attributes<'_>> = names
        .map(|name| [(name, text("gold"))].into_iter().collect())
        .collect();
    let around = of_resource(&resource, &filter);
    let names = NameInterners::default();
    let tier = |span| read(span, &[], &around, &names).cohort.len();
    let tiers = spans.iter().map(tier);
    let expected = [0, 1].into_iter().cycle().take(spans.len());
    assert!(tiers.eq(expected));
}
