//! How the spans of a case are written: every story has SDKs of its own.

use crate::law::spans::{Attribute, text};
use crate::law::story::pick;
use crate::support::dice::Dice;
use baton::model::sampling::Threshold;

/// All, half, a quarter and three in ten are kept.
const THRESHOLDS: &[u64] = &[0, 1 << 55, 3 << 54, (1 << 56) / 10 * 7];

/// Where the session id stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Id {
    Everywhere,
    /// On some spans only, the root among them or not.
    Some,
    /// On the root alone, which ends last.
    Root,
    Resource,
    Nowhere,
}

/// How the spans of a case are written.
#[derive(Clone)]
pub struct Manner {
    pub session: String,
    /// The id that an agent which is called over the network has for the whole case.
    pub context: Option<String>,
    pub user: Option<String>,
    pub id: Id,
    /// Calls and tools name their agent.
    pub names: bool,
    /// Agents have spans of their own.
    pub agents: bool,
    /// The next agent's span lies in the span of the one before.
    pub nested: bool,
    /// The messages are captured.
    pub content: bool,
    /// Of so many 56-bit values, traces with a smaller one were dropped by the sender; `None`: it does not sample.
    threshold: Option<Threshold>,
    /// A second instrumentation shows every call again.
    pub twice: bool,
    /// The SDK runs the tools between calls, and adds up what those took.
    pub adds_up: bool,
    /// Roots get lost.
    pub loses: bool,
    /// One in so many things goes wrong.
    pub odds: u64,
}

impl Manner {
    pub fn new(dice: &mut Dice, session: String, user: Option<&str>) -> Self {
        let ids = [
            Id::Everywhere,
            Id::Everywhere,
            Id::Some,
            Id::Root,
            Id::Resource,
            Id::Nowhere,
        ];
        let agents = !dice.one_in(4);
        Self {
            session,
            context: None,
            user: user.map(str::to_owned),
            id: *pick(dice, &ids),
            names: !agents || dice.one_in(2),
            agents,
            nested: dice.one_in(2),
            content: dice.one_in(2),
            loses: dice.one_in(8),
            odds: *pick(dice, &[4, 8, 30]),
            threshold: dice
                .one_in(4)
                .then(|| *pick(dice, THRESHOLDS))
                .and_then(Threshold::new),
            twice: dice.one_in(6),
            adds_up: false,
        }
    }

    /// The same in another session, where nothing is dropped.
    pub fn of_part(&self, session: String) -> Self {
        Self {
            session,
            threshold: None,
            ..self.clone()
        }
    }

    /// How that agent writes where nobody called it.
    pub fn of_context(&self) -> Option<Self> {
        Some(Self {
            session: self.context.clone()?,
            id: Id::Everywhere,
            ..self.clone()
        })
    }

    /// How a span is sampled: services of one trace may differ.
    pub fn threshold(&self, dice: &mut Dice) -> Option<Threshold> {
        let own = self.threshold?;
        let halved = dice.one_in(9).then(|| Threshold::new(own.get() / 2));
        halved.flatten().or(Some(own))
    }

    pub fn on_resource(&self) -> Option<Attribute> {
        (self.id == Id::Resource).then(|| text("session.id", self.session.clone()))
    }
}
