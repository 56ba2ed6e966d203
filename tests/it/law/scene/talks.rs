//! What lasts longer than a turn: conversations that are one trace, turns that wait for a decision, and what is said about a session later.

use super::{QUESTIONS, Scene};
use crate::law::manner::{Id, Manner};
use crate::law::spans::{Attribute, Draft, count, number, text, transfer};
use crate::law::story::{HOUR, MILLI, MINUTE, SECOND, pick};
use crate::support::dice::Dice;
use baton::model::ids::{Link, SpanId};

/// How the turns of a conversation show in its trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A span says that it is a turn.
    Exchanges,
    /// A span serves a request.
    Requests,
    /// Agents begin again.
    Plain,
}

/// A decision that a turn waits for.
#[derive(Debug)]
pub struct Decision {
    pub after: u64,
    /// Another agent is asked for, and its calls alone are seen.
    pub proxied: bool,
    /// The tool that waits has a span.
    pub shown: bool,
    /// The tool runs afterwards.
    pub runs: bool,
    /// The customer says something else before.
    pub comes_between: bool,
}

impl<'t> Scene<'t> {
    /// A conversation of several turns, with these pauses after them.
    pub fn conversation(&mut self, form: Form, about: Vec<Attribute>, pauses: &[u64]) {
        let around = match form {
            // What a root says that comes when a turn is finalized already counts in no turn.
            Form::Plain if pauses.iter().all(|pause| *pause < MINUTE) => about.clone(),
            _ => Vec::new(),
        };
        let root = self.open(None, "conversation", around);
        for (turn, pause) in pauses.iter().enumerate() {
            self.question = QUESTIONS[turn % QUESTIONS.len()];
            if form == Form::Plain {
                self.agent("triage", root.id, root.id, 0, None);
            } else {
                let mut about = about.clone();
                let name = match form {
                    Form::Requests => "POST /talk",
                    _ => {
                        about.push(count("turn.number", turn as u64 + 1));
                        "turn"
                    }
                };
                let mut turn = self.open(Some(root.id), name, about);
                turn.serves = form == Form::Requests;
                self.agent("triage", turn.id, turn.id, 0, None);
                self.close(turn);
            }
            self.now += pause;
        }
        self.close(root);
    }

    /// A job that works on several sessions, one after the other, and now and then asks a model for itself. In some it asks an agent
    /// in a context that is the same for others. Returns when it ended.
    pub fn job(mut self, parts: &'t [Manner], contexts: &[Option<String>], pause: u64) -> u64 {
        (self.silent, self.alone) = (true, true);
        let root = self.open(None, "nightly run", Vec::new());
        let around = self.open(Some(root.id), "batch", Vec::new());
        for (turn, part) in parts.iter().enumerate() {
            self.question = QUESTIONS[turn % QUESTIONS.len()];
            (self.manner, self.silent) = (part, false);
            match contexts[turn].clone() {
                Some(context) => self.shared_context(around.id, context),
                None => _ = self.agent("triage", around.id, around.id, 0, None),
            }
            self.silent = true;
            if turn == 1 {
                // What it asks for itself may fail.
                let fails = pause.is_multiple_of(3).then_some("rate limit");
                self.model("planner", root.id, 100, None, fails);
            }
            self.now += pause;
        }
        self.close(around);
        self.close(root);
        self.now
    }

    /// An agent of one session that asks another one, in a context of which other sessions ask it too.
    fn shared_context(&mut self, around: SpanId, context: String) {
        let own = self.manner.session.clone();
        let mut front = self.open(Some(around), "invoke_agent front", Vec::new());
        front.attributes = vec![
            text("gen_ai.operation.name", "invoke_agent"),
            text("gen_ai.agent.name", "front"),
            text("session.id", own),
        ];
        self.foreign = Some(context);
        self.agent("triage", front.id, front.id, 0, None);
        self.foreign = None;
        self.model("front", front.id, 100, None, None);
        self.close(front);
    }

    /// A turn that waits for a decision, and goes on in another trace after it. Returns when it ended.
    pub fn decided_later(&mut self, about: Vec<Attribute>, decision: &Decision) -> u64 {
        self.run(about, |scene, agent| {
            let asks = match decision.proxied {
                true => transfer("billing"),
                false => "lookup",
            };
            scene.model("triage", agent, 100, Some(asks), None);
            if decision.shown && !decision.proxied {
                let mut tool = scene.tool_span("triage", agent, "lookup");
                tool.error = Some("GraphInterrupt");
                scene.leaf(tool, 5);
                // Beside it a tool works that asks a model itself: that does not go on with the run.
                if decision.after.is_multiple_of(3) {
                    let research = scene.tool_span("triage", agent, "research");
                    scene.model("triage", research.id, 100, None, None);
                    scene.close(research);
                }
            }
        });
        // It is rated meanwhile, which is no decision.
        if self.late().one_in(3) {
            self.remark(None);
        }
        let decided = self.now + decision.after;
        if decision.comes_between {
            self.now += decision.after / 3;
            self.elsewhere(|scene| {
                scene.run(Vec::new(), |scene, agent| {
                    scene.model("triage", agent, 100, None, None);
                });
            });
        }
        self.now = self.now.max(decided);
        self.elsewhere(|scene| {
            scene.run(Vec::new(), |scene, agent| {
                if decision.runs && !decision.proxied {
                    let tool = scene.tool_span("triage", agent, "lookup");
                    scene.leaf(tool, 400);
                }
                scene.goes_on = true;
                scene.model("triage", agent, 100, None, None);
                scene.goes_on = false;
            });
        });
        self.now
    }

    /// A trace of one agent.
    fn run(&mut self, about: Vec<Attribute>, happens: impl FnOnce(&mut Self, SpanId)) {
        let root = self.open(None, "POST /chat", about);
        let own = self.manner.agents.then(|| {
            let attributes = vec![
                text("gen_ai.operation.name", "invoke_agent"),
                text("gen_ai.agent.name", "triage"),
            ];
            self.open(Some(root.id), "invoke_agent triage", attributes)
        });
        let inside = own.as_ref().map_or(root.id, |own| own.id);
        happens(self, inside);
        own.into_iter().for_each(|own| self.close(own));
        self.close(root);
    }

    pub fn late(&mut self) -> &mut Dice {
        &mut self.teller.late
    }

    /// Somebody says in a trace of its own what became of a session, or what he thinks of it. It touches nothing else of the story.
    pub fn remark(&mut self, about: Option<Link>) {
        if self.manner.id == Id::Nowhere {
            return;
        }
        let after = [2 * SECOND, 90 * SECOND, 20 * MINUTE, 3 * HOUR, 20 * HOUR];
        let start = self.now + pick(self.late(), &after) + self.late().below(SECOND);
        // A number that no turn has.
        let number_of_trace = self.number | 0x8000;
        let mut draft = Draft {
            trace: super::trace_id(number_of_trace),
            id: SpanId::new(&(number_of_trace << 16).to_be_bytes()).expect("not zero"),
            parent: None,
            name: String::from("POST /feedback"),
            start,
            attributes: vec![text("session.id", self.manner.session.clone())],
            error: None,
            scores: Vec::new(),
            links: Vec::new(),
            serves: false,
            threshold: None,
            scope: "law",
        };
        if self.late().one_in(2) {
            draft.links.extend(about);
        }
        let says = self.late().below(3);
        if says != 1 || !self.teller.late_outcomes {
            let name = *pick(self.late(), &["user_feedback", "relevance"]);
            let score = self.late().below(5) as f64 / 4.0;
            draft.scores.push(vec![
                text("gen_ai.evaluation.name", name),
                number("gen_ai.evaluation.score.value", score),
            ]);
        }
        if says != 0 && self.teller.late_outcomes {
            let outcome = *pick(self.late(), &["resolved", "failed"]);
            draft.attributes.push(text("app.outcome", outcome));
        }
        let events = draft.ended(start + 5 * MILLI, self.resource(), &self.teller.normaliser);
        self.teller.events.extend(events);
    }
}
