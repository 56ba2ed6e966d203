//! A population of which a sampler keeps a part is told as the whole: in the mean rightly, and exactly as the sum of its weights.

use super::recording_settings;
use crate::engine::Offline;
use crate::ingest::Recording;
use crate::model::ids::{SpanId, TraceId};
use crate::model::metric::{Family, Point};
use crate::model::sampling::Threshold;
use crate::model::time::Timestamp;
use crate::normalise::{self, Normaliser};
use crate::otlp::view::{ScopeBatch, Span, SpanSink, Status, Value};
use std::sync::Arc;

const POPULATION: u64 = 4000;

/// Figures that are the same in every case of the population.
const FIGURES: &[&str] = &[
    "baton_sessions_total",
    "baton_turns_total",
    "baton_turn_duration_seconds",
    "baton_workflows_total",
    "baton_workflow_cost_usd",
    "baton_workflow_value_usd_total",
    "baton_agent_invocations_total",
    "baton_llm_calls_total",
    "baton_llm_tokens_total",
    "baton_llm_cost_usd_total",
    "baton_tool_calls_total",
    "baton_escalations_total",
    "baton_handoffs_total",
];

fn trace(n: u64) -> TraceId {
    // Fixed, and spread as random ids are.
    let random = |seed| rapidhash::v3::rapidhash_v3(&[n.to_be_bytes(), [seed; 8]].concat());
    let id = u128::from(random(1)) << 64 | u128::from(random(2));
    TraceId::new(&id.to_be_bytes()).expect("not zero")
}

/// As a sampler decides by the spec: the randomness of a trace is the end of its id.
fn keeps(threshold: Threshold, trace: TraceId) -> bool {
    let id = u128::from_be_bytes(*trace.as_bytes());
    id as u64 & ((1 << 56) - 1) >= threshold.get()
}

fn span(n: u64, id: u8, pairs: &[(&'static str, Value<'static>)]) -> Span<'static> {
    let second = 1_000_000_000;
    let pairs = pairs.iter().map(|(k, v)| ((*k), v.clone()));
    Span {
        trace: trace(n),
        id: SpanId::new(&[id; 8]).expect("not zero"),
        parent: None,
        threshold: None,
        caller: crate::otlp::view::Caller::default(),
        name: "step",
        start: Timestamp((10 * n + u64::from(id)) * second),
        end: Timestamp((10 * n + u64::from(id) + 1) * second),
        status: Status::Unset,
        status_message: "",
        attributes: pairs.collect(),
        events: Vec::new(),
        links: Vec::new(),
    }
}

/// One case: a call, a tool, and a human at the end.
fn case(n: u64) -> [Span<'static>; 3] {
    let text = |text: &'static str| Value::Str(text);
    let agent = ("gen_ai.agent.name", text("desk"));
    let tool = ("gen_ai.operation.name", text("execute_tool"));
    [
        span(
            n,
            1,
            &[
                agent.clone(),
                ("gen_ai.operation.name", text("chat")),
                ("gen_ai.request.model", text("gpt-4o")),
                ("gen_ai.usage.input_tokens", Value::Int(100)),
                ("gen_ai.usage.output_tokens", Value::Int(10)),
                ("gen_ai.usage.cost", Value::Double(0.003)),
                ("transaction.value", Value::Int(20)),
            ],
        ),
        span(
            n,
            2,
            &[
                agent.clone(),
                tool.clone(),
                ("gen_ai.tool.name", text("lookup")),
            ],
        ),
        span(
            n,
            3,
            &[agent, tool, ("gen_ai.tool.name", text("escalate_to_human"))],
        ),
    ]
}

fn play(threshold: impl Fn(TraceId) -> Option<Threshold>) -> Vec<Family> {
    let settings = recording_settings(2);
    let normaliser = Normaliser::new(normalise::Settings::default(), Arc::default());
    let mut recording = Recording::new(normaliser);
    let spans = (1..=POPULATION).flat_map(case).map(|span| Span {
        threshold: threshold(span.trace),
        ..span
    });
    let kept = |span: &Span<'_>| span.threshold.is_none_or(|t| keeps(t, span.trace));
    let group = ScopeBatch {
        spans: spans.filter(kept).collect(),
        ..ScopeBatch::default()
    };
    recording.add(&group);
    Offline::new(&settings).replay(recording.into_frames(settings.partitions))
}

/// All of a figure: a counter's value, or a histogram's count and sum.
fn all(families: &[Family], name: &str) -> [f64; 2] {
    let family = families.iter().find(|f| f.name == name).expect("a metric");
    let each = family.series.iter().map(|series| match &series.point {
        Point::Counter { value, .. } | Point::Gauge(value) => [*value, 0.0],
        Point::Histogram(h) => [h.buckets.iter().map(|b| b.count).sum::<u64>() as f64, h.sum],
    });
    each.fold([0.0; 2], |a, b| [a[0] + b[0], a[1] + b[1]])
}

/// The turns that were seen, by whether they weigh.
fn observed(families: &[Family]) -> Vec<(&str, f64)> {
    let mut named = families.iter();
    let family = named.find(|f| f.name == "baton_observed_turns_total");
    let series = family.into_iter().flat_map(|family| &family.series);
    let told = series.filter_map(|series| match series.point {
        Point::Counter { value, .. } => Some((series.labels[0].1.as_str(), value)),
        _ => None,
    });
    told.collect()
}

#[test]
fn a_sampled_population_is_told_as_the_whole() {
    let whole = play(|_| None);
    let all_of_it = POPULATION as f64;
    assert_eq!(
        observed(&whole),
        [("unweighted", all_of_it), ("weighted", 0.0)]
    );
    let at = |share: f64| Threshold::new(((1_u64 << 56) as f64 * (1.0 - share)) as u64);
    type Sampler = Box<dyn Fn(TraceId) -> Option<Threshold>>;
    let samplers: [(&str, Sampler); 4] = [
        ("one of four", Box::new(move |_| at(0.25))),
        ("one of three", Box::new(move |_| at(1.0 / 3.0))),
        ("three of ten", Box::new(move |_| at(0.3))),
        (
            "two services",
            Box::new(move |trace| at([0.5, 0.2][usize::from(trace.as_bytes()[0] & 1)])),
        ),
    ];
    for (name, sampler) in samplers {
        let weight = |trace: TraceId| {
            let threshold = sampler(trace).filter(|t| keeps(*t, trace));
            threshold.map(|t| t.weight(trace))
        };
        let weights: Vec<u64> = (1..=POPULATION).map(trace).filter_map(weight).collect();
        let told = weights.iter().sum::<u64>() as f64;
        // Five standard deviations of a binomial with p = 1/4.
        let off = told / POPULATION as f64 - 1.0;
        assert!(off.abs() < 0.14, "{name}: {off}");
        let sampled = play(&sampler);
        for figure in FIGURES {
            for (own, one) in all(&sampled, figure).into_iter().zip(all(&whole, figure)) {
                let expected = one / POPULATION as f64 * told;
                let differs = (own - expected).abs() > 1e-9 * expected.abs();
                assert!(!differs, "{name}: {figure} is {own}, not {expected}");
            }
            assert!(all(&whole, figure)[0] > 0.0, "{figure} tells nothing");
        }
        let weighed = weights.len() as f64;
        assert_eq!(
            observed(&sampled),
            [("unweighted", 0.0), ("weighted", weighed)]
        );
        assert_eq!(all(&sampled, "baton_handoffs_pending")[0], 0.0);
    }
}
