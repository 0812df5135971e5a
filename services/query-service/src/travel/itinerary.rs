//! What a group has planned.

use ::travel::views::{Groups, Itinerary};
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

/// See `queries/travel/itinerary.sql`.
const ITINERARY: &str = include_str!("../../queries/travel/itinerary.sql");
const USUAL_LIMIT: i64 = 100;
const MOST: i64 = 500;

/// Which items.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Asks {
    /// How many, at most 500; 100 when absent.
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
    starts: i64,
    key: String,
}

pub(super) async fn list(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    Query(asks): Query<Asks>,
    asked: Asked,
) -> Answered {
    let limit = limit(asks.limit, USUAL_LIMIT, MOST)?;
    let (starts, key) = match position(asks.after.as_deref())? {
        Some(Position { starts, key }) => (Some(starts), Some(key)),
        None => (None, None),
    };
    let place = app.stores.place::<Travel, Itinerary>(&asked).await?;
    app.stores.catch_up::<Itinerary>(&place, asked.deadline).await?;
    app.stores.catch_up::<Groups>(&place, asked.deadline).await?;
    let rows = sqlx::query(ITINERARY)
        .bind(asked.tenant.as_str())
        .bind(place.lane())
        .bind(id.to_string())
        .bind(starts)
        .bind(key)
        .bind(limit + 1)
        .fetch_all(app.stores.pool())
        .await
        .map_err(statement_problem)?;
    let page = Gathered::of(&place, &rows, |row| {
        Ok(Position { starts: row.try_get("starts")?, key: row.try_get("key")? })
    })?;
    if !page.known(&rows)? {
        return Err(unknown_group(&page.reflects, page.parked));
    }
    page.answer(limit, &asked)
}
