//! Sessions of sessions: services, agents and tools that each name, or do not name, a session of their own are one session,
//! one turn and one handoff, and what several of them report counts once.

use super::recording_settings;
use crate::engine::Offline;
use crate::ingest::Recording;
use crate::model::ids::Link;
use crate::model::ids::{SpanId, TraceId};
use crate::model::metric::{Family, Point};
use crate::model::time::Timestamp;
use crate::normalise::{self, Normaliser};
use crate::otlp::view::{ScopeBatch, Span, SpanSink, Status, Value};
use std::sync::Arc;

/// A span that links to one of another trace: the span, then the other trace and span.
type Linked<'a> = (SpanSketch<'a>, (u8, u8));

/// A span: its trace, its id and its parent's (0: none), its start and end in milliseconds, its attributes.
type SpanSketch<'a> = (u8, u8, u8, (u64, u64), &'a [(&'static str, &'static str)]);

fn span(&(trace, id, parent, (start, end), pairs): &SpanSketch<'_>) -> Span<'static> {
    let pairs = pairs.iter();
    let id_of = |id: u8| SpanId::new(&[id; 8]);
    Span {
        trace: TraceId::new(&[trace; 16]).expect("not zero"),
        id: id_of(id).expect("not zero"),
        parent: id_of(parent).filter(|_| parent != 0),
        threshold: None,
        caller: crate::otlp::view::Caller::default(),
        name: "step",
        start: Timestamp(start * 1_000_000),
        end: Timestamp(end * 1_000_000),
        status: Status::Unset,
        status_message: "",
        attributes: pairs
            .map(|(key, value)| ((*key), Value::Str(value)))
            .collect(),
        events: Vec::new(),
        links: Vec::new(),
    }
}

/// What comes of spans: sessions, turns, handoffs, tool calls.
fn counts(told: &[SpanSketch<'_>], partitions: usize) -> [f64; 4] {
    counts_linked(told, &[], partitions)
}

fn counts_linked(told: &[SpanSketch<'_>], linked: &[Linked<'_>], partitions: usize) -> [f64; 4] {
    let families = families(told, linked, partitions);
    [
        "baton_sessions_total",
        "baton_turns_total",
        "baton_handoffs_total",
        "baton_tool_calls_total",
    ]
    .map(|name| total(&families, name))
}

fn families(told: &[SpanSketch<'_>], linked: &[Linked<'_>], partitions: usize) -> Vec<Family> {
    let link = |(told, (trace, id)): &Linked<'_>| Span {
        links: vec![Link {
            trace: TraceId::new(&[*trace; 16]).expect("not zero"),
            span: SpanId::new(&[*id; 8]).expect("not zero"),
        }],
        ..span(told)
    };
    let settings = recording_settings(partitions);
    let normaliser = Normaliser::new(normalise::Settings::default(), Arc::default());
    let mut recording = Recording::new(normaliser);
    recording.add(&ScopeBatch {
        spans: told
            .iter()
            .map(span)
            .chain(linked.iter().map(link))
            .collect(),
        ..ScopeBatch::default()
    });
    Offline::new(&settings).replay(recording.into_frames(partitions))
}

fn total(families: &[Family], name: &str) -> f64 {
    let family = families.iter().find(|family| family.name == name);
    let series = family.expect("a metric").series.iter();
    let values = series.map(|series| match &series.point {
        Point::Counter { value, .. } => *value,
        _ => 0.0,
    });
    values.sum()
}

const BOSS: &[(&str, &str)] = &[
    ("gen_ai.operation.name", "invoke_agent"),
    ("gen_ai.agent.name", "boss"),
    ("session.id", "A"),
];
const HELPER: &[(&str, &str)] = &[
    ("gen_ai.operation.name", "invoke_agent"),
    ("gen_ai.agent.name", "helper"),
];
const HELPER_OF_B: &[(&str, &str)] = &[
    ("gen_ai.operation.name", "invoke_agent"),
    ("gen_ai.agent.name", "helper"),
    ("session.id", "B"),
];
const HELPER_OF_A: &[(&str, &str)] = &[
    ("gen_ai.operation.name", "invoke_agent"),
    ("gen_ai.agent.name", "helper"),
    ("session.id", "A"),
];
const CHAT: &[(&str, &str)] = &[("gen_ai.operation.name", "chat")];
const TOOL: &[(&str, &str)] = &[
    ("gen_ai.operation.name", "execute_tool"),
    ("gen_ai.tool.name", "search"),
    ("gen_ai.tool.call.id", "call-1"),
];
/// What the client and the server of MCP write: another span of the same call.
const MCP: &[(&str, &str)] = &[
    ("gen_ai.operation.name", "execute_tool"),
    ("gen_ai.tool.name", "search"),
    ("mcp.method.name", "tools/call"),
    ("mcp.session.id", "transport"),
];
/// The same by a server that is told the session, in baggage say.
const MCP_OF_A: &[(&str, &str)] = &[
    ("gen_ai.operation.name", "execute_tool"),
    ("gen_ai.tool.name", "search"),
    ("mcp.method.name", "tools/call"),
    ("session.id", "A"),
];

#[test]
fn one_business_session_is_one_whatever_its_parts_call_themselves() {
    let boss: SpanSketch<'_> = (1, 1, 0, (0, 1000), BOSS);
    let ask: SpanSketch<'_> = (1, 2, 1, (10, 100), CHAT);
    let answer: SpanSketch<'_> = (1, 3, 1, (900, 990), CHAT);
    let call: SpanSketch<'_> = (1, 4, 1, (150, 850), &[]);
    let scenes: &[(&str, &[SpanSketch<'_>], [f64; 4])] = &[
        (
            "an agent called over A2A in the same trace, with a session of its own",
            &[
                (1, 5, 4, (200, 800), HELPER_OF_B),
                (1, 6, 5, (210, 790), CHAT),
            ],
            [1.0, 1.0, 1.0, 0.0],
        ),
        (
            "another service in the same trace that names no session",
            &[(1, 5, 4, (200, 800), HELPER), (1, 6, 5, (210, 790), CHAT)],
            [1.0, 1.0, 1.0, 0.0],
        ),
        (
            "an agent with a trace of its own in the same session",
            &[
                (2, 5, 0, (200, 800), HELPER_OF_A),
                (2, 6, 5, (210, 790), CHAT),
            ],
            [1.0, 1.0, 1.0, 0.0],
        ),
        (
            "a tool call that agent, MCP client and MCP server report",
            &[
                (1, 5, 4, (200, 800), TOOL),
                (1, 6, 5, (210, 790), MCP),
                (1, 7, 6, (220, 780), MCP),
            ],
            [1.0, 1.0, 0.0, 1.0],
        ),
        (
            "the same beside the agent's own span, as instrumentations of another process do",
            &[
                (1, 5, 4, (200, 800), TOOL),
                (1, 6, 5, (210, 790), &[]),
                (1, 7, 6, (220, 780), MCP),
            ],
            [1.0, 1.0, 0.0, 1.0],
        ),
        (
            "an MCP server in a trace of its own that names the session",
            &[(1, 5, 4, (200, 800), TOOL), (2, 7, 0, (220, 780), MCP_OF_A)],
            [1.0, 1.0, 0.0, 2.0],
        ),
        (
            "one that names the session of the transport alone: nobody knows whose it is, and it is no turn",
            &[(1, 5, 4, (200, 800), TOOL), (2, 7, 0, (220, 780), MCP)],
            [1.0, 1.0, 0.0, 2.0],
        ),
    ];
    for (scene, more, expected) in scenes {
        let mut told = vec![boss, ask, answer, call];
        told.extend_from_slice(more);
        for partitions in [1, 2, 7] {
            assert_eq!(
                counts(&told, partitions),
                *expected,
                "{scene}, {partitions}"
            );
            told.reverse();
            assert_eq!(counts(&told, partitions), *expected, "{scene}, reversed");
        }
    }
}

#[test]
fn a_late_tail_adds_up_and_is_no_second_turn() {
    let mut told: Vec<SpanSketch<'_>> = vec![
        (1, 1, 0, (0, 1000), BOSS),
        (1, 2, 1, (10, 990), CHAT),
        // A tool goes on for half a minute after the answer.
        (1, 3, 1, (500, 30_000), TOOL),
    ];
    for partitions in [1, 7] {
        assert_eq!(counts(&told, partitions), [1.0, 1.0, 0.0, 1.0]);
        told.reverse();
    }
}

/// Client and server of one call, each with a trace of its own: whoever names no session is in that of the one it links to.
#[test]
fn a_trace_without_a_session_is_in_that_of_the_trace_it_links_to() {
    const BARE: &[(&str, &str)] = &[
        ("gen_ai.operation.name", "invoke_agent"),
        ("gen_ai.agent.name", "boss"),
    ];
    let of = |attributes| -> [SpanSketch<'static>; 4] {
        [
            (1, 1, 0, (0, 1000), attributes),
            (1, 2, 1, (10, 100), CHAT),
            (1, 4, 1, (150, 850), TOOL),
            (1, 3, 1, (900, 990), CHAT),
        ]
    };
    let server: Linked<'_> = ((2, 7, 0, (220, 780), MCP), (1, 4));
    let agent: Linked<'_> = ((2, 7, 0, (220, 780), HELPER), (1, 4));
    let consumer: Linked<'_> = ((2, 7, 0, (90_000, 90_900), HELPER), (1, 4));
    let agent_of_b: Linked<'_> = ((2, 7, 0, (220, 780), HELPER_OF_B), (1, 4));
    let next: Linked<'_> = ((3, 8, 0, (230, 770), HELPER), (2, 7));
    let back: Linked<'_> = ((1, 9, 1, (860, 870), &[]), (2, 7));
    let elsewhere: Linked<'_> = ((2, 7, 0, (220, 780), HELPER), (9, 9));
    let scenes = [
        ("an MCP server", BOSS, vec![server], [1.0, 1.0, 0.0, 1.0]),
        ("an agent", BOSS, vec![agent], [1.0, 1.0, 1.0, 1.0]),
        ("a consumer", BOSS, vec![consumer], [1.0, 2.0, 0.0, 1.0]),
        ("two steps", BOSS, vec![agent, next], [1.0, 1.0, 1.0, 1.0]),
        ("both ways", BOSS, vec![agent, back], [1.0, 1.0, 1.0, 1.0]),
        ("its own", BOSS, vec![agent_of_b], [2.0, 2.0, 0.0, 1.0]),
        ("no session", BARE, vec![agent], [2.0, 2.0, 0.0, 1.0]),
        ("no circle", BARE, vec![agent, back], [2.0, 2.0, 0.0, 1.0]),
        ("nobody", BOSS, vec![elsewhere], [2.0, 2.0, 0.0, 1.0]),
    ];
    for (scene, attributes, linked, expected) in scenes {
        for partitions in [1, 2, 7] {
            let counts = counts_linked(&of(attributes), &linked, partitions);
            assert_eq!(counts, expected, "{scene}, {partitions}");
        }
    }
}

/// Over A2A an agent is called with a context id of its own from the second turn on, and at last writes alone. Whichever of the ids
/// is the smaller one, that is one session with one case.
#[test]
fn ids_that_meet_after_the_first_turn_are_one_session_from_the_beginning() {
    const BOSS_OF_B: &[(&str, &str)] = &[
        ("gen_ai.operation.name", "invoke_agent"),
        ("gen_ai.agent.name", "boss"),
        ("session.id", "B"),
    ];
    for (user, other) in [(BOSS_OF_B, HELPER_OF_A), (BOSS, HELPER_OF_B)] {
        let told = [
            (1, 1, 0, (0, 1000), user),
            (1, 2, 1, (10, 990), CHAT),
            (2, 3, 0, (60_000, 61_000), user),
            (2, 4, 3, (60_010, 60_100), CHAT),
            (2, 5, 3, (60_200, 60_990), other),
            (3, 6, 0, (120_000, 121_000), other),
            (3, 7, 6, (120_010, 120_990), CHAT),
        ];
        for partitions in [1, 2, 7] {
            let families = families(&told, &[], partitions);
            let count = |name| total(&families, name);
            assert_eq!(count("baton_sessions_total"), 1.0);
            assert_eq!(count("baton_turns_total"), 3.0);
            assert_eq!(count("baton_workflows_total"), 1.0);
        }
    }
}

const DESK_OF_A: &[(&str, &str)] = &[
    ("gen_ai.operation.name", "invoke_agent"),
    ("gen_ai.agent.name", "desk"),
    ("session.id", "A"),
];
const DESK_OF_B: &[(&str, &str)] = &[
    ("gen_ai.operation.name", "invoke_agent"),
    ("gen_ai.agent.name", "desk"),
    ("session.id", "B"),
];

/// A timer of one partition sends what another one's timer would have missed, had it run first: a trace that names two sessions is
/// dealt out after a minute, and one of them has a turn of its own besides.
#[test]
fn how_long_nothing_comes_after_a_timer_changes_no_figure() {
    let story: &[SpanSketch<'_>] = &[
        (1, 2, 1, (0, 1_000), DESK_OF_A),
        (1, 3, 2, (100, 900), CHAT),
        (1, 4, 1, (0, 1_000), DESK_OF_B),
        (1, 5, 4, (100, 900), CHAT),
        (2, 6, 0, (2_000, 3_000), DESK_OF_A),
        (2, 7, 6, (2_100, 2_900), CHAT),
    ];
    let others: [Vec<u64>; 3] = [
        vec![],
        vec![90_000_000],
        (1..100).map(|n| n * 40_000).collect(),
    ];
    for partitions in 1..=3 {
        for others in &others {
            let mut told = story.to_vec();
            for (number, at) in (10..).zip(others) {
                // A trace of its own, without a session.
                told.push((number, number, 0, (at - 500, *at), HELPER));
            }
            let [sessions, turns, ..] = counts(&told, partitions);
            let unrelated = others.len() as f64;
            assert_eq!(
                (sessions - unrelated, turns - unrelated),
                (2.0, 3.0),
                "{partitions} partitions, {unrelated} others"
            );
        }
    }
}

/// S-14: a job goes on for longer than a turn waits for its agent, without a pause. Its sessions wait as long for their parts: a session
/// that forgot the job would take the spans that name it, and not those inside.
#[test]
fn a_job_of_hours_over_two_sessions_has_all_its_turns() {
    let mut told: Vec<SpanSketch<'_>> = vec![(1, 255, 0, (0, 5_000_000), &[])];
    for turn in 0..100 {
        let (desk, start) = (2 * turn + 1, 50_000 * u64::from(turn));
        let attributes = [DESK_OF_A, DESK_OF_B][usize::from(turn % 2)];
        told.push((1, desk, 255, (start, start + 1_000), attributes));
        told.push((1, desk + 1, desk, (start + 100, start + 900), CHAT));
    }
    for partitions in [1, 3] {
        assert_eq!(counts(&told, partitions)[..2], [2.0, 100.0]);
    }
}
