//! A turn while it is written, with its true results.

use super::plan::{Dice, Fate, Model, NANO, Plan, WANTS};
use super::truth::Truth;
use super::turn::{Call, Says, ScriptAction, ScriptStep, ScriptTurn};
use super::words::{GREETING, Share, WHAT_WAS_IT};

const CONCIERGE: &str = "concierge";
/// In this workflow the application declares no resolution: a rule reads the state of the ticket.
const TICKETS: &str = "care";
/// Billionths of a dollar for a search, and for a human.
const SEARCH_PRICE: u64 = 2_000_000;
const HUMAN_PRICE: u64 = 6_000_000_000;

pub(super) struct Script<'d> {
    dice: &'d mut Dice,
    truth: &'d mut Truth,
    steps: Vec<ScriptStep>,
    now: u64,
    /// When the answer was there.
    answered: Option<u64>,
    /// Answers are streamed without their usage.
    blind: bool,
}

impl<'d> Script<'d> {
    pub(super) fn new(dice: &'d mut Dice, truth: &'d mut Truth, blind: bool) -> Self {
        truth.turns += 1;
        let mut script = Self {
            dice,
            truth,
            steps: Vec::new(),
            now: 0,
            answered: None,
            blind,
        };
        script.begin(0, ScriptAction::App);
        script
    }

    /// A question that the concierge answers alone.
    pub(super) fn greeting(mut self) -> ScriptTurn {
        let agent = self.begin(0, ScriptAction::Agent(CONCIERGE));
        self.answer(agent, CONCIERGE, NANO, GREETING, "at nine.");
        self.end(agent, false);
        self.close("question", None, None)
    }

    /// A request that needs a specialist.
    pub(super) fn request(mut self, plan: &Plan) -> ScriptTurn {
        let want = &plan.want;
        let heard = plan.request.heard(Share::All);
        let concierge = self.begin(0, ScriptAction::Agent(CONCIERGE));
        self.ask(concierge, CONCIERGE, NANO, &heard, want.transfer);
        if plan.fate == Fate::Dropped {
            self.truth.handoffs_dropped += 1;
            self.end(concierge, false);
            return self.verdict(plan);
        }
        let rejected = plan.fate == Fate::Rejected;
        self.tool(concierge, CONCIERGE, want.transfer, rejected);
        if rejected {
            self.truth.handoffs_rejected += 1;
            self.answer(concierge, CONCIERGE, NANO, &heard, "nobody is there.");
            self.end(concierge, false);
            return self.verdict(plan);
        }
        self.end(concierge, false);
        let agent = self.begin(0, ScriptAction::Agent(want.specialist));
        let told = plan.request.heard(plan.share);
        match plan.fate {
            Fate::TargetError => {
                self.truth.handoffs_target_error += 1;
                self.call(
                    agent,
                    want.specialist,
                    plan.model,
                    &told,
                    Says::Text(""),
                    true,
                );
                self.end(agent, true);
                return self.verdict(plan);
            }
            Fate::Lost => {
                self.truth.handoffs_context_lost += 1;
                self.answer(agent, want.specialist, plan.model, &told, WHAT_WAS_IT);
                self.end(agent, false);
                return self.close(want.intent, None, want.value);
            }
            _ => {}
        }
        self.truth.handoffs_succeeded += 1;
        self.truth.reached_specialist += 1;
        self.serve(agent, plan, &told);
        self.verdict(plan)
    }

    /// The customer says it again, to the specialist.
    pub(super) fn repeat(mut self, plan: &Plan) -> ScriptTurn {
        self.truth.repeats += 1;
        let agent = self.begin(0, ScriptAction::Agent(plan.want.specialist));
        let told = plan.request.heard(Share::All);
        self.serve(agent, plan, &told);
        self.verdict(plan)
    }

    /// What the specialist does, up to the end.
    fn serve(&mut self, mut agent: usize, plan: &Plan, told: &str) {
        let want = &plan.want;
        let (specialist, model) = (want.specialist, plan.model);
        self.ask(agent, specialist, model, told, want.tool);
        if want.searches {
            let search = self.begin(agent, ScriptAction::Search);
            self.now += 30 + self.dice.roll(90);
            self.end(search, false);
            self.truth.retrievals += 1;
            self.truth.spent_nano_usd += SEARCH_PRICE;
        }
        let broken = self.dice.roll(100) < 7;
        self.work(agent, specialist, want.tool, broken);
        self.truth.spent_nano_usd += want.tool_price;
        // A colleague's tool does not break.
        self.truth.acted += u64::from(!broken || plan.fate == Fate::Looped);
        if plan.fate == Fate::Looped {
            agent = self.detour(agent, plan, told);
        }
        if plan.fate == Fate::Escalated {
            self.ask(agent, specialist, model, told, "escalate_to_human");
            self.work(agent, specialist, "escalate_to_human", false);
            self.truth.escalations += 1;
            self.truth.spent_nano_usd += HUMAN_PRICE;
            self.truth.handoffs_succeeded += 1;
        }
        match plan.fate {
            // The model ends without a word.
            Fate::Abandoned => self.call(agent, specialist, model, told, Says::Text(""), false),
            _ => self.answer(agent, specialist, model, told, "done."),
        }
        self.end(agent, false);
        self.judge(agent, plan.fate);
        if is_ticket(plan) {
            self.steps[agent].ticket = Some("solved");
        }
    }

    /// To a colleague and back: the specialist's second activation.
    fn detour(&mut self, agent: usize, plan: &Plan, told: &str) -> usize {
        let (want, model) = (&plan.want, plan.model);
        let other = usize::from(want.specialist == WANTS[0].specialist);
        let colleague = &WANTS[other];
        let hand = |script: &mut Self, agent, from, model, to| {
            script.ask(agent, from, model, told, to);
            script.tool(agent, from, to, false);
            script.end(agent, false);
            script.truth.handoffs_succeeded += 1;
        };
        hand(self, agent, want.specialist, model, colleague.transfer);
        let other = self.begin(0, ScriptAction::Agent(colleague.specialist));
        let theirs = colleague.models[0];
        self.ask(other, colleague.specialist, theirs, told, colleague.tool);
        self.work(other, colleague.specialist, colleague.tool, false);
        hand(self, other, colleague.specialist, theirs, want.transfer);
        self.truth.loops += 1;
        self.begin(0, ScriptAction::Agent(want.specialist))
    }

    /// Evaluators and some customers say what they think of it, on the specialist's span.
    fn judge(&mut self, agent: usize, fate: Fate) {
        let good = matches!(fate, Fate::Resolved | Fate::Lost | Fate::Looped);
        let best = if good { 96 } else { 78 };
        let score = |script: &mut Self| (best - script.dice.roll(30)) as f64 / 100.0;
        let scores = [("groundedness", score(self)), ("relevance", score(self))];
        self.steps[agent].scores.extend(scores);
        self.truth.evaluations += 2;
        // Who goes in circles, or calls a human in, was often not asked what the customer came for.
        if matches!(fate, Fate::Looped | Fate::Escalated) && self.dice.roll(2) == 0 {
            self.steps[agent].scores.push(("intent_retention", 0.2));
            self.truth.evaluations += 1;
        }
        if self.dice.roll(100) < 40 {
            let points = match fate {
                Fate::Resolved => 4 + self.dice.roll(2),
                Fate::Lost | Fate::Looped => 2 + self.dice.roll(2),
                _ => 1 + self.dice.roll(3),
            };
            self.steps[agent].scores.push(("csat", points as f64));
            self.truth.scores += 1;
            self.truth.score_points += points;
        }
    }

    fn begin(&mut self, parent: usize, what: ScriptAction) -> usize {
        self.now += 5 + self.dice.roll(30);
        self.steps.push(ScriptStep {
            parent,
            start: self.now,
            end: self.now,
            what,
            failed: false,
            scores: Vec::new(),
            ticket: None,
        });
        self.steps.len() - 1
    }

    fn end(&mut self, step: usize, failed: bool) {
        self.now += 1 + self.dice.roll(10);
        self.steps[step].end = self.now;
        self.steps[step].failed = failed;
    }

    fn ask(
        &mut self,
        parent: usize,
        agent: &'static str,
        model: Model,
        heard: &str,
        tool: &'static str,
    ) {
        self.call(parent, agent, model, heard, Says::Tool(tool), false);
    }

    fn answer(
        &mut self,
        parent: usize,
        agent: &'static str,
        model: Model,
        heard: &str,
        text: &'static str,
    ) {
        self.call(parent, agent, model, heard, Says::Text(text), false);
        self.answered = Some(self.now);
    }

    fn call(
        &mut self,
        parent: usize,
        agent: &'static str,
        model: Model,
        heard: &str,
        says: Says,
        failed: bool,
    ) {
        let input = 400 + self.dice.roll(2200);
        let (output, cached) = (20 + self.dice.roll(280), input / 4);
        // A call that failed took nothing.
        let has_usage = failed || !self.blind || matches!(says, Says::Tool(_));
        let call = Call {
            agent,
            model,
            heard: heard.to_owned(),
            says,
            input,
            output,
            cached,
            has_usage,
            first_token: model.speed / 3 + self.dice.roll(model.speed / 3),
        };
        let step = self.begin(parent, ScriptAction::Call(call));
        self.now += model.speed + self.dice.roll(2 * model.speed);
        self.end(step, failed);
        self.truth.model_calls += 1;
        self.truth.model_errors += u64::from(failed);
        self.truth.calls_without_usage += u64::from(!has_usage);
        if !failed && has_usage {
            let [fresh, again, out] = model.prices;
            self.truth.spent_nano_usd += (input - cached) * fresh + cached * again + output * out;
        }
    }

    fn tool(&mut self, parent: usize, agent: &'static str, name: &'static str, failed: bool) {
        let step = self.begin(parent, ScriptAction::Tool { agent, name });
        self.now += 20 + self.dice.roll(400);
        self.end(step, failed);
    }

    /// A tool that is more than a handoff.
    fn work(&mut self, parent: usize, agent: &'static str, name: &'static str, failed: bool) {
        self.tool(parent, agent, name, failed);
        self.truth.tool_calls += 1;
        self.truth.tool_errors += u64::from(failed);
    }

    /// The last turn of a case: how it ended.
    fn verdict(self, plan: &Plan) -> ScriptTurn {
        let value = plan.want.value;
        let truth = &mut *self.truth;
        let (count, outcome) = match plan.fate {
            Fate::Resolved | Fate::Lost | Fate::Looped => (&mut truth.resolved, Some("resolved")),
            Fate::Escalated => (&mut truth.escalated, Some("escalated")),
            Fate::Dropped | Fate::Rejected | Fate::TargetError => {
                (&mut truth.failed, Some("failed"))
            }
            Fate::Abandoned => (&mut truth.abandoned, None),
            Fate::Unverified => (&mut truth.unverified, None),
        };
        *count += 1;
        let resolved = outcome == Some("resolved");
        let by_rule = is_ticket(plan);
        truth.resolved_by_rule += u64::from(by_rule);
        let without_value = u64::from(value.is_none());
        if resolved {
            truth.resolved_without_value += without_value;
        } else {
            truth.open_without_value += without_value;
        }
        truth.asked += 1;
        truth.solved += u64::from(resolved);
        let worth = if resolved {
            &mut truth.value_completed
        } else {
            &mut truth.value_at_risk
        };
        *worth += value.unwrap_or(0);
        let declared = outcome.filter(|_| !by_rule);
        self.close(plan.want.intent, declared, value)
    }

    fn close(
        mut self,
        intent: &'static str,
        outcome: Option<&'static str>,
        value: Option<u64>,
    ) -> ScriptTurn {
        self.end(0, false);
        self.truth.answered += u64::from(self.answered.is_some());
        self.truth.waited += self.answered.unwrap_or(self.now) - self.steps[0].start;
        ScriptTurn {
            intent,
            outcome,
            value,
            steps: self.steps,
        }
    }
}

/// Whether a ticket alone says that the case is resolved.
fn is_ticket(plan: &Plan) -> bool {
    let resolved = matches!(plan.fate, Fate::Resolved | Fate::Lost | Fate::Looped);
    resolved && plan.want.workflow == TICKETS
}
