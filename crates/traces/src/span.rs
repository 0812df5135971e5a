//! One span.

use std::borrow::Cow;
use std::time::SystemTime;

use opentelemetry::global::BoxedSpan;
use opentelemetry::trace::{
    Link, Span as _, SpanBuilder, SpanContext, SpanKind, Status, TraceContextExt as _, Tracer as _,
};
use opentelemetry::{Context, KeyValue, Value, global};

use crate::{TraceContext, attributes};

/// A span that is being made. It ends when it is dropped.
#[derive(Debug)]
pub struct Span(BoxedSpan);

/// Everything that is known of a span when it begins.
pub(crate) struct Beginning<'a> {
    pub(crate) scope: &'static str,
    pub(crate) name: Cow<'static, str>,
    pub(crate) kind: SpanKind,
    pub(crate) parent: Option<&'a TraceContext>,
    pub(crate) at: Option<SystemTime>,
    pub(crate) attributes: Vec<KeyValue>,
    pub(crate) links: Vec<SpanContext>,
}

impl Span {
    pub(crate) fn begin(
        scope: &'static str,
        name: Cow<'static, str>,
        kind: SpanKind,
        parent: Option<&TraceContext>,
    ) -> Self {
        let (attributes, links) = (Vec::new(), Vec::new());
        Self::of(Beginning { scope, name, kind, parent, at: None, attributes, links })
    }

    pub(crate) fn of(beginning: Beginning<'_>) -> Self {
        let Beginning { scope, name, kind, parent, at, attributes, links } = beginning;
        // Not the thread's current context: who is the parent is said, or there is none.
        let context = match parent {
            Some(parent) => Context::new().with_remote_span_context(parent.remote()),
            None => Context::new(),
        };
        let links = links.into_iter().map(Link::with_context).collect();
        let mut builder =
            SpanBuilder::from_name(name).with_kind(kind).with_attributes(attributes).with_links(links);
        builder.start_time = at;
        Self(global::tracer(scope).build_with_context(builder, &context))
    }

    /// What its children name as their parent.
    pub fn context(&self) -> TraceContext {
        TraceContext::of(self.0.span_context())
    }

    /// Says something more of it; the names are those of [`attributes`].
    pub fn set(&mut self, name: &'static str, value: impl Into<Value>) {
        self.0.set_attribute(KeyValue::new(name, value));
    }

    /// It failed, for this reason, in few words: it is looked for by them.
    pub fn failed(&mut self, why: &'static str) {
        self.set(attributes::ERROR_TYPE, why);
        self.0.set_status(Status::error(why));
    }

    pub(crate) fn end_at(mut self, at: SystemTime) {
        self.0.end_with_timestamp(at);
    }

    pub(crate) fn link_to(&mut self, other: &SpanContext) {
        self.0.add_link(other.clone(), Vec::new());
    }

    pub(crate) fn span_context(&self) -> &SpanContext {
        self.0.span_context()
    }
}
