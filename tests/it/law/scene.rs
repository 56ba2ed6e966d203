//! One turn: what the agents do between the customer's words and the answer, and which spans show it.

use crate::law::manner::{Id, Manner};
use crate::law::rows::Rows;
use crate::law::spans::{
    Attribute, Draft, Resource, count, delegate, log, number, output, said, text, transfer,
};
use crate::law::story::{Facts, MILLI, MINUTE, SECOND, Teller, pick};
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
        self.number = self.teller.next_trace();
        self.trace = trace_id(self.number);
        self.spans = 0;
        happens(self);
        (self.trace, self.number, self.spans) = before;
        self.foreign = None;
        self.silent = false;
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

    fn shows_transfer(
        &mut self,
        agent: &'static str,
        target: &'static str,
        inside: SpanId,
        share: u64,
    ) {
        let way = self.dice().below(4);
        if way != 2 {
            self.model(agent, inside, share, Some(transfer(target)), None);
        }
        if way < 2 {
            let tool = self.tool_span(agent, inside, transfer(target));
            self.leaf(tool, 20);
        }
        if way > 0 && way < 3 {
            // Frameworks make ids of names.
            let id = if self.dice().one_in(5) {
                target.to_uppercase()
            } else {
                target.to_owned()
            };
            let mut attributes = vec![
                text("gen_ai.operation.name", "handoff"),
                text("gen_ai.handoff.from_agent", agent),
                text("gen_ai.handoff.to_agent", id),
            ];
            if self.dice().one_in(5) {
                attributes.push(number("gen_ai.handoff.context_retention", 0.25));
            }
            let mut handoff = self.open(Some(inside), "handoff", attributes);
            if self.wrong() {
                handoff.error = Some("target is not there");
            }
            self.leaf(handoff, 5);
        }
    }

    fn delegate(
        &mut self,
        agent: &'static str,
        target: &'static str,
        inside: SpanId,
        depth: u64,
        share: u64,
    ) {
        let tool = delegate(target);
        self.model(agent, inside, share, Some(tool), None);
        let span = self.tool_span(agent, inside, tool);
        let own = self
            .dice()
            .one_in(6)
            .then(|| format!("a2a-{}", self.number));
        let context = self.manner.context.clone();
        let own = context.filter(|_| self.teller.more.one_in(2)).or(own);
        let before = std::mem::replace(&mut self.foreign, own);
        self.agent(target, span.id, span.id, depth.max(3) + 1, Some(agent));
        self.foreign = before;
        self.close(span);
    }

    fn escalate(&mut self, agent: &'static str, inside: SpanId, share: u64) {
        let tool = *pick(self.dice(), &["escalate_to_human", "transfer_to_human"]);
        self.model(agent, inside, share, Some(tool), None);
        let span = self.tool_span(agent, inside, tool);
        self.leaf(span, 20);
    }

    fn tool_span(&mut self, agent: &'static str, inside: SpanId, tool: &str) -> Draft {
        let mut attributes = vec![
            text("gen_ai.operation.name", "execute_tool"),
            text("gen_ai.tool.name", tool),
        ];
        if self.manner.names {
            attributes.push(text("gen_ai.agent.name", agent));
        }
        self.open(Some(inside), format!("execute_tool {tool}"), attributes)
    }

    /// Work: a tool, a search, or both.
    fn tool(&mut self, agent: &'static str, inside: SpanId) {
        if self.dice().one_in(4) {
            let attributes = vec![text("gen_ai.operation.name", "retrieval")];
            let search = self.open(Some(inside), "retrieval", attributes);
            self.leaf(search, 200);
        }
        let name = *pick(self.dice(), &["lookup", "lookup", "issue_refund", "ship"]);
        let mut tool = self.tool_span(agent, inside, name);
        if self.manner.twice {
            // The server shows the call too, inside the client's span or beside it.
            let id = text("gen_ai.tool.call.id", format!("work-{}", self.spans));
            tool.attributes.push(id);
            let parent = if self.dice().one_in(2) {
                tool.id
            } else {
                inside
            };
            let mut server = self.open(Some(parent), "tools/call", tool.attributes.clone());
            if self.wrong() {
                server.error = Some("timeout");
            }
            self.leaf(server, 100);
        }
        if self.teller.more.one_in(12) {
            self.server(&tool);
        }
        if self.wrong() {
            tool.error = Some("timeout");
        }
        self.leaf(tool, 400);
    }

    /// A call of a model; it asks for a tool, answers, or fails.
    fn model(
        &mut self,
        agent: &'static str,
        inside: SpanId,
        share: u64,
        asks: Option<&str>,
        fault: Option<&'static str>,
    ) {
        let model = *pick(
            self.dice(),
            &["gpt-4", "gpt-4", "gpt-3.5-turbo", "house-model"],
        );
        let mut attributes = vec![
            text("gen_ai.operation.name", "chat"),
            text("gen_ai.provider.name", "openai"),
            text("gen_ai.request.model", model),
        ];
        if self.manner.names {
            attributes.push(text("gen_ai.agent.name", agent));
        }
        if fault.is_none() {
            let tokens = (100 + self.dice().below(900), 1 + self.dice().below(90));
            let (input, output_tokens) = if self.manner.adds_up {
                let reason = if asks.is_some() { "TOOL_CALLS" } else { "STOP" };
                attributes.extend([
                    text("spring.ai.model.request.tool.names", "lookup"),
                    text("gen_ai.response.finish_reasons", reason),
                ]);
                self.rows.next(inside, tokens, asks.is_some())
            } else {
                tokens
            };
            attributes.extend([
                count("gen_ai.usage.input_tokens", input),
                count("gen_ai.usage.output_tokens", output_tokens),
            ]);
            if self.dice().one_in(5) {
                attributes.push(number(
                    "gen_ai.usage.cost",
                    self.dice().below(400) as f64 / 1000.0,
                ));
            }
            if self.dice().one_in(2) {
                attributes.push(number("gen_ai.response.time_to_first_chunk", 0.002));
            }
            attributes.push(text("gen_ai.output.messages", output(asks, self.spans)));
            if self.manner.content {
                let input = format!("{} about {}", self.question, self.facts.some(share));
                attributes.push(text("gen_ai.input.messages", said(&input)));
            }
        }
        let mut call = self.open(Some(inside), format!("chat {model}"), attributes);
        call.error = fault;
        self.score(&mut call);
        let again = self.manner.twice.then(|| {
            // What the call says, but for whose it is: another instrumentation, nearer to the wire.
            let of_call = call
                .attributes
                .iter()
                .filter(|(key, _)| *key != "gen_ai.agent.name");
            Draft {
                scope: "wire",
                error: fault,
                ..self.open(Some(inside), "POST /v1/chat", of_call.cloned().collect())
            }
        });
        self.pass(3000);
        again.into_iter().for_each(|again| self.close(again));
        self.close(call);
    }

    /// Somebody judges a span, in the span itself or in a log record beside it.
    fn score(&mut self, draft: &mut Draft) {
        if !self.dice().one_in(12) {
            return;
        }
        let name = *pick(
            self.dice(),
            &["relevance", "user_feedback", "task_completion"],
        );
        let score = vec![
            text("gen_ai.evaluation.name", name),
            number(
                "gen_ai.evaluation.score.value",
                self.dice().below(5) as f64 / 4.0,
            ),
        ];
        if self.dice().one_in(2) {
            draft.scores.push(score);
            return;
        }
        // Users often say what they think when the turn is long over.
        let late = self.dice().one_in(4) && name == "user_feedback";
        let at = self.pass(5) + if late { 3 * MINUTE } else { 0 };
        let note = log(
            self.trace,
            draft.id,
            at,
            &score,
            self.resource(),
            &self.teller.normaliser,
        );
        self.teller.events.extend(note);
    }
}

fn trace_id(number: u64) -> TraceId {
    TraceId::new(&u128::from(number).to_be_bytes()).expect("not zero")
}
