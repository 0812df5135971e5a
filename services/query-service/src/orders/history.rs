//! What a customer ordered and paid.

use ::accounts::Accounts;
use ::accounts::views::UserNames;
use ::orders::views::{CustomerHistory, CustomerTotals, OrderSummary};
use axum::extract::State;
use axum::response::Response;
use http_api::{Path, Problem, Query};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::Row as _;
use uuid::Uuid;

use super::list::Placed;
use super::{Asked, Orders};
use crate::answer::Answer;
use crate::api::App;
use crate::beside::{place_beside, rows_beside};
use crate::listing::{Found, Page, limit, position, unless_empty};
use crate::stores::statement_problem;

/// See `queries/orders/customer_history.sql`.
const HISTORY: &str = include_str!("../../queries/orders/customer_history.sql");
const USUAL_LIMIT: i64 = 50;
const MOST: i64 = 200;

pub(super) const DESCRIPTION: &str = "\
A customer who has ordered nothing has an empty history. The customer's name is the accounts': what of them the answer \
reflects is in a second `Twofold-Sequence`, and tokens of the accounts in `Twofold-After` are waited for too.";

/// How much of it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Asks {
    /// How many orders, at most 200; 50 when absent.
    #[serde(default, deserialize_with = "unless_empty")]
    #[schemars(range(min = 1, max = MOST))]
    limit: Option<i64>,
    /// The `next` of the page before.
    #[serde(default, deserialize_with = "unless_empty")]
    after: Option<String>,
}

/// A page of a customer's orders.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct History {
    #[serde(flatten)]
    page: Page<OrderSummary>,
    /// The customer.
    customer: Customer,
    /// What all of their orders come to; null where there are none.
    totals: Option<CustomerTotals>,
}

/// A customer.
#[derive(Debug, Serialize, JsonSchema)]
struct Customer {
    /// Their id.
    id: Uuid,
    /// What they are called as a user; null where the accounts know no such user.
    name: Option<String>,
}

pub(super) async fn of_customer(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    Query(asks): Query<Asks>,
    asked: Asked,
) -> Result<Response, Problem> {
    let limit = limit(asks.limit, USUAL_LIMIT, MOST)?;
    let after: Option<Placed> = position(asks.after.as_deref())?;
    let place = app.stores.place::<Orders, CustomerHistory>(&asked).await?;
    app.stores.catch_up::<CustomerHistory>(&place, asked.deadline).await?;
    let rows = sqlx::query(HISTORY)
        .bind(asked.tenant.as_str())
        .bind(place.lane())
        .bind(id.to_string())
        .bind(after.map(|after| after.placed))
        .bind(after.map(|after| after.number))
        .bind(limit + 1)
        .fetch_all(app.stores.pool())
        .await
        .map_err(statement_problem)?;
    let (mut reflects, mut parked, mut totals) = (0, None, None);
    let mut items = Vec::with_capacity(rows.len());
    for row in rows {
        reflects = row.try_get("reflects").map_err(statement_problem)?;
        parked = place.parked_in(&row)?;
        totals = row.try_get("totals").map_err(statement_problem)?;
        items.extend(Placed::item_of(&row).map_err(statement_problem)?);
    }
    let accounts = place_beside::<Accounts, _>(&place, &asked);
    let user = id.to_string();
    let named =
        rows_beside::<UserNames>(&app.stores, &accounts, &asked.tenant, [user.clone()], asked.deadline)
            .await?;
    let name = named.rows.get(&user).map(|user| user.name.clone());
    let customer = serde_json::to_string(&Customer { id, name }).map_err(Problem::internal)?;
    let totals = totals.unwrap_or_else(|| "null".to_owned());
    let body = Found::of(items, limit).into_body(&[("customer", customer), ("totals", totals)])?;
    Ok(named.told_on(Answer { body, reflects: place.at(reflects), parked }.to(&asked)))
}
