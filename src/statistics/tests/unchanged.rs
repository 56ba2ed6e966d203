//! What random weeks say: no more than 5 % false verdicts where nothing changed, and intervals that hold the truth 93 to 97 times of 100.

use super::*;

const WEEKS: u64 = 1000;

/// SplitMix64.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// The exponential distribution.
    fn wait(&mut self) -> f64 {
        -(1.0 - self.next()).ln()
    }
}

/// One week: cases with `[1, resolved, escalated, cost, value]`, and their waits.
#[derive(Default)]
struct Week {
    cases: Grouped<5>,
    waits: WaitHistogram,
}

/// The truth of a week.
const RESOLVED: f64 = 0.65;
const ESCALATED: f64 = 0.1;
const COST: f64 = 0.6;

impl Week {
    /// Customers come 1 to 4 times, and each has luck of their own, so that their cases resemble each other.
    fn new(chance: &mut Chance, customers: u64) -> Self {
        let mut week = Self::default();
        let mut customer = 0;
        // The number of customers is chance too.
        let mut time = chance.wait();
        while time < customers as f64 {
            customer += 1;
            time += chance.wait();
            let luck = chance.next();
            let hash = scattered(customer);
            for _ in 0..=(chance.next() * 4.0) as u64 {
                // Half of the cases go as the customer's luck says.
                let draw = if chance.next() < 0.5 {
                    luck
                } else {
                    chance.next()
                };
                let resolved = f64::from(u8::from(draw < RESOLVED));
                let escalated = f64::from(u8::from(draw > 1.0 - ESCALATED));
                let cost = COST * chance.wait() * (0.5 + luck);
                let value = resolved * 100.0 * chance.wait();
                week.cases
                    .add(hash, [1.0, resolved, escalated, cost, value]);
                week.waits
                    .add(hash, 2.0 * chance.wait() * (0.5 + luck), 1.0);
            }
        }
        week
    }

    fn figures(&self) -> Vec<Statistic> {
        let figures = [
            self.cases.rate(1, 0),
            self.cases.rate(2, 0),
            self.cases.ratio(3, 1),
            Some(self.cases.sum(|sums| sums[4])),
            self.waits.median(),
        ];
        figures.into_iter().map(|one| one.expect("known")).collect()
    }
}

#[test]
fn a_thousand_unchanged_weeks_give_at_most_five_percent_false_verdicts() {
    let mut chance = Chance(7);
    let (mut false_weeks, mut false_rows) = (0, [0; 5]);
    let mut then = Week::new(&mut chance, 400).figures();
    let mut then_cases = 1000;
    for _ in 0..WEEKS {
        let week = Week::new(&mut chance, 400);
        let now = week.figures();
        let changes: Vec<Difference> = now
            .iter()
            .zip(&then)
            .map(|(now, before)| Difference::new(now, before))
            .collect();
        let p_values: Vec<f64> = changes.iter().map(Difference::p_value).collect();
        for (row, p) in false_rows.iter_mut().zip(&p_values) {
            *row += u64::from(*p <= ALPHA);
        }
        let cases = [week.cases.cases(), then_cases];
        let told = changes.iter().zip(holm(&p_values)).any(|(change, p)| {
            let told = assess(change, p, Merit::Up, cases);
            !matches!(told, Assessment::CannotTell { .. })
        });
        false_weeks += u64::from(told);
        (then, then_cases) = (now, week.cases.cases());
    }
    assert!(false_weeks <= WEEKS / 20, "{false_weeks} of {WEEKS} weeks");
    // Each figure by itself errs about as often as it says, neither more nor much less.
    for (row, errors) in false_rows.into_iter().enumerate() {
        assert!((20..=70).contains(&errors), "figure {row}: {errors}");
    }
}

#[test]
fn intervals_hold_the_truth_93_to_97_times_of_100() {
    let mut chance = Chance(11);
    // The truth of the total and of the median: those of very many customers.
    let great = Week::new(&mut chance, 400_000).figures();
    let truth: Vec<f64> = great.iter().map(Statistic::value).collect();
    let truth = [truth[0], truth[1], truth[2], truth[3] / 1000.0, truth[4]];
    let mut held = [0; 5];
    for _ in 0..WEEKS {
        let figures = Week::new(&mut chance, 400).figures();
        for ((held, figure), truth) in held.iter_mut().zip(figures).zip(truth) {
            let (low, high) = figure.interval(ALPHA);
            *held += u64::from((low..=high).contains(&truth));
        }
    }
    for (figure, held) in held.into_iter().enumerate() {
        assert!(
            (930..=970).contains(&held),
            "figure {figure}: {held} of {WEEKS}"
        );
    }
}
