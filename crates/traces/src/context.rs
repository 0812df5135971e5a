//! The W3C trace context.

use std::fmt;

use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

use crate::are_recorded;

/// A span as others name it: what a `traceparent` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceContext {
    trace: TraceId,
    span: SpanId,
    sampled: bool,
}

impl TraceContext {
    /// Reads a `traceparent`; none where it is not well-formed, as its specification says.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: &[u8; 55] = text.as_bytes().try_into().ok()?;
        let hex = |range: std::ops::Range<usize>| {
            let part = text.get(range)?;
            part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')).then_some(part)
        };
        if [bytes[2], bytes[35], bytes[52]] != [b'-'; 3] || hex(0..2)? == "ff" {
            return None;
        }
        let trace = TraceId::from_hex(hex(3..35)?).ok()?;
        let span = SpanId::from_hex(hex(36..52)?).ok()?;
        let flags = u8::from_str_radix(hex(53..55)?, 16).ok()?;
        let named = trace != TraceId::INVALID && span != SpanId::INVALID;
        named.then_some(Self { trace, span, sampled: flags & 1 == 1 })
    }

    /// The context that this `traceparent` names, where it is sampled and spans are made at all.
    #[inline]
    pub fn sampled(traceparent: Option<&str>) -> Option<Self> {
        if !are_recorded() {
            return None;
        }
        let text = traceparent?;
        // The flags are the last two digits, and the first of them is the lowest bit.
        let may_be = text
            .as_bytes()
            .last()
            .is_some_and(|digit| matches!(digit, b'1' | b'3' | b'5' | b'7' | b'9' | b'b' | b'd' | b'f'));
        if may_be { Self::parse(text).filter(Self::is_sampled) } else { None }
    }

    /// Whether the trace is one whose spans are kept.
    pub fn is_sampled(&self) -> bool {
        self.sampled
    }

    /// The trace's id, 32 digits.
    pub fn trace_id(&self) -> String {
        self.trace.to_string()
    }

    /// The low half of the trace's id, by which some samplers choose.
    pub(crate) fn low_half(&self) -> u64 {
        let [.., a, b, c, d, e, f, g, h] = self.trace.to_bytes();
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }

    pub(crate) fn of(span: &SpanContext) -> Self {
        Self { trace: span.trace_id(), span: span.span_id(), sampled: span.is_sampled() }
    }

    pub(crate) fn remote(&self) -> SpanContext {
        let flags = if self.sampled { TraceFlags::SAMPLED } else { TraceFlags::NOT_SAMPLED };
        SpanContext::new(self.trace, self.span, flags, true, TraceState::NONE)
    }
}

/// As a `traceparent`.
impl fmt::Display for TraceContext {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "00-{}-{}-{:02x}", self.trace, self.span, u8::from(self.sampled))
    }
}
