//! The Confluent REST interface.

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequestParts, Path, Query, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use wire::MEDIA_TYPE;
use wire::compatibility::Level;

use crate::problem::Problem;
use crate::registry::{Candidate, EVERYBODY, Registry, Which};
use crate::storage::Version;

/// The largest body of a request, in bytes.
const LARGEST_BODY: usize = 1 << 20;

pub(crate) fn router(registry: Registry) -> Router {
    Router::new()
        .route("/", get(root))
        .route("/schemas/types", get(types))
        .route("/schemas/ids/{id}", get(schema_by_id))
        .route("/schemas/ids/{id}/schema", get(text_by_id))
        .route("/schemas/ids/{id}/subjects", get(subjects_by_id))
        .route("/schemas/ids/{id}/versions", get(versions_by_id))
        .route("/subjects", get(subjects))
        .route("/subjects/{subject}", post(look_up))
        .route("/subjects/{subject}/versions", get(versions).post(register))
        .route("/subjects/{subject}/versions/{version}", get(version))
        .route("/subjects/{subject}/versions/{version}/schema", get(text_by_version))
        .route("/subjects/{subject}/versions/{version}/referencedby", get(referenced_by))
        .route("/compatibility/subjects/{subject}/versions", post(check_all))
        .route("/compatibility/subjects/{subject}/versions/{version}", post(check_one))
        .route("/config", get(level).put(set_level))
        .route("/config/{subject}", get(subject_level).put(set_subject_level).delete(clear_subject_level))
        .route("/mode", get(mode))
        .fallback(|| async { Problem::Refused(StatusCode::NOT_FOUND) })
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(middleware::from_fn(with_media_type))
        .with_state(registry)
}

type Answer<T> = Result<Json<T>, Problem>;

/// The interface's own media type on every answer, and its form on those refusals that come before a handler.
async fn with_media_type(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let json = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    if response.status().is_client_error() && !json {
        response = Problem::Refused(response.status()).into_response();
    }
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    response
}

async fn root() -> Json<Value> {
    Json(json!({}))
}

async fn types() -> Json<[&'static str; 1]> {
    Json(["AVRO"])
}

async fn mode() -> Json<Value> {
    Json(json!({ "mode": "READWRITE" }))
}

async fn schema_by_id(State(registry): State<Registry>, Id(id): Id) -> Answer<Value> {
    Ok(Json(json!({ "schema": registry.text(id).await? })))
}

async fn text_by_id(State(registry): State<Registry>, Id(id): Id) -> Result<String, Problem> {
    registry.text(id).await
}

async fn subjects_by_id(State(registry): State<Registry>, Id(id): Id) -> Answer<Vec<String>> {
    let mut subjects: Vec<_> = registry.uses(id).await?.into_iter().map(|(subject, _)| subject).collect();
    subjects.dedup();
    Ok(Json(subjects))
}

async fn versions_by_id(State(registry): State<Registry>, Id(id): Id) -> Answer<Vec<Value>> {
    let uses = registry.uses(id).await?.into_iter();
    Ok(Json(uses.map(|(subject, version)| json!({ "subject": subject, "version": version })).collect()))
}

#[derive(Deserialize)]
struct Selection {
    #[serde(rename = "subjectPrefix", default)]
    prefix: String,
}

async fn subjects(
    State(registry): State<Registry>,
    Query(selection): Query<Selection>,
) -> Answer<Vec<String>> {
    Ok(Json(registry.subjects(&selection.prefix).await?))
}

/// A schema as it is sent.
#[derive(Deserialize)]
struct Sent {
    schema: String,
    #[serde(rename = "schemaType")]
    kind: Option<String>,
    #[serde(default)]
    references: Vec<Value>,
}

fn candidate(body: &Bytes) -> Result<Candidate, Problem> {
    let sent: Sent = parse(body)?;
    if let Some(kind) = sent.kind.filter(|kind| kind != "AVRO") {
        let kind: String = kind.chars().take(40).collect();
        return Err(Problem::InvalidSchema(format!("schemas of type {kind} are not kept here, only AVRO")));
    }
    if !sent.references.is_empty() {
        return Err(Problem::InvalidSchema("references are not supported".to_owned()));
    }
    Candidate::new(sent.schema)
}

fn parse<T: DeserializeOwned>(body: &Bytes) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| Problem::InvalidBody(error.to_string()))
}

async fn register(
    State(registry): State<Registry>,
    Path(subject): Path<String>,
    body: Bytes,
) -> Answer<Value> {
    let id = registry.register(&subject, &candidate(&body)?).await?;
    Ok(Json(json!({ "id": id })))
}

/// A version as it is answered.
#[derive(Serialize)]
struct Described {
    subject: String,
    id: i32,
    version: i32,
    schema: String,
}

impl Described {
    fn new(subject: String, version: Version) -> Json<Self> {
        let Version { version, schema_id, text } = version;
        Json(Self { subject, id: schema_id, version, schema: text })
    }
}

async fn look_up(
    State(registry): State<Registry>,
    Path(subject): Path<String>,
    body: Bytes,
) -> Answer<Described> {
    let found = registry.look_up(&subject, &candidate(&body)?).await?;
    Ok(Described::new(subject, found))
}

async fn versions(State(registry): State<Registry>, Path(subject): Path<String>) -> Answer<Vec<i32>> {
    let versions = registry.versions(&subject).await?;
    Ok(Json(versions.into_iter().map(|version| version.version).collect()))
}

async fn version(
    State(registry): State<Registry>,
    Path((subject, which)): Path<(String, String)>,
) -> Answer<Described> {
    let found = registry.version(&subject, Which::parse(&which)?).await?;
    Ok(Described::new(subject, found))
}

async fn text_by_version(
    State(registry): State<Registry>,
    Path((subject, which)): Path<(String, String)>,
) -> Result<String, Problem> {
    Ok(registry.version(&subject, Which::parse(&which)?).await?.text)
}

async fn referenced_by(
    State(registry): State<Registry>,
    Path((subject, which)): Path<(String, String)>,
) -> Answer<[i32; 0]> {
    registry.version(&subject, Which::parse(&which)?).await?;
    Ok(Json([]))
}

#[derive(Deserialize)]
struct Detail {
    #[serde(default)]
    verbose: bool,
}

async fn check_all(
    State(registry): State<Registry>,
    Path(subject): Path<String>,
    Query(detail): Query<Detail>,
    body: Bytes,
) -> Answer<Value> {
    let why = registry.check(&subject, None, &candidate(&body)?).await?;
    Ok(verdict(why, &detail))
}

async fn check_one(
    State(registry): State<Registry>,
    Path((subject, which)): Path<(String, String)>,
    Query(detail): Query<Detail>,
    body: Bytes,
) -> Answer<Value> {
    let why = registry.check(&subject, Some(Which::parse(&which)?), &candidate(&body)?).await?;
    Ok(verdict(why, &detail))
}

fn verdict(why: Option<String>, detail: &Detail) -> Json<Value> {
    let compatible = why.is_none();
    if detail.verbose {
        let messages: Vec<String> = why.into_iter().collect();
        return Json(json!({ "is_compatible": compatible, "messages": messages }));
    }
    Json(json!({ "is_compatible": compatible }))
}

#[derive(Deserialize)]
struct NewLevel {
    compatibility: String,
}

fn new_level(body: &Bytes) -> Result<Level, Problem> {
    let NewLevel { compatibility } = parse(body)?;
    compatibility.to_ascii_uppercase().parse().map_err(|_| Problem::InvalidLevel)
}

fn described(level: Level) -> Json<Value> {
    Json(json!({ "compatibilityLevel": level.name() }))
}

async fn level(State(registry): State<Registry>) -> Answer<Value> {
    Ok(described(registry.level(EVERYBODY).await?))
}

async fn set_level(State(registry): State<Registry>, body: Bytes) -> Answer<Value> {
    let level = new_level(&body)?;
    registry.set_level(EVERYBODY, level).await?;
    Ok(Json(json!({ "compatibility": level.name() })))
}

#[derive(Deserialize)]
struct Fallback {
    #[serde(rename = "defaultToGlobal", default)]
    to_global: bool,
}

async fn subject_level(
    State(registry): State<Registry>,
    Path(subject): Path<String>,
    Query(fallback): Query<Fallback>,
) -> Answer<Value> {
    let level = if fallback.to_global {
        registry.level(&subject).await?
    } else {
        registry.own_level(&subject).await?
    };
    Ok(described(level))
}

async fn set_subject_level(
    State(registry): State<Registry>,
    Path(subject): Path<String>,
    body: Bytes,
) -> Answer<Value> {
    let level = new_level(&body)?;
    registry.set_level(&subject, level).await?;
    Ok(Json(json!({ "compatibility": level.name() })))
}

async fn clear_subject_level(State(registry): State<Registry>, Path(subject): Path<String>) -> Answer<Value> {
    Ok(described(registry.clear_level(&subject).await?))
}

/// A schema's id in a path; what is no number is no schema either.
struct Id(i32);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        match Path::<i32>::from_request_parts(parts, state).await {
            Ok(Path(id)) => Ok(Self(id)),
            Err(_) => Err(Problem::Refused(StatusCode::NOT_FOUND).into_response()),
        }
    }
}
