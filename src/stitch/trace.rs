//! One trace of a session: the events of its open turn, and a summary of those that are finalized.

use super::event_buffer::{self, Added, EventBuffer};
use super::missing::Missing;
use super::owners::Owners;
use crate::model::Name;
use crate::model::evaluation::Evaluation;
use crate::model::event::{Event, Kind, SessionSource, SpanContext};
use crate::model::ids::{SpanId, TraceId};
use crate::model::sampling::Threshold;
use crate::model::small_map::SmallSet;
use crate::model::time::Timestamp;
use crate::turn::PauseSigns;
use std::borrow::Cow;
use std::cmp::Reverse;

/// The state of one trace. It has at least one of its parts, and both if it goes on after a turn of it was decided (T-9).
#[derive(Debug, Default)]
pub(super) struct Trace {
    /// Written by each event, taken by the decision of its turn.
    pub(super) open: Option<Box<OpenTrace>>,
    /// Written by each decision, never cleared.
    pub(super) decided: Option<Box<DecidedTrace>>,
}

impl Trace {
    /// How it was sampled, once it is decided and where it says so.
    pub(super) fn threshold(&self) -> Option<Threshold> {
        self.decided.as_ref()?.threshold
    }

    /// Whether an event is late: its turn is decided. What begins after all that is decided may be another turn.
    pub(super) fn is_late(&self, event: &Event) -> bool {
        let decided = self.decided.as_ref();
        decided.is_some_and(|decided| event.start <= decided.end || decided.is_about(event))
    }

    /// What of its open part is not here, as far as its spans tell (T-9).
    pub(super) fn missing(&self) -> Missing {
        let is_decided = |span| {
            let decided = self.decided.as_ref();
            decided.is_some_and(|decided| decided.owners.knows(span))
        };
        let open = self.open.as_ref();
        open.map_or(Missing::Nothing, |open| open.missing_but(is_decided))
    }
}

/// A decided trace: which spans are known, and whose they are, so that duplicates and late spans are recognised.
#[derive(Debug, Default)]
pub(super) struct DecidedTrace {
    pub(super) owners: Owners,
    /// The notes to its spans, and the fingerprints of what judges these.
    pub(super) notes: SmallSet<(SpanId, u64)>,
    /// The smallest one of its spans; what says nothing of sampling itself, a log record or a span of another SDK, was kept with them.
    pub(super) threshold: Option<Threshold>,
    /// The agent that answered the user: whom late feedback is about.
    pub(super) answering: Option<Name>,
    /// That of its turn: what late feedback is about. `None` where an older Baton decided it.
    pub(super) workflow: Option<Name>,
    /// The end of its last span: what begins later may be another turn. [`Timestamp::MAX`] where an older Baton decided it.
    pub(super) end: Timestamp,
}

impl DecidedTrace {
    /// The same trace, of which two sessions knew a part before they met.
    pub(super) fn merged(mut self, other: Self) -> Self {
        self.owners = self.owners.merged(&other.owners);
        self.notes.extend(other.notes);
        let thresholds = [self.threshold, other.threshold].into_iter().flatten();
        self.threshold = thresholds.min();
        self.answering = self.answering.max(other.answering);
        self.workflow = self.workflow.max(other.workflow);
        self.end = self.end.max(other.end);
        self
    }

    /// Whether an event is known, or a note about one that is.
    fn is_about(&self, event: &Event) -> bool {
        let is_note = matches!(event.kind, Kind::Note(_));
        let of_trace = is_note && event.span == SpanId::OF_TRACE;
        of_trace || self.owners.knows(event.span) || is_note && self.agent_about(event).is_some()
    }

    /// The agent of the span that an event is or speaks about, or of the response that it names (S-12).
    pub(super) fn agent_about(&self, event: &Event) -> Option<&Name> {
        let of_span = || self.owners.of(event.span);
        let of_response = || self.owners.of(SpanId::of_response(event.rare.about?)?);
        let named = (event.span != SpanId::OF_TRACE).then(of_span).flatten();
        named.or_else(of_response)
    }

    /// Remembers the verdicts of a span, so that what says them again adds none (C-6).
    fn note_verdicts(&mut self, event: &Event) {
        let verdicts = event.rare.evaluations.iter();
        self.notes
            .extend(verdicts.map(|verdict| (event.span, fingerprint(verdict))));
    }

    /// An event without the verdicts of its span that are known. From now on those that are left are known too.
    pub(super) fn without_known_verdicts<'e>(&mut self, event: &'e Event) -> Cow<'e, Event> {
        let own = event.span;
        let known = self.notes.iter().as_slice();
        let is_known = |e: &Evaluation| known.binary_search(&(own, fingerprint(e))).is_ok();
        let mut event = Cow::Borrowed(event);
        if own != SpanId::OF_TRACE && event.rare.evaluations.iter().any(is_known) {
            let evaluations = &mut event.to_mut().rare.evaluations;
            evaluations.retain(|verdict| !is_known(verdict));
        }
        self.note_verdicts(&event);
        event
    }

    /// Whether an event was known; from now on it is.
    pub(super) fn knows(&mut self, event: &Event, owner: Option<Name>) -> bool {
        match event.kind {
            Kind::Note(id) => !self.notes.insert((event.span, id)),
            _ => {
                let known = self.owners.knows(event.span);
                if !known {
                    self.owners.add(event.span, owner);
                }
                known
            }
        }
    }
}

/// A trace whose turn is not decided yet.
#[derive(Debug)]
pub(super) struct OpenTrace {
    buffer: EventBuffer,
    /// Roughly the bytes that its events hold in memory.
    pub(super) weight: usize,
    pub(super) last_arrival: Timestamp,
}

impl OpenTrace {
    /// Roughly the bytes of one without its events: with its span context and its lists, which have capacity that they do not use.
    pub(super) const EMPTY_WEIGHT: usize = size_of::<Self>() + 640;

    pub(super) fn new(trace: TraceId, arrival: Timestamp) -> Self {
        Self {
            buffer: EventBuffer::new(trace),
            weight: 0,
            last_arrival: arrival,
        }
    }

    /// Keeps an event.
    #[inline]
    pub(super) fn take(&mut self, event: Event) -> Added {
        let weight = event_buffer::weight(&event);
        let added = self.buffer.add(event);
        if added != Added::Known {
            self.weight += weight;
        }
        added
    }

    /// All spans by their ids, each with what its notes say, and what is to be known of them afterwards. A note to a span that
    /// never came stands for it.
    pub(super) fn close(self) -> (Vec<Event>, DecidedTrace) {
        let (_, end) = self.interval();
        let mut spans = Vec::with_capacity(self.buffer.len());
        let mut notes = Vec::new();
        for event in self.buffer.into_events() {
            match event.kind {
                Kind::Note(id) => notes.push((id, event)),
                _ => spans.push(event),
            }
        }
        let mut decided = DecidedTrace {
            owners: Owners::default(),
            notes: notes.iter().map(|(id, note)| (note.span, *id)).collect(),
            threshold: spans.iter().filter_map(|e| e.rare.threshold).min(),
            answering: None,
            workflow: None,
            end,
        };
        // The newest first: of several messages of the user the last one counts, and so does the last verdict.
        notes.sort_by_key(|(id, note)| (note.span, Reverse(note.end), *id));
        for (_, note) in notes {
            let named = spans.binary_search_by(|event| event.span.cmp(&note.span));
            let place = match named {
                Ok(place) if note.span != SpanId::OF_TRACE => Ok(place),
                _ => response_place(&spans, &note).map_or(named, Ok),
            };
            match place {
                Ok(place) => add_note(&mut spans[place], note),
                Err(place) => {
                    let kind = Kind::Structure;
                    spans.insert(place, Event { kind, ..note });
                }
            }
        }
        spans.iter().for_each(|span| decided.note_verdicts(span));
        (spans, decided)
    }

    pub(super) fn len(&self) -> usize {
        self.buffer.len()
    }

    /// Spans and notes.
    pub(super) fn events(&self) -> impl Iterator<Item = Event> + use<> {
        self.buffer.clone().into_events()
    }

    pub(super) fn into_events(self) -> impl Iterator<Item = Event> {
        self.buffer.into_events()
    }

    /// The traces that its spans link to.
    pub(super) fn links(&self) -> impl Iterator<Item = TraceId> + '_ {
        let rare = self.buffer.rare().iter();
        rare.flat_map(|rare| rare.links.iter().map(|link| link.trace))
    }

    /// Whether a span without a session of its own links to one other trace, whose session it may be told.
    pub(super) fn follows(&self) -> bool {
        self.links().next().is_some() && self.events().any(|event| event.follows().is_some())
    }

    /// The session that the resource of its spans and notes names; of several that of the first span.
    pub(super) fn resource_session(&self) -> Option<Name> {
        let named = |context: &SpanContext| {
            let hint = context.session.as_ref()?;
            (hint.source == SessionSource::Resource).then(|| hint.id.clone())
        };
        let mut contexts = self.buffer.contexts().iter();
        contexts.find_map(|context| named(context))?;
        self.events().find_map(|event| named(&event.context))
    }

    /// What of it is not here, as far as its spans tell (T-9).
    pub(super) fn missing(&self) -> Missing {
        self.missing_but(|_| false)
    }

    /// What is neither here nor known elsewhere.
    pub(super) fn missing_but(&self, is_known: impl Fn(SpanId) -> bool) -> Missing {
        match self.buffer.is_complete_with(is_known) {
            true => Missing::Nothing,
            false => Missing::of(&self.events().collect::<Vec<_>>()),
        }
    }

    /// Whether every parent that is named is here or known.
    pub(super) fn is_complete_with(&self, is_known: impl Fn(SpanId) -> bool) -> bool {
        self.buffer.is_complete_with(is_known)
    }

    pub(super) fn trace(&self) -> TraceId {
        self.buffer.trace()
    }

    /// What its spans show of waiting and going on.
    pub(super) fn signs(&self) -> PauseSigns {
        self.buffer.signs()
    }

    /// Whether anything in it is about agents.
    pub(super) fn is_agentic(&self) -> bool {
        self.buffer.is_agentic()
    }

    /// Whether a span or a note of it says something about its session: a score, an outcome.
    pub(super) fn has_remarks(&self) -> bool {
        let mut rare = self.buffer.rare().iter();
        rare.any(|rare| !rare.evaluations.is_empty() || rare.outcome.is_some())
    }

    /// Whether it has work that is beside its session (S-16).
    pub(super) fn has_work_beside(&self) -> bool {
        self.buffer.rare().iter().any(|rare| rare.is_beside)
    }

    /// Whether it shows nothing but runs, of which a span or a note says something about its session.
    pub(super) fn only_remarks(&self) -> bool {
        !self.buffer.shows_work() && self.has_remarks()
    }

    /// Whether it is the work of a judge: a span of it links to another trace and carries an evaluation, and no agent is at work (S-11).
    pub(super) fn judges(&self) -> bool {
        let mut rare = self.buffer.rare().iter();
        let is_judge = |event: &Event| match &event.kind {
            Kind::Model(call) => !call.is_agent && event.agent.is_none(),
            Kind::Structure | Kind::Workflow | Kind::Note(_) => event.agent.is_none(),
            _ => false,
        };
        rare.any(|rare| !rare.evaluations.is_empty() && !rare.links.is_empty())
            && self.events().all(|event| is_judge(&event))
    }

    /// Whether it is a turn if it is alone: agents are at work in it, and it is more than a remark (S-11).
    pub(super) fn is_turn(&self) -> bool {
        self.is_agentic() && !self.only_remarks() && !self.judges()
    }

    /// Event time from first start to last end.
    pub(super) fn interval(&self) -> (Timestamp, Timestamp) {
        self.buffer.interval()
    }
}

/// The place of the call whose response a note names (S-12). A server may give all its responses one ID: then the last one.
fn response_place(spans: &[Event], note: &Event) -> Option<usize> {
    let about = note.rare.about?;
    let gave = |event: &Event| match &event.kind {
        Kind::Model(call) => call.response == Some(about),
        _ => false,
    };
    let spans = spans.iter().enumerate().filter(|(_, event)| gave(event));
    let last = spans.max_by_key(|(_, event)| (event.end, event.span));
    last.map(|(place, _)| place)
}

/// What tells a verdict from others of its span. It is stored, so it must stay as it is.
fn fingerprint(verdict: &Evaluation) -> u64 {
    let score = verdict.score.map(f64::to_bits);
    let text = format!("{:?}", (&*verdict.name, score, verdict.label.as_deref()));
    rapidhash::v3::rapidhash_v3(text.as_bytes())
}

/// Adds to a span what a log record says of it (C-6, W-4).
fn add_note(event: &mut Event, note: Event) {
    for evaluation in &note.rare.evaluations {
        // The same verdict may come as a span event too.
        let is_it = |e: &Evaluation| {
            (&e.name, e.score, &e.label) == (&evaluation.name, evaluation.score, &evaluation.label)
        };
        if !event.rare.evaluations.iter().any(is_it) {
            event.rare.evaluations.push(Evaluation {
                by_record: true,
                ..evaluation.clone()
            });
        }
    }
    if event.rare.outcome.is_none() && note.rare.outcome.is_some() {
        event.rare.outcome.clone_from(&note.rare.outcome);
    }
    if event.rare.unknown_outcome.is_none() && note.rare.unknown_outcome.is_some() {
        event
            .rare
            .unknown_outcome
            .clone_from(&note.rare.unknown_outcome);
    }
    if let Some(more) = note.content {
        event.content.get_or_insert_default().add(&more);
    }
    if let Kind::Model(call) = &mut event.kind {
        for request in &note.rare.requests {
            if !call.requests.contains(request) {
                call.requests.push(request.clone());
            }
        }
    }
}
