//! Gives the events of a request the tenant of its sender.

use super::{TenantEvidence, TenantRegistry};
use crate::model::Name;
use crate::model::compact::CowArc;
use crate::model::event::{Event, SpanContext};
use crate::model::reject::{Unread, UnreadCounts};
use crate::model::tenant::{self, TENANT_DIMENSION};
use std::sync::Arc;

/// Where the tenant is written.
#[derive(Debug, Default)]
pub(super) struct TenantStamp {
    /// The number of the cohort dimension that holds it, if there is one.
    dimension: Option<u8>,
    /// `None`: there are no tenants. Otherwise attributes of operators are believed only where they name one.
    registry: Option<Arc<TenantRegistry>>,
}

/// What a context of events becomes.
#[derive(Debug)]
struct Stamped {
    before: CowArc<SpanContext>,
    after: CowArc<SpanContext>,
    /// What of it was not believed.
    unread: Option<Unread>,
}

impl TenantStamp {
    /// Where there are tenants, for the names of the cohort dimensions, in the order of their numbers.
    pub(super) fn new(dimensions: &[String], registry: Arc<TenantRegistry>) -> Self {
        let place = dimensions.iter().position(|name| name == TENANT_DIMENSION);
        Self {
            dimension: place.and_then(|place| u8::try_from(place).ok()),
            registry: Some(registry),
        }
    }

    /// Replaces what attributes say of the tenant, and says how much of it was not believed. `None`: the sender is an operator, whose attributes
    /// are believed. A name that no tenant can have is none there: it could be that of a series of several tenants. The label of a tenant without
    /// a place is taken away: its events count for nobody, in sessions that stay its own.
    pub(super) fn apply(&self, tenant: Option<&Name>, events: &mut [Box<Event>]) -> UnreadCounts {
        let mut unread = UnreadCounts::default();
        if tenant.is_none() && self.registry.is_none() {
            return unread;
        }
        // Events in a row mostly share one context, and go on doing so.
        let mut last: Option<Stamped> = None;
        for event in events {
            let known = last.take().filter(|known| known.before.is(&event.context));
            let stamped =
                last.insert(known.unwrap_or_else(|| self.stamped(tenant, &event.context)));
            event.context = stamped.after.clone();
            if let Some(what) = stamped.unread {
                unread.add(what, 1);
            }
        }
        unread
    }

    fn stamped(&self, tenant: Option<&Name>, before: &CowArc<SpanContext>) -> Stamped {
        let unread = match tenant {
            Some(_) => None,
            None => self.fault(before),
        };
        let mut after = before.clone();
        if tenant.is_some() || unread.is_some() {
            let mut context = SpanContext::clone(before);
            match tenant {
                Some(tenant) => self.write(tenant, &mut context),
                None => self.clean(&mut context),
            }
            after = CowArc::new(context);
        }
        Stamped {
            before: before.clone(),
            after,
            unread,
        }
    }

    fn write(&self, tenant: &Name, context: &mut SpanContext) {
        context.tenant = Some(tenant.clone());
        context.has_authenticated_tenant = true;
        if let Some(dimension) = self.dimension {
            context.cohort.retain(|(number, _)| *number != dimension);
            context.cohort.push((dimension, tenant.clone()));
            context.cohort.shrink_to_fit();
        }
    }

    /// Why attributes of an operator that name tenants are not believed.
    fn fault(&self, context: &SpanContext) -> Option<Unread> {
        let label = |(number, _): &&(u8, Name)| Some(*number) == self.dimension;
        let label = context.cohort.iter().find(label).map(|(_, name)| name);
        if !context.tenant.iter().chain(label).all(is_tenant) {
            return Some(Unread::InvalidTenant);
        }
        (!self.has_place(label?)).then_some(Unread::TenantOverLimit)
    }

    /// Takes names out that no tenant can have, and the label of one that has no place.
    fn clean(&self, context: &mut SpanContext) {
        context.tenant = context.tenant.take().filter(is_tenant);
        context.cohort.retain(|(number, name)| {
            Some(*number) != self.dimension || (is_tenant(name) && self.has_place(name))
        });
    }

    fn has_place(&self, tenant: &Name) -> bool {
        let registry = self.registry.as_ref();
        registry.is_none_or(|registry| registry.admit(tenant, TenantEvidence::Attributes))
    }
}

fn is_tenant(name: &Name) -> bool {
    tenant::tenant(name).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::model::ids::PartitionKey;
    use crate::model::tenant::HeldTenants;
    use crate::normalise::{Normaliser, Scratch, Settings};
    use crate::otlp::{Limits, json, view};
    use std::time::Duration;

    struct Events(Normaliser, Scratch, Vec<Box<Event>>);

    impl view::SpanSink for Events {
        fn asks(&self, hash: u32, name: &[u8]) -> bool {
            self.0.asks(hash, name)
        }

        fn add(&mut self, batch: &view::ScopeBatch<'_>) {
            self.2.extend(self.0.normalise(batch, &mut self.1));
        }
    }

    /// Spans of one trace: all say that they are of this tenant, and only one names a session.
    fn events(tenant: &str) -> Vec<Box<Event>> {
        let span = |n: u8, session: &str| {
            format!(
                r#"{{"traceId":"{:032x}","spanId":"{n:016x}","startTimeUnixNano":"1","endTimeUnixNano":"2","attributes":[
                {{"key":"tenant","value":{{"stringValue":"{tenant}"}}}},{{"key":"{session}","value":{{"stringValue":"s"}}}}]}}"#,
                7
            )
        };
        let spans = [span(1, "session.id"), span(2, "none"), span(3, "none")].join(",");
        let body = format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{spans}]}}]}}]}}"#);
        let settings = Settings {
            tenant_attributes: vec!["tenant".into()],
            dimensions: vec![vec!["tier".into()], vec!["tenant".into()]],
            ..Settings::default()
        };
        let normaliser = Normaliser::new(settings, Arc::default());
        let mut sink = Events(normaliser, Scratch::default(), Vec::new());
        json::traces(body.as_bytes(), &Limits::default(), &mut sink).expect("OTLP");
        sink.2
    }

    /// With so many places for tenants.
    fn stamp(max_tenants: usize) -> TenantStamp {
        let limits = (max_tenants, Duration::from_secs(1));
        let clock = Clock::manual(Arc::default());
        let registry = TenantRegistry::new([], limits, clock, HeldTenants::default);
        TenantStamp::new(&["tier".into(), "tenant".into()], Arc::new(registry))
    }

    #[test]
    fn what_attributes_say_of_the_tenant_is_replaced_and_trace_ids_are_the_tenants_own() {
        let stamp = stamp(0);
        let mut events = events("b");
        let before = events.iter().map(|event| event.context.tenant.as_deref());
        assert!(before.eq([Some("b"); 3]));
        let unread = stamp.apply(Some(&Name::from("a")), &mut events);
        assert_eq!(unread, UnreadCounts::default());
        for event in &events {
            assert_eq!(event.context.tenant.as_deref(), Some("a"));
            assert_eq!(event.context.cohort.as_slice(), [(1, "a".into())]);
            let own = PartitionKey::TenantTrace("a".into(), event.trace);
            assert_eq!(event.trace_key(), own);
        }
        assert!(events[1].context.is(&events[2].context), "they share one");
        assert_ne!(events[0].context, events[1].context);
    }

    #[test]
    fn of_what_attributes_of_an_operator_say_only_names_that_a_tenant_can_have_are_believed() {
        let stamp = stamp(1);
        for (said, believed) in [
            ("b", true),
            ("other", false),
            ("_overflow", false),
            ("_tenant", false),
            ("a|b", false),
            ("..", false),
        ] {
            let mut stamped = events(said);
            let unread = stamp.apply(None, &mut stamped);
            let expected = if believed { 0 } else { 3 };
            assert_eq!(unread.of(Unread::InvalidTenant), expected, "{said}");
            for event in &stamped {
                let context = &event.context;
                assert_eq!(
                    context.tenant.as_deref(),
                    believed.then_some(said),
                    "{said}"
                );
                assert_eq!(context.cohort.len(), usize::from(believed), "{said}");
                assert!(!context.has_authenticated_tenant);
            }
            // Without tenants, they are labels as all others.
            let mut plain = events(said);
            TenantStamp::default().apply(None, &mut plain);
            assert!(
                plain
                    .iter()
                    .all(|event| event.context.tenant.as_deref() == Some(said))
            );
        }
    }

    #[test]
    fn events_of_a_tenant_without_a_place_have_no_label_and_sessions_of_their_own() {
        let stamp = stamp(1);
        for (said, has_place) in [("a", true), ("b", false), ("a", true)] {
            let mut stamped = events(said);
            let unread = stamp.apply(None, &mut stamped);
            let expected = if has_place { 0 } else { 3 };
            assert_eq!(unread.of(Unread::TenantOverLimit), expected, "{said}");
            for event in &stamped {
                let label: Vec<(u8, Name)> =
                    has_place.then(|| (1, said.into())).into_iter().collect();
                assert_eq!(event.context.cohort.as_slice(), label, "{said}");
                assert_eq!(event.context.tenant.as_deref(), Some(said));
            }
            assert!(stamped[1].context.is(&stamped[2].context), "they share one");
        }
    }
}
