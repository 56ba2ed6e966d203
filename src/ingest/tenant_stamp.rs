//! Gives the events of a request the tenant of its sender.

use crate::model::Name;
use crate::model::compact::CowArc;
use crate::model::event::{Event, SpanContext};
use crate::model::tenant::{self, TENANT_DIMENSION};

/// Where the tenant is written.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TenantStamp {
    /// The number of the cohort dimension that holds it, if there is one.
    dimension: Option<u8>,
    /// Whether there are tenants: attributes of operators are believed only where they name one.
    has_tenants: bool,
}

impl TenantStamp {
    /// Where there are tenants, for the names of the cohort dimensions, in the order of their numbers.
    pub(super) fn new(dimensions: &[String]) -> Self {
        let place = dimensions.iter().position(|name| name == TENANT_DIMENSION);
        Self {
            dimension: place.and_then(|place| u8::try_from(place).ok()),
            has_tenants: true,
        }
    }

    /// Replaces what attributes say of the tenant. `None`: the sender is an operator, whose attributes are believed. A name that no tenant can
    /// have is none there: it could be that of a series of several tenants.
    pub(super) fn apply(self, tenant: Option<&Name>, events: &mut [Box<Event>]) {
        if tenant.is_none() && !self.has_tenants {
            return;
        }
        // Events in a row mostly share one context, and go on doing so.
        let mut last: Option<(CowArc<SpanContext>, CowArc<SpanContext>)> = None;
        for event in events {
            if tenant.is_none() && self.is_sound(&event.context) {
                continue;
            }
            let known = last.take().filter(|(before, _)| before.is(&event.context));
            let (_, stamped) = last.insert(known.unwrap_or_else(|| {
                let mut stamped = SpanContext::clone(&event.context);
                match tenant {
                    Some(tenant) => self.write(tenant, &mut stamped),
                    None => self.clean(&mut stamped),
                }
                (event.context.clone(), CowArc::new(stamped))
            }));
            event.context = stamped.clone();
        }
    }

    fn write(self, tenant: &Name, context: &mut SpanContext) {
        context.tenant = Some(tenant.clone());
        context.has_authenticated_tenant = true;
        if let Some(dimension) = self.dimension {
            context.cohort.retain(|(number, _)| *number != dimension);
            context.cohort.push((dimension, tenant.clone()));
            context.cohort.shrink_to_fit();
        }
    }

    /// Whether the tenants that attributes name, if they name any, may be some.
    fn is_sound(self, context: &SpanContext) -> bool {
        let label = |(number, _): &&(u8, Name)| Some(*number) == self.dimension;
        let label = context.cohort.iter().find(label).map(|(_, name)| name);
        let mut named = context.tenant.iter().chain(label);
        named.all(is_tenant)
    }

    /// Takes names out that no tenant can have.
    fn clean(self, context: &mut SpanContext) {
        context.tenant = context.tenant.take().filter(is_tenant);
        let is_kept =
            |(number, name): &(u8, Name)| Some(*number) != self.dimension || is_tenant(name);
        context.cohort.retain(is_kept);
    }
}

fn is_tenant(name: &Name) -> bool {
    tenant::tenant(name).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::PartitionKey;
    use crate::normalise::{Normaliser, Scratch, Settings};
    use crate::otlp::{Limits, json, view};

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
        let normaliser = Normaliser::new(settings, std::sync::Arc::default());
        let mut sink = Events(normaliser, Scratch::default(), Vec::new());
        json::traces(body.as_bytes(), &Limits::default(), &mut sink).expect("OTLP");
        sink.2
    }

    #[test]
    fn what_attributes_say_of_the_tenant_is_replaced_and_trace_ids_are_the_tenants_own() {
        let stamp = TenantStamp::new(&["tier".into(), "tenant".into()]);
        let mut events = events("b");
        let before = events.iter().map(|event| event.context.tenant.as_deref());
        assert!(before.eq([Some("b"); 3]));
        stamp.apply(Some(&Name::from("a")), &mut events);
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
        let stamp = TenantStamp::new(&["tier".into(), "tenant".into()]);
        for (said, believed) in [
            ("b", true),
            ("other", false),
            ("_overflow", false),
            ("_tenant", false),
            ("a|b", false),
            ("..", false),
        ] {
            let mut stamped = events(said);
            stamp.apply(None, &mut stamped);
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
}
