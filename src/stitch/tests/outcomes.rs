//! Outcomes that are reported from outside: before, during and after the work that they are about.

use super::keys::{KeyedDesk, answered, seconds};
use super::*;
use crate::model::correction::ReportResult;
use crate::model::outcome_report::OutcomeReport;
use std::collections::BTreeMap;

/// What a system reports at a second.
fn report(second: u64, outcome: Outcome, id: &str) -> OutcomeReport {
    OutcomeReport {
        outcome,
        value_usd: None,
        at: seconds(second),
        source: name("crm"),
        id: Some(name(id)),
    }
}

fn worth(value: f64, report: OutcomeReport) -> OutcomeReport {
    OutcomeReport {
        value_usd: Some(value),
        ..report
    }
}

fn say(report: &OutcomeReport) -> Record {
    Record::Outcome(Box::new(report.clone()))
}

fn turn(of: u8, second: u64) -> impl Iterator<Item = Record> {
    let events = answered(of, second).into_iter();
    events.map(|event| Record::Event(Box::new(event)))
}

/// Workflows and their value by outcome, with all corrections.
fn corrected(facts: &[Fact]) -> BTreeMap<&'static str, (i64, f64)> {
    let mut all: BTreeMap<&'static str, (i64, f64)> = BTreeMap::new();
    let mut add = |outcome: Outcome, count, value: Option<f64>, sign: f64| {
        let sum = all.entry(outcome.as_str()).or_default();
        sum.0 += count;
        sum.1 += sign * value.unwrap_or_default();
    };
    for fact in facts {
        match &fact.what {
            What::Workflow(workflow) => add(workflow.outcome, 1, workflow.value_usd, 1.0),
            What::Correction(moved) => {
                add(moved.from, -1, moved.value_from, -1.0);
                add(moved.to, 1, moved.value_to, 1.0);
            }
            _ => {}
        }
    }
    all.retain(|_, sum| *sum != (0, 0.0));
    all
}

fn reported(facts: &[Fact], result: ReportResult) -> usize {
    count(
        facts,
        |what| matches!(what, What::Reported { result: known, .. } if *known == result),
    )
}

/// Records for the session `s` at their seconds, each through a snapshot; then all timers run out.
fn told(records: Vec<(u64, Record)>) -> Vec<Fact> {
    let mut desk = KeyedDesk::new(Settings::default());
    for (second, record) in records {
        desk.apply(&session("s"), record, second);
        desk.stitcher = reborn(&desk.stitcher, Settings::default());
    }
    desk.end()
}

const HOUR: u64 = 3600;

/// O-2, O-5.
#[test]
fn an_outcome_before_during_or_after_the_work_gives_the_same_corrected_figures() {
    let paid = worth(120.0, report(HOUR + 10, Outcome::Resolved, "1"));
    for (arrival, corrections) in [
        (HOUR - 600, 0),
        (HOUR + 1, 0),
        (HOUR + 10, 0),
        (50 * HOUR, 1),
    ] {
        let mut records: Vec<(u64, Record)> = turn(1, HOUR).map(|record| (HOUR, record)).collect();
        records.push((arrival, say(&paid)));
        records.sort_by_key(|(second, _)| *second);
        let facts = told(records);
        assert_eq!(
            corrected(&facts),
            [("resolved", (1, 120.0))].into(),
            "{arrival}"
        );
        let moved = count(&facts, |what| matches!(what, What::Correction(_)));
        assert_eq!(moved, corrections, "{arrival}");
        assert_eq!(reported(&facts, ReportResult::Accepted), 1);
        assert_eq!(reported(&facts, ReportResult::Unmatched), 0, "{arrival}");
    }
}

/// W-9, O-2.
#[test]
fn an_outcome_that_decides_an_open_workflow_says_who_reported_it() {
    let mut records: Vec<(u64, Record)> = turn(1, HOUR).map(|record| (HOUR, record)).collect();
    records.push((HOUR + 10, say(&report(HOUR + 10, Outcome::Failed, "1"))));
    let facts = told(records);
    let because = facts.iter().find_map(|fact| match &fact.what {
        What::Workflow(workflow) => Some((workflow.because.to_string(), workflow.basis)),
        _ => None,
    });
    assert_eq!(because, Some(("outcome from crm".into(), Basis::Declared)));
}

/// O-1: two workflows of one session, and reports between them, in every order of arrival.
#[test]
fn a_report_belongs_to_the_workflow_that_began_last_before_it_whatever_comes_first() {
    let first = worth(5.0, report(2 * HOUR, Outcome::Failed, "1"));
    let second = worth(7.0, report(6 * HOUR, Outcome::Resolved, "2"));
    let earlier = report(HOUR / 2, Outcome::Abandoned, "3");
    for order in links::orders(&[&first, &second, &earlier]) {
        for arrival in [10, HOUR + 30, 3 * HOUR, 5 * HOUR + 30, 20 * HOUR] {
            let mut records: Vec<(u64, Record)> =
                turn(1, HOUR).map(|record| (HOUR, record)).collect();
            records.extend(turn(2, 5 * HOUR).map(|record| (5 * HOUR, record)));
            records.extend(order.iter().map(|report| (arrival, say(report))));
            records.sort_by_key(|(second, _)| *second);
            let facts = told(records);
            let expected = [("failed", (1, 5.0)), ("resolved", (1, 7.0))].into();
            assert_eq!(corrected(&facts), expected, "{arrival} {order:?}");
            assert_eq!(reported(&facts, ReportResult::Unmatched), 1, "{arrival}");
        }
    }
}

/// O-3: the latest time counts, whichever comes first.
#[test]
fn of_several_reports_the_latest_counts_and_the_value_of_the_latest_that_has_one() {
    let early = worth(10.0, report(HOUR + 10, Outcome::Resolved, "1"));
    let late = report(HOUR + 20, Outcome::Failed, "2");
    for arrivals in [
        [20, 30],
        [30, 20],
        [30 * HOUR, 40 * HOUR],
        [40 * HOUR, 30 * HOUR],
    ] {
        let mut records: Vec<(u64, Record)> = turn(1, HOUR).map(|record| (HOUR, record)).collect();
        records.push((HOUR + arrivals[0], say(&early)));
        records.push((HOUR + arrivals[1], say(&late)));
        records.sort_by_key(|(second, _)| *second);
        let facts = told(records);
        assert_eq!(corrected(&facts), [("failed", (1, 10.0))].into());
    }
}

/// O-4.
#[test]
fn a_repeat_changes_nothing_whatever_it_says() {
    let paid = worth(1.0, report(HOUR + 10, Outcome::Resolved, "1"));
    let again = worth(9.0, report(HOUR + 99, Outcome::Failed, "1"));
    let mut records: Vec<(u64, Record)> = turn(1, HOUR).map(|record| (HOUR, record)).collect();
    for second in [HOUR + 20, 9 * HOUR, 9 * HOUR] {
        let same = if second == HOUR + 20 { &paid } else { &again };
        records.push((second, say(same)));
    }
    let facts = told(records);
    assert_eq!(corrected(&facts), [("resolved", (1, 1.0))].into());
    assert_eq!(reported(&facts, ReportResult::Duplicate), 2);
    assert_eq!(reported(&facts, ReportResult::Accepted), 1);
}

/// O-6.
#[test]
fn what_comes_after_the_window_matches_nothing_and_is_counted() {
    for (arrival, expected, unmatched) in [(72 * HOUR, "resolved", 0), (75 * HOUR, "unverified", 1)]
    {
        let mut records: Vec<(u64, Record)> = turn(1, HOUR).map(|record| (HOUR, record)).collect();
        let paid = report(2 * HOUR, Outcome::Resolved, "1");
        records.push((HOUR + arrival, say(&paid)));
        let facts = told(records);
        assert_eq!(corrected(&facts), [(expected, (1, 0.0))].into());
        assert_eq!(reported(&facts, ReportResult::Unmatched), unmatched);
    }
}

/// S-5, O-6: what is remembered for reports does not make an old session a known one.
#[test]
fn a_session_that_comes_back_counts_again_though_its_outcome_can_be_corrected() {
    let mut records: Vec<(u64, Record)> = turn(1, HOUR).map(|record| (HOUR, record)).collect();
    records.extend(turn(2, 40 * HOUR).map(|record| (40 * HOUR, record)));
    records.push((41 * HOUR, say(&report(2 * HOUR, Outcome::Resolved, "1"))));
    let facts = told(records);
    assert_eq!(count(&facts, |what| *what == What::Session), 2);
    let expected = [("resolved", (1, 0.0)), ("unverified", (1, 0.0))].into();
    assert_eq!(corrected(&facts), expected);
}

/// S-2, O-1: sessions that meet, before the reports or after.
#[test]
fn sessions_that_meet_are_one_for_reports_too() {
    for (meet, arrival) in [(10 * HOUR, 12 * HOUR), (12 * HOUR, 10 * HOUR)] {
        let mut desk = KeyedDesk::new(Settings::default());
        for record in turn(1, HOUR) {
            desk.apply(&session("b"), record, HOUR);
        }
        let paid = report(2 * HOUR, Outcome::Resolved, "1");
        let mut steps = [
            (meet, Record::Bind(session("a"))),
            (arrival, say(&paid)),
            (arrival, say(&paid)),
        ];
        steps.sort_by_key(|(second, _)| *second);
        for (second, record) in steps {
            desk.apply(&session("b"), record, second);
            desk.deliver(second);
            desk.stitcher = reborn(&desk.stitcher, Settings::default());
        }
        let facts = desk.end();
        assert_eq!(corrected(&facts), [("resolved", (1, 0.0))].into());
        assert_eq!(reported(&facts, ReportResult::Duplicate), 1);
        assert_eq!(reported(&facts, ReportResult::Unmatched), 0);
    }
}

/// S-9: a report changes nothing but outcomes.
#[test]
fn a_report_does_not_make_sessions_that_met_stay_one_for_longer() {
    let sessions = [false, true].map(|reports| {
        let mut desk = KeyedDesk::new(Settings::default());
        for record in turn(1, HOUR) {
            desk.apply(&session("b"), record, HOUR);
        }
        desk.apply(&session("b"), Record::Bind(session("a")), HOUR + 1);
        desk.deliver(HOUR + 1);
        if reports {
            let paid = report(2 * HOUR, Outcome::Resolved, "1");
            desk.apply(&session("b"), say(&paid), 20 * HOUR);
            desk.deliver(20 * HOUR);
        }
        for record in turn(2, 30 * HOUR) {
            desk.apply(&session("b"), record, 30 * HOUR);
        }
        let facts = desk.end();
        let of = |fact: &Fact| fact.what == What::Session;
        facts
            .into_iter()
            .filter(of)
            .map(|fact| fact.key)
            .collect::<Vec<_>>()
    });
    assert_eq!(sessions[0], sessions[1]);
}

/// O-7.
#[test]
fn what_is_forgotten_because_memory_is_short_is_counted() {
    let settings = Settings {
        soft_bytes: 1,
        ..Settings::default()
    };
    let mut desk = KeyedDesk::new(settings);
    desk.turn(&session("s"), 1, HOUR);
    let waits = report(2 * HOUR, Outcome::Resolved, "1");
    desk.apply(&session("other"), say(&waits), HOUR);
    let facts = desk.end();
    assert_eq!(
        count(&facts, |what| *what == What::Forgotten { workflows: 1 }),
        1
    );
    assert_eq!(reported(&facts, ReportResult::Forgotten), 1);
    assert_eq!(reported(&facts, ReportResult::Unmatched), 0);
}

/// O-7: a session that never ends takes bounded memory.
#[test]
fn of_one_session_only_so_many_workflows_and_reports_are_kept() {
    let mut desk = KeyedDesk::new(Settings::default());
    for n in 0..70u64 {
        desk.turn(&session("s"), n as u8 + 1, HOUR + n * 2400);
    }
    for n in 0..300 {
        let one = report(40 * HOUR, Outcome::Resolved, &n.to_string());
        desk.apply(&session("s"), say(&one), 60 * HOUR);
    }
    let facts = desk.end();
    let forgotten = count(&facts, |what| *what == What::Forgotten { workflows: 1 });
    assert_eq!(forgotten, 70 - 64);
    assert_eq!(reported(&facts, ReportResult::Accepted), 256);
    assert_eq!(reported(&facts, ReportResult::OverLimit), 44);
}
