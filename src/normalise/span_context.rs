//! Session, user, tenant, intent, cohorts and value of a span. Read again only if a span declares something else than the span before it.

use super::attribute_filter::AttributeFilter;
use super::business::{self, ResourceContext};
use super::{ReadContext, declared, money, session, topics};
use crate::model::Name;
use crate::model::compact::CowArc;
use crate::model::event::{SessionHint, SpanContext};
use crate::otlp::view::{Attributes, LogRecord, Pair, ScopeBatch, Span};
use std::cell::RefCell;

/// The context that was read last, in this piece of a request or in one before it. It makes no difference but in memory.
///
/// A part of the [`Scratch`](super::Scratch): [`SpanContexts`] alone writes and reads it.
pub(super) type LastContext = RefCell<CowArc<SpanContext>>;

/// The contexts of the spans of one batch.
#[derive(Debug)]
pub(super) struct SpanContexts<'g> {
    context: ReadContext<'g>,
    filter: &'g AttributeFilter,
    pub(super) resource: &'g Attributes<'g>,
    around: ResourceContext<'g>,
    /// Some frameworks give an id of their own under the name of a workflow id.
    has_workflow_ids: bool,
    last: RefCell<LastSpan<'g>>,
    last_context: &'g LastContext,
}

/// What the last span of a batch declared, and what that means.
#[derive(Debug, Default)]
struct LastSpan<'g> {
    /// `None`: there was no span yet.
    declared: Option<Vec<&'g Pair<'g>>>,
    means: DeclaredContext,
}

/// What a span declares of its context.
#[derive(Clone, Debug, Default)]
pub(super) struct DeclaredContext {
    pub(super) context: CowArc<SpanContext>,
    /// The currency of a value that has no rate.
    pub(super) unconverted: Option<Name>,
    /// It declares a value that is no amount of money.
    pub(super) has_invalid_value: bool,
}

impl<'g> SpanContexts<'g> {
    pub(super) fn new(
        batch: &'g ScopeBatch<'g>,
        filter: &'g AttributeFilter,
        context: ReadContext<'g>,
        last_context: &'g LastContext,
    ) -> Self {
        Self {
            context,
            filter,
            resource: &batch.resource,
            around: business::of_resource(&batch.resource, filter),
            has_workflow_ids: batch.scope.name != "agent_framework",
            last: RefCell::default(),
            last_context,
        }
    }

    /// What a span declares, where its dialect has no way of its own.
    pub(super) fn of(&self, span: &'g Span<'g>) -> DeclaredContext {
        let mut last = self.last.borrow_mut();
        let pairs = span.attributes.pairs().iter();
        let declared = pairs.filter(|pair| self.filter.is_context(pair));
        match &mut last.declared {
            Some(known) if declared.clone().eq(known.iter().copied()) => {}
            known => {
                let known = known.get_or_insert_default();
                known.clear();
                known.extend(declared);
                last.means = self.read(&span.attributes);
            }
        }
        last.means.clone()
    }

    fn read(&self, attributes: &'g Attributes<'g>) -> DeclaredContext {
        let (settings, names) = (self.context.settings, self.context.names);
        let metadata = declared::metadata(attributes);
        let metadata = declared::entries(&metadata);
        let business = business::read(attributes, &metadata, &self.around, names);
        let value = business.value.map(|v| money::value(v, &settings.money));
        let (value_usd, unconverted) = match value {
            Some(Ok(value)) => (Some(value), None),
            Some(Err(currency)) => (None, Some(currency)),
            None => (None, None),
        };
        let context = SpanContext {
            session: session::of_attributes(attributes, &metadata, self.resource, self.context),
            user: session::user(attributes, &metadata, self.context),
            tenant: business.tenant,
            has_authenticated_tenant: false,
            intent: business.intent,
            cohort: business.cohort,
            value_usd,
            workflow_id: session::first_id(attributes, &[], topics::WORKFLOW_ID, names)
                .filter(|_| self.has_workflow_ids),
        };
        DeclaredContext {
            context: self.shared(context),
            unconverted,
            has_invalid_value: business.has_invalid_value,
        }
    }

    /// Of the context of a log record its session matters, and whose that is.
    pub(super) fn of_log(&self, log: &'g LogRecord<'g>) -> CowArc<SpanContext> {
        let (attributes, names) = (&log.attributes, self.context.names);
        let metadata = declared::metadata(attributes);
        let metadata = declared::entries(&metadata);
        self.shared(SpanContext {
            session: session::of_attributes(attributes, &metadata, self.resource, self.context),
            tenant: business::read(attributes, &metadata, &self.around, names).tenant,
            ..SpanContext::default()
        })
    }

    /// A context with what the dialect of a span says in its place.
    pub(super) fn with(
        &self,
        context: CowArc<SpanContext>,
        session: Option<SessionHint>,
        user: Option<Name>,
    ) -> CowArc<SpanContext> {
        if session.is_none() && user.is_none() {
            return context;
        }
        let mut own = SpanContext::clone(&context);
        own.session = session.or(own.session);
        own.user = user.or(own.user);
        self.shared(own)
    }

    /// The last context where that is the same: requests are read piece by piece.
    fn shared(&self, mut context: SpanContext) -> CowArc<SpanContext> {
        let mut last = self.last_context.borrow_mut();
        if **last != context {
            context.cohort.shrink_to_fit();
            *last = CowArc::new(context);
        }
        last.clone()
    }
}
