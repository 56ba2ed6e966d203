//! The recordings as events, cut into requests.

use crate::support::capture::{self, Encoding};
use crate::support::dice::Dice;
use baton::app;
use baton::config::Config;
use baton::model::event::Event;
use baton::normalise::Scratch;
use baton::otlp::view::ScopeBatch;
use baton::otlp::{self, Limits};
use std::sync::OnceLock;

/// The events of every recording.
pub fn recordings() -> &'static [Vec<Event>] {
    static ALL: OnceLock<Vec<Vec<Event>>> = OnceLock::new();
    ALL.get_or_init(|| {
        let normaliser = app::normaliser(&Config::default(), 7);
        let events = |capture: &capture::Capture| {
            let (mut events, mut scratch) = (Vec::new(), Scratch::default());
            for request in capture.requests(Encoding::Protobuf) {
                let decode = match request.signal {
                    "logs" => otlp::protobuf::logs,
                    _ => otlp::protobuf::traces,
                };
                let mut take = |group: &ScopeBatch<'_>| {
                    let these = normaliser.normalise(group, &mut scratch).into_iter();
                    events.extend(these.map(|event| *event));
                };
                decode(&request.body, &Limits::default(), &mut take).expect("a recording");
            }
            events
        };
        capture::all().iter().map(events).collect()
    })
}

/// Cuts a recording into requests, in an order of its own.
pub fn requests(recording: usize, dice: &mut Dice) -> Vec<Vec<Event>> {
    let mut events = recordings()[recording].clone();
    for i in (1..events.len()).rev() {
        events.swap(i, dice.below(i as u64 + 1) as usize);
    }
    let mut requests = Vec::new();
    while !events.is_empty() {
        let some = 1 + dice.below(12) as usize;
        requests.push(events.split_off(events.len().saturating_sub(some)));
    }
    requests
}
