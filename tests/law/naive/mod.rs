//! The reference implementation, written from `docs/semantics.md` alone: slow, simple, without a clock. It has all events at once, in the order of
//! their own time, and reads as the document does. Where the two disagree, one of three is wrong: this, Baton, or the document.

mod handoffs;
mod links;
mod passed;
mod repeats;
mod sessions;
mod tree;
mod turns;
mod workflows;

use baton::model::Name;
use baton::model::event::{Evaluation, Event, Kind, Target, Usage};
use baton::model::price::ActionPrices;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tree::Tree;
use turns::Turn;

/// What no span names.
const UNKNOWN: &str = "unknown";

/// Sums by name and labels; labels without a value are left out.
#[derive(Debug, Default)]
pub struct Sheet(pub BTreeMap<String, f64>);

impl Sheet {
    pub fn add(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        let known = labels.iter().filter(|(_, value)| !value.is_empty());
        let labels: Vec<String> = known.map(|(key, value)| format!("{key}={value}")).collect();
        let key = format!("{name}{{{}}}", labels.join(","));
        *self.0.entry(key).or_default() += value;
    }

    /// Writes down what stands for so many.
    fn by(&mut self, weight: f64) -> Weighed<'_> {
        Weighed {
            sheet: self,
            weight,
        }
    }
}

/// A sheet on which everything counts so many times.
struct Weighed<'s> {
    sheet: &'s mut Sheet,
    weight: f64,
}

impl Weighed<'_> {
    fn add(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.sheet.add(name, labels, value * self.weight);
    }

    fn count(&mut self, name: &str, labels: &[(&str, &str)]) {
        self.add(name, labels, 1.0);
    }

    /// One value of a histogram: its count and its sum.
    fn observe(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.add(&format!("{name}_count"), labels, 1.0);
        self.add(&format!("{name}_sum"), labels, value);
    }
}

/// What the operator decides.
pub struct Settings {
    pub settle: Duration,
    pub bind_timeout: Duration,
    pub trace_timeout: Duration,
    pub drop_timeout: Duration,
    pub idle_timeout: Duration,
    pub max_age: Duration,
    pub recontact_window: Duration,
    pub retention_threshold: f64,
    pub prices: Arc<ActionPrices>,
    /// The rules of the desk of the stories apply.
    pub ruled: bool,
}

/// The figures of all these events.
pub fn tell(events: &[Event], settings: &Settings) -> Sheet {
    let mut sheet = Sheet::default();
    let mut closed = Vec::new();
    for events in sessions::that_ever_met(&links::followed(events, settings)) {
        let together = turns::together(&events, settings);
        let traces = |turn: &Vec<&Event>| turn.iter().map(|event| event.trace).collect();
        let tree = Tree::new(&events, together.iter().map(traces).collect());
        let turns = turns::of(&tree, together, settings);
        calls(&tree, &turns, &settings.prices, &mut sheet);
        for turn in turns.iter().filter(|turn| turn.is_one()) {
            // What was counted as two sessions before they met stays so.
            let known = |(i, earlier): (usize, &Turn<'_>)| earlier.is_one() && turn.follows(i);
            if !turns.iter().enumerate().any(known) {
                let mut sheet = sheet.by(tree.weight_of_trace(turn.trace()));
                sheet.count("baton_sessions_total", &[]);
            }
        }
        let handoffs = handoffs::of(&tree, &turns, settings);
        handoffs::count(&tree, &turns, &handoffs, &settings.prices, &mut sheet);
        repeats::count(&tree, &turns, &handoffs, &mut sheet);
        closed.extend(workflows::of(
            &tree, &turns, &handoffs, settings, &mut sheet,
        ));
    }
    workflows::recontacts(&closed, settings, &mut sheet);
    sheet
}

/// What adds up: calls of models and tools, tokens, money, activations, scores.
fn calls(tree: &Tree<'_>, turns: &[Turn<'_>], prices: &ActionPrices, sheet: &mut Sheet) {
    for (turn, event) in turns
        .iter()
        .flat_map(|turn| turn.events.iter().map(move |e| (turn, *e)))
    {
        let agent = tree.agent(event).unwrap_or(UNKNOWN);
        let mut sheet = sheet.by(tree.weight(event));
        match &event.kind {
            Kind::Model(_) if tree.is_call(event) => {
                let (event, call) = tree.measured(event);
                let mut sheet = sheet.sheet.by(tree.weight(event));
                let (provider, model) = (name(&call.provider), name(&call.model));
                let operation = match call.operation {
                    baton::model::event::Operation::Chat => "chat",
                    baton::model::event::Operation::Embeddings => "embeddings",
                };
                let status = if call.failed { "error" } else { "ok" };
                let who = [("agent", agent), ("provider", provider), ("model", model)];
                let labels = [&who[..], &[("operation", operation), ("status", status)]].concat();
                sheet.count("baton_llm_calls_total", &labels);
                sheet.observe("baton_llm_call_duration_seconds", &who, seconds(event));
                if let Some(first) = call.first_token_seconds {
                    sheet.observe("baton_llm_first_token_seconds", &who, first);
                }
                for (kind, tokens) in tokens(call.usage) {
                    sheet.add(
                        "baton_llm_tokens_total",
                        &[&who[..], &[("type", kind)]].concat(),
                        tokens,
                    );
                    let is_sum = ["input", "output"].contains(&kind);
                    if is_sum && call.cost == baton::model::event::Cost::Unpriced {
                        let labels = [("provider", provider), ("model", model), ("type", kind)];
                        sheet.add("baton_unpriced_tokens_total", &labels, tokens);
                    }
                }
                let source = match call.cost {
                    baton::model::event::Cost::Declared(_) => "declared",
                    _ => "computed",
                };
                if let Some(usd) = call.cost.usd() {
                    sheet.add(
                        "baton_llm_cost_usd_total",
                        &[&who[..], &[("source", source)]].concat(),
                        usd,
                    );
                }
            }
            Kind::Tool(tool) if tree.is_outermost(event) && is_work(tree, turn, event) => {
                let status = if tree.tool_failed(event, tool) {
                    "error"
                } else {
                    "ok"
                };
                sheet.count(
                    "baton_tool_calls_total",
                    &[("tool", &tool.name), ("status", status)],
                );
            }
            Kind::Retrieval { .. } => sheet.count("baton_retrievals_total", &[]),
            _ => {}
        }
        if let Some(currency) = &event.rare.unconverted {
            sheet.count("baton_unconverted_amounts_total", &[("currency", currency)]);
        }
        for evaluation in event
            .rare
            .evaluations
            .iter()
            .filter(|e| is_new(tree, event, e))
        {
            let Some(score) = evaluation.score else {
                continue;
            };
            if ["user_feedback", "csat", "rating"].contains(&&*evaluation.name) {
                // What is nobody's is about the agent that gave the answer.
                let answered = || turn.last_step().and_then(|step| tree.agent(step));
                let about = tree.agent(event).or_else(answered).unwrap_or(UNKNOWN);
                sheet.observe("baton_feedback_score", &[("agent", about)], score);
                let labels = [("workflow", &*turn.workflow())];
                sheet.observe("baton_workflow_feedback_score", &labels, score);
            } else {
                sheet.observe(
                    "baton_evaluation_score",
                    &[("name", &evaluation.name)],
                    score,
                );
            }
        }
    }
    for turn in turns {
        for (event, kind, name, usd) in actions(tree, turn, prices) {
            let labels = [("kind", kind), ("name", name)];
            let mut sheet = sheet.by(tree.weight(event));
            sheet.add("baton_action_cost_usd_total", &labels, usd);
        }
    }
    for activation in turns.iter().flat_map(|turn| &turn.activations) {
        let status = if activation.failed { "error" } else { "ok" };
        if let Some(agent) = activation.agent {
            let mut sheet = sheet.by(tree.weight_of_trace(activation.steps[0].trace));
            sheet.count(
                "baton_agent_invocations_total",
                &[("agent", agent), ("status", status)],
            );
        }
    }
}

/// Tool calls and searches that have a price: the span, what it is, whose price it is, and the price.
fn actions<'e>(
    tree: &Tree<'e>,
    turn: &Turn<'e>,
    prices: &ActionPrices,
) -> Vec<(&'e Event, &'static str, &'e str, f64)> {
    let price = |event: &'e Event| match &event.kind {
        Kind::Tool(tool) if tree.is_outermost(event) && is_work(tree, turn, event) => {
            Some((event, "tool", &*tool.name, *prices.tools.get(&*tool.name)?))
        }
        Kind::Retrieval { source } => Some((event, "retrieval", name(source), prices.retrieval?)),
        _ => None,
    };
    turn.events.iter().copied().filter_map(price).collect()
}

fn tokens(usage: Option<Usage>) -> Vec<(&'static str, f64)> {
    let Some(usage) = usage else {
        return Vec::new();
    };
    let all = [
        ("input", Some(usage.input)),
        ("output", Some(usage.output)),
        ("cache_read", usage.cache_read),
        ("cache_write", usage.cache_write),
        ("reasoning", usage.reasoning),
    ];
    let known = all
        .into_iter()
        .filter_map(|(kind, tokens)| Some((kind, tokens? as f64)));
    known.filter(|(_, tokens)| *tokens > 0.0).collect()
}

fn name(name: &Option<Name>) -> &str {
    name.as_deref().unwrap_or(UNKNOWN)
}

/// A log record may say what its span says already.
fn is_new(tree: &Tree<'_>, event: &Event, evaluation: &Evaluation) -> bool {
    let is_note = matches!(event.kind, Kind::Note(_));
    let span = tree.parent(event).filter(|_| is_note);
    span.is_none_or(|span| !span.rare.evaluations.contains(evaluation))
}

/// A tool that only hands over is a handoff, and one in which another agent works is that agent's.
fn is_work(tree: &Tree<'_>, turn: &Turn<'_>, event: &Event) -> bool {
    let Kind::Tool(tool) = &event.kind else {
        return false;
    };
    match &tool.hands_to {
        Some(Target::Human) => tool.does_work,
        Some(_) => false,
        None => !turn.activations.iter().any(|a| {
            a.agent.is_some()
                && a.agent != tree.agent(event)
                && a.node.is_some_and(|node| tree.is_inside(node, event))
        }),
    }
}

fn seconds(event: &Event) -> f64 {
    event.end.since(event.start).as_secs_f64()
}
