//! The story: who asks what, which agent does what, what goes wrong. The same seed tells the same story.

use std::ops::AddAssign;

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
    pub(super) channel: &'static str,
    pub(super) dialect: usize,
    pub(super) turns: Vec<Turn>,
    pub truth: Truth,
}

/// One user input up to the final answer. Steps name their parents by index; times are milliseconds.
#[derive(Clone, Debug)]
pub(super) struct Turn {
    pub(super) intent: &'static str,
    pub(super) tier: &'static str,
    pub(super) outcome: Option<&'static str>,
    /// What the customer's business is worth, in dollars.
    pub(super) value: Option<u64>,
    pub(super) steps: Vec<Step>,
}

#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) parent: usize,
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) what: What,
    pub(super) failed: bool,
}

#[derive(Clone, Debug)]
pub(super) enum What {
    /// The request of the support application around everything.
    App,
    Agent(&'static str),
    Call {
        agent: &'static str,
        provider: &'static str,
        model: &'static str,
        input: u64,
        output: u64,
        cached: u64,
        /// The tool that the model asks for.
        asks: Option<&'static str>,
        first_token: u64,
    },
    Tool {
        agent: &'static str,
        name: &'static str,
    },
}

/// What the script knows, for comparing with what Baton derives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Truth {
    pub sessions: u64,
    pub turns: u64,
    pub model_calls: u64,
    pub model_errors: u64,
    pub tool_calls: u64,
    pub tool_errors: u64,
    pub handoffs_succeeded: u64,
    pub handoffs_dropped: u64,
    pub handoffs_rejected: u64,
    pub handoffs_target_error: u64,
    pub escalations: u64,
    pub resolved: u64,
    pub escalated: u64,
    pub failed: u64,
    pub unverified: u64,
    /// Dollars of business, resolved and not.
    pub value_completed: u64,
    pub value_at_risk: u64,
}

impl AddAssign for Truth {
    fn add_assign(&mut self, other: Self) {
        let Self {
            sessions,
            turns,
            model_calls,
            model_errors,
            tool_calls,
            tool_errors,
            ..
        } = other;
        self.sessions += sessions;
        self.turns += turns;
        self.model_calls += model_calls;
        self.model_errors += model_errors;
        self.tool_calls += tool_calls;
        self.tool_errors += tool_errors;
        self.handoffs_succeeded += other.handoffs_succeeded;
        self.handoffs_dropped += other.handoffs_dropped;
        self.handoffs_rejected += other.handoffs_rejected;
        self.handoffs_target_error += other.handoffs_target_error;
        self.escalations += other.escalations;
        self.resolved += other.resolved;
        self.escalated += other.escalated;
        self.failed += other.failed;
        self.unverified += other.unverified;
        self.value_completed += other.value_completed;
        self.value_at_risk += other.value_at_risk;
    }
}

/// What a customer may want: the intent, who is the specialist, the specialist's tool, the value in dollars.
const WANTS: [(&str, &str, &str, Option<u64>); 4] = [
    ("refund", "refunds", "pay_back", Some(60)),
    ("invoice", "billing", "find_invoice", Some(240)),
    ("delivery", "shipping", "track_parcel", Some(35)),
    ("technical", "tech_support", "run_diagnosis", None),
];
const CHANNELS: [&str; 2] = ["web", "mobile"];
const TIERS: [&str; 3] = ["free", "plus", "business"];
const DIALECTS: usize = 3;

/// How a turn goes, in percent.
const DROPPED: u64 = 3;
const REJECTED: u64 = 5;
const TARGET_ERROR: u64 = 8;
const ESCALATED: u64 = 16;
const UNVERIFIED: u64 = 30;

/// SplitMix64: small, and the same on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }
}

impl Desk {
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// The session of that number.
    pub fn session(&self, number: u64) -> Session {
        let mut dice = Dice(self.seed.wrapping_mul(0x1000_0001).wrapping_add(number));
        let mut truth = Truth {
            sessions: 1,
            ..Truth::default()
        };
        let tier = TIERS[dice.roll(3) as usize];
        let mut turns = Vec::new();
        if dice.roll(100) < 40 {
            turns.push(Script::new(&mut dice, &mut truth).greeting(tier));
        }
        turns.push(Script::new(&mut dice, &mut truth).request(tier));
        Session {
            id: format!("case-{}-{number}", self.seed),
            user: format!("customer-{}", dice.roll(500)),
            channel: CHANNELS[(number / 2 % 2) as usize],
            dialect: (number % DIALECTS as u64) as usize,
            turns,
            truth,
        }
    }
}

/// A turn being written.
struct Script<'d> {
    dice: &'d mut Dice,
    truth: &'d mut Truth,
    steps: Vec<Step>,
    now: u64,
}

impl<'d> Script<'d> {
    fn new(dice: &'d mut Dice, truth: &'d mut Truth) -> Self {
        truth.turns += 1;
        let mut script = Self {
            dice,
            truth,
            steps: Vec::new(),
            now: 0,
        };
        script.begin(0, What::App);
        script
    }

    /// A question that the concierge answers alone.
    fn greeting(mut self, tier: &'static str) -> Turn {
        let agent = self.begin(0, What::Agent("concierge"));
        self.call(agent, "concierge", None, false);
        self.end(agent, false);
        self.close("question", tier, None)
    }

    /// A request that needs a specialist.
    fn request(mut self, tier: &'static str) -> Turn {
        let (intent, specialist, tool, _) = WANTS[self.dice.roll(4) as usize];
        let transfer = transfer_to(specialist);
        let fate = self.dice.roll(100);
        let concierge = self.begin(0, What::Agent("concierge"));
        self.call(concierge, "concierge", Some(transfer), false);
        if fate < DROPPED {
            self.truth.handoffs_dropped += 1;
            self.end(concierge, false);
            return self.verdict(intent, tier, "failed");
        }
        let rejected = fate < REJECTED;
        self.tool(concierge, "concierge", transfer, rejected);
        if rejected {
            self.truth.handoffs_rejected += 1;
            self.call(concierge, "concierge", None, false);
            self.end(concierge, false);
            return self.verdict(intent, tier, "failed");
        }
        self.end(concierge, false);
        let agent = self.begin(0, What::Agent(specialist));
        if fate < TARGET_ERROR {
            self.truth.handoffs_target_error += 1;
            self.call(agent, specialist, None, true);
            self.end(agent, true);
            return self.verdict(intent, tier, "failed");
        }
        self.truth.handoffs_succeeded += 1;
        self.call(agent, specialist, Some(tool), false);
        let broken = self.dice.roll(100) < 7;
        self.work(agent, specialist, tool, broken);
        if fate < ESCALATED {
            self.call(agent, specialist, Some("escalate_to_human"), false);
            self.work(agent, specialist, "escalate_to_human", false);
            self.truth.escalations += 1;
            self.truth.handoffs_succeeded += 1;
        }
        self.call(agent, specialist, None, false);
        self.end(agent, false);
        let outcome = if fate < ESCALATED {
            "escalated"
        } else if fate < UNVERIFIED {
            ""
        } else {
            "resolved"
        };
        self.verdict(intent, tier, outcome)
    }

    fn begin(&mut self, parent: usize, what: What) -> usize {
        self.now += 5 + self.dice.roll(30);
        let start = self.now;
        self.steps.push(Step {
            parent,
            start,
            end: start,
            what,
            failed: false,
        });
        self.steps.len() - 1
    }

    fn end(&mut self, step: usize, failed: bool) {
        self.now += 1 + self.dice.roll(10);
        self.steps[step].end = self.now;
        self.steps[step].failed = failed;
    }

    fn call(
        &mut self,
        parent: usize,
        agent: &'static str,
        asks: Option<&'static str>,
        failed: bool,
    ) {
        let (provider, model, speed) = match agent {
            "concierge" => ("openai", "gpt-4o-mini", 500),
            "billing" => ("anthropic", "claude-sonnet-4-5", 1200),
            "shipping" => ("gcp.gemini", "gemini-2.5-flash", 600),
            _ => ("openai", "gpt-4o", 900),
        };
        let input = 400 + self.dice.roll(2200);
        let what = What::Call {
            agent,
            provider,
            model,
            input,
            output: 20 + self.dice.roll(280),
            cached: input / 4,
            asks,
            first_token: speed / 3 + self.dice.roll(speed / 3),
        };
        let step = self.begin(parent, what);
        self.now += speed + self.dice.roll(2 * speed);
        self.end(step, failed);
        self.truth.model_calls += 1;
        self.truth.model_errors += u64::from(failed);
    }

    fn tool(&mut self, parent: usize, agent: &'static str, name: &'static str, failed: bool) {
        let step = self.begin(parent, What::Tool { agent, name });
        self.now += 20 + self.dice.roll(400);
        self.end(step, failed);
    }

    /// A tool that is more than a handoff.
    fn work(&mut self, parent: usize, agent: &'static str, name: &'static str, failed: bool) {
        self.tool(parent, agent, name, failed);
        self.truth.tool_calls += 1;
        self.truth.tool_errors += u64::from(failed);
    }

    fn verdict(self, intent: &'static str, tier: &'static str, outcome: &'static str) -> Turn {
        match outcome {
            "resolved" => self.truth.resolved += 1,
            "escalated" => self.truth.escalated += 1,
            "failed" => self.truth.failed += 1,
            _ => self.truth.unverified += 1,
        }
        let value = worth(intent).unwrap_or(0);
        if outcome == "resolved" {
            self.truth.value_completed += value;
        } else {
            self.truth.value_at_risk += value;
        }
        self.close(intent, tier, (!outcome.is_empty()).then_some(outcome))
    }

    fn close(
        mut self,
        intent: &'static str,
        tier: &'static str,
        outcome: Option<&'static str>,
    ) -> Turn {
        self.end(0, false);
        Turn {
            intent,
            tier,
            outcome,
            value: worth(intent),
            steps: self.steps,
        }
    }
}

/// The dollars that a customer with this intent is about.
fn worth(intent: &str) -> Option<u64> {
    WANTS.iter().find(|(known, ..)| *known == intent)?.3
}

fn transfer_to(specialist: &str) -> &'static str {
    match specialist {
        "refunds" => "transfer_to_refunds",
        "billing" => "transfer_to_billing",
        "shipping" => "transfer_to_shipping",
        _ => "transfer_to_tech_support",
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
        assert_eq!(
            truth.resolved + truth.escalated + truth.failed + truth.unverified,
            1000
        );
        for count in [
            truth.handoffs_dropped,
            truth.handoffs_rejected,
            truth.handoffs_target_error,
            truth.escalations,
            truth.tool_errors,
        ] {
            assert!((5..200).contains(&count), "{truth:?}");
        }
    }
}
