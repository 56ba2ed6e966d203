//! Pure. Turns the spans of many dialects into events. It handles one span at a time, keeps no state between spans that changes a result, and never fails.
//!
//! A value that a span does not contain stays unknown here; the stitcher may find it in other spans of the trace. No text of prompts, answers or arguments
//! leaves this room.
//!
//! | File | Content |
//! |---|---|
//! | `settings.rs, cohorts.rs` | attribute and tool names of the operator, dimensions of cohorts |
//! | `dialect/` | one file per dialect, and the table of them |
//! | `session.rs, span_context.rs, business.rs` | session, user, tenant, intent, value and cohorts of a span |
//! | `usage.rs, money.rs, model_name.rs` | tokens, first-token times, cost, and names of models and providers |
//! | `handoff.rs` | which tools hand over, and to which agent |
//! | `outcome.rs` | declared outcomes |
//! | `messages.rs` | model output: requested handoffs, and whether it contains text |
//! | `content.rs, tokens.rs, words.rs` | salted hashes of the facts in messages |
//! | `json_tape.rs, swar.rs, json.rs` | JSON in attributes, scanned once without copies |
//! | `interner.rs` | names that repeat from span to span, created once and shared |
//! | `attribute_filter.rs` | which attributes are read by a part of their name or by configuration |

mod attribute_filter;
mod business;
mod cohorts;
mod content;
pub mod declarations;
mod declared;
mod dialect;
mod handoff;
mod interner;
mod json;
mod json_tape;
mod messages;
mod model_name;
mod money;
mod outcome;
mod session;
mod settings;
mod span_context;
mod swar;
mod tokens;
mod topics;
mod usage;
mod words;

#[cfg(test)]
mod tests;

pub use cohorts::CohortSettings;
pub use dialect::{DIALECTS, Dialect};
pub use settings::Settings;

use crate::model::compact::{CowArc, OptionBox};
use crate::model::event::{
    CONTEXT_RETENTION, Evaluation, Event, INTENT_RETENTION, Kind, OutcomeEvidence, RareFields,
    SessionSource,
};
use crate::model::harmless;
use crate::model::ids::Link;
use crate::model::ids::{SpanId, TraceId};
use crate::model::price::PriceBook;
use crate::model::time::Timestamp;
use crate::model::{List, Name};
use crate::otlp::attribute_key::{AttributeKey, AttributeKeys, key};
use crate::otlp::view::{Attributes, LogRecord, Scope, ScopeBatch, Span, Status};
use attribute_filter::AttributeFilter;
use interner::{made, trimmed};
use json_tape::Document;
use span_context::Cases;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

/// All names of attributes that a dialect reads.
pub(crate) const ATTRIBUTE_NAMES: &[&str] = &dialect::vocabulary::ATTRIBUTE_NAMES;

/// Names longer than this are cut: they are labels, not texts.
const MAX_NAME: usize = 128;

/// Attributes that declare how much passed in a handoff, from 0 to 1, and the evaluation that each stands for.
const RETENTION: [(&str, AttributeKeys); 2] = [
    (CONTEXT_RETENTION, topics::CONTEXT_RETENTION),
    (INTENT_RETENTION, topics::INTENT_RETENTION),
];

/// Ids up to this length are kept whole. A longer one is cut and gets a hash of the whole: two that begin alike stay two.
const MAX_ID: usize = 256;

/// The one entry point of the room.
#[derive(Clone, Debug)]
pub struct Normaliser {
    settings: Settings,
    asked: AttributeFilter,
    content_key: tokens::HashSalt,
    prices: Arc<PriceBook>,
}

impl Normaliser {
    pub fn new(settings: Settings, prices: Arc<PriceBook>) -> Self {
        Self {
            asked: AttributeFilter::new(&settings),
            content_key: tokens::HashSalt::new(settings.content_seed),
            settings,
            prices,
        }
    }

    /// Whether an attribute is read whose name, of this [`key::hash`](crate::model::hash::hash), has no key.
    pub fn asks(&self, hash: u32, name: &[u8]) -> bool {
        self.asked.of(hash, name).read
    }

    /// One event for each span, and one for each log record that says something about a span.
    pub fn normalise(&self, group: &ScopeBatch<'_>) -> Vec<Box<Event>> {
        let cases = Cases::new(group, &self.asked, &self.settings);
        let known = tokens::TokenHasher::new(&self.content_key);
        let spans = group.spans.iter();
        let spans = spans.map(|span| Box::new(self.span(group, &cases, &known, span)));
        let logs = group.logs.iter();
        let logs = logs.filter_map(|log| self.log(&cases, &known, log).map(Box::new));
        spans.chain(logs).collect()
    }

    fn span<'g>(
        &'g self,
        group: &'g ScopeBatch<'_>,
        cases: &Cases<'g>,
        known: &tokens::TokenHasher<'_>,
        span: &'g Span<'_>,
    ) -> Event {
        let source = SpanReader {
            settings: &self.settings,
            scope: &group.scope,
            span,
            documents: RefCell::default(),
        };
        let mut event = source.blank();
        dialect::read(&source, &mut event);
        let mut rare = source.rare(&event);
        let own = event.context.session.clone();
        let told = cases.of(span);
        event.context = told.context;
        let common = event.context.session.as_ref().map(|hint| hint.source);
        if own.is_some() && common != Some(SessionSource::Span) {
            event.context.session = own;
        }
        rare.unconverted = told.unconverted;
        if rare.outcome.is_none() {
            rare.unknown_outcome = outcome::unknown(&source.span.attributes, &self.settings);
        }
        if let Kind::Model(call) = &mut event.kind {
            let (cost, unconverted) = money::cost(&source, call, &self.prices);
            call.cost = cost;
            rare.unconverted = unconverted.or(rare.unconverted);
            let content = content::of_span(&source, known);
            event.content = (!content.is_empty()).then(|| Box::new(content));
        }
        event.rare = OptionBox::new(rare);
        event
    }

    /// A log record speaks about its span: it becomes a note to it.
    fn log<'g>(
        &self,
        cases: &Cases<'g>,
        known: &tokens::TokenHasher<'_>,
        log: &'g LogRecord<'_>,
    ) -> Option<Event> {
        let (trace, span) = (log.trace?, log.span?);
        let mut event = blank(trace, span, log.time);
        let evaluations = evaluation(log.event_name, &log.attributes);
        let evaluations: List<Evaluation> = evaluations.into_iter().collect();
        event.rare = OptionBox::new(RareFields {
            outcome: outcome::of_evaluations(&evaluations),
            evaluations,
            requests: messages::log_requests(log, &self.settings),
            ..RareFields::default()
        });
        event.context = cases.of_log(log);
        let content = content::of_log(log, known);
        event.content = (!content.is_empty()).then(|| Box::new(content));
        let says = !event.rare.evaluations.is_empty()
            || !event.rare.requests.is_empty()
            || event.content.is_some();
        event.kind = Kind::Note(note_id(&event));
        says.then_some(event)
    }
}

/// What tells one note to a span from another: the same record sent twice has the same id.
fn note_id(event: &Event) -> u64 {
    let text = format!(
        "{:?}{:?}{:?}{:?}",
        event.end, event.rare.evaluations, event.rare.requests, event.content
    );
    rapidhash::v3::rapidhash_v3(text.as_bytes())
}

/// A span with all that speaks about it.
struct SpanReader<'a> {
    settings: &'a Settings,
    scope: &'a Scope<'a>,
    span: &'a Span<'a>,
    /// What its attributes hold in JSON, by their names: messages are read for several reasons, but scanned once.
    documents: RefCell<Vec<(&'static str, Read<'a>)>>,
}

/// What was read of an attribute that was there; `None`: it is no JSON.
type Read<'a> = Option<Rc<Document<'a>>>;

impl<'a> SpanReader<'a> {
    fn attributes(&self) -> &'a Attributes<'a> {
        &self.span.attributes
    }

    #[inline]
    fn str(&self, key: AttributeKey) -> Option<&'a str> {
        self.attributes().str(key)
    }

    /// The JSON that an attribute holds.
    fn document(&self, key: AttributeKey) -> Read<'a> {
        let text = self.str(key)?;
        let mut documents = self.documents.borrow_mut();
        if let Some((_, read)) = documents.iter().find(|(known, _)| *known == key.name()) {
            return read.clone();
        }
        let read = Document::parse(text).map(Rc::new);
        documents.push((key.name(), read.clone()));
        read
    }

    fn operation(&self) -> Option<&'a str> {
        self.str(key!("gen_ai.operation.name"))
    }

    /// The span's own error, without the control flow that some frameworks raise as exceptions.
    fn failed(&self) -> bool {
        let error_type = self.str(key!("error.type")).is_some_and(|t| t != "_OK");
        (self.span.status == Status::Error || error_type) && !self.is_control_flow()
    }

    /// An exception was recorded and nobody judged it: instrumentations that set no status leave it at that.
    fn raised(&self) -> bool {
        self.span.status == Status::Unset && self.excepted()
    }

    /// An exception was recorded that is no control flow.
    fn excepted(&self) -> bool {
        let exception = self.span.events.iter().any(|e| e.name == "exception");
        exception && !self.is_control_flow()
    }

    /// LangGraph hands over by raising `ParentCommand`.
    fn is_control_flow(&self) -> bool {
        let raised =
            |text: &str| text.contains("ParentCommand") || text.starts_with("Command(graph=");
        raised(self.span.status_message)
            || self
                .attributes()
                .first_str(topics::STATUS_MESSAGE)
                .is_some_and(raised)
            || self.span.events.iter().any(|event| {
                event
                    .attributes
                    .str(key!("exception.type"))
                    .is_some_and(|t| t.ends_with("ParentCommand"))
            })
    }

    fn blank(&self) -> Event {
        let span = self.span;
        Event {
            parent: span.parent,
            start: span.start,
            error: self.failed(),
            ..blank(span.trace, span.id, span.end)
        }
    }

    /// What few spans say, of an event that is told otherwise.
    fn rare(&self, event: &Event) -> RareFields {
        let (span, attributes) = (self.span, self.attributes());
        let mut rare = RareFields {
            links: foreign_links(span),
            threshold: span.threshold,
            ..RareFields::default()
        };
        for span_event in &span.events {
            rare.evaluations
                .extend(evaluation(span_event.name, &span_event.attributes));
        }
        if rare.evaluations.is_empty() {
            rare.evaluations
                .extend(evaluation("gen_ai.evaluation.result", attributes));
        }
        rare.evaluations.extend(retention(attributes));
        rare.outcome = outcome::of_span(attributes, &event.kind, self.settings)
            .or_else(|| outcome::of_evaluations(&rare.evaluations));
        if event.error || self.str(key!("error")).is_some() {
            rare.refused.extend(handoff::refusals(self));
        }
        rare
    }
}

fn blank(trace: TraceId, span: SpanId, end: Timestamp) -> Event {
    Event {
        trace,
        span,
        parent: None,
        start: end,
        end,
        error: false,
        agent: None,
        workflow: None,
        kind: Kind::Structure,
        content: None,
        context: CowArc::default(),
        rare: OptionBox::default(),
    }
}

/// Links into other traces join turns; a few are enough, and some runtimes write hundreds.
fn foreign_links(span: &Span<'_>) -> List<Link> {
    let foreign = |link: &&Link| link.trace != span.trace;
    span.links.iter().filter(foreign).take(8).copied().collect()
}

/// What is evaluated, the verdict in a word, and the score.
const EVALUATION: AttributeKey = AttributeKey::known("gen_ai.evaluation.name");
const LABEL: AttributeKey = AttributeKey::known("gen_ai.evaluation.score.label");
/// A `gen_ai.evaluation.result` in a log record, a span event or the span's own attributes.
fn evaluation(event_name: &str, attributes: &Attributes<'_>) -> Option<Evaluation> {
    if event_name != "gen_ai.evaluation.result" {
        return None;
    }
    Some(Evaluation {
        name: name(attributes.str(EVALUATION)?),
        score: topics::EVALUATION_SCORE
            .iter()
            .find_map(|key| attributes.f64(*key)),
        label: attributes.str(LABEL).map(name),
        by_record: false,
    })
}

/// What is declared of the retention in a handoff, as the evaluations of that name.
fn retention<'a>(attributes: &'a Attributes<'_>) -> impl Iterator<Item = Evaluation> + 'a {
    RETENTION.iter().filter_map(|(evaluation, keys)| {
        let score = keys.iter().find_map(|key| attributes.f64(*key))?;
        (0.0..=1.0).contains(&score).then(|| Evaluation {
            name: Name::from(*evaluation),
            score: Some(score),
            label: None,
            by_record: false,
        })
    })
}

/// A name, harmless, without blanks around it (roles from YAML end in a line break), cut where it is too long for a label.
fn name(text: &str) -> Name {
    made!(text, |text| Name::from(&*harmless::within(
        trimmed(text),
        MAX_NAME
    )))
}

/// An id, which only has to stay itself: two that differ stay two.
fn id(text: &str) -> Name {
    let text = trimmed(text);
    if text.len() > MAX_ID {
        return long_id(text);
    }
    made!(text, |text| match &*harmless::harmless(text) {
        id if id.len() <= MAX_ID => id.into(),
        _ => long_id(text),
    })
}

fn long_id(text: &str) -> Name {
    let hash = rapidhash::v3::rapidhash_v3(text.as_bytes());
    let beginning = harmless::within(text, MAX_NAME);
    Name::from(format!("{beginning}~{hash:016x}").as_str())
}

/// The verdict as evidence.
fn evidence(outcome: crate::model::event::Outcome) -> OutcomeEvidence {
    OutcomeEvidence { outcome }
}
