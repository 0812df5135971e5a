//! What a client is answered.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use dispatch::{Answer, BodyError, CommandError, DryRun};
use http_api::headers::{IDEMPOTENCY_REPLAYED, TWOFOLD_SEQUENCE, sequence_value};
use http_api::{ETag, Problem, ProblemType};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

/// What a command recorded. No business data: that is what queries are for.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "CommandAnswer")]
pub(crate) struct Recorded<'a> {
    /// The stream that it was about.
    stream: &'a str,
    /// The stream's id, chosen by the client or made.
    id: Uuid,
    /// The stream's version after it.
    version: u64,
    /// The lane that the tenant lives in.
    lane: u16,
    /// The place of its last event in the log of context and lane; where nothing had to change, the log's head.
    sequence: u64,
    /// What happened, in order; empty where nothing had to change.
    events: Vec<RecordedEvent<'a>>,
}

/// An event that a command recorded.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "RecordedEvent")]
pub(crate) struct RecordedEvent<'a> {
    /// Its id, the same on the topic.
    id: Uuid,
    /// Its type.
    #[serde(rename = "type")]
    event_type: &'a str,
}

/// What a command would record (`?dry_run=true`).
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DryRunAnswer")]
pub(crate) struct Tried<'a> {
    /// `true`: nothing was recorded.
    dry_run: bool,
    /// The stream that it is about.
    stream: &'a str,
    /// The stream's id; where the command named none, the command itself will make another.
    id: Uuid,
    /// The version that the stream would have.
    version: u64,
    /// The lane that the tenant lives in, if it has one yet.
    lane: Option<u16>,
    /// What would happen, in order.
    events: Vec<TriedEvent<'a>>,
}

/// An event that a command would record.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DryRunEvent")]
pub(crate) struct TriedEvent<'a> {
    /// Its type.
    #[serde(rename = "type")]
    event_type: &'a str,
    /// What it would say.
    data: &'a Value,
}

/// 201 when the command began its stream, else 200.
pub(crate) fn recorded(answer: &Answer) -> Result<Response, Problem> {
    let receipt = &answer.receipt;
    let body = Recorded {
        stream: receipt.stream.as_str(),
        id: receipt.stream.id().unwrap_or_default(),
        version: receipt.version.number(),
        lane: receipt.log.lane.number(),
        sequence: receipt.sequence.number(),
        events: receipt
            .events
            .iter()
            .map(|(id, event_type)| RecordedEvent { id: id.0, event_type })
            .collect(),
    };
    let status = if receipt.began_stream { StatusCode::CREATED } else { StatusCode::OK };
    let mut response = json(status, &body)?;
    let headers = response.headers_mut();
    headers.insert(header::ETAG, ETag::of_version(receipt.version).header_value());
    headers.insert(TWOFOLD_SEQUENCE, sequence_value(&receipt.log.at(receipt.sequence)));
    if answer.replayed {
        headers.insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// 200, whatever would have begun.
pub(crate) fn tried(tried: &DryRun) -> Result<Response, Problem> {
    let events =
        tried.events.iter().map(|event| TriedEvent { event_type: event.event_type, data: &event.data });
    let body = Tried {
        dry_run: true,
        stream: tried.stream.as_str(),
        id: tried.id,
        version: tried.version.number(),
        lane: tried.lane.map(kernel::Lane::number),
        events: events.collect(),
    };
    json(StatusCode::OK, &body)
}

pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Result<Response, Problem> {
    let body = serde_json::to_vec(body).map_err(Problem::internal)?;
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// The one place where a pipeline's error becomes a problem.
pub(crate) fn problem(error: CommandError) -> Problem {
    match error {
        CommandError::Body(BodyError::Malformed(reason)) => {
            Problem::new(ProblemType::MalformedBody).detail(format!("the body is not JSON: {reason}"))
        }
        CommandError::Body(BodyError::Mistyped(errors)) => {
            let detail = "a value has another type than the command's schema says";
            Problem::new(ProblemType::MalformedBody).detail(detail).errors(errors)
        }
        CommandError::Body(BodyError::Invalid(errors)) => {
            let detail = "the body is well-formed, but not what the command takes";
            Problem::new(ProblemType::InvalidBody).detail(detail).errors(errors)
        }
        CommandError::Refused(refusal) => {
            Problem::new(ProblemType::Rejected).detail(refusal.sentence).code(refusal.code)
        }
        CommandError::Stale { actual } => Problem::new(ProblemType::StaleVersion)
            .detail(format!("the stream is at version {actual}"))
            .with("version", actual.number())
            .header(header::ETAG, ETag::of_version(actual).header_value()),
        CommandError::KeyReused => Problem::new(ProblemType::KeyReused)
            .detail("an earlier command with this Idempotency-Key had another name or body"),
        CommandError::Contended => Problem::new(ProblemType::Conflict)
            .detail("others kept changing what the command is about; nothing was recorded"),
        CommandError::Busy => {
            Problem::new(ProblemType::Overloaded).detail("too many commands wait; nothing was recorded")
        }
        CommandError::Unavailable(cause) => {
            Problem::unavailable(cause).detail("the log is not available; nothing was recorded")
        }
        CommandError::Unknown => Problem::new(ProblemType::OutcomeUnknown).detail(
            "the log was lost while it recorded the command; repeat it with the same Idempotency-Key to find out",
        ),
        CommandError::Failed(cause) => Problem::internal(cause),
    }
}
