//! Streams of changes: `GET …/live` answers with server-sent events.
//!
//! ```text
//! opened ──the resource, if it is newer than Last-Event-ID──► watching ──drain, an hour, or the client leaves──► ended
//! ```
//!
//! An event holds the whole resource as it is, with the sequence of its last change as id. What changes twice between
//! two looks is sent once: a stream shows where a resource has got to, not each step. A client that comes back with
//! `Last-Event-ID` is sent the resource when it has changed since; nothing is kept for it meanwhile, so it may come
//! back to any process, and a crash costs it nothing.

mod row;
mod streams;

use std::convert::Infallible;
use std::future::Future;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::Stream;
use http_api::headers::{LAST_EVENT_ID, TWOFOLD_SEQUENCE, sequence_value};
use http_api::{Operation, Problem, ProblemType};
use kernel::{LaneToken, Sequence, TenantId};
use service_runtime::CancellationToken;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tracing::debug;

use crate::answer::mark_parked;
use crate::api::App;
pub(crate) use row::LiveRow;
use streams::Seat;
pub(crate) use streams::Streams;

/// How long after a change it is seen at the latest.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How often an idle stream says that it is alive, so that proxies keep it and dead peers are noticed.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// A stream ends after this time and the client comes back, its token checked anew.
const LONGEST: Duration = Duration::from_secs(600);
/// How long clients should wait before they come back.
const COME_BACK: Duration = Duration::from_secs(1);

/// A resource at one moment.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// Its JSON, on one line.
    pub(crate) body: String,
    /// When it last changed.
    pub(crate) changed: Sequence,
    /// What the look at it reflects.
    pub(crate) reflects: LaneToken,
    /// From which sequence on it lacks events.
    pub(crate) parked: Option<Sequence>,
}

/// Something to watch.
pub(crate) trait Resource: Send + 'static {
    /// Looks at it; a problem where it is not there.
    fn look(&self) -> impl Future<Output = Result<Seen, Problem>> + Send;
}

/// Begins a stream, or says why not. A resource that is not there is a problem and no stream.
pub(crate) async fn stream(
    app: &App,
    tenant: &TenantId,
    headers: &HeaderMap,
    resource: impl Resource,
) -> Result<Response, Problem> {
    let last = last_event_id(headers)?;
    let seat = app.streams.sit(tenant)?;
    let first = resource.look().await?;
    let sent = last.filter(|last| last.log == first.reflects.log).map(|last| last.sequence);
    let (reflects, parked) = (first.reflects.clone(), first.parked);
    let watch = Watch {
        resource,
        first: Some(first),
        sent,
        _seat: seat,
        until: Instant::now() + LONGEST,
        stop: app.stop.clone(),
    };
    let mut response = Sse::new(watch.events())
        .keep_alive(KeepAlive::new().interval(HEARTBEAT).text("alive"))
        .into_response();
    let answer = response.headers_mut();
    answer.insert(TWOFOLD_SEQUENCE, sequence_value(&reflects));
    mark_parked(answer, parked);
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // nginx would otherwise hold events back until its buffer is full.
    answer.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

/// What every stream's description has in common.
pub(crate) fn operation(id: &str, summary: &str) -> Operation {
    Operation::new(id, summary)
        .description(
            "Server-sent events. The first comes at once, unless `Last-Event-ID` says that the client has it; \
             then one follows each change, about a quarter of a second later at most. Changes in quick succession \
             come as one. A stream ends after ten minutes, or when the service drains: come back with \
             `Last-Event-ID`.",
        )
        .header_parameter::<String>("Last-Event-ID", "The id of the last event that the client has.")
        .header_parameter::<String>("Twofold-After", "What the first event must reflect at least.")
        .header_parameter::<String>("Prefer", "`wait=N`: wait at most N seconds for that.")
        .problems(&[
            ProblemType::NotFound,
            ProblemType::ReadModelBehind,
            ProblemType::ReadModelAway,
            ProblemType::ViewParked,
        ])
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<LaneToken>, Problem> {
    let Some(value) = headers.get(LAST_EVENT_ID).filter(|value| !value.is_empty()) else { return Ok(None) };
    let token = value.to_str().ok().and_then(|text| text.parse().ok());
    token.map(Some).ok_or_else(|| {
        Problem::new(ProblemType::InvalidHeader)
            .detail("`Last-Event-ID` must be the id of an event of an earlier stream")
            .error(LAST_EVENT_ID.as_str(), "malformed")
    })
}

struct Watch<R> {
    resource: R,
    first: Option<Seen>,
    /// What the client has, up to here.
    sent: Option<Sequence>,
    _seat: Seat,
    until: Instant,
    stop: CancellationToken,
}

impl<R: Resource> Watch<R> {
    fn events(self) -> impl Stream<Item = Result<Event, Infallible>> + Send {
        let mut ticks = interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        futures::stream::unfold((self, ticks), |(mut watch, mut ticks)| async move {
            loop {
                tokio::select! {
                    biased;
                    () = watch.stop.cancelled() => return None,
                    () = tokio::time::sleep_until(watch.until) => return None,
                    _ = ticks.tick() => {}
                }
                if let Some(event) = watch.next().await {
                    return Some((Ok(event), (watch, ticks)));
                }
            }
        })
    }

    /// The event for what has changed since the last one.
    async fn next(&mut self) -> Option<Event> {
        let seen = match self.first.take() {
            Some(first) => first,
            None => match self.resource.look().await {
                Ok(seen) => seen,
                Err(problem) => {
                    // The store is away for a moment: the stream goes on when it is back.
                    debug!(problem = %problem, "a live stream could not look");
                    return None;
                }
            },
        };
        if self.sent.is_some_and(|sent| seen.changed <= sent) {
            return None;
        }
        self.sent = Some(seen.changed);
        let id = seen.reflects.log.at(seen.changed).to_string();
        Some(Event::default().event("changed").id(id).retry(COME_BACK).data(seen.body))
    }
}
