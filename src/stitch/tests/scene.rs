//! Scenes: a handful of spans under construction.

use super::*;

/// A scene under construction. TimeIndex are milliseconds of event time.
#[derive(Default)]
pub(super) struct Scene {
    pub(super) events: Vec<Event>,
}

impl Scene {
    /// Adds a span to trace 1; returns its number, which may be the parent of others.
    pub(super) fn add(&mut self, parent: u64, (start, end): (u64, u64), kind: Kind) -> u64 {
        let id = self.events.len() as u64 + 1;
        self.events.push(Event {
            trace: trace(1),
            span: span(id),
            parent: (parent != 0).then(|| span(parent)),
            start: Timestamp(start * 1_000_000),
            end: Timestamp(end * 1_000_000),
            error: false,
            agent: None,
            workflow: None,
            kind,
            content: None,
            context: CowArc::default(),
            rare: OptionBox::default(),
        });
        id
    }

    pub(super) fn last(&mut self) -> &mut Event {
        self.events.last_mut().expect("a span was added")
    }

    pub(super) fn agent(&mut self, parent: u64, who: &str, times: (u64, u64)) -> u64 {
        let id = self.add(parent, times, Kind::Agent { inferred: false });
        self.last().agent = Some(name(who));
        id
    }

    pub(super) fn call(&mut self, parent: u64, times: (u64, u64)) -> u64 {
        self.asking(parent, times, &[])
    }

    /// A model call whose output asks for handoffs.
    pub(super) fn asking(&mut self, parent: u64, times: (u64, u64), to: &[&str]) -> u64 {
        let requests = to.iter().map(|to| HandoffRequest {
            target: target(to),
            call_id: None,
        });
        let call = ModelCall {
            requests: requests.collect(),
            answered: Some(to.is_empty()),
            cost: Cost::Declared(0.25),
            ..ModelCall::default()
        };
        self.add(parent, times, Kind::Model(Box::new(call)))
    }

    pub(super) fn failing_call(&mut self, parent: u64, times: (u64, u64)) -> u64 {
        let call = ModelCall {
            failed: true,
            ..ModelCall::default()
        };
        self.add(parent, times, Kind::Model(Box::new(call)))
    }

    pub(super) fn tool(
        &mut self,
        parent: u64,
        tool: &str,
        times: (u64, u64),
        to: Option<&str>,
    ) -> u64 {
        self.add(
            parent,
            times,
            Kind::Tool(ToolCall {
                name: name(tool),
                call_id: None,
                hands_to: to.map(target),
                does_work: tool.starts_with("escalate"),
                delegates: false,
                failed: false,
            }),
        )
    }

    pub(super) fn in_trace(&mut self, n: u8) {
        self.last().trace = trace(n);
    }
}

pub(super) fn name(text: &str) -> Name {
    Name::from(text)
}

pub(super) fn session(id: &str) -> PartitionKey {
    PartitionKey::Session(TenantScoped {
        tenant: None,
        id: name(id),
    })
}

pub(super) fn named(id: &str) -> Option<SessionHint> {
    Some(SessionHint {
        id: name(id),
        source: SessionSource::Span,
    })
}

pub(super) fn trace(n: u8) -> TraceId {
    TraceId::new(&[n; 16]).expect("not zero")
}

pub(super) fn span(n: u64) -> SpanId {
    SpanId::new(&n.to_be_bytes()).expect("not zero")
}

pub(super) fn target(to: &str) -> Target {
    match to {
        "human" => Target::Human,
        "?" => Target::Unknown,
        agent => Target::Agent(name(agent)),
    }
}

/// The common scene: triage decides, its tool runs, the specialist answers.
pub(super) fn transfer() -> (Scene, u64, u64) {
    let mut s = Scene::default();
    let root = s.add(0, (0, 100), Kind::Workflow);
    let triage = s.agent(root, "triage", (0, 40));
    s.asking(triage, (1, 30), &["refund"]);
    s.tool(triage, "transfer_to_refund", (31, 35), Some("refund"));
    let refund = s.agent(root, "refund", (41, 100));
    (s, root, refund)
}

pub(super) fn sketch(facts: std::ops::Range<u32>) -> Option<crate::model::sketch::Sketch> {
    Some(facts.map(|n| n.wrapping_mul(2_654_435_761)).collect())
}

pub(super) fn content(input: std::ops::Range<u32>) -> Option<Box<crate::model::sketch::Content>> {
    Some(Box::new(crate::model::sketch::Content {
        input: sketch(input),
        ..Default::default()
    }))
}

/// A transfer whose source knew facts 0 to 10 and whose target got others.
pub(super) fn transfer_with(kept: std::ops::Range<u32>) -> Scene {
    let (mut s, _, refund) = transfer();
    s.events[2].content = content(0..10);
    s.call(refund, (45, 90));
    s.last().content = content(kept);
    s
}
