//! Known answers of the stitcher: each scene is a handful of events, its story the facts that must come out.

use super::*;
use crate::model::Name;
use crate::model::event::*;
use crate::model::fact::TurnResult;
use crate::model::ids::{Scoped, SpanId};
use crate::model::otlp::Link;

/// A scene under construction. Times are milliseconds of event time.
#[derive(Default)]
struct Scene {
    events: Vec<Event>,
}

const NOTHING: [&str; 0] = [];

fn name(text: &str) -> Name {
    Name::from(text)
}

fn session(id: &str) -> Key {
    Key::Session(Scoped {
        tenant: None,
        id: name(id),
    })
}

fn trace(n: u8) -> TraceId {
    TraceId::new(&[n; 16]).expect("not zero")
}

fn span(n: u64) -> SpanId {
    SpanId::new(&n.to_be_bytes()).expect("not zero")
}

impl Scene {
    /// Adds a span to trace 1; returns its number, which may be the parent of others.
    fn add(&mut self, parent: u64, (start, end): (u64, u64), kind: Kind) -> u64 {
        let id = self.events.len() as u64 + 1;
        self.events.push(Event {
            trace: trace(1),
            span: span(id),
            parent: (parent != 0).then(|| span(parent)),
            links: Vec::new(),
            start: Timestamp(start * 1_000_000),
            end: Timestamp(end * 1_000_000),
            error: false,
            agent: None,
            session: None,
            user: None,
            tenant: None,
            intent: None,
            cohort: Vec::new(),
            value_usd: None,
            workflow: None,
            workflow_id: None,
            outcome: None,
            evaluations: Vec::new(),
            requests: Vec::new(),
            refused: Vec::new(),
            content: None,
            kind,
        });
        id
    }

    fn last(&mut self) -> &mut Event {
        self.events.last_mut().expect("a span was added")
    }

    fn agent(&mut self, parent: u64, who: &str, times: (u64, u64)) -> u64 {
        let id = self.add(parent, times, Kind::Agent { weak: false });
        self.last().agent = Some(name(who));
        id
    }

    fn call(&mut self, parent: u64, times: (u64, u64)) -> u64 {
        self.asking(parent, times, &[])
    }

    /// A model call whose output asks for handoffs.
    fn asking(&mut self, parent: u64, times: (u64, u64), to: &[&str]) -> u64 {
        let requests = to.iter().map(|to| HandoffRequest {
            target: target(to),
            call_id: None,
        });
        let call = ModelCall {
            requests: requests.collect(),
            answered: Some(to.is_empty()),
            cost: Cost::Declared(0.25),
            ..ModelCall::default()
        };
        self.add(parent, times, Kind::Model(Box::new(call)))
    }

    fn failing_call(&mut self, parent: u64, times: (u64, u64)) -> u64 {
        let call = ModelCall {
            failed: true,
            ..ModelCall::default()
        };
        self.add(parent, times, Kind::Model(Box::new(call)))
    }

    fn tool(&mut self, parent: u64, tool: &str, times: (u64, u64), to: Option<&str>) -> u64 {
        self.add(
            parent,
            times,
            Kind::Tool(ToolCall {
                name: name(tool),
                call_id: None,
                hands_to: to.map(target),
                works: tool.starts_with("escalate"),
                delegates: false,
                failed: false,
            }),
        )
    }

    fn in_trace(&mut self, n: u8) {
        self.last().trace = trace(n);
    }
}

fn target(to: &str) -> Target {
    match to {
        "human" => Target::Human,
        "?" => Target::Unknown,
        agent => Target::Agent(name(agent)),
    }
}

/// Runs a scene as one session, each event at its own end, then lets all timers run out.
fn run(scene: &Scene) -> Vec<Fact> {
    let mut events = scene.events.clone();
    events.sort_by_key(|e| e.end);
    play(events.into_iter().map(|e| (e.end, e)).collect())
}

fn play(events: Vec<(Timestamp, Event)>) -> Vec<Fact> {
    play_with(events, &Settings::default())
}

fn play_with(events: Vec<(Timestamp, Event)>, settings: &Settings) -> Vec<Fact> {
    let mut stitcher = Stitcher::new(settings.clone());
    let mut out = Output::default();
    for (arrival, event) in events {
        settle(&mut stitcher, arrival, &mut out);
        let entry = Entry {
            key: session("s"),
            record: Record::Event(Box::new(event)),
        };
        stitcher.apply(entry, arrival, &mut out);
        // Every story goes through a snapshot at every step.
        stitcher = reborn(&stitcher, settings.clone());
    }
    while let Some(due) = stitcher.next_deadline() {
        settle(&mut stitcher, due, &mut out);
        stitcher = reborn(&stitcher, settings.clone());
    }
    assert_eq!(stitcher.keys(), 0, "all timers ran out, nothing is held");
    assert_eq!(stitcher.weight(), 0);
    out.facts
}

/// The same state, as the next process has it.
fn reborn(stitcher: &Stitcher, settings: Settings) -> Stitcher {
    let mut reborn = Stitcher::new(settings);
    for slot in stitcher.save() {
        let bytes = prost::Message::encode_to_vec(&slot);
        let slot = prost::Message::decode(bytes.as_slice()).expect("a slot");
        reborn.restore(slot).expect("what was saved is valid");
    }
    assert_eq!(reborn.keys(), stitcher.keys());
    assert_eq!(reborn.weight(), stitcher.weight());
    assert_eq!(reborn.next_deadline(), stitcher.next_deadline());
    reborn
}

/// Fires all timers up to `now` and delivers what they send to users.
fn settle(stitcher: &mut Stitcher, now: Timestamp, out: &mut Output) {
    stitcher.advance(now, out);
    for (key, record) in std::mem::take(&mut out.sends) {
        stitcher.apply(Entry { key, record }, now, out);
    }
}

/// The facts about handoffs and escalations, one a line.
fn handoffs(facts: &[Fact]) -> Vec<String> {
    facts
        .iter()
        .filter_map(|fact| match &fact.what {
            What::Handoff(h) => {
                let (result, reason) = h.result.labels();
                let kind = h.kind.as_str();
                let line = format!("{} -> {} {kind} {result} {reason}", h.from, h.to);
                Some(line.trim_end().to_owned())
            }
            What::Escalation { from } => Some(format!("{from} escalates")),
            _ => None,
        })
        .collect()
}

fn turns(facts: &[Fact]) -> Vec<(TurnResult, u128)> {
    facts
        .iter()
        .filter_map(|fact| match &fact.what {
            What::Turn(turn) => Some((turn.result, turn.duration.as_millis())),
            _ => None,
        })
        .collect()
}

fn outcomes(facts: &[Fact]) -> Vec<Outcome> {
    facts
        .iter()
        .filter_map(|fact| match &fact.what {
            What::Workflow(workflow) => Some(workflow.outcome),
            _ => None,
        })
        .collect()
}

fn count(facts: &[Fact], pick: impl Fn(&What) -> bool) -> usize {
    facts.iter().filter(|fact| pick(&fact.what)).count()
}

fn is_call(what: &What) -> bool {
    matches!(what, What::Model(_))
}

/// The common scene: triage decides, its tool runs, the specialist answers.
fn transfer() -> (Scene, u64, u64) {
    let mut s = Scene::default();
    let root = s.add(0, (0, 100), Kind::Workflow);
    let triage = s.agent(root, "triage", (0, 40));
    s.asking(triage, (1, 30), &["refund"]);
    s.tool(triage, "transfer_to_refund", (31, 35), Some("refund"));
    let refund = s.agent(root, "refund", (41, 100));
    (s, root, refund)
}

#[test]
fn four_spans_of_one_handoff_count_once() {
    let (mut s, _, refund) = transfer();
    s.add(
        2,
        (36, 36),
        Kind::Handoff(Handoff {
            from: Some(name("triage")),
            to: Target::Unknown,
            delegates: false,
            failed: false,
        }),
    );
    s.call(refund, (45, 90));
    let facts = run(&s);
    assert_eq!(handoffs(&facts), ["triage -> refund transfer success"]);
    assert_eq!(turns(&facts), [(TurnResult::Answered, 90)]);
    assert_eq!(outcomes(&facts), [Outcome::Unverified]);
    assert_eq!(count(&facts, |w| matches!(w, What::Tool(_))), 0);
}

#[test]
fn errors_around_a_handoff_that_worked_change_nothing() {
    let (mut s, _, refund) = transfer();
    s.call(refund, (45, 90));
    for event in &mut s.events {
        event.error = !matches!(event.kind, Kind::Model(_));
    }
    assert_eq!(handoffs(&run(&s)), ["triage -> refund transfer success"]);
}

#[test]
fn a_target_whose_first_step_fails_is_a_target_error() {
    let (mut s, _, refund) = transfer();
    s.failing_call(refund, (45, 90));
    let facts = run(&s);
    assert_eq!(
        handoffs(&facts),
        ["triage -> refund transfer failed target_error"]
    );
    assert_eq!(turns(&facts)[0].0, TurnResult::Failed);
    assert_eq!(outcomes(&facts), [Outcome::Failed]);
}

#[test]
fn a_later_failure_of_the_target_is_not_the_handoffs() {
    let (mut s, _, refund) = transfer();
    s.call(refund, (45, 60));
    s.failing_call(refund, (61, 90));
    assert_eq!(handoffs(&run(&s)), ["triage -> refund transfer success"]);
}

#[test]
fn a_handoff_that_only_the_model_shows_is_dropped() {
    let mut s = Scene::default();
    let triage = s.agent(0, "triage", (0, 60));
    s.asking(triage, (1, 30), &["crypto"]);
    let facts = run(&s);
    assert_eq!(
        handoffs(&facts),
        ["triage -> crypto transfer failed dropped"]
    );
    assert_eq!(count(&facts, |w| *w == What::Pending(1)), 1);
    assert_eq!(count(&facts, |w| *w == What::Pending(-1)), 1);
}

#[test]
fn a_second_decision_for_the_same_target_is_a_second_handoff() {
    let mut s = Scene::default();
    let triage = s.agent(0, "triage", (0, 90));
    s.asking(triage, (1, 10), &["crypto"]);
    s.asking(triage, (20, 30), &["crypto"]);
    let dropped = "triage -> crypto transfer failed dropped";
    assert_eq!(handoffs(&run(&s)), [dropped, dropped]);
}

#[test]
fn a_handoff_whose_tool_failed_is_rejected() {
    let mut s = Scene::default();
    let triage = s.agent(0, "triage", (0, 60));
    s.asking(triage, (1, 30), &["crypto"]);
    s.tool(triage, "transfer_to_crypto", (31, 32), Some("crypto"));
    s.last().error = true;
    s.call(triage, (40, 60));
    let facts = run(&s);
    assert_eq!(
        handoffs(&facts),
        ["triage -> crypto transfer failed rejected"]
    );
    assert_eq!(turns(&facts), [(TurnResult::Answered, 60)]);
}

#[test]
fn an_error_text_names_the_target_of_an_anonymous_handoff() {
    let mut s = Scene::default();
    let root = s.add(0, (0, 60), Kind::Workflow);
    s.last().error = true;
    s.last().refused = vec![HandoffRequest {
        target: target("crypto"),
        call_id: None,
    }];
    let triage = s.agent(root, "triage", (0, 50));
    s.call(triage, (1, 30));
    s.tool(triage, "transfer_to_agent", (31, 32), Some("?"));
    assert_eq!(
        handoffs(&run(&s)),
        ["triage -> crypto transfer failed rejected"]
    );
}

#[test]
fn an_anonymous_handoff_takes_its_target_from_the_next_agent() {
    let mut s = Scene::default();
    let root = s.add(0, (0, 100), Kind::Workflow);
    let triage = s.agent(root, "triage", (0, 40));
    s.call(triage, (1, 30));
    s.tool(triage, "transfer_to_agent", (31, 35), Some("?"));
    // One more model call of the source follows before it ends.
    s.call(triage, (36, 39));
    let refund = s.agent(root, "refund", (41, 100));
    s.call(refund, (45, 90));
    assert_eq!(handoffs(&run(&s)), ["triage -> refund transfer success"]);
}

#[test]
fn a_delegate_without_a_span_of_its_own_works_inside_the_tool() {
    let mut s = Scene::default();
    let triage = s.agent(0, "triage", (0, 100));
    s.asking(triage, (1, 30), &["refund"]);
    let tool = s.tool(triage, "Delegate work", (31, 80), Some("refund"));
    s.call(tool, (35, 50));
    s.tool(tool, "lookup", (51, 52), None);
    s.call(triage, (85, 95));
    let facts = run(&s);
    assert_eq!(handoffs(&facts), ["triage -> refund delegation success"]);
    assert_eq!(count(&facts, is_call), 3);
    assert_eq!(count(&facts, |w| matches!(w, What::Tool(_))), 1);
}

#[test]
fn an_agent_used_as_a_tool_is_a_delegation_and_no_tool_call() {
    let mut s = Scene::default();
    let boss = s.agent(0, "boss", (0, 100));
    s.call(boss, (1, 30));
    let tool = s.tool(boss, "ask_expert", (31, 80), None);
    let expert = s.agent(tool, "expert", (32, 79));
    s.call(expert, (35, 50));
    s.call(boss, (85, 95));
    let facts = run(&s);
    assert_eq!(handoffs(&facts), ["boss -> expert delegation success"]);
    assert_eq!(count(&facts, |w| matches!(w, What::Tool(_))), 0);
}

#[test]
fn control_that_moves_undeclared_is_a_handoff_and_a_resuming_supervisor_is_none() {
    let mut s = Scene::default();
    let root = s.add(0, (0, 100), Kind::Workflow);
    for (who, times) in [("boss", (0, 20)), ("expert", (21, 60)), ("boss", (61, 100))] {
        let agent = s.agent(root, who, times);
        s.call(agent, (times.0 + 1, times.1 - 1));
    }
    assert_eq!(handoffs(&run(&s)), ["boss -> expert transfer success"]);
}

#[test]
fn a_wrapper_that_does_not_act_hands_nothing_over() {
    let mut s = Scene::default();
    let team = s.agent(0, "team", (0, 100));
    let outer = s.add(team, (1, 90), Kind::Agent { weak: true });
    s.last().agent = Some(name("writer"));
    // A sibling span of the same agent without steps is the same activation.
    s.agent(outer, "writer", (2, 3));
    let inner = s.agent(outer, "writer", (4, 89));
    s.call(inner, (5, 80));
    let facts = run(&s);
    assert_eq!(handoffs(&facts), NOTHING);
    assert_eq!(count(&facts, |w| matches!(w, What::Agent(_))), 1);
}

#[test]
fn parallel_agents_do_not_hand_over_to_each_other() {
    let mut s = Scene::default();
    let root = s.add(0, (0, 100), Kind::Workflow);
    for (who, times) in [("a", (0, 60)), ("b", (1, 61)), ("c", (2, 62))] {
        let agent = s.agent(root, who, times);
        s.call(agent, times);
    }
    assert_eq!(handoffs(&run(&s)), NOTHING);
}

#[test]
fn a_target_that_hands_straight_back_bounces() {
    let mut s = Scene::default();
    let root = s.add(0, (0, 100), Kind::Workflow);
    let triage = s.agent(root, "triage", (0, 20));
    s.asking(triage, (1, 15), &["refund"]);
    let refund = s.agent(root, "refund", (21, 40));
    s.asking(refund, (22, 35), &["triage"]);
    let again = s.agent(root, "triage", (41, 100));
    s.call(again, (45, 90));
    assert_eq!(
        handoffs(&run(&s)),
        [
            "triage -> refund transfer failed bounced",
            "refund -> triage transfer success"
        ]
    );
}

#[test]
fn a_human_target_is_an_escalation_and_succeeds_when_declared() {
    let mut s = Scene::default();
    let billing = s.agent(0, "billing", (0, 60));
    s.asking(billing, (1, 30), &["human"]);
    s.tool(billing, "escalate_to_human", (31, 32), Some("human"));
    s.call(billing, (40, 60));
    let facts = run(&s);
    assert_eq!(
        handoffs(&facts),
        ["billing escalates", "billing -> human transfer success"]
    );
    assert_eq!(count(&facts, |w| matches!(w, What::Tool(_))), 1);
    assert_eq!(outcomes(&facts), [Outcome::Escalated]);
}

#[test]
fn agents_without_steps_hand_over_by_their_tools() {
    let mut s = Scene::default();
    let root = s.add(0, (0, 100), Kind::Structure);
    let triage = s.agent(root, "triage", (0, 40));
    s.tool(triage, "transfer_to_refund", (31, 35), Some("refund"));
    s.agent(root, "refund", (41, 90));
    s.last().error = true;
    let facts = run(&s);
    assert_eq!(
        handoffs(&facts),
        ["triage -> refund transfer failed target_error"]
    );
    assert_eq!(turns(&facts)[0].0, TurnResult::Failed);
}

#[test]
fn the_innermost_model_span_and_the_outermost_tool_span_count() {
    let mut s = Scene::default();
    let agent = s.agent(0, "a", (0, 100));
    let outer = s.call(agent, (1, 50));
    s.call(outer, (2, 49));
    let tool = s.tool(agent, "search", (51, 60), None);
    s.tool(tool, "search", (52, 59), None);
    let facts = run(&s);
    assert_eq!(count(&facts, is_call), 1);
    assert_eq!(count(&facts, |w| matches!(w, What::Tool(_))), 1);
}

#[test]
fn a_later_turn_that_starts_at_the_target_takes_the_handoff_up() {
    let mut s = Scene::default();
    let triage = s.agent(0, "triage", (0, 20));
    s.asking(triage, (1, 15), &["refund"]);
    s.agent(0, "refund", (10_000, 10_100));
    s.in_trace(2);
    s.call(3, (10_001, 10_050));
    s.in_trace(2);
    let facts = run(&s);
    assert_eq!(handoffs(&facts), ["triage -> refund resume success"]);
    assert_eq!(turns(&facts).len(), 2);
    assert_eq!(count(&facts, |w| *w == What::Pending(-1)), 1);
}

#[test]
fn a_trace_inside_anothers_time_or_linked_to_it_is_part_of_its_turn() {
    for linked in [false, true] {
        let mut s = Scene::default();
        let boss = s.agent(0, "boss", (0, 100));
        s.call(boss, (1, 99));
        let end = if linked { 150 } else { 90 };
        s.agent(0, "remote", (20, end));
        s.in_trace(2);
        if linked {
            s.last().links = vec![Link {
                trace: trace(1),
                span: span(1),
            }];
        }
        let facts = run(&s);
        assert_eq!(turns(&facts).len(), 1, "linked: {linked}");
    }
}

#[test]
fn an_embedding_alone_is_no_turn_and_no_session() {
    let mut s = Scene::default();
    let call = ModelCall {
        operation: Operation::Embeddings,
        ..ModelCall::default()
    };
    s.add(0, (0, 10), Kind::Model(Box::new(call)));
    let facts = run(&s);
    assert_eq!(count(&facts, is_call), 1);
    assert_eq!(turns(&facts).len(), 0);
    assert_eq!(count(&facts, |w| *w == What::Session), 0);
}

#[test]
fn spans_that_are_not_about_agents_leave_no_trace() {
    let mut s = Scene::default();
    let root = s.add(0, (0, 10), Kind::Structure);
    s.add(root, (1, 9), Kind::Structure);
    s.last().error = true;
    assert_eq!(run(&s), []);
}

#[test]
fn absurd_numbers_break_nothing() {
    let mut s = Scene::default();
    let agent = s.agent(0, "a", (1000, 4000));
    s.call(agent, (1100, 1200));
    s.call(agent, (2000, 3000));
    if let Kind::Model(call) = &mut s.last().kind {
        call.first_token_seconds = Some(1.8e19);
        call.cost = Cost::Declared(1e300);
        call.usage = Some(Usage {
            input: u64::MAX,
            cache_read: Some(u64::MAX),
            ..Usage::default()
        });
    }
    assert_eq!(turns(&run(&s)).len(), 1);
}

#[test]
fn a_circle_of_parents_is_cut() {
    let mut s = Scene::default();
    s.agent(2, "a", (0, 100));
    s.agent(1, "b", (1, 99));
    s.call(2, (2, 50));
    assert_eq!(count(&run(&s), is_call), 1);
}

#[test]
fn a_span_after_the_decision_counts_only_where_it_adds_up() {
    let mut s = Scene::default();
    let agent = s.agent(0, "a", (0, 100));
    s.call(agent, (1, 50));
    s.asking(agent, (60, 90), &["b"]);
    let mut events: Vec<_> = s.events.iter().cloned().map(|e| (e.end, e)).collect();
    // The last span and one that is known arrive ten seconds later.
    let late = Timestamp(10_000_000_000);
    events[2].0 = late;
    events.push((late, s.events[1].clone()));
    events.sort_by_key(|(arrival, _)| *arrival);
    let facts = play(events);
    assert_eq!(count(&facts, is_call), 2);
    assert_eq!(count(&facts, |w| *w == What::Late), 1);
    assert_eq!(count(&facts, |w| *w == What::Duplicate), 1);
    assert_eq!(handoffs(&facts), NOTHING);
    let cost = facts.iter().find_map(|f| match &f.what {
        What::Workflow(w) => w.cost_usd,
        _ => None,
    });
    assert_eq!(
        cost,
        Some(0.5),
        "money of a late call is the workflow's too"
    );
}

#[test]
fn any_order_and_any_repetition_tells_the_same_story() {
    let (mut s, _, refund) = transfer();
    s.asking(refund, (45, 60), &["human", "triage"]);
    s.tool(refund, "escalate", (61, 62), Some("human"));
    s.call(refund, (63, 90));
    let mut told: Vec<_> = run(&s).into_iter().map(|f| format!("{f:?}")).collect();
    told.sort();
    proptest::proptest!(|(order in proptest::sample::subsequence((0..s.events.len()).collect::<Vec<_>>(), 0..s.events.len()), seed in proptest::num::u64::ANY)| {
        let mut events = s.events.clone();
        events.extend(order.iter().map(|&i| s.events[i].clone()));
        let n = events.len();
        let mut state = seed;
        for i in (1..n).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            events.swap(i, (state >> 33) as usize % (i + 1));
        }
        let arrival = Timestamp(1_000_000_000);
        let facts = play(events.into_iter().map(|e| (arrival, e)).collect());
        let mut again: Vec<_> = facts
            .into_iter()
            .filter(|f| f.what != What::Duplicate)
            .map(|f| format!("{f:?}"))
            .collect();
        again.sort();
        proptest::prop_assert_eq!(&again, &told);
    });
}

/// Feeds records to one stitcher and carries what it sends back into it, as one partition would.
fn converse(records: Vec<(Key, Record)>) -> Vec<Fact> {
    let mut stitcher = Stitcher::new(Settings::default());
    let mut out = Output::default();
    let mut queue = std::collections::VecDeque::from(records);
    let mut ended = false;
    loop {
        while let Some((key, record)) = queue.pop_front() {
            stitcher.apply(Entry { key, record }, Timestamp(1), &mut out);
            queue.extend(out.sends.drain(..));
        }
        if ended {
            return out.facts;
        }
        stitcher.advance(Timestamp::MAX, &mut out);
        queue.extend(out.sends.drain(..));
        ended = queue.is_empty();
    }
}

#[test]
fn a_trace_finds_its_session_late_and_two_sessions_of_one_trace_are_one() {
    let (mut s, _, refund) = transfer();
    s.call(refund, (45, 90));
    let event = |i: usize| Record::Event(Box::new(s.events[i].clone()));
    let held = Key::Trace(trace(1));
    let a = session("a");
    let b = session("b");
    let mut records: Vec<(Key, Record)> = (0..3).map(|i| (held.clone(), event(i))).collect();
    records.extend((3..5).map(|i| (b.clone(), event(i))));
    records.push((held.clone(), Record::Bind(b.clone())));
    records.push((a.clone(), event(5)));
    records.push((held, Record::Bind(a)));
    for rotation in 0..records.len() {
        let mut records = records.clone();
        records.rotate_left(rotation);
        let facts = converse(records);
        assert_eq!(count(&facts, |w| *w == What::Session), 1, "{rotation}");
        assert_eq!(handoffs(&facts), ["triage -> refund transfer success"]);
        assert_eq!(turns(&facts).len(), 1);
    }
}

/// One answered turn of user `u`, from `start` for 100 ms, in trace `n`.
fn visit(s: &mut Scene, n: u8, start: u64, intent: &str, outcome: Option<Outcome>) {
    let agent = s.agent(0, "desk", (start, start + 100));
    s.in_trace(n);
    let event = s.last();
    event.user = Some(name("u"));
    event.intent = Some(name(intent));
    event.cohort = vec![(0, name(intent))];
    event.outcome = outcome.map(|outcome| OutcomeEvidence { outcome });
    s.call(agent, (start + 1, start + 99));
    s.in_trace(n);
}

fn recontacts(facts: &[Fact]) -> usize {
    count(facts, |what| matches!(what, What::Recontact { .. }))
}

#[test]
fn a_user_who_comes_back_with_the_same_intent_was_not_helped_at_first() {
    const HOUR: u64 = 3_600_000;
    let solved = Some(Outcome::Resolved);
    for (second, intent, expected) in [
        (2 * HOUR, "refund", 1),
        (2 * HOUR, "invoice", 0),
        (25 * HOUR, "refund", 0),
    ] {
        let mut s = Scene::default();
        visit(&mut s, 1, 0, "refund", solved);
        visit(&mut s, 2, second, intent, solved);
        let facts = run(&s);
        assert_eq!(outcomes(&facts).len(), 2);
        assert_eq!(recontacts(&facts), expected, "{intent} after {second} ms");
    }
}

#[test]
fn three_visits_are_two_recontacts_and_each_counts_once() {
    let mut s = Scene::default();
    for n in 1..=3 {
        visit(
            &mut s,
            n,
            u64::from(n) * 60_000,
            "refund",
            Some(Outcome::Resolved),
        );
    }
    assert_eq!(recontacts(&run(&s)), 2);
}

#[test]
fn another_intent_after_the_outcome_is_another_workflow_however_soon() {
    let mut s = Scene::default();
    visit(&mut s, 1, 0, "refund", Some(Outcome::Resolved));
    visit(&mut s, 2, 1_000, "invoice", Some(Outcome::Failed));
    assert_eq!(outcomes(&run(&s)), [Outcome::Resolved, Outcome::Failed]);
    let mut s = Scene::default();
    visit(&mut s, 1, 0, "refund", Some(Outcome::Resolved));
    visit(&mut s, 2, 1_000, "refund", Some(Outcome::Failed));
    assert_eq!(outcomes(&run(&s)), [Outcome::Failed]);
}

#[test]
fn the_value_declared_last_is_the_workflows() {
    let mut s = Scene::default();
    visit(&mut s, 1, 0, "refund", None);
    s.last().value_usd = Some(10.0);
    visit(&mut s, 2, 1_000, "refund", Some(Outcome::Resolved));
    s.last().value_usd = Some(49.99);
    let value = run(&s).into_iter().find_map(|fact| match fact.what {
        What::Workflow(workflow) => Some(workflow.value_usd),
        _ => None,
    });
    assert_eq!(value, Some(Some(49.99)));
}

#[test]
fn a_turn_that_declares_no_cohort_has_the_sessions() {
    let mut s = Scene::default();
    visit(&mut s, 1, 0, "refund", None);
    let agent = s.agent(0, "desk", (1_000, 1_100));
    s.in_trace(2);
    s.call(agent, (1_001, 1_099));
    s.in_trace(2);
    let facts = run(&s);
    let turns = facts.iter().filter(|f| matches!(f.what, What::Turn(_)));
    let cohorts: Vec<&str> = turns.map(|f| f.cohort.value(0)).collect();
    assert_eq!(cohorts, ["refund", "refund"]);
}

fn sketch(facts: std::ops::Range<u32>) -> Option<crate::model::sketch::Sketch> {
    Some(facts.map(|n| n.wrapping_mul(2_654_435_761)).collect())
}

fn content(input: std::ops::Range<u32>) -> Option<Box<crate::model::sketch::Content>> {
    Some(Box::new(crate::model::sketch::Content {
        input: sketch(input),
        ..Default::default()
    }))
}

/// A transfer whose source knew facts 0 to 10 and whose target got others.
fn transfer_with(kept: std::ops::Range<u32>) -> Scene {
    let (mut s, _, refund) = transfer();
    s.events[2].content = content(0..10);
    s.call(refund, (45, 90));
    s.last().content = content(kept);
    s
}

fn retentions(facts: &[Fact]) -> Vec<(f64, &'static str)> {
    facts
        .iter()
        .filter_map(|fact| match &fact.what {
            What::Handoff(h) => h.retention.map(|r| (r.ratio, r.evidence.as_str())),
            _ => None,
        })
        .collect()
}

#[test]
fn a_transfer_that_keeps_less_than_half_of_the_facts_lost_the_context() {
    for (kept, ratio, line) in [
        (0..10, 1.0, "triage -> refund transfer success"),
        (5..40, 0.5, "triage -> refund transfer success"),
        (6..40, 0.4, "triage -> refund transfer failed context_lost"),
        (10..40, 0.0, "triage -> refund transfer failed context_lost"),
    ] {
        let facts = run(&transfer_with(kept));
        assert_eq!(retentions(&facts), [(ratio, "content")]);
        assert_eq!(handoffs(&facts), [line]);
    }
}

#[test]
fn what_is_declared_goes_before_content_and_tokens_never_fail_a_handoff() {
    let mut s = transfer_with(0..10);
    s.events[3].evaluations.push(Evaluation {
        name: name("context_retention"),
        score: Some(0.2),
        label: None,
    });
    let facts = run(&s);
    assert_eq!(retentions(&facts), [(0.2, "declared")]);
    assert_eq!(
        handoffs(&facts),
        ["triage -> refund transfer failed context_lost"]
    );
    let mut s = transfer_with(0..10);
    for (event, input) in [(2, 1000), (5, 100)] {
        s.events[event].content = None;
        if let Kind::Model(call) = &mut s.events[event].kind {
            call.usage = Some(Usage {
                input,
                ..Usage::default()
            });
        }
    }
    let facts = run(&s);
    assert_eq!(retentions(&facts), [(0.1, "tokens")]);
    assert_eq!(handoffs(&facts), ["triage -> refund transfer success"]);
}

#[test]
fn a_delegation_may_pass_a_part() {
    let mut s = transfer_with(10..40);
    if let Kind::Tool(tool) = &mut s.events[3].kind {
        tool.delegates = true;
    }
    let facts = run(&s);
    assert_eq!(retentions(&facts), [(0.0, "content")]);
    assert_eq!(handoffs(&facts), ["triage -> refund delegation success"]);
}

#[test]
fn a_handoff_that_only_the_model_shows_is_a_phantom() {
    let phantoms = |s: &Scene| {
        count(
            &run(s),
            |what| matches!(what, What::Handoff(handoff) if handoff.phantom),
        )
    };
    let mut s = Scene::default();
    let triage = s.agent(0, "triage", (0, 60));
    s.asking(triage, (1, 30), &["crypto"]);
    assert_eq!(phantoms(&s), 1);
    assert_eq!(phantoms(&transfer_with(0..10)), 0);
}

#[test]
fn control_that_comes_back_is_a_loop_with_its_length() {
    let mut s = Scene::default();
    let root = s.add(0, (0, 400), Kind::Workflow);
    for (i, (who, to)) in [("a", "b"), ("b", "c"), ("c", "a")].into_iter().enumerate() {
        let at = i as u64 * 100;
        let agent = s.agent(root, who, (at, at + 60));
        s.call(agent, (at + 1, at + 20));
        s.asking(agent, (at + 21, at + 40), &[to]);
        s.tool(agent, "transfer", (at + 41, at + 50), Some(to));
    }
    let again = s.agent(root, "a", (300, 400));
    s.call(again, (301, 390));
    let facts = run(&s);
    let loops: Vec<(String, u64)> = facts
        .iter()
        .filter_map(|fact| match &fact.what {
            What::Loop { agent, length } => Some((agent.to_string(), *length)),
            _ => None,
        })
        .collect();
    assert_eq!(loops, [("a".to_owned(), 3)]);
}

#[test]
fn a_user_who_says_it_again_after_a_handoff_repeats_himself() {
    let repeats = |handoff: bool, second: std::ops::Range<u32>| {
        let mut s = if handoff {
            transfer_with(0..10)
        } else {
            Scene::default()
        };
        if !handoff {
            s.agent(0, "triage", (0, 60));
            s.call(1, (1, 30));
        }
        let first = if handoff { 2 } else { 1 };
        s.events[first].content.get_or_insert_default().asked = sketch(100..110);
        let agent = s.agent(0, "refund", (10_000, 10_100));
        s.in_trace(2);
        s.call(agent, (10_001, 10_090));
        s.in_trace(2);
        s.last().content.get_or_insert_default().asked = sketch(second);
        count(&run(&s), |what| matches!(what, What::Repeat { .. }))
    };
    assert_eq!(repeats(true, 100..111), 1);
    assert_eq!(repeats(true, 105..120), 0, "another message");
    assert_eq!(repeats(false, 100..110), 0, "no handoff in between");
}

#[test]
fn a_case_is_about_what_was_declared_last() {
    let mut s = Scene::default();
    visit(&mut s, 1, 0, "greeting", None);
    visit(&mut s, 2, 1_000, "refund", Some(Outcome::Resolved));
    let facts = run(&s);
    let closed: Vec<&str> = facts
        .iter()
        .filter(|fact| matches!(fact.what, What::Workflow(_)))
        .map(|fact| fact.cohort.value(0))
        .collect();
    assert_eq!(closed, ["refund"]);
}

#[test]
fn a_phantom_that_waits_for_its_target_in_vain_is_still_one() {
    let mut s = Scene::default();
    let root = s.add(0, (0, 70), Kind::Structure);
    let triage = s.agent(root, "triage", (0, 60));
    s.asking(triage, (1, 30), &["crypto"]);
    let phantoms = count(
        &run(&s),
        |what| matches!(what, What::Handoff(handoff) if handoff.phantom),
    );
    assert_eq!(phantoms, 1);
}

#[test]
fn a_workflow_that_is_due_waits_for_the_turn_that_is_still_open() {
    let idle = Settings::default().idle_timeout.as_millis() as u64;
    let (mut s, _, refund) = transfer();
    s.call(refund, (45, 90));
    // A span whose parent is missing: its turn is decided a minute after it, the workflow would be closed before.
    s.call(99, (idle - 10_000, idle - 9_000));
    s.in_trace(2);
    let facts = run(&s);
    let workflows = facts.iter().filter(|f| matches!(f.what, What::Workflow(_)));
    assert_eq!(turns(&facts).len(), 2);
    assert_eq!(
        workflows.count(),
        1,
        "the second turn goes on with the first one's workflow"
    );
}

#[test]
fn memory_has_a_bound_above_which_the_session_due_first_is_closed() {
    let (s, ..) = transfer();
    let max_bytes = 20_000;
    let settings = Settings {
        max_bytes,
        ..Settings::default()
    };
    let mut stitcher = Stitcher::new(settings);
    let mut out = Output::default();
    for n in 0..50 {
        for event in &s.events {
            let mut event = event.clone();
            event.trace = trace(n + 1);
            let entry = Entry {
                key: session(&n.to_string()),
                record: Record::Event(Box::new(event)),
            };
            stitcher.apply(entry, Timestamp(u64::from(n)), &mut out);
            assert!(stitcher.weight() <= max_bytes, "{}", stitcher.weight());
        }
    }
    let shed = |f: &&Fact| f.what == What::Shed(Shed::Memory);
    let shed = out.facts.iter().filter(shed).count();
    assert!(shed > 0);
    assert_eq!(
        turns(&out.facts).len(),
        shed,
        "each was decided when it was closed"
    );
    assert_eq!(stitcher.keys(), 50 - shed);
}

#[test]
fn what_is_only_remembered_is_forgotten_first_and_in_silence() {
    let (s, ..) = transfer();
    let settings = Settings {
        soft_bytes: 20_000,
        ..Settings::default()
    };
    let mut stitcher = Stitcher::new(settings.clone());
    let mut out = Output::default();
    let sessions = 50;
    for n in 0..sessions {
        let arrival = Timestamp::default() + Duration::from_secs(3600 * u64::from(n) / 2);
        stitcher.advance(arrival, &mut out);
        for event in &s.events {
            let mut event = event.clone();
            event.trace = trace(n + 1);
            let entry = Entry {
                key: session(&n.to_string()),
                record: Record::Event(Box::new(event)),
            };
            stitcher.apply(entry, arrival, &mut out);
            stitcher = reborn(&stitcher, settings.clone());
        }
        assert!(
            stitcher.weight() <= settings.soft_bytes,
            "{}",
            stitcher.weight()
        );
    }
    assert!(
        stitcher.keys() < usize::from(sessions),
        "some are forgotten"
    );
    stitcher.advance(Timestamp::MAX, &mut out);
    assert_eq!(turns(&out.facts).len(), usize::from(sessions));
    let shed = |f: &&Fact| matches!(f.what, What::Shed(_));
    assert_eq!(out.facts.iter().filter(shed).count(), 0);
    assert_eq!((stitcher.keys(), stitcher.weight()), (0, 0));
}

#[test]
fn rules_prove_outcomes_and_count_steps_of_the_funnel() {
    use crate::rules::{Condition, Rule, Rules, Scope};
    let condition = |scope, text| Condition::compile(scope, text).expect(text);
    let rules = Rules {
        outcomes: vec![
            Rule {
                name: name("asked twice"),
                condition: condition(
                    Scope::Workflow,
                    "workflow.turns > 1 && workflow.outcome == 'unverified'",
                ),
                then: Outcome::Failed,
            },
            Rule {
                name: name("refund issued"),
                condition: condition(
                    Scope::Event,
                    "event.tool == 'issue' && event.ok && event.agent == 'refund'",
                ),
                then: Outcome::Resolved,
            },
        ],
        steps: [
            (
                "handed over",
                Scope::Turn,
                "turn.handoffs == 1 && 'refund' in turn.agents",
            ),
            ("issued", Scope::Event, "event.tool == 'issue'"),
            (
                "done",
                Scope::Workflow,
                "workflow.outcome == 'resolved' && 'issued' in workflow.steps",
            ),
            ("never", Scope::Turn, "turn.escalated"),
        ]
        .map(|(step, scope, text)| Rule {
            name: name(step),
            condition: condition(scope, text),
            then: name(step),
        })
        .to_vec(),
    };
    let settings = Settings {
        judge: Judge {
            rules: std::sync::Arc::new(rules),
            dimensions: Vec::new(),
        },
        ..Settings::default()
    };
    let end = |with_tool: bool| {
        let (mut s, _, refund) = transfer();
        if with_tool {
            let tool = ToolCall {
                name: name("issue"),
                call_id: None,
                hands_to: None,
                works: false,
                delegates: false,
                failed: false,
            };
            s.add(refund, (46, 50), Kind::Tool(tool));
        }
        s.call(refund, (51, 90));
        let mut events: Vec<_> = s.events.iter().map(|e| (e.end, e.clone())).collect();
        // The same again later: a second turn of the same workflow.
        if !with_tool {
            let later = Duration::from_secs(60);
            events.extend(s.events.iter().map(|e| {
                let mut event = e.clone();
                event.trace = trace(2);
                event.start = event.start + later;
                event.end = event.end + later;
                (event.end, event)
            }));
        }
        events.sort_by_key(|(end, _)| *end);
        let facts = play_with(events, &settings);
        let told = facts.iter().filter_map(|fact| match &fact.what {
            What::FunnelStep { step, .. } => Some(step.to_string()),
            What::Workflow(w) => Some(format!("{}: {}", w.outcome.as_str(), w.because)),
            _ => None,
        });
        told.collect::<Vec<_>>()
    };
    assert_eq!(
        end(true),
        ["done", "handed over", "issued", "resolved: refund issued"]
    );
    assert_eq!(end(false), ["handed over", "failed: asked twice"]);
}
