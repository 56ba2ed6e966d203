//! What the demo's script knows of the cases that a selection of a board's variables shows: the figures of the executive board, reckoned again
//! without Prometheus.

use super::past::STEPS;
use baton::demo::{DemoCohort, Session, Truth};

/// Values chosen for variables; a variable that is not named shows all.
#[derive(Clone, Debug, Default)]
pub struct Selection(pub Vec<(&'static str, Vec<&'static str>)>);

impl Selection {
    /// A query of a board as Grafana sends it to Prometheus.
    pub fn filled(&self, query: &str, variables: &[&str]) -> String {
        let mut query = query.to_owned();
        for variable in variables {
            let chosen = self.0.iter().find(|(name, _)| name == variable);
            let pattern = match chosen {
                None => String::from(".*"),
                Some((_, values)) if values.len() == 1 => values[0].to_owned(),
                Some((_, values)) => format!("({})", values.join("|")),
            };
            query = query.replace(&format!("\"${variable}\""), &format!("\"{pattern}\""));
        }
        query
    }

    fn shows(&self, cohort: &DemoCohort) -> bool {
        self.0.iter().all(|(variable, values)| {
            let value = match *variable {
                "workflow" => cohort.workflow,
                "tier" => cohort.tier,
                "intent" => cohort.intent,
                "channel" => cohort.channel,
                "tenant" => cohort.tenant,
                other => panic!("no variable {other}"),
            };
            values.contains(&value)
        })
    }
}

/// What is true of some steps under a selection: of its cases, and of its turns, which may have an intent of their own.
#[derive(Default)]
pub struct Known {
    pub cases: Truth,
    pub turns: Truth,
    pub waits: Vec<u64>,
}

pub fn known(
    sessions: &[(u64, Session)],
    selection: &Selection,
    steps: impl Fn(u64) -> bool,
) -> Known {
    let mut known = Known::default();
    for (_, session) in sessions.iter().filter(|(step, _)| steps(*step)) {
        if selection.shows(&session.cohort) {
            known.cases += session.truth;
        }
        for (intent, truth) in &session.turn_truths {
            let intent = *intent;
            if selection.shows(&DemoCohort {
                intent,
                ..session.cohort
            }) {
                known.turns += *truth;
                known.waits.push(truth.waited);
            }
        }
    }
    known
}

pub fn week(step: u64) -> usize {
    usize::from(step > STEPS)
}

/// How a figure is judged.
pub enum Kind {
    /// By its number of events: part and whole.
    Share(fn(&Known) -> (u64, u64)),
    /// By the spread between the parts of the period: sum and count, their ratio times so much.
    Ratio(fn(&Known) -> (f64, f64)),
    /// The same, of what adds up; divided by so much.
    Total(fn(&Known) -> f64, f64),
    /// Read from a histogram.
    Median,
}

/// Title, column of the number of events with that number, and how it is judged.
pub type Figure = (&'static str, &'static str, fn(&Known) -> u64, Kind);

fn seconds(millis: u64) -> f64 {
    millis as f64 / 1e3
}

pub fn figures() -> Vec<Figure> {
    let cases: fn(&Known) -> u64 = |k| k.cases.workflows();
    let turns: fn(&Known) -> u64 = |k| k.turns.turns;
    let resolved: fn(&Known) -> u64 = |k| k.cases.resolved;
    vec![
        (
            "Resolved (verified)",
            "Workflows",
            cases,
            Kind::Share(|k| (k.cases.resolved, k.cases.workflows())),
        ),
        (
            "Cost per resolution",
            "Resolved",
            resolved,
            Kind::Ratio(|k| (k.cases.spent_nano_usd as f64 / 1e9, k.cases.resolved as f64)),
        ),
        ("Customer wait (median)", "Requests", turns, Kind::Median),
        (
            "Passed to people",
            "Workflows",
            cases,
            Kind::Share(|k| (k.cases.escalated, k.cases.workflows())),
        ),
        (
            "Requests answered",
            "Requests",
            turns,
            Kind::Share(|k| (k.turns.answered, k.turns.turns)),
        ),
        (
            "Customer rating (mean)",
            "Ratings",
            |k| k.cases.scores,
            Kind::Ratio(|k| (k.cases.score_points as f64, k.cases.scores as f64)),
        ),
        (
            "Resolved per day",
            "Resolved",
            resolved,
            Kind::Total(|k| k.cases.resolved as f64, 7.0),
        ),
        (
            "Mean time to resolve",
            "Resolved",
            resolved,
            Kind::Ratio(|k| (seconds(k.cases.resolved_elapsed), k.cases.resolved as f64)),
        ),
        (
            "Handoffs that succeeded",
            "Handoffs",
            |k| k.cases.handoffs(),
            Kind::Share(|k| (k.cases.handoffs_succeeded, k.cases.handoffs())),
        ),
        (
            "Business completed",
            "Workflows",
            cases,
            Kind::Total(|k| k.cases.value_completed as f64, 1.0),
        ),
        (
            "Business at risk",
            "Workflows",
            cases,
            Kind::Total(|k| k.cases.value_at_risk as f64, 1.0),
        ),
    ]
}

/// Figure, name of a share of it that is covered, and its part and whole.
pub type Covered = (&'static str, &'static str, fn(&Known) -> (u64, u64));

/// What the demo's script knows of how much of the figures is covered.
pub fn coverages() -> Vec<Covered> {
    let declared: fn(&Known) -> (u64, u64) = |k| {
        let resolved = k.cases.resolved;
        (resolved - k.cases.resolved_by_rule, resolved)
    };
    let by_rule: fn(&Known) -> (u64, u64) = |k| (k.cases.resolved_by_rule, k.cases.resolved);
    let priced: fn(&Known) -> (u64, u64) = |k| {
        let calls = k.cases.model_calls;
        (calls - k.cases.calls_without_usage, calls)
    };
    let signed_in: fn(&Known) -> (u64, u64) = |k| {
        let resolved = k.cases.resolved;
        (resolved - k.cases.resolved_without_user, resolved)
    };
    let (cost, escalated) = ("Cost per resolution", "Passed to people");
    let mut all: Vec<Covered> = vec![
        (cost, "Cost known", priced),
        ("Net return", "Cost known", priced),
        (cost, "Usage missing", |k| {
            (k.cases.calls_without_usage, k.cases.model_calls)
        }),
        (cost, "Price missing", |k| (0, k.cases.model_calls)),
        ("Resolved (verified)", "Ended without proof", |k| {
            (k.cases.unverified, k.cases.workflows())
        }),
        ("Customer wait (median)", "Ended with an answer", |k| {
            (k.turns.answered, k.turns.turns)
        }),
        ("Net return", "Users known", signed_in),
        ("Stayed resolved", "Users known", signed_in),
        (escalated, "Escalations declared", |k| {
            (k.cases.escalated, k.cases.escalated)
        }),
        (escalated, "Escalations by rule", |k| (0, k.cases.escalated)),
        (escalated, "Escalations inferred", |k| {
            (0, k.cases.escalated)
        }),
        ("Requests answered", "Answers shown", |k| {
            (k.turns.answered, k.turns.answered)
        }),
        ("Customer rating (mean)", "Ratings", |k| {
            (k.cases.scores, k.cases.workflows())
        }),
        ("Handoffs that succeeded", "Result known", |k| {
            (k.cases.handoffs(), k.cases.handoffs())
        }),
        ("Business completed", "Value declared", |k| {
            let resolved = k.cases.resolved;
            (resolved - k.cases.resolved_without_value, resolved)
        }),
        ("Business at risk", "Value at risk declared", |k| {
            let open = k.cases.workflows() - k.cases.resolved;
            (open - k.cases.open_without_value, open)
        }),
    ];
    for figure in [
        "Resolved (verified)",
        "Stayed resolved",
        "Resolved per day",
        "Mean time to resolve",
    ] {
        all.push((figure, "Resolutions declared", declared));
        all.push((figure, "Resolutions by rule", by_rule));
    }
    all
}

/// The share with so many events more, half of them good, and the square of its standard error.
fn near(part: u64, whole: u64, more: f64) -> (f64, f64) {
    let whole = whole as f64 + more;
    let share = (part as f64 + more / 2.0) / whole;
    (share, share * (1.0 - share) / whole)
}

/// Squared standard error of the mean of the parts.
fn error(parts: &[f64]) -> f64 {
    let n = parts.len() as f64;
    let mean = parts.iter().sum::<f64>() / n;
    parts.iter().map(|part| (part - mean).powi(2)).sum::<f64>() / n / (n - 1.0)
}

const Z: f64 = 1.959_964;
const T: f64 = 2.160_369;

/// What the board must say of a figure: column and value; `None` is unknown.
pub struct Saying {
    pub now: Option<f64>,
    pub before: Option<f64>,
    /// In standard errors, and half of the interval, where it rests on counts or parts that are known.
    pub verdict: Option<f64>,
    pub interval: Option<f64>,
    pub events: u64,
}

/// Of both weeks and, for the spread, of each step.
pub fn saying(figure: &Figure, weeks: &[Known; 2], steps: &[Known], buckets: &[f64]) -> Saying {
    let (_, _, events, kind) = figure;
    let [before, now] = weeks;
    // Closed ranges begin with the last part of the time before.
    let last = STEPS as usize;
    let (old, new) = (&steps[..last], &steps[last - 1..]);
    let enough = events(now) >= 20 && events(before) >= 20;
    let mut said = Saying {
        now: None,
        before: None,
        verdict: None,
        interval: None,
        events: events(now),
    };
    match kind {
        Kind::Share(of) => {
            let share = |k: &Known| (of(k).1 > 0).then(|| of(k).0 as f64 / of(k).1 as f64);
            (said.now, said.before) = (share(now), share(before));
            let ((a, va), (b, vb)) = (
                near(of(now).0, of(now).1, 2.0),
                near(of(before).0, of(before).1, 2.0),
            );
            said.verdict = enough.then(|| (a - b) / (va + vb).sqrt());
            said.interval = said
                .now
                .map(|_| 100.0 * Z * near(of(now).0, of(now).1, 4.0).1.sqrt());
        }
        Kind::Ratio(of) => {
            let ratio = |k: &Known| (of(k).1 > 0.0).then(|| of(k).0 / of(k).1);
            (said.now, said.before) = (ratio(now), ratio(before));
            let parts = |steps: &[Known]| steps.iter().filter_map(ratio).collect::<Vec<_>>();
            let (new, old) = (error(&parts(new)), error(&parts(old)));
            if let (true, Some(now), Some(before)) = (enough, said.now, said.before) {
                said.verdict = Some(Z / T * (now - before) / (new + old).sqrt());
            }
            said.interval = said.now.map(|_| T * new.sqrt());
        }
        Kind::Total(of, per) => {
            let born = steps.iter().position(|k| of(k) > 0.0);
            let total = |k: &Known, exists: bool| exists.then(|| of(k) / per);
            said.now = total(now, born.is_some());
            said.before = total(before, born.is_some_and(|step| step < last));
            let parts = |from: usize, to: usize| {
                let from = from.max(born.unwrap_or(to));
                steps[from.min(to)..to].iter().map(of).collect::<Vec<_>>()
            };
            let (new, old) = (parts(last - 1, steps.len()), parts(0, last));
            let mean = |parts: &[f64]| parts.iter().sum::<f64>() / parts.len() as f64;
            said.verdict = enough
                .then(|| Z / T * (mean(&new) - mean(&old)) / (error(&new) + error(&old)).sqrt());
            said.interval = said
                .now
                .map(|_| T * new.len() as f64 * error(&new).sqrt() / per);
        }
        Kind::Median => {
            (said.now, said.before) = (median(&now.waits, buckets), median(&before.waits, buckets));
        }
    }
    said
}

/// As Prometheus reads it from cumulative buckets.
fn median(waits: &[u64], buckets: &[f64]) -> Option<f64> {
    let rank = waits.len() as f64 / 2.0;
    let (mut low, mut below) = (0.0, 0.0);
    for bound in buckets {
        let count = waits
            .iter()
            .filter(|wait| **wait as f64 / 1e3 <= *bound)
            .count() as f64;
        if count >= rank && count > below {
            return Some(low + (bound - low) * (rank - below) / (count - below));
        }
        (low, below) = (*bound, count);
    }
    None
}
