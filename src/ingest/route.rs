//! Which partition an event belongs to, and how a trace learns its session.

use crate::model::event::{Event, SessionSource};
use crate::model::ids::{PartitionKey, TenantScoped};
use crate::model::record::{Entry, Record};
use rapidhash::RapidHashMap as HashMap;
use std::sync::{Mutex, PoisonError};

/// Recent bindings kept, per generation; two generations live at a time.
const GENERATION: usize = 65_536;

/// Routes events to partitions and remembers recent bindings, so that nearly all go straight.
#[derive(Debug)]
pub(super) struct Router {
    partitions: usize,
    bindings: Mutex<Bindings>,
}

/// Key of a trace to session, as last seen. Forgetting one costs a detour, nothing else.
#[derive(Debug, Default)]
struct Bindings {
    young: HashMap<PartitionKey, Binding>,
    old: HashMap<PartitionKey, Binding>,
}

#[derive(Debug)]
struct Binding {
    session: TenantScoped,
    /// The trace was told: the log took it.
    told: bool,
}

/// Where the events of one request go.
#[derive(Debug)]
pub(super) struct Routed {
    pub(super) entries: Vec<(usize, Entry)>,
    /// The keys of the traces that these entries tell their session.
    pub(super) told: Vec<(PartitionKey, TenantScoped)>,
}

impl Router {
    pub(super) fn new(partitions: usize) -> Self {
        Self {
            partitions,
            bindings: Mutex::default(),
        }
    }

    /// The entries of the events of one request. Say [`Router::taken`] when the log has taken them.
    pub(super) fn route(&self, events: Vec<Box<Event>>) -> Routed {
        let mut told = Vec::new();
        let mut bindings = self.bindings.lock().unwrap_or_else(PoisonError::into_inner);
        for run in events.chunk_by(|one, next| go_alike(one, next)) {
            let event = &run[0];
            let trace = event.trace_key();
            if let Some(session) = own_session(event, &trace, &bindings)
                && bindings.learn(&trace, &session)
            {
                let bind = (trace, session);
                if told.last() == Some(&bind) {
                    continue;
                }
                told.push(bind);
            }
        }
        let mut entries = Vec::with_capacity(told.len() + events.len());
        entries.extend(told.iter().map(|(trace, session)| {
            let record = Record::Bind(PartitionKey::Session(session.clone()));
            let key = trace.clone();
            Entry { key, record }.addressed(self.partitions)
        }));
        let key = |run: &[Box<Event>]| {
            let trace = run[0].trace_key();
            let session = own_session(&run[0], &trace, &bindings);
            let session = session.or_else(|| bindings.get(&trace).cloned());
            let key = session.map_or(trace, PartitionKey::Session);
            (run.len(), key.partition(self.partitions), key)
        };
        let runs: Vec<_> = events
            .chunk_by(|one, next| go_alike(one, next))
            .map(key)
            .collect();
        let mut events = events.into_iter();
        for (length, partition, key) in runs {
            let entry = |event| Entry {
                key: key.clone(),
                record: Record::Event(event),
            };
            let events = events.by_ref().take(length);
            entries.extend(events.map(|event| (partition, entry(event))));
        }
        Routed { entries, told }
    }

    /// Traces need not be told again: what told them is in the log. A refused request told nobody.
    pub(super) fn taken(&self, told: &[(PartitionKey, TenantScoped)]) {
        if !told.is_empty() {
            let mut bindings = self.bindings.lock().unwrap_or_else(PoisonError::into_inner);
            for (trace, session) in told {
                bindings.told(trace, session);
            }
        }
    }
}

/// Whether two events in a row go to the same key: spans of a trace mostly come together.
fn go_alike(one: &Event, next: &Event) -> bool {
    let same = one.trace == next.trace;
    let (one, next) = (&one.context, &next.context);
    same && (one.is(next) || one.tenant == next.tenant && one.session == next.session)
}

/// The session that a span names. A span that names no tenant has that of its trace.
fn own_session(event: &Event, trace: &PartitionKey, bindings: &Bindings) -> Option<TenantScoped> {
    let hint = event.context.session.as_ref()?;
    if hint.source != SessionSource::Span {
        return None;
    }
    let known = bindings.get(trace).filter(|known| known.id == hint.id);
    match (&event.context.tenant, known) {
        (None, Some(known)) => Some(known.clone()),
        (tenant, _) => Some(TenantScoped {
            tenant: tenant.clone(),
            id: hint.id.clone(),
        }),
    }
}

impl Bindings {
    /// Remembers a binding; whether the trace must be told.
    fn learn(&mut self, trace: &PartitionKey, session: &TenantScoped) -> bool {
        if let Some(known) = self.find(trace)
            && known.session == *session
        {
            return !known.told;
        }
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        let binding = Binding {
            session: session.clone(),
            told: false,
        };
        self.young.insert(trace.clone(), binding);
        true
    }

    fn told(&mut self, trace: &PartitionKey, session: &TenantScoped) {
        let known = self.young.get_mut(trace);
        if let Some(binding) = known.or_else(|| self.old.get_mut(trace)) {
            binding.told |= binding.session == *session;
        }
    }

    fn get(&self, trace: &PartitionKey) -> Option<&TenantScoped> {
        self.find(trace).map(|binding| &binding.session)
    }

    fn find(&self, trace: &PartitionKey) -> Option<&Binding> {
        self.young.get(trace).or_else(|| self.old.get(trace))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::TraceId;
    use crate::model::time::Timestamp;
    use crate::normalise::{Normaliser, Scratch, Settings};
    use crate::otlp::view::{ScopeBatch, Span, Status, Value};

    fn events(trace: u8, tenants: &[Option<&'static str>]) -> Vec<Box<Event>> {
        let settings = Settings {
            tenant_attributes: vec!["tenant".into()],
            ..Settings::default()
        };
        let span = |(id, tenant): (u8, &Option<&'static str>)| Span {
            trace: TraceId::new(&[trace; 16]).expect("not zero"),
            id: crate::model::ids::SpanId::new(&[id; 8]).expect("not zero"),
            parent: None,
            threshold: None,
            caller: crate::otlp::view::Caller::default(),
            name: "step",
            start: Timestamp(1),
            end: Timestamp(2),
            status: Status::Unset,
            status_message: "",
            attributes: [("session.id", Some("s")), ("tenant", *tenant)]
                .into_iter()
                .filter_map(|(key, value)| Some((key, Value::Str(value?))))
                .collect(),
            events: Vec::new(),
            links: Vec::new(),
        };
        let group = ScopeBatch {
            spans: (1..).zip(tenants).map(span).collect(),
            ..ScopeBatch::default()
        };
        Normaliser::new(settings, std::sync::Arc::default())
            .normalise(&group, &mut Scratch::default())
    }

    fn keys(router: &Router, events: Vec<Box<Event>>) -> Vec<PartitionKey> {
        let entries = router.route(events).entries;
        let event = |(_, entry): (usize, Entry)| match entry.record {
            Record::Event(_) => Some(entry.key),
            _ => None,
        };
        entries.into_iter().filter_map(event).collect()
    }

    #[test]
    fn a_trace_is_told_its_session_until_the_log_has_taken_it() {
        let router = Router::new(4);
        let binds = |routed: &Routed| {
            let is_bind = |(_, entry): &&(usize, Entry)| matches!(entry.record, Record::Bind(_));
            routed.entries.iter().filter(is_bind).count()
        };
        let refused = router.route(events(1, &[None]));
        let again = router.route(events(1, &[None]));
        assert_eq!((binds(&refused), binds(&again)), (1, 1));
        router.taken(&again.told);
        assert_eq!(binds(&router.route(events(1, &[None]))), 0);
    }

    fn session(tenant: &str) -> PartitionKey {
        PartitionKey::Session(TenantScoped {
            tenant: Some(tenant.into()),
            id: "s".into(),
        })
    }

    #[test]
    fn the_same_session_id_of_two_tenants_is_two_sessions() {
        let router = Router::new(4);
        assert_eq!(keys(&router, events(1, &[Some("a")])), [session("a")]);
        assert_eq!(keys(&router, events(2, &[Some("b")])), [session("b")]);
        // A span of the same trace that names no tenant follows the others.
        assert_eq!(
            keys(&router, events(1, &[Some("a"), None])),
            [session("a"), session("a")]
        );
    }
}
