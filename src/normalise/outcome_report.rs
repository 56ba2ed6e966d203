//! Reports of outcomes from outside, in JSON: one object or a list.

use super::interner::whole_id;
use super::{Normaliser, declared, outcome};
use crate::model::Name;
use crate::model::event::Outcome;
use crate::model::ids::TenantScoped;
use crate::model::money::{MAX_AMOUNT, Money};
use crate::model::outcome_report::{AddressedReport, OutcomeFault, OutcomeReport};
use crate::model::time::Timestamp;
use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};
use std::time::Duration;

/// How far the clock of a sender may be ahead.
const MAX_AHEAD: Duration = Duration::from_secs(60 * 60);

/// Most reports of one request.
const MAX_REPORTS: usize = 100_000;

/// The longest name of a source.
const MAX_SOURCE_BYTES: usize = 64;

const FIELDS: [&str; 8] = [
    "session_id",
    "tenant",
    "outcome",
    "value",
    "currency",
    "time",
    "source",
    "id",
];

/// What is wrong with a field.
type FieldFault = (&'static str, &'static str);

impl Normaliser {
    /// The reports of a request that came at `now`: all of them, or the first fault. `tenant`: that of the sender, which takes the place
    /// of what items say.
    ///
    /// # Errors
    /// When an item is no report.
    pub fn outcome_reports(
        &self,
        body: &[u8],
        tenant: Option<&Name>,
        now: Timestamp,
    ) -> Result<Vec<AddressedReport>, OutcomeFault> {
        let money = &self.settings.money;
        let mut reports = Vec::new();
        let mut fault = None;
        let mut read = |item: &RawValue| {
            let found = match reports.len() {
                MAX_REPORTS => Err(("(all)", "is one item too many: send at most 100000 at once")),
                _ => ReportItem::new(item).and_then(|item| item.read(money, tenant, now)),
            };
            let item = Some(reports.len() + 1);
            let found = found.map_err(|(field, problem)| OutcomeFault {
                item,
                field,
                problem,
            });
            found
                .map(|report| reports.push(report))
                .map_err(|found| fault = Some(found))
                .ok()
        };
        let is_json = read_items(body, &mut read);
        match (fault, is_json) {
            (Some(fault), _) => Err(fault),
            (None, true) => Ok(reports),
            (None, false) => Err(OutcomeFault {
                item: None,
                field: "",
                problem: "is neither a JSON object nor a list of objects",
            }),
        }
    }
}

/// Reads the items of a body one after the other, none of which is decoded yet, until one is refused by `None`. Whether it is a JSON object or a list.
fn read_items(body: &[u8], read: &mut dyn FnMut(&RawValue) -> Option<()>) -> bool {
    if body.trim_ascii_start().first() != Some(&b'[') {
        let item = serde_json::from_slice(body);
        return item.is_ok_and(|item| read(item).is_some());
    }
    let mut json = serde_json::Deserializer::from_slice(body);
    let items = json.deserialize_seq(ItemReader(read));
    items.and_then(|()| json.end()).is_ok()
}

/// Reads a list without keeping its items: a small compressed body may have millions of them.
struct ItemReader<'r>(&'r mut dyn FnMut(&RawValue) -> Option<()>);

impl<'de> Visitor<'de> for ItemReader<'_> {
    type Value = ();

    fn expecting(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element::<&RawValue>()? {
            (self.0)(item).ok_or_else(|| A::Error::custom("an item is no report"))?;
        }
        Ok(())
    }
}

/// One item.
struct ReportItem(Map<String, Json>);

impl ReportItem {
    fn new(raw: &RawValue) -> Result<Self, FieldFault> {
        let item: Map<String, Json> =
            serde_json::from_str(raw.get()).map_err(|_| ("(all)", "the item is no JSON object"))?;
        let is_known = |key: &String| FIELDS.contains(&key.as_str());
        match item.keys().all(is_known) {
            true => Ok(Self(item)),
            false => Err((
                "(unknown)",
                "the item has a field that is none of session_id, tenant, outcome, value, currency, time, source and id",
            )),
        }
    }

    fn read(
        &self,
        money: &Money,
        tenant: Option<&Name>,
        now: Timestamp,
    ) -> Result<AddressedReport, FieldFault> {
        let id = self.id("session_id")?;
        let id = id.ok_or(("session_id", "is missing: it says which session is meant"))?;
        let own = self.id("tenant")?;
        let report = OutcomeReport {
            outcome: self.outcome()?,
            value_usd: self.value(money)?,
            at: self.time(now)?,
            source: self.source()?,
            id: self.id("id")?,
        };
        let session = TenantScoped {
            tenant: tenant.cloned().or(own),
            id,
        };
        Ok(AddressedReport { session, report })
    }

    /// A field that is there and not null.
    fn get(&self, field: &str) -> Option<&Json> {
        self.0.get(field).filter(|value| !value.is_null())
    }

    fn id(&self, field: &'static str) -> Result<Option<Name>, FieldFault> {
        let text = match self.get(field) {
            None => return Ok(None),
            Some(Json::String(text)) => text.clone(),
            Some(Json::Number(number)) if !number.is_f64() => number.to_string(),
            Some(_) => return Err((field, "must be a text or a whole number")),
        };
        match !text.trim().is_empty() && declared::is_id(&text) {
            true => Ok(Some(whole_id(&text))),
            false => Err((field, "is empty, or consists of zeros, and is no ID")),
        }
    }

    fn outcome(&self) -> Result<Outcome, FieldFault> {
        let text = self.get("outcome").and_then(Json::as_str);
        text.and_then(outcome::word).ok_or((
            "outcome",
            "must be one of resolved, escalated, failed, abandoned and unverified",
        ))
    }

    fn value(&self, money: &Money) -> Result<Option<f64>, FieldFault> {
        let amount = match self.get("value") {
            None => return Ok(None),
            Some(Json::Number(number)) => number.as_f64(),
            Some(Json::String(text)) => text.trim().parse().ok(),
            Some(_) => None,
        };
        let amount = amount.filter(|amount| (0.0..=MAX_AMOUNT).contains(amount));
        let amount = amount.ok_or(("value", "must be an amount from 0 to 1e12"))?;
        let rate = match self.get("currency") {
            None => 1.0,
            Some(Json::String(code)) => money.rate(code.trim()).ok_or((
                "currency",
                "has no rate in money.rates; the operator of Baton can add it",
            ))?,
            Some(_) => return Err(("currency", "must be a code such as \"USD\"")),
        };
        Ok(Some(amount * rate))
    }

    fn time(&self, now: Timestamp) -> Result<Timestamp, FieldFault> {
        let time = match self.get("time") {
            None => return Ok(now),
            Some(Json::String(text)) => text.parse::<jiff::Timestamp>().ok(),
            Some(_) => None,
        };
        let nanos = time.and_then(|time| u64::try_from(time.as_nanosecond()).ok());
        match nanos.map(Timestamp) {
            None => Err((
                "time",
                "must be a time of RFC 3339 with an offset, such as \"2026-11-30T12:00:00Z\"",
            )),
            Some(time) if time > now + MAX_AHEAD => Err((
                "time",
                "lies more than an hour in the future; check the clock of the sender",
            )),
            Some(time) => Ok(time),
        }
    }

    fn source(&self) -> Result<Name, FieldFault> {
        let is_named =
            |text: &&str| (1..=MAX_SOURCE_BYTES).contains(&text.len()) && text.bytes().all(is_sign);
        let source = self.get("source").and_then(Json::as_str).filter(is_named);
        source.map(Name::from).ok_or((
            "source",
            "must name the system that reports, with 1 to 64 letters, digits, \"_\", \"-\" and \".\"",
        ))
    }
}

/// A sign that is allowed in the name of a source.
fn is_sign(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-.".contains(&byte)
}
