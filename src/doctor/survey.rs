//! Takes decoded requests, and notes what each emitter sends.

use super::emitter::{Emitter, LANGUAGE, MAX_EXAMPLES, UNKNOWN, target_in};
use super::figures::Figures;
use super::finding::{DIALECTS_PAGE, Finding, FindingKind, TEACH_PAGE, numbered, percent};
use super::lacks::{NO_CALLS, lacks};
use super::report::{Diagnosis, EmitterReport};
use super::sdks::{SDKS_PAGE, SdkSection, section_of};
use crate::model::event::{Event, Kind};
use crate::model::harmless::harmless;
use crate::model::ids::TraceId;
use crate::model::reject::{RejectReason, Unread, UnreadCounts};
use crate::normalise::{DIALECTS, Normaliser, Scratch};
use crate::otlp::view::{Attributes, ScopeBatch, SpanSink};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt::Write as _;

/// What a span is listed under: its service, its dialect, and its scope where no dialect knows it.
type EmitterKey = (String, String, String);

/// What is noted of a recording. As a [`SpanSink`] it takes what a decoder makes of it, and asks for all attributes.
#[derive(Debug)]
pub struct Survey {
    normaliser: Normaliser,
    scratch: Scratch,
    emitters: BTreeMap<EmitterKey, Emitter>,
    with_session: HashSet<TraceId>,
    with_calls: HashSet<TraceId>,
    log_records: u64,
}

impl SpanSink for Survey {
    fn asks(&self, _: u32, _: &[u8]) -> bool {
        true
    }

    fn add(&mut self, batch: &ScopeBatch<'_>) {
        self.read(batch);
    }
}

impl Survey {
    /// Notes what a batch shows; returns its events.
    pub fn read(&mut self, batch: &ScopeBatch<'_>) -> Vec<Box<Event>> {
        let dialects = self.normaliser.dialects(batch, &self.scratch);
        let dialects: Vec<String> = dialects.into_iter().map(str::to_owned).collect();
        let events = self.normaliser.normalise(batch, &mut self.scratch);
        let service = service(&batch.resource);
        let language = text_of(&batch.resource, LANGUAGE).map(str::to_owned);
        for ((span, event), dialect) in batch.spans.iter().zip(&events).zip(dialects) {
            let is_known = dialect != UNKNOWN;
            let scope = if is_known { "" } else { batch.scope.name };
            let key = (service.clone(), dialect, harmless(scope).into());
            let emitter = self.emitters.entry(key).or_default();
            emitter.add(batch.scope.name, span, event, is_known);
            emitter.languages.extend(language.clone());
        }
        self.log_records += batch.logs.len() as u64;
        events.iter().for_each(|event| self.note(event));
        events
    }

    pub fn new(normaliser: Normaliser) -> Self {
        Self {
            normaliser,
            scratch: Scratch::default(),
            emitters: BTreeMap::new(),
            with_session: HashSet::new(),
            with_calls: HashSet::new(),
            log_records: 0,
        }
    }

    fn note(&mut self, event: &Event) {
        if event.context.session.is_some() {
            self.with_session.insert(event.trace);
        }
        if matches!(event.kind, Kind::Model(_)) {
            self.with_calls.insert(event.trace);
        }
    }

    /// What was found. `rejected` and `undecoded` could not be decoded, and `figures` the metrics of the recording: how much is missing is for them to say.
    pub fn diagnosis(
        mut self,
        mut figures: Figures,
        rejected: &[RejectReason],
        undecoded: &UnreadCounts,
    ) -> Diagnosis {
        let emitters = std::mem::take(&mut self.emitters);
        let spans: u64 = emitters.values().map(|emitter| emitter.spans).sum();
        let is_agentic = emitters.values().any(|emitter| !emitter.traces.is_empty());
        self.add_counts(&mut figures, undecoded);
        for reason in rejected {
            let labels = [("reason", reason.as_str())];
            figures.add("baton_receiver_rejected_total", &labels, 1);
        }
        let (mut findings, mut notes) = lacks(&figures);
        // The emitters say it.
        findings.retain(|finding| finding.kind != FindingKind::NoModelCalls);
        for finding in findings.iter_mut().chain(&mut notes) {
            locate(finding, &emitters);
        }
        if spans == 0 {
            let message = "No spans: all figures come from spans";
            let kind = FindingKind::NoSpans;
            findings.push(Finding::new(kind, (0, 0), message, DIALECTS_PAGE));
        } else if !is_agentic {
            let message = format!(
                "{} without the work of agents: turn the tracing of your agent SDK on, or teach Baton its dialect",
                numbered(spans, "spans")
            );
            let kind = FindingKind::UnknownSpans;
            findings.push(Finding::new(kind, (spans, spans), message, TEACH_PAGE));
        }
        Diagnosis {
            spans,
            log_records: self.log_records,
            counted: figures.counted(),
            emitters: self.reports(emitters),
            findings,
            notes,
        }
    }

    /// Adds what was not read, and what expressions of the configuration did not give, as a running instance counts it.
    fn add_counts(&mut self, figures: &mut Figures, undecoded: &UnreadCounts) {
        let counts = self.scratch.take_span_counts();
        for what in Unread::ALL {
            let count = counts.unread().of(what) + undecoded.of(what);
            let labels = [("reason", what.as_str())];
            figures.add("baton_receiver_unread_total", &labels, count);
        }
        for (dialect, counts) in self.normaliser.taught().zip(counts.of_taught()) {
            for (key, reason, count) in counts.misreadings() {
                let labels = [
                    ("dialect", dialect),
                    ("key", key),
                    ("reason", reason.as_str()),
                ];
                figures.add("baton_dialect_misreadings_total", &labels, count);
            }
        }
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
        let origins = emitter.origins();
        let source = Provenance {
            section: section_of(&dialect, &origins),
            dialect: &dialect,
            origins: &origins,
        };
        let findings = self.findings(&source, &emitter);
        let see = source.section.map(|section| section.see);
        let title = DIALECTS.iter().find(|known| known.name == dialect);
        EmitterReport {
            service,
            title: title.map(|known| known.title.to_owned()),
            dialect,
            scopes,
            spans: emitter.spans,
            see,
            read: emitter.read,
            findings,
            notes: Vec::new(),
        }
    }

    fn findings(&self, source: &Provenance<'_>, emitter: &Emitter) -> Vec<Finding> {
        let found = [
            unknown(emitter),
            self.without_session(source, emitter),
            self.without_calls(source, emitter),
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

    fn without_session(&self, source: &Provenance<'_>, emitter: &Emitter) -> Option<Finding> {
        let of = emitter.traces.len() as u64;
        let without = emitter.traces.iter();
        let without = without.filter(|trace| !self.with_session.contains(*trace));
        let count = without.count() as u64;
        let advice = source.row("Session").unwrap_or_else(|| {
            "`gen_ai.conversation.id` or `session.id` on a span of each trace".into()
        });
        let message = format!(
            "No session ID on {} % of traces ({count} of {of}), so each is a session of its own. Set the session ID with {advice}. If your spans have it under another name, add that to `normalise.session_attributes`",
            percent(count, of),
        );
        let finding = || source.finding(FindingKind::NoSession, (count, of), message);
        (count > 0).then(finding)
    }

    /// Whether no trace of an emitter has a model call, whoever shows it.
    fn without_calls(&self, source: &Provenance<'_>, emitter: &Emitter) -> Option<Finding> {
        let of = emitter.traces.len() as u64;
        if of == 0
            || emitter
                .traces
                .iter()
                .any(|one| self.with_calls.contains(one))
        {
            return None;
        }
        let gap = source.row("Not reported");
        let gap = gap.map_or_else(String::new, |gap| format!(". Not reported: {gap}"));
        let message = format!(
            "No model call in {}. {NO_CALLS}{gap}",
            numbered(of, "traces")
        );
        Some(source.finding(FindingKind::NoModelCalls, (of, of), message))
    }
}

/// Where spans come from, and what the page of SDKs says of that.
struct Provenance<'e> {
    section: Option<&'static SdkSection>,
    dialect: &'e str,
    /// As of [`Emitter::origins`].
    origins: &'e [String],
}

impl Provenance<'_> {
    /// A row of the section about the emitter, in its words.
    fn row(&self, name: &str) -> Option<String> {
        self.section?.row(name, self.dialect, self.origins)
    }

    fn finding(&self, kind: FindingKind, share: (u64, u64), message: String) -> Finding {
        let see = self.section.map_or(SDKS_PAGE, |section| section.see);
        Finding::new(kind, share, message, see)
    }
}

/// Adds to what the metrics say the words of the page about those whose spans show it.
fn locate(finding: &mut Finding, emitters: &BTreeMap<EmitterKey, Emitter>) {
    let (row, concerns): (_, fn(&Emitter) -> bool) = match finding.kind {
        FindingKind::NoUsage => ("Not reported", |emitter| emitter.lacks_usage),
        FindingKind::NoAgentName => ("Not reported", |emitter| {
            !emitter.traces_with_calls.is_empty()
        }),
        FindingKind::NoUser => ("User", |emitter| emitter.lacks_user),
        FindingKind::OutcomeWord => {
            let words = emitters.values().flat_map(|one| &one.unknown_outcomes);
            let words: BTreeSet<&str> = words.map(|word| &**word).collect();
            let _ = write!(finding.message, ". Found: {}", listed(words.into_iter()));
            return;
        }
        _ => return,
    };
    let mut said = BTreeSet::new();
    let concerned = emitters.iter().filter(|(_, emitter)| concerns(emitter));
    for ((_, dialect, _), emitter) in concerned {
        let origins = emitter.origins();
        let section = section_of(dialect, &origins);
        said.extend(section.and_then(|section| {
            let text = section.row(row, dialect, &origins)?;
            Some((section.see, text))
        }));
    }
    for (see, text) in said {
        let _ = write!(finding.message, ". {row} ({see}): {text}");
    }
}

const DECLARE_PAGE: &str = "docs/instrument.md";

fn unknown(emitter: &Emitter) -> Option<Finding> {
    let count = emitter.not_understood;
    let examples: Vec<String> = emitter
        .examples
        .iter()
        .map(|name| format!("`{name}`"))
        .collect();
    let message = format!(
        "{} that may be the work of agents, of no known dialect (attributes such as {}): teach Baton the dialect with `normalise.dialects`",
        numbered(count, "spans"),
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
    harmless(text_of(resource, "service.name").unwrap_or("unnamed service")).into()
}

fn text_of<'a>(resource: &'a Attributes<'_>, wanted: &str) -> Option<&'a str> {
    let mut named = resource.iter().filter(|(name, _)| *name == wanted);
    named.find_map(|(_, value)| value.as_text())
}
