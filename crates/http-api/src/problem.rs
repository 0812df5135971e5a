//! Errors as clients see them: RFC 9457 problem details.
//!
//! A problem has two faces. `detail`, `code`, `errors` and the extension members are for strangers; the *cause* is
//! for operators: it is never sent, and logged once by the edge.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use kernel::FieldError;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

mod catalogue;
mod page;

pub use catalogue::ProblemType;
pub(crate) use page::page;

/// The media type of a problem.
pub const CONTENT_TYPE: &str = "application/problem+json";

/// One problem, on its way to a client.
#[derive(Clone)]
pub struct Problem(Box<Parts>);

#[derive(Clone)]
struct Parts {
    kind: ProblemType,
    detail: Option<Cow<'static, str>>,
    code: Option<Cow<'static, str>>,
    errors: Vec<FieldError>,
    extensions: Map<String, Value>,
    headers: HeaderMap,
    cause: Option<Arc<dyn Error + Send + Sync>>,
    correlation_id: Option<Uuid>,
}

/// A problem as it stands in a body; the documentation of its members.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub(crate) struct Members<'a> {
    /// What kind of problem it is: `/problems/<slug>`. The page at that path explains it.
    #[serde(rename = "type")]
    kind: &'a str,
    /// A fixed sentence per type.
    title: &'a str,
    /// The status of the answer.
    status: u16,
    /// What happened this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    /// The id of the request, to find it in the service's log.
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<&'a str>,
    /// The stable name, in kebab-case, of the exact rule or reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    /// What is wrong with which field.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
    /// Further members that the type documents.
    #[serde(flatten)]
    extensions: &'a Map<String, Value>,
}

impl Problem {
    /// A problem of this type with nothing more to say.
    pub fn new(kind: ProblemType) -> Self {
        let mut headers = HeaderMap::new();
        if kind == ProblemType::Unauthenticated {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        Self(Box::new(Parts {
            kind,
            detail: None,
            code: None,
            errors: Vec::new(),
            extensions: Map::new(),
            headers,
            cause: None,
            correlation_id: None,
        }))
        .with_default_retry()
    }

    /// The service's own mistake: a fixed text for the client, the cause for the log.
    pub fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(ProblemType::Internal)
            .detail("the service failed in a way that it did not foresee; nothing is known to be wrong with the request")
            .cause(cause)
    }

    /// Something that the service needs is away; the client may repeat in a second.
    pub fn unavailable(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(ProblemType::Unavailable).cause(cause)
    }

    /// What happened this time, fit for strangers: no internal names, no secrets.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// The stable name of the exact rule or reason, in kebab-case.
    #[must_use]
    pub fn code(mut self, code: impl Into<Cow<'static, str>>) -> Self {
        self.0.code = Some(code.into());
        self
    }

    /// One thing wrong with one field.
    #[must_use]
    pub fn error(mut self, field: impl Into<String>, code: &'static str) -> Self {
        self.0.errors.push(FieldError { field: field.into(), code });
        self
    }

    /// Things wrong with fields.
    #[must_use]
    pub fn errors(mut self, errors: impl IntoIterator<Item = FieldError>) -> Self {
        self.0.errors.extend(errors);
        self
    }

    /// A further member; `docs/problems.md` says which a type has.
    #[must_use]
    pub fn with(mut self, member: &'static str, value: impl Into<Value>) -> Self {
        self.0.extensions.insert(member.to_owned(), value.into());
        self
    }

    /// A header that goes with it.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.insert(name, value);
        self
    }

    /// When repeating makes sense, in whole seconds, at least one.
    #[must_use]
    pub fn retry_after(self, delay: Duration) -> Self {
        let seconds = delay.as_secs().max(1) + u64::from(delay.as_secs() > 0 && delay.subsec_nanos() > 0);
        self.header(header::RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// What operators should know and strangers should not. The edge logs it, once.
    #[must_use]
    pub fn cause(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.0.cause = Some(Arc::from(cause.into()));
        self
    }

    /// What the request was tied to everything else by, for the log.
    #[must_use]
    pub fn correlated(mut self, id: Uuid) -> Self {
        self.0.correlation_id = Some(id);
        self
    }

    pub(crate) fn correlation_id(&self) -> Option<Uuid> {
        self.0.correlation_id
    }

    /// What kind it is.
    pub fn kind(&self) -> ProblemType {
        self.0.kind
    }

    /// The exact rule or reason, where one was named.
    pub fn named_code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// What operators should know, the whole chain of it.
    pub(crate) fn cause_text(&self) -> Option<String> {
        let cause = self.0.cause.as_deref()?;
        let mut text = cause.to_string();
        let mut deeper = cause.source();
        while let Some(error) = deeper {
            let said = error.to_string();
            // Many errors repeat their source in their own text.
            if !text.contains(&said) {
                text.push_str(": ");
                text.push_str(&said);
            }
            deeper = error.source();
        }
        Some(text)
    }

    /// The answer, with the id of the request where it is known.
    pub(crate) fn render(&self, instance: Option<&str>) -> Response {
        let parts = &*self.0;
        let members = Members {
            kind: parts.kind.uri(),
            title: parts.kind.title(),
            status: parts.kind.status().as_u16(),
            detail: parts.detail.as_deref(),
            instance,
            code: parts.code.as_deref(),
            errors: &parts.errors,
            extensions: &parts.extensions,
        };
        // Strings and numbers under string keys: serialising them does not fail.
        let body = serde_json::to_vec(&members).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = parts.kind.status();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.extend(parts.headers.clone());
        response
    }

    /// A 503 without `Retry-After` leaves clients guessing.
    fn with_default_retry(self) -> Self {
        if self.0.kind.status().as_u16() == 503 { self.retry_after(Duration::from_secs(1)) } else { self }
    }
}

/// The problem rides along in the response's extensions, so that the edge can log its cause and name the request.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.render(None);
        response.extensions_mut().insert(self);
        response
    }
}

impl fmt::Debug for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Problem")
            .field("type", &self.0.kind.slug())
            .field("detail", &self.0.detail)
            .field("code", &self.0.code)
            .field("errors", &self.0.errors)
            .field("cause", &self.cause_text())
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.0.kind.title())?;
        self.0.detail.as_deref().map_or(Ok(()), |detail| write!(out, ": {detail}"))
    }
}

impl Error for Problem {}

#[cfg(test)]
mod tests;
