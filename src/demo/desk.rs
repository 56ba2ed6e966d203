//! The story: who asks what, which agent and model take it, what goes wrong. The same seed tells the same story.

use super::script::Script;
use super::truth::Truth;
use super::words::{Request, Share};

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

/// One user input up to the final answer. Steps name their parents by index; times are milliseconds.
#[derive(Clone, Debug)]
pub(super) struct Turn {
    pub(super) intent: &'static str,
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
    /// Evaluations attached to it: name and score.
    pub(super) scores: Vec<(&'static str, f64)>,
}

#[derive(Clone, Debug)]
pub(super) enum What {
    /// The request of the support application around everything.
    App,
    Agent(&'static str),
    Call(Call),
    Tool {
        agent: &'static str,
        name: &'static str,
    },
    /// A search in the knowledge base.
    Search,
}

#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) agent: &'static str,
    pub(super) model: Model,
    pub(super) heard: String,
    pub(super) says: Says,
    pub(super) input: u64,
    pub(super) output: u64,
    pub(super) cached: u64,
    pub(super) first_token: u64,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Says {
    /// The tool that the model asks for.
    Tool(&'static str),
    Text(&'static str),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Model {
    pub(super) provider: &'static str,
    pub(super) name: &'static str,
    /// Milliseconds of a quick call.
    pub(super) speed: u64,
    /// Billionths of a dollar for a token of input, of cached input, of output.
    pub(super) prices: [u64; 3],
}

/// Small, and on all cases: the concierge's.
pub(super) const NANO: Model = Model {
    provider: "openai",
    name: "gpt-4.1-nano",
    speed: 400,
    prices: [100, 25, 400],
};
const MINI: Model = Model {
    provider: "openai",
    name: "gpt-4o-mini",
    speed: 500,
    prices: [150, 75, 600],
};
const LARGE: Model = Model {
    provider: "openai",
    name: "gpt-4o",
    speed: 900,
    prices: [2500, 1250, 10_000],
};
const SONNET: Model = Model {
    provider: "anthropic",
    name: "claude-sonnet-4-5",
    speed: 1200,
    prices: [3000, 300, 15_000],
};
const FLASH: Model = Model {
    provider: "gcp.gemini",
    name: "gemini-2.5-flash",
    speed: 600,
    prices: [300, 30, 2500],
};

/// What a customer may want, and who sees to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Want {
    pub(super) intent: &'static str,
    pub(super) topic: &'static str,
    pub(super) workflow: &'static str,
    pub(super) specialist: &'static str,
    pub(super) transfer: &'static str,
    pub(super) tool: &'static str,
    pub(super) value: Option<u64>,
    /// The specialist looks things up first.
    pub(super) searches: bool,
    /// Billionths of a dollar for a call of the tool.
    pub(super) tool_price: u64,
    /// The dear model and the cheap one, which take turns.
    pub(super) models: [Model; 2],
}

pub(super) const WANTS: [Want; 4] = [
    Want {
        intent: "refund",
        topic: "please pay back what I sent back",
        workflow: "orders",
        specialist: "refunds",
        transfer: "transfer_to_refunds",
        tool: "pay_back",
        value: Some(60),
        searches: false,
        tool_price: 0,
        models: [LARGE, LARGE],
    },
    Want {
        intent: "invoice",
        topic: "the invoice is wrong, please correct it",
        workflow: "orders",
        specialist: "billing",
        transfer: "transfer_to_billing",
        tool: "find_invoice",
        value: Some(240),
        searches: false,
        tool_price: 0,
        models: [SONNET, MINI],
    },
    Want {
        intent: "delivery",
        topic: "the parcel has not arrived",
        workflow: "orders",
        specialist: "shipping",
        transfer: "transfer_to_shipping",
        tool: "track_parcel",
        value: Some(35),
        searches: false,
        tool_price: 0,
        models: [FLASH, FLASH],
    },
    Want {
        intent: "technical",
        topic: "the machine does not start any more",
        workflow: "care",
        specialist: "tech_support",
        transfer: "transfer_to_tech_support",
        tool: "run_diagnosis",
        value: None,
        searches: true,
        tool_price: 50_000_000,
        models: [LARGE, FLASH],
    },
];

/// How a request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// The concierge asks for a specialist who never comes.
    Dropped,
    /// The handoff is refused.
    Rejected,
    /// The specialist's model does not answer.
    TargetError,
    /// The specialist learns too little, and the customer says it again.
    Lost,
    /// The specialist needs a colleague, who hands back.
    Looped,
    /// The customer leaves before the answer.
    Abandoned,
    Escalated,
    Unverified,
    Resolved,
}

/// Of a hundred requests, before the desk's new release and after it; the rest is resolved.
const ODDS: [(Fate, [u64; 2]); 8] = [
    (Fate::Dropped, [3, 2]),
    (Fate::Rejected, [2, 1]),
    (Fate::TargetError, [3, 2]),
    (Fate::Lost, [6, 3]),
    (Fate::Looped, [2, 2]),
    (Fate::Abandoned, [3, 2]),
    (Fate::Escalated, [12, 7]),
    (Fate::Unverified, [12, 11]),
];
/// So many more of a hundred go to a human where the cheap model works.
const CHEAP_ESCALATES: u64 = 5;

/// Of each so many sessions, those that meet an outage of the models, and those that meet the new release.
const CYCLE: u64 = 670;
const HALF: u64 = CYCLE / 2;
const OUTAGE: std::ops::Range<u64> = 150..180;

const TIERS: [&str; 2] = ["free", "business"];
const PLACES: [(&str, &str); 3] = [("web", "north"), ("mobile", "north"), ("web", "south")];
const DIALECTS: u64 = 3;

/// SplitMix64: small, and the same on every machine.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }
}

/// One request, planned.
pub(super) struct Plan {
    pub(super) want: Want,
    pub(super) model: Model,
    pub(super) fate: Fate,
    pub(super) request: Request,
    /// How much the specialist learns.
    pub(super) share: Share,
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
        let plan = plan(number, &mut dice);
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

fn plan(number: u64, dice: &mut Dice) -> Plan {
    let want = WANTS[dice.roll(4) as usize];
    let cheap = dice.roll(2) as usize;
    let saves = cheap == 1 && want.models[0].name != want.models[1].name;
    let fate = fate(number, saves, dice);
    let share = match fate {
        Fate::Lost => Share::Little,
        _ if dice.roll(4) == 0 => Share::Most,
        _ => Share::All,
    };
    Plan {
        want,
        model: want.models[cheap],
        fate,
        request: Request::new(want.topic, |sides| dice.roll(sides)),
        share,
    }
}

fn fate(number: u64, saves: bool, dice: &mut Dice) -> Fate {
    if OUTAGE.contains(&(number % HALF)) && dice.roll(100) < 80 {
        return if dice.roll(5) == 0 {
            Fate::Dropped
        } else {
            Fate::TargetError
        };
    }
    let released = usize::from(number % CYCLE >= HALF);
    let mut left = dice.roll(100);
    for (fate, odds) in ODDS {
        let more = if fate == Fate::Escalated && saves {
            CHEAP_ESCALATES
        } else {
            0
        };
        let odds = odds[released] + more;
        if left < odds {
            return fate;
        }
        left -= odds;
    }
    Fate::Resolved
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
