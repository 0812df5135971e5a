//! Dead letters over HTTP: what is parked, and what is to be done with it.
//!
//! Any projector of a store answers for all of its lanes. What is asked is noted in the store and carried out by
//! whoever has the lane.

use std::str::FromStr;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use futures::future::BoxFuture;
use http_api::{Cursor, Operation, Path, Problem, ProblemType, Query};
use kernel::{Lane, TenantId, Timestamp};
use read_store::{
    DeadRecord, Letter, LetterId, Lookup, Request, RowAddress, RowStore, StoreError, Subject, ViewVersion,
    Which,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ops::{Api, Operator, Ops};
use crate::overview::Teller;

const USUAL_LIMIT: usize = 100;
const MOST: usize = 500;
const LONGEST_REASON: usize = 500;

/// A page of dead letters.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct DeadLetters {
    /// By view, lane and sequence.
    pub items: Vec<DeadLetter>,
    /// What to send as `after` for the next page; null on the last one.
    pub next: Option<String>,
}

/// An event that did not get into a row.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct DeadLetter {
    /// Its name.
    pub id: String,
    /// The view.
    pub view: String,
    /// Its version.
    pub version: u32,
    /// The kind of store.
    pub store: String,
    /// The lane.
    pub lane: u16,
    /// The event's place in its log; for a record that does not say what it is, that of the event before it.
    pub sequence: u64,
    /// Whose rows lack it; null where that is not known.
    pub tenant: Option<String>,
    /// The row that lacks it; null where any row of the tenant may.
    pub key: Option<String>,
    /// The stream, where it is not known which rows lack it.
    pub stream: Option<String>,
    /// `unfoldable`, `panicked`, `refused`, `unreadable-row`, `unreadable-event`, `foreign`, or `behind` another letter.
    pub reason: String,
    /// The failure in words; no payload.
    pub why: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was given up for now.
    pub parked_at: Timestamp,
    /// Where its record was in the lane's partition.
    pub offset: i64,
    /// The record as it was; only where one letter is asked for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub record: Option<serde_json::Value>,
}

/// Which letters are listed.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Asks {
    /// Of this view only.
    view: Option<String>,
    /// Of this tenant only.
    tenant: Option<String>,
    /// How many, at most 500; 100 when absent.
    limit: Option<usize>,
    /// The `next` of the page before.
    after: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Position {
    view: String,
    letter: String,
}

/// Which letters are meant; with each, all others of the same row or stream.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Chosen {
    /// The letters of these names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<String>,
    /// All, where no names are given.
    #[serde(default)]
    pub all: bool,
    /// Of all, those of this view.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub view: Option<String>,
    /// Of all, those of this tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// Why; needed to discard, and kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Asked {
    /// Of how many rows, streams and records.
    pub asked: u64,
}

/// Something that keeps letters.
pub(crate) trait Keeps: Send + Sync {
    fn view(&self) -> ViewVersion;
    fn store(&self) -> &'static str;
    fn letters<'a>(
        &'a self,
        tenant: Option<&'a TenantId>,
        after: Option<LetterId>,
        most: usize,
    ) -> BoxFuture<'a, Result<Vec<Letter>, StoreError>>;
    fn letter(&self, id: LetterId) -> BoxFuture<'_, Result<Option<Letter>, StoreError>>;
    fn request<'a>(
        &'a self,
        which: &'a Which,
        request: &'a Request,
    ) -> BoxFuture<'a, Result<u64, StoreError>>;
    /// Where rows are that have one of these links, at most `most` of each.
    fn linked<'a>(
        &'a self,
        lane: Lane,
        lookups: &'a [Lookup],
        most: usize,
    ) -> BoxFuture<'a, Result<Vec<RowAddress>, StoreError>>;
}

impl<S: RowStore> Keeps for Teller<S> {
    fn view(&self) -> ViewVersion {
        self.current().view()
    }

    fn store(&self) -> &'static str {
        S::NAME
    }

    fn letters<'a>(
        &'a self,
        tenant: Option<&'a TenantId>,
        after: Option<LetterId>,
        most: usize,
    ) -> BoxFuture<'a, Result<Vec<Letter>, StoreError>> {
        let store = self.current();
        Box::pin(async move { store.letters(tenant, after, most).await })
    }

    fn letter(&self, id: LetterId) -> BoxFuture<'_, Result<Option<Letter>, StoreError>> {
        let store = self.current();
        Box::pin(async move { store.letter(id).await })
    }

    fn request<'a>(
        &'a self,
        which: &'a Which,
        request: &'a Request,
    ) -> BoxFuture<'a, Result<u64, StoreError>> {
        let store = self.current();
        Box::pin(async move { store.request(which, request).await })
    }

    fn linked<'a>(
        &'a self,
        lane: Lane,
        lookups: &'a [Lookup],
        most: usize,
    ) -> BoxFuture<'a, Result<Vec<RowAddress>, StoreError>> {
        let store = self.current();
        Box::pin(async move {
            let mut found = Vec::new();
            for lookup in lookups {
                for rows in store.linked(lane, std::slice::from_ref(lookup), most).await? {
                    found.extend(rows.into_iter().map(|row| row.at));
                }
            }
            Ok(found)
        })
    }
}

pub(crate) fn add_to(api: &mut Api) {
    api.get(
        "/v1/ops/dead-letters",
        list,
        Operation::new("listDeadLetters", "Events that did not get into a row")
            .query_parameters::<Asks>()
            .answer::<DeadLetters>(200, "A page of letters.")
            .problems(&[ProblemType::InvalidCursor, ProblemType::Unavailable]),
    );
    api.get(
        "/v1/ops/dead-letters/{id}",
        show,
        Operation::new("getDeadLetter", "One letter with its record: key, value and headers in base64")
            .path_parameter::<String>("id", "The letter.")
            .answer::<DeadLetter>(200, "The letter.")
            .problems(&[ProblemType::NotFound, ProblemType::Unavailable]),
    );
    api.post(
        "/v1/ops/dead-letters/retry",
        retry,
        Operation::new("retryDeadLetters", "Folds again what is parked")
            .description(
                "The row is folded anew from the log, and takes the place of the parked one together with its \
                 letters; the lane goes on meanwhile. What still fails stays parked and says why.",
            )
            .body::<Chosen>("Which letters.")
            .answer::<Asked>(202, "It is asked for.")
            .problem(ProblemType::Unavailable),
    );
    api.post(
        "/v1/ops/dead-letters/discard",
        discard,
        Operation::new("discardDeadLetters", "Gives letters up: their rows go on without them")
            .description("Who asked and why is kept. The rows differ from the log from then on.")
            .body::<Chosen>("Which letters, and why.")
            .answer::<Asked>(202, "It is asked for.")
            .problem(ProblemType::Unavailable),
    );
}

async fn list(
    State(ops): State<Ops>,
    _: Operator,
    Query(asks): Query<Asks>,
) -> Result<Json<DeadLetters>, Problem> {
    let limit = asks.limit.unwrap_or(USUAL_LIMIT);
    if !(1..=MOST).contains(&limit) {
        return Err(invalid(
            ProblemType::InvalidParameter,
            "limit",
            "out-of-range",
            "`limit` must be from 1 to 500",
        ));
    }
    let tenant =
        asks.tenant.as_deref().map(|name| tenant(name, ProblemType::InvalidParameter)).transpose()?;
    let mut after = match asks.after.as_deref() {
        Some(after) => {
            let Position { view, letter } = Cursor::decode(after)?;
            let letter = LetterId::from_str(&letter).map_err(|_| Problem::new(ProblemType::InvalidCursor))?;
            Some((view, letter))
        }
        None => None,
    };
    let mut items = Vec::new();
    for keeper in ops.projections.iter().filter(|keeper| is_wanted(keeper.view().view, asks.view.as_deref()))
    {
        let from = match &after {
            Some((view, _)) if view != keeper.view().view => continue,
            Some((_, letter)) => Some(*letter),
            None => None,
        };
        after = None;
        let found = keeper.letters(tenant.as_ref(), from, limit + 1 - items.len()).await.map_err(problem)?;
        items.extend(found.iter().map(|letter| described(keeper.view(), keeper.store(), letter)));
        if items.len() > limit {
            break;
        }
    }
    let more = items.len() > limit;
    items.truncate(limit);
    let next = match items.last().filter(|_| more) {
        Some(last) => {
            let letter = last.id.split_once('.').map(|(_, letter)| letter.to_owned()).unwrap_or_default();
            Some(Cursor::encode(&Position { view: last.view.clone(), letter })?)
        }
        None => None,
    };
    Ok(Json(DeadLetters { items, next }))
}

async fn show(
    State(ops): State<Ops>,
    _: Operator,
    Path(id): Path<String>,
) -> Result<Json<DeadLetter>, Problem> {
    let not_found = || Problem::new(ProblemType::NotFound).detail("there is no such letter");
    let (view, letter) = name(&id).ok_or_else(not_found)?;
    for keeper in ops.projections.iter().filter(|keeper| keeper.view().view == view) {
        if let Some(found) = keeper.letter(letter).await.map_err(problem)? {
            let mut described = described(keeper.view(), keeper.store(), &found);
            described.record = Some(record(&found.record)?);
            return Ok(Json(described));
        }
    }
    Err(not_found())
}

async fn retry(
    State(ops): State<Ops>,
    operator: Operator,
    http_api::Json(chosen): http_api::Json<Chosen>,
) -> Result<(StatusCode, Json<Asked>), Problem> {
    ask(&ops, &chosen, &Request::Retry { by: operator.actor.as_str().to_owned() }).await
}

async fn discard(
    State(ops): State<Ops>,
    operator: Operator,
    http_api::Json(chosen): http_api::Json<Chosen>,
) -> Result<(StatusCode, Json<Asked>), Problem> {
    let reason = chosen.reason.as_deref().map(str::trim).unwrap_or_default();
    if reason.is_empty() || reason.chars().count() > LONGEST_REASON || reason.contains('\0') {
        let detail = "say why, in 1 to 500 characters";
        return Err(invalid(ProblemType::InvalidBody, "reason", "missing", detail));
    }
    let by = operator.actor.as_str().to_owned();
    ask(&ops, &chosen, &Request::Discard { by, reason: reason.to_owned() }).await
}

async fn ask(ops: &Ops, chosen: &Chosen, request: &Request) -> Result<(StatusCode, Json<Asked>), Problem> {
    if chosen.all != chosen.ids.is_empty() || chosen.ids.len() > MOST {
        let detail = "name up to 500 letters in `ids`, or say `all`";
        return Err(invalid(ProblemType::InvalidBody, "ids", "unexpected", detail));
    }
    let mut asked = 0;
    if chosen.all {
        let tenant =
            chosen.tenant.as_deref().map(|name| tenant(name, ProblemType::InvalidBody)).transpose()?;
        let which = Which::All { tenant };
        for keeper in
            ops.projections.iter().filter(|keeper| is_wanted(keeper.view().view, chosen.view.as_deref()))
        {
            asked += keeper.request(&which, request).await.map_err(problem)?;
        }
    }
    for id in &chosen.ids {
        let (view, letter) = name(id).ok_or_else(|| {
            invalid(ProblemType::InvalidBody, "ids", "malformed", "a name is none of a letter")
        })?;
        for keeper in ops.projections.iter().filter(|keeper| keeper.view().view == view) {
            asked += keeper.request(&Which::Letter(letter), request).await.map_err(problem)?;
        }
    }
    Ok((StatusCode::ACCEPTED, Json(Asked { asked })))
}

fn is_wanted(view: &str, wanted: Option<&str>) -> bool {
    wanted.is_none_or(|wanted| wanted == view)
}

/// `<view>.<lane>.<id>`.
fn name(id: &str) -> Option<(&str, LetterId)> {
    let (view, letter) = id.split_once('.')?;
    Some((view, letter.parse().ok()?))
}

fn described(view: ViewVersion, store: &str, letter: &Letter) -> DeadLetter {
    let stream = match &letter.subject {
        Subject::Stream { stream, .. } => Some(stream.as_str().to_owned()),
        Subject::Row(_) | Subject::Record { .. } => None,
    };
    DeadLetter {
        id: format!("{}.{}", view.view, letter.id()),
        view: view.view.to_owned(),
        version: view.version,
        store: store.to_owned(),
        lane: letter.lane.number(),
        sequence: letter.sequence.number(),
        tenant: letter.subject.tenant().map(ToString::to_string),
        key: letter.subject.row_key().map(|key| key.as_str().to_owned()),
        stream,
        reason: letter.reason.as_str().to_owned(),
        why: letter.why.clone(),
        attempts: letter.attempts,
        parked_at: letter.parked_at,
        offset: letter.record.offset,
        record: None,
    }
}

fn record(record: &DeadRecord) -> Result<serde_json::Value, Problem> {
    serde_json::to_value(record).map_err(Problem::internal)
}

fn tenant(name: &str, kind: ProblemType) -> Result<TenantId, Problem> {
    TenantId::new(name)
        .map_err(|_| invalid(kind, "tenant", "malformed", "`tenant` is not the name of a tenant"))
}

fn invalid(kind: ProblemType, field: &str, code: &'static str, detail: &'static str) -> Problem {
    Problem::new(kind).detail(detail).error(field, code)
}

fn problem(error: StoreError) -> Problem {
    if error.is_retryable() || matches!(error, StoreError::Emptied(_)) {
        return Problem::unavailable(error).detail("the store does not answer");
    }
    Problem::internal(error)
}
