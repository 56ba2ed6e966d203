//! Deep traces: the steps from spans to those around them grow with the number of spans, not with its square.

use super::steps;
use crate::model::Name;
use crate::model::compact::{CowArc, OptionBox};
use crate::model::event::{Cost, Event, Kind, ModelCall, ToolCall, Usage};
use crate::model::ids::{SpanId, TraceId};
use crate::model::price::ActionPrices;
use crate::model::small_map::SmallSet;
use crate::model::time::Timestamp;
use crate::turn::{CumulativeUsage, Judge, Policy, decide, exchanges};
use std::time::Duration;

/// Agents inside each other, each with a call and a tool.
fn nested(agents: u64, names: u64) -> Vec<Event> {
    let span = |n: u64| SpanId::new(&(n + 1).to_be_bytes()).expect("not zero");
    let event = |n: u64, parent: Option<u64>, (start, end): (u64, u64), kind| Event {
        trace: TraceId::new(&[1; 16]).expect("not zero"),
        span: span(n),
        parent: parent.map(span),
        start: Timestamp(start),
        end: Timestamp(end),
        error: false,
        agent: None,
        workflow: None,
        kind,
        content: None,
        context: CowArc::default(),
        rare: OptionBox::default(),
    };
    let last = 10 * agents;
    let of_agent = |n: u64| {
        let (start, end) = (10 * n, 2 * last - 10 * n);
        let parent = n.checked_sub(1).map(|outer| 3 * outer);
        let mut agent = event(3 * n, parent, (start, end), Kind::Agent { inferred: false });
        agent.agent = Some(Name::from(format!("agent {}", n % names)));
        let call = ModelCall {
            usage: Some(Usage {
                input: 3,
                output: 2,
                ..Usage::default()
            }),
            answered: Some(true),
            cost: Cost::Declared(0.5),
            ..ModelCall::default()
        };
        let call = Kind::Model(Box::new(call));
        let call = event(3 * n + 1, Some(3 * n), (start + 1, start + 3), call);
        let tool = Kind::Tool(ToolCall {
            name: Name::from("dig"),
            call_id: None,
            hands_to: None,
            does_work: true,
            delegates: false,
            failed: n.is_multiple_of(2),
        });
        let tool = event(3 * n + 2, Some(3 * n), (start + 4, start + 6), tool);
        [agent, call, tool]
    };
    (0..agents).flat_map(of_agent).collect()
}

#[test]
fn the_steps_through_a_deep_trace_grow_with_its_spans() {
    let (judge, prices) = (Judge::default(), ActionPrices::default());
    let policy = Policy {
        drop_timeout: Duration::from_secs(120),
        retention_threshold: 0.5,
        retention_of_delegations: false,
        judge: &judge,
        prices: &prices,
    };
    for names in [1, 2, 1000] {
        let events = nested(1000, names);
        let spans = events.len();
        let decided = steps::of(|| {
            let mut usage = CumulativeUsage::default();
            let known = SmallSet::default();
            decide(events.iter(), &mut Vec::new(), &mut usage, &known, policy)
        });
        let split = steps::of(|| exchanges(events, Duration::from_secs(5)));
        assert!(decided < 20 * spans, "{decided} steps of {names} agents");
        assert!(split < 20 * spans, "{split} steps of {names} agents");
    }
}
