//! One product, by id or by SKU.

use ::catalog::views::ProductDetails;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use http_api::{Path, Problem, Query};
use kernel::{LaneToken, Sequence};
use sqlx::Row as _;
use uuid::Uuid;

use super::{Asked, Catalog};
use crate::answer::{Answer, not_found};
use crate::api::App;
use crate::live::{self, LiveRow, Resource as _};
use crate::past::Asks;
use crate::stores::statement_problem;

/// See `queries/catalog/product_by_sku.sql`.
const BY_SKU: &str = include_str!("../../queries/catalog/product_by_sku.sql");

pub(super) async fn by_id(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    Query(asks): Query<Asks>,
    asked: Asked,
) -> Result<Response, Problem> {
    let product = LiveRow::<ProductDetails>::of(&app, &asked, id, unknown).await?;
    if let Some(as_of) = &asks.as_of {
        let place = &product.place;
        let was = app.past.row::<Catalog, ProductDetails>(place, &asked, &id.into(), None, as_of).await?;
        return Ok(was.answer(|as_of| unknown(as_of, None))?.to(&asked));
    }
    let seen = product.look().await?;
    Ok(Answer { body: seen.body, reflects: seen.reflects, parked: seen.parked }.to(&asked))
}

pub(super) async fn by_sku(
    State(app): State<App>,
    Path(sku): Path<String>,
    asked: Asked,
) -> Result<Response, Problem> {
    let place = app.stores.place::<Catalog, ProductDetails>(&asked).await?;
    app.stores.catch_up::<ProductDetails>(&place, asked.deadline).await?;
    // No SKU has a zero character, and Postgres takes none.
    let found = sqlx::query(BY_SKU)
        .bind(asked.tenant.as_str())
        .bind(place.lane())
        .bind(sku.replace('\0', "\u{fffd}"))
        .fetch_one(app.stores.pool())
        .await
        .map_err(statement_problem)?;
    let reflects = place.at(found.try_get("reflects").map_err(statement_problem)?);
    let body: Option<String> = found.try_get("body").map_err(statement_problem)?;
    let parked = place.parked_in(&found)?;
    let body = body.ok_or_else(|| unknown(&reflects, parked))?;
    Ok(Answer { body, reflects, parked }.to(&asked))
}

pub(super) async fn live(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    asked: Asked,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let product = LiveRow::<ProductDetails>::of(&app, &asked, id, unknown).await?;
    live::stream(&app, &asked.tenant, &headers, product).await
}

fn unknown(reflects: &LaneToken, parked: Option<Sequence>) -> Problem {
    not_found("unknown-product", "there is no such product", reflects, parked)
}
