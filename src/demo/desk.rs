//! The sessions of a seed, each with its true results.

use super::plan::{Dice, Fate, Plan};
use super::script::Script;
use super::truth::Truth;
use super::turn::Turn;

/// A support desk.
#[derive(Clone, Copy, Debug)]
pub struct Desk {
    seed: u64,
}

/// One conversation with its turns, and what is true about it.
#[derive(Clone, Debug)]
pub struct Session {
    pub id: String,
    pub user: String,
    pub(super) place: Place,
    pub(super) dialect: usize,
    pub(super) turns: Vec<Turn>,
    pub truth: Truth,
}

/// Where a customer comes from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) tier: &'static str,
    pub(super) channel: &'static str,
    pub(super) tenant: &'static str,
    pub(super) workflow: &'static str,
}

const TIERS: [&str; 2] = ["free", "business"];
const PLACES: [(&str, &str); 3] = [("web", "north"), ("mobile", "north"), ("web", "south")];
const DIALECTS: u64 = 3;

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
        let place = Place {
            tier: TIERS[dice.roll(2) as usize],
            channel,
            tenant,
            workflow: plan.want.workflow,
        };
        let mut turns = Vec::new();
        if dice.roll(100) < 40 {
            turns.push(Script::new(&mut dice, &mut truth).greeting());
        }
        turns.push(Script::new(&mut dice, &mut truth).request(&plan));
        if plan.fate == Fate::Lost {
            turns.push(Script::new(&mut dice, &mut truth).repeat(&plan));
        }
        Session {
            id: format!("case-{}-{number}", self.seed),
            user: format!("customer-{}", dice.roll(500)),
            place,
            dialect: (number % DIALECTS) as usize,
            turns,
            truth,
        }
    }
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
