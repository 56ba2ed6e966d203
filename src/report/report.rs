//! The report: what two periods say.

use super::figure::{FigureLine, tell};
use super::settings::{ReportTargets, Settings};
use super::tally::{CaseKind, PeriodTally, of, units};
use super::words::{NumberWords, Unit};
use crate::model::time::Timestamp;
use crate::statistics::standardised;
use crate::statistics::{ALPHA, Assessment, Difference, Merit, Statistic, Stratum, assess, holm};
use std::collections::BTreeMap;
use std::time::Duration;

/// Lines of a list.
const SHOWN: usize = 6;

/// What the report says beside the rows.
#[derive(Clone, Debug)]
pub struct ReportContext {
    pub settings: Settings,
    pub currency: String,
    /// How long after a case outcomes may still come.
    pub window: Duration,
    pub now: Timestamp,
}

/// A kind of case that changed.
#[derive(Debug)]
pub(super) struct Mover {
    pub(super) name: String,
    pub(super) rates: [f64; 2],
    /// What it adds to the rate of all cases.
    pub(super) effect: f64,
    pub(super) told: Assessment,
    pub(super) sessions: Vec<String>,
}

/// A report, ready to be written.
#[derive(Debug)]
pub struct BusinessReport {
    pub(super) context: ReportContext,
    pub(super) words: NumberWords,
    pub(super) now: PeriodTally,
    pub(super) before: PeriodTally,
    pub(super) lines: Vec<FigureLine>,
    pub(super) movers: Vec<Mover>,
    /// What the changed mix of cases adds to the rate.
    pub(super) mix: Option<f64>,
    /// When outcomes come no more. `None`: they do not now.
    pub(super) final_at: Option<Timestamp>,
}

impl BusinessReport {
    /// Compares two periods.
    pub fn new(context: ReportContext, now: PeriodTally, before: PeriodTally) -> Self {
        let mut lines = lines(&context.settings, &now, &before);
        tell(&mut lines);
        let (movers, mix) = movers(&now.kinds, &before.kinds);
        let end = now.period.end().0;
        let window = u64::try_from(context.window.as_nanos()).unwrap_or(u64::MAX);
        let final_at = Timestamp(end.saturating_add(window));
        Self {
            final_at: (final_at > context.now).then_some(final_at),
            words: NumberWords {
                currency: context.currency.clone(),
            },
            context,
            now,
            before,
            lines,
            movers,
            mix,
        }
    }

    pub(super) fn line(&self, key: &str) -> Option<&FigureLine> {
        self.lines.iter().find(|line| line.key == key)
    }

    /// The first of a list of counts, the greatest first.
    pub(super) fn top(counts: &BTreeMap<String, u64>) -> Vec<(&str, u64)> {
        let mut all: Vec<(&str, u64)> = counts.iter().map(|(n, c)| (n.as_str(), *c)).collect();
        all.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        all.truncate(SHOWN);
        all
    }

    /// The cases of the period, each for as many as it stands for.
    pub(super) fn cases(tally: &PeriodTally) -> u64 {
        tally.cases.total()[of::ALL].round() as u64
    }

    /// The first and the last day, for people.
    pub(super) fn days(tally: &PeriodTally) -> String {
        let (first, last) = tally.period.days;
        match first == last {
            true => first.to_string(),
            false => format!("{first} to {last}"),
        }
    }

    /// The sentence that can be read aloud.
    pub(super) fn headline(&self) -> String {
        let cases = super::words::number(Self::cases(&self.now));
        let Some(resolved) = self.line("resolved").filter(|line| line.now.is_some()) else {
            return "No case was closed in this period.".into();
        };
        let mut text = format!(
            "The agents resolved {} of {cases} cases{}",
            self.shown(resolved),
            self.moved(resolved, "points more", "points fewer"),
        );
        if let Some(cost) = self.line("cost_per_resolution").filter(|l| l.now.is_some()) {
            let cost_text = format!(
                ", and a resolved case cost {}{}",
                self.shown(cost),
                self.moved(cost, "more", "less")
            );
            text.push_str(&cost_text);
        }
        text + "."
    }

    pub(super) fn shown(&self, line: &FigureLine) -> String {
        let value = line.now.as_ref().map(Statistic::value);
        value.map_or("–".into(), |value| self.words.value(line.unit, value))
    }

    fn moved(&self, line: &FigureLine, more: &str, less: &str) -> String {
        let Some(change) = line.change() else {
            return String::new();
        };
        if let Some(Assessment::CannotTell { .. }) = line.told {
            return " (whether that is a change cannot be told)".into();
        }
        let value = change.value();
        let size = match line.unit {
            Unit::Share => format!("{:.1}", value.abs() * 100.0),
            unit => self.words.value(unit, value.abs()),
        };
        format!(
            ", {size} {} than before",
            if value > 0.0 { more } else { less }
        )
    }
}

/// The lines in their order: key, title, unit, and which way the figure should go.
const LINES: &[(&str, &str, Unit, Merit)] = &[
    ("resolved", "Resolved, with proof", Unit::Share, Merit::Up),
    (
        "durable",
        "Resolved, customer did not return",
        Unit::Share,
        Merit::Up,
    ),
    ("contained", "Ended without proof", Unit::Share, Merit::Down),
    (
        "cost_per_resolution",
        "Cost of a resolved case",
        Unit::Money,
        Merit::Down,
    ),
    ("wait", "Customer wait, median", Unit::Seconds, Merit::Down),
    ("escalated", "Passed to people", Unit::Share, Merit::Down),
    (
        "handoffs",
        "Handoffs that succeeded",
        Unit::Share,
        Merit::Up,
    ),
    (
        "context",
        "Context kept at handoffs",
        Unit::Share,
        Merit::Up,
    ),
    ("completed", "Business completed", Unit::Money, Merit::Up),
    ("at_risk", "Business at risk", Unit::Money, Merit::Down),
    ("net_return", "Net return", Unit::Money, Merit::Up),
];

fn lines(settings: &Settings, now: &PeriodTally, before: &PeriodTally) -> Vec<FigureLine> {
    let saved = settings.baseline.case();
    let known = LINES
        .iter()
        .filter(|line| line.0 != "net_return" || saved.is_some());
    let lines = known.map(|(key, title, unit, merit)| {
        let of = |tally| figure(key, saved.unwrap_or(0.0), tally);
        let [(now, cases), (before, cases_before)] = [of(now), of(before)];
        FigureLine {
            key,
            title,
            unit: *unit,
            merit: *merit,
            now,
            before,
            cases: [cases, cases_before],
            target: aim(key, &settings.targets),
            told: None,
        }
    });
    lines.collect()
}

/// A figure of a period and how many cases it is of. A period without cases has none.
fn figure(key: &str, saved: f64, tally: &PeriodTally) -> (Option<Statistic>, u64) {
    let all = &tally.cases;
    let share = |at: usize| all.rate(at, of::ALL);
    let amount = |at: usize| Some(all.sum(|sums| sums[at]));
    let figure = match key {
        "resolved" => share(of::RESOLVED),
        "durable" => share(of::DURABLE),
        "contained" => share(of::CONTAINED),
        "escalated" => share(of::ESCALATED),
        "cost_per_resolution" => all.ratio(of::COST, of::RESOLVED),
        "wait" => tally.waits.median(),
        "handoffs" => tally.handoffs.rate(1, 0),
        "context" => tally.context.mean(1, 0),
        "completed" => amount(of::COMPLETED),
        "at_risk" => amount(of::AT_RISK),
        _ => Some(all.sum(|sums| sums[of::DURABLE] * saved - sums[of::COST])),
    };
    let cases = match key {
        "wait" => tally.waits.cases(),
        "handoffs" => tally.handoffs.cases(),
        "context" => tally.context.cases(),
        _ => all.cases(),
    };
    (figure.filter(|_| all.cases() > 0), cases)
}

/// What a figure should be.
fn aim(key: &str, targets: &ReportTargets) -> Option<f64> {
    let share = |percent: Option<f64>| percent.map(|percent| percent / 100.0);
    match key {
        "resolved" => share(targets.resolved_percent),
        "cost_per_resolution" => targets.cost_per_resolution,
        "wait" => targets.wait.map(|wait| wait.as_secs_f64()),
        "escalated" => share(targets.escalated_percent),
        "handoffs" => share(targets.handoffs_percent),
        "context" => share(targets.context_percent),
        _ => None,
    }
}

/// What was spent, exactly.
pub(super) fn spent(tally: &PeriodTally) -> f64 {
    units(tally.money[0])
}

fn movers(
    now: &BTreeMap<String, CaseKind>,
    before: &BTreeMap<String, CaseKind>,
) -> (Vec<Mover>, Option<f64>) {
    let mut names: Vec<&String> = now.keys().chain(before.keys()).collect();
    names.sort();
    names.dedup();
    let empty = CaseKind::default();
    let kinds = names.iter().map(|name| {
        let of =
            |all: &'_ BTreeMap<String, CaseKind>| all.get(*name).unwrap_or(&empty).sums.clone();
        [of(now), of(before)]
    });
    let kinds: Vec<[_; 2]> = kinds.collect();
    let strata = kinds.iter().map(|kinds| Stratum {
        cases: [0, 1].map(|side| kinds[side].total()[0]),
        figures: [0, 1].map(|side| kinds[side].rate(1, 0)),
    });
    let strata: Vec<Stratum> = strata.collect();
    let Some(parts) = standardised(&strata) else {
        return (Vec::new(), None);
    };
    let changes = strata.iter().map(|stratum| match &stratum.figures {
        [Some(now), Some(before)] => Some(Difference::new(now, before)),
        _ => None,
    });
    let changes: Vec<Option<Difference>> = changes.collect();
    let known: Vec<f64> = changes.iter().flatten().map(Difference::p_value).collect();
    let mut adjusted = holm(&known).into_iter();
    let mut movers = Vec::new();
    for (place, change) in changes.iter().enumerate() {
        let Some((change, p)) = change.as_ref().and_then(|c| Some((c, adjusted.next()?))) else {
            continue;
        };
        let cases = [0, 1].map(|side| kinds[place][side].cases());
        let rates = [0, 1].map(|side| {
            strata[place].figures[side]
                .as_ref()
                .map_or(0.0, Statistic::value)
        });
        // What got worse is shown by what failed, what got better by what succeeded.
        let shown = usize::from(change.value() < 0.0);
        let sessions = now.get(names[place]).map(|kind| &kind.sessions[shown]);
        movers.push(Mover {
            name: names[place].clone(),
            rates,
            effect: parts.effects[place],
            told: assess(change, p, Merit::Up, cases),
            sessions: sessions
                .into_iter()
                .flat_map(|all| all.values().cloned())
                .collect(),
        });
    }
    movers.sort_by(|a, b| b.effect.abs().total_cmp(&a.effect.abs()));
    movers.truncate(SHOWN);
    (movers, Some(parts.mix))
}

/// The verdict as words.
pub(super) fn verdict(told: Assessment) -> String {
    match told {
        Assessment::Better => "better".into(),
        Assessment::Worse => "worse".into(),
        Assessment::CannotTell {
            needed: Some(cases),
        } => {
            format!("cannot tell ({} cases)", super::words::number(cases))
        }
        Assessment::CannotTell { needed: None } => "cannot tell".into(),
    }
}

/// The level of intervals, in per cent.
pub(super) fn level() -> f64 {
    (1.0 - ALPHA) * 100.0
}
