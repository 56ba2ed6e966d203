//! The sessions of a seed, each with its true results.

use super::plan::{Dice, Fate, Plan};
use super::script::Script;
use super::truth::Truth;
use super::turn::ScriptTurn;

/// A support desk.
#[derive(Clone, Copy, Debug)]
pub struct Desk {
    seed: u64,
}

/// One conversation with its turns, and what is true about it.
#[derive(Clone, Debug)]
pub struct Session {
    pub id: String,
    /// Customers of the free tier do not sign in on the web.
    pub user: Option<String>,
    /// The case's own; a turn may have an intent of its own.
    pub cohort: DemoCohort,
    pub(super) dialect: usize,
    pub(super) turns: Vec<ScriptTurn>,
    pub truth: Truth,
    /// The parts of `truth` by turn, each with its intent.
    pub turn_truths: Vec<(&'static str, Truth)>,
}

/// Where a customer comes from, and what for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DemoCohort {
    pub workflow: &'static str,
    pub tier: &'static str,
    pub intent: &'static str,
    pub channel: &'static str,
    pub tenant: &'static str,
}

const TIERS: [&str; 2] = ["free", "business"];
const PLACES: [(&str, &str); 3] = [("web", "north"), ("mobile", "north"), ("web", "south")];
const DIALECTS: u64 = 3;
/// The service that speaks this dialect streams its answers and does not ask for their usage.
const STREAMS_BLINDLY: usize = 2;
/// Milliseconds that a customer thinks between two turns.
pub(super) const THINKING: u64 = 2_000;

impl Desk {
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// The session of that number.
    pub fn session(&self, number: u64) -> Session {
        let mut dice = Dice::new(self.seed.wrapping_mul(0x1000_0001).wrapping_add(number));
        let mut truth = Truth {
            sessions: 1,
            ..Truth::default()
        };
        let plan = Plan::of(number, &mut dice);
        let (channel, tenant) = PLACES[dice.roll(3) as usize];
        let tier = TIERS[dice.roll(2) as usize];
        let cohort = DemoCohort {
            workflow: plan.want.workflow,
            tier,
            intent: plan.want.intent,
            channel,
            tenant,
        };
        let dialect = (number % DIALECTS) as usize;
        let signed_in = (tier, channel) != (TIERS[0], PLACES[0].0);
        let mut turns = Vec::new();
        let mut turn_truths = Vec::new();
        let mut add = |dice: &mut Dice, write: &dyn Fn(Script) -> ScriptTurn| {
            let mut part = Truth::default();
            let turn = write(Script::new(dice, &mut part, dialect == STREAMS_BLINDLY));
            truth += part;
            turn_truths.push((turn.intent, part));
            turns.push(turn);
        };
        if dice.roll(100) < 40 {
            add(&mut dice, &|script| script.greeting());
        }
        add(&mut dice, &|script| script.request(&plan));
        if plan.fate == Fate::Lost {
            add(&mut dice, &|script| script.repeat(&plan));
        }
        if truth.resolved > 0 {
            truth.resolved_without_user = u64::from(!signed_in);
            truth.resolved_elapsed = until_answer(&turns, &turn_truths);
        }
        Session {
            id: format!("case-{}-{number}", self.seed),
            user: Some(format!("customer-{}", dice.roll(500))).filter(|_| signed_in),
            cohort,
            dialect,
            turns,
            truth,
            turn_truths,
        }
    }
}

/// Milliseconds from the first span to the final answer of a case whose last turn was answered.
fn until_answer(turns: &[ScriptTurn], truths: &[(&str, Truth)]) -> u64 {
    let (Some(first), Some(last)) = (turns.first(), turns.last()) else {
        return 0;
    };
    let waited = truths.last().map_or(0, |(_, truth)| truth.waited);
    let last_begins = elapsed(turns) - last.steps[0].end;
    last_begins + last.steps[0].start + waited - first.steps[0].start
}

/// Milliseconds that the turns and the pauses between them take.
pub(super) fn elapsed(turns: &[ScriptTurn]) -> u64 {
    let length = |turn: &ScriptTurn| turn.steps.first().map_or(0, |app| app.end);
    turns.iter().map(length).sum::<u64>() + THINKING * (turns.len() as u64 - 1)
}

#[cfg(test)]
mod tests {
    use super::{Desk, Truth};

    #[test]
    fn the_same_seed_tells_the_same_story_and_another_seed_another() {
        let story = |seed| format!("{:?}", Desk::new(seed).session(3));
        assert_eq!(story(1), story(1));
        assert_ne!(story(1), story(2));
    }

    #[test]
    fn everything_that_can_happen_happens_and_outcomes_sum_to_sessions() {
        let mut truth = Truth::default();
        for number in 0..1000 {
            truth += Desk::new(1).session(number).truth;
        }
        assert_eq!(truth.sessions, 1000);
        assert_eq!(truth.workflows(), 1000);
        for count in [
            truth.handoffs_dropped,
            truth.handoffs_rejected,
            truth.handoffs_target_error,
            truth.handoffs_context_lost,
            truth.loops,
            truth.repeats,
            truth.escalations,
            truth.tool_errors,
            truth.abandoned,
        ] {
            assert!((5..200).contains(&count), "{truth:?}");
        }
    }
}
