//! The ID of a verdict: a hash of what makes its handoff or workflow the one that it is.

use super::DecidedFact;
use crate::model::fact::What;
use crate::model::ids::SpanId;
use ring::digest::{Context, SHA256};
use std::fmt::Write;

/// The same for one handoff or workflow in every process, at every replay, in every version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct VerdictId([u8; 16]);

impl VerdictId {
    /// Of a handoff by its place, of a workflow by its session and its time.
    pub(super) fn of(verdict: &DecidedFact) -> Self {
        let fact = &verdict.fact;
        let tenant = verdict.tenant();
        let mut context = Context::new(&SHA256);
        let mut add = |bytes: &[u8]| {
            context.update(&(bytes.len() as u64).to_be_bytes());
            context.update(bytes);
        };
        add(verdict.subject().as_str().as_bytes());
        add(fact.trace.as_bytes());
        add(verdict.span().as_ref().map_or(&[], |span| span.as_bytes()));
        add(&fact.at.0.to_be_bytes());
        match &fact.what {
            What::Handoff(handoff) => {
                add(&handoff.place.ordinal.to_be_bytes());
                tenant.into_iter().for_each(|tenant| add(tenant.as_bytes()));
            }
            What::Workflow(workflow) => {
                add(&workflow.duration.as_nanos().to_be_bytes());
                add(tenant.map_or("", |tenant| tenant).as_bytes());
                add(verdict
                    .session()
                    .map_or("", |session| &session.id)
                    .as_bytes());
            }
            _ => {}
        }
        let digest = context.finish();
        let mut id = [0; 16];
        id.copy_from_slice(&digest.as_ref()[..16]);
        // A UUID of version 8: what the other bits mean is the maker's affair.
        id[6] = id[6] & 0x0f | 0x80;
        id[8] = id[8] & 0x3f | 0x80;
        Self(id)
    }

    /// As a UUID.
    pub(super) fn text(self) -> String {
        let mut text = String::with_capacity(36);
        for (i, byte) in self.0.iter().enumerate() {
            if matches!(i, 4 | 6 | 8 | 10) {
                text.push('-');
            }
            let _ = write!(text, "{byte:02x}");
        }
        text
    }

    /// As the ID of a span.
    pub(super) fn span(self) -> SpanId {
        // The bits of the variant are in it: it is never zero.
        let bytes = [8, 9, 10, 11, 12, 13, 14, 15].map(|i: usize| self.0[i]);
        SpanId::from_nonzero(bytes)
    }
}
