//! Known answers of the list of sessions.

use crate::export::sessions::{
    DisplaySettings, SessionFilter, SessionList, SessionSummary, href, story, story_json,
};
use crate::model::Name;
use crate::model::action::{Action, ActionKind};
use crate::model::call_costs::CallCosts;
use crate::model::correction::Correction;
use crate::model::event::{Basis, Outcome};
use crate::model::fact::{
    AgentInvocation, Ending, Fact, HUMAN, Handoff, HandoffKind, HandoffPlace, HandoffResult,
    IntentPassed, ToolCallFact, Turn, TurnResult, What, Workflow,
};
use crate::model::ids::{PartitionKey, TenantScoped, TraceId};
use crate::model::time::Timestamp;
use std::time::Duration;

/// 2026-01-31T12:00:00Z.
const NOON: u64 = 1_769_860_800;

fn display() -> DisplaySettings {
    DisplaySettings {
        currency: "USD".into(),
        dimensions: vec!["tier".into(), "tenant".into()],
    }
}

fn trace(number: u8) -> TraceId {
    TraceId::new(&[number; 16]).expect("not zero")
}

fn fact(second: u64, number: u8, what: What) -> Fact {
    Fact::new(
        Timestamp((NOON + second) * 1_000_000_000),
        trace(number),
        what,
    )
}

fn agent(name: &str) -> What {
    What::Agent(AgentInvocation {
        agent: name.into(),
        ending: Ending::Ok,
    })
}

fn turn(result: TurnResult) -> What {
    What::Turn(Turn {
        workflow: "support".into(),
        result,
        duration: Duration::from_secs(2),
        first_token: None,
        is_assumed: false,
        by_agent: Vec::new(),
    })
}

fn handoff(from: &str, to: &str, result: HandoffResult) -> What {
    What::Handoff(Handoff {
        workflow: Name::from("w"),
        from: from.into(),
        to: to.into(),
        kind: HandoffKind::Transfer,
        result,
        latency: None,
        retention: None,
        intent: None,
        phantom: false,
        basis: Basis::Inferred,
        place: HandoffPlace::default(),
    })
}

#[test]
fn a_changed_intent_is_told_with_both_sides_and_an_equal_one_as_not_preserved() {
    let told = |before: &str, after: &str| {
        let What::Handoff(mut handoff) = handoff("a", "b", HandoffResult::Success) else {
            unreachable!("a handoff");
        };
        handoff.intent = Some(IntentPassed {
            kept: false,
            sides: Some((before.into(), after.into())),
        });
        let fact = fact(0, 1, What::Handoff(handoff));
        story::write(&session(None, "s"), &[fact], "USD")
    };
    let changed = told("refund", "sale");
    assert!(
        changed.contains("the intent changed from refund to sale"),
        "{changed}"
    );
    let equal = told("refund", "refund");
    assert!(
        equal.contains("the intent refund was not preserved"),
        "{equal}"
    );
}

fn ended(outcome: Outcome) -> What {
    What::Workflow(Workflow {
        workflow: "support".into(),
        outcome,
        because: "a span declares it".into(),
        basis: Basis::Declared,
        duration: Duration::from_secs(9),
        cost_usd: None,
        value_usd: None,
        models: Vec::new(),
        calls: CallCosts::default(),
        has_user: true,
        span: None,
    })
}

fn session(tenant: Option<&str>, id: &str) -> PartitionKey {
    PartitionKey::Session(TenantScoped {
        tenant: tenant.map(Name::from),
        id: id.into(),
    })
}

/// A session that was lost on its way, one that went well a minute later, and a trace without a session.
fn stories() -> Vec<(PartitionKey, Vec<Fact>)> {
    let gold = |fact: Fact| Fact {
        cohort: [(0, Name::from("gold"))].iter().collect(),
        ..fact
    };
    let paid = What::Action(Action {
        kind: ActionKind::Tool,
        name: "lookup".into(),
        usd: 0.5,
    });
    let failed_tool = What::Tool(ToolCallFact {
        tool: "lookup".into(),
        ending: Ending::Error,
    });
    let lost = vec![
        fact(2, 1, turn(TurnResult::Failed)),
        fact(1, 1, agent("triage")),
        gold(fact(
            1,
            1,
            handoff("triage", "billing", HandoffResult::ContextLost),
        )),
        fact(2, 1, agent("billing")),
        fact(
            2,
            2,
            handoff("billing", "refunds", HandoffResult::ContextLost),
        ),
        fact(2, 2, failed_tool),
        fact(2, 2, paid),
        fact(3, 2, handoff("billing", HUMAN, HandoffResult::Success)),
        fact(3, 2, ended(Outcome::Escalated)),
    ];
    let well = vec![
        fact(60, 3, agent("triage")),
        fact(62, 3, turn(TurnResult::Answered)),
    ];
    let alone = vec![fact(30, 4, agent("nightly"))];
    vec![
        (session(None, "a/b c"), lost),
        (session(Some("acme"), "s-2"), well),
        (PartitionKey::Trace(trace(4)), alone),
    ]
}

#[test]
fn the_end_of_a_workflow_is_told_after_its_last_turn() {
    let facts = [
        fact(2, 1, turn(TurnResult::Failed)),
        fact(40, 2, turn(TurnResult::Answered)),
        // As the stitcher writes it: at the end, with the trace of the first turn.
        fact(40, 1, ended(Outcome::Resolved)),
    ];
    let told = story::write(&session(None, "s"), &facts, "USD");
    let (turn, end) = (told.find("Turn 2"), told.find("ended: resolved"));
    assert!(turn.is_some() && turn < end, "{told}");
}

#[test]
fn a_correction_moves_the_outcome_of_its_own_workflow_and_the_filter_follows() {
    let moved = |from, to| {
        What::Correction(Correction {
            workflow: "support".into(),
            from,
            to,
            value_from: None,
            value_to: None,
            source: Some("crm".into()),
        })
    };
    let facts = [
        fact(10, 1, ended(Outcome::Resolved)),
        fact(20, 2, ended(Outcome::Resolved)),
        fact(20, 2, moved(Outcome::Resolved, Outcome::Failed)),
        fact(20, 2, moved(Outcome::Failed, Outcome::Escalated)),
    ];
    let key = session(None, "s");
    let summary = SessionSummary::of(&key, &facts).expect("facts");
    let outcomes: Vec<_> = summary.workflows.iter().map(|(_, o)| *o).collect();
    assert_eq!(outcomes, [Outcome::Resolved, Outcome::Escalated]);
    let found = |query: &str, facts: &[Fact]| {
        let pairs = form_urlencoded::parse(query.as_bytes());
        let filter = SessionFilter::of_query(pairs, &display(), Timestamp(0)).expect("a query");
        let list = SessionList::of(&filter, &display(), |visit| visit(&key, facts));
        !list.sessions.is_empty()
    };
    assert!(found("outcome=escalated", &facts));
    assert!(!found("outcome=failed", &facts));
    assert!(!found("outcome=resolved", &facts[1..]));
    assert!(!found("workflow=other", &facts));
}

fn listed(query: &str) -> Result<SessionList, String> {
    let pairs = form_urlencoded::parse(query.as_bytes());
    let now = Timestamp((NOON + 100) * 1_000_000_000);
    let filter = SessionFilter::of_query(pairs, &display(), now)?;
    Ok(SessionList::of(&filter, &display(), |visit| {
        for (key, facts) in stories() {
            visit(&key, &facts);
        }
    }))
}

fn ids(query: &str) -> Vec<String> {
    let list = listed(query).expect("a query");
    list.sessions
        .into_iter()
        .map(|session| session.id)
        .collect()
}

#[test]
fn a_list_begins_with_the_latest_session_and_says_what_happened() {
    let text = listed("").expect("a query").text(&display(), true);
    let lines: Vec<Vec<&str>> = text
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(
        lines[0].join(" "),
        "3 of 3 matching sessions, 3 remembered; the latest first, times in UTC"
    );
    let expected = [
        "SESSION START LAST TURNS OUTCOME HANDOFFS FAILED COST TRACES AGENTS COHORT STORY",
        "s-2 2026-01-31T12:01:00Z 2026-01-31T12:01:02Z 1 open 0 - - 1 triage tenant=acme /sessions/s-2?tenant=acme",
        "trace 04040404040404040404040404040404 2026-01-31T12:00:30Z 2026-01-31T12:00:30Z 0 open 0 - - 1 nightly - /sessions/04040404040404040404040404040404",
        "a/b c 2026-01-31T12:00:00Z 2026-01-31T12:00:03Z 1 (1 failed) escalated 3 context_lostx2 $0.5000 2 triage > billing > human tier=gold /sessions/a%2Fb%20c",
    ];
    let told: Vec<String> = lines[2..].iter().map(|line| line.join(" ")).collect();
    assert_eq!(told, expected, "{text}");
    assert_eq!(text.lines().map(str::len).filter(|n| *n == 0).count(), 1);
    let json = listed("").expect("a query").json(&display());
    assert_eq!(
        (&json["matching"], &json["remembered"]),
        (&3.into(), &3.into())
    );
    let lost = &json["sessions"][2];
    assert_eq!(lost["href"], "sessions/a%2Fb%20c");
    assert_eq!(lost["failures"][0]["reason"], "context_lost");
    assert_eq!(lost["failures"][0]["trace_id"], trace(1).to_string());
    assert_eq!(lost["cohort"], serde_json::json!({"tier": "gold"}));
    assert_eq!(lost["workflows"][0]["outcome"], "escalated");
}

#[test]
fn each_parameter_asks_for_what_it_says() {
    let alone = trace(4).to_string();
    for (query, expected) in [
        ("id=s-2", vec!["s-2"]),
        ("agent=triage", vec!["s-2", "a/b c"]),
        ("agent=billing&agent=nightly", vec![&*alone, "a/b c"]),
        ("agent=triage&agent=nightly&turn=answered", vec!["s-2"]),
        ("outcome=escalated", vec!["a/b c"]),
        ("outcome=resolved", vec![]),
        ("workflow=support&outcome=escalated", vec!["a/b c"]),
        ("workflow=other", vec![]),
        ("turn=failed", vec!["a/b c"]),
        ("result=failed&reason=context_lost", vec!["a/b c"]),
        ("result=success&reason=context_lost", vec![]),
        ("from=triage&to=billing&result=failed", vec!["a/b c"]),
        // One handoff went to a human, another one failed: none did both.
        ("to=human&result=failed", vec![]),
        ("to=human", vec!["a/b c"]),
        ("tool=lookup", vec!["a/b c"]),
        ("failed_tool=lookup", vec!["a/b c"]),
        ("failed_tool=other", vec![]),
        ("model=x", vec![]),
        ("tier=gold", vec!["a/b c"]),
        ("tier=free", vec![]),
        ("tenant=acme", vec!["s-2"]),
        ("since=1m", vec!["s-2"]),
        ("since=1h30m", vec!["s-2", &*alone, "a/b c"]),
        ("since=2d&limit=1", vec!["s-2"]),
        ("since=2026-01-31T12:00:30Z", vec!["s-2", &*alone]),
        ("trace=02020202020202020202020202020202", vec!["a/b c"]),
        ("format=json", vec!["s-2", &*alone, "a/b c"]),
    ] {
        assert_eq!(ids(query), expected, "{query}");
    }
    let cut = listed("limit=1").expect("a query");
    assert_eq!(
        (cut.sessions.len(), cut.matching, cut.remembered),
        (1, 3, 3)
    );
}

#[test]
fn a_wrong_parameter_names_what_is_known() {
    for (query, expected) in [
        (
            "agnt=x",
            "unknown parameter \"agnt\"; known parameters:\n  id ",
        ),
        (
            "agnt=x",
            "\n  tier         the value of this cohort dimension",
        ),
        ("%1b=x", "unknown parameter \"\\u{1b}\""),
        ("agent=", "the parameter agent needs a value"),
        (
            "outcome=lost",
            "outcome: expected one of resolved, escalated, failed, abandoned, unverified",
        ),
        (
            "reason=x",
            "reason: expected one of dropped, target_error, rejected, bounced, context_lost",
        ),
        ("limit=0", "limit: expected a whole number from 1 to 1000"),
        ("limit=1001", "limit: "),
        ("since=yesterday", "since: expected a time such as"),
        ("since=999999999999999d", "since: expected a time such as"),
        ("trace=xyz", "trace: expected 32 hexadecimal digits"),
    ] {
        let what = listed(query).expect_err(query);
        assert!(what.contains(expected), "{query}: {what}");
    }
}

#[test]
fn any_id_is_a_link() {
    for (id, tenant, expected) in [
        ("s-1_2.3~", None, "sessions/s-1_2.3~"),
        ("a/b?c#d%", None, "sessions/a%2Fb%3Fc%23d%25"),
        ("ü", None, "sessions/%C3%BC"),
        ("..", None, "sessions?id=.."),
        ("..", Some("a b"), "sessions?id=..&tenant=a%20b"),
        ("x", Some("a&b"), "sessions/x?tenant=a%26b"),
    ] {
        assert_eq!(href(id, tenant), expected);
    }
}

#[test]
fn a_long_path_is_cut() {
    let facts: Vec<Fact> = (0..20).map(|i| fact(i, 1, agent(&i.to_string()))).collect();
    let session = SessionSummary::of(&session(None, "s"), &facts).expect("facts");
    assert_eq!(session.path.len(), 12);
    assert!(session.path_is_cut);
    assert_eq!(
        SessionSummary::of(&PartitionKey::Trace(trace(1)), &[]),
        None
    );
}

#[test]
fn a_story_is_the_same_for_scripts() {
    let (key, facts) = stories().remove(0);
    let json = story_json(&key, &facts, &display());
    assert_eq!(
        json["trace_ids"],
        serde_json::json!([trace(1).to_string(), trace(2).to_string()])
    );
    let turn = &json["story"][0];
    assert_eq!(
        (&turn["result"], &turn["duration_seconds"]),
        (&"failed".into(), &2.0.into())
    );
    let told: Vec<&str> = turn["events"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|event| event["text"].as_str())
        .collect();
    let text = story::write(&key, &facts, "USD");
    assert!(text.starts_with("Session a/b c\n"), "{text}");
    assert!(told.len() > 5);
    for sentence in told {
        assert!(text.contains(sentence), "{sentence} is not in\n{text}");
    }
    let handoff = turn["events"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|e| e.get("handoff").is_some());
    assert_eq!(handoff.expect("one")["handoff"]["reason"], "context_lost");
    let (key, facts) = stories().remove(1);
    let text = story::write(&key, &facts, "USD");
    assert!(text.starts_with("Session s-2 of tenant acme\n"), "{text}");
    assert!(text.contains("Turn 1, 2026-01-31 12:01:00 UTC"));
}

#[test]
fn a_story_tells_what_things_cost_and_what_could_not_be_converted() {
    let action = |kind, name: &str, usd| {
        let name = name.into();
        What::Action(Action { kind, name, usd })
    };
    let trace = TraceId::new(&[1; 16]).expect("not zero");
    let facts: Vec<Fact> = [
        action(ActionKind::Tool, "lookup", 0.002),
        action(ActionKind::Escalation, "desk", 4.5),
        What::Unconverted {
            currency: "GBP".into(),
        },
    ]
    .map(|what| Fact::new(Timestamp(1), trace, what))
    .to_vec();
    let key = session(None, "s");
    let told = story::write(&key, &facts, "USD");
    for line in [
        "the tool lookup cost $0.002000",
        "desk called in cost $4.5000",
        "in GBP is excluded",
    ] {
        assert!(told.contains(line), "{told}");
    }
    assert!(story::write(&key, &facts, "EUR").contains("0.002000 EUR"));
}
