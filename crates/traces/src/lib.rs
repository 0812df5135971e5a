#![doc = include_str!("../README.md")]

pub mod attributes;
mod batch;
mod context;
mod sampling;
mod span;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

pub use batch::{Batch, Member};
pub use context::TraceContext;
pub use opentelemetry::KeyValue;
pub use opentelemetry::trace::SpanKind;
pub use sampling::{Sampler, Sampling};
pub use span::Span;

static RECORDED: AtomicBool = AtomicBool::new(false);
static SAMPLING: OnceLock<Sampling> = OnceLock::new();

/// From now on spans are made with OpenTelemetry's global provider, which must record whatever it is given: what is
/// sampled is decided here. The first to say how stays.
pub fn record(sampling: Sampling) {
    let _ = SAMPLING.set(sampling);
    RECORDED.store(true, Ordering::Relaxed);
}

/// From now on no span is made.
pub fn stop() {
    RECORDED.store(false, Ordering::Relaxed);
}

/// Whether this process makes spans at all.
#[inline]
pub fn are_recorded() -> bool {
    RECORDED.load(Ordering::Relaxed)
}

/// The span of a request that arrived, in its caller's trace or in a new one; none where it is not sampled.
pub fn arrive(
    scope: &'static str,
    name: impl FnOnce() -> String,
    parent: Option<&TraceContext>,
) -> Option<Span> {
    let sampled = are_recorded() && SAMPLING.get().is_some_and(|sampling| sampling.takes(parent));
    sampled.then(|| Span::begin(scope, name().into(), SpanKind::Server, parent))
}

/// A span in the trace that this `traceparent` names; none where that is not sampled.
pub fn follow(
    scope: &'static str,
    name: impl FnOnce() -> String,
    kind: SpanKind,
    traceparent: Option<&str>,
) -> Option<Span> {
    let parent = TraceContext::sampled(traceparent)?;
    Some(Span::begin(scope, name().into(), kind, Some(&parent)))
}

/// The trace that a `traceparent` names, sampled or not, as log lines say it.
pub fn trace_id(traceparent: Option<&str>) -> Option<&str> {
    traceparent?.get(3..35)
}

#[cfg(test)]
mod tests;
