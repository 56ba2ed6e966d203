//! Events that wait for their turn to be finalized, in a compact encoding, because they are most of what Baton holds.

use super::event_codec::{self, SideTables};
use crate::model::List;
use crate::model::compact::{CowArc, OptionBox};
use crate::model::event::{Event, Kind, RareFields, SpanContext};
use crate::model::ids::{SpanId, TraceId};
use crate::model::time::Timestamp;

/// The events of one trace, and the notes to them. The order of arrival leaves no mark.
#[derive(Clone, Debug)]
pub(super) struct EventBuffer {
    trace: TraceId,
    /// By span, and the notes by their numbers too: where in `written` an event begins.
    spans: List<(SpanId, u32)>,
    notes: List<(SpanId, u64, u32)>,
    written: Vec<u8>,
    side_tables: SideTables,
    /// Event time from first start to last end of the spans, of which there is one at least.
    interval: (Timestamp, Timestamp),
    agentic: bool,
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

impl EventBuffer {
    pub(super) fn new(trace: TraceId) -> Self {
        Self {
            trace,
            spans: List::new(),
            notes: List::new(),
            written: Vec::new(),
            side_tables: SideTables::default(),
            interval: (Timestamp::MAX, Timestamp::default()),
            agentic: false,
        }
    }

    /// Spans and notes.
    pub(super) fn len(&self) -> usize {
        self.spans.len() + self.notes.len()
    }

    /// Keeps an event; `false` if its span was known, or its note.
    #[inline]
    pub(super) fn add(&mut self, event: Event) -> bool {
        // A trace of four gigabytes is more than a session may have.
        let at = self.written.len() as u32;
        match event.kind {
            Kind::Note(id) => {
                let known =
                    |(span, note, _): &(SpanId, u64, u32)| (*span, *note).cmp(&(event.span, id));
                let Err(place) = self.notes.binary_search_by(known) else {
                    return false;
                };
                self.notes.insert(place, (event.span, id, at));
            }
            _ => {
                let Err(place) = self.place(event.span) else {
                    return false;
                };
                event_codec::make_room(&mut self.spans, 8);
                self.spans.insert(place, (event.span, at));
                self.agentic |= event.kind.is_agentic();
                let (start, end) = self.interval;
                self.interval = (start.min(event.start), end.max(event.end));
            }
        }
        // By the quarter, where lists double: a trace comes in a piece or two.
        if self.written.capacity() - self.written.len() < 64 {
            self.written.reserve_exact(self.written.len() / 4 + 256);
        }
        self.side_tables.write(event, &mut self.written);
        true
    }

    fn place(&self, span: SpanId) -> Result<usize, usize> {
        self.spans.binary_search_by(|(known, _)| known.cmp(&span))
    }

    /// Whether anything in it is about agents.
    pub(super) fn is_agentic(&self) -> bool {
        self.agentic
    }

    /// Event time from first start to last end.
    pub(super) fn interval(&self) -> (Timestamp, Timestamp) {
        match self.spans.is_empty() {
            true => Default::default(),
            false => self.interval,
        }
    }

    /// Whether every parent that is named is here.
    pub(super) fn is_complete(&self) -> bool {
        let mut parents = self.side_tables.parents.iter();
        parents.all(|parent| self.place(*parent).is_ok())
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
        all.map(move |(span, at)| side_tables.read(trace, span, &written[at as usize..]))
    }
}
