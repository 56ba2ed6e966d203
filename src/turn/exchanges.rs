//! Which events of traces that lie together are one exchange with the user each: one trace may hold a whole conversation (T-10, T-11, T-12).
//!
//! The traces are cut into *units*: the outermost spans that stand for an exchange, a run or a step. What only lies around units, such as the
//! span of a conversation, belongs to each exchange inside it. Units that follow each other are one exchange unless something shows
//! that the user spoke in between.

use super::nesting::{self, Nesting};
use super::pause::PauseSigns;
use super::tree::cut_circles;
use crate::model::Name;
use crate::model::compact::OptionBox;
use crate::model::event::{Event, Kind, Operation, RareFields, Target};
use crate::model::ids::{SpanId, TraceId};
use crate::model::sketch::Sketch;
use crate::model::small_map::SmallSet;
use crate::model::time::Timestamp;
use rapidhash::{RapidHashMap as HashMap, RapidHashSet as HashSet};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

/// An exchange that begins so soon after a handoff goes on with it: no user is so quick.
pub const AT_ONCE: Duration = Duration::from_secs(1);

/// Splits the events of a turn as far as traces tell into exchanges, in their order. Nearly always there is one.
///
/// A pause of more than `settle` without any work, after an answer, is one in which the user spoke.
pub fn exchanges(mut events: Vec<Event>, settle: Duration) -> Vec<Vec<Event>> {
    events.sort_by_key(|e| (e.start, e.end, e.trace, e.span));
    let outline = Outline::of(&events, settle);
    let groups = outline.groups(&events, settle);
    if groups.len() < 2 && !(groups.len() == 1 && outline.has_framed_exchange()) {
        return vec![events];
    }
    outline.dealt(&events, &groups)
}

/// What a unit stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum UnitKind {
    /// A span that says that it is one exchange.
    Exchange,
    /// A request that was served.
    Request,
    /// A run or a step.
    Work,
}

/// The units of traces, and what lies around them.
struct Outline {
    parents: Vec<Option<usize>>,
    nesting: Nesting,
    /// The unit that each event lies in or is.
    units: Vec<Option<usize>>,
    kinds: HashMap<usize, UnitKind>,
}

/// Units that are one exchange.
#[derive(Debug)]
struct Group<'e> {
    units: Vec<usize>,
    start: Timestamp,
    end: Timestamp,
    traces: SmallSet<TraceId>,
    has_exchange: bool,
    story: Story<'e>,
}

/// What the steps of a unit, or of several, tell.
#[derive(Clone, Debug, Default)]
struct Story<'e> {
    start: Timestamp,
    end: Timestamp,
    /// The agent that began.
    first: Option<&'e Name>,
    /// What the user said, each time that a model was told.
    asked: Vec<&'e Sketch>,
    /// The step that ends last.
    last: Option<&'e Event>,
    /// An agent's own span is among its spans: it has returned.
    has_run: bool,
    failed: bool,
    /// The agent or the run failed: who asked got no answer.
    broke: bool,
    signs: PauseSigns,
    events: Vec<&'e Event>,
}

impl Outline {
    fn of(events: &[Event], settle: Duration) -> Self {
        let index: HashMap<(TraceId, SpanId), usize> = events
            .iter()
            .enumerate()
            .map(|(i, e)| ((e.trace, e.span), i))
            .collect();
        let parent = |e: &Event| index.get(&(e.trace, e.parent?)).copied();
        let mut parents: Vec<Option<usize>> = events.iter().map(parent).collect();
        cut_circles(&mut parents);
        let mut outline = Self {
            nesting: Nesting::of(&parents),
            parents,
            units: vec![None; events.len()],
            kinds: HashMap::default(),
        };
        outline.find_exchanges(events);
        let conversations = outline.conversations(events, settle);
        outline
            .kinds
            .retain(|unit, _| !conversations.contains(unit));
        outline.find_units(events, &conversations);
        outline
    }

    fn ancestors(&self, i: usize) -> impl Iterator<Item = usize> + '_ {
        nesting::around(&self.parents, i)
    }

    /// The spans that stand for exchanges and lie in no other one, nor in the work of an agent.
    fn find_exchanges(&mut self, events: &[Event]) {
        if !events.iter().any(|event| event.rare.is_exchange) {
            return;
        }
        let hidden = [UnitKind::Exchange, UnitKind::Request].map(|kind| {
            let hides = |around: usize| match &events[around].kind {
                Kind::Structure | Kind::Guardrail { .. } => events[around].rare.is_exchange,
                Kind::Workflow => kind == UnitKind::Request,
                _ => true,
            };
            (kind, self.nesting.nearest(&self.parents, hides))
        });
        for (i, event) in events.iter().enumerate() {
            let place = usize::from(event.rare.remote_parent);
            let (kind, hidden) = &hidden[place];
            if event.rare.is_exchange && hidden[i].is_none() {
                self.kinds.insert(i, *kind);
            }
        }
    }

    /// Whether something lies around a span that says that it is an exchange: a call may hold one exchange only.
    fn has_framed_exchange(&self) -> bool {
        let mut kinds = self.kinds.iter();
        kinds.any(|(unit, kind)| *kind == UnitKind::Exchange && self.parents[*unit].is_some())
    }

    /// Requests and runs that stay open for a whole conversation, such as a WebSocket: the same agent answered in it, nothing happened
    /// for a while, and it began again with new words of the user (T-11).
    fn conversations(&self, events: &[Event], settle: Duration) -> HashSet<usize> {
        let mut found = HashSet::default();
        let is_frame = |around: usize| {
            let kind = self.kinds.get(&around);
            let is_run = match events[around].kind {
                Kind::Structure | Kind::Workflow => true,
                Kind::Agent { .. } => events[around].agent.is_none(),
                _ => false,
            };
            is_run && kind != Some(&UnitKind::Exchange)
        };
        let is_work = |i: usize| match events[i].kind {
            Kind::Agent { .. } => events[i].agent.is_some(),
            Kind::Model(_) => true,
            _ => false,
        };
        let inner = self.nesting.nearest(&self.parents, |i| !is_frame(i));
        let is_run = |&i: &usize| is_work(i) && inner[i].is_none();
        let runs: Vec<usize> = (0..events.len()).filter(is_run).collect();
        let may_pause = |pair: &[usize]| events[pair[1]].start.since(events[pair[0]].end) > settle;
        if !runs.windows(2).any(may_pause) {
            return found;
        }
        let mut frames: HashSet<usize> = HashSet::default();
        for &run in &runs {
            let mut around = self.ancestors(run);
            while around.next().is_some_and(|frame| frames.insert(frame)) {}
        }
        let is_one: HashSet<usize> = runs.iter().copied().collect();
        let run_around = self.nesting.nearest(&self.parents, |i| is_one.contains(&i));
        let mut stories: HashMap<usize, Story<'_>> = HashMap::default();
        for (i, event) in events.iter().enumerate() {
            if let Some(run) = run_around[i].or(is_one.contains(&i).then_some(i)) {
                stories.entry(run).or_default().add(event);
            }
        }
        let mut quiet_since = Timestamp::default();
        let mut before = 0;
        for pair in runs.windows(2) {
            let [first, second] = [pair[0], pair[1]];
            for i in (before..second).filter(|i| !frames.contains(i)) {
                quiet_since = quiet_since.max(events[i].end);
            }
            before = second;
            let is_quiet = events[second].start.since(quiet_since) > settle;
            let asks_anew = || {
                let (one, next) = (stories.get(&first)?, stories.get(&second)?);
                Some((one.has_answered() || one.broke) && one.is_asked_anew_by(next))
            };
            if is_quiet && asks_anew() == Some(true) {
                let outer: HashSet<usize> = self.ancestors(first).collect();
                found.extend(self.ancestors(second).filter(|a| outer.contains(a)));
            }
        }
        found
    }

    /// The outermost spans that are more than a frame around others.
    fn find_units(&mut self, events: &[Event], conversations: &HashSet<usize>) {
        let mut frames = vec![false; events.len()];
        for &conversation in conversations {
            frames[conversation] = true;
        }
        let mut around_exchanges: HashSet<usize> = HashSet::default();
        for &exchange in self.kinds.keys() {
            let mut around = self.ancestors(exchange);
            while around
                .next()
                .is_some_and(|frame| around_exchanges.insert(frame))
            {}
        }
        for frame in around_exchanges {
            frames[frame] = true;
        }
        let is_unit = |i: usize| {
            let plain = matches!(events[i].kind, Kind::Structure);
            self.kinds.contains_key(&i) || !plain && !frames[i]
        };
        let mut units: Vec<Option<usize>> = vec![None; events.len()];
        for &i in &self.nesting.order {
            let outer = self.parents[i].and_then(|parent| units[parent]);
            units[i] = outer.or_else(|| is_unit(i).then_some(i));
        }
        self.units = units;
    }

    /// The units in the order of their start, grouped into exchanges.
    fn groups<'e>(&self, events: &'e [Event], settle: Duration) -> Vec<Group<'e>> {
        let mut stories: BTreeMap<usize, Story<'e>> = BTreeMap::new();
        for (event, unit) in events.iter().zip(&self.units) {
            if let Some(unit) = unit {
                stories.entry(*unit).or_default().add(event);
            }
        }
        let mut stories: Vec<(usize, Story<'e>)> = stories.into_iter().collect();
        stories.sort_by_key(|(unit, story)| (story.start, *unit));
        let mut groups: Vec<Group<'e>> = Vec::new();
        for (unit, story) in stories {
            let kind = self.kinds.get(&unit).copied().unwrap_or(UnitKind::Work);
            let trace = events[unit].trace;
            match groups.last_mut() {
                Some(group) if !group.is_over_at(&story, kind, trace, settle) => {
                    group.add(unit, story, kind, trace);
                }
                _ => groups.push(Group::new(unit, story, kind, trace)),
            }
        }
        // What shows no step at the end goes with the exchange before.
        if groups.len() > 1
            && let Some(idle) = groups.pop_if(|group| !group.story.acts())
            && let Some(last) = groups.last_mut()
        {
            last.units.extend(idle.units);
        }
        groups
    }

    /// The events of each group: those of its units, the frames around them, and what lies beside.
    fn dealt(&self, events: &[Event], groups: &[Group<'_>]) -> Vec<Vec<Event>> {
        let mut of_unit: HashMap<usize, usize> = HashMap::default();
        let mut frames: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (number, group) in groups.iter().enumerate() {
            for &unit in &group.units {
                of_unit.insert(unit, number);
                for frame in self.ancestors(unit) {
                    let known = frames.entry(frame).or_default();
                    // What is around it knows too.
                    if known.last() == Some(&number) {
                        break;
                    }
                    known.push(number);
                }
            }
        }
        let mut dealt: Vec<Vec<Event>> = groups.iter().map(|_| Vec::new()).collect();
        for (i, event) in events.iter().enumerate() {
            let unit = self.units[i].and_then(|unit| of_unit.get(&unit));
            if let Some(&number) = unit {
                dealt[number].push(event.clone());
            } else if let Some(inside) = frames.get(&i) {
                let Some((last, before)) = inside.split_last() else {
                    continue;
                };
                before
                    .iter()
                    .for_each(|&number| dealt[number].push(groups[number].framed(event, false)));
                // Its error is that of an exchange before, where one failed.
                let mut whole = groups[*last].framed(event, true);
                whole.error &= !before.iter().any(|&number| groups[number].story.broke);
                dealt[*last].push(whole);
            } else {
                let begun = groups.partition_point(|group| group.start <= event.start);
                let number = begun.saturating_sub(1);
                let until = groups.get(number + 1).map(|next| next.start);
                dealt[number].push(groups[number].beside(event, until));
            }
        }
        dealt
    }
}

impl<'e> Group<'e> {
    fn new(unit: usize, story: Story<'e>, kind: UnitKind, trace: TraceId) -> Self {
        Self {
            units: vec![unit],
            start: story.start,
            end: story.end,
            traces: std::iter::once(trace).collect(),
            has_exchange: kind == UnitKind::Exchange,
            story,
        }
    }

    fn add(&mut self, unit: usize, story: Story<'e>, kind: UnitKind, trace: TraceId) {
        self.units.push(unit);
        self.end = self.end.max(story.end);
        self.traces.insert(trace);
        self.has_exchange |= kind == UnitKind::Exchange;
        self.story.join(story);
    }

    /// Whether the next unit shows that the user spoke again.
    fn is_over_at(
        &self,
        next: &Story<'_>,
        kind: UnitKind,
        trace: TraceId,
        settle: Duration,
    ) -> bool {
        // An approval is no input of the user (T-14).
        let resumes = next.signs.resumes() && self.story.waits();
        if !self.story.acts() || resumes {
            return false;
        }
        let overlaps = next.start < self.end;
        let pause = next.start.since(self.end);
        match kind {
            UnitKind::Exchange if overlaps => self.has_exchange,
            UnitKind::Exchange => !(self.story.gave_away() && pause <= AT_ONCE),
            _ if overlaps || self.has_exchange || !next.acts() => false,
            UnitKind::Request => self.story.has_ended(),
            UnitKind::Work => {
                let same_trace = self.traces.iter().any(|known| *known == trace);
                let asked_anew = self.story.is_asked_anew_by(next);
                let answered = self.story.has_answered() && (asked_anew || pause > settle);
                same_trace && (answered || self.story.broke && asked_anew)
            }
        }
    }

    /// A frame as this exchange sees it: as long as itself. What the frame declares counts once, in the last exchange inside.
    fn framed(&self, frame: &Event, whole: bool) -> Event {
        let rare = match whole {
            true => frame.rare.clone(),
            false => OptionBox::new(RareFields {
                threshold: frame.rare.threshold,
                ..RareFields::default()
            }),
        };
        Event {
            start: frame.start.clamp(self.start, self.end),
            end: frame.end.clamp(self.start, self.end),
            error: frame.error && whole,
            rare,
            ..frame.clone()
        }
    }

    /// An event without work, with a time that is no part of another exchange.
    fn beside(&self, event: &Event, until: Option<Timestamp>) -> Event {
        let start = event.start.max(self.start);
        let end = until.map_or(event.end, |until| event.end.min(until));
        Event {
            start,
            end: end.max(start),
            ..event.clone()
        }
    }
}

impl<'e> Story<'e> {
    fn add(&mut self, event: &'e Event) {
        if self.end == Timestamp::default() {
            self.start = event.start;
        }
        self.start = self.start.min(event.start);
        self.end = self.end.max(event.end);
        self.first = self.first.or(event.agent.as_ref());
        self.has_run |= matches!(event.kind, Kind::Agent { inferred: false });
        self.failed |= event.error && matches!(event.kind, Kind::Agent { .. });
        self.broke |= event.error && matches!(event.kind, Kind::Agent { .. } | Kind::Workflow);
        self.signs.add(event);
        self.events.push(event);
        let is_step = match &event.kind {
            Kind::Model(call) => call.operation == Operation::Chat,
            kind => matches!(kind, Kind::Tool(_) | Kind::Handoff(_)),
        };
        if !is_step {
            return;
        }
        let asked = event
            .content
            .as_ref()
            .and_then(|content| content.asked.as_ref());
        self.asked.extend(asked);
        let order = |event: &Event| (event.end, Reverse((event.start, event.trace, event.span)));
        if self.last.is_none_or(|last| order(last) < order(event)) {
            self.last = Some(event);
        }
    }

    fn join(&mut self, next: Self) {
        self.signs = self.signs.and(&next.signs);
        self.events.extend(next.events);
        self.start = self.start.min(next.start);
        self.end = self.end.max(next.end);
        self.first = self.first.or(next.first);
        self.asked.extend(next.asked);
        self.has_run |= next.has_run;
        self.failed = next.failed;
        self.broke = next.broke;
        let later = |one: &Event, other: &Event| (one.end, one.start) >= (other.end, other.start);
        self.last = match (self.last, next.last) {
            (Some(own), Some(next)) if later(own, next) => Some(own),
            (own, next) => next.or(own),
        };
    }

    /// Whether it stopped without an end (T-13).
    fn waits(&self) -> bool {
        self.signs.waits(|| self.events.clone())
    }

    /// Whether it shows any work.
    fn acts(&self) -> bool {
        self.last.is_some() || self.has_run
    }

    /// Whether control went to another agent at the end, which has not begun.
    fn gave_away(&self) -> bool {
        self.last.is_some_and(|event| match &event.kind {
            Kind::Tool(tool) => {
                let to_agent = matches!(&tool.hands_to, Some(to) if *to != Target::Human);
                to_agent && !tool.delegates && !tool.failed && !event.error
            }
            Kind::Handoff(handoff) => handoff.to != Target::Human && !handoff.failed,
            Kind::Model(call) => call.answered != Some(true) && !call.requests.is_empty(),
            _ => false,
        })
    }

    /// Whether whoever served a request was done with it, well or not.
    fn has_ended(&self) -> bool {
        self.has_answered() || self.has_run && !self.gave_away()
    }

    /// Whether it ended with an answer to the user: text, or an agent that returned.
    fn has_answered(&self) -> bool {
        if self.failed {
            return false;
        }
        self.last.is_none_or(|event| match &event.kind {
            Kind::Model(call) => {
                let text = call.answered.unwrap_or(self.has_run);
                text && call.requests.is_empty() && !call.failed && !event.error
            }
            _ => false,
        })
    }

    /// Whether the same agent begins again, with words of the user that nobody was told before.
    fn is_asked_anew_by(&self, next: &Story<'_>) -> bool {
        let same = self.first.is_some() && self.first == next.first;
        let asked = next.asked.first();
        same && asked.is_some_and(|asked| !self.asked.is_empty() && !self.asked.contains(asked))
    }
}
