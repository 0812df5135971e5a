//! The command-service, as it is told what processes want, and what its answers mean.

use std::time::Duration;

use anyhow::Context;
use http_api::headers::{IDEMPOTENCY_KEY, TRACEPARENT, X_CAUSATION_ID, X_CORRELATION_ID};
use kernel::Reply;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, ClientBuilder, StatusCode, Url};
use serde::Deserialize;
use service_runtime::config::ExposeSecret;
use traces::TraceContext;
use uuid::Uuid;

use crate::store::Claimed;
use crate::tokens::Tokens;

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a command may take until its outcome counts as not known.
pub(crate) const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest answer that is read, in bytes.
const LARGEST_ANSWER: usize = 1 << 20;
/// Most characters that are kept of why something failed.
const LONGEST_WHY: usize = 300;

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// A definite outcome, and the last event that it recorded.
    Definite(Reply, Option<Uuid>),
    /// Nothing was done, and may be when it is asked again.
    NotDone(String),
    /// It may have been done.
    Unknown(String),
}

/// Sends commands.
#[derive(Debug)]
pub(crate) struct CommandSide {
    base: Url,
    http: Client,
    tokens: Tokens,
}

#[derive(Deserialize)]
struct Recorded {
    #[serde(default)]
    events: Vec<RecordedEvent>,
}

#[derive(Deserialize)]
struct RecordedEvent {
    id: Uuid,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Problem {
    #[serde(rename = "type")]
    kind: String,
    title: String,
    detail: String,
    code: Option<String>,
}

impl CommandSide {
    /// The command-service at `url`, which need not be up.
    pub(crate) fn new(http: ClientBuilder, url: &str, tokens: Tokens) -> anyhow::Result<Self> {
        let base: Url = url.trim().parse().ok().context("the command-service's URL is not one")?;
        anyhow::ensure!(
            matches!(base.scheme(), "http" | "https") && !base.cannot_be_a_base(),
            "the command-service's URL is not an http url"
        );
        let http = http.connect_timeout(CONNECT_TIMEOUT).timeout(ANSWER_TIMEOUT).build()?;
        Ok(Self { base, http, tokens })
    }

    /// Sends a command once, as a child of the span `within` where there is one.
    pub(crate) async fn send(&self, command: &Claimed, within: Option<TraceContext>) -> Attempt {
        let Claimed { process, tenant, instance, key, context, name, body, .. } = command;
        let mut url = self.base.clone();
        match url.path_segments_mut() {
            Ok(mut path) => drop(path.pop_if_empty().extend(["v1", context, name])),
            Err(()) => return Attempt::NotDone("the command-service's URL cannot be used".to_owned()),
        }
        let token = match self.tokens.token(tenant) {
            Ok(token) => token,
            Err(why) => return Attempt::NotDone(why),
        };
        let mut request = self
            .http
            .post(url)
            .bearer_auth(token.expose_secret())
            .header(CONTENT_TYPE, "application/json")
            .header(IDEMPOTENCY_KEY, once_key(process, *instance, key))
            .header(X_CORRELATION_ID, command.correlation_id.to_string())
            .body(body.clone());
        if let Some(cause) = command.causation_id {
            request = request.header(X_CAUSATION_ID, cause.to_string());
        }
        if let Some(span) = within {
            request = request.header(TRACEPARENT, span.to_string());
        } else if let Some(trace) = &command.traceparent {
            request = request.header(TRACEPARENT, trace);
        }
        let answer = match request.send().await {
            Ok(answer) => answer,
            // Nothing has left.
            Err(error) if error.is_connect() || error.is_builder() => return Attempt::NotDone(cause(error)),
            Err(error) => return Attempt::Unknown(cause(error)),
        };
        let status = answer.status();
        match read(answer).await {
            Ok(body) => understood(status, &body),
            Err(why) => Attempt::Unknown(why),
        }
    }
}

/// The command's name for ever: a step of an instance has one effect, however often it is sent.
fn once_key(process: &str, instance: Uuid, key: &str) -> String {
    format!("process/{process}/{instance}/{key}")
}

fn understood(status: StatusCode, body: &[u8]) -> Attempt {
    if status.is_success() {
        let recorded: Option<Recorded> = serde_json::from_slice(body).ok();
        let last = recorded.and_then(|recorded| recorded.events.last().map(|event| event.id));
        return Attempt::Definite(Reply::Done, last);
    }
    let problem: Problem = serde_json::from_slice(body).unwrap_or_default();
    let said = problem.said(status);
    match (status, problem.kind.as_str()) {
        (StatusCode::CONFLICT, "/problems/rejected") => match problem.code {
            Some(code) => Attempt::Definite(Reply::Refused { code }, None),
            None => Attempt::Unknown(said),
        },
        // These two say that nothing was recorded; a 503 of something in between says nothing.
        (StatusCode::CONFLICT, "/problems/conflict") => Attempt::NotDone(said),
        (_, "/problems/unavailable" | "/problems/overloaded") => Attempt::NotDone(said),
        (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS, _) => {
            Attempt::NotDone(said)
        }
        (
            StatusCode::BAD_REQUEST
            | StatusCode::NOT_FOUND
            | StatusCode::METHOD_NOT_ALLOWED
            | StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::UNSUPPORTED_MEDIA_TYPE
            | StatusCode::UNPROCESSABLE_ENTITY,
            kind,
        ) if !kind.is_empty() => Attempt::Definite(Reply::Impossible { why: said }, None),
        _ => Attempt::Unknown(said),
    }
}

impl Problem {
    fn said(&self, status: StatusCode) -> String {
        let what = if self.detail.is_empty() { &self.title } else { &self.detail };
        format!("{status}: {what}").chars().filter(|c| !c.is_control()).take(LONGEST_WHY).collect()
    }
}

async fn read(mut answer: reqwest::Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(cause)? {
        if body.len() + chunk.len() > LARGEST_ANSWER {
            return Err(format!("an answer of more than {LARGEST_ANSWER} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The last of the chain of causes says what happened; the URL may hold a password.
fn cause(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut message = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        message = error.to_string();
        cause = error.source();
    }
    message.chars().take(LONGEST_WHY).collect()
}

#[cfg(test)]
mod tests;
