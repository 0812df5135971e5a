//! Stock: of one product, and what runs low.

use ::catalog::views::{ProductStock, Reservation, StockByProduct, StockRow};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use http_api::{Path, Problem, Query};
use kernel::{LaneToken, Sequence, TenantId, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::Row as _;
use uuid::Uuid;

use super::{Asked, Catalog};
use crate::answer::{Answer, not_found};
use crate::api::App;
use crate::listing::{Gathered, invalid, limit, position, unless_empty};
use crate::live::{self, Resource, Seen};
use crate::past::{self, Was, Were};
use crate::stores::{Place, Stores, statement_problem};

/// See `queries/catalog/stock_of_product.sql`.
const OF_PRODUCT: &str = include_str!("../../queries/catalog/stock_of_product.sql");
/// See `queries/catalog/list_low_stock.sql`.
const LOW: &str = include_str!("../../queries/catalog/list_low_stock.sql");

/// Most reservations in one answer.
const RESERVATIONS_MOST: i64 = 1_000;
const USUAL_LIMIT: i64 = 50;
const MOST: i64 = 200;
/// What counts as low where nothing is said.
const USUALLY_LOW: i64 = 10;

/// A product's stock and what is reserved of it. The form is made by the statement; this is its description, and what
/// is answered of the past.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct StockWithReservations {
    #[serde(flatten)]
    stock: ProductStock,
    /// How many reservations there are.
    reservation_count: i64,
    /// The reservations by id, at most 1000 of them.
    reservations: Vec<Reservation>,
}

pub(super) async fn of_product(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    Query(asks): Query<past::Asks>,
    asked: Asked,
) -> Result<Response, Problem> {
    let place = app.stores.place::<Catalog, StockByProduct>(&asked).await?;
    if let Some(as_of) = &asks.as_of {
        return Ok(was(&app, &place, &asked, id, as_of).await?.to(&asked));
    }
    app.stores.catch_up::<StockByProduct>(&place, asked.deadline).await?;
    let seen = look(&app.stores, &place, &asked.tenant, id).await?;
    Ok(Answer { body: seen.body, reflects: seen.reflects, parked: seen.parked }.to(&asked))
}

/// The stock as it was, with its reservations of then.
async fn was(app: &App, place: &Place, asked: &Asked, id: Uuid, as_of: &str) -> Result<Answer, Problem> {
    let sources = StockByProduct::sources(&id.into(), None);
    let Were { rows, as_of } =
        app.past.rows::<Catalog, StockByProduct>(place, asked, sources, |_| true, as_of).await?;
    let (mut stock, mut reservations, mut reservation_count) = (None, Vec::new(), 0);
    for row in rows.into_values() {
        match row {
            StockRow::Product(product) => stock = Some(product),
            StockRow::Reservation(reservation) => {
                reservation_count += 1;
                if reservation_count <= RESERVATIONS_MOST {
                    reservations.push(reservation);
                }
            }
        }
    }
    let stock = stock.map(|stock| StockWithReservations { stock, reservation_count, reservations });
    Was { row: stock, as_of }.answer(|as_of| unknown(as_of, None))
}

pub(super) async fn live(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    asked: Asked,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let place = app.stores.place::<Catalog, StockByProduct>(&asked).await?;
    app.stores.catch_up::<StockByProduct>(&place, asked.deadline).await?;
    let stock = LiveStock { stores: app.stores.clone(), place, tenant: asked.tenant.clone(), id };
    live::stream(&app, &asked.tenant, &headers, stock).await
}

struct LiveStock {
    stores: Stores,
    place: Place,
    tenant: TenantId,
    id: Uuid,
}

impl Resource for LiveStock {
    async fn look(&self) -> Result<Seen, Problem> {
        look(&self.stores, &self.place, &self.tenant, self.id).await
    }
}

async fn look(stores: &Stores, place: &Place, tenant: &TenantId, id: Uuid) -> Result<Seen, Problem> {
    let found = sqlx::query(OF_PRODUCT)
        .bind(tenant.as_str())
        .bind(place.lane())
        .bind(id.to_string())
        .bind(RESERVATIONS_MOST)
        .fetch_one(stores.pool())
        .await
        .map_err(statement_problem)?;
    let reflects = place.at(found.try_get("reflects").map_err(statement_problem)?);
    let body: Option<String> = found.try_get("body").map_err(statement_problem)?;
    let stamp: Option<i64> = found.try_get("stamp").map_err(statement_problem)?;
    let parked = place.parked_in(&found)?;
    match body.zip(stamp) {
        Some((body, stamp)) => Ok(Seen { body, changed: Sequence::from_i64(stamp), reflects, parked }),
        None => Err(unknown(&reflects, parked)),
    }
}

fn unknown(reflects: &LaneToken, parked: Option<Sequence>) -> Problem {
    not_found("unknown-product", "there is no such product", reflects, parked)
}

/// What runs low.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Asks {
    /// Fewer than this are available; 10 when absent.
    #[serde(default, deserialize_with = "unless_empty")]
    #[schemars(range(min = 1))]
    below: Option<i64>,
    /// How many products, at most 200; 50 when absent.
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
    available: i64,
    key: String,
}

pub(super) async fn low(
    State(app): State<App>,
    Query(asks): Query<Asks>,
    asked: Asked,
) -> Result<Response, Problem> {
    let below = asks.below.unwrap_or(USUALLY_LOW);
    if below < 1 {
        return Err(invalid("below", "out-of-range", "`below` must be at least 1".to_owned()));
    }
    let limit = limit(asks.limit, USUAL_LIMIT, MOST)?;
    let (available, key) = match position(asks.after.as_deref())? {
        Some(Position { available, key }) => (Some(available), Some(key)),
        None => (None, None),
    };
    let place = app.stores.place::<Catalog, StockByProduct>(&asked).await?;
    app.stores.catch_up::<StockByProduct>(&place, asked.deadline).await?;
    let rows = sqlx::query(LOW)
        .bind(asked.tenant.as_str())
        .bind(place.lane())
        .bind(below)
        .bind(available)
        .bind(key)
        .bind(limit + 1)
        .fetch_all(app.stores.pool())
        .await
        .map_err(statement_problem)?;
    let page = Gathered::of(&place, &rows, |row| {
        Ok(Position { available: row.try_get("available")?, key: row.try_get("key")? })
    })?;
    page.answer(limit, &asked)
}
