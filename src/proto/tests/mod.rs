//! What is stored comes back as it was.

use crate::model::compact::{CowArc, OptionBox};
use crate::model::evaluation::Evaluation;
use crate::model::event::*;
use crate::model::ids::Link;
use crate::model::ids::{PartitionKey, SpanId, TenantScoped, TraceId};
use crate::model::record::{Contact, Entry, Frame, LinkAnswer, LinkQuestion, Origin, Record};
use crate::model::sampling::Threshold;
use crate::model::sketch::{Content, Sketch};
use crate::model::time::Timestamp;
use crate::model::{List, list};
use crate::proto::{Invalid, StoredFrame, v1};
use prost::Message;

const PAUSES: [Option<Pause>; 5] = [
    None,
    Some(Pause::Waits),
    Some(Pause::Resumes),
    Some(Pause::MayWait),
    Some(Pause::Asks),
];

fn trace(n: u8) -> TraceId {
    TraceId::new(&[n; 16]).expect("not zero")
}

fn span(n: u8) -> SpanId {
    SpanId::new(&[n; 8]).expect("not zero")
}

fn requests() -> List<HandoffRequest> {
    let targets = [Target::Agent("b".into()), Target::Human, Target::Unknown];
    let request = |target| HandoffRequest {
        target,
        call_id: Some("c".into()),
    };
    targets.map(request).into()
}

/// Every kind, each field with a value of its own.
fn kinds() -> Vec<Kind> {
    let usage = Usage {
        input: 5,
        output: 4,
        cache_read: Some(0),
        cache_write: None,
        reasoning: Some(3),
    };
    let costs = [
        Cost::Declared(0.5),
        Cost::Computed(0.25),
        Cost::Unpriced,
        Cost::Unknown,
    ];
    let mut kinds: Vec<Kind> = costs
        .into_iter()
        .map(|cost| {
            Kind::Model(Box::new(ModelCall {
                operation: Operation::Embeddings,
                provider: Some("p".into()),
                model: Some("m".into()),
                usage: Some(usage),
                cost,
                cache_savings: Some(-0.5),
                first_token_seconds: Some(0.125),
                requests: requests(),
                answered: Some(false),
                is_agent: true,
                failed: true,
                instrumentation: 77,
                usage_is_cumulative: true,
                response: Some(9),
                asked_tools: 3,
                continues: Some(false),
            }))
        })
        .collect();
    kinds.extend([
        Kind::Structure,
        Kind::Workflow,
        Kind::Agent { inferred: true },
        Kind::Agent { inferred: false },
        Kind::Model(Box::default()),
        Kind::Tool(ToolCall {
            name: "t".into(),
            call_id: Some("c".into()),
            hands_to: Some(Target::Human),
            does_work: true,
            delegates: true,
            failed: true,
        }),
        Kind::Handoff(HandoffSpan {
            from: Some("a".into()),
            to: Target::Unknown,
            delegates: true,
            failed: true,
        }),
        Kind::Retrieval {
            source: Some("kb".into()),
        },
        Kind::Note(7),
        Kind::Guardrail { triggered: true },
    ]);
    kinds
}

/// Each field with a value of its own.
fn rare(number: usize) -> RareFields {
    RareFields {
        links: list![Link {
            trace: trace(4),
            span: span(5),
        }],
        threshold: Threshold::new(8),
        unknown_outcome: Some("won".into()),
        unconverted: Some("EUR".into()),
        outcome: Some(OutcomeEvidence {
            outcome: Outcome::Escalated,
        }),
        evaluations: list![Evaluation {
            name: "e".into(),
            score: Some(0.5),
            label: Some("good".into()),
            by_record: false,
        }],
        requests: requests(),
        refused: requests(),
        remote_parent: true,
        agent_id: Some("a-1".into()),
        caller: Some("c".into()),
        pause: PAUSES[number % PAUSES.len()],
        cancelled: true,
        is_exchange: true,
        totals: Some(Box::new(RunTotals {
            provider: Some("p".into()),
            model: Some("m".into()),
            usage: Some(Usage {
                input: 6,
                ..Usage::default()
            }),
            cost: Cost::Declared(0.75),
        })),
        about: Some(10),
        handoff_basis: Basis::ALL[number % 3],
        delegate_returned: true,
        is_beside: true,
    }
}

/// One event of every kind, each field with a value of its own.
fn events() -> Vec<Event> {
    let sketch = |to: u32| Some((0..to).collect::<Sketch>());
    let context = CowArc::new(SpanContext {
        session: Some(SessionHint {
            id: "s".into(),
            source: SessionSource::Resource,
        }),
        user: Some("u".into()),
        tenant: Some("t".into()),
        has_authenticated_tenant: true,
        intent: Some("i".into()),
        cohort: list![(0, "gold".into()), (3, "web".into())],
        value_usd: Some(12.5),
        workflow_id: Some("id".into()),
    });
    kinds()
        .into_iter()
        .enumerate()
        .map(|(number, kind)| Event {
            trace: trace(1),
            span: span(2),
            parent: Some(span(3)),
            start: Timestamp(6),
            end: Timestamp(7),
            error: true,
            agent: Some("a".into()),
            workflow: Some("w".into()),
            kind,
            content: Some(Box::new(Content {
                input: sketch(200),
                output: sketch(3),
                asked: None,
            })),
            // Some in a row share theirs, and some have none.
            context: match number % 4 {
                3 => CowArc::default(),
                _ => context.clone(),
            },
            rare: OptionBox::new(rare(number)),
        })
        .collect()
}

/// What a session held that met another one.
fn adopted() -> Vec<u8> {
    let held = v1::Conversation {
        counted: true,
        opened: 5,
        ..v1::Conversation::default()
    };
    held.encode_to_vec()
}

#[test]
fn a_damaged_state_that_a_session_is_to_take_over_is_refused() {
    let read = |state: &[u8]| {
        let frame = Frame::of(
            [(
                0,
                Entry {
                    key: PartitionKey::Trace(trace(1)),
                    record: Record::MergeState(state.into()),
                },
            )],
            Timestamp(8),
            None,
        );
        let bytes = crate::proto::frame(&frame);
        let read = StoredFrame::read(bytes)?.delivery(0, 1)?;
        let delivery = frame.deliveries(1).next().map(|(_, delivery)| delivery);
        assert_eq!(read, delivery);
        Ok(())
    };
    let whole = adopted();
    assert_eq!(read(&whole), Ok(()));
    assert_eq!(read(&whole[..whole.len() - 1]), Err(Invalid("adopt")));
    assert_eq!(read(&[1, 2, 3]), Err(Invalid("adopt")));
}

/// What keys tell each other because of links, and where sessions met.
fn linked() -> [Record; 4] {
    let of = |id: &str| {
        PartitionKey::Session(TenantScoped {
            tenant: Some("t".into()),
            id: id.into(),
        })
    };
    let (steps, span, by) = (2, Some(span(3)), Some(trace(4)));
    [
        Record::ResolveSession(trace(2), LinkQuestion { steps, span }),
        Record::SessionResolved(of("f"), LinkAnswer { steps, by }),
        Record::MergeState(adopted().into()),
        Record::Release(trace(3), of("r")),
    ]
}

#[test]
fn a_frame_comes_back_as_it_was() {
    let scoped = |id: &str| TenantScoped {
        tenant: Some("t".into()),
        id: id.into(),
    };
    let contact = Contact {
        workflow: "w".into(),
        intent: Some("i".into()),
        outcome: Outcome::Abandoned,
        start: Timestamp(1),
        end: Timestamp(2),
        trace: trace(9),
        cohort: [(1, "gold".into())].iter().collect(),
        threshold: Threshold::new(5),
    };
    let mut entries: Vec<Entry> = events()
        .into_iter()
        .map(|event| Entry {
            key: PartitionKey::Session(scoped("s")),
            record: Record::Event(Box::new(event)),
        })
        .collect();
    entries.push(Entry {
        key: PartitionKey::Trace(trace(1)),
        record: Record::Bind(PartitionKey::Session(TenantScoped {
            tenant: None,
            id: "s".into(),
        })),
    });
    entries.extend(linked().map(|record| Entry {
        key: PartitionKey::Trace(trace(1)),
        record,
    }));
    entries.push(Entry {
        key: PartitionKey::TenantTrace("t".into(), trace(1)),
        record: Record::Bind(PartitionKey::TenantTrace("u".into(), trace(2))),
    });
    entries.push(Entry {
        key: PartitionKey::User(scoped("u")),
        record: Record::Contact(Box::new(contact)),
    });
    let frame = Frame {
        arrival: Timestamp(8),
        origin: Some(Origin {
            partition: 1,
            position: 5,
        }),
        parts: vec![(0, entries), (3, Vec::new())],
        restart: Some(Timestamp(9)),
        forget: vec![7, u64::MAX],
    };
    let bytes = crate::proto::frame(&frame);
    let stored = v1::Frame::decode(bytes.as_slice()).expect("a frame");
    assert_eq!(stored.encode_to_vec(), bytes, "as prost would write it");
    let read = StoredFrame::read(bytes).expect("a frame");
    assert_eq!(read.origin(), frame.origin);
    assert_eq!(read.delivery(2, 9), Ok(None), "it has no part");
    for (partition, delivery) in frame.clone().deliveries(9) {
        assert_eq!(read.delivery(partition, 9), Ok(Some(delivery)));
    }
}

#[test]
fn great_and_negative_sums_come_back() {
    for number in [0, -1, 1, i128::MAX, i128::MIN, 1 << 64, -(1 << 64) - 7] {
        assert_eq!(i128::from(v1::Int128::from(number)), number);
    }
}
