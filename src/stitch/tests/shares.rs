//! Whose time the user's wait is, which models answered, and whom users rate.

use super::*;

/// Each agent's share of each turn, in milliseconds.
fn shares(facts: &[Fact]) -> Vec<String> {
    let turns = facts.iter().filter_map(|fact| match &fact.what {
        What::Turn(turn) => Some(turn),
        _ => None,
    });
    turns
        .map(|turn| {
            let total: Duration = turn.by_agent.iter().map(|(_, share)| *share).sum();
            assert!(total <= turn.duration, "{turn:?}");
            let share =
                |(agent, share): &(Name, Duration)| format!("{agent} {}", share.as_millis());
            let shares: Vec<String> = turn.by_agent.iter().map(share).collect();
            format!("{} of {}", shares.join(", "), turn.duration.as_millis())
        })
        .collect()
}

#[test]
fn after_a_transfer_the_time_is_the_targets() {
    let (mut s, _, refund) = transfer();
    s.call(refund, (45, 90));
    // Triage 0 to 40, nobody for a moment, the specialist from 41 to the end of its answer.
    assert_eq!(shares(&run(&s)), ["refund 49, triage 40 of 90"]);
}

#[test]
fn a_delegates_time_is_not_that_of_who_waits_for_it() {
    let mut s = Scene::default();
    let boss = s.agent(0, "boss", (0, 100));
    s.call(boss, (0, 10));
    let helper = s.agent(boss, "helper", (20, 70));
    s.call(helper, (25, 65));
    s.call(boss, (80, 100));
    assert_eq!(shares(&run(&s)), ["boss 50, helper 50 of 100"]);
}

#[test]
fn of_two_at_once_the_one_that_began_last_has_the_turn() {
    let mut s = Scene::default();
    let root = s.add(0, (0, 100), Kind::Workflow);
    let left = s.agent(root, "left", (0, 60));
    s.call(left, (0, 60));
    let right = s.agent(root, "right", (20, 80));
    s.call(right, (20, 80));
    // Handed over while the first one still tidies up: it has nothing of the overlap, also not after an end in between.
    assert_eq!(shares(&run(&s)), ["left 20, right 60 of 80"]);
}

///
#[test]
fn work_of_nobody_known_is_unknown_and_a_wait_for_nobody_is_in_no_share() {
    let mut s = Scene::default();
    let root = s.add(0, (0, 100), Kind::Workflow);
    s.call(root, (10, 40));
    assert_eq!(shares(&run(&s)), ["unknown 30 of 40"]);
}

/// A call that a model answers, or fails to.
fn answer(s: &mut Scene, parent: u64, times: (u64, u64), model: &str, failed: bool) {
    s.call(parent, times);
    if let Kind::Model(call) = &mut s.last().kind {
        call.model = Some(name(model));
        call.failed = failed;
    }
}

fn models(facts: &[Fact]) -> Vec<Vec<Name>> {
    let models = facts.iter().filter_map(|fact| match &fact.what {
        What::Workflow(workflow) => Some(workflow.models.clone()),
        _ => None,
    });
    models.collect()
}

#[test]
fn a_workflow_knows_the_models_that_answered_in_all_its_turns() {
    let mut s = Scene::default();
    let desk = s.agent(0, "desk", (0, 100));
    answer(&mut s, desk, (0, 10), "small", false);
    answer(&mut s, desk, (10, 20), "broken", true);
    answer(&mut s, desk, (20, 30), "small", false);
    let later = s.agent(0, "desk", (10_000, 10_100));
    s.in_trace(2);
    answer(&mut s, later, (10_000, 10_050), "large", false);
    s.in_trace(2);
    assert_eq!(models(&run(&s)), [[name("large"), name("small")]]);
}

#[test]
fn of_many_models_the_first_by_name_are_remembered() {
    let mut s = Scene::default();
    let desk = s.agent(0, "desk", (0, 100));
    for n in (0..40).rev() {
        answer(&mut s, desk, (n, n + 1), &format!("model {n:02}"), false);
    }
    let known = models(&run(&s));
    assert_eq!((known[0].len(), &*known[0][15]), (16, "model 15"));
}

fn rated(facts: &[Fact]) -> Vec<String> {
    let rated = facts.iter().filter_map(|fact| match &fact.what {
        What::Feedback { agent, score, .. } => Some(format!("{agent} {score}")),
        _ => None,
    });
    rated.collect()
}

fn rating(score: f64) -> Evaluation {
    Evaluation {
        name: name("csat"),
        score: Some(score),
        label: None,
        by_record: false,
    }
}

#[test]
fn who_rates_the_whole_turn_rates_the_agent_that_answered() {
    let (mut s, _, refund) = transfer();
    s.call(refund, (45, 90));
    s.events[0].rare.evaluations.push(rating(0.9));
    assert_eq!(rated(&run(&s)), ["refund 0.9"]);
    s.events[1].rare.evaluations.push(rating(0.2));
    assert_eq!(rated(&run(&s)), ["triage 0.2", "refund 0.9"]);
}

#[test]
fn a_rating_that_comes_late_is_about_the_same_agent() {
    let (mut s, root, refund) = transfer();
    s.call(refund, (45, 90));
    let mut events: Vec<_> = s.events.iter().map(|e| (e.end, e.clone())).collect();
    events.sort_by_key(|(end, _)| *end);
    for (about, score) in [(root, 0.9), (2, 0.2)] {
        let mut note = s.events[0].clone();
        note.span = span(about);
        note.kind = Kind::Note(about);
        note.rare.evaluations = list![rating(score)];
        events.push((Timestamp(60_000_000_000), note));
    }
    assert_eq!(rated(&play(events)), ["refund 0.9", "triage 0.2"]);
}
