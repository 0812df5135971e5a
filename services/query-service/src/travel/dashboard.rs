//! The caller's groups.

use std::time::{SystemTime, UNIX_EPOCH};

use ::travel::TripWindow;
use ::travel::views::{Expenses, GroupStatus, Groups, Itinerary};
use axum::extract::State;
use http_api::Query;
use kernel::{Money, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::Row as _;
use uuid::Uuid;

use super::{Answered, Asked, Travel};
use crate::api::App;
use crate::listing::{Gathered, limit, position, unless_empty};
use crate::stores::statement_problem;

/// See `queries/travel/dashboard.sql`.
const DASHBOARD: &str = include_str!("../../queries/travel/dashboard.sql");
const USUAL_LIMIT: i64 = 50;
const MOST: i64 = 200;

/// A group of the caller's. The form is made by the statement; this is its description.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct GroupOfCaller {
    /// The group.
    group_id: Uuid,
    /// Its name.
    name: String,
    /// Whether it has settled up.
    status: GroupStatus,
    /// When it travels.
    trip_window: TripWindow,
    /// What the others owe the caller; below 0, what the caller owes them.
    balance: Money,
    /// What is in the caller's wallet.
    wallet: Money,
    /// How many expenses wait that the caller did not submit.
    pending_approvals: i64,
    /// What is planned next.
    next_item: Option<NextItem>,
}

/// What is planned next.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct NextItem {
    /// The item.
    item_id: Uuid,
    /// What.
    title: String,
    /// From when.
    starts_at: Timestamp,
    /// Until when.
    ends_at: Option<Timestamp>,
    /// Where.
    place: Option<String>,
}

/// Which groups.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Asks {
    /// How many, at most 200; 50 when absent.
    #[serde(default, deserialize_with = "unless_empty")]
    #[schemars(range(min = 1, max = MOST))]
    limit: Option<i64>,
    /// The `next` of the page before.
    #[serde(default, deserialize_with = "unless_empty")]
    after: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Position {
    group: String,
}

pub(super) async fn list(State(app): State<App>, Query(asks): Query<Asks>, asked: Asked) -> Answered {
    let limit = limit(asks.limit, USUAL_LIMIT, MOST)?;
    let after = position(asks.after.as_deref())?.map(|Position { group }| group);
    let place = app.stores.place::<Travel, Groups>(&asked).await?;
    app.stores.catch_up::<Groups>(&place, asked.deadline).await?;
    app.stores.catch_up::<Expenses>(&place, asked.deadline).await?;
    app.stores.catch_up::<Itinerary>(&place, asked.deadline).await?;
    // Members are users, and users have UUIDs: nobody else has a group. Written as rows have it.
    let user: Option<Uuid> = asked.caller.as_str().parse().ok();
    let rows = sqlx::query(DASHBOARD)
        .bind(asked.tenant.as_str())
        .bind(place.lane())
        .bind(user.map(|user| user.to_string()).unwrap_or_default())
        .bind(now())
        .bind(after)
        .bind(limit + 1)
        .fetch_all(app.stores.pool())
        .await
        .map_err(statement_problem)?;
    let page = Gathered::of(&place, &rows, |row| Ok(Position { group: row.try_get("key")? }))?;
    page.answer(limit, &asked)
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
