//! A span as the dialects of the configuration look at it.

use crate::otlp::view::{Attributes, Scope, Span};

/// What expressions see of a span.
#[derive(Clone, Copy, Debug)]
pub(in crate::normalise) struct SpanParts<'a> {
    pub(in crate::normalise) resource: &'a Attributes<'a>,
    pub(in crate::normalise) scope: &'a Scope<'a>,
    pub(in crate::normalise) span: &'a Span<'a>,
}

impl<'a> SpanParts<'a> {
    pub(super) fn attributes(&self) -> &'a Attributes<'a> {
        &self.span.attributes
    }
}
