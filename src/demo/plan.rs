//! What happens in each session: requests, agents, models, failures. The same seed gives the same sessions.

use super::words::{Request, Share};

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

/// SplitMix64: small, and the same on every machine.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

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

impl Plan {
    /// What happens in the session of that number.
    pub(super) fn of(number: u64, dice: &mut Dice) -> Self {
        let want = WANTS[dice.roll(4) as usize];
        let cheap = dice.roll(2) as usize;
        let saves = cheap == 1 && want.models[0].name != want.models[1].name;
        let fate = fate(number, saves, dice);
        let share = match fate {
            Fate::Lost => Share::Little,
            _ if dice.roll(4) == 0 => Share::Most,
            _ => Share::All,
        };
        Self {
            want,
            model: want.models[cheap],
            fate,
            request: Request::new(want.topic, |sides| dice.roll(sides)),
            share,
        }
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
