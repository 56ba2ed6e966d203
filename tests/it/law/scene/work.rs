//! What agents do in a turn: calls of models and tools, handoffs and scores, each as the spans that show it.

use super::Scene;
use crate::law::manner::Id;
use crate::law::spans::{
    Draft, count, delegate, log, number, output, returned, said, text, transfer,
};
use crate::law::story::{MINUTE, pick};
use baton::model::ids::SpanId;

impl Scene<'_> {
    pub(super) fn shows_transfer(
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

    pub(super) fn delegate(
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

    pub(super) fn escalate(&mut self, agent: &'static str, inside: SpanId, share: u64) {
        let tool = *pick(self.dice(), &["escalate_to_human", "transfer_to_human"]);
        self.model(agent, inside, share, Some(tool), None);
        let span = self.tool_span(agent, inside, tool);
        self.leaf(span, 20);
    }

    pub(super) fn tool_span(&mut self, agent: &'static str, inside: SpanId, tool: &str) -> Draft {
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
    pub(super) fn tool(&mut self, agent: &'static str, inside: SpanId) {
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
        if !self.alone && self.teller.more.one_in(12) {
            self.server(&tool);
        }
        if self.wrong() {
            tool.error = Some("timeout");
        }
        // Some tools take their time, and some wait for a person. Where only the root names the session, traces that link to it
        // would wait for the name longer than they do (L-3); and around whole agents nobody waits that long for a service (T-9).
        let minutes = 1 + self.teller.slow.below(50);
        let slow = self.teller.slow.one_in(24) && self.manner.id == Id::Everywhere;
        if slow && !self.apart {
            self.now += minutes * MINUTE;
        }
        self.leaf(tool, 400);
    }

    /// A call of a model; it asks for a tool, answers, or fails.
    pub(super) fn model(
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
                attributes.push(text("gen_ai.input.messages", self.messages(share)));
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

    /// What the next call gets.
    fn messages(&mut self, share: u64) -> String {
        let input = format!("{} about {}", self.question, self.facts.some(share));
        match std::mem::take(&mut self.goes_on) {
            true => returned(&input),
            false => said(&input),
        }
    }

    /// Somebody judges a span, in the span itself or in a log record beside it.
    pub(super) fn score(&mut self, draft: &mut Draft) {
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
