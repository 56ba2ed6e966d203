//! Session, user, tenant, intent, cohorts and value of a span. Read again only if a span declares something else than the span before it.

use super::attribute_filter::AttributeFilter;
use super::business::{self, Around};
use super::{Settings, declared, money, session, topics};
use crate::model::Name;
use crate::model::compact::CowArc;
use crate::model::event::SpanContext;
use crate::otlp::view::{Attributes, LogRecord, Pair, ScopeBatch, Span};
use std::cell::RefCell;

/// The cases of the spans of one group.
#[derive(Debug)]
pub(super) struct Cases<'g> {
    settings: &'g Settings,
    asked: &'g AttributeFilter,
    resource: &'g Attributes<'g>,
    around: Around<'g>,
    /// Some frameworks give an id of their own under a name of these.
    names_work: bool,
    last: RefCell<Last<'g>>,
}

/// What the last span said of its case, and what that means.
#[derive(Debug, Default)]
struct Last<'g> {
    /// `None`: there was no span yet.
    said: Option<Vec<&'g Pair<'g>>>,
    told: Told,
}

/// What a span tells of its case.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    pub(super) context: CowArc<SpanContext>,
    /// The currency of a value that has no rate.
    pub(super) unconverted: Option<Name>,
}

impl<'g> Cases<'g> {
    pub(super) fn new(
        group: &'g ScopeBatch<'g>,
        asked: &'g AttributeFilter,
        settings: &'g Settings,
    ) -> Self {
        Self {
            settings,
            asked,
            resource: &group.resource,
            around: business::of_resource(&group.resource, asked),
            names_work: group.scope.name != "agent_framework",
            last: RefCell::default(),
        }
    }

    /// What a span tells, where its dialect has no way of its own.
    pub(super) fn of(&self, span: &'g Span<'g>) -> Told {
        let mut last = self.last.borrow_mut();
        let pairs = span.attributes.pairs().iter();
        let said = pairs.filter(|pair| self.asked.of_case(pair));
        match &mut last.said {
            Some(known) if said.clone().eq(known.iter().copied()) => {}
            known => {
                let known = known.get_or_insert_default();
                known.clear();
                known.extend(said);
                last.told = self.read(&span.attributes);
            }
        }
        last.told.clone()
    }

    fn read(&self, attributes: &'g Attributes<'g>) -> Told {
        let metadata = declared::metadata(attributes);
        let metadata = declared::entries(&metadata);
        let context = business::read(attributes, &metadata, &self.around);
        let value = context.value.map(|v| money::value(v, &self.settings.money));
        let (value_usd, unconverted) = match value {
            Some(Ok(value)) => (Some(value), None),
            Some(Err(currency)) => (None, Some(currency)),
            None => (None, None),
        };
        let context = SpanContext {
            session: session::of_attributes(attributes, &metadata, self.resource, self.settings),
            user: session::user(attributes, &metadata, self.settings),
            tenant: context.tenant,
            intent: context.intent,
            cohort: context.cohort,
            value_usd,
            workflow_id: session::first_id(attributes, &[], topics::WORKFLOW_ID)
                .filter(|_| self.names_work),
        };
        Told {
            context: shared(context),
            unconverted,
        }
    }

    /// Of the case of a log record its session matters, and whose that is.
    pub(super) fn of_log(&self, log: &'g LogRecord<'g>) -> CowArc<SpanContext> {
        let metadata = declared::metadata(&log.attributes);
        let metadata = declared::entries(&metadata);
        shared(SpanContext {
            session: session::of_attributes(
                &log.attributes,
                &metadata,
                self.resource,
                self.settings,
            ),
            tenant: business::read(&log.attributes, &metadata, &self.around).tenant,
            ..SpanContext::default()
        })
    }
}

/// The last case of this thread where that is the same: requests are read piece by piece.
fn shared(mut context: SpanContext) -> CowArc<SpanContext> {
    thread_local! {
        static LAST: RefCell<CowArc<SpanContext>> = RefCell::default();
    }
    LAST.with_borrow_mut(|last| {
        if **last != context {
            context.cohort.shrink_to_fit();
            *last = CowArc::new(context);
        }
        last.clone()
    })
}
