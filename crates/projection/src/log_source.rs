//! The log itself, asked over HTTP: for what a topic lacks, and for what it should hold.
//!
//! Records come as they are on the topic, with the schemas that they were written with: they are checked and decoded
//! like any other, and neither Kafka nor the registry is needed.

mod latest;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use http_api::OperatorTokens;
use kernel::{ChainHash, Epoch, LogId, LoggedEvent, Sequence};
use reqwest::{StatusCode, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use service_runtime::config::ExposeSecret;
use uuid::Uuid;
use wire::{DecodeError, ListedRecords, Received};

use crate::view::{AnyEvent, AnyView};

pub(crate) use latest::Heads;
use latest::Latest;

/// Most records that one request answers.
pub const LOG_PAGE_MOST: usize = 500;
/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a whole request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
/// The largest answer that is read, in bytes: a page with the largest record that there can be, and some room.
const LARGEST_ANSWER: usize = 32 << 20;

/// Why the log could not be asked, or what it answered. No secrets: it is shown by `/readyz`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogSourceError {
    /// The URL cannot be used at all.
    #[error("TWOFOLD_LOG_SERVICE_URL is not an http url")]
    Url,
    /// There is no token to show.
    #[error("the log's service cannot be asked: {0}")]
    Token(String),
    /// Nobody answered, or not in time.
    #[error("the log's service cannot be reached: {0}")]
    Unreachable(String),
    /// It answered that it cannot, for now.
    #[error("the log's service is not able to answer: status {0}")]
    Unavailable(u16),
    /// It answered no.
    #[error("the log's service refused: {title} (status {status})")]
    Refused {
        /// The status: 401 or 403 where the token is not accepted or lacks the scope `ops`.
        status: u16,
        /// What it called the problem.
        title: String,
    },
    /// Nothing was ever recorded in this log.
    #[error("there is no log {0}")]
    UnknownLog(LogId),
    /// What came is not what is asked for.
    #[error("the log's service answered what makes no sense: {0}")]
    Answer(String),
}

/// Where a log ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogHead {
    /// The identity of its history.
    pub epoch: Epoch,
    /// Its last event's place.
    pub sequence: Sequence,
    /// The hash chain up to and with it.
    pub chain: ChainHash,
    /// Up to where the topic has acknowledged it.
    pub published_through: Sequence,
}

/// A record of the log. Whether it follows from the one before is for the reader to check.
#[derive(Debug, Clone)]
pub struct LogRecord {
    /// What it says of its place in history: sequence, epoch, chain and all that the chain is made of.
    pub received: Received,
    /// The event; an error where the program cannot make one of it.
    pub event: Result<AnyEvent, DecodeError>,
}

/// Reads logs through a command-service. Clones share connections. Nothing is repeated inside: the caller knows
/// whether it may wait.
#[derive(Clone)]
pub struct LogSource(Arc<Client>);

struct Client {
    base: Url,
    http: reqwest::Client,
    tokens: OperatorTokens,
    latest: Latest,
}

impl std::fmt::Debug for LogSource {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "LogSource({})", self.0.base.host_str().unwrap_or_default())
    }
}

impl LogSource {
    /// A client of the command-service at `url`. It need not be up.
    pub fn new(url: &str, tokens: OperatorTokens) -> Result<Self, LogSourceError> {
        Self::over(reqwest::Client::builder(), url, tokens)
    }

    /// The same over HTTP that was prepared: to believe further authorities, say.
    pub fn over(
        http: reqwest::ClientBuilder,
        url: &str,
        tokens: OperatorTokens,
    ) -> Result<Self, LogSourceError> {
        let base: Url = url.trim().parse().map_err(|_| LogSourceError::Url)?;
        if !matches!(base.scheme(), "http" | "https") || base.cannot_be_a_base() {
            return Err(LogSourceError::Url);
        }
        let http =
            http.connect_timeout(CONNECT_TIMEOUT).timeout(REQUEST_TIMEOUT).build().map_err(unreachable)?;
        Ok(Self(Arc::new(Client { base, http, tokens, latest: Latest::default() })))
    }

    /// Every log that was ever begun, and where it ends.
    pub async fn heads(&self) -> Result<Vec<(LogId, LogHead)>, LogSourceError> {
        let answer: Listing = self.get(&["v1", "ops", "logs"], &[]).await?.map_err(refused)?;
        answer.items.iter().map(Head::read).collect()
    }

    /// The records of a log after a sequence, in order and without a gap: at most `limit`, at most
    /// [`LOG_PAGE_MOST`], and fewer where they are large. An empty answer is the end of the log, a short one is not.
    pub async fn records(
        &self,
        log: &LogId,
        after: Sequence,
        limit: usize,
        view: &AnyView,
    ) -> Result<Vec<LogRecord>, LogSourceError> {
        let (lane, limit) = (log.lane.to_string(), limit.clamp(1, LOG_PAGE_MOST).to_string());
        let path = ["v1", "ops", "logs", &log.context, &lane, "records"];
        let query = [("after", after.to_string()), ("limit", limit)];
        let page: ListedRecords = self.get(&path, &query).await?.map_err(|(status, problem)| {
            let unknown = status == StatusCode::NOT_FOUND && problem.kind == "/problems/not-found";
            if unknown { LogSourceError::UnknownLog(log.clone()) } else { refused((status, problem)) }
        })?;
        let mut records = Vec::with_capacity(page.items.len());
        let mut last = after;
        for record in &page.items {
            let received = record.received(log).map_err(|error| LogSourceError::Answer(error.to_string()))?;
            if received.event.sequence != last.next() {
                let found = received.event.sequence;
                return Err(LogSourceError::Answer(format!("sequence {found} follows {last}")));
            }
            last = received.event.sequence;
            let event = decode(&received.event, view, &page.schemas)?;
            records.push(LogRecord { received, event });
        }
        Ok(records)
    }

    /// The answer, or the problem.
    async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, String)],
    ) -> Result<Result<T, (StatusCode, Problem)>, LogSourceError> {
        let mut url = self.0.base.clone();
        url.path_segments_mut().map_err(|()| LogSourceError::Url)?.pop_if_empty().extend(path);
        for (name, value) in query {
            url.query_pairs_mut().append_pair(name, value);
        }
        let token = self.0.tokens.token().map_err(|error| LogSourceError::Token(error.to_string()))?;
        let request = self.0.http.get(url).bearer_auth(token.expose_secret());
        let answer = request.send().await.map_err(unreachable)?;
        let status = answer.status();
        let body = read(answer).await?;
        if status.is_success() {
            let answer = serde_json::from_slice(&body);
            return answer.map(Ok).map_err(|error| LogSourceError::Answer(error.to_string()));
        }
        let busy = matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS);
        if status.is_server_error() || busy {
            return Err(LogSourceError::Unavailable(status.as_u16()));
        }
        Ok(Err((status, serde_json::from_slice(&body).unwrap_or_default())))
    }
}

async fn read(mut answer: reqwest::Response) -> Result<Vec<u8>, LogSourceError> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > LARGEST_ANSWER {
            return Err(LogSourceError::Answer(format!("more than {LARGEST_ANSWER} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The chain of causes says what happened; the URL may hold a password.
fn unreachable(error: reqwest::Error) -> LogSourceError {
    let error = error.without_url();
    let mut message = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        message = error.to_string();
        cause = error.source();
    }
    LogSourceError::Unreachable(message)
}

fn refused((status, problem): (StatusCode, Problem)) -> LogSourceError {
    LogSourceError::Refused { status: status.as_u16(), title: problem.title }
}

/// The event; the outer error is an answer that explains its records badly.
fn decode(
    logged: &LoggedEvent,
    view: &AnyView,
    schemas: &BTreeMap<String, String>,
) -> Result<Result<AnyEvent, DecodeError>, LogSourceError> {
    Ok(match view.decode(logged) {
        Err(DecodeError::UnknownSchema(schema)) => {
            let text = schemas.get(&format!("{:016x}", schema.0));
            let text = text.ok_or_else(|| LogSourceError::Answer("a schema is missing".to_owned()))?;
            view.add_writer_schema(text).map_err(|error| LogSourceError::Answer(error.to_string()))?;
            view.decode(logged)
        }
        decoded => decoded,
    })
}

#[derive(Deserialize)]
struct Listing {
    items: Vec<Head>,
}

#[derive(Deserialize)]
struct Head {
    log: String,
    epoch: Uuid,
    sequence: u64,
    chain: String,
    published_through: u64,
}

impl Head {
    fn read(&self) -> Result<(LogId, LogHead), LogSourceError> {
        let wrong = || LogSourceError::Answer(format!("the end of the log {:?}", self.log));
        let head = LogHead {
            epoch: Epoch(self.epoch),
            sequence: Sequence::new(self.sequence),
            chain: ChainHash::from_hex(&self.chain).ok_or_else(wrong)?,
            published_through: Sequence::new(self.published_through),
        };
        Ok((self.log.parse().map_err(|_| wrong())?, head))
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Problem {
    #[serde(rename = "type")]
    kind: String,
    title: String,
}
