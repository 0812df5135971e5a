//! What every service has in common: its headers, and the paths beside its own.

use axum::http::Method;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::parameter::Parameter;
use super::{OpenApi, Operation};
use crate::ProblemType;

/// A header of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Header {
    RequestId,
    Sequence,
    Parked,
    ETag,
    Replayed,
    RetryAfter,
    Challenge,
    Allow,
}

impl Header {
    const ALL: [Self; 8] = [
        Self::RequestId,
        Self::Sequence,
        Self::Parked,
        Self::ETag,
        Self::Replayed,
        Self::RetryAfter,
        Self::Challenge,
        Self::Allow,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::RequestId => "X-Request-Id",
            Self::Sequence => "Twofold-Sequence",
            Self::Parked => "Twofold-Parked",
            Self::ETag => "ETag",
            Self::Replayed => "Idempotency-Replayed",
            Self::RetryAfter => "Retry-After",
            Self::Challenge => "WWW-Authenticate",
            Self::Allow => "Allow",
        }
    }

    fn describe(self) -> Value {
        let (description, schema) = match self {
            Self::RequestId => {
                ("The id of the request; in the log and in problems.", json!({ "type": "string" }))
            }
            Self::Sequence => (
                "What the answer reflects, `<context>/<lane>=<sequence>`. Send it as `Twofold-After` to read what was written.",
                json!({ "type": "string", "examples": ["catalog/3=1042"] }),
            ),
            Self::Parked => (
                "There where the answer lacks events from this sequence on, which could not be applied; absent otherwise.",
                json!({ "type": "integer", "minimum": 1 }),
            ),
            Self::ETag => (
                "The version of the stream (commands) or of the answer (queries), in quotes.",
                json!({ "type": "string", "examples": ["\"1\""] }),
            ),
            Self::Replayed => (
                "`true` when this is the stored answer to an earlier request with the same key; absent otherwise.",
                json!({ "type": "string", "enum": ["true"] }),
            ),
            Self::RetryAfter => {
                ("In how many seconds repeating makes sense.", json!({ "type": "integer", "minimum": 1 }))
            }
            Self::Challenge => ("What is wrong with the token (RFC 6750).", json!({ "type": "string" })),
            Self::Allow => ("The methods that the path takes.", json!({ "type": "string" })),
        };
        json!({ "description": description, "schema": schema })
    }
}

/// All of them, for `#/components/headers`.
pub(super) fn headers() -> Map<String, Value> {
    Header::ALL.iter().map(|header| (header.name().to_owned(), header.describe())).collect()
}

pub(super) fn header_references(headers: &[Header]) -> Value {
    let reference = |header: &Header| {
        let name = header.name();
        (name.to_owned(), json!({ "$ref": format!("#/components/headers/{name}") }))
    };
    Value::Object(headers.iter().map(reference).collect())
}

pub(super) fn problem_headers(kind: ProblemType) -> Vec<Header> {
    let mut headers = vec![Header::RequestId];
    match kind.status().as_u16() {
        401 | 403 => headers.push(Header::Challenge),
        405 => headers.push(Header::Allow),
        429 | 503 => headers.push(Header::RetryAfter),
        _ => {}
    }
    headers
}

pub(super) fn request_id_parameter() -> Value {
    json!({
        "name": "X-Request-Id",
        "in": "header",
        "description": "The client's id for the request, taken over when it is 1 to 128 of `A-Z a-z 0-9 - _ . ~`.",
        "required": false,
        "schema": { "type": "string", "maxLength": 128 },
    })
}

pub(super) fn write_parameters() -> Vec<Parameter> {
    vec![
        Parameter::header(
            "Idempotency-Key",
            "The client's name for this command, 1 to 255 visible characters. Repeating the command with the same key \
             and the same body has one effect and one answer; with another body it is `key-reused`.",
            json!({ "type": "string", "minLength": 1, "maxLength": 255 }),
        ),
        Parameter::header(
            "If-Match",
            "The version that the stream must have, in quotes, or `*`: it must have begun. Else `stale-version`.",
            json!({ "type": "string", "examples": ["\"3\""] }),
        ),
        Parameter::header(
            "traceparent",
            "W3C trace context; kept with the events.",
            json!({ "type": "string" }),
        ),
        Parameter::query(
            "dry_run",
            "`true` answers with what would be recorded and records nothing.",
            json!({ "type": "boolean", "default": false }),
        ),
    ]
}

pub(super) fn read_parameters() -> Vec<Parameter> {
    vec![
        Parameter::header(
            "Twofold-After",
            "What the answer must reflect at least: one or more values of `Twofold-Sequence`, separated by commas. The \
             query waits for it, then answers `read-model-behind`.",
            json!({ "type": "string", "examples": ["catalog/3=1042"] }),
        ),
        Parameter::header(
            "Prefer",
            "`wait=N`: wait at most N seconds for what `Twofold-After` names; 2 when absent, 30 at most.",
            json!({ "type": "string", "examples": ["wait=10"] }),
        ),
        Parameter::header(
            "If-None-Match",
            "The `ETag` of an answer that the client has; 304 when it is still that.",
            json!({ "type": "string" }),
        ),
    ]
}

/// What `/readyz` answers; only for its schema, the value is service-runtime's, which knows no schemas.
#[derive(Serialize, JsonSchema)]
struct Readiness {
    /// Whether requests may be sent here.
    ready: bool,
    /// Whether the service was asked to stop.
    draining: bool,
    /// What the service depends on.
    dependencies: Vec<DependencyReadiness>,
}

/// One thing that the service cannot do its work without.
#[derive(Serialize, JsonSchema)]
struct DependencyReadiness {
    /// Its name.
    name: String,
    /// Whether the service has it.
    ready: bool,
    /// Whether requests may be sent here without it; absent where not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    optional: bool,
    /// Why not.
    why: Option<String>,
}

const TAG: &str = "service";

/// Describes what every service serves beside its own paths.
pub(super) fn describe(api: &mut OpenApi) {
    api.tags.push(json!({ "name": TAG, "description": "The service itself; no token is needed." }));
    let operation = |id: &str, summary: &str| Operation::new(id, summary).tag(TAG);
    api.operation(
        &Method::GET,
        "/healthz",
        operation("getHealth", "Whether the process answers").answer_text(200, "It does.", "text/plain"),
    );
    api.operation(
        &Method::GET,
        "/readyz",
        operation("getReadiness", "Whether requests may be sent here, and what is missing")
            .answer::<Readiness>(200, "They may.")
            .answer::<Readiness>(503, "They may not; the body says why."),
    );
    api.operation(
        &Method::GET,
        "/metrics",
        operation("getMetrics", "Metrics for Prometheus").answer_text(200, "The metrics.", "text/plain"),
    );
    api.operation(
        &Method::GET,
        "/openapi.json",
        operation("getDescription", "This description").answer_text(200, "OpenAPI 3.1.", "application/json"),
    );
    api.operation(
        &Method::GET,
        "/docs",
        operation("getDocs", "A page to read about the operations and to try them").answer_text(
            200,
            "The page.",
            "text/html",
        ),
    );
    api.operation(
        &Method::GET,
        "/problems/{slug}",
        operation("getProblemType", "What a problem's `type` means and what to do about it")
            .path_parameter::<String>("slug", "The last part of the `type`.")
            .answer_text(200, "The page, in Markdown.", "text/markdown")
            .problem(ProblemType::NotFound),
    );
}
