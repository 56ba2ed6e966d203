//! What things cost: known answers, and what holds for money whatever happened.

use super::*;
use crate::model::action::ActionKind;
use crate::model::price::ActionPrices;
use proptest::prelude::*;
use std::sync::Arc;

/// A dollar in nano-dollars.
const NANO: f64 = 1e9;

fn prices() -> Arc<ActionPrices> {
    Arc::new(ActionPrices {
        tools: [("lookup".to_owned(), 0.002)].into(),
        retrieval: Some(0.001),
        escalation: Some(4.5),
    })
}

pub(super) fn settings() -> Settings {
    Settings {
        prices: prices(),
        ..Settings::default()
    }
}

/// A span of a trace, with its times in seconds.
pub(super) fn event(of: u8, id: u64, (start, end): (u64, u64), kind: Kind) -> Event {
    let mut scene = Scene::default();
    scene.add(0, (1000 * start, 1000 * end), kind);
    let event = scene.events.remove(0);
    Event {
        trace: trace(of),
        span: span(id),
        agent: Some(name("desk")),
        ..event
    }
}

pub(super) fn call(usd: f64) -> Kind {
    Kind::Model(Box::new(ModelCall {
        cost: Cost::Declared(usd),
        answered: Some(true),
        ..ModelCall::default()
    }))
}

pub(super) fn tool(tool: &str, failed: bool) -> Kind {
    Kind::Tool(ToolCall {
        name: name(tool),
        call_id: None,
        hands_to: None,
        does_work: true,
        delegates: false,
        failed,
    })
}

pub(super) fn ask_a_human() -> Kind {
    Kind::Tool(ToolCall {
        name: name("call_a_human"),
        call_id: None,
        hands_to: Some(Target::Human),
        does_work: true,
        delegates: false,
        failed: false,
    })
}

fn search(source: Option<&str>) -> Kind {
    Kind::Retrieval {
        source: source.map(name),
    }
}

/// Each event with the second in which it arrives, as one session.
pub(super) fn play(events: Vec<(u64, Event)>, settings: &Settings) -> Vec<Fact> {
    let events = events.into_iter();
    let events = events.map(|(second, event)| (Timestamp(second * 1_000_000_000), event));
    play_with(events.collect(), settings)
}

/// All at once.
fn play_at_once(events: Vec<Event>, settings: &Settings) -> Vec<Fact> {
    play(events.into_iter().map(|e| (0, e)).collect(), settings)
}

/// What was spent on actions, one a line.
fn spent(facts: &[Fact]) -> Vec<String> {
    let line = |fact: &Fact| match &fact.what {
        What::Action(action) => Some(format!(
            "{} {} {}",
            action.kind.as_str(),
            action.name,
            action.usd
        )),
        _ => None,
    };
    facts.iter().filter_map(line).collect()
}

fn cost_of_workflows(facts: &[Fact]) -> Vec<Option<f64>> {
    let cost = |fact: &Fact| match &fact.what {
        What::Workflow(workflow) => Some(workflow.cost_usd),
        _ => None,
    };
    facts.iter().filter_map(cost).collect()
}

#[test]
fn tools_searches_and_people_cost_what_the_operator_says() {
    let events = vec![
        event(1, 1, (0, 1), call(0.25)),
        event(1, 2, (1, 2), tool("lookup", false)),
        event(1, 3, (2, 3), tool("free_tool", false)),
        event(1, 4, (3, 4), search(Some("kb"))),
        event(1, 5, (4, 5), search(None)),
        event(1, 6, (5, 6), ask_a_human()),
    ];
    let facts = play_at_once(events.clone(), &settings());
    assert_eq!(
        spent(&facts),
        [
            "tool lookup 0.002",
            "retrieval kb 0.001",
            "retrieval unknown 0.001",
            "escalation desk 4.5",
        ]
    );
    assert_eq!(cost_of_workflows(&facts), [Some(4.754)]);
    let unpriced = play_at_once(events, &Settings::default());
    assert_eq!(spent(&unpriced), [""; 0]);
    assert_eq!(cost_of_workflows(&unpriced), [Some(0.25)]);
}

#[test]
fn what_has_no_price_costs_nothing_that_is_known() {
    let events = vec![event(1, 1, (0, 1), tool("free_tool", false))];
    assert_eq!(
        cost_of_workflows(&play_at_once(events, &settings())),
        [None]
    );
}

#[test]
fn a_failed_tool_call_is_billed_too() {
    let events = vec![event(1, 1, (0, 1), tool("lookup", true))];
    assert_eq!(
        spent(&play_at_once(events, &settings())),
        ["tool lookup 0.002"]
    );
}

#[test]
fn a_late_action_counts_where_it_adds_up_and_a_second_copy_does_not() {
    let late = event(1, 2, (1, 2), tool("lookup", false));
    let found = event(1, 3, (1, 2), search(Some("kb")));
    let events = vec![
        (0, event(1, 1, (0, 1), call(0.25))),
        (60, late.clone()),
        (61, late),
        (62, found),
    ];
    let facts = play(events, &settings());
    assert_eq!(spent(&facts), ["tool lookup 0.002", "retrieval kb 0.001"]);
    assert_eq!(cost_of_workflows(&facts), [Some(0.253)]);
}

#[test]
fn tokens_without_a_price_are_told_late_or_not_and_cost_nothing_that_is_known() {
    let usage = Usage {
        input: 100,
        cache_read: Some(40),
        ..Usage::default()
    };
    let unpriced = |id, at| {
        let call = ModelCall {
            usage: Some(usage),
            cost: Cost::Unpriced,
            answered: Some(true),
            ..ModelCall::default()
        };
        event(1, id, at, Kind::Model(Box::new(call)))
    };
    let events = vec![(0, unpriced(1, (0, 1))), (60, unpriced(2, (1, 2)))];
    let facts = play(events, &settings());
    let told = |what: &What| match what {
        What::Model(call) => call.cost == Cost::Unpriced && call.usage == Some(usage),
        _ => false,
    };
    assert_eq!(count(&facts, told), 2);
    assert_eq!(cost_of_workflows(&facts), [None]);
}

#[test]
fn what_an_agent_span_declares_does_not_add_to_its_calls() {
    let around = ModelCall {
        is_agent: true,
        cost: Cost::Declared(1.0),
        ..ModelCall::default()
    };
    let whole = event(1, 1, (0, 9), Kind::Model(Box::new(around)));
    let mut inside = event(1, 2, (1, 2), call(0.25));
    inside.parent = Some(whole.span);
    let facts = play_at_once(vec![whole, inside], &settings());
    assert_eq!(cost_of_workflows(&facts), [Some(0.25)]);
}

#[test]
fn an_amount_without_a_rate_is_told_once_late_or_not() {
    let foreign = |id, at| {
        let mut event = event(1, id, at, Kind::Structure);
        event.rare.unconverted = Some(name("GBP"));
        event
    };
    let events = vec![
        (0, event(1, 1, (0, 1), call(0.25))),
        (0, foreign(2, (0, 1))),
        (60, foreign(3, (1, 2))),
        (61, foreign(3, (1, 2))),
    ];
    let facts = play(events, &settings());
    let told = |what: &What| matches!(what, What::Unconverted { currency } if &**currency == "GBP");
    assert_eq!(count(&facts, told), 2);
}

#[test]
fn a_word_for_an_outcome_that_nobody_knows_is_told_once_late_or_not() {
    let declares = |id, at| {
        let mut event = event(1, id, at, Kind::Structure);
        event.rare.unknown_outcome = Some(name("won"));
        event
    };
    let events = vec![
        (0, event(1, 1, (0, 1), call(0.25))),
        (0, declares(2, (0, 1))),
        (60, declares(3, (1, 2))),
        (61, declares(3, (1, 2))),
    ];
    let facts = play(events, &settings());
    let told = |what: &What| matches!(what, What::UnknownOutcome { word } if &**word == "won");
    assert_eq!(count(&facts, told), 2);
}

/// One step of a turn.
#[derive(Clone, Debug)]
enum MoneyStep {
    Call(f64),
    Unpriced,
    Tool(bool),
    Search,
    Human,
}

fn step() -> impl Strategy<Value = MoneyStep> {
    prop_oneof![
        4 => (0.0..0.5).prop_map(MoneyStep::Call),
        1 => Just(MoneyStep::Unpriced),
        2 => any::<bool>().prop_map(MoneyStep::Tool),
        2 => Just(MoneyStep::Search),
        1 => Just(MoneyStep::Human),
    ]
}

/// Turns half an hour and more apart or close together, so that some begin a workflow of their own.
fn turns() -> impl Strategy<Value = Vec<(u64, Vec<MoneyStep>)>> {
    let wait = prop_oneof![Just(60_u64), Just(4000)];
    prop::collection::vec((wait, prop::collection::vec(step(), 1..6)), 1..6)
}

fn scene(turns: &[(u64, Vec<MoneyStep>)]) -> Vec<(u64, Event)> {
    let mut at = 0;
    let mut events = Vec::new();
    for (trace, (wait, steps)) in (1..).zip(turns) {
        at += wait;
        for (id, step) in (1..).zip(steps) {
            let kind = match step {
                MoneyStep::Call(usd) => call(*usd),
                MoneyStep::Unpriced => Kind::Model(Box::default()),
                MoneyStep::Tool(failed) => tool("lookup", *failed),
                MoneyStep::Search => search(None),
                MoneyStep::Human => ask_a_human(),
            };
            events.push((at + 10, event(trace, id, (at + id, at + id + 1), kind)));
        }
        // Somebody always answers, so that every turn is one of a workflow.
        events.push((at + 10, event(trace, 99, (at + 8, at + 9), call(0.001))));
    }
    events
}

/// The money of calls and actions, and that of workflows, each in whole nano-dollars.
fn balance(facts: &[Fact]) -> (i128, i128) {
    let nano = |usd: f64| (usd * NANO).round() as i128;
    let (mut steps, mut workflows) = (0, 0);
    for fact in facts {
        match &fact.what {
            What::Model(call) => steps += call.cost.usd().map_or(0, nano),
            What::Action(action) => steps += nano(action.usd),
            What::Workflow(workflow) => workflows += workflow.cost_usd.map_or(0, nano),
            _ => {}
        }
    }
    (steps, workflows)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Workflows cost what their calls and actions cost, to the nano-dollar, in whatever order the spans of a turn come.
    #[test]
    fn workflows_cost_what_is_in_them(turns in turns(), seed: u64) {
        let events = scene(&turns);
        let facts = play(events.clone(), &settings());
        let (steps, workflows) = balance(&facts);
        prop_assert_eq!(steps, workflows);
        let humans = turns.iter().flat_map(|(_, steps)| steps).filter(|step| matches!(step, MoneyStep::Human));
        let escalated = |fact: &&Fact| matches!(&fact.what, What::Action(a) if a.kind == ActionKind::Escalation);
        prop_assert!(facts.iter().filter(escalated).count() <= humans.count());
        let mut shuffled = events;
        shuffled.sort_by_key(|(arrival, event)| (*arrival, rapidhash::v3::rapidhash_v3_seeded(event.span.as_bytes(), &rapidhash::v3::RapidSecrets::seed(seed))));
        prop_assert_eq!(balance(&play(shuffled, &settings())), (steps, workflows));
    }
}

#[test]
fn a_cost_that_is_known_of_one_call_is_that_of_the_workflow() {
    let mut cost = crate::turn::TotalCost::default();
    assert_eq!(cost.usd(), None);
    cost.add(Cost::Unpriced);
    assert_eq!(cost.usd(), None);
    cost.add(Cost::Declared(0.0));
    assert_eq!(cost.usd(), Some(0.0));
}
