//! The command-service, asked for what happened to some things.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use axum::http::{StatusCode, header};
use http_api::headers::TRACEPARENT;
use http_api::{Problem, ProblemType};
use kernel::{Context, EventSet, Recorded, Sequence, Source};
use reqwest::Url;
use serde::Deserialize;
use wire::{Codec, ListedRecords};

use super::no_such_moment;
use crate::asked::Asked;
use crate::stores::Place;

/// Most events in one answer.
const PAGE: usize = 500;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
/// The largest answer that is read, in bytes: a page with the largest record that there can be, and some room.
const LARGEST_ANSWER: usize = 32 << 20;

/// Reads the past. Clones share connections. The command-service need not be up.
#[derive(Clone)]
pub(crate) struct Past(Arc<Client>);

struct Client {
    base: Url,
    http: reqwest::Client,
    /// How events are read, by the type of their context's set; made when they are first asked for.
    codecs: Mutex<HashMap<TypeId, Box<dyn Any + Send>>>,
}

impl fmt::Debug for Past {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Past({})", self.0.base.host_str().unwrap_or_default())
    }
}

#[derive(Deserialize)]
struct History {
    at: u64,
    #[serde(flatten)]
    records: ListedRecords,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Refusal {
    errors: Vec<RefusedField>,
}

#[derive(Deserialize)]
struct RefusedField {
    field: String,
    code: String,
}

impl Past {
    /// Through the command-service at `url`.
    pub(crate) fn new(http: reqwest::ClientBuilder, url: &str) -> anyhow::Result<Self> {
        let base: Url = url.trim().parse().context("TWOFOLD_LOG_SERVICE_URL is no URL")?;
        anyhow::ensure!(
            matches!(base.scheme(), "http" | "https") && !base.cannot_be_a_base(),
            "TWOFOLD_LOG_SERVICE_URL is not an http url"
        );
        let http = http.connect_timeout(CONNECT_TIMEOUT).timeout(REQUEST_TIMEOUT).build()?;
        Ok(Self(Arc::new(Client { base, http, codecs: Mutex::default() })))
    }

    /// The events of these sources up to a moment, at most so many of them; and where in the log that moment is.
    pub(super) async fn events<C: Context>(
        &self,
        place: &Place,
        asked: &Asked<C>,
        sources: &[Source],
        at: &str,
        most: usize,
    ) -> Result<(Vec<Recorded<C::Event>>, Sequence), Problem> {
        let codec = self.codec::<C::Event>()?;
        let streams: Vec<String> = sources.iter().map(Source::to_string).collect();
        let (streams, mut at) = (streams.join(","), at.to_owned());
        let (mut events, mut after) = (Vec::new(), Sequence::ZERO);
        loop {
            let page = self.page(asked, &streams, &at, after).await?;
            // A time is looked up once, so that all pages are of one moment.
            at = page.at.to_string();
            if page.records.items.is_empty() {
                return Ok((events, Sequence::new(page.at)));
            }
            for record in &page.records.items {
                let received = record.received(&place.log).map_err(Problem::internal)?;
                if received.event.tenant != asked.tenant || received.event.sequence <= after {
                    return Err(Problem::internal("the log's service listed what was not asked for"));
                }
                after = received.event.sequence;
                events.push(page.records.decode(received, &codec).map_err(Problem::internal)?);
            }
            if events.len() > most {
                return Err(Problem::new(ProblemType::Unavailable)
                    .detail("more has happened to this than can be told as it was"));
            }
        }
    }

    async fn page<C: Context>(
        &self,
        asked: &Asked<C>,
        streams: &str,
        at: &str,
        after: Sequence,
    ) -> Result<History, Problem> {
        let mut url = self.0.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["v1", C::NAME, "history"]);
        }
        url.query_pairs_mut()
            .append_pair("streams", streams)
            .append_pair("at", at)
            .append_pair("after", &after.to_string())
            .append_pair("limit", &PAGE.to_string());
        let mut request = self.0.http.get(url).header(header::AUTHORIZATION, asked.authorization.clone());
        if let Some(trace) = &asked.traceparent {
            request = request.header(TRACEPARENT, &**trace);
        }
        let answer = request.send().await.map_err(away)?;
        let status = answer.status();
        let body = bounded(answer).await?;
        match status {
            StatusCode::OK => serde_json::from_slice(&body).map_err(Problem::internal),
            StatusCode::NOT_FOUND => Ok(History { at: 0, records: ListedRecords::default() }),
            StatusCode::BAD_REQUEST => Err(refused(&serde_json::from_slice(&body).unwrap_or_default())),
            // It counts for the caller there as well.
            StatusCode::TOO_MANY_REQUESTS => Err(Problem::new(ProblemType::TooManyRequests)
                .detail("the log's service has been asked too much in this token's name")
                .retry_after(Duration::from_secs(1))),
            status if status.is_server_error() => Err(away(status)),
            status => Err(Problem::internal(format!("the log's service answered {status}"))),
        }
    }

    fn codec<E: EventSet>(&self) -> Result<Codec<E>, Problem> {
        let mut codecs = self.0.codecs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(codec) = codecs.get(&TypeId::of::<E>()).and_then(|known| known.downcast_ref::<Codec<E>>())
        {
            return Ok(codec.clone());
        }
        let codec = Codec::<E>::new().map_err(Problem::internal)?;
        codecs.insert(TypeId::of::<E>(), Box::new(codec.clone()));
        Ok(codec)
    }
}

async fn bounded(mut answer: reqwest::Response) -> Result<Vec<u8>, Problem> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(away)? {
        if body.len() + chunk.len() > LARGEST_ANSWER {
            return Err(Problem::internal("the log's service answered too much"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn away(error: impl fmt::Display) -> Problem {
    Problem::new(ProblemType::Unavailable)
        .detail("the past cannot be told at the moment; the present can")
        .cause(error.to_string())
}

/// What the log's service says of the moment, in words of this one.
fn refused(refusal: &Refusal) -> Problem {
    let code = refusal.errors.iter().find(|error| error.field == "at").map(|error| error.code.as_str());
    match code {
        Some("in-the-future") => no_such_moment("in-the-future", "the log has not come so far yet"),
        Some("other-log") => no_such_moment("other-log", "`as_of` is a place of another log"),
        Some(_) => no_such_moment(
            "malformed",
            "`as_of` must be a time in RFC 3339, a sequence, or a place like travel/3=1042",
        ),
        None => Problem::internal("the log's service does not understand what it is asked"),
    }
}
