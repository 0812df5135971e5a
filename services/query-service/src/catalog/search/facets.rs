//! Counts beside a page: how many products another choice would find.

use http_api::Problem;
use kernel::TenantId;
use schemars::JsonSchema;
use serde::Serialize;
use sqlx::Row as _;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use super::TextQuery;
use super::asks::Search;
use crate::listing::invalid;
use crate::stores::statement_problem;

/// See `queries/catalog/product_facets.sql`.
const FACETS: &str = include_str!("../../../queries/catalog/product_facets.sql");

/// Where ranges of prices begin, in minor units.
const PRICE_RANGES: [i64; 10] = [0, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000];
/// Most categories that are counted.
const CATEGORIES_MOST: i64 = 100;

/// The counts that were asked for.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Facets {
    /// Products by category, the most first.
    category: Option<Vec<CategoryCount>>,
    /// Products by price; ranges without products are left out.
    price: Option<Vec<PriceCount>>,
    /// Products in and out of stock.
    in_stock: Option<StockCount>,
}

/// How many products a category has.
#[derive(Debug, Serialize, JsonSchema)]
struct CategoryCount {
    /// The category.
    id: Uuid,
    /// Its name.
    name: String,
    /// How many.
    count: i64,
}

/// How many products a range of prices has.
#[derive(Debug, Serialize, JsonSchema)]
struct PriceCount {
    /// The lowest price in it: what to send as `min_price`.
    from: i64,
    /// The highest price in it: what to send as `max_price`; null for the last range.
    to: Option<i64>,
    /// How many.
    count: i64,
}

/// How many products are in stock and how many are not.
#[derive(Debug, Serialize, JsonSchema)]
struct StockCount {
    /// Some are available.
    r#true: i64,
    /// None is available.
    r#false: i64,
}

/// Which counts are wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    category: bool,
    price: bool,
    in_stock: bool,
}

impl Wanted {
    /// `category,price`.
    pub(super) fn of(text: Option<&str>) -> Result<Self, Problem> {
        let mut wanted = Self::default();
        for name in text.unwrap_or_default().split(',').map(str::trim).filter(|name| !name.is_empty()) {
            match name {
                "category" => wanted.category = true,
                "price" => wanted.price = true,
                "in_stock" => wanted.in_stock = true,
                _ => {
                    let detail = "`facets` may name `category`, `price` and `in_stock`".to_owned();
                    return Err(invalid("facets", "unknown-facet", detail));
                }
            }
        }
        Ok(wanted)
    }

    pub(super) fn any(self) -> bool {
        self.category || self.price || self.in_stock
    }
}

/// The counts as a JSON object.
pub(super) async fn count(
    connection: &mut PgConnection,
    tenant: &TenantId,
    search: &Search,
    text: Option<&TextQuery>,
) -> Result<String, Problem> {
    let Search { filters, facets: wanted, .. } = search;
    let row = sqlx::query(FACETS)
        .bind(tenant.as_str())
        .bind(text.map(|text| text.matching.as_str()))
        .bind(filters.category.map(|id| id.to_string()))
        .bind(filters.currency.map(|currency| currency.code()))
        .bind(filters.min_price)
        .bind(filters.max_price)
        .bind(filters.in_stock)
        .bind(filters.include_discontinued)
        .bind(wanted.category)
        .bind(wanted.price)
        .bind(wanted.in_stock)
        .bind(PRICE_RANGES.as_slice())
        .bind(CATEGORIES_MOST)
        .fetch_one(connection)
        .await
        .map_err(statement_problem)?;
    let mut members = Vec::with_capacity(3);
    for name in ["category", "price", "in_stock"] {
        let counts: Option<String> = row.try_get(name).map_err(statement_problem)?;
        members.extend(counts.map(|counts| format!("\"{name}\":{counts}")));
    }
    Ok(format!("{{{}}}", members.join(",")))
}
