//! Invented messages of customers.

/// The particulars of one request, which a customer does not want to say twice.
#[derive(Clone, Debug)]
pub(super) struct Request {
    topic: &'static str,
    order: u64,
    day: u64,
    cents: u64,
}

/// How much of a request an agent gets to read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Share {
    All,
    /// All but the date.
    Most,
    /// The order's number alone.
    Little,
}

impl Request {
    pub(super) fn new(topic: &'static str, mut roll: impl FnMut(u64) -> u64) -> Self {
        Self {
            topic,
            order: 10_000 + roll(90_000),
            day: 10 + roll(18),
            cents: 1_001 + roll(90_000),
        }
    }

    pub(super) fn heard(&self, share: Share) -> String {
        let Self { topic, order, .. } = self;
        let paid = format!("{}.{:02} dollars", self.cents / 100, self.cents % 100);
        let account = format!("customer-{order}@example.com");
        match share {
            Share::All => format!(
                "{topic}: my order ORD-{order} of 2026-03-{:02}, paid with {paid} from {account}",
                self.day
            ),
            Share::Most => format!("{topic}: order ORD-{order}, {paid}, {account}"),
            Share::Little => format!("a customer asks about order ORD-{order}"),
        }
    }
}

/// A question that the concierge answers alone.
pub(super) const GREETING: &str = "hello, at what time do you open in the morning?";

/// What an agent answers who got too little to work with.
pub(super) const WHAT_WAS_IT: &str = "sorry, what exactly is it about?";
