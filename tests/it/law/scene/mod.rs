//! One turn: what the agents do between the customer's words and the answer, and which spans show it.

mod talks;
mod work;

pub use talks::{Decision, Form};

use crate::law::manner::{Id, Manner};
use crate::law::rows::Rows;
use crate::law::spans::{Attribute, Draft, Resource, text, transfer};
use crate::law::story::{Facts, MILLI, SECOND, Teller, pick};
use crate::support::dice::Dice;
use baton::model::ids::Link;
use baton::model::ids::{SpanId, TraceId};

const AGENTS: &[&str] = &["triage", "billing", "refunds", "shipping"];
const QUESTIONS: &[&str] = &[
    "I want my money back for the broken lamp please",
    "where is the parcel that you sent last week",
    "the invoice names an address that is not mine",
];

/// How an agent's part of a turn ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Answered,
    Gone,
}

/// One trace being written.
pub struct Scene<'t> {
    teller: &'t mut Teller,
    manner: &'t Manner,
    resource: &'t Resource,
    facts: &'t Facts,
    trace: TraceId,
    number: u64,
    spans: u64,
    now: u64,
    /// A session id of its own, which an agent that is called over the network has.
    foreign: Option<String>,
    /// A service that knows nothing of sessions, only whom it links to.
    silent: bool,
    question: &'static str,
    /// This happens in a trace of its own while another one waits.
    apart: bool,
    /// All of it happens in one trace: a link to a trace of several sessions leads to the smallest of them.
    alone: bool,
    /// The next call gets the result of a tool.
    goes_on: bool,
    rows: Rows,
}

impl<'t> Scene<'t> {
    pub fn new(
        teller: &'t mut Teller,
        manner: &'t Manner,
        resource: &'t Resource,
        facts: &'t Facts,
        now: u64,
    ) -> Self {
        let number = teller.next_trace();
        let question = *pick(&mut teller.dice, QUESTIONS);
        Self {
            teller,
            manner,
            resource,
            facts,
            trace: trace_id(number),
            number,
            spans: 0,
            now,
            foreign: None,
            silent: false,
            question,
            apart: false,
            alone: false,
            goes_on: false,
            rows: Rows::default(),
        }
    }

    fn dice(&mut self) -> &mut Dice {
        &mut self.teller.dice
    }

    fn wrong(&mut self) -> bool {
        let odds = self.manner.odds;
        self.dice().one_in(odds)
    }

    /// A little later, never the same moment again.
    fn pass(&mut self, millis: u64) -> u64 {
        self.now += MILLI / 2 + self.teller.dice.below(millis * MILLI);
        self.now
    }

    /// A turn in which the root names one session and the agents another one.
    pub fn of_both(&mut self, about: Vec<Attribute>) -> (u64, Link) {
        let root = self.open(None, "POST /chat", about);
        self.foreign.clone_from(&self.manner.context);
        self.within(root, None)
    }

    /// The whole turn. Returns when it ended, and its root.
    pub fn turn(&mut self, about: Vec<Attribute>, before: Option<Link>) -> (u64, Link) {
        let root = self.open(None, "POST /chat", about);
        self.within(root, before)
    }

    fn within(&mut self, mut root: Draft, before: Option<Link>) -> (u64, Link) {
        if let Some(user) = &self.manner.user {
            root.attributes.push(text("user.id", user.clone()));
        }
        if matches!(self.manner.id, Id::Root) {
            root.attributes
                .push(text("session.id", self.manner.session.clone()));
        }
        let links = self.dice().one_in(8);
        root.links.extend(before.filter(|_| links));
        let link = root.link();
        let first = *pick(self.dice(), &["triage", "triage", "billing"]);
        let end = self.agent(first, root.id, root.id, 0, None);
        if self.dice().one_in(12) {
            self.other_trace(&root);
        }
        if end == End::Gone && self.wrong() {
            root.error = Some("no answer");
        }
        self.pass(5);
        if self.manner.loses && self.dice().one_in(2) {
            return (self.now + 80 * SECOND, link);
        }
        self.close(root);
        (self.now, link)
    }

    /// What happens in a trace of its own.
    fn elsewhere(&mut self, happens: impl FnOnce(&mut Self)) {
        let before = (self.trace, self.number, self.spans);
        self.apart = true;
        self.number = self.teller.next_trace();
        self.trace = trace_id(self.number);
        self.spans = 0;
        happens(self);
        (self.trace, self.number, self.spans) = before;
        self.foreign = None;
        self.silent = false;
        self.apart = false;
    }

    /// A service that is called in the turn and has a trace of its own.
    fn other_trace(&mut self, root: &Draft) {
        let number = self.number;
        self.elsewhere(|s| {
            let mut service = s.open(None, "POST /service", Vec::new());
            let linked = s.dice().one_in(2);
            if linked {
                service.links.push(root.link());
            }
            let own = s.dice().one_in(2);
            s.foreign = own.then(|| format!("remote-{number}"));
            s.silent = linked && !own && s.teller.more.one_in(2);
            if s.silent {
                service.attributes.clear();
            }
            s.agent("shipping", service.id, service.id, 4, None);
            s.close(service);
        });
    }

    /// The server that runs a tool shows the call too, in a trace of its own that links to the client's span.
    fn server(&mut self, tool: &Draft) {
        self.elsewhere(|s| {
            // Who names the session is decided soon after, whether the client has named it by then or not.
            s.silent = s.teller.more.one_in(2) || s.manner.id != Id::Everywhere;
            let mut attributes = tool.attributes.clone();
            attributes.retain(|(key, _)| *key != "session.id");
            attributes.push(text("mcp.session.id", "transport"));
            let mut server = s.open(None, "tools/call", attributes);
            server.links.push(tool.link());
            if s.wrong() {
                server.error = Some("timeout");
            }
            s.leaf(server, 100);
        });
    }

    fn open(
        &mut self,
        parent: Option<SpanId>,
        name: impl Into<String>,
        mut attributes: Vec<Attribute>,
    ) -> Draft {
        self.spans += 1;
        let says = match self.manner.id {
            Id::Everywhere => true,
            Id::Some => self.spans == 2 || self.dice().one_in(3),
            Id::Root | Id::Resource | Id::Nowhere => false,
        };
        if let Some(foreign) = &self.foreign {
            attributes.push(text("session.id", foreign.clone()));
        } else if says && !self.silent {
            attributes.push(text("session.id", self.manner.session.clone()));
        }
        Draft {
            trace: self.trace,
            id: SpanId::new(&(self.number << 16 | self.spans).to_be_bytes()).expect("not zero"),
            parent,
            name: name.into(),
            start: self.pass(5),
            attributes,
            error: None,
            scores: Vec::new(),
            links: Vec::new(),
            serves: false,
            threshold: self.manner.threshold(&mut self.teller.dice),
            scope: "law",
        }
    }

    fn close(&mut self, draft: Draft) {
        let end = self.pass(5);
        let events = draft.ended(end, self.resource(), &self.teller.normaliser);
        self.teller.events.extend(events);
    }

    fn resource(&self) -> &'t Resource {
        const NONE: &Resource = &Vec::new();
        if self.silent { NONE } else { self.resource }
    }

    /// A span that does nothing but last.
    fn leaf(&mut self, draft: Draft, millis: u64) {
        self.pass(millis);
        self.close(draft);
    }

    /// One agent's part, and that of all who come after it.
    fn agent(
        &mut self,
        agent: &'static str,
        parent: SpanId,
        root: SpanId,
        depth: u64,
        from: Option<&'static str>,
    ) -> End {
        let own = self.manner.agents.then(|| {
            let attributes = vec![
                text("gen_ai.operation.name", "invoke_agent"),
                text("gen_ai.agent.name", agent),
            ];
            self.open(Some(parent), format!("invoke_agent {agent}"), attributes)
        });
        let inside = own.as_ref().map_or(parent, |draft| draft.id);
        let breaks = self.wrong();
        let share = if from.is_none() {
            100
        } else {
            *pick(self.dice(), &[100, 100, 75, 50, 25, 0])
        };
        let mut next = None;
        let mut end = End::Answered;
        if breaks && self.dice().one_in(2) {
            self.model(agent, inside, share, None, Some("rate limit"));
            end = End::Gone;
        } else {
            for _ in 0..self.dice().below(3) {
                self.model(agent, inside, share, Some("lookup"), None);
                self.tool(agent, inside);
            }
            next = self.decide(agent, inside, depth, share, from);
            if next.is_none() && !breaks {
                self.model(agent, inside, share, None, None);
            } else if next.is_none() {
                end = End::Gone;
            }
        }
        let nested = self.manner.nested;
        let target = next.filter(|target| AGENTS.contains(target));
        if let (Some(target), true) = (target, nested) {
            end = self.agent(target, inside, root, depth + 1, Some(agent));
        } else if next.is_some() {
            end = End::Gone;
        }
        if let Some(mut own) = own {
            if breaks {
                own.error = Some("it broke");
            }
            self.score(&mut own);
            self.close(own);
        }
        match target {
            Some(target) if !nested => self.agent(target, root, root, depth + 1, Some(agent)),
            _ => end,
        }
    }

    /// What an agent does with the case after its own work: the agent that has it next, or "human"; `None`: it answers itself.
    fn decide(
        &mut self,
        agent: &'static str,
        inside: SpanId,
        depth: u64,
        share: u64,
        from: Option<&'static str>,
    ) -> Option<&'static str> {
        if depth > 3 {
            return None;
        }
        let others: Vec<&'static str> = AGENTS.iter().copied().filter(|a| *a != agent).collect();
        let mut target = *pick(self.dice(), &others);
        if let Some(from) = from.filter(|_| self.wrong()) {
            // It hands back at once.
            target = from;
        }
        match self.dice().below(16) {
            0..5 => None,
            5..9 => {
                self.shows_transfer(agent, target, inside, share);
                let drops = self.wrong();
                (!drops).then_some(target).or(Some("nobody"))
            }
            // Only the target's spans show it.
            9 => Some(target),
            10 | 11 => {
                self.delegate(agent, target, inside, depth, share);
                None
            }
            12 => {
                self.escalate(agent, inside, share);
                Some("human")
            }
            13 => {
                // Asked for, and nothing runs.
                self.model(agent, inside, share, Some(transfer(target)), None);
                None
            }
            14 => {
                self.model(agent, inside, share, Some(transfer(target)), None);
                let mut tool = self.tool_span(agent, inside, transfer(target));
                tool.error = Some("guardrail: not allowed");
                self.leaf(tool, 20);
                None
            }
            _ => None,
        }
    }
}

fn trace_id(number: u64) -> TraceId {
    TraceId::new(&u128::from(number).to_be_bytes()).expect("not zero")
}
