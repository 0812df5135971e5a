//! Answers that say no, with the error codes of the Confluent interface.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tracing::error;

/// Why a request was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    /// There is no such subject.
    #[error("Subject '{0}' not found.")]
    NoSubject(String),
    /// The subject has no such version.
    #[error("Version {0} not found.")]
    NoVersion(i32),
    /// No schema has this id, or the subject has no such schema.
    #[error("Schema not found")]
    NoSchema,
    /// The subject has no level of its own.
    #[error("Subject '{0}' does not have subject-level compatibility configured")]
    NoLevel(String),
    /// The text is no Avro schema, or one that cannot be kept here.
    #[error("Invalid schema: {0}")]
    InvalidSchema(String),
    /// A version is a number from 1, or `latest`.
    #[error(
        "The specified version '{0}' is not a valid version id. Allowed values are between [1, 2^31-1] and the string \"latest\""
    )]
    InvalidVersion(String),
    /// The text names no level.
    #[error(
        "Invalid compatibility level. Valid values are none, backward, forward, full, backward_transitive, forward_transitive, and full_transitive"
    )]
    InvalidLevel,
    /// The body is not the JSON that the request needs.
    #[error("The request's body is not as expected: {0}")]
    InvalidBody(String),
    /// Earlier versions refuse the schema.
    #[error(
        "Schema being registered is incompatible with an earlier schema for subject \"{subject}\": {why}"
    )]
    Incompatible {
        /// The subject.
        subject: String,
        /// Where and why.
        why: String,
    },
    /// No such resource, not this method, a body too large: what HTTP itself has a word for.
    #[error("HTTP {0}")]
    Refused(StatusCode),
    /// The database is away, or broken.
    #[error("Error in the backend data store")]
    Store(#[from] sqlx::Error),
}

impl Problem {
    /// Status and error code.
    fn codes(&self) -> (StatusCode, u32) {
        match self {
            Self::NoSubject(_) => (StatusCode::NOT_FOUND, 40401),
            Self::NoVersion(_) => (StatusCode::NOT_FOUND, 40402),
            Self::NoSchema => (StatusCode::NOT_FOUND, 40403),
            Self::NoLevel(_) => (StatusCode::NOT_FOUND, 40408),
            Self::InvalidSchema(_) => (StatusCode::UNPROCESSABLE_ENTITY, 42201),
            Self::InvalidVersion(_) => (StatusCode::UNPROCESSABLE_ENTITY, 42202),
            Self::InvalidLevel => (StatusCode::UNPROCESSABLE_ENTITY, 42203),
            Self::InvalidBody(_) => (StatusCode::BAD_REQUEST, 400),
            Self::Incompatible { .. } => (StatusCode::CONFLICT, 409),
            Self::Refused(status) => (*status, status.as_u16().into()),
            Self::Store(_) => (StatusCode::INTERNAL_SERVER_ERROR, 50001),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        if let Self::Store(cause) = &self {
            error!(%cause, "the registry's database did not do what it was asked");
        }
        let (status, code) = self.codes();
        (status, Json(json!({ "error_code": code, "message": self.to_string() }))).into_response()
    }
}
