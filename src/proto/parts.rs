//! Conversion of what several messages contain: usage, cost, targets and requests of handoffs.

use super::field_numbers as field;
use super::fields::Fields;
use super::v1::{cost, target};
use super::{Invalid, name, v1};
use crate::model::List;
use crate::model::event::{Cost, HandoffRequest, Target, Usage};

pub(super) fn put_usage(usage: &Usage, to: &mut Fields) {
    let Usage {
        input,
        output,
        cache_read,
        cache_write,
        reasoning,
    } = *usage;
    to.count(field::usage::INPUT, input);
    to.count(field::usage::OUTPUT, output);
    for (number, count) in [
        (field::usage::CACHE_READ, cache_read),
        (field::usage::CACHE_WRITE, cache_write),
        (field::usage::REASONING, reasoning),
    ] {
        if let Some(count) = count {
            to.number(number, count);
        }
    }
}

pub(super) fn put_cost(cost: Cost, number: u32, to: &mut Fields) {
    match cost {
        Cost::Declared(usd) => to.message(number, |to| to.double(field::cost::DECLARED, Some(usd))),
        Cost::Computed(usd) => to.message(number, |to| to.double(field::cost::COMPUTED, Some(usd))),
        Cost::Unpriced => to.message(number, |to| to.number(field::cost::UNPRICED, true)),
        Cost::Unknown => {}
    }
}

impl From<Usage> for v1::Usage {
    fn from(usage: Usage) -> Self {
        Self {
            input: usage.input,
            output: usage.output,
            cache_read: usage.cache_read,
            cache_write: usage.cache_write,
            reasoning: usage.reasoning,
        }
    }
}

impl From<v1::Usage> for Usage {
    fn from(stored: v1::Usage) -> Self {
        Self {
            input: stored.input,
            output: stored.output,
            cache_read: stored.cache_read,
            cache_write: stored.cache_write,
            reasoning: stored.reasoning,
        }
    }
}

impl From<Cost> for Option<v1::Cost> {
    fn from(cost: Cost) -> Self {
        let cost = match cost {
            Cost::Declared(usd) => cost::Cost::Declared(usd),
            Cost::Computed(usd) => cost::Cost::Computed(usd),
            Cost::Unpriced => cost::Cost::Unpriced(true),
            Cost::Unknown => return None,
        };
        Some(v1::Cost { cost: Some(cost) })
    }
}

impl From<Option<v1::Cost>> for Cost {
    fn from(stored: Option<v1::Cost>) -> Self {
        match stored.and_then(|cost| cost.cost) {
            Some(cost::Cost::Declared(usd)) => Self::Declared(usd),
            Some(cost::Cost::Computed(usd)) => Self::Computed(usd),
            Some(cost::Cost::Unpriced(_)) => Self::Unpriced,
            None => Self::Unknown,
        }
    }
}

pub(super) fn put_target(target: &Target, number: u32, to: &mut Fields) {
    to.message(number, |to| match target {
        Target::Agent(name) => to.name(field::target::AGENT, Some(name)),
        Target::Human => to.number(field::target::HUMAN, true),
        Target::Unknown => to.number(field::target::UNKNOWN, true),
    });
}

pub(super) fn target_of(stored: v1::Target) -> Result<Target, Invalid> {
    Ok(match stored.target.ok_or(Invalid("target"))? {
        target::Target::Agent(name) => Target::Agent(name.into()),
        target::Target::Human(_) => Target::Human,
        target::Target::Unknown(_) => Target::Unknown,
    })
}

pub(super) fn put_requests(requests: &[HandoffRequest], number: u32, to: &mut Fields) {
    for HandoffRequest { target, call_id } in requests {
        to.message(number, |to| {
            put_target(target, field::handoff_request::TARGET, to);
            to.name(field::handoff_request::CALL_ID, call_id.as_ref());
        });
    }
}

pub(super) fn requests_of(
    stored: Vec<v1::HandoffRequest>,
) -> Result<List<HandoffRequest>, Invalid> {
    let request = |request: v1::HandoffRequest| {
        Ok(HandoffRequest {
            target: target_of(request.target.ok_or(Invalid("target"))?)?,
            call_id: name(request.call_id),
        })
    };
    stored.into_iter().map(request).collect()
}
