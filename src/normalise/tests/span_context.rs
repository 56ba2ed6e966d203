//! What a span says of its case does not depend on the spans before it, whose cases are shared where they say the same.

use crate::model::ids::SpanId;
use crate::model::ids::TraceId;
use crate::model::time::Timestamp;
use crate::normalise::*;
use crate::otlp::view::{Span, Status, Value};
use proptest::prelude::*;

fn normaliser() -> Normaliser {
    let settings = Settings {
        session_attributes: vec!["desk.context".into(), "gen_ai.response.id".into()],
        user_attributes: vec!["desk.caller".into()],
        tenant_attributes: vec!["org.id".into()],
        intent_attributes: vec!["intent".into()],
        dimensions: vec![vec!["tier".into()], vec!["gen_ai.request.model".into()]],
        ..Settings::default()
    };
    Normaliser::new(settings, Arc::new(PriceBook::default()))
}

/// Attributes that say something of a case, each in its own way, and some that say nothing of it.
const NAMES: &[&str] = &[
    "desk.context",
    "gen_ai.response.id",
    "gen_ai.conversation.id",
    "session.id",
    "mastra.metadata.sessionId",
    "metadata",
    "desk.caller",
    "user.id",
    "mastra.metadata.userId",
    "org.id",
    "app.intent",
    "customer.tier",
    "app.tier",
    "gen_ai.request.model",
    "order.value",
    "order.currency",
    "transaction.value.usd",
    "workflow.id",
    "gen_ai.operation.name",
    "server.address",
];

fn value(number: u8) -> Value<'static> {
    match number {
        0 => Value::Str("one"),
        1 => Value::Str("two"),
        2 => Value::Int(7),
        3 => Value::Double(7.5),
        4 => Value::Str(r#"{"session_id": "m", "tier": "gold", "user_id": 5, "intent": "refund"}"#),
        _ => Value::Str(r#"{"sessionId": "n", "tier": "free"}"#),
    }
}

type Said = Vec<(usize, u8)>;

fn spans(said: &[Said]) -> ScopeBatch<'static> {
    let span = |said: &Said| Span {
        trace: TraceId::new(&[1; 16]).expect("not zero"),
        id: SpanId::new(&[1; 8]).expect("not zero"),
        parent: None,
        threshold: None,
        caller: crate::otlp::view::Caller::default(),
        name: "step",
        start: Timestamp(1),
        end: Timestamp(2),
        status: Status::Unset,
        status_message: "",
        attributes: said.iter().map(|(n, v)| (NAMES[*n], value(*v))).collect(),
        events: Vec::new(),
        links: Vec::new(),
    };
    ScopeBatch {
        spans: said.iter().map(span).collect(),
        ..ScopeBatch::default()
    }
}

proptest! {
    #[test]
    fn the_case_of_a_span_is_its_own(
        said in prop::collection::vec(
            prop::collection::vec((0..NAMES.len(), 0..6_u8), 0..4),
            1..4,
        ),
        order in prop::collection::vec(0..3_usize, 1..8),
    ) {
        // The same few come again and again, next to each other or not.
        let said: Vec<Said> = order.iter().map(|i| said[i % said.len()].clone()).collect();
        let together = normaliser().normalise(&spans(&said), &mut Scratch::default());
        for (said, event) in said.iter().zip(&together) {
            let alone = normaliser().normalise(&spans(std::slice::from_ref(said)), &mut Scratch::default());
            prop_assert_eq!(&alone[0], event, "{:?}", said);
        }
    }
}

#[test]
fn spans_that_say_the_same_of_their_case_share_it() {
    let gold: Said = vec![(2, 0), (12, 1), (18, 0)];
    let same: Said = vec![(2, 0), (12, 1), (18, 1), (19, 1)];
    let other: Said = vec![(2, 0), (12, 0)];
    let events = normaliser().normalise(
        &spans(&[gold, same.clone(), other, same]),
        &mut Scratch::default(),
    );
    let shares = |a: usize, b: usize| events[a].context.is(&events[b].context);
    assert!(shares(0, 1));
    assert!(!shares(1, 2) && !shares(2, 3));
    assert_eq!(events[0].context, events[3].context);
}
