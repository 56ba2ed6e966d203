//! Conversion of what few events say.

use super::field_numbers as field;
use super::fields::Fields;
use super::parts::{put_cost, put_requests, put_usage, requests_of};
use super::{Invalid, name, span, threshold, trace, v1};
use crate::model::evaluation::Evaluation;
use crate::model::event::{Basis, OutcomeEvidence, Pause, RareFields, RunTotals, Usage};
use crate::model::ids::Link;

/// Writes the fields with numbers below those of the context.
pub(super) fn put_links(rare: &RareFields, to: &mut Fields) {
    for Link { trace, span } in &rare.links {
        to.message(field::LINKS, |to| {
            to.bytes(field::link::TRACE, trace.as_bytes());
            to.bytes(field::link::SPAN, span.as_bytes());
        });
    }
}

/// Writes the fields between the context and the content.
pub(super) fn put_declared(rare: &RareFields, to: &mut Fields) {
    if let Some(OutcomeEvidence { outcome }) = rare.outcome {
        to.count(field::OUTCOME, v1::Outcome::from(outcome) as u32);
    }
    let evaluations = rare.evaluations.iter();
    evaluations.for_each(|one| put_evaluation(one, to));
    put_requests(&rare.requests, field::REQUESTS, to);
    put_requests(&rare.refused, field::REFUSED, to);
}

/// Writes the fields between the content and the kind.
pub(super) fn put_unusable(rare: &RareFields, to: &mut Fields) {
    to.name(field::UNKNOWN_OUTCOME, rare.unknown_outcome.as_ref());
    to.name(field::UNCONVERTED, rare.unconverted.as_ref());
    if let Some(threshold) = &rare.threshold {
        to.number(field::THRESHOLD, threshold.get());
    }
}

/// Writes the fields after the kind. A field that is added to the type must be written here.
pub(super) fn put_marks(rare: &RareFields, to: &mut Fields) {
    let RareFields {
        links: _,
        threshold: _,
        unconverted: _,
        unknown_outcome: _,
        outcome: _,
        evaluations: _,
        requests: _,
        refused: _,
        remote_parent,
        agent_id,
        caller,
        pause,
        cancelled,
        is_exchange,
        totals,
        about,
        handoff_basis,
        delegate_returned,
        is_beside,
    } = rare;
    to.count(field::REMOTE_PARENT, *remote_parent);
    to.name(field::AGENT_ID, agent_id.as_ref());
    to.name(field::CALLER, caller.as_ref());
    if let Some(pause) = pause {
        to.count(field::PAUSE, v1::Pause::from(*pause) as u32);
    }
    to.count(field::CANCELLED, *cancelled);
    to.count(field::IS_EXCHANGE, *is_exchange);
    if let Some(totals) = totals {
        to.message(field::TOTALS, |to| put_totals(totals, to));
    }
    if let Some(about) = about {
        to.fixed64(field::ABOUT, *about);
    }
    to.count(field::HANDOFF_BASIS, v1::Basis::from(*handoff_basis) as u32);
    to.count(field::DELEGATE_RETURNED, *delegate_returned);
    to.count(field::IS_BESIDE, *is_beside);
}

/// What a stored event says of it; takes it out of the event.
pub(super) fn of(stored: &mut v1::Event) -> Result<RareFields, Invalid> {
    use std::mem::take;
    let link = |link: &v1::Link| {
        Ok(Link {
            trace: trace(&link.trace)?,
            span: span(&link.span)?,
        })
    };
    let evaluation = |evaluation: v1::Evaluation| Evaluation {
        name: evaluation.name.into(),
        score: evaluation.score,
        label: name(evaluation.label),
        by_record: false,
    };
    let outcome = stored.outcome().known();
    let evaluations = take(&mut stored.evaluations).into_iter();
    Ok(RareFields {
        links: stored.links.iter().map(link).collect::<Result<_, _>>()?,
        threshold: threshold(stored.threshold),
        unknown_outcome: name(stored.unknown_outcome.take()),
        unconverted: name(stored.unconverted.take()),
        outcome: outcome.map(|outcome| OutcomeEvidence { outcome }),
        evaluations: evaluations.map(evaluation).collect(),
        requests: requests_of(take(&mut stored.requests))?,
        refused: requests_of(take(&mut stored.refused))?,
        remote_parent: stored.remote_parent,
        agent_id: name(stored.agent_id.take()),
        caller: name(stored.caller.take()),
        pause: pause_of(stored.pause()),
        cancelled: stored.cancelled,
        is_exchange: stored.is_exchange,
        totals: stored.totals.take().map(totals_of),
        about: stored.about,
        handoff_basis: stored.handoff_basis().into(),
        delegate_returned: stored.delegate_returned,
        is_beside: stored.is_beside,
    })
}

/// `by_record` is not stored: a record is folded into its span after it was read.
fn put_evaluation(evaluation: &Evaluation, to: &mut Fields) {
    let Evaluation {
        name,
        score,
        label,
        by_record: _,
    } = evaluation;
    to.message(field::EVALUATIONS, |to| {
        to.text(field::evaluation::NAME, name);
        to.double(field::evaluation::SCORE, *score);
        to.name(field::evaluation::LABEL, label.as_ref());
    });
}

impl From<Basis> for v1::Basis {
    fn from(basis: Basis) -> Self {
        match basis {
            Basis::Declared => Self::Declared,
            Basis::Rule => Self::Rule,
            Basis::Inferred => Self::Unspecified,
        }
    }
}

impl From<v1::Basis> for Basis {
    fn from(stored: v1::Basis) -> Self {
        match stored {
            v1::Basis::Declared => Self::Declared,
            v1::Basis::Rule => Self::Rule,
            v1::Basis::Unspecified => Self::Inferred,
        }
    }
}

fn put_totals(totals: &RunTotals, to: &mut Fields) {
    let RunTotals {
        provider,
        model,
        usage,
        cost,
    } = totals;
    to.name(field::totals::PROVIDER, provider.as_ref());
    to.name(field::totals::MODEL, model.as_ref());
    if let Some(usage) = usage {
        to.message(field::totals::USAGE, |to| put_usage(usage, to));
    }
    put_cost(*cost, field::totals::COST, to);
}

fn totals_of(stored: v1::RunTotals) -> Box<RunTotals> {
    Box::new(RunTotals {
        provider: name(stored.provider),
        model: name(stored.model),
        usage: stored.usage.map(Usage::from),
        cost: stored.cost.into(),
    })
}

impl From<Pause> for v1::Pause {
    fn from(pause: Pause) -> Self {
        match pause {
            Pause::Waits => Self::Waits,
            Pause::Resumes => Self::Resumes,
            Pause::MayWait => Self::MayWait,
            Pause::Asks => Self::Asks,
        }
    }
}

fn pause_of(stored: v1::Pause) -> Option<Pause> {
    match stored {
        v1::Pause::Unspecified => None,
        v1::Pause::Waits => Some(Pause::Waits),
        v1::Pause::Resumes => Some(Pause::Resumes),
        v1::Pause::MayWait => Some(Pause::MayWait),
        v1::Pause::Asks => Some(Pause::Asks),
    }
}
