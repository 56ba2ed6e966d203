//! Validation of the currency and the prices of actions.

use super::node::join;
use super::raw::{Money as Raw, Prices};
use super::written::Written;
use crate::model::money::{DOLLAR, Money};
use crate::model::price::ActionPrices;

/// No single action costs more; the number is something else.
const MAX_PRICE: f64 = 1e9;

/// The prices of actions; each that is wrong is told to `fault` with its key path.
pub(super) fn actions(raw: &Prices, fault: &mut dyn FnMut(&str, String)) -> ActionPrices {
    let tools = raw.tools.iter();
    let tools = tools.map(|(tool, price)| (join("prices.tools", tool), Some(*price)));
    let others = [
        ("prices.retrieval".to_owned(), raw.retrieval),
        ("prices.escalation".to_owned(), raw.escalation),
    ];
    for (path, price) in tools.chain(others) {
        if price.is_some_and(|price| !(0.0..=MAX_PRICE).contains(&price)) {
            fault(
                &path,
                format!("expected a price from 0 to {MAX_PRICE} such as 0.002"),
            );
        }
    }
    ActionPrices {
        tools: raw.tools.clone(),
        retrieval: raw.retrieval,
        escalation: raw.escalation,
    }
}

/// The currency with its rates; each fault is told to `fault` with its key path.
pub(super) fn money(raw: &Raw, written: &Written, fault: &mut dyn FnMut(&str, String)) -> Money {
    const NO_CODE: &str = "expected the code of a currency: three capital letters, as in EUR";
    if !is_code(&raw.currency) {
        fault("money.currency", NO_CODE.into());
    }
    for (code, rate) in &raw.rates {
        let path = join("money.rates", code);
        if !is_code(code) {
            fault(&path, NO_CODE.into());
        }
        if *code == raw.currency && written.is_sound("money.currency") {
            fault(&path, "is the currency itself, which needs no rate".into());
        }
        if !(*rate > 0.0 && rate.is_finite()) {
            fault(&path, "expected a rate above 0 such as 0.92".into());
        }
    }
    let dollars = join("money.rates", DOLLAR);
    if raw.currency != DOLLAR && !raw.rates.contains_key(DOLLAR) && written.is_sound(&dollars) {
        let what = format!("needs {dollars}: the price catalog is in {DOLLAR}");
        fault("money.currency", what);
    }
    Money::new(&raw.currency, raw.rates.clone())
}

fn is_code(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|b| b.is_ascii_uppercase())
}
