//! Outcomes that are reported from outside: whenever they come, before, during or after the work, once or several times, the corrected
//! figures are those of the reference implementation. It is written from the rules O-1 to O-6, and knows all workflows and all reports.

use crate::law::figures::difference;
use crate::law::naive;
use crate::law::play::{Way, play, play_reports};
use crate::law::second::settings;
use crate::law::story::{self, HOUR, SECOND, Story};
use crate::support::dice::Dice;
use baton::model::correction::ReportResult;
use baton::model::event::Outcome;
use baton::model::fact::{Fact, What, Workflow};
use baton::model::ids::{PartitionKey, TenantScoped};
use baton::model::metric::{Family, Point};
use baton::model::outcome_report::{AddressedReport, OutcomeReport};
use baton::model::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Workflows and their value in nano-dollars, by name, cohort and outcome.
type Table = BTreeMap<(String, Vec<String>, Outcome), (i64, i128)>;

/// A workflow that was closed, as it is without reports.
struct Closed<'f> {
    /// The ID that the others of its session give way to.
    session: TenantScoped,
    start: u64,
    fact: &'f Fact,
    workflow: &'f Workflow,
}

fn closed<'f>(facts: &'f [Fact], sessions: &[BTreeSet<TenantScoped>]) -> Vec<Closed<'f>> {
    let home = |id: &TenantScoped| {
        let ids = sessions.iter().find(|ids| ids.contains(id));
        let first = ids.and_then(BTreeSet::first);
        first.unwrap_or(id).clone()
    };
    let closed = facts
        .iter()
        .filter_map(|fact| match (&fact.what, &fact.key) {
            (What::Workflow(workflow), Some(PartitionKey::Session(session))) => Some(Closed {
                session: home(session),
                start: fact.at.0 - workflow.duration.as_nanos() as u64,
                fact,
                workflow,
            }),
            _ => None,
        });
    closed.collect()
}

/// The workflows of sessions that have one ID, or whose IDs do not forget each other in between (S-9).
fn clear<'w, 'f>(
    workflows: &'w [Closed<'f>],
    sessions: &[BTreeSet<TenantScoped>],
) -> Vec<&'w Closed<'f>> {
    let is_clear = |one: &&Closed<'_>| {
        let ids = sessions.iter().find(|ids| ids.contains(&one.session));
        let own = || workflows.iter().filter(|w| w.session == one.session);
        let first = own().map(|w| w.start).min().unwrap_or_default();
        let last = own().map(|w| w.fact.at.0).max().unwrap_or_default();
        ids.is_none_or(|ids| ids.len() == 1) || last - first < 20 * HOUR
    };
    workflows.iter().filter(is_clear).collect()
}

/// Reports about the sessions of a story.
fn reports(workflows: &[&Closed<'_>], dice: &mut Dice) -> Vec<AddressedReport> {
    let mut reports = Vec::new();
    if workflows.is_empty() {
        return reports;
    }
    for n in 0..dice.below(8) {
        let about = workflows[dice.below(workflows.len() as u64) as usize];
        let around = match dice.below(4) {
            // Before anything began: it matches an earlier workflow, or nothing.
            0 => about.start.saturating_sub(1 + dice.below(2 * HOUR)),
            // At the same moment.
            1 => about.start,
            _ => about.start + dice.below(8 * HOUR),
        };
        let report = OutcomeReport {
            outcome: Outcome::ALL[dice.below(5) as usize],
            value_usd: (!dice.one_in(3)).then(|| dice.below(100_000) as f64 / 100.0),
            // Several of one time at times.
            at: Timestamp(around - around % [1, SECOND, HOUR][dice.below(3) as usize]),
            source: ["crm", "erp"][dice.below(2) as usize].into(),
            id: (!dice.one_in(4)).then(|| format!("id-{n}").into()),
        };
        let session = about.session.clone();
        reports.push(AddressedReport { session, report });
    }
    reports
}

/// What holds of the workflows of all sessions, by the rules.
fn expected(workflows: &[Closed<'_>], reports: &[AddressedReport]) -> (Table, usize) {
    let mut said: BTreeMap<usize, Vec<&OutcomeReport>> = BTreeMap::new();
    let mut unmatched = 0;
    for AddressedReport { session, report } in reports {
        let begun = workflows.iter().enumerate();
        let begun = begun.filter(|(_, w)| w.session == *session && w.start <= report.at.0);
        // O-1. Of two that began at once, the one that the order of Baton makes the last.
        let last =
            begun.max_by_key(|(_, w)| (w.start, w.fact.at, w.fact.trace, &w.workflow.workflow));
        match last {
            Some((index, _)) => said.entry(index).or_default().push(report),
            None => unmatched += 1,
        }
    }
    let mut table = Table::new();
    for (index, closed) in workflows.iter().enumerate() {
        let mut about = said.remove(&index).unwrap_or_default();
        // O-3.
        about.sort_by_key(|r| (r.at, &r.source, &r.id, r.outcome, r.value_usd.map(nano)));
        let outcome = about.last().map_or(closed.workflow.outcome, |r| r.outcome);
        let value = about.iter().rev().find_map(|report| report.value_usd);
        let value = value.or(closed.workflow.value_usd);
        add(
            &mut table,
            closed.fact,
            (&closed.workflow.workflow, outcome),
            (1, value),
        );
    }
    table.retain(|_, sum| *sum != (0, 0));
    (table, unmatched)
}

fn nano(usd: f64) -> i128 {
    (usd * 1e9).round() as i128
}

fn add(
    table: &mut Table,
    fact: &Fact,
    (name, outcome): (&str, Outcome),
    (count, value): (i64, Option<f64>),
) {
    let cohort = fact.cohort.values().iter().map(ToString::to_string);
    let row = (name.to_owned(), cohort.collect(), outcome);
    let weight = fact.weight() as i64;
    let sum = table.entry(row).or_default();
    sum.0 += count * weight;
    sum.1 += i128::from(count * weight) * value.map_or(0, nano);
}

/// What the facts of sessions add up to, with all corrections.
fn told(facts: &[Fact]) -> Table {
    let mut table = Table::new();
    let of_session = |fact: &&Fact| matches!(fact.key, Some(PartitionKey::Session(_)));
    for fact in facts.iter().filter(of_session) {
        match &fact.what {
            What::Workflow(closed) => {
                let of = (&*closed.workflow, closed.outcome);
                add(&mut table, fact, of, (1, closed.value_usd));
            }
            What::Correction(moved) => {
                add(
                    &mut table,
                    fact,
                    (&moved.workflow, moved.from),
                    (-1, moved.value_from),
                );
                add(
                    &mut table,
                    fact,
                    (&moved.workflow, moved.to),
                    (1, moved.value_to),
                );
            }
            _ => {}
        }
    }
    table.retain(|_, sum| *sum != (0, 0));
    table
}

/// The sum of a counter by the value of a label.
fn by(families: &[Family], name: &str, label: &str) -> BTreeMap<String, f64> {
    let mut sums: BTreeMap<String, f64> = BTreeMap::new();
    let family = families.iter().find(|family| family.name == name);
    for series in family.iter().flat_map(|family| &family.series) {
        let value = series.labels.iter().find(|(key, _)| key == label);
        if let (Some((_, value)), Point::Counter { value: count, .. }) = (value, &series.point) {
            *sums.entry(value.clone()).or_default() += count;
        }
    }
    sums
}

/// The metrics say the same as the facts of all keys.
fn metrics_are_the_facts(families: &[Family], facts: &[Fact]) -> Vec<String> {
    let mut expected: BTreeMap<Outcome, i64> = BTreeMap::new();
    for fact in facts {
        let weight = fact.weight() as i64;
        match &fact.what {
            What::Workflow(closed) => *expected.entry(closed.outcome).or_default() += weight,
            What::Correction(moved) => {
                *expected.entry(moved.from).or_default() -= weight;
                *expected.entry(moved.to).or_default() += weight;
            }
            _ => {}
        }
    }
    let all = by(families, "baton_workflows_total", "outcome");
    let moved = |label| by(families, "baton_workflow_corrections_total", label);
    let (from, to) = (moved("from"), moved("to"));
    let mut faults = Vec::new();
    for outcome in Outcome::ALL {
        let of = |sums: &BTreeMap<String, f64>| sums.get(outcome.as_str()).copied().unwrap_or(0.0);
        let shown = of(&all) + of(&to) - of(&from);
        let told = expected.get(&outcome).copied().unwrap_or(0) as f64;
        if shown != told {
            faults.push(format!(
                "{outcome:?}: the metrics say {shown}, the facts {told}"
            ));
        }
    }
    faults
}

/// Everything that no report may change: no outcome, value or evidence.
fn others(facts: &[Fact]) -> Vec<String> {
    let mut others: Vec<String> = facts
        .iter()
        .filter_map(|fact| {
            let what = match &fact.what {
                What::Correction(_) => return None,
                What::Workflow(closed) => {
                    let (name, took, cost) = (&closed.workflow, closed.duration, closed.cost_usd);
                    format!(
                        "{name} {took:?} {cost:?} {:?} {:?}",
                        closed.models, closed.span
                    )
                }
                What::Recontact { workflow, .. } => format!("again {workflow}"),
                what => format!("{what:?}"),
            };
            let (at, trace, cohort) = (fact.at.0, fact.trace, fact.cohort.values());
            Some(format!("{:?} {trace} {at} {cohort:?} {what}", fact.key))
        })
        .collect();
    others.sort();
    others
}

/// When a report comes: before, during or after its work, and within the window of what it is about.
fn arrival(report: &AddressedReport, first: u64, dice: &mut Dice) -> u64 {
    let at = report.report.at.0;
    match dice.below(3) {
        0 => first.saturating_sub(dice.below(HOUR)),
        1 => at.max(first) + dice.below(10 * SECOND),
        _ => at.max(first) + dice.below(40 * HOUR),
    }
}

/// The faults of one story, told in several ways.
pub fn faults(seed: u64) -> Vec<String> {
    let mut story: Story = story::tell_without_late_outcomes(seed);
    // Some stories last for days, and reports come long before their work.
    story.config.outcomes.window = Duration::from_nanos(40 * 24 * HOUR);
    let mut dice = Dice::new(seed ^ 0x0C0E);
    let (_, without) = play(&story, Way::plain(), &mut |_, _| {});
    let settings = settings(&story.config, false);
    let sessions = naive::sessions(&story.events, &settings);
    let workflows = closed(&without, &sessions);
    let reports = reports(&clear(&workflows, &sessions), &mut dice);
    let (table, unmatched) = expected(&workflows, &reports);
    let first = story.events.iter().map(|event| event.start.0).min();
    let first = first.unwrap_or_default();
    let unchanged = others(&without);
    let mut faults = Vec::new();
    let mut ways = Dice::new(seed ^ 0x3A75);
    for partitions in [1, 3] {
        let way = Way::any(&mut ways, partitions);
        let mut coming = Vec::new();
        for report in &reports {
            for _ in 0..1 + dice.below(2) {
                coming.push((arrival(report, first, &mut dice), report.clone()));
            }
        }
        let (families, facts) = play_reports(&story, way.clone(), coming);
        let of = |result: ReportResult| {
            let counts = by(&families, "baton_outcome_reports_total", "result");
            counts.get(result.as_str()).copied().unwrap_or(0.0) as usize
        };
        let found = told(&facts);
        if found != table {
            faults.push(format!(
                "{way:?}\n expected {table:?}\n found    {found:?}\n by {reports:?}"
            ));
        }
        if others(&facts) != unchanged {
            faults.push(format!(
                "{way:?}\n{}",
                difference(&unchanged, &others(&facts))
            ));
        }
        faults.extend(metrics_are_the_facts(&families, &facts));
        let counts = (of(ReportResult::Accepted), of(ReportResult::Unmatched));
        if counts != (reports.len(), unmatched) {
            faults.push(format!(
                "{way:?}\n {counts:?} of {} and {unmatched}",
                reports.len()
            ));
        }
    }
    faults
}
