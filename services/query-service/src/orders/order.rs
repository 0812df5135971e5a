//! One order.

use ::catalog::Catalog;
use ::catalog::views::{ProductNames, ProductNamesRow};
use ::orders::views::{OrderDetails, OrderLineRow, OrderRow, OrderStanding};
use axum::extract::State;
use axum::response::Response;
use http_api::{Path, Problem, Query};
use kernel::{LaneToken, Sequence};
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use super::{Asked, Orders};
use crate::answer::{Answer, not_found};
use crate::api::App;
use crate::beside::{Beside, place_beside, rows_beside};
use crate::past::{Asks, Was};

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
    let place = app.stores.place::<Orders, OrderDetails>(&asked).await?;
    let found =
        app.stores.row::<OrderDetails>(&place, &asked.tenant, &id.to_string(), asked.deadline).await?;
    let reflects = place.log.at(found.reflects);
    let parked = place.parked(found.parked)?;
    let row = found.row.ok_or_else(|| unknown(&reflects, parked))?;
    let now: OrderRow = serde_json::from_str(&row.body).map_err(Problem::internal)?;
    let (order, reflects, parked) = match &asks.as_of {
        None => (now, reflects, parked),
        Some(as_of) => {
            // An order never goes away, and says which payment is its own.
            let Was { row, as_of } =
                app.past.row::<Orders, OrderDetails>(&place, &asked, &id.into(), Some(&now), as_of).await?;
            (row.ok_or_else(|| unknown(&as_of, None))?, as_of, None)
        }
    };

    let products = order.lines.iter().map(|line| line.product_id.to_string());
    let catalog = place_beside::<Catalog, _>(&place, &asked);
    let names =
        rows_beside::<ProductNames>(&app.stores, &catalog, &asked.tenant, products, asked.deadline).await?;
    let body = serde_json::to_string(&named(order, &names)).map_err(Problem::internal)?;
    Ok(names.told_on(Answer { body, reflects, parked }.to(&asked)))
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
