//! The categories.

use ::catalog::views::Categories;
use axum::extract::State;
use axum::response::Response;
use http_api::{Problem, Query};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::Row as _;

use super::{Asked, Catalog};
use crate::api::App;
use crate::listing::{Gathered, limit, position, unless_empty};
use crate::stores::statement_problem;

/// See `queries/catalog/list_categories.sql`.
const LIST: &str = include_str!("../../queries/catalog/list_categories.sql");
const USUAL_LIMIT: i64 = 100;
const MOST: i64 = 500;

/// Which categories.
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
    category: String,
    key: String,
}

pub(super) async fn list(
    State(app): State<App>,
    Query(asks): Query<Asks>,
    asked: Asked,
) -> Result<Response, Problem> {
    let limit = limit(asks.limit, USUAL_LIMIT, MOST)?;
    let (name, key) = match position(asks.after.as_deref())? {
        Some(Position { category, key }) => (Some(category), Some(key)),
        None => (None, None),
    };
    let place = app.stores.place::<Catalog, Categories>(&asked).await?;
    app.stores.catch_up::<Categories>(&place, asked.deadline).await?;
    let rows = sqlx::query(LIST)
        .bind(asked.tenant.as_str())
        .bind(place.lane())
        .bind(name)
        .bind(key)
        .bind(limit + 1)
        .fetch_all(app.stores.pool())
        .await
        .map_err(statement_problem)?;
    let page = Gathered::of(&place, &rows, |row| {
        Ok(Position { category: row.try_get("name")?, key: row.try_get("key")? })
    })?;
    page.answer(limit, &asked)
}
