//! Cost of calls and actions.

use super::handoff::{HandoffState, UNKNOWN};
use crate::model::Name;
use crate::model::event::{Cost, Event, Kind};
use crate::model::fact::{Action, ActionKind, Fact, What};
use crate::model::price::ActionPrices;

/// Money of several calls and actions.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Spend {
    pub(super) nano_usd: i128,
    pub(super) known: bool,
}

impl Spend {
    /// Whole nano-dollars, so that the sum does not depend on the order.
    fn pay(&mut self, usd: f64) {
        self.nano_usd = self.nano_usd.saturating_add(nano(usd));
        self.known = true;
    }

    pub(super) fn add(&mut self, cost: Cost) {
        if let Some(usd) = cost.usd() {
            self.pay(usd);
        }
    }

    /// Pays for a tool call or a retrieval, where it has a price. A failed one is paid too: who bills by the request bills it,
    /// and a span's error does not say that nobody did.
    pub(super) fn on_span(&mut self, event: &Event, prices: &ActionPrices) -> Option<Fact> {
        let (kind, name, price) = match &event.kind {
            Kind::Tool(tool) => (
                ActionKind::Tool,
                tool.name.clone(),
                prices.tools.get(&*tool.name).copied(),
            ),
            Kind::Retrieval { source } => (
                ActionKind::Retrieval,
                source.clone().unwrap_or_else(|| Name::from(UNKNOWN)),
                prices.retrieval,
            ),
            _ => return None,
        };
        let what = self.on(kind, name, price?);
        Some(Fact::of_span(event, what))
    }

    /// Pays for the human whom a handoff called in, where people have a price.
    pub(super) fn on_people(
        &mut self,
        state: &HandoffState,
        prices: &ActionPrices,
    ) -> Option<Fact> {
        let price = prices.escalation.filter(|_| state.escalated)?;
        let from = state.handoff.from.clone();
        let what = self.on(ActionKind::Escalation, from, price);
        Some(Fact::new(state.at, state.trace, what))
    }

    fn on(&mut self, kind: ActionKind, name: Name, usd: f64) -> What {
        self.pay(usd);
        What::Action(Action { kind, name, usd })
    }

    pub(super) fn join(&mut self, other: Self) {
        self.nano_usd = self.nano_usd.saturating_add(other.nano_usd);
        self.known |= other.known;
    }

    /// `None`: nothing could be priced.
    pub(super) fn usd(self) -> Option<f64> {
        self.known.then_some(self.nano_usd as f64 / 1e9)
    }
}

/// Dollars in whole nano-dollars.
pub(super) fn nano(usd: f64) -> i128 {
    (usd * 1e9).round() as i128
}
