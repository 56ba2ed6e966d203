//! Facts of single spans, in their turn or late.

use super::cumulative_usage::NetUsage;
use super::tree::UNKNOWN_AGENT;
use crate::model::Name;
use crate::model::call_costs::CallCost;
use crate::model::evaluation::FEEDBACK;
use crate::model::event::{self, Cost, Event, Kind};
use crate::model::fact::{Ending, Fact, Ignored, ModelCallFact, ToolCallFact, What};
use std::time::Duration;

/// The fact of one model call, with the tokens and the cost of the call itself (C-7).
pub fn model_fact(
    event: &Event,
    call: &event::ModelCall,
    net: NetUsage,
    agent: Option<&Name>,
) -> Fact {
    let known = |name: Option<&Name>| name.cloned().unwrap_or_else(|| Name::from(UNKNOWN_AGENT));
    let what = What::Model(ModelCallFact {
        agent: known(agent),
        provider: known(call.provider.as_ref()),
        model: known(call.model.as_ref()),
        operation: call.operation,
        ending: Ending::of(call.failed, event.rare.cancelled),
        usage: net.usage,
        cost: net.cost,
        cache_savings: net.cache_savings,
        duration: event.end.since(event.start),
        first_token: call
            .first_token_seconds
            .and_then(|s| Duration::try_from_secs_f64(s).ok()),
    });
    Fact::of_span(event, what)
}

/// Whether the `cost` of a call is known, or that of the agent or run `around` it whose tokens it is a part of (C-14,
/// C-17). A call that failed took nothing, unless it had begun to answer (C-15).
pub fn call_cost(
    event: &Event,
    call: &event::ModelCall,
    cost: Cost,
    around: Option<Cost>,
) -> CallCost {
    if cost == Cost::Unpriced {
        return CallCost::NoPrice;
    }
    let known = call.usage.is_some() || call.cost.usd().is_some();
    let began = call.first_token_seconds.is_some() || call.answered == Some(true);
    let ended = !call.failed && !event.rare.cancelled;
    if known || !(ended || began) {
        return CallCost::Known;
    }
    match around {
        None => CallCost::NoUsage,
        Some(Cost::Unpriced) => CallCost::NoPrice,
        Some(_) => CallCost::Known,
    }
}

/// The fact of a call whose cost is not known, where its own fact does not say so.
pub fn unknown_cost(event: &Event, call: &event::ModelCall, known: CallCost) -> Option<Fact> {
    let or_unknown =
        |name: Option<&Name>| name.cloned().unwrap_or_else(|| Name::from(UNKNOWN_AGENT));
    let (provider, model) = (
        or_unknown(call.provider.as_ref()),
        or_unknown(call.model.as_ref()),
    );
    let what = match known {
        CallCost::NoUsage => What::UnknownUsage { provider, model },
        CallCost::NoPrice if call.usage.is_none() => What::UnknownPrice { provider, model },
        CallCost::NoPrice | CallCost::Known => return None,
    };
    Some(Fact::of_span(event, what))
}

/// The fact of what an agent or a run says that its calls took, which none of them shows (C-14).
pub fn totals_fact(event: &Event, totals: event::RunTotals, agent: Option<&Name>) -> Fact {
    let agent = agent.cloned();
    let agent = agent.unwrap_or_else(|| Name::from(UNKNOWN_AGENT));
    Fact::of_span(event, What::Totals { agent, totals })
}

/// The fact of one tool call that does work.
pub fn tool_fact(event: &Event, failed_inside: bool) -> Option<Fact> {
    let Kind::Tool(tool) = &event.kind else {
        return None;
    };
    let what = What::Tool(ToolCallFact {
        tool: tool.name.clone(),
        ending: Ending::of(
            tool.failed || event.error || failed_inside,
            event.rare.cancelled,
        ),
    });
    Some(Fact::of_span(event, what))
}

/// The facts of what a span declares and Baton cannot use: an amount that could not be converted, a word for an outcome.
pub fn unusable_facts(event: &Event) -> impl Iterator<Item = Fact> + '_ {
    let rare = &event.rare;
    let amount = rare
        .unconverted
        .clone()
        .map(|currency| What::Unconverted { currency });
    let outcome = rare
        .unknown_outcome
        .clone()
        .map(|word| What::UnknownOutcome { word });
    let both = amount.into_iter().chain(outcome);
    both.map(|what| Fact::of_span(event, what))
}

/// Rules look at turns when these are finalized, and not at what comes apart from them.
pub const RULES_READ_LATE: bool = false;

/// The facts of evaluations attached to a span, some of which only rules can read. What users say of a span that is nobody's, they say of the agent that answered them.
pub fn evaluation_facts<'a>(
    event: &'a Event,
    agent: Option<&'a Name>,
    workflow: &'a Name,
    rules_read_labels: bool,
) -> impl Iterator<Item = Fact> + 'a {
    event.rare.evaluations.iter().filter_map(move |evaluation| {
        let Some(score) = evaluation.score else {
            // Its label may declare the outcome, or try to, and rules may read it.
            let declares = event.rare.outcome.is_some() || event.rare.unknown_outcome.is_some();
            let is_read = rules_read_labels && evaluation.label.is_some();
            let says_nothing = !declares && !is_read;
            let reason = Ignored::EvaluationWithoutScore;
            let what = What::Ignored { reason, events: 1 };
            return says_nothing.then(|| Fact::of_span(event, what));
        };
        let is_feedback = FEEDBACK.contains(&evaluation.name.to_ascii_lowercase().as_str());
        let what = if is_feedback {
            What::Feedback {
                workflow: workflow.clone(),
                agent: agent.cloned().unwrap_or_else(|| Name::from(UNKNOWN_AGENT)),
                score,
            }
        } else {
            What::Evaluation {
                name: evaluation.name.clone(),
                score,
            }
        };
        let fact = Fact::of_span(event, what);
        // What a log record says was kept with its trace, though its span may be a rare one.
        let threshold = fact.threshold.filter(|_| !evaluation.by_record);
        Some(Fact { threshold, ..fact })
    })
}
