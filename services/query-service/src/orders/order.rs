//! One order.

use ::catalog::Catalog;
use ::catalog::views::{ProductNames, ProductNamesRow};
use ::orders::views::{OrderDetails, OrderLineRow, OrderRow, OrderStanding};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use http_api::{Path, Problem, Query};
use kernel::{LaneToken, Sequence, TenantId};
use schemars::JsonSchema;
use serde::Serialize;
use tokio::time::Instant;
use uuid::Uuid;

use super::{Asked, Orders};
use crate::answer::{Answer, not_found};
use crate::api::App;
use crate::beside::{Beside, place_beside, rows_beside};
use crate::live::{self, Resource, Seen};
use crate::past::{Asks, Was};
use crate::stores::{Place, Stores};

pub(super) const DESCRIPTION: &str = "\
Each line names its product as it was called when it was ordered, and as it is called now. The names are the \
catalog's: what of them the answer reflects is in a second `Twofold-Sequence`, and tokens of the catalog in \
`Twofold-After` are waited for too. A name is null where the catalog has no such product.";

/// An order whose lines name their products.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct OrderWithNames {
    #[serde(flatten)]
    standing: OrderStanding,
    /// What was ordered.
    lines: Vec<NamedLine>,
}

/// Some pieces of one product, and what it is called.
#[derive(Debug, Serialize, JsonSchema)]
struct NamedLine {
    #[serde(flatten)]
    line: OrderLineRow,
    /// What the product was called when it was ordered.
    product_name: Option<String>,
    /// What it is called now.
    product_name_now: Option<String>,
}

pub(super) async fn by_id(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    Query(asks): Query<Asks>,
    asked: Asked,
) -> Result<Response, Problem> {
    let view = OrderPlace::of(&app, &asked).await?;
    let stored = view.stored(id).await?;
    let found = match &asks.as_of {
        None => stored,
        Some(as_of) => {
            // An order never goes away, and says which payment is its own.
            let now = Some(&stored.order);
            let Was { row, as_of } =
                app.past.row::<Orders, OrderDetails>(&view.place, &asked, &id.into(), now, as_of).await?;
            let order = row.ok_or_else(|| unknown(&as_of, None))?;
            Stored { order, changed: as_of.sequence, reflects: as_of, parked: None }
        }
    };
    let names = view.names(&found.order).await?;
    let body = serde_json::to_string(&named(found.order, &names)).map_err(Problem::internal)?;
    Ok(names.told_on(Answer { body, reflects: found.reflects, parked: found.parked }.to(&asked)))
}

pub(super) async fn live(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    asked: Asked,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let order = LiveOrder { view: OrderPlace::of(&app, &asked).await?, id };
    live::stream(&app, &asked.tenant, &headers, order).await
}

struct LiveOrder {
    view: OrderPlace,
    id: Uuid,
}

impl Resource for LiveOrder {
    async fn look(&self) -> Result<Seen, Problem> {
        let Stored { order, changed, reflects, parked } = self.view.stored(self.id).await?;
        let names = self.view.names(&order).await?;
        let body = serde_json::to_string(&named(order, &names)).map_err(Problem::internal)?;
        Ok(Seen { body, changed, reflects, parked })
    }
}

/// Where a tenant's orders are, and the names of what is in them.
struct OrderPlace {
    stores: Stores,
    tenant: TenantId,
    place: Place,
    catalog: Place,
    deadline: Instant,
}

/// An order as its view has it.
struct Stored {
    order: OrderRow,
    /// When it last changed.
    changed: Sequence,
    reflects: LaneToken,
    parked: Option<Sequence>,
}

impl OrderPlace {
    async fn of(app: &App, asked: &Asked) -> Result<Self, Problem> {
        let place = app.stores.place::<Orders, OrderDetails>(asked).await?;
        let catalog = place_beside::<Catalog, _>(&place, asked);
        let (stores, tenant) = (app.stores.clone(), asked.tenant.clone());
        Ok(Self { stores, tenant, place, catalog, deadline: asked.deadline })
    }

    async fn stored(&self, id: Uuid) -> Result<Stored, Problem> {
        let key = id.to_string();
        let found = self.stores.row::<OrderDetails>(&self.place, &self.tenant, &key, self.deadline).await?;
        let reflects = self.place.log.at(found.reflects);
        let parked = self.place.parked(found.parked)?;
        let row = found.row.ok_or_else(|| unknown(&reflects, parked))?;
        let order = serde_json::from_str(&row.body).map_err(Problem::internal)?;
        Ok(Stored { order, changed: row.stamp, reflects, parked })
    }

    async fn names(&self, order: &OrderRow) -> Result<Beside<ProductNamesRow>, Problem> {
        let products = order.lines.iter().map(|line| line.product_id.to_string());
        rows_beside::<ProductNames>(&self.stores, &self.catalog, &self.tenant, products, self.deadline).await
    }
}

fn unknown(reflects: &LaneToken, parked: Option<Sequence>) -> Problem {
    not_found("unknown-order", "there is no such order", reflects, parked)
}

fn named(order: OrderRow, names: &Beside<ProductNamesRow>) -> OrderWithNames {
    let OrderRow { standing, lines } = order;
    let name = |line: OrderLineRow| {
        let names = names.rows.get(&line.product_id.to_string());
        NamedLine {
            product_name: names.and_then(|names| names.at(standing.placed_at)).map(str::to_owned),
            product_name_now: names.and_then(ProductNamesRow::now).map(str::to_owned),
            line,
        }
    };
    OrderWithNames { lines: lines.into_iter().map(name).collect(), standing }
}
