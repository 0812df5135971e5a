//! The headers that commands and queries speak with.

use std::sync::Arc;

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use traces::TraceContext;

use crate::{Problem, ProblemType};

mod after;
mod etag;
mod idempotency;
mod prefer;

pub use after::{TwofoldAfter, sequence_value};
pub use etag::{ETag, IfMatch, IfNoneMatch};
pub use idempotency::IdempotencyKey;
pub use prefer::Prefer;

/// What an answer reflects: `catalog/3=1042`. On every answer of a command and of a query.
pub const TWOFOLD_SEQUENCE: HeaderName = HeaderName::from_static("twofold-sequence");
/// On a query's answer that lacks events from this sequence on, which could not be applied.
pub const TWOFOLD_PARKED: HeaderName = HeaderName::from_static("twofold-parked");
/// What a query's answer must reflect at least: one or more of the tokens above.
pub const TWOFOLD_AFTER: HeaderName = HeaderName::from_static("twofold-after");
/// The client's name for a command, which makes repeating it harmless.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// `true` on an answer that was given before.
pub const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// `wait=N`: how many seconds a query may wait for what it must reflect.
pub const PREFER: HeaderName = HeaderName::from_static("prefer");
/// The id of a request, the client's or made for it; problems carry it as `instance`.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Where a stream of server-sent events is taken up again.
pub const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Ties together everything that began with one request from outside; a UUID.
pub const X_CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");
/// The event or command that caused a command; a UUID. Taken from services with the scope `process` only.
pub const X_CAUSATION_ID: HeaderName = HeaderName::from_static("x-causation-id");
/// The W3C trace context of whoever called.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The caller's W3C trace context, when it is well-formed; a malformed one is ignored, as its specification says.
pub fn traceparent(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(TRACEPARENT)?.to_str().ok()?;
    TraceContext::parse(text).map(|_| text)
}

/// The same, read.
pub(crate) fn trace_context(headers: &HeaderMap) -> Option<TraceContext> {
    TraceContext::parse(headers.get(TRACEPARENT)?.to_str().ok()?)
}

/// The trace context that whatever a request brings about belongs to: that of the request's own span where it has one,
/// else the caller's.
pub fn trace_of(parts: &Parts) -> Option<Arc<str>> {
    if traces::are_recorded()
        && let Some(own) = parts.extensions.get::<TraceContext>()
    {
        return Some(own.to_string().into());
    }
    traceparent(&parts.headers).map(Arc::from)
}

/// The one value of a header; a problem when it is there twice or is not visible ASCII.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Problem> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(invalid(name, "repeated", "is given more than once"));
    }
    text(name, value).map(Some)
}

fn text<'a>(name: &HeaderName, value: &'a HeaderValue) -> Result<&'a str, Problem> {
    value.to_str().map_err(|_| invalid(name, "malformed", "must be visible ASCII"))
}

fn invalid(name: &HeaderName, code: &'static str, what: &str) -> Problem {
    Problem::new(ProblemType::InvalidHeader)
        .detail(format!("the header `{name}` {what}"))
        .error(name.as_str(), code)
}

/// Makes an extractor of a type that parses itself from the headers.
macro_rules! from_headers {
    ($name:ty) => {
        impl<S: Send + Sync> axum::extract::FromRequestParts<S> for $name {
            type Rejection = $crate::Problem;

            async fn from_request_parts(
                parts: &mut axum::http::request::Parts,
                _state: &S,
            ) -> Result<Self, Self::Rejection> {
                Self::from_headers(&parts.headers)
            }
        }
    };
}

/// Makes an extractor, `Option<…>`, of a type that parses itself from the headers where they have it.
macro_rules! optional_from_headers {
    ($name:ty) => {
        impl<S: Send + Sync> axum::extract::OptionalFromRequestParts<S> for $name {
            type Rejection = $crate::Problem;

            async fn from_request_parts(
                parts: &mut axum::http::request::Parts,
                _state: &S,
            ) -> Result<Option<Self>, Self::Rejection> {
                Self::from_headers(&parts.headers)
            }
        }
    };
}

use {from_headers, optional_from_headers};

#[cfg(test)]
mod tests;
