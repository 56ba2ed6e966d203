//! The currency of all money. Fields named `usd` are in this currency, which is the US dollar by default.

use super::Name;
use std::collections::BTreeMap;

/// The currency of the price catalogue, and of what SDKs declare without saying a currency.
pub const DOLLAR: &str = "USD";

/// No amount of a business is greater; such a number is something else.
pub const MAX_AMOUNT: f64 = 1e12;

/// An amount of money or time in billionths, of which it has a whole number: they add up to the same sum in any order.
pub fn billionths(amount: f64) -> u128 {
    (amount.max(0.0) * 1e9).round() as u128
}

/// The configured currency, and what others are worth in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Money {
    currency: Name,
    /// By code: what one unit of it is worth.
    rates: BTreeMap<String, f64>,
}

impl Default for Money {
    /// Dollars, and nothing but dollars.
    fn default() -> Self {
        Self::new(DOLLAR, BTreeMap::new())
    }
}

impl Money {
    /// Codes are three capital letters, as in ISO 4217.
    pub fn new(currency: &str, rates: BTreeMap<String, f64>) -> Self {
        Self {
            currency: currency.into(),
            rates,
        }
    }

    pub fn currency(&self) -> &Name {
        &self.currency
    }

    /// What one unit of a currency is worth in the configured one; `None`: nobody said.
    pub fn rate(&self, currency: &str) -> Option<f64> {
        if currency.eq_ignore_ascii_case(&self.currency) {
            return Some(1.0);
        }
        let mut known = self.rates.iter();
        let found = known.find(|(code, _)| code.eq_ignore_ascii_case(currency));
        found.map(|(_, rate)| *rate)
    }
}

/// An amount as people write it.
pub fn written(amount: f64, currency: &str, digits: usize) -> String {
    if currency == DOLLAR {
        format!("${amount:.digits$}")
    } else {
        format!("{amount:.digits$} {currency}")
    }
}

/// The name of a currency as a label: its code, or `other` for what is none.
pub fn label(currency: &str) -> Name {
    let is_code = currency.len() == 3 && currency.bytes().all(|b| b.is_ascii_alphabetic());
    if is_code {
        Name::from(currency.to_ascii_uppercase())
    } else {
        Name::from("other")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_a_rate_is_worth_something() {
        let money = Money::new("EUR", [("USD".to_owned(), 0.92)].into());
        assert_eq!(money.rate("eur"), Some(1.0));
        assert_eq!(money.rate("USD"), Some(0.92));
        assert_eq!(money.rate("GBP"), None);
        assert_eq!(Money::default().rate("EUR"), None);
    }

    #[test]
    fn amounts_and_labels() {
        assert_eq!(written(1.5, "USD", 2), "$1.50");
        assert_eq!(written(1.5, "EUR", 2), "1.50 EUR");
        assert_eq!(&*label("gbp"), "GBP");
        assert_eq!(&*label("€"), "other");
        assert_eq!(&*label("a text of somebody"), "other");
    }
}
