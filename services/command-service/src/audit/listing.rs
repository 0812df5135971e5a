//! `GET /v1/ops/audit`: what was asked, by whom, when, from where, and what became of it.
//!
//! Two kinds of source in one order, that of time: the logs, for what was carried out, and the audit's own entries for
//! what was not. Each is read on from where the page before left it, and nothing is told before all of them have been
//! read up to its time.

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::State;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use axum::routing::get;
use event_log::{Asked, AuditFilter, AuditOutcome, EventLog};
use http_api::{Caller, Cursor, OPS, OpenApi, Operation, Problem, ProblemType, Query};
use kernel::{Actor, LogId, Sequence, StreamName, TenantId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::answer::json;
use crate::logs::{Logs, problem};

const MOST: u16 = 500;
/// Stretches of the logs that are looked through for one answer, where little is found.
const ROUNDS: usize = 5;

/// What is asked for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Asks {
    /// In this tenant only.
    tenant: Option<String>,
    /// By this actor only: the `sub` of tokens.
    actor: Option<String>,
    /// About this stream only: `product-0197…`. Quickest with its tenant.
    stream: Option<String>,
    /// With this outcome only.
    outcome: Option<OutcomeAsked>,
    /// From this time on, in RFC 3339.
    from: Option<String>,
    /// Up to this time, in RFC 3339.
    to: Option<String>,
    /// How many at most.
    #[serde(default = "usual")]
    #[schemars(range(min = 1, max = 500))]
    limit: u16,
    /// The `next` of the page before.
    after: Option<String>,
}

fn usual() -> u16 {
    100
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum OutcomeAsked {
    Accepted,
    Refused,
    Forbidden,
    Unrecorded,
}

/// A page of what was asked.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AuditPage")]
struct Page {
    /// In the order of their times; may be few or none where there are more, if little of much is wanted.
    items: Vec<Item>,
    /// What to send as `after` for the next page; null on the last one.
    next: Option<String>,
}

/// Something that was asked.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AuditItem")]
struct Item {
    /// When: of an accepted command, the time of its recording.
    at: Timestamp,
    /// In whose tenant.
    tenant: Option<String>,
    /// By whom.
    actor: Option<String>,
    /// From where: the other end of the connection, which may be a proxy. Of an accepted command, where that was kept.
    address: Option<String>,
    /// The command; of an accepted one, where that was kept.
    command: Option<String>,
    /// Of an accepted one, the type of its first event.
    event: Option<String>,
    /// What it was about.
    stream: Option<String>,
    /// `accepted`, `refused`, `forbidden`; or `unrecorded`: so many entries (`code`) before this were not written.
    outcome: &'static str,
    /// The rule that refused it, or the problem's type.
    code: Option<String>,
    /// Ties it to everything that began with the same request.
    correlation_id: Option<Uuid>,
    /// Of an accepted one, where its first event is: `catalog/3=1042`.
    place: Option<String>,
    /// Of one that was not, its number in the audit.
    number: Option<u64>,
}

/// Up to where each source was told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Position {
    logs: BTreeMap<String, u64>,
    at: i64,
    number: u64,
}

struct Search<'a> {
    log: &'a EventLog,
    filter: AuditFilter,
    outcome: Option<OutcomeAsked>,
    from: Timestamp,
    to: Timestamp,
    limit: usize,
}

pub(crate) fn router(logs: Logs) -> Router {
    Router::new().route("/v1/ops/audit", get(list)).with_state(logs)
}

async fn list(
    State(logs): State<Logs>,
    caller: Caller,
    Query(asks): Query<Asks>,
) -> Result<Response, Problem> {
    caller.require(OPS)?;
    logs.check_open()?;
    if !(1..=MOST).contains(&asks.limit) {
        return Err(invalid("limit", "out-of-range", "`limit` must be from 1 to 500"));
    }
    let mut position = match asks.after.as_deref() {
        Some(after) => Some(Cursor::decode::<Position>(after)?),
        None => None,
    };
    let (log, _reading) = logs.reading().await?;
    let search = Search::of(log, &asks)?;
    let mut items = Vec::new();
    for _ in 0..ROUNDS {
        let begun = match position.take() {
            Some(position) => position,
            None => search.begin().await?,
        };
        let (found, next) = search.page(&begun).await?;
        items = found;
        position = next;
        if !items.is_empty() || position.is_none() {
            break;
        }
    }
    let next = position.as_ref().map(Cursor::encode).transpose()?;
    json(StatusCode::OK, &Page { items: items.into_iter().map(Item::of).collect(), next })
}

impl<'a> Search<'a> {
    fn of(log: &'a EventLog, asks: &Asks) -> Result<Self, Problem> {
        let tenant = asks.tenant.as_deref().map(TenantId::new).transpose();
        let stream = asks.stream.as_deref().map(StreamName::parse).transpose();
        let time = |name: &'static str, text: Option<&str>, otherwise: i64| match text {
            None => Ok(Timestamp::from_micros(otherwise)),
            Some(text) => {
                text.parse().map_err(|_| invalid(name, "malformed", "times are written in RFC 3339"))
            }
        };
        let outcome = asks.outcome.map(|outcome| match outcome {
            OutcomeAsked::Accepted => AuditOutcome::Accepted,
            OutcomeAsked::Refused => AuditOutcome::Refused,
            OutcomeAsked::Forbidden => AuditOutcome::Forbidden,
            OutcomeAsked::Unrecorded => AuditOutcome::Unrecorded,
        });
        Ok(Self {
            log,
            filter: AuditFilter {
                tenant: tenant.map_err(|_| invalid("tenant", "malformed", "this is no tenant's name"))?,
                actor: asks.actor.as_deref().map(Actor::new),
                stream: stream.map_err(|_| invalid("stream", "malformed", "streams are named kind-id"))?,
                outcome,
            },
            outcome: asks.outcome,
            from: time("from", asks.from.as_deref(), 0)?,
            to: time("to", asks.to.as_deref(), i64::MAX)?,
            limit: usize::from(asks.limit),
        })
    }

    /// The logs that may hold some of it.
    async fn logs(&self) -> Result<Vec<LogId>, Problem> {
        if self.outcome.is_some_and(|outcome| outcome != OutcomeAsked::Accepted) {
            return Ok(Vec::new());
        }
        let mut logs = self.log.logs().await.map_err(problem)?;
        if let Some(tenant) = &self.filter.tenant {
            let lane = self.log.known_lane(tenant).await.map_err(problem)?;
            logs.retain(|log| Some(log.lane) == lane);
        }
        Ok(logs)
    }

    /// Right before what is wanted.
    async fn begin(&self) -> Result<Position, Problem> {
        let before = Timestamp::from_micros(self.from.micros().saturating_sub(1));
        let mut logs = BTreeMap::new();
        for log in self.logs().await? {
            let sequence = self.log.sequence_at(&log, before).await.map_err(problem)?;
            logs.insert(log.to_string(), sequence.number());
        }
        Ok(Position { logs, at: before.micros(), number: u64::MAX >> 1 })
    }

    /// The next items, and up to where that is; none where there is nothing behind them.
    async fn page(&self, begun: &Position) -> Result<(Vec<Asked>, Option<Position>), Problem> {
        let mut next = begun.clone();
        let (mut found, mut horizon, mut ended) = (Vec::new(), Timestamp::from_micros(i64::MAX), true);
        let mut through: BTreeMap<String, Sequence> = BTreeMap::new();
        for log in self.logs().await? {
            let name = log.to_string();
            let after = Sequence::new(begun.logs.get(&name).copied().unwrap_or(0));
            let last = self.log.sequence_at(&log, self.to).await.map_err(problem)?;
            let listed = self.log.audit_commands(&self.filter, &log, (after, last.max(after)), self.limit);
            let listed = listed.await.map_err(problem)?;
            if !listed.ended {
                ended = false;
                horizon = horizon.min(listed.until);
            }
            through.insert(name, listed.through);
            found.extend(listed.items);
        }
        if self.outcome != Some(OutcomeAsked::Accepted) {
            let after = (Timestamp::from_micros(begun.at), begun.number);
            let entries = self.log.audit_entries(&self.filter, after, self.to, self.limit);
            let entries = entries.await.map_err(problem)?;
            if let Some(last) = entries.last().filter(|_| entries.len() >= self.limit) {
                ended = false;
                horizon = horizon.min(last.entry.at);
            }
            found.extend(entries);
        }
        // A log that was begun since the first page is read from its beginning.
        found.retain(|asked| asked.entry.at >= self.from);
        // Stable: what a source has at one time stays in its order.
        found.sort_by_key(|asked| asked.entry.at);
        let told = found.iter().take(self.limit).take_while(|asked| asked.entry.at <= horizon).count();
        let left = found.split_off(told);
        // A source of which everything was told goes on behind what was looked through.
        for asked in &left {
            if let Some((log, _)) = &asked.entry.place {
                through.remove(&log.to_string());
            }
        }
        for asked in &found {
            match (&asked.entry.place, asked.number) {
                (Some((log, sequence)), None) => {
                    next.logs.insert(log.to_string(), sequence.number());
                }
                (_, Some(number)) => (next.at, next.number) = (asked.entry.at.micros(), number),
                (None, None) => {}
            }
        }
        for (log, sequence) in through {
            next.logs.insert(log, sequence.number());
        }
        let is_over = ended && left.is_empty();
        Ok((found, (!is_over).then_some(next)))
    }
}

impl Item {
    fn of(asked: Asked) -> Self {
        let Asked { entry, event_type, number } = asked;
        Self {
            at: entry.at,
            tenant: entry.tenant.map(|tenant| tenant.as_str().to_owned()),
            actor: entry.actor.map(|actor| actor.as_str().to_owned()),
            address: entry.address,
            command: entry.command,
            event: event_type,
            stream: entry.stream.map(|stream| stream.as_str().to_owned()),
            outcome: entry.outcome.as_str(),
            code: entry.code,
            correlation_id: entry.correlation_id,
            place: entry.place.map(|(log, sequence)| log.at(sequence).to_string()),
            number,
        }
    }
}

fn invalid(field: &'static str, code: &'static str, detail: &'static str) -> Problem {
    Problem::new(ProblemType::InvalidParameter).detail(detail).error(field, code)
}

pub(crate) fn describe(api: &mut OpenApi) {
    api.operation(
        &Method::GET,
        "/v1/ops/audit",
        Operation::new("listAudit", "Who asked for what, when, from where, and what became of it")
            .description(
                "Commands of every tenant, in the order of their times. Those that were carried out are the log's; those \
                 that were refused, or sent with a token that does not allow them, are kept beside it, and are there \
                 about a second later. Neither says what a body said. `twofold verify audit` and `twofold verify log` \
                 tell whether either was tampered with. A page may have fewer items than there are: go on while there \
                 is a `next`.",
            )
            .tag("ops")
            .scope(OPS)
            .query_parameters::<Asks>()
            .answer::<Page>(200, "A page of what was asked.")
            .problems(&[ProblemType::InvalidCursor, ProblemType::Unavailable]),
    );
}
