//! Which amount counts, and in which currency.

use super::{event, group};
use crate::model::event::{Cost, ModelCall};
use crate::model::money::Money;
use crate::model::price::Price;
use crate::model::time::Timestamp;
use crate::normalise::*;

/// The cost of a call for a million tokens at $2, and what its span says beside.
fn cost_in(money: &Money, extra: &[(&str, &str)]) -> (Cost, Option<String>) {
    let (call, unconverted) = call_in(money, extra);
    (call.cost, unconverted)
}

/// Such a call. Reading the cache costs a quarter of the input, and writing it twice as much.
fn call_in(money: &Money, extra: &[(&str, &str)]) -> (ModelCall, Option<String>) {
    let price = Price {
        provider: "p".into(),
        model: "m".into(),
        from: Timestamp(0),
        input: 2.0,
        output: 2.0,
        cache_read: Some(0.5),
        cache_write: Some(4.0),
        reasoning: None,
    };
    let settings = Settings {
        money: money.clone(),
        ..Settings::default()
    };
    let normaliser = Normaliser::new(settings, Arc::new(PriceBook::new(vec![price])));
    let mut attributes = vec![
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.request.model", "m"),
        ("gen_ai.usage.input_tokens", "1000000"),
    ];
    attributes.extend(extra);
    let event = normaliser
        .normalise(
            &group("app", "chat", &attributes, |_| {}),
            &mut Scratch::default(),
        )
        .remove(0);
    let Kind::Model(call) = event.kind else {
        panic!("a call")
    };
    let unconverted = event.rare.unconverted.as_ref();
    (*call, unconverted.map(ToString::to_string))
}

/// C-18.
#[test]
fn what_caching_saved_is_known_where_the_tokens_and_the_price_are() {
    let saved = |money: &Money, extra: &[(&str, &str)]| call_in(money, extra).0.cache_savings;
    let dollars = Money::default();
    let read = ("gen_ai.usage.cache_read.input_tokens", "400000");
    let written = ("gen_ai.usage.cache_creation.input_tokens", "500000");
    assert_eq!(saved(&dollars, &[]), None);
    assert_eq!(saved(&dollars, &[read]), Some(0.6));
    assert_eq!(saved(&dollars, &[read, written]), Some(0.6 - 1.0));
    // A declared cost says nothing of what caching did.
    assert_eq!(
        saved(&dollars, &[read, ("gen_ai.usage.cost", "3")]),
        Some(0.6)
    );
    let euros = Money::new("EUR", [("USD".to_owned(), 0.5)].into());
    assert_eq!(saved(&euros, &[read]), Some(0.3));
}

#[test]
fn what_is_no_amount_declares_none_and_a_total_goes_before_its_parts() {
    let cost = |extra: &[(&str, &str)]| cost_in(&Money::default(), extra).0;
    let parts = [
        ("gen_ai.usage.cost.input", "0.5"),
        ("gen_ai.usage.cost.output", "0.25"),
    ];
    assert_eq!(cost(&[]), Cost::Computed(2.0));
    for broken in ["-1", "NaN", "inf", "1e300", "free"] {
        let total = ("gen_ai.usage.cost", broken);
        assert_eq!(cost(&[total]), Cost::Computed(2.0), "{broken}");
        assert_eq!(cost(&[total, parts[0], parts[1]]), Cost::Declared(0.75));
        let part = ("gen_ai.usage.cost.input", broken);
        assert_eq!(cost(&[part, parts[1]]), Cost::Declared(0.25), "{broken}");
    }
    let total = ("gen_ai.usage.cost.total", "1");
    assert_eq!(cost(&[total, parts[0], parts[1]]), Cost::Declared(1.0));
}

/// C-12.
#[test]
fn a_declared_cost_of_nothing_is_no_price() {
    let cost = |extra: &[(&str, &str)]| cost_in(&Money::default(), extra).0;
    for zero in ["0", "0.0", "-0.0"] {
        for name in ["gen_ai.usage.cost", "llm.cost.total", "operation.cost"] {
            assert_eq!(cost(&[(name, zero)]), Cost::Computed(2.0), "{name} {zero}");
        }
    }
    let parts = [
        ("gen_ai.usage.cost.input", "0"),
        ("gen_ai.usage.cost.output", "0"),
    ];
    assert_eq!(cost(&parts), Cost::Computed(2.0));
    let unknown = ("gen_ai.request.model", "nobody-knows");
    let event = event(
        "app",
        "chat",
        &[
            unknown,
            ("gen_ai.operation.name", "chat"),
            ("gen_ai.usage.cost", "0"),
        ],
    );
    let Kind::Model(call) = event.kind else {
        panic!("a call")
    };
    assert_eq!(call.cost, Cost::Unknown);
}

#[test]
fn a_cost_is_read_under_every_name_that_emitters_give_it() {
    let cost = |extra: &[(&str, &str)]| cost_in(&Money::default(), extra);
    for name in [
        "gen_ai.usage.cost.amount",
        "gen_ai.usage.cost",
        "gen_ai.cost.total_cost",
        "gen_ai.usage.total_cost",
        "operation.cost",
        "llm.usage.cost",
        "response_cost",
        "litellm.response-cost",
    ] {
        assert_eq!(cost(&[(name, "0.05")]).0, Cost::Declared(0.05), "{name}");
    }
    let parts = [
        ("gen_ai.cost.input_cost", "0.5"),
        ("gen_ai.cost.output_cost", "0.25"),
    ];
    assert_eq!(cost(&parts).0, Cost::Declared(0.75));
    // C-11: an object with its own currency.
    let object = r#"{"amount": 4, "currency": "GBP"}"#;
    let foreign = (Cost::Computed(2.0), Some("GBP".to_owned()));
    assert_eq!(cost(&[("gen_ai.usage.cost", object)]), foreign);
    let printed = "{'input': 0.5, 'output': Decimal('0.25')}";
    let told = cost(&[("gen_ai.usage.cost", printed)]);
    assert_eq!(told.0, Cost::Declared(0.75));
}

#[test]
fn a_cost_is_read_from_objects_that_hold_other_things_too() {
    let cost = |extra: &[(&str, &str)]| cost_in(&Money::default(), extra).0;
    for (name, object) in [
        (
            "hidden_params",
            r#"{"model_id": "m", "response_cost": 0.05}"#,
        ),
        (
            "hidden_params",
            "{'response_cost': 0.05, 'cache_key': None}",
        ),
        (
            "ai.response.providerMetadata",
            r#"{"gateway": {"routing": {}, "cost": "0.05"}}"#,
        ),
        (
            "ai.response.providerMetadata",
            r#"{"openrouter": {"usage": {"promptTokens": 5, "cost": 0.05}}}"#,
        ),
        ("langsmith.usage_metadata", r#"{"total_cost": 0.05}"#),
        ("gen_ai.usage", r#"{"prompt_tokens": 5, "cost": 0.05}"#),
    ] {
        let declared = Cost::Declared(0.05);
        assert_eq!(cost(&[(name, object)]), declared, "{object}");
    }
    for object in [
        r#"{"response_cost": 0}"#,
        r#"{"cost": "free"}"#,
        r#"{"costs": 5}"#,
        r#"{"a": {"b": {"c": {"cost": 5}}}}"#,
        "cost",
    ] {
        let found = cost(&[("hidden_params", object)]);
        assert_eq!(found, Cost::Computed(2.0), "{object}");
    }
    let own = ("gen_ai.usage.cost", "0.25");
    let beside = ("hidden_params", r#"{"response_cost": 0.05}"#);
    assert_eq!(cost(&[own, beside]), Cost::Declared(0.25));
}

#[test]
fn money_is_told_in_one_currency_and_without_a_rate_it_is_unknown() {
    let euros = Money::new("EUR", [("USD".to_owned(), 0.5)].into());
    let declared = ("gen_ai.usage.cost", "4");
    let currency = |code| ("gen_ai.usage.cost.currency", code);
    assert_eq!(cost_in(&euros, &[]), (Cost::Computed(1.0), None));
    assert_eq!(cost_in(&euros, &[declared]), (Cost::Declared(2.0), None));
    let own = [declared, currency("eur")];
    assert_eq!(cost_in(&euros, &own), (Cost::Declared(4.0), None));
    // Never taken as dollars: the next evidence counts.
    let foreign = [declared, currency("GBP")];
    let unknown = (Cost::Computed(1.0), Some("GBP".to_owned()));
    assert_eq!(cost_in(&euros, &foreign), unknown);
    // A value beside it may have no rate either.
    let value = [declared, ("order.value", "9"), ("order.currency", "GBP")];
    let told = (Cost::Declared(2.0), Some("GBP".to_owned()));
    assert_eq!(cost_in(&euros, &value), told);
    let no_rate = Money::new("EUR", Default::default());
    let unknown = (Cost::Unpriced, Some("USD".to_owned()));
    assert_eq!(cost_in(&no_rate, &[declared]), unknown);
}

#[test]
fn the_value_of_a_transaction_is_the_operators_currency_unless_it_says_another() {
    let value = |extra: &[(&'static str, &str)]| {
        let event = event("app", "step", extra);
        (
            event.context.value_usd,
            event.rare.unconverted.clone().map(|c| c.to_string()),
        )
    };
    let twenty = ("transaction.value", "20");
    assert_eq!(value(&[twenty]), (Some(20.0), None));
    let currency = |code| ("transaction.currency", code);
    assert_eq!(value(&[twenty, currency("USD")]), (Some(20.0), None));
    let unknown = (None, Some("EUR".to_owned()));
    assert_eq!(value(&[twenty, currency("EUR")]), unknown);
    let nonsense = (None, Some("other".to_owned()));
    assert_eq!(value(&[twenty, currency("some text")]), nonsense);
}
