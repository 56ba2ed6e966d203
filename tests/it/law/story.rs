//! Stories: customers and their cases, told as the spans of a support desk of agents. One seed, one story.

use crate::law::manner::{Id, Manner};
use crate::law::scene::{Decision, Form, Scene};
use crate::law::spans::{Attribute, Resource, number, text};
use crate::support::dice::Dice;
use baton::config::{self, Config};
use baton::model::event::Event;
use baton::normalise::Normaliser;
use std::path::Path;
use std::sync::OnceLock;

pub const MILLI: u64 = 1_000_000;
pub const SECOND: u64 = 1000 * MILLI;
pub const MINUTE: u64 = 60 * SECOND;
pub const HOUR: u64 = 60 * MINUTE;
const BEGIN: u64 = 1_800_000_000 * SECOND;

/// What an operator of the desk would say.
const CONFIG: &str = "
normalise:
  tenant_attributes: [shop.id]
prices:
  tools: {lookup: 0.002, issue_refund: 0.25, escalate_to_human: 0.01}
  retrieval: 0.001
  escalation: 4.5
rules:
  outcomes:
    - {over: event, when: \"event.tool == 'issue_refund' && event.ok\", outcome: resolved}
    - {over: workflow, when: \"workflow.turns > 2 && workflow.escalated\", outcome: failed}
  funnel:
    - {step: looked, over: event, when: \"event.tool == 'lookup'\"}
    - {step: passed on, over: turn, when: \"turn.handoffs > 0\"}
    - {step: long, over: workflow, when: \"workflow.turns > 1\"}
";

/// One story: what it is told by, and its events.
pub struct Story {
    pub config: Config,
    pub events: Vec<Event>,
}

/// Two stories in three are played under the operator's rules.
fn config(seed: u64) -> Config {
    static BOTH: OnceLock<[Config; 2]> = OnceLock::new();
    let valid = |text| config::of_text(text, Path::new("."), &|_| None).expect("valid");
    let both = BOTH.get_or_init(|| ["", CONFIG].map(valid));
    both[usize::from(!seed.is_multiple_of(3))].clone()
}

/// The story of a seed.
pub fn tell(seed: u64) -> Story {
    tell_with(seed, true)
}

/// The same without outcomes that are declared apart from their turns: the second Baton does not know when a workflow closes to the second.
pub fn tell_without_late_outcomes(seed: u64) -> Story {
    tell_with(seed, false)
}

fn tell_with(seed: u64, late_outcomes: bool) -> Story {
    let config = config(seed);
    let normaliser = baton::app::normaliser(&config, 7);
    let mut teller = Teller {
        dice: Dice::new(seed),
        more: Dice::new(seed ^ 0x70_1D),
        slow: Dice::new(seed ^ 0x510E),
        late: Dice::new(seed ^ 0x1A7E),
        shared: Dice::new(seed ^ 0x10B5),
        late_outcomes,
        normaliser,
        seed,
        traces: 0,
        sessions: 0,
        events: Vec::new(),
    };
    let customers = 1 + teller.dice.below(3);
    for customer in 0..customers {
        teller.customer(customer);
    }
    let coarse = teller.dice.one_in(6);
    if Dice::new(seed ^ 0x3EE7).one_in(6) {
        teller.two_desks();
    }
    if teller.slow.one_in(3) {
        teller.call();
    }
    if teller.slow.one_in(4) {
        teller.approvals();
    }
    if teller.shared.one_in(4) {
        teller.job();
    }
    let mut events = teller.events;
    // Clocks that tick coarsely: many things happen at the same moment.
    if coarse {
        for event in &mut events {
            event.start.0 -= event.start.0 % (20 * MILLI);
            event.end.0 -= event.end.0 % (20 * MILLI);
        }
    }
    Story { config, events }
}

pub struct Teller {
    pub dice: Dice,
    /// For what was added to the stories later: the seeds of `REGRESSIONS` tell what they told.
    pub more: Dice,
    /// For turns that last long, and for conversations that are one trace.
    pub slow: Dice,
    /// For jobs over several sessions.
    shared: Dice,
    /// For what is said about a session later.
    pub late: Dice,
    /// Outcomes may be declared apart from their turns.
    pub late_outcomes: bool,
    pub normaliser: Normaliser,
    seed: u64,
    traces: u64,
    sessions: u64,
    pub events: Vec<Event>,
}

impl Teller {
    /// A number that no other trace of this story has.
    pub fn next_trace(&mut self) -> u64 {
        self.traces += 1;
        self.seed << 16 | self.traces
    }

    /// One customer with his cases, one after the other.
    fn customer(&mut self, number: u64) {
        let mut resource: Resource = Vec::new();
        if self.dice.one_in(3) {
            resource.push(text("shop.id", format!("shop-{}", self.dice.below(2))));
        }
        let user = (!self.dice.one_in(4)).then(|| format!("user-{number}"));
        let mut at = BEGIN + self.dice.below(20 * MINUTE);
        for _ in 0..1 + self.dice.below(3) {
            at = self.context(at, &mut resource, user.as_deref());
            at += match self.dice.below(4) {
                0 => 3 * MINUTE,
                1 => 50 * MINUTE,
                2 => 5 * HOUR,
                _ => 30 * HOUR,
            } + self.dice.below(2 * MINUTE);
        }
    }

    /// One context: the turns of a conversation. Returns when it ended.
    fn context(&mut self, mut at: u64, resource: &mut Resource, user: Option<&str>) -> u64 {
        self.sessions += 1;
        let mut manner = Manner::new(&mut self.dice, format!("case-{}", self.sessions), user);
        if self.more.one_in(4) {
            // Greater or smaller than the other id.
            let kind = *pick(&mut self.more, &["agent", "remote"]);
            manner.context = Some(format!("{kind}-of-{}", self.sessions));
        }
        manner.adds_up = Dice::new(self.seed << 8 | self.sessions).one_in(5);
        let remote = manner.of_context();
        let length = resource.len();
        resource.extend(manner.on_resource());
        let facts = Facts::new(&mut self.dice);
        let mut before = None;
        for turn in 0..1 + self.dice.below(4) {
            let about = self.about();
            let writes = |_: &&Manner| turn > 0 && self.more.one_in(3);
            let manner = remote.as_ref().filter(writes).unwrap_or(&manner);
            let mut scene = Scene::new(self, manner, resource, &facts, at);
            let (end, link) = scene.turn(about, before);
            if scene.late().one_in(5) {
                scene.remark(Some(link));
            }
            before = Some(link);
            at = end
                + match self.dice.below(8) {
                    0..4 => 15 * SECOND + self.dice.below(20 * SECOND),
                    4 | 5 => 5 * MINUTE + self.dice.below(10 * MINUTE),
                    6 => 50 * MINUTE,
                    _ => 28 * HOUR,
                };
        }
        resource.truncate(length);
        at
    }

    /// A conversation that is one trace, with a span for each exchange.
    fn call(&mut self) {
        self.sessions += 1;
        let mut manner = Manner::new(&mut self.slow, format!("call-{}", self.sessions), None);
        // The root ends with the conversation: what is lost is waited for as long as for a slow tool.
        (manner.id, manner.loses) = (Id::Everywhere, false);
        let (facts, resource) = (Facts::new(&mut self.slow), Resource::new());
        let about = self.about();
        let at = BEGIN + self.slow.below(20 * MINUTE);
        let pauses: Vec<u64> = (0..2 + self.slow.below(4))
            .map(|_| match self.slow.below(4) {
                0 => 2 * MINUTE + self.slow.below(20 * MINUTE),
                _ => 8 * SECOND + self.slow.below(40 * SECOND),
            })
            .collect();
        let forms = [Form::Exchanges, Form::Requests, Form::Plain, Form::Plain];
        let form = *pick(&mut self.slow, &forms);
        let mut pauses = pauses;
        if form != Form::Exchanges {
            for pause in &mut pauses {
                // Half of the long ones: a turn is finalized before the next one begins (T-9).
                if *pause > 2 * MINUTE && *pause % 2 == 0 {
                    continue;
                }
                let short = form == Form::Plain && self.slow.one_in(3);
                *pause = if short {
                    2 * SECOND
                } else {
                    *pause % (48 * SECOND)
                };
            }
        }
        Scene::new(self, &manner, &resource, &facts, at).conversation(form, about, &pauses);
    }

    /// A customer whose requests wait for decisions.
    fn approvals(&mut self) {
        self.sessions += 1;
        let mut manner = Manner::new(&mut self.slow, format!("ask-{}", self.sessions), None);
        (manner.id, manner.loses) = (Id::Everywhere, false);
        // Behind a proxy each call is a trace, and nobody says whose it is.
        let proxied = self.slow.one_in(3);
        if proxied {
            (manner.agents, manner.names) = (false, false);
        }
        let (facts, resource) = (Facts::new(&mut self.slow), Resource::new());
        let mut at = BEGIN + self.slow.below(20 * MINUTE);
        for _ in 0..1 + self.slow.below(3) {
            let about = self.about();
            let decision = Decision {
                proxied: proxied && !self.slow.one_in(4),
                after: match self.slow.below(5) {
                    0 => 3 * SECOND,
                    1 | 2 => 20 * SECOND + self.slow.below(10 * MINUTE),
                    3 => 50 * MINUTE,
                    _ => 70 * MINUTE,
                },
                shown: self.slow.one_in(2),
                runs: self.slow.one_in(2),
                comes_between: self.slow.one_in(4),
            };
            let mut scene = Scene::new(self, &manner, &resource, &facts, at);
            at = scene.decided_later(about, &decision) + 20 * SECOND + self.slow.below(HOUR);
        }
    }

    /// A job over several sessions, which have turns of their own before and after.
    fn job(&mut self) {
        self.sessions += 1;
        let mut first = Manner::new(&mut self.shared, String::new(), None);
        first.id = *pick(&mut self.shared, &[Id::Everywhere, Id::Some]);
        first.loses = false;
        let parts: Vec<Manner> = (0..2 + self.shared.below(3))
            .map(|part| first.of_part(format!("job-{}-{}", self.sessions, part ^ 1)))
            .collect();
        let mut contexts = Dice::new(self.seed ^ 0xC0DE);
        // Greater or smaller than the other IDs.
        let kind = *pick(&mut contexts, &["context", "remote"]);
        let context = contexts
            .one_in(2)
            .then(|| format!("{kind}-of-{}", self.sessions));
        let asks = |_: &Manner| context.clone().filter(|_| !contexts.one_in(4));
        let asked: Vec<Option<String>> = parts.iter().map(asks).collect();
        let (facts, resource) = (Facts::new(&mut self.shared), Resource::new());
        let mut at = BEGIN + self.shared.below(20 * MINUTE);
        let turns = |teller: &mut Self, mut at: u64| {
            for manner in &parts {
                if teller.shared.one_in(2) {
                    let about = teller.about();
                    let mut scene = Scene::new(teller, manner, &resource, &facts, at);
                    at = scene.turn(about, None).0 + 15 * SECOND;
                }
            }
            at
        };
        at = turns(self, at) + self.shared.below(50 * MINUTE);
        let pause = 1 + self.shared.below(40 * SECOND);
        let scene = Scene::new(self, &parts[0], &resource, &facts, at);
        at = scene.job(&parts, &asked, pause) + 30 * SECOND;
        turns(self, at);
    }

    /// A customer of two desks, each with a session id of its own, which meet in one of his turns.
    fn two_desks(&mut self) {
        self.sessions += 1;
        let mut manner = Manner::new(&mut self.dice, format!("desk-{}", self.sessions), None);
        manner.id = Id::Everywhere;
        // Greater or smaller than the other id.
        let kind = *pick(&mut self.dice, &["back", "front"]);
        manner.context = Some(format!("{kind}-of-{}", self.sessions));
        let other = manner.of_context();
        let (facts, resource) = (Facts::new(&mut self.dice), Resource::new());
        let mut at = BEGIN + self.dice.below(20 * MINUTE);
        let before = 2 + self.dice.below(4);
        for turn in 0..before + 1 + self.dice.below(3) {
            let about = self.about();
            let own = other
                .as_ref()
                .filter(|_| turn != before && self.dice.one_in(2));
            let mut scene = Scene::new(self, own.unwrap_or(&manner), &resource, &facts, at);
            let (end, _) = if turn == before {
                scene.of_both(about)
            } else {
                scene.turn(about, None)
            };
            at = end
                + match self.dice.below(8) {
                    0..4 => 15 * SECOND + self.dice.below(20 * SECOND),
                    4..7 => 5 * MINUTE + self.dice.below(10 * MINUTE),
                    _ => 50 * MINUTE,
                };
        }
    }

    /// What a turn declares of its business.
    fn about(&mut self) -> Vec<Attribute> {
        let mut about = Vec::new();
        let dice = &mut self.dice;
        if dice.one_in(2) {
            about.push(text(
                "app.intent",
                *pick(dice, &["refund", "delivery", "invoice"]),
            ));
        }
        if dice.one_in(2) {
            about.push(text("app.customer.tier", *pick(dice, &["gold", "free"])));
        }
        if dice.one_in(4) {
            about.push(text("app.channel", *pick(dice, &["web", "phone"])));
        }
        if dice.one_in(3) {
            about.push(number(
                "app.transaction.value",
                dice.below(900) as f64 / 4.0,
            ));
        }
        if dice.one_in(4) {
            let outcome = ["resolved", "resolved", "failed", "escalated", "abandoned"];
            about.push(text("app.outcome", *pick(dice, &outcome)));
        }
        about
    }
}

/// One of several.
pub fn pick<'t, T>(dice: &mut Dice, all: &'t [T]) -> &'t T {
    &all[dice.below(all.len() as u64) as usize]
}

/// What a customer has to say in a case.
pub struct Facts(Vec<String>);

impl Facts {
    fn new(dice: &mut Dice) -> Self {
        let fact = |i| format!("AB-{}{i}", 100 + dice.below(900));
        Self((0..8).map(fact).collect())
    }

    /// The first `percent` of them, as a sentence.
    pub fn some(&self, percent: u64) -> String {
        let some = self.0.len() * percent as usize / 100;
        self.0[..some].join(" and ")
    }
}
