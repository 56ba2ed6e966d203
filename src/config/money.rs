//! The keys of `money`.

use crate::model::money::{DOLLAR, Money};
use crate::setting::{Report, Validate, key_path};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is told where a code is none.
const NO_CODE: &str = "expected the code of a currency: three capital letters, as in EUR";

/// The currency of all money metrics: the section `money`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MoneySettings {
    /// Currency code of all money metrics, for example EUR. The names of these metrics then end in `_eur`. Prices of actions are in this currency.
    pub currency: String,
    /// Value of one unit of another currency in `money.currency`, for example `USD: 0.92`. Needed for amounts that spans declare in another currency, and for the price catalog, which is in USD.
    pub rates: BTreeMap<String, f64>,
}

impl Default for MoneySettings {
    fn default() -> Self {
        Self {
            currency: DOLLAR.into(),
            rates: BTreeMap::new(),
        }
    }
}

impl MoneySettings {
    /// The currency with its rates.
    pub fn money(&self) -> Money {
        Money::new(&self.currency, self.rates.clone())
    }
}

impl Validate for MoneySettings {
    fn validate(&self, report: &mut Report<'_>) {
        if !is_code(&self.currency) {
            report.fault("currency", NO_CODE);
        }
        for (code, rate) in &self.rates {
            let key = key_path("rates", code);
            if !is_code(code) {
                report.fault(&key, NO_CODE);
            }
            if *code == self.currency && report.is_sound("currency") {
                report.fault(&key, "is the currency itself, which needs no rate");
            }
            if !(*rate > 0.0 && rate.is_finite()) {
                report.fault(&key, "expected a rate above 0 such as 0.92");
            }
        }
        let dollars = key_path("rates", DOLLAR);
        let has_dollars = self.currency == DOLLAR || self.rates.contains_key(DOLLAR);
        if !has_dollars && report.is_sound(&dollars) {
            let dollars = report.path(&dollars);
            let what = format!("needs {dollars}: the price catalog is in {DOLLAR}");
            report.fault("currency", what);
        }
    }
}

fn is_code(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|b| b.is_ascii_uppercase())
}
