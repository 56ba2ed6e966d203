//! The encoded form of a waiting event, with shared tables for names, contexts and rare fields.

use crate::model::compact::{CowArc, OptionBox};
use crate::model::event::{
    Cost, Event, HandoffRequest, HandoffSpan, Kind, ModelCall, Operation, RareFields, SpanContext,
    Target, ToolCall, Usage,
};
use crate::model::ids::{SpanId, TraceId};
use crate::model::sketch::Content;
use crate::model::time::Timestamp;
use crate::model::{List, Name};
use bytes::{Buf, BufMut};
use prost::encoding::{decode_varint, encode_varint};

/// A name is looked for among so many known ones before it is noted again; what else is noted, among so many of the last ones.
const NAMES: usize = 64;
const LAST: usize = 8;

/// What events lead to; a written event has the places.
#[derive(Clone, Debug, Default)]
pub(super) struct SideTables {
    names: List<Name>,
    pub(super) parents: List<SpanId>,
    instrumentations: List<u32>,
    /// The first start; others are told from it.
    start: Timestamp,
    pub(super) contexts: List<CowArc<SpanContext>>,
    contents: List<Option<Box<Content>>>,
    pub(super) rare: List<OptionBox<RareFields>>,
    requests: List<List<HandoffRequest>>,
}

/// Where the parts of an event are that are not written in its bytes.
#[derive(Clone, Copy, Debug)]
struct EventPlaces {
    content: Option<usize>,
    rare: Option<usize>,
    requests: Option<usize>,
}

/// Puts something at the end; where.
fn put<T>(list: &mut List<T>, item: T) -> u64 {
    make_room(list, 1);
    list.push(item);
    list.len() as u64 - 1
}

/// Where something is that is noted once, unless it was long ago.
fn note<T: PartialEq>(list: &mut List<T>, item: T) -> u64 {
    let first = list.len().saturating_sub(LAST);
    match list[first..].iter().rposition(|known| *known == item) {
        Some(place) => (first + place) as u64,
        None => put(list, item),
    }
}

/// Room for one more, and for half as many as there are: of a list that doubles half would be free at worst.
pub(super) fn make_room<T>(list: &mut List<T>, least: usize) {
    if list.len() == list.capacity() {
        list.reserve_exact(list.len() / 2 + least);
    }
}

/// The first byte of an event: its kind, and what it has.
#[derive(Clone, Copy)]
struct Head(u8);

impl Head {
    const STRUCTURE: u8 = 0;
    const WORKFLOW: u8 = 1;
    const AGENT: u8 = 2;
    const MODEL: u8 = 3;
    const TOOL: u8 = 4;
    const HANDOFF: u8 = 5;
    const RETRIEVAL: u8 = 6;
    const NOTE: u8 = 7;
    const GUARDRAIL: u8 = 8;

    fn of(kind: &Kind) -> u8 {
        match kind {
            Kind::Structure => Self::STRUCTURE,
            Kind::Workflow => Self::WORKFLOW,
            Kind::Agent { .. } => Self::AGENT,
            Kind::Model(_) => Self::MODEL,
            Kind::Tool(_) => Self::TOOL,
            Kind::Handoff(_) => Self::HANDOFF,
            Kind::Retrieval { .. } => Self::RETRIEVAL,
            Kind::Note(_) => Self::NOTE,
            Kind::Guardrail { .. } => Self::GUARDRAIL,
        }
    }

    fn has(self, place: u32) -> bool {
        is_set(self.0.into(), 4 + place)
    }
}

/// Writes a number in as few bytes as hold it; most are small.
#[inline]
fn put_number(number: u64, to: &mut Vec<u8>) {
    match u8::try_from(number) {
        Ok(byte @ 0..0x80) => to.push(byte),
        _ => encode_varint(number, to),
    }
}

/// The next number. What was written is read: there is one.
#[inline]
fn number(from: &mut &[u8]) -> u64 {
    match **from {
        [byte @ 0..0x80, ref rest @ ..] => {
            *from = rest;
            byte.into()
        }
        _ => decode_varint(from).unwrap_or_default(),
    }
}

fn text(from: &mut &[u8]) -> Name {
    let length = number(from) as usize;
    let (text, rest) = from.split_at(length);
    *from = rest;
    // It was one when it was written.
    std::str::from_utf8(text).unwrap_or_default().into()
}

/// A difference of either sign as a number that is small where the difference is (the zigzag of protobuf).
fn folded(difference: u64) -> u64 {
    difference << 1 ^ ((difference as i64) >> 63) as u64
}

fn unfolded(number: u64) -> u64 {
    number >> 1 ^ (number & 1).wrapping_neg()
}

fn bits<const N: usize>(all: [bool; N]) -> u64 {
    let all = all.into_iter().zip(0..);
    all.fold(0, |bits, (one, place)| bits | u64::from(one) << place)
}

fn is_set(bits: u64, place: u32) -> bool {
    bits >> place & 1 == 1
}

impl SideTables {
    /// Writes an event, without its ids.
    pub(super) fn write(&mut self, event: Event, to: &mut Vec<u8>) {
        let Event {
            trace: _,
            span: _,
            parent,
            start,
            end,
            error,
            agent,
            workflow,
            kind,
            content,
            context,
            rare,
        } = event;
        let says = rare.says();
        let has = bits([error, parent.is_some(), content.is_some(), says]);
        if to.is_empty() {
            self.start = start;
        }
        to.put_u8((has as u8) << 4 | Head::of(&kind));
        if let Some(parent) = parent {
            put_number(note(&mut self.parents, parent), to);
        }
        put_number(folded(start.0.wrapping_sub(self.start.0)), to);
        put_number(end.0.wrapping_sub(start.0), to);
        put_number(self.name(agent), to);
        put_number(self.name(workflow), to);
        put_number(note(&mut self.contexts, context), to);
        if content.is_some() {
            put_number(put(&mut self.contents, content), to);
        }
        if says {
            put_number(put(&mut self.rare, rare), to);
        }
        self.write_kind(kind, to);
    }

    /// Notes a parent that an event names which is not kept.
    pub(super) fn note_parent(&mut self, parent: Option<SpanId>) {
        if let Some(parent) = parent {
            note(&mut self.parents, parent);
        }
    }

    /// The place of a name from 1; 0: there is none.
    fn name(&mut self, name: Option<Name>) -> u64 {
        let Some(name) = name else {
            return 0;
        };
        let mut known = self.names.iter().take(NAMES);
        // Most are the same one, which is told sooner than that they are alike.
        let same = known.clone().position(|known| Name::ptr_eq(known, &name));
        match same.or_else(|| known.position(|known| *known == name)) {
            Some(place) => place as u64 + 1,
            None => put(&mut self.names, name) + 1,
        }
    }

    fn named(&self, from: &mut &[u8]) -> Option<Name> {
        let place = (number(from) as usize).checked_sub(1)?;
        self.names.get(place).cloned()
    }

    /// The event of these ids, written at the beginning of these bytes. What it leads to it takes along.
    pub(super) fn take(&mut self, trace: TraceId, span: SpanId, from: &[u8]) -> Event {
        let (mut event, places) = self.read(trace, span, from);
        if let Some(place) = places.content {
            event.content = self.contents[place].take();
        }
        if let Some(place) = places.rare {
            event.rare = std::mem::take(&mut self.rare[place]);
        }
        if let (Some(place), Kind::Model(call)) = (places.requests, &mut event.kind) {
            call.requests = std::mem::take(&mut self.requests[place]);
        }
        event
    }

    /// The same, and what it leads to stays.
    pub(super) fn peek(&self, trace: TraceId, span: SpanId, from: &[u8]) -> Event {
        let (mut event, places) = self.read(trace, span, from);
        if let Some(place) = places.content {
            event.content.clone_from(&self.contents[place]);
        }
        if let Some(place) = places.rare {
            event.rare.clone_from(&self.rare[place]);
        }
        if let (Some(place), Kind::Model(call)) = (places.requests, &mut event.kind) {
            call.requests.clone_from(&self.requests[place]);
        }
        event
    }

    /// The event as far as it is written, and the places of the rest.
    fn read(&self, trace: TraceId, span: SpanId, mut from: &[u8]) -> (Event, EventPlaces) {
        let from = &mut from;
        let head = Head(from.get_u8());
        let parent = match head.has(1) {
            true => Some(self.parents[number(from) as usize]),
            false => None,
        };
        let start = Timestamp(self.start.0.wrapping_add(unfolded(number(from))));
        let end = Timestamp(start.0.wrapping_add(number(from)));
        let (agent, workflow) = (self.named(from), self.named(from));
        let context = self.contexts[number(from) as usize].clone();
        let mut place = |is_there: bool| is_there.then(|| number(from) as usize);
        let mut places = EventPlaces {
            content: place(head.has(2)),
            rare: place(head.has(3)),
            requests: None,
        };
        let event = Event {
            trace,
            span,
            parent,
            start,
            end,
            error: head.has(0),
            agent,
            workflow,
            context,
            content: None,
            rare: OptionBox::default(),
            kind: self.read_kind(head, from, &mut places),
        };
        (event, places)
    }

    fn write_kind(&mut self, kind: Kind, to: &mut Vec<u8>) {
        match kind {
            Kind::Structure | Kind::Workflow => {}
            Kind::Agent { inferred } => to.put_u8(inferred.into()),
            Kind::Model(call) => self.write_call(*call, to),
            Kind::Tool(tool) => {
                let ToolCall {
                    name,
                    call_id,
                    hands_to,
                    does_work,
                    delegates,
                    failed,
                } = tool;
                let has = [
                    call_id.is_some(),
                    hands_to.is_some(),
                    does_work,
                    delegates,
                    failed,
                ];
                put_number(bits(has), to);
                put_number(self.name(Some(name)), to);
                // Nobody else has the same: its text is here.
                if let Some(id) = call_id {
                    put_number(id.len() as u64, to);
                    to.put_slice(id.as_bytes());
                }
                if let Some(target) = hands_to {
                    self.write_target(target, to);
                }
            }
            Kind::Handoff(handoff) => {
                let HandoffSpan {
                    from,
                    to: target,
                    delegates,
                    failed,
                } = handoff;
                put_number(bits([delegates, failed]), to);
                put_number(self.name(from), to);
                self.write_target(target, to);
            }
            Kind::Retrieval { source } => put_number(self.name(source), to),
            Kind::Note(id) => to.put_u64_le(id),
            Kind::Guardrail { triggered } => to.put_u8(triggered.into()),
        }
    }

    fn read_kind(&self, head: Head, from: &mut &[u8], places: &mut EventPlaces) -> Kind {
        match head.0 & 0xf {
            Head::WORKFLOW => Kind::Workflow,
            Head::AGENT => Kind::Agent {
                inferred: from.get_u8() == 1,
            },
            Head::MODEL => Kind::Model(Box::new(self.read_call(from, places))),
            Head::TOOL => {
                let has = number(from);
                Kind::Tool(ToolCall {
                    name: self.named(from).unwrap_or_default(),
                    call_id: is_set(has, 0).then(|| text(from)),
                    hands_to: is_set(has, 1).then(|| self.read_target(from)),
                    does_work: is_set(has, 2),
                    delegates: is_set(has, 3),
                    failed: is_set(has, 4),
                })
            }
            Head::HANDOFF => {
                let has = number(from);
                Kind::Handoff(HandoffSpan {
                    from: self.named(from),
                    to: self.read_target(from),
                    delegates: is_set(has, 0),
                    failed: is_set(has, 1),
                })
            }
            Head::RETRIEVAL => Kind::Retrieval {
                source: self.named(from),
            },
            Head::NOTE => Kind::Note(from.get_u64_le()),
            Head::GUARDRAIL => Kind::Guardrail {
                triggered: from.get_u8() == 1,
            },
            _ => Kind::Structure,
        }
    }

    fn write_target(&mut self, target: Target, to: &mut Vec<u8>) {
        match target {
            Target::Unknown => to.put_u8(0),
            Target::Human => to.put_u8(1),
            Target::Agent(name) => {
                to.put_u8(2);
                put_number(self.name(Some(name)), to);
            }
        }
    }

    fn read_target(&self, from: &mut &[u8]) -> Target {
        match from.get_u8() {
            0 => Target::Unknown,
            1 => Target::Human,
            _ => Target::Agent(self.named(from).unwrap_or_default()),
        }
    }

    fn write_call(&mut self, call: ModelCall, to: &mut Vec<u8>) {
        let ModelCall {
            operation,
            provider,
            model,
            usage,
            cost,
            cache_savings,
            first_token_seconds,
            requests,
            answered,
            is_agent,
            failed,
            instrumentation,
            usage_is_cumulative,
            response,
            asked_tools,
            continues,
        } = call;
        let (cost_kind, usd) = match cost {
            Cost::Unknown => (0, None),
            Cost::Unpriced => (1, None),
            Cost::Declared(usd) => (2, Some(usd)),
            Cost::Computed(usd) => (3, Some(usd)),
        };
        let told = |usage: Usage| [usage.cache_read, usage.cache_write, usage.reasoning];
        let parts = usage.map_or([None; 3], told);
        let asked = (asked_tools > 0).then_some(u64::from(asked_tools));
        let has = bits([
            operation == Operation::Embeddings,
            is_agent,
            failed,
            usage_is_cumulative,
            answered.is_some(),
            answered == Some(true),
            usage.is_some(),
            parts[0].is_some(),
            parts[1].is_some(),
            parts[2].is_some(),
            first_token_seconds.is_some(),
            !requests.is_empty(),
            response.is_some(),
            asked.is_some(),
            continues.is_some(),
            continues == Some(true),
            cache_savings.is_some(),
        ]);
        put_number(has << 2 | cost_kind, to);
        put_number(self.name(provider), to);
        put_number(self.name(model), to);
        put_number(note(&mut self.instrumentations, instrumentation), to);
        if let Some(usage) = usage {
            put_number(usage.input, to);
            put_number(usage.output, to);
        }
        for count in parts.into_iter().chain([asked]).flatten() {
            put_number(count, to);
        }
        for number in [usd, first_token_seconds, cache_savings].iter().flatten() {
            to.put_f64_le(*number);
        }
        if !requests.is_empty() {
            put_number(put(&mut self.requests, requests), to);
        }
        if let Some(response) = response {
            to.put_u64_le(response);
        }
    }

    fn read_call(&self, from: &mut &[u8], places: &mut EventPlaces) -> ModelCall {
        let has = number(from);
        let (has, cost_kind) = (has >> 2, has & 3);
        let provider = self.named(from);
        let model = self.named(from);
        let instrumentation = self.instrumentations[number(from) as usize];
        let count = |place, from: &mut &[u8]| is_set(has, place).then(|| number(from));
        let usage = is_set(has, 6).then(|| Usage {
            input: number(from),
            output: number(from),
            cache_read: count(7, from),
            cache_write: count(8, from),
            reasoning: count(9, from),
        });
        let asked_tools = count(13, from).map_or(0, |asked| asked as u32);
        let cost = match cost_kind {
            0 => Cost::Unknown,
            1 => Cost::Unpriced,
            2 => Cost::Declared(from.get_f64_le()),
            _ => Cost::Computed(from.get_f64_le()),
        };
        let first_token_seconds = is_set(has, 10).then(|| from.get_f64_le());
        let cache_savings = is_set(has, 16).then(|| from.get_f64_le());
        places.requests = is_set(has, 11).then(|| number(from) as usize);
        ModelCall {
            operation: match is_set(has, 0) {
                true => Operation::Embeddings,
                false => Operation::Chat,
            },
            provider,
            model,
            usage,
            cost,
            cache_savings,
            first_token_seconds,
            requests: List::new(),
            answered: is_set(has, 4).then(|| is_set(has, 5)),
            is_agent: is_set(has, 1),
            failed: is_set(has, 2),
            instrumentation,
            usage_is_cumulative: is_set(has, 3),
            response: is_set(has, 12).then(|| from.get_u64_le()),
            asked_tools,
            continues: is_set(has, 14).then(|| is_set(has, 15)),
        }
    }
}
