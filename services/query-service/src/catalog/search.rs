//! Products by words, filters and sort.
//!
//! A search is first answered as it was typed. Only where that finds nothing are the words looked at one by one:
//! those that no product has are taken for typing errors, and products are searched by how their names spell them.
//! A word that some product has is never respelt, so that an exact search finds what it says and nothing else.

mod asks;
mod facets;
mod words;

use ::catalog::views::{FoundProduct, ProductSearch};
use axum::extract::State;
use axum::response::Response;
use http_api::{Problem, Query};
use kernel::{Sequence, TenantId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgConnection;
use sqlx::{Connection as _, Row as _};

pub(super) use asks::Asks;
use asks::{Search, Sort};
use words::{TextQuery, Words};

use super::{Asked, Catalog};
use crate::answer::Answer;
use crate::api::App;
use crate::listing::{Found, Page};
use crate::stores::{Place, statement_problem};
use crate::telemetry;

/// See `queries/catalog/search_products.sql`.
const SEARCH: &str = include_str!("../../queries/catalog/search_products.sql");
/// See `queries/catalog/spell_words.sql`.
const SPELL: &str = include_str!("../../queries/catalog/spell_words.sql");

/// Most spellings of a word that are looked at.
const SPELLINGS_MOST: i64 = 8;

pub(super) const DESCRIPTION: &str = "\
`q` finds products that have all of its words, or words that begin with them, in name, SKU or description; sorted by \
`relevance`, a word in the name weighs more than one in the description. Marks separate words. A word that no product \
has is taken for a typing error and found as the names of products spell it. At most 12 words count.\n\n\
`facets` asks for counts beside the items. Each follows all filters but its own, so that it shows what another choice \
would find: `category` (the 100 largest), `price` (ranges in minor units, `from` and `to` included) and `in_stock`.";

/// A page of products.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct FoundProducts {
    #[serde(flatten)]
    page: Page<FoundProduct>,
    /// The counts that were asked for; absent when none were.
    facets: Option<facets::Facets>,
}

/// The last item of a page.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Position {
    sort: Sort,
    text: Option<String>,
    number: Option<i64>,
    key: String,
}

pub(super) async fn list(
    State(app): State<App>,
    Query(asks): Query<Asks>,
    asked: Asked,
) -> Result<Response, Problem> {
    let search = asks.search()?;
    let place = app.stores.place::<Catalog, ProductSearch>(&asked).await?;
    app.stores.catch_up::<ProductSearch>(&place, asked.deadline).await?;
    let mut connection = app.stores.pool().acquire().await.map_err(statement_problem)?;
    let desk = Desk { tenant: &asked.tenant, place: &place, search: &search };

    let mut results = desk.find(&mut connection, search.words.as_typed().as_ref()).await?;
    if results.page.items.is_empty()
        && let Some(respelt) = desk.respell(&mut connection).await?
    {
        metrics::counter!(telemetry::RESPELT).increment(1);
        results = desk.find(&mut connection, Some(&respelt)).await?;
    }
    let further: Vec<_> = results.facets.map(|facets| ("facets", facets)).into_iter().collect();
    let body = results.page.into_body(&further)?;
    let parked = results.parked;
    Ok(Answer { body, reflects: place.at(results.reflects), parked }.to(&asked))
}

/// Where a search is worked on.
struct Desk<'a> {
    tenant: &'a TenantId,
    place: &'a Place,
    search: &'a Search,
}

struct Results {
    page: Found<Position>,
    facets: Option<String>,
    reflects: i64,
    parked: Option<Sequence>,
}

impl Desk<'_> {
    /// The page and the counts, both as of one moment.
    async fn find(
        &self,
        connection: &mut PgConnection,
        text: Option<&TextQuery>,
    ) -> Result<Results, Problem> {
        if !self.search.facets.any() {
            return self.page(connection, text).await;
        }
        let mut snapshot = connection
            .begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            .await
            .map_err(statement_problem)?;
        let results = self.page(&mut snapshot, text).await?;
        let facets = facets::count(&mut snapshot, self.tenant, self.search, text).await?;
        snapshot.commit().await.map_err(statement_problem)?;
        Ok(Results { facets: Some(facets), ..results })
    }

    async fn page(
        &self,
        connection: &mut PgConnection,
        text: Option<&TextQuery>,
    ) -> Result<Results, Problem> {
        let Search { filters, sort, after, limit, .. } = self.search;
        let rows = sqlx::query(SEARCH)
            .bind(self.tenant.as_str())
            .bind(self.place.lane())
            .bind(text.map(|text| text.matching.as_str()))
            .bind(text.map(|text| text.ranking.as_str()))
            .bind(filters.category.map(|id| id.to_string()))
            .bind(filters.currency.map(|currency| currency.code()))
            .bind(filters.min_price)
            .bind(filters.max_price)
            .bind(filters.in_stock)
            .bind(filters.include_discontinued)
            .bind(sort.name())
            .bind(after.as_ref().and_then(|after| after.text.as_deref()))
            .bind(after.as_ref().and_then(|after| after.number))
            .bind(after.as_ref().map(|after| after.key.as_str()))
            .bind(limit + 1)
            .fetch_all(connection)
            .await
            .map_err(statement_problem)?;
        let (mut reflects, mut parked) = (0, None);
        let mut items = Vec::with_capacity(rows.len());
        for row in rows {
            reflects = row.try_get("reflects").map_err(statement_problem)?;
            parked = self.place.parked_in(&row)?;
            let Some(item) = row.try_get("item").map_err(statement_problem)? else { continue };
            let position = Position {
                sort: *sort,
                text: row.try_get("sort_text").map_err(statement_problem)?,
                number: row.try_get("sort_number").map_err(statement_problem)?,
                key: row.try_get("key").map_err(statement_problem)?,
            };
            items.push((item, position));
        }
        Ok(Results { page: Found::of(items, *limit), facets: None, reflects, parked })
    }

    /// The search with the words that no product has as products' names spell them; none where every word is some
    /// product's, or where one looks like nothing.
    async fn respell(&self, connection: &mut PgConnection) -> Result<Option<TextQuery>, Problem> {
        let words = &self.search.words;
        if words.is_empty() {
            return Ok(None);
        }
        let unknown = sqlx::query(SPELL)
            .bind(self.tenant.as_str())
            .bind(words.as_slice())
            .bind(SPELLINGS_MOST)
            .fetch_all(connection)
            .await
            .map_err(statement_problem)?;
        let mut spellings = Vec::with_capacity(unknown.len());
        for row in unknown {
            let word: String = row.try_get("word").map_err(statement_problem)?;
            let near: Vec<String> = row.try_get("spellings").map_err(statement_problem)?;
            spellings.push((word, near));
        }
        Ok(words.respelt(&spellings))
    }
}
