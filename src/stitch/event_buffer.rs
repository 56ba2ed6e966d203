//! Events that wait for their turn to be finalized, in a compact encoding, because they are most of what Baton holds.

use super::event_codec::{self, SideTables};
use crate::model::List;
use crate::model::compact::{CowArc, OptionBox};
use crate::model::event::{Event, Kind, RareFields, SpanContext};
use crate::model::ids::{SpanId, TraceId};
use crate::model::time::Timestamp;
use crate::proto;
use crate::turn::PauseSigns;

/// The events of one trace, and the notes to them. The order of arrival leaves no mark.
#[derive(Clone, Debug)]
pub(super) struct EventBuffer {
    trace: TraceId,
    /// By span, and the notes by their numbers too: where in `written` an event begins.
    spans: List<(SpanId, u32)>,
    notes: List<(SpanId, u64, u32)>,
    written: Vec<u8>,
    side_tables: SideTables,
    /// Event time from first start to last end of the spans of turns.
    interval: (Timestamp, Timestamp),
    /// The same of the notes, and of work beside the session.
    noted: (Timestamp, Timestamp),
    agentic: bool,
    /// More than runs.
    shows_work: bool,
    /// What its spans show of waiting and going on.
    signs: PauseSigns,
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Added {
    New,
    /// Its span was known by a version that said less, which it replaces.
    Replaced,
    /// Its span was known, or its note.
    Known,
}

/// Roughly the bytes that an event takes here, with a part of its case, which it shares.
pub(super) fn weight(event: &Event) -> usize {
    /// Its place, its part of the case, and what is written of most.
    const WRITTEN: usize = 96;
    const ID: usize = 40;
    let content = event.content.as_ref().map_or(0, |content| content.weight());
    let kind = match &event.kind {
        Kind::Model(call) if call.requests.is_empty() => 32,
        Kind::Model(_) => 128,
        Kind::Tool(tool) => tool.call_id.as_ref().map_or(8, |_| ID),
        _ => 0,
    };
    WRITTEN + content + kind + event.rare.weight()
}

/// How much a version of a span says: the later its end, the more of the work it has seen. Its stored form decides between
/// versions of the same end, so that the order of two versions never matters.
pub(super) fn fullness(event: &Event) -> (Timestamp, usize, Vec<u8>) {
    let stored = proto::event(event);
    (event.end, stored.len(), stored)
}

impl EventBuffer {
    pub(super) fn new(trace: TraceId) -> Self {
        Self {
            trace,
            spans: List::new(),
            notes: List::new(),
            written: Vec::new(),
            side_tables: SideTables::default(),
            interval: (Timestamp::MAX, Timestamp::default()),
            noted: (Timestamp::MAX, Timestamp::default()),
            agentic: false,
            shows_work: false,
            signs: PauseSigns::default(),
        }
    }

    /// Spans and notes.
    pub(super) fn len(&self) -> usize {
        self.spans.len() + self.notes.len()
    }

    /// Keeps an event. Of two versions of one span the fuller one is kept (C-10).
    #[inline]
    pub(super) fn add(&mut self, event: Event) -> Added {
        // A trace of four gigabytes is more than a session may have.
        let at = self.written.len() as u32;
        match event.kind {
            Kind::Note(id) => {
                let known =
                    |(span, note, _): &(SpanId, u64, u32)| (*span, *note).cmp(&(event.span, id));
                let Err(place) = self.notes.binary_search_by(known) else {
                    return Added::Known;
                };
                self.notes.insert(place, (event.span, id, at));
                let (start, end) = self.noted;
                self.noted = (start.min(event.start), end.max(event.end));
            }
            _ => {
                let place = match self.place(event.span) {
                    Err(place) => place,
                    Ok(known) => return self.replace_if_fuller(known, event),
                };
                event_codec::make_room(&mut self.spans, 8);
                self.spans.insert(place, (event.span, at));
                self.note_span(&event);
            }
        }
        self.write(event);
        Added::New
    }

    /// Adds what one version of a span says to what is known of all.
    #[inline]
    fn note_span(&mut self, event: &Event) {
        if event.rare.is_beside {
            // It is in no turn, as little as a note is.
            let (start, end) = self.noted;
            self.noted = (start.min(event.start), end.max(event.end));
            return;
        }
        self.agentic |= event.kind.is_agentic();
        self.shows_work |= event.kind.is_agentic() && !matches!(event.kind, Kind::Workflow);
        self.signs.add(event);
        let (start, end) = self.interval;
        self.interval = (start.min(event.start), end.max(event.end));
    }

    fn write(&mut self, event: Event) {
        // By the quarter, where lists double: a trace comes in a piece or two.
        if self.written.capacity() - self.written.len() < 64 {
            self.written.reserve_exact(self.written.len() / 4 + 256);
        }
        self.side_tables.write(event, &mut self.written);
    }

    /// Keeps another version of a known span if it says more: some exporters send a span when it begins and again when it has
    /// ended. Both count for the time and the parents of the trace, so that it makes no difference which came first.
    fn replace_if_fuller(&mut self, place: usize, event: Event) -> Added {
        let at = self.spans[place].1 as usize;
        let (tables, written) = (&mut self.side_tables, &self.written[at..]);
        let known = tables.peek(self.trace, event.span, written);
        if known == event {
            return Added::Known;
        }
        let is_fuller = fullness(&event) > fullness(&known);
        if is_fuller {
            tables.take(self.trace, event.span, written);
        } else {
            tables.note_parent(event.parent);
        }
        self.note_span(&event);
        if !is_fuller {
            return Added::Known;
        }
        self.spans[place].1 = self.written.len() as u32;
        self.write(event);
        Added::Replaced
    }

    fn place(&self, span: SpanId) -> Result<usize, usize> {
        self.spans.binary_search_by(|(known, _)| known.cmp(&span))
    }

    /// What its spans show of waiting and going on.
    pub(super) fn signs(&self) -> PauseSigns {
        self.signs
    }

    /// Whether anything in it is about agents.
    pub(super) fn is_agentic(&self) -> bool {
        self.agentic
    }

    /// Whether it shows more than runs.
    pub(super) fn shows_work(&self) -> bool {
        self.shows_work
    }

    /// Event time from first start to last end: of the spans of turns, and of all else where there is none.
    pub(super) fn interval(&self) -> (Timestamp, Timestamp) {
        match self.interval.0 == Timestamp::MAX {
            true => self.noted,
            false => self.interval,
        }
    }

    /// Whether every parent that is named is here or known.
    pub(super) fn is_complete_with(&self, is_known: impl Fn(SpanId) -> bool) -> bool {
        let mut parents = self.side_tables.parents.iter();
        parents.all(|parent| self.place(*parent).is_ok() || is_known(*parent))
    }

    pub(super) fn trace(&self) -> TraceId {
        self.trace
    }

    /// What few of its spans and notes say.
    pub(super) fn rare(&self) -> &[OptionBox<RareFields>] {
        &self.side_tables.rare
    }

    /// What its spans and notes say of whose they are.
    pub(super) fn contexts(&self) -> &[CowArc<SpanContext>] {
        &self.side_tables.contexts
    }

    /// All spans by their ids, then all notes.
    pub(super) fn into_events(self) -> impl Iterator<Item = Event> {
        let (trace, written, mut side_tables) = (self.trace, self.written, self.side_tables);
        let spans = self.spans.into_iter();
        let notes = self.notes.into_iter();
        let all = spans.chain(notes.map(|(span, _, at)| (span, at)));
        all.map(move |(span, at)| side_tables.take(trace, span, &written[at as usize..]))
    }
}
