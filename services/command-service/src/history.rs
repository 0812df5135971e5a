//! `GET /v1/{context}/history`: what happened to some of a tenant's things, up to a moment. Only what the named streams
//! hold is read, however long the log is.

use std::str::FromStr;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use http_api::{Caller, OPS, OpenApi, Operation, Path, Problem, ProblemType, Query};
use kernel::{LaneToken, LogId, Sequence, Source, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::answer::json;
use crate::logs::{LogRecords, Logs, PAGE_MOST, page, problem};

/// Streams and families in one request, at most.
const SOURCES_MOST: usize = 64;

/// Which events.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asks {
    /// Names of streams, separated by commas: `group-0197…`; of all that belong to something with a star:
    /// `expense-0197….*`; of all of a kind, those events that name an id: `post-*@0197…`. At most 64.
    streams: String,
    /// Up to when: a time in RFC 3339, a sequence, or a place like `travel/3=1042`; all there is when absent.
    at: Option<String>,
    /// The sequence that the first event follows; the beginning when absent.
    #[serde(default)]
    after: u64,
    /// Most events to answer; large ones make it fewer.
    #[serde(default = "page")]
    #[schemars(range(min = 1, max = 500))]
    limit: u16,
}

/// Events of some streams, in the order of the log.
#[derive(Debug, Serialize, JsonSchema)]
struct History {
    /// Up to where it reaches: the last event of the whole log at the time or place that was asked for.
    at: u64,
    /// The events; none where there are no more up to there.
    #[serde(flatten)]
    records: LogRecords,
}

/// A place in a log, as a client says it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Moment {
    Sequence(Sequence),
    Place(LaneToken),
    Time(Timestamp),
}

impl FromStr for Moment {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if let Ok(sequence) = text.parse::<u64>() {
            return i64::try_from(sequence).map(|_| Self::Sequence(Sequence::new(sequence))).map_err(drop);
        }
        let place = text.parse().map(Self::Place);
        place.or_else(|_| text.parse().map(Self::Time)).map_err(drop)
    }
}

pub(crate) async fn of_streams(
    State(logs): State<Logs>,
    caller: Caller,
    Path(context): Path<String>,
    Query(asks): Query<Asks>,
) -> Result<Response, Problem> {
    caller.require_any(&[&format!("{context}:read"), OPS])?;
    logs.check_open()?;
    let sources = sources(&asks.streams)?;
    if !(1..=PAGE_MOST).contains(&asks.limit) || i64::try_from(asks.after).is_err() {
        return Err(invalid("limit", "out-of-range", "`limit` must be from 1 to 500"));
    }
    let moment: Option<Moment> = asks.at.as_deref().map(str::parse).transpose().map_err(|()| {
        invalid(
            "at",
            "malformed",
            "`at` must be a time in RFC 3339, a sequence, or a place like catalog/3=1042",
        )
    })?;
    let (log, _reading) = logs.reading().await?;
    let nothing = || Problem::new(ProblemType::NotFound).detail("nothing has happened in this context");
    let lane = log.known_lane(&caller.tenant).await.map_err(problem)?.ok_or_else(nothing)?;
    let id = LogId::new(context.as_str(), lane);
    let head = log.head(&id).await.map_err(problem)?;
    let at = match moment {
        None => head.sequence,
        Some(Moment::Time(time)) => log.sequence_at(&id, time).await.map_err(problem)?,
        Some(Moment::Sequence(sequence)) => sequence,
        Some(Moment::Place(place)) if place.log == id => place.sequence,
        Some(Moment::Place(_)) => return Err(invalid("at", "other-log", "`at` is a place of another log")),
    };
    if at > head.sequence {
        return Err(invalid("at", "in-the-future", "the log has not come so far yet"));
    }
    let range = (Sequence::new(asks.after), at);
    let events = log.read_streams(&context, &caller.tenant, &sources, range, usize::from(asks.limit)).await;
    let records = logs.listed(&id, &head, &events.map_err(problem)?).await?;
    json(StatusCode::OK, &History { at: at.number(), records })
}

fn sources(names: &str) -> Result<Vec<Source>, Problem> {
    let names: Vec<&str> = names.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    if !(1..=SOURCES_MOST).contains(&names.len()) {
        return Err(invalid("streams", "out-of-range", "`streams` must name 1 to 64 streams"));
    }
    let sources: Result<_, _> = names.iter().map(|name| name.parse()).collect();
    sources.map_err(|_| invalid("streams", "malformed", "`streams` must be names like product-0197…"))
}

fn invalid(field: &'static str, code: &'static str, detail: &'static str) -> Problem {
    Problem::new(ProblemType::InvalidParameter).detail(detail).error(field, code)
}

pub(crate) fn describe(api: &mut OpenApi) {
    api.tag("history", "What happened, for the tenant whose it is.");
    api.operation(
        &axum::http::Method::GET,
        "/v1/{context}/history",
        Operation::new("readHistory", "What happened to some of the tenant's things, up to a moment")
            .description(
                "Needs the context's read scope, `catalog:read`, and answers of the token's tenant only. Events come \
                 as they are on the topic, with the schemas that they were written with.",
            )
            .tag("history")
            .token()
            .path_parameter::<String>("context", "The context: `catalog`.")
            .query_parameters::<Asks>()
            .answer::<History>(200, "The events in the order of the log, and up to where they reach.")
            .problems(&[ProblemType::MissingScope, ProblemType::NotFound, ProblemType::Unavailable]),
    );
}
