//! Takes decoded requests, and notes what each emitter sends.

use super::emitter::{Emitter, MAX_EXAMPLES, UNKNOWN, target_in};
use super::finding::{Finding, FindingKind, percent};
use super::report::{Diagnosis, EmitterReport};
use super::sdks::{SDKS_PAGE, SdkSection, section_of};
use crate::model::event::Event;
use crate::model::harmless::harmless;
use crate::model::ids::TraceId;
use crate::normalise::{DIALECTS, Misreading, Normaliser, Scratch};
use crate::otlp::view::{Attributes, ScopeBatch, SpanSink};
use std::collections::{BTreeMap, HashSet};

/// What a span is listed under: its service, its dialect, and its scope where no dialect knows it.
type EmitterKey = (String, String, String);

/// What the configuration says that no span can show.
#[derive(Clone, Copy, Debug, Default)]
pub struct Declared {
    /// It has rules for outcomes.
    pub has_outcome_rules: bool,
}

/// What is noted of a recording. As a [`SpanSink`] it takes what a decoder makes of it, and asks for all attributes.
#[derive(Debug)]
pub struct Survey {
    normaliser: Normaliser,
    scratch: Scratch,
    emitters: BTreeMap<EmitterKey, Emitter>,
    with_session: HashSet<TraceId>,
    with_agent: HashSet<TraceId>,
    /// Whether something declares how a workflow ended.
    has_outcome: bool,
    log_records: u64,
}

impl SpanSink for Survey {
    fn asks(&self, _: u32, _: &[u8]) -> bool {
        true
    }

    fn add(&mut self, batch: &ScopeBatch<'_>) {
        let dialects = self.normaliser.dialects(batch, &self.scratch);
        let dialects: Vec<String> = dialects.into_iter().map(str::to_owned).collect();
        let events = self.normaliser.normalise(batch, &mut self.scratch);
        let service = service(&batch.resource);
        for ((span, event), dialect) in batch.spans.iter().zip(&events).zip(dialects) {
            let is_known = dialect != UNKNOWN;
            let scope = if is_known { "" } else { batch.scope.name };
            let key = (service.clone(), dialect, harmless(scope).into());
            let emitter = self.emitters.entry(key).or_default();
            emitter.add(batch.scope.name, span, event, is_known);
        }
        self.log_records += batch.logs.len() as u64;
        events.iter().for_each(|event| self.note(event));
    }
}

impl Survey {
    pub fn new(normaliser: Normaliser) -> Self {
        Self {
            normaliser,
            scratch: Scratch::default(),
            emitters: BTreeMap::new(),
            with_session: HashSet::new(),
            with_agent: HashSet::new(),
            has_outcome: false,
            log_records: 0,
        }
    }

    fn note(&mut self, event: &Event) {
        if event.context.session.is_some() {
            self.with_session.insert(event.trace);
        }
        if event.agent.is_some() {
            self.with_agent.insert(event.trace);
        }
        self.has_outcome |= event.rare.outcome.is_some();
    }

    /// What was found. `rejected` are items that could not be decoded.
    pub fn diagnosis(mut self, declared: Declared, rejected: u64) -> Diagnosis {
        let emitters = std::mem::take(&mut self.emitters);
        let spans: u64 = emitters.values().map(|emitter| emitter.spans).sum();
        let is_agentic = emitters.values().any(|emitter| !emitter.traces.is_empty());
        let mut findings = self.misreadings();
        if rejected > 0 {
            let message = format!(
                "{rejected} spans and log records are rejected: whatever writes them is at fault; `baton replay` says why"
            );
            let of = rejected + spans + self.log_records;
            findings.push(Finding::new(
                FindingKind::Rejected,
                (rejected, of),
                message,
                "docs/operations.md",
            ));
        }
        if spans == 0 {
            let message = "no spans: all figures come from spans";
            findings.push(Finding::new(
                FindingKind::NoSpans,
                (0, 0),
                message,
                DIALECTS_PAGE,
            ));
        } else if !is_agentic {
            let message = format!(
                "{spans} spans, none of which shows the work of agents: turn the tracing of your agent SDK on, or teach Baton its dialect"
            );
            findings.push(Finding::new(
                FindingKind::UnknownSpans,
                (spans, spans),
                message,
                TEACH_PAGE,
            ));
        } else if !self.has_outcome && !declared.has_outcome_rules {
            let message = "no outcome is ever declared: set `baton.outcome` to `resolved`, `escalated`, `failed` or `abandoned` on a span of the session, or write a rule in `rules.outcomes`; otherwise workflows that end normally count as `unverified`";
            findings.push(Finding::new(
                FindingKind::NoOutcome,
                (1, 1),
                message,
                DECLARE_PAGE,
            ));
        }
        Diagnosis {
            spans,
            log_records: self.log_records,
            emitters: self.reports(emitters),
            findings,
        }
    }

    /// What expressions of the configuration did not give.
    fn misreadings(&mut self) -> Vec<Finding> {
        let counts = self.scratch.take_span_counts();
        let dialects = self.normaliser.taught().zip(counts.of_taught());
        let mut findings = Vec::new();
        for (dialect, counts) in dialects {
            for reason in Misreading::ALL {
                let count = counts.of(reason);
                if count > 0 {
                    let reason = reason.as_str();
                    let message = format!(
                        "expressions of the dialect `{dialect}` gave nothing {count} times (reason: {reason})"
                    );
                    findings.push(Finding::new(
                        FindingKind::Misreadings,
                        (count, counts.evaluated),
                        message,
                        TEACH_PAGE,
                    ));
                }
            }
        }
        findings
    }

    /// The emitters of each service, those with the most spans first. A trace in which several of them lack a session is told once.
    fn reports(&self, emitters: BTreeMap<EmitterKey, Emitter>) -> Vec<EmitterReport> {
        let mut emitters: Vec<(EmitterKey, Emitter)> = emitters.into_iter().collect();
        emitters.sort_by(|(a, more), (b, less)| {
            a.0.cmp(&b.0)
                .then(less.spans.cmp(&more.spans))
                .then(a.cmp(b))
        });
        let mut told = HashSet::new();
        let mut reports = Vec::new();
        for (key, mut emitter) in emitters {
            let service = &key.0;
            emitter
                .traces
                .retain(|trace| told.insert((service.clone(), *trace)));
            reports.push(self.report(key, emitter));
        }
        reports
    }

    fn report(&self, (service, dialect, scope): EmitterKey, emitter: Emitter) -> EmitterReport {
        let scopes: Vec<String> = match scope.as_str() {
            "" => emitter.scopes.iter().cloned().collect(),
            _ => vec![scope],
        };
        let section = section_of(&dialect, &scopes);
        let findings = self.findings(section, &emitter);
        let notes = notes(&emitter);
        let title = DIALECTS.iter().find(|known| known.name == dialect);
        EmitterReport {
            service,
            title: title.map(|known| known.title.to_owned()),
            dialect,
            scopes,
            spans: emitter.spans,
            read: emitter.read,
            findings,
            notes,
        }
    }

    fn findings(&self, section: Option<&SdkSection>, emitter: &Emitter) -> Vec<Finding> {
        let see = section.map_or(SDKS_PAGE, |section| section.see);
        let found = [
            unknown(emitter),
            self.without_session(section, emitter, see),
            self.without_agent(emitter, see),
            without_usage(emitter, see),
            without_price(emitter),
            words(emitter),
            currencies(emitter),
        ];
        let tools = emitter.handing_tools.iter().map(|(tool, count)| {
            let add = target_in(tool).map_or_else(
                || format!("`{tool}`"),
                |(front, _)| format!("`{front}*`"),
            );
            let message = format!(
                "the tool `{tool}` sounds like a handoff and is read as a tool call: if it hands over, add {add} to `normalise.handoff_tools`"
            );
            Finding::new(FindingKind::HandoffTool, (*count, *count), message, DECLARE_PAGE)
        });
        found.into_iter().flatten().chain(tools).collect()
    }

    fn without_session(
        &self,
        section: Option<&SdkSection>,
        emitter: &Emitter,
        see: &'static str,
    ) -> Option<Finding> {
        let of = emitter.traces.len() as u64;
        let without = emitter.traces.iter();
        let without = without.filter(|trace| !self.with_session.contains(*trace));
        let count = without.count() as u64;
        let advice = section.map_or_else(
            || "set `gen_ai.conversation.id` or `session.id` on a span of each trace".to_owned(),
            |section| format!("set it with: {}", section.session),
        );
        let message = format!(
            "no session ID on {} % of traces ({count} of {of}), so each is a session of its own. To change this, {advice}, or name your own attribute in `normalise.session_attributes`",
            percent(count, of),
        );
        let finding = || Finding::new(FindingKind::NoSession, (count, of), message, see);
        (count > 0).then(finding)
    }

    fn without_agent(&self, emitter: &Emitter, see: &'static str) -> Option<Finding> {
        let nameless = emitter.calls.iter();
        let nameless = nameless.filter(|(trace, _)| !self.with_agent.contains(*trace));
        let count: u64 = nameless.map(|(_, calls)| calls).sum();
        let of = emitter.model_calls;
        let message = format!(
            "{count} of {of} model calls are in traces that name no agent, so they count for the agent `unknown`: give your agents names, or set `gen_ai.agent.name` on a span around them"
        );
        (count > 0).then(|| Finding::new(FindingKind::NoAgentName, (count, of), message, see))
    }
}

const DECLARE_PAGE: &str = "docs/instrument.md";
pub(super) const DIALECTS_PAGE: &str = "docs/dialects.md";
pub(super) const TEACH_PAGE: &str = "docs/teach-a-dialect.md";

fn unknown(emitter: &Emitter) -> Option<Finding> {
    let count = emitter.not_understood;
    let examples: Vec<String> = emitter
        .examples
        .iter()
        .map(|name| format!("`{name}`"))
        .collect();
    let message = format!(
        "{count} spans may be the work of agents and are of no known dialect (attributes such as {}): teach Baton their dialect with `normalise.dialects`",
        examples.join(", ")
    );
    let finding = || {
        Finding::new(
            FindingKind::UnknownSpans,
            (count, emitter.spans),
            message,
            TEACH_PAGE,
        )
    };
    (count > 0).then(finding)
}

fn without_usage(emitter: &Emitter, see: &'static str) -> Option<Finding> {
    let (count, streamed, of) = (
        emitter.without_usage,
        emitter.streamed_without_usage,
        emitter.model_calls,
    );
    let advice = if streamed > 0 {
        format!(
            "{streamed} of them are streamed: set `stream_options.include_usage` in the request"
        )
    } else {
        "if they are streamed, set `stream_options.include_usage` in the request; otherwise record the usage of the response".to_owned()
    };
    let message = format!(
        "{count} of {of} model calls say nothing of tokens, so their cost is unknown: {advice}"
    );
    (count > 0).then(|| Finding::new(FindingKind::NoUsage, (count, of), message, see))
}

fn without_price(emitter: &Emitter) -> Option<Finding> {
    let count: u64 = emitter.unpriced.values().sum();
    let models = listed(emitter.unpriced.keys().map(|model| &**model));
    let message = format!(
        "no price for {models}: add them to the file of `prices.file`; `baton prices MODEL` shows what is known"
    );
    let finding = || {
        Finding::new(
            FindingKind::NoPrice,
            (count, emitter.model_calls),
            message,
            "docs/operations.md",
        )
    };
    (count > 0).then(finding)
}

fn words(emitter: &Emitter) -> Option<Finding> {
    let count = emitter.unknown_outcomes.len() as u64;
    let words = listed(emitter.unknown_outcomes.iter().map(|word| &**word));
    let message = format!(
        "no outcome is called {words}: use `resolved`, `escalated`, `failed` or `abandoned`"
    );
    (count > 0).then(|| {
        Finding::new(
            FindingKind::OutcomeWord,
            (count, count),
            message,
            DECLARE_PAGE,
        )
    })
}

fn currencies(emitter: &Emitter) -> Option<Finding> {
    let count = emitter.unconverted.len() as u64;
    let currencies = listed(emitter.unconverted.iter().map(|name| &**name));
    let message = format!(
        "amounts in {currencies} have no rate and are in no figure: add it to `money.rates`"
    );
    (count > 0).then(|| Finding::new(FindingKind::Currency, (count, count), message, DECLARE_PAGE))
}

/// What is no fault, and yet good to know.
fn notes(emitter: &Emitter) -> Vec<String> {
    let (count, of) = (emitter.without_output, emitter.model_calls);
    let note = format!(
        "{count} of {of} model calls have no recorded output: whether the user was answered, and which handoffs a model asked for, is known from other spans only"
    );
    (count > 0).then_some(note).into_iter().collect()
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    let shown = names.iter().take(MAX_EXAMPLES);
    let shown: Vec<String> = shown.map(|name| format!("`{name}`")).collect();
    let more = if names.len() > MAX_EXAMPLES {
        ", …"
    } else {
        ""
    };
    format!("{}{more}", shown.join(", "))
}

fn service(resource: &Attributes<'_>) -> String {
    let mut named = resource.iter().filter(|(name, _)| *name == "service.name");
    let named = named.find_map(|(_, value)| value.as_text());
    harmless(named.unwrap_or("unnamed service")).into()
}
