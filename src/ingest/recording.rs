//! The ingest of a recording: its events as frames in the order of event time, for an engine without a log.

use super::route::Router;
use crate::model::event::Event;
use crate::model::record::Frame;
use crate::normalise::{Normaliser, Scratch};
use crate::otlp::view::{ScopeBatch, SpanSink};

/// Reads recorded requests. As a [`SpanSink`] it takes what a decoder makes of them.
#[derive(Debug)]
pub struct Recording {
    normaliser: Normaliser,
    scratch: Scratch,
    events: RecordedEvents,
}

/// The events of recorded requests.
#[derive(Debug, Default)]
pub struct RecordedEvents(Vec<Box<Event>>);

impl SpanSink for Recording {
    fn asks(&self, hash: u32, name: &[u8]) -> bool {
        self.normaliser.asks(hash, name)
    }

    fn add(&mut self, group: &ScopeBatch<'_>) {
        self.events
            .add(self.normaliser.normalise(group, &mut self.scratch));
    }
}

impl Recording {
    pub fn new(normaliser: Normaliser) -> Self {
        Self {
            normaliser,
            scratch: Scratch::default(),
            events: RecordedEvents::default(),
        }
    }

    /// As of [`RecordedEvents::into_frames`].
    pub fn into_frames(self, partitions: usize) -> impl Iterator<Item = Frame> {
        self.events.into_frames(partitions)
    }
}

impl RecordedEvents {
    pub fn add(&mut self, events: Vec<Box<Event>>) {
        self.0.extend(events);
    }

    /// One frame an event, in the order in which the spans ended: each arrives when its span ends.
    pub fn into_frames(mut self, partitions: usize) -> impl Iterator<Item = Frame> {
        self.0
            .sort_by_key(|event| (event.end, event.trace, event.span));
        let router = Router::new(partitions);
        self.0.into_iter().map(move |event| {
            let arrival = event.end;
            let routed = router.route(vec![event]);
            router.taken(&routed.told);
            Frame::of(routed.entries, arrival, None)
        })
    }
}
