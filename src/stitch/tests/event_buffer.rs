//! What is kept of events comes back as it was.

use super::*;
use crate::model::sketch::{Content, Sketch};
use crate::stitch::event_buffer::{Added, EventBuffer, fullness};
use proptest::option;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn a_name() -> impl Strategy<Value = Name> {
    prop_oneof![
        // More than are looked through for one that is known.
        (0..90_u8).prop_map(|n| Name::from(format!("name {n}"))),
        Just(Name::from("")),
    ]
}

fn some_name() -> impl Strategy<Value = Option<Name>> {
    option::of(a_name())
}

fn target() -> impl Strategy<Value = Target> {
    prop_oneof![
        a_name().prop_map(Target::Agent),
        Just(Target::Human),
        Just(Target::Unknown),
    ]
}

fn requests() -> impl Strategy<Value = List<HandoffRequest>> {
    let request = (target(), some_name());
    let request = request.prop_map(|(target, call_id)| HandoffRequest { target, call_id });
    prop_oneof![
        3 => Just(List::new()),
        1 => prop::collection::vec(request, 1..3).prop_map(List::from_iter),
    ]
}

fn usage() -> impl Strategy<Value = Usage> {
    let part = || option::of(any::<u64>());
    let parts = (0..9000_u64, any::<u64>(), part(), part(), part());
    parts.prop_map(
        |(input, output, cache_read, cache_write, reasoning)| Usage {
            input,
            output,
            cache_read,
            cache_write,
            reasoning,
        },
    )
}

fn cost() -> impl Strategy<Value = Cost> {
    prop_oneof![
        (0.0..9.0).prop_map(Cost::Declared),
        (0.0..9.0).prop_map(Cost::Computed),
        Just(Cost::Unknown),
        Just(Cost::Unpriced),
    ]
}

fn model_call() -> impl Strategy<Value = ModelCall> {
    let operation = prop_oneof![Just(Operation::Chat), Just(Operation::Embeddings)];
    let names = (some_name(), some_name());
    let numbers = (option::of(usage()), cost(), option::of(0.0..9.0));
    let flags = (any::<[bool; 4]>(), option::of(any::<bool>()), any::<u32>());
    let more = (option::of(any::<u64>()), option::of(any::<bool>()));
    let flags = (flags, more);
    (operation, names, numbers, requests(), flags).prop_map(
        |(operation, (provider, model), numbers, requests, (flags, more))| {
            let (flags, answered, instrumentation) = flags;
            let (usage, cost, first_token_seconds) = numbers;
            let (response, continues) = more;
            let [is_agent, failed, usage_is_cumulative, asked_tools] = flags;
            ModelCall {
                operation,
                provider,
                model,
                usage,
                cost,
                cache_savings: cost.usd().filter(|_| failed).map(|usd| -usd),
                first_token_seconds,
                requests,
                answered,
                is_agent,
                failed,
                instrumentation,
                usage_is_cumulative,
                response,
                asked_tools: u32::from(asked_tools) * 3,
                continues,
            }
        },
    )
}

fn kind() -> impl Strategy<Value = Kind> {
    let tool = (
        a_name(),
        some_name(),
        option::of(target()),
        any::<[bool; 3]>(),
    );
    let tool = tool.prop_map(
        |(name, call_id, hands_to, [does_work, delegates, failed])| ToolCall {
            name,
            call_id,
            hands_to,
            does_work,
            delegates,
            failed,
        },
    );
    let handoff = (some_name(), target(), any::<[bool; 2]>());
    let handoff = handoff.prop_map(|(from, to, [delegates, failed])| HandoffSpan {
        from,
        to,
        delegates,
        failed,
    });
    prop_oneof![
        Just(Kind::Structure),
        Just(Kind::Workflow),
        any::<bool>().prop_map(|inferred| Kind::Agent { inferred }),
        model_call().prop_map(|call| Kind::Model(Box::new(call))),
        tool.prop_map(Kind::Tool),
        handoff.prop_map(Kind::Handoff),
        some_name().prop_map(|source| Kind::Retrieval { source }),
        (0..3_u64).prop_map(Kind::Note),
        any::<bool>().prop_map(|triggered| Kind::Guardrail { triggered }),
    ]
}

/// More contexts than are looked through for one that is known.
fn context() -> impl Strategy<Value = CowArc<SpanContext>> {
    let context = |n: u8| SpanContext {
        session: (!n.is_multiple_of(5)).then(|| SessionHint {
            id: Name::from(format!("{}", n % 5)),
            source: [SessionSource::Span, SessionSource::Resource][usize::from(n % 2)],
        }),
        value_usd: (!n.is_multiple_of(3)).then_some(f64::from(n)),
        ..SpanContext::default()
    };
    (0..15_u8).prop_map(move |n| CowArc::new(context(n)))
}

fn rare() -> impl Strategy<Value = OptionBox<RareFields>> {
    let some =
        (some_name(), requests(), option::of(1..9_u64)).prop_map(|(unconverted, refused, link)| {
            RareFields {
                unknown_outcome: unconverted.clone(),
                unconverted,
                refused,
                links: List::from_iter(link.map(|n| Link {
                    trace: trace(9),
                    span: span(n),
                })),
                ..RareFields::default()
            }
        });
    prop_oneof![3 => Just(RareFields::default()), 1 => some].prop_map(OptionBox::new)
}

fn content() -> impl Strategy<Value = Option<Box<Content>>> {
    let sketch = || prop::collection::vec(any::<u32>(), 1..5).prop_map(Sketch::from_iter);
    let content = (sketch(), option::of(sketch())).prop_map(|(input, asked)| Content {
        input: Some(input),
        output: None,
        asked,
    });
    option::weighted(0.2, content.prop_map(Box::new))
}

fn an_event() -> impl Strategy<Value = Event> {
    let ids = (1..9_u64, option::of(1..9_u64));
    // Spans that end before they begin come too.
    let times = (any::<u64>(), any::<u64>());
    let says = (any::<bool>(), some_name(), some_name());
    let parts = (kind(), content(), context(), rare());
    (ids, times, says, parts).prop_map(
        |((id, parent), (start, end), (error, agent, workflow), (kind, content, context, rare))| {
            Event {
                trace: trace(1),
                span: span(id),
                parent: parent.map(span),
                start: Timestamp(start),
                end: Timestamp(end),
                error,
                agent,
                workflow,
                kind,
                content,
                context,
                rare,
            }
        },
    )
}

proptest! {
    #[test]
    fn the_order_of_versions_makes_no_difference(
        events in prop::collection::vec(an_event(), 0..20),
        seed in any::<u64>(),
    ) {
        let add = |events: &[Event]| {
            let mut kept = EventBuffer::new(trace(1));
            for event in events.iter().filter(|event| !matches!(event.kind, Kind::Note(_))) {
                kept.add(event.clone());
            }
            (kept.is_complete_with(|_| false), kept.is_agentic(), kept.interval(), kept.into_events().collect::<Vec<_>>())
        };
        let mut other = events.clone();
        other.rotate_left(seed as usize % events.len().max(1));
        prop_assert_eq!(add(&events), add(&other));
        other.reverse();
        prop_assert_eq!(add(&events), add(&other));
    }

    #[test]
    fn what_is_kept_comes_back_in_the_order_of_its_ids(
        events in prop::collection::vec(an_event(), 0..40),
    ) {
        let mut kept = EventBuffer::new(trace(1));
        let mut first: BTreeMap<_, &Event> = BTreeMap::new();
        for event in &events {
            let note = match event.kind {
                Kind::Note(id) => Some(id),
                _ => None,
            };
            // Spans come before all notes.
            let key = (note.is_some(), event.span, note);
            let expected = match first.get(&key) {
                None => Added::New,
                // C-10: of two versions the one that ends last is kept, and the stored form decides between equal ends.
                Some(known) if note.is_none() && fullness(event) > fullness(known) => {
                    Added::Replaced
                }
                Some(_) => Added::Known,
            };
            prop_assert_eq!(kept.add(event.clone()), expected);
            if expected != Added::Known {
                first.insert(key, event);
            }
        }
        prop_assert_eq!(kept.len(), first.len());
        let spans: Vec<&&Event> = first
            .iter()
            .filter_map(|((is_note, ..), event)| (!is_note).then_some(event))
            .collect();
        let has = |id: SpanId| spans.iter().any(|event| event.span == id);
        // All versions of a span count for its parents and its time. Of a note the first one is kept.
        let is_note = |event: &&Event| matches!(event.kind, Kind::Note(_));
        let notes = first.values().copied().filter(is_note);
        let all: Vec<&Event> = events.iter().filter(|event| !is_note(event)).chain(notes).collect();
        prop_assert_eq!(
            kept.is_complete_with(|_| false),
            all.iter().all(|event| event.parent.is_none_or(has))
        );
        let versions: Vec<&Event> = match spans.is_empty() {
            true => all,
            false => all.into_iter().filter(|event| !is_note(event)).collect(),
        };
        prop_assert_eq!(
            kept.is_agentic(),
            versions.iter().any(|event| event.kind.is_agentic())
        );
        let start = versions.iter().map(|event| event.start).min().unwrap_or(Timestamp::MAX);
        let end = versions.iter().map(|event| event.end).max().unwrap_or_default();
        prop_assert_eq!(kept.interval(), (start, end));
        for context in first.values().map(|event| &event.context) {
            prop_assert!(kept.contexts().contains(context));
        }
        let links = |rare: &OptionBox<RareFields>| rare.links.len();
        prop_assert_eq!(
            kept.rare().iter().map(links).sum::<usize>(),
            first.values().map(|event| links(&event.rare)).sum::<usize>()
        );
        let again: Vec<Event> = kept.clone().into_events().collect();
        let expected: Vec<Event> = first.into_values().cloned().collect();
        prop_assert_eq!(&again, &expected);
        prop_assert_eq!(kept.into_events().collect::<Vec<Event>>(), expected);
    }
}
