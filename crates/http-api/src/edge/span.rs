//! The span of one request.

use axum::extract::Request;
use axum::http::StatusCode;
use traces::{Span, TraceContext, attributes};

use super::{Arrived, concerns_operators, numbers};

const SCOPE: &str = "http-api";

/// A request's span, where its trace is sampled. Whoever works on the request finds the span's context in the
/// request's extensions, to name it as the parent of what they do.
pub(super) struct RequestSpan(Option<Span>);

impl RequestSpan {
    /// Requests for health and metrics have none: they are many and tell nothing.
    pub(super) fn begin(arrived: &Arrived, request: &mut Request) -> Self {
        if arrived.ops || !traces::are_recorded() {
            return Self(None);
        }
        let (method, route) = (numbers::label(&arrived.method), arrived.route());
        let span = traces::arrive(SCOPE, || format!("{method} {route}"), arrived.trace.as_ref());
        Self(span.map(|mut span| {
            span.set(attributes::HTTP_METHOD, method);
            span.set(attributes::HTTP_ROUTE, route.to_owned());
            span.set(attributes::REQUEST_ID, arrived.id.as_str().to_owned());
            request.extensions_mut().insert(span.context());
            span
        }))
    }

    pub(super) fn context(&self) -> Option<TraceContext> {
        self.0.as_ref().map(Span::context)
    }

    /// The head of the answer is ready.
    pub(super) fn end(self, status: StatusCode) {
        let Some(mut span) = self.0 else { return };
        span.set(attributes::HTTP_STATUS, i64::from(status.as_u16()));
        if concerns_operators(status) {
            span.failed(status.canonical_reason().unwrap_or("server error"));
        }
    }
}
