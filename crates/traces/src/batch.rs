//! What was done for several traces at once.

use std::borrow::Cow;
use std::time::{Instant, SystemTime};

use opentelemetry::KeyValue;
use opentelemetry::trace::SpanKind;

use crate::span::{Beginning, Span};
use crate::{TraceContext, are_recorded};

/// Most of a batch that are told one by one. Spans wait in a queue that is bounded, and a span's links are as well.
const MEMBERS_MOST: usize = 128;

/// A piece of work that is done, and is told now.
#[derive(Debug)]
pub struct Batch {
    /// Who tells.
    pub scope: &'static str,
    /// What the work is called as a whole.
    pub name: Cow<'static, str>,
    /// What it is called for one of those that it was done for.
    pub member: Cow<'static, str>,
    /// What kind of work that is.
    pub kind: SpanKind,
    /// When it began.
    pub began: Instant,
    /// When it was done.
    pub ended: Instant,
    /// What is said of the whole.
    pub attributes: Vec<KeyValue>,
}

/// One of those that a batch was done for.
#[derive(Debug)]
pub struct Member {
    context: TraceContext,
    began: Option<Instant>,
    attributes: Vec<KeyValue>,
    failed: Option<&'static str>,
}

impl Member {
    /// The one with this `traceparent`, where it is sampled; what is said of it is only asked for then.
    #[inline]
    pub fn of(traceparent: Option<&str>, attributes: impl FnOnce() -> Vec<KeyValue>) -> Option<Self> {
        let context = TraceContext::sampled(traceparent)?;
        Some(Self { context, began: None, attributes: attributes(), failed: None })
    }

    /// For this one it began earlier: it had waited for the batch.
    #[must_use]
    pub fn since(mut self, began: Option<Instant>) -> Self {
        self.began = began;
        self
    }

    /// For this one it failed, for this reason, where there is one.
    #[must_use]
    pub fn failed(mut self, why: Option<&'static str>) -> Self {
        self.failed = why;
        self
    }
}

impl Batch {
    /// Tells of it, where any of them is sampled. `members` are only looked at while spans are made.
    pub fn tell(self, members: impl IntoIterator<Item = Option<Member>>) {
        if !are_recorded() {
            return;
        }
        let mut members = members.into_iter().flatten().take(MEMBERS_MOST).peekable();
        if members.peek().is_none() {
            return;
        }
        let Self { scope, name, member, kind, began, ended, attributes } = self;
        let clock = Clock::now();
        let ended = clock.at(ended);
        let mut whole = Span::of(Beginning {
            scope,
            name,
            kind: SpanKind::Internal,
            parent: None,
            at: Some(clock.at(began)),
            attributes,
            links: Vec::new(),
        });
        for one in members {
            let mut span = Span::of(Beginning {
                scope,
                name: member.clone(),
                kind: kind.clone(),
                parent: Some(&one.context),
                at: Some(clock.at(one.began.unwrap_or(began))),
                attributes: one.attributes,
                links: vec![whole.span_context().clone()],
            });
            if let Some(why) = one.failed {
                span.failed(why);
            }
            whole.link_to(span.span_context());
            span.end_at(ended);
        }
        whole.end_at(ended);
    }
}

/// Turns moments of the steady clock, which work is timed by, into times of day.
struct Clock(Instant, SystemTime);

impl Clock {
    fn now() -> Self {
        Self(Instant::now(), SystemTime::now())
    }

    fn at(&self, moment: Instant) -> SystemTime {
        self.1.checked_sub(self.0.saturating_duration_since(moment)).unwrap_or(self.1)
    }
}
