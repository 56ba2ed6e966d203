//! The keys of `prices`.

use super::{catalog, unreadable};
use crate::model::price::{ActionPrices, PriceBook};
use crate::setting::{Report, Validate, key_path};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// No single action costs more; the number is something else.
const MAX_PRICE: f64 = 1e9;

/// What model calls and actions cost: the section `prices`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PriceSettings {
    /// File with your own price catalog, which replaces the built-in one. `baton prices` shows the format.
    pub file: Option<String>,
    /// Price of one call of a tool, by the name of the tool, for example `lookup: 0.002`. The cost of other tools is unknown and not counted.
    pub tools: BTreeMap<String, f64>,
    /// Price of one search in a knowledge base.
    pub retrieval: Option<f64>,
    /// Price of one escalation to a human: the cost of the time of people for one workflow.
    pub escalation: Option<f64>,
    /// The catalog of `file`, read when the configuration is validated; `None`: the built-in one.
    #[serde(skip)]
    pub catalog: Option<Arc<PriceBook>>,
}

impl PriceSettings {
    /// The price catalog.
    pub fn book(&self) -> Arc<PriceBook> {
        self.catalog.clone().unwrap_or_else(catalog::built_in)
    }

    /// The prices of what is no model call.
    pub fn actions(&self) -> ActionPrices {
        ActionPrices {
            tools: self.tools.clone(),
            retrieval: self.retrieval,
            escalation: self.escalation,
        }
    }

    /// Reads the catalog of `file`, whose name is relative to a folder.
    pub(super) fn read_catalog(&mut self, folder: &Path, report: &mut Report<'_>) {
        let Some(file) = &self.file else {
            return;
        };
        match std::fs::read_to_string(folder.join(file)) {
            Err(error) => report.fault("file", format!("{file} {}", unreadable(&error))),
            Ok(text) => match catalog::of_text(&text) {
                Ok(book) => self.catalog = Some(Arc::new(book)),
                Err(faults) => {
                    for fault in faults {
                        report.fault("file", format!("{file}:{fault}"));
                    }
                }
            },
        }
    }
}

impl Validate for PriceSettings {
    fn validate(&self, report: &mut Report<'_>) {
        let tools = self.tools.iter();
        let tools = tools.map(|(tool, price)| (key_path("tools", tool), Some(*price)));
        let others = [
            ("retrieval".to_owned(), self.retrieval),
            ("escalation".to_owned(), self.escalation),
        ];
        for (key, price) in tools.chain(others) {
            if price.is_some_and(|price| !(0.0..=MAX_PRICE).contains(&price)) {
                let what = format!("expected a price from 0 to {MAX_PRICE} such as 0.002");
                report.fault(&key, what);
            }
        }
    }
}
