//! Extractors whose rejections are problems.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, OptionalFromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::{Problem, ProblemType};

/// The bytes of a JSON body: of the right media type and within the limit, not yet parsed.
#[derive(Debug, Clone)]
pub struct JsonBody(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for JsonBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::new(ProblemType::UnsupportedMediaType)
                .detail("send the body as `Content-Type: application/json`"));
        }
        let limit = crate::edge::body_limit(&request);
        if content_length(request.headers()).is_some_and(|length| length > limit as u64) {
            return Err(too_large(limit));
        }
        match Bytes::from_request(request, state).await {
            Ok(bytes) => Ok(Self(bytes)),
            Err(rejection) if rejection.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE => {
                Err(too_large(limit))
            }
            Err(rejection) => Err(Problem::new(ProblemType::MalformedBody)
                .detail("the body ended before it was complete")
                .cause(rejection)),
        }
    }
}

/// A JSON body as a value.
#[derive(Debug, Clone, Copy)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let JsonBody(bytes) = JsonBody::from_request(request, state).await?;
        let mut json = serde_json::Deserializer::from_slice(&bytes);
        let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
            let path = error.path().to_string();
            let problem = malformed_body(error.inner());
            if error.inner().is_data() { problem.error(path, "unexpected") } else { problem }
        })?;
        json.end().map_err(|error| malformed_body(&error))?;
        Ok(Self(value))
    }
}

/// The problem of a body that is not JSON, or not of the expected types, with the place where that shows.
pub fn malformed_body(error: &serde_json::Error) -> Problem {
    let detail = match error.classify() {
        Category::Eof => "the JSON ends too early",
        Category::Syntax => "the body is not JSON",
        Category::Data => "a value is not of the expected form",
        Category::Io => "the body could not be read",
    };
    Problem::new(ProblemType::MalformedBody).detail(format!(
        "{detail}, at line {} column {}",
        error.line(),
        error.column()
    ))
}

/// The parts of a path.
#[derive(Debug, Clone, Copy)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        use axum::extract::path::ErrorKind;
        use axum::extract::rejection::PathRejection;

        match <axum::extract::Path<T> as FromRequestParts<S>>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(PathRejection::FailedToDeserializePathParams(failed)) => {
                let field = match failed.kind() {
                    ErrorKind::ParseErrorAtKey { key, .. }
                    | ErrorKind::InvalidUtf8InPathParam { key }
                    | ErrorKind::DeserializeError { key, .. } => key.clone(),
                    ErrorKind::ParseErrorAtIndex { index, .. } => index.to_string(),
                    _ => "path".to_owned(),
                };
                Err(invalid_parameter(field, "malformed"))
            }
            Err(other) => Err(Problem::internal(other)),
        }
    }
}

/// The query string as a struct. Give the struct `#[serde(deny_unknown_fields)]`: a misspelt filter that is
/// silently ignored answers another question.
#[derive(Debug, Clone, Copy)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        let pairs = serde_urlencoded::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
        serde_path_to_error::deserialize(pairs).map(Self).map_err(|error| query_problem(&error))
    }
}

/// A query string as a struct where there is one.
impl<T: DeserializeOwned, S: Send + Sync> OptionalFromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Problem> {
        if parts.uri.query().is_none_or(str::is_empty) {
            return Ok(None);
        }
        <Self as FromRequestParts<S>>::from_request_parts(parts, state).await.map(Some)
    }
}

/// serde says what is wrong only in words; the words are serde's own and stable enough to sort by, and a miss
/// costs no more than a vaguer code.
fn query_problem(error: &serde_path_to_error::Error<serde_urlencoded::de::Error>) -> Problem {
    let said = error.inner().to_string();
    let named = said.split('`').nth(1);
    let code = if said.starts_with("unknown field") {
        "unknown-parameter"
    } else if said.starts_with("missing field") {
        "missing"
    } else if said.starts_with("duplicate field") {
        "repeated"
    } else {
        "malformed"
    };
    let field = match (code, named) {
        ("malformed", _) | (_, None) => error.path().to_string(),
        (_, Some(named)) => named.to_owned(),
    };
    invalid_parameter(field, code)
}

fn invalid_parameter(field: String, code: &'static str) -> Problem {
    let detail = match code {
        "unknown-parameter" => format!("`{field}` is not a parameter of this path"),
        "missing" => format!("the parameter `{field}` is missing"),
        "repeated" => format!("the parameter `{field}` is given more than once"),
        _ => format!("the parameter `{field}` is not of the expected form"),
    };
    Problem::new(ProblemType::InvalidParameter).detail(detail).error(field, code)
}

fn too_large(limit: usize) -> Problem {
    Problem::new(ProblemType::TooLarge)
        .detail(format!("the body may have at most {limit} bytes"))
        .with("limit", limit)
}

/// `application/json` or anything that ends in `+json`, with or without parameters.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(content_type) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else {
        return false;
    };
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    let (kind, subtype) = essence.split_once('/').unwrap_or_default();
    let json = subtype.eq_ignore_ascii_case("json")
        || subtype.len() > 5
            && subtype.get(subtype.len() - 5..).is_some_and(|end| end.eq_ignore_ascii_case("+json"));
    kind.eq_ignore_ascii_case("application") && json
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

#[cfg(test)]
mod tests;
