//! Pure. Turns the spans of many dialects into events. It handles one span at a time, keeps no state between spans that changes a result, and never fails.
//!
//! A value that a span does not contain stays unknown here; the stitcher may find it in other spans of the trace. No text of prompts, answers or arguments
//! leaves this room.
//!
//! | File | Content |
//! |---|---|
//! | `settings.rs, cohorts.rs, validate.rs` | attribute and tool names of the operator, dimensions of cohorts, and what settings must keep to |
//! | `dialect/` | one file per dialect, and the table of them |
//! | `taught/` | dialects of the configuration: their keys, compiled expressions, and the sieve before them |
//! | `topics.rs` | the vocabularies of all dialects, merged into one list per topic |
//! | `span_reader.rs` | a span as dialects read it |
//! | `span_context.rs, session.rs, business.rs` | session, user, tenant, intent, value and cohorts of a span |
//! | `business_attributes.rs, metadata.rs, declared.rs` | which names declare them, and how SDKs wrap names and values |
//! | `attribute_filter.rs` | which attributes are read by a part of their name or by configuration |
//! | `usage.rs, money.rs, model_name.rs` | tokens, first-token times, cost, and names of models and providers |
//! | `handoff.rs` | which tools hand over, and to which agent |
//! | `exchange.rs` | spans that stand for one exchange with the user |
//! | `pause.rs, tool_result.rs` | runs that wait for a person, cancelled work, errors that only a result tells |
//! | `outcome.rs, evaluation.rs` | declared outcomes, scores and verdicts |
//! | `outcome_report.rs` | reports of outcomes from outside, in JSON |
//! | `messages.rs` | model output: requested handoffs, and whether it contains text |
//! | `content.rs, tokens.rs, words.rs` | salted hashes of the salient tokens in messages |
//! | `json_tape.rs, swar.rs, json.rs` | JSON in attributes, scanned once without copies |
//! | `python.rs` | what Python printed in place of JSON |
//! | `response.rs` | ids of responses, and usage inside responses |
//! | `interner.rs, scratch.rs` | what is reused from request to request: interned names, and counts of spans |
//! | `declarations.rs` | what an agent may declare, for `docs/instrument.md` |

mod attribute_filter;
mod business;
mod business_attributes;
mod cohorts;
mod content;
pub mod declarations;
mod declared;
mod dialect;
mod evaluation;
mod exchange;
mod handoff;
mod interner;
mod json;
mod json_tape;
mod messages;
mod metadata;
mod model_name;
mod money;
mod outcome;
mod outcome_report;
mod pause;
mod python;
mod response;
mod scratch;
mod session;
mod settings;
mod span_context;
mod span_reader;
mod swar;
mod taught;
mod tokens;
mod tool_result;
mod topics;
mod usage;
mod validate;
mod words;

#[cfg(test)]
mod tests;

pub use cohorts::CohortSettings;
pub use dialect::{DIALECTS, Dialect};
pub use scratch::{Scratch, SpanCounts};
pub use settings::Settings;
pub use taught::{DialectSettings, Expressions, Misreading, TaughtCounts};

use crate::model::compact::OptionBox;
use crate::model::evaluation::Evaluation;
use crate::model::event::{
    Basis, Cost, Event, Kind, ModelCall, RareFields, RunTotals, SessionSource,
};
use crate::model::ids::{SpanId, TraceId};
use crate::model::price::PriceBook;
use crate::model::reject::Unread;
use crate::model::request::VERDICT_SCOPE;
use crate::model::{List, Name};
use crate::otlp::view::{Attributes, LogRecord, ScopeBatch};
use attribute_filter::AttributeFilter;
use dialect::build;
use dialect::taught::TaughtContext;
use money::Bill;
use span_context::SpanContexts;
use span_reader::{ReadContext, SpanReader, blank};
use std::sync::Arc;
use taught::TaughtDialect;
use tokens::TokenHasher;

/// All names of attributes that a dialect reads.
pub(crate) const ATTRIBUTE_NAMES: &[&str] = &dialect::vocabulary::ATTRIBUTE_NAMES;

/// The one entry point of the room.
#[derive(Clone, Debug)]
pub struct Normaliser {
    settings: Settings,
    filter: AttributeFilter,
    taught: Vec<TaughtDialect>,
    salt: tokens::HashSalt,
    prices: Arc<PriceBook>,
}

impl Normaliser {
    pub fn new(mut settings: Settings, prices: Arc<PriceBook>) -> Self {
        // It is a secret: the settings that are kept, and may be printed, do not have it.
        let seed = std::mem::take(&mut settings.content_seed);
        let taught = TaughtDialect::all(&settings.dialects);
        Self {
            filter: AttributeFilter::new(&settings, &taught),
            taught,
            salt: tokens::HashSalt::new(seed),
            settings,
            prices,
        }
    }

    /// The names of the dialects that the configuration teaches.
    pub fn taught(&self) -> impl Iterator<Item = &str> {
        self.taught.iter().map(|dialect| &*dialect.name)
    }

    /// What may go wrong in the expressions of each dialect that the configuration teaches: keys with reasons.
    pub fn taught_misreadings(&self) -> impl Iterator<Item = Vec<(&'static str, Misreading)>> {
        self.taught.iter().map(TaughtDialect::misreadings)
    }

    /// The labels of the dialects of the spans of a batch, in their order; `none` for one that nobody recognises.
    pub fn dialects(&self, batch: &ScopeBatch<'_>, scratch: &Scratch) -> Vec<&str> {
        let context = ReadContext {
            settings: &self.settings,
            names: &scratch.names,
        };
        let spans = batch.spans.iter().map(|span| {
            let source = SpanReader::new(context, &batch.scope, span);
            let taught = dialect::taught::recognise(&self.taught, &source, &batch.resource);
            taught
                .map(|dialect| &*dialect.name)
                .or_else(|| Some(DIALECTS[dialect::recognise(&source)?].name))
                .unwrap_or(scratch::UNRECOGNISED)
        });
        spans.collect()
    }

    /// Whether an attribute is read whose name, of this [`hash`](crate::model::hash::hash), has no key.
    pub fn asks(&self, hash: u32, name: &[u8]) -> bool {
        self.filter.of(hash, name).read
    }

    /// One event for each span, and one for each log record that says something about a span. Verdicts of a Baton have none.
    pub fn normalise(&self, batch: &ScopeBatch<'_>, scratch: &mut Scratch) -> Vec<Box<Event>> {
        if batch.scope.name == VERDICT_SCOPE {
            scratch.spans.add_verdicts(batch);
            return Vec::new();
        }
        let Scratch {
            names,
            last_context,
            spans: counts,
        } = scratch;
        let context = ReadContext {
            settings: &self.settings,
            names,
        };
        let contexts = SpanContexts::new(batch, &self.filter, context, last_context);
        let hasher = TokenHasher::new(&self.salt);
        let mut events = Vec::with_capacity(batch.spans.len() + batch.logs.len());
        for span in batch.spans.iter() {
            let source = SpanReader::new(context, &batch.scope, span);
            let event = self.span(&source, &contexts, &hasher, counts);
            events.push(Box::new(event));
        }
        for log in batch.logs.iter() {
            match log_event(context, &contexts, &hasher, log) {
                Ok(event) => events.push(Box::new(event)),
                Err(reason) => counts.unread.add(reason, 1),
            }
        }
        events
    }

    /// The event of a span, which is counted.
    fn span<'g>(
        &self,
        source: &SpanReader<'g>,
        contexts: &SpanContexts<'g>,
        hasher: &TokenHasher<'_>,
        counts: &mut SpanCounts,
    ) -> Event {
        let mut event = source.blank();
        let taught = self.read_as_taught(source, contexts.resource, &mut event, counts);
        if taught.is_none() {
            counts.add(dialect::read(source, &mut event));
        }
        forget_placeholders(&mut event);
        handoff::read_task_state(source, &mut event);
        let mut rare = source.rare(&mut event);
        source.count_left_out(&rare, &mut counts.unread);
        pause::settle(source, &mut event, &mut rare);
        let by_dialect = event.context.session.clone();
        let declared = contexts.of(source.span);
        event.context = declared.context;
        let common = event.context.session.as_ref().map(|hint| hint.source);
        if by_dialect.is_some() && common != Some(SessionSource::Span) {
            event.context.session = by_dialect;
        }
        if let Some(taught) = taught {
            // The operator says that it hands over, whatever the tool is called (H-8).
            if taught.hands_over {
                rare.handoff_basis = Basis::Rule;
            }
            event.context = contexts.with(event.context, taught.session, taught.user);
        }
        rare.unconverted = declared.unconverted;
        if declared.has_invalid_value {
            counts.unread.add(Unread::AmountOutOfRange, 1);
        }
        if rare.outcome.is_none() {
            let attributes = source.attributes();
            rare.unknown_outcome = outcome::unknown(attributes, source.context)
                .or_else(|| outcome::unknown_verdict(&rare.evaluations));
        }
        match &mut event.kind {
            Kind::Model(call) => {
                let unconverted = self.bill(source, call);
                if !matches!(call.cost, Cost::Declared(_)) && money::is_invalid(source.attributes())
                {
                    counts.unread.add(Unread::AmountOutOfRange, 1);
                }
                rare.unconverted = unconverted.or(rare.unconverted);
                let (content, continues) = content::of_span(source, hasher);
                call.continues = continues;
                event.content = (!content.is_empty()).then(|| Box::new(content));
            }
            Kind::Agent { .. } | Kind::Workflow => self.add_totals(source, &mut rare),
            _ => {}
        }
        event.rare = OptionBox::new(rare);
        event
    }

    /// Reads a span in a dialect that the configuration teaches, if it is of one.
    fn read_as_taught(
        &self,
        source: &SpanReader<'_>,
        resource: &Attributes<'_>,
        event: &mut Event,
        counts: &mut SpanCounts,
    ) -> Option<TaughtContext> {
        if self.taught.is_empty() {
            return None;
        }
        let counts = counts.taught(self.taught.len());
        dialect::taught::read(&self.taught, source, resource, event, counts)
    }
}

/// Takes out names that are none (S-6). The span of an agent that nobody named is a run.
fn forget_placeholders(event: &mut Event) {
    let is_none = |name: &Option<Name>| name.as_ref().is_some_and(|name| !declared::says(name));
    if is_none(&event.agent) {
        event.agent = None;
        if matches!(event.kind, Kind::Agent { .. }) {
            event.kind = Kind::Workflow;
        }
    }
    if is_none(&event.workflow) {
        event.workflow = None;
    }
    if let Kind::Model(call) = &mut event.kind {
        call.model = call.model.take().filter(|name| declared::says(name));
        call.provider = call.provider.take().filter(|name| declared::says(name));
    }
}

impl Normaliser {
    /// Completes what a call took; returns the currency of a declared cost that has no rate.
    fn bill(&self, source: &SpanReader<'_>, call: &mut ModelCall) -> Option<Name> {
        call.usage = call.usage.and_then(usage::known);
        let amount = match call.cost {
            Cost::Declared(amount) => Some(amount),
            _ => None,
        };
        let bill = Bill {
            provider: call.provider.as_deref(),
            model: call.model.as_deref(),
            usage: call.usage.as_ref(),
            amount,
        };
        let (cost, unconverted) = money::cost(source, bill, &self.prices);
        call.cache_savings = money::cache_savings(source, bill, &self.prices);
        call.cost = cost;
        unconverted
    }

    /// What the span of an agent or of a run says that all its calls took (C-14).
    fn add_totals(&self, source: &SpanReader<'_>, rare: &mut RareFields) {
        let usage = usage::of(source);
        let (provider, model) = (build::provider(source), build::model_name(source));
        let bill = Bill {
            provider: provider.as_deref(),
            model: model.as_deref(),
            usage: usage.as_ref(),
            amount: None,
        };
        let (cost, unconverted) = money::cost(source, bill, &self.prices);
        rare.unconverted = unconverted.or_else(|| rare.unconverted.take());
        if usage.is_some() || cost.usd().is_some() {
            rare.totals = Some(Box::new(RunTotals {
                provider,
                model,
                usage,
                cost,
            }));
        }
    }
}

/// The event of a log record, which speaks about its span, or without one about the response that it names or its trace (S-12): it becomes a note to it. A verdict
/// without a trace comes in a trace of its own (S-11).
fn log_event<'g>(
    context: ReadContext<'g>,
    contexts: &SpanContexts<'g>,
    hasher: &TokenHasher<'_>,
    log: &'g LogRecord<'_>,
) -> Result<Event, Unread> {
    let evaluations = evaluation::of(log.event_name, &log.attributes, context.names);
    let evaluations: List<Evaluation> = evaluations.into_iter().collect();
    let outcome = outcome::of_record(&log.attributes, context.settings);
    let outcome = outcome.or_else(|| outcome::of_evaluations(&evaluations));
    let says = |e: &Evaluation| e.score.is_some() || e.label.is_some();
    let judges = outcome.is_some() || evaluations.iter().any(says);
    let own = || judges.then(|| own_trace(log)).flatten();
    let span = log.span.filter(|_| log.trace.is_some());
    let trace = log.trace.or_else(own).ok_or(Unread::LogWithoutTrace)?;
    let mut event = blank(trace, span.unwrap_or(SpanId::OF_TRACE), log.time);
    let is_unknown = outcome
        .is_none()
        .then(|| outcome::unknown_verdict(&evaluations));
    event.rare = OptionBox::new(RareFields {
        outcome,
        unknown_outcome: is_unknown.flatten(),
        evaluations,
        requests: messages::log_requests(log, context),
        about: judges.then(|| response::id(&log.attributes)).flatten(),
        ..RareFields::default()
    });
    event.context = contexts.of_log(log);
    let content = content::of_log(log, hasher);
    event.content = (!content.is_empty()).then(|| Box::new(content));
    let rare = &event.rare;
    let remarks = rare.outcome.is_some() || !rare.evaluations.is_empty();
    let says = remarks || !rare.requests.is_empty() || event.content.is_some();
    event.kind = Kind::Note(note_id(&event));
    says.then_some(event).ok_or(Unread::LogNotAboutAgents)
}

/// The id of the trace that a log record without one stands for: the same record sent twice has the same.
fn own_trace(log: &LogRecord<'_>) -> Option<TraceId> {
    let attributes: Vec<_> = log.attributes.iter().collect();
    let text = format!("{:?}{}{attributes:?}", log.time, log.event_name);
    let halves = [&text, &format!("{text}.")];
    let halves = halves.map(|text| rapidhash::v3::rapidhash_v3(text.as_bytes()).to_be_bytes());
    TraceId::new(&halves.concat())
}

/// What tells one note to a span from another: the same record sent twice has the same id.
fn note_id(event: &Event) -> u64 {
    let mut text = format!(
        "{:?}{:?}{:?}{:?}",
        event.end, event.rare.evaluations, event.rare.requests, event.content
    );
    // Two responses of one trace may be judged at the same moment.
    if let Some(about) = event.rare.about {
        text.push_str(&about.to_string());
    }
    rapidhash::v3::rapidhash_v3(text.as_bytes())
}
