//! A group's budget.

use ::travel::views::{Budgets, Groups};
use axum::extract::State;
use http_api::{Path, Query};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::Row as _;
use uuid::Uuid;

use super::{Answered, Asked, Travel, unknown_group};
use crate::api::App;
use crate::listing::{Gathered, limit, position, unless_empty};
use crate::stores::statement_problem;

/// See `queries/travel/budget.sql`.
const BUDGET: &str = include_str!("../../queries/travel/budget.sql");
const USUAL_LIMIT: i64 = 200;
const MOST: i64 = 500;

/// Which categories.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Asks {
    /// How many, at most 500; 200 when absent.
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
    budget: String,
}

pub(super) async fn list(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    Query(asks): Query<Asks>,
    asked: Asked,
) -> Answered {
    let limit = limit(asks.limit, USUAL_LIMIT, MOST)?;
    let after = position(asks.after.as_deref())?.map(|Position { budget }| budget);
    let place = app.stores.place::<Travel, Budgets>(&asked).await?;
    app.stores.catch_up::<Budgets>(&place, asked.deadline).await?;
    app.stores.catch_up::<Groups>(&place, asked.deadline).await?;
    let rows = sqlx::query(BUDGET)
        .bind(asked.tenant.as_str())
        .bind(place.lane())
        .bind(id.to_string())
        .bind(after)
        .bind(limit + 1)
        .fetch_all(app.stores.pool())
        .await
        .map_err(statement_problem)?;
    let page = Gathered::of(&place, &rows, |row| Ok(Position { budget: row.try_get("key")? }))?;
    if !page.known(&rows)? {
        return Err(unknown_group(&page.reflects, page.parked));
    }
    page.answer(limit, &asked)
}
