//! The client of a schema registry with the Confluent REST interface.

use std::sync::Arc;
use std::time::Duration;

use kernel::SchemaFingerprint;
use quick_cache::sync::Cache;
use reqwest::{Method, StatusCode, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::compatibility::Level;
use crate::schema::{self, SchemaError};

/// The media type of requests and answers.
pub const MEDIA_TYPE: &str = "application/vnd.schemaregistry.v1+json";

/// How the client behaves.
#[derive(Debug, Clone)]
pub struct RegistryOptions {
    /// How long a connection may take to come about.
    pub connect_timeout: Duration,
    /// How long a whole request may take. A registry that hangs costs this much before the caller hears.
    pub request_timeout: Duration,
    /// How many schemas are remembered in each direction; more are asked for again.
    pub remembered: usize,
    /// The largest answer that is read, in bytes.
    pub largest_answer: usize,
}

impl Default for RegistryOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(2),
            request_timeout: Duration::from_secs(10),
            remembered: 4096,
            largest_answer: 4 << 20,
        }
    }
}

/// A schema as the registry has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisteredSchema {
    /// Its text.
    pub json: String,
    /// Its fingerprint.
    pub fingerprint: SchemaFingerprint,
}

/// Why the registry gave no answer that can be used.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The URL cannot be used at all.
    #[error("the registry's url is not an http url")]
    Url,
    /// Nobody answered, or not in time.
    #[error("the registry cannot be reached: {0}")]
    Unreachable(String),
    /// It answered that it cannot, for now.
    #[error("the registry is not able to answer: status {status}")]
    Unavailable {
        /// The status.
        status: u16,
    },
    /// It answered no, and will again.
    #[error("the registry refused: {message} (status {status}, code {code})")]
    Refused {
        /// The status.
        status: u16,
        /// Its error code: 40403 where it knows no schema with an id, 409 where a schema is not compatible.
        code: i64,
        /// What it said.
        message: String,
    },
    /// The answer is not what the interface promises.
    #[error("the registry's answer makes no sense: {0}")]
    Answer(String),
    /// It has a schema that is none.
    #[error(transparent)]
    Schema(#[from] SchemaError),
}

impl RegistryError {
    /// Whether the same request may succeed later with nothing changed but the registry's health.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Unavailable { .. } => true,
            Self::Url | Self::Refused { .. } | Self::Answer(_) | Self::Schema(_) => false,
        }
    }

    /// Whether the registry has no such schema, subject or version.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { status: 404, .. })
    }

    /// Whether a schema was refused for what earlier versions say.
    pub fn is_incompatible(&self) -> bool {
        matches!(self, Self::Refused { status: 409, .. })
    }
}

/// A client; clones share connections and what is remembered.
///
/// What an id or a schema stands for never changes, so that answers are kept; equal questions that come while one
/// is under way wait for its answer. Nothing is repeated inside: the caller knows whether it may wait.
#[derive(Clone)]
pub struct RegistryClient(Arc<Client>);

struct Client {
    base: Url,
    http: reqwest::Client,
    largest_answer: usize,
    ids: Cache<(String, String), u32>,
    schemas: Cache<u32, Arc<RegisteredSchema>>,
}

impl std::fmt::Debug for RegistryClient {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "RegistryClient({})", self.0.base.host_str().unwrap_or_default())
    }
}

impl RegistryClient {
    /// A client of the registry at `url`; a user and a password in it are sent as basic authentication.
    pub fn new(url: &str) -> Result<Self, RegistryError> {
        Self::over(reqwest::Client::builder(), url)
    }

    /// The same over HTTP that was prepared: to believe further authorities, say.
    pub fn over(http: reqwest::ClientBuilder, url: &str) -> Result<Self, RegistryError> {
        Self::with_options(http, url, &RegistryOptions::default())
    }

    /// A client that behaves like this.
    pub fn with_options(
        http: reqwest::ClientBuilder,
        url: &str,
        options: &RegistryOptions,
    ) -> Result<Self, RegistryError> {
        let mut base: Url = url.trim().parse().map_err(|_| RegistryError::Url)?;
        if !matches!(base.scheme(), "http" | "https") || base.cannot_be_a_base() {
            return Err(RegistryError::Url);
        }
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        let http = http
            .connect_timeout(options.connect_timeout)
            .timeout(options.request_timeout)
            .build()
            .map_err(|error| RegistryError::Unreachable(error.to_string()))?;
        Ok(Self(Arc::new(Client {
            base,
            http,
            largest_answer: options.largest_answer,
            ids: Cache::new(options.remembered),
            schemas: Cache::new(options.remembered),
        })))
    }

    /// The id of a schema under a subject, registered now unless it already is.
    pub async fn register(&self, subject: &str, json: &str) -> Result<u32, RegistryError> {
        let key = (subject.to_owned(), json.to_owned());
        let ask = async {
            let body = json!({ "schemaType": "AVRO", "schema": json });
            let answer: Id = self.send(Method::POST, &["subjects", subject, "versions"], Some(body)).await?;
            Ok(answer.id)
        };
        self.0.ids.get_or_insert_async(&key, ask).await
    }

    /// The schema that an id stands for.
    pub async fn schema_by_id(&self, id: u32) -> Result<Arc<RegisteredSchema>, RegistryError> {
        let ask = async {
            let answer: Text = self.send(Method::GET, &["schemas", "ids", &id.to_string()], None).await?;
            if answer.schema_type.is_some_and(|kind| kind != "AVRO") {
                return Err(RegistryError::Answer(format!("schema {id} is not Avro")));
            }
            let fingerprint = schema::fingerprint(&answer.schema)?;
            Ok(Arc::new(RegisteredSchema { json: answer.schema, fingerprint }))
        };
        self.0.schemas.get_or_insert_async(&id, ask).await
    }

    /// Whether a schema could be registered under a subject, by the subject's level. A subject with no version
    /// takes any.
    pub async fn is_compatible(&self, subject: &str, json: &str) -> Result<bool, RegistryError> {
        let body = json!({ "schemaType": "AVRO", "schema": json });
        let path = ["compatibility", "subjects", subject, "versions"];
        match self.send::<IsCompatible>(Method::POST, &path, Some(body)).await {
            Ok(answer) => Ok(answer.is_compatible),
            Err(error) if error.is_not_found() => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Sets what later versions of a subject must be compatible with.
    pub async fn set_level(&self, subject: &str, level: Level) -> Result<(), RegistryError> {
        let body = json!({ "compatibility": level.name() });
        self.send::<serde::de::IgnoredAny>(Method::PUT, &["config", subject], Some(body)).await?;
        Ok(())
    }

    /// Whether the registry answers.
    pub async fn check(&self) -> Result<(), RegistryError> {
        self.send::<serde::de::IgnoredAny>(Method::GET, &["schemas", "types"], None).await?;
        Ok(())
    }

    async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &[&str],
        body: Option<serde_json::Value>,
    ) -> Result<T, RegistryError> {
        let mut url = self.0.base.clone();
        url.path_segments_mut().map_err(|()| RegistryError::Url)?.pop_if_empty().extend(path);
        let mut request = self.0.http.request(method, url).header("accept", MEDIA_TYPE);
        if let Some(body) = body {
            request = request.header("content-type", MEDIA_TYPE).body(body.to_string());
        }
        let answer = request.send().await.map_err(unreachable)?;
        let status = answer.status();
        let body = self.read(answer).await?;
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(|error| RegistryError::Answer(error.to_string()));
        }
        Err(refused(status, &body))
    }

    async fn read(&self, mut answer: reqwest::Response) -> Result<Vec<u8>, RegistryError> {
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > self.0.largest_answer {
                return Err(RegistryError::Answer(format!("more than {} bytes", self.0.largest_answer)));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

/// The URL may hold a password, and stays out of the message; the chain of causes says what happened.
fn unreachable(error: reqwest::Error) -> RegistryError {
    let error = error.without_url();
    let mut message = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        message = error.to_string();
        cause = error.source();
    }
    RegistryError::Unreachable(message)
}

fn refused(status: StatusCode, body: &[u8]) -> RegistryError {
    let busy = matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS);
    if status.is_server_error() || busy {
        return RegistryError::Unavailable { status: status.as_u16() };
    }
    let Problem { error_code, message } = serde_json::from_slice(body).unwrap_or_default();
    let message = message.chars().take(1000).collect();
    RegistryError::Refused { status: status.as_u16(), code: error_code, message }
}

#[derive(Deserialize)]
struct Id {
    id: u32,
}

#[derive(Deserialize)]
struct Text {
    schema: String,
    #[serde(rename = "schemaType")]
    schema_type: Option<String>,
}

#[derive(Deserialize)]
struct IsCompatible {
    is_compatible: bool,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Problem {
    error_code: i64,
    message: String,
}

#[cfg(test)]
mod tests;
