//! Orders by customer, status and time.

use ::orders::views::{OrderList, OrderStatus};
use axum::extract::State;
use axum::response::Response;
use http_api::{Problem, Query};
use kernel::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::Row as _;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::{Asked, Orders};
use crate::answer::Answer;
use crate::api::App;
use crate::listing::{Found, limit, position, unless_empty};
use crate::stores::statement_problem;

/// See `queries/orders/list_orders.sql`.
const LIST: &str = include_str!("../../queries/orders/list_orders.sql");
const USUAL_LIMIT: i64 = 50;
const MOST: i64 = 200;

/// Which orders. An empty parameter is an absent one.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Asks {
    /// Only orders of this customer.
    #[serde(default, deserialize_with = "unless_empty")]
    customer_id: Option<Uuid>,
    /// Only orders that have come just so far.
    #[serde(default, deserialize_with = "unless_empty")]
    status: Option<OrderStatus>,
    /// Only orders that were placed then or later.
    #[serde(default, deserialize_with = "unless_empty")]
    placed_from: Option<Timestamp>,
    /// Only orders that were placed then or earlier.
    #[serde(default, deserialize_with = "unless_empty")]
    placed_to: Option<Timestamp>,
    /// How many orders, at most 200; 50 when absent.
    #[serde(default, deserialize_with = "unless_empty")]
    #[schemars(range(min = 1, max = MOST))]
    limit: Option<i64>,
    /// The `next` of the page before.
    #[serde(default, deserialize_with = "unless_empty")]
    after: Option<String>,
}

/// The last item of a page: when it was placed, and which event of its log that was.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Placed {
    pub(super) placed: i64,
    pub(super) number: i64,
}

impl Placed {
    /// The item of a statement's row, and where it is in the list; none where the page is empty.
    pub(super) fn item_of(row: &PgRow) -> Result<Option<(String, Self)>, sqlx::Error> {
        let item: Option<String> = row.try_get("item")?;
        let Some(item) = item else { return Ok(None) };
        Ok(Some((item, Self { placed: row.try_get("placed")?, number: row.try_get("number")? })))
    }
}

pub(super) async fn list(
    State(app): State<App>,
    Query(asks): Query<Asks>,
    asked: Asked,
) -> Result<Response, Problem> {
    let limit = limit(asks.limit, USUAL_LIMIT, MOST)?;
    let after: Option<Placed> = position(asks.after.as_deref())?;
    let place = app.stores.place::<Orders, OrderList>(&asked).await?;
    app.stores.catch_up::<OrderList>(&place, asked.deadline).await?;
    let rows = sqlx::query(LIST)
        .bind(asked.tenant.as_str())
        .bind(place.lane())
        .bind(asks.customer_id.map(|id| id.to_string()))
        .bind(asks.status.map(OrderStatus::name))
        .bind(asks.placed_from.map(Timestamp::micros))
        .bind(asks.placed_to.map(Timestamp::micros))
        .bind(after.map(|after| after.placed))
        .bind(after.map(|after| after.number))
        .bind(limit + 1)
        .fetch_all(app.stores.pool())
        .await
        .map_err(statement_problem)?;
    let (mut reflects, mut parked) = (0, None);
    let mut items = Vec::with_capacity(rows.len());
    for row in rows {
        reflects = row.try_get("reflects").map_err(statement_problem)?;
        parked = place.parked_in(&row)?;
        items.extend(Placed::item_of(&row).map_err(statement_problem)?);
    }
    let body = Found::of(items, limit).into_body(&[])?;
    Ok(Answer { body, reflects: place.at(reflects), parked }.to(&asked))
}
