//! Cost of calls and actions.

use super::tree::UNKNOWN_AGENT;
use crate::model::Name;
use crate::model::action::{Action, ActionKind};
use crate::model::call_costs::{CallCost, CallCosts};
use crate::model::event::{Cost, Event, Kind};
use crate::model::fact::{Fact, What};
use crate::model::price::ActionPrices;

/// Money of several calls and actions.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TotalCost {
    /// Whole nano-dollars, so that the sum does not depend on the order.
    pub nano_usd: i128,
    /// Whether anything had a price.
    pub known: bool,
    /// How many of the model calls have a known cost.
    pub calls: CallCosts,
}

impl TotalCost {
    fn pay(&mut self, usd: f64) {
        self.nano_usd = self.nano_usd.saturating_add(nano(usd));
        self.known = true;
    }

    /// Adds a model call.
    pub fn add_call(&mut self, cost: Cost, known: CallCost) {
        self.add(cost);
        self.calls.add(known);
    }

    /// Adds what a model call cost, or all calls of an agent or a run.
    pub fn add(&mut self, cost: Cost) {
        if let Some(usd) = cost.usd() {
            self.pay(usd);
        }
    }

    /// Pays for a tool call or a retrieval, where it has a price. A failed one is paid too: who bills by the request bills it,
    /// and a span's error does not say that nobody did.
    pub fn add_action(&mut self, event: &Event, prices: &ActionPrices) -> Option<Fact> {
        let (kind, name, price) = match &event.kind {
            Kind::Tool(tool) => (
                ActionKind::Tool,
                tool.name.clone(),
                prices.tools.get(&*tool.name).copied(),
            ),
            Kind::Retrieval { source } => (
                ActionKind::Retrieval,
                source.clone().unwrap_or_else(|| Name::from(UNKNOWN_AGENT)),
                prices.retrieval,
            ),
            _ => return None,
        };
        let what = self.action(kind, name, price?);
        Some(Fact::of_span(event, what))
    }

    /// Pays for the human whom an agent called in, where people have a price.
    pub fn add_escalation(&mut self, from: &Name, prices: &ActionPrices) -> Option<What> {
        let price = prices.escalation?;
        Some(self.action(ActionKind::Escalation, from.clone(), price))
    }

    fn action(&mut self, kind: ActionKind, name: Name, usd: f64) -> What {
        self.pay(usd);
        What::Action(Action { kind, name, usd })
    }

    /// Adds the cost of other calls and actions.
    pub fn merge(&mut self, other: Self) {
        self.nano_usd = self.nano_usd.saturating_add(other.nano_usd);
        self.known |= other.known;
        self.calls.merge(other.calls);
    }

    /// `None`: nothing could be priced.
    pub fn usd(self) -> Option<f64> {
        self.known.then_some(self.nano_usd as f64 / 1e9)
    }
}

/// Dollars in whole nano-dollars.
pub fn nano(usd: f64) -> i128 {
    (usd * 1e9).round() as i128
}
