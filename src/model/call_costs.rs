//! Model calls by whether their cost is known.

/// Whether the cost of a model call is known, and what is missing if it is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallCost {
    /// It has a cost, is part of the cost of its agent or run, or cost nothing because it failed before it began to answer.
    Known,
    /// Nobody knows what it took (C-15).
    NoUsage,
    /// Its tokens are known and have no price.
    NoPrice,
}

impl CallCost {
    pub const ALL: [Self; 3] = [Self::Known, Self::NoUsage, Self::NoPrice];

    /// The value of the label `cost`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Known => "known",
            Self::NoUsage => "no_usage",
            Self::NoPrice => "no_price",
        }
    }
}

/// Numbers of model calls. Small, because every open workflow has them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallCosts {
    pub known: u32,
    pub no_usage: u32,
    pub no_price: u32,
}

impl CallCosts {
    pub fn of(self, cost: CallCost) -> u32 {
        match cost {
            CallCost::Known => self.known,
            CallCost::NoUsage => self.no_usage,
            CallCost::NoPrice => self.no_price,
        }
    }

    /// One more call.
    pub fn add(&mut self, cost: CallCost) {
        let one = |of| u32::from(of == cost);
        self.merge(Self {
            known: one(CallCost::Known),
            no_usage: one(CallCost::NoUsage),
            no_price: one(CallCost::NoPrice),
        });
    }

    /// Other calls.
    pub fn merge(&mut self, other: Self) {
        self.known = self.known.saturating_add(other.known);
        self.no_usage = self.no_usage.saturating_add(other.no_usage);
        self.no_price = self.no_price.saturating_add(other.no_price);
    }
}
