//! What waits to be decided.

use ::travel::views::Expenses;
use axum::extract::State;
use http_api::Query;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::Row as _;
use uuid::Uuid;

use super::{Answered, Asked, Travel};
use crate::api::App;
use crate::listing::{Gathered, limit, position, unless_empty};
use crate::stores::statement_problem;

/// See `queries/travel/approvals.sql`.
const APPROVALS: &str = include_str!("../../queries/travel/approvals.sql");
const USUAL_LIMIT: i64 = 50;
const MOST: i64 = 200;

/// Which expenses.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Asks {
    /// Of which group; of all when absent.
    #[serde(default, deserialize_with = "unless_empty")]
    group_id: Option<Uuid>,
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
    pending_since: i64,
}

pub(super) async fn list(State(app): State<App>, Query(asks): Query<Asks>, asked: Asked) -> Answered {
    let limit = limit(asks.limit, USUAL_LIMIT, MOST)?;
    let after = position(asks.after.as_deref())?.map(|Position { pending_since }| pending_since);
    let place = app.stores.place::<Travel, Expenses>(&asked).await?;
    app.stores.catch_up::<Expenses>(&place, asked.deadline).await?;
    let rows = sqlx::query(APPROVALS)
        .bind(asked.tenant.as_str())
        .bind(place.lane())
        .bind(asks.group_id.map(|group| group.to_string()))
        .bind(after)
        .bind(limit + 1)
        .fetch_all(app.stores.pool())
        .await
        .map_err(statement_problem)?;
    let position =
        |row: &sqlx::postgres::PgRow| Ok(Position { pending_since: row.try_get("pending_since")? });
    Gathered::of(&place, &rows, position)?.answer(limit, &asked)
}
