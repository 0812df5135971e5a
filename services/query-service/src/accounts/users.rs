//! Users: one, and the active ones.

use ::accounts::views::Users;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use http_api::{Path, Problem, Query};
use kernel::{LaneToken, Sequence};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::Row as _;
use tokio::time::Instant;
use uuid::Uuid;

use super::{Accounts, Asked};
use crate::answer::{Answer, not_found};
use crate::api::App;
use crate::listing::{invalid, unless_empty};
use crate::live::{self, Resource, Seen};
use crate::past;
use crate::stores::{InlinePlace, InlineStore};

/// See `queries/accounts/list_users.sql`.
const LIST: &str = include_str!("../../queries/accounts/list_users.sql");
const USUAL_PAGE_SIZE: i64 = 20;
const LARGEST_PAGE: i64 = 100;
/// Far behind the last page of anybody.
const LAST_PAGE: i64 = 1_000_000;
const SEARCH_LONGEST: usize = 200;

pub(super) const DESCRIPTION: &str = "Pages are numbered, and a user who registers or leaves meanwhile moves the \
    others: what was on the next page may be on this one when it is asked for. `total` counts all pages.";

/// Which users.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Asks {
    /// Which page, from 1; the first when absent.
    #[serde(default, deserialize_with = "unless_empty")]
    #[schemars(range(min = 1, max = LAST_PAGE))]
    page: Option<i64>,
    /// How many on a page, at most 100; 20 when absent.
    #[serde(default, deserialize_with = "unless_empty")]
    #[schemars(range(min = 1, max = LARGEST_PAGE))]
    page_size: Option<i64>,
    /// A part of the name or of the e-mail address, in whatever case.
    #[serde(default, deserialize_with = "unless_empty")]
    #[schemars(length(max = SEARCH_LONGEST))]
    search: Option<String>,
}

/// A numbered page. The form is made by hand; this is its description.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct NumberedPage<T> {
    /// The items, in the list's order.
    items: Vec<T>,
    /// Which page it is, from 1.
    page: i64,
    /// How many a page has at most.
    page_size: i64,
    /// How many there are on all pages.
    total: i64,
}

pub(super) async fn by_id(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    Query(asks): Query<past::Asks>,
    asked: Asked,
) -> Result<Response, Problem> {
    let store = app.stores.inline()?;
    let place = store.place::<Accounts, Users>(&asked).await?;
    if let Some(as_of) = &asks.as_of {
        let was = app.past.row::<Accounts, Users>(&place.place, &asked, &id.into(), None, as_of).await?;
        return Ok(was.answer(unknown)?.to(&asked));
    }
    let seen = look(store, &place, id, asked.deadline).await?;
    Ok(Answer { body: seen.body, reflects: seen.reflects, parked: None }.to(&asked))
}

pub(super) async fn live(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    asked: Asked,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let store = app.stores.inline()?.clone();
    let place = store.place::<Accounts, Users>(&asked).await?;
    let user = LiveUser { store, place, id, deadline: asked.deadline };
    live::stream(&app, &asked.tenant, &headers, user).await
}

pub(super) async fn list(
    State(app): State<App>,
    Query(asks): Query<Asks>,
    asked: Asked,
) -> Result<Response, Problem> {
    let page = within("page", asks.page.unwrap_or(1), LAST_PAGE)?;
    let page_size = within("page_size", asks.page_size.unwrap_or(USUAL_PAGE_SIZE), LARGEST_PAGE)?;
    let pattern = asks.search.as_deref().map(pattern).transpose()?;
    let store = app.stores.inline()?;
    let place = store.place::<Accounts, Users>(&asked).await?;
    let rows = store
        .fresh(&place.place, asked.deadline, || async {
            let rows = sqlx::query(LIST)
                .bind(place.view_id)
                .bind(place.tenant_id)
                .bind(place.log_id)
                .bind(pattern.as_deref())
                .bind(page_size)
                .bind((page - 1) * page_size)
                .fetch_all(store.pool())
                .await?;
            let (mut reflects, mut total, mut items) = (0_i64, 0_i64, Vec::with_capacity(rows.len()));
            for row in rows {
                (reflects, total) = (row.try_get("reflects")?, row.try_get("total")?);
                items.extend(row.try_get::<Option<String>, _>("item")?);
            }
            let reflects = Sequence::from_i64(reflects);
            Ok((reflects, (reflects, total, items)))
        })
        .await?;
    let (reflects, total, items) = rows;
    let items = items.join(",");
    let body = format!(r#"{{"items":[{items}],"page":{page},"page_size":{page_size},"total":{total}}}"#);
    Ok(Answer { body, reflects: place.place.log.at(reflects), parked: None }.to(&asked))
}

fn within(name: &'static str, number: i64, most: i64) -> Result<i64, Problem> {
    if (1..=most).contains(&number) {
        return Ok(number);
    }
    Err(invalid(name, "out-of-range", format!("`{name}` must be from 1 to {most}")))
}

/// What is like it has the text somewhere in it; nothing in the text means anything else than itself.
fn pattern(search: &str) -> Result<String, Problem> {
    if search.chars().count() > SEARCH_LONGEST {
        let detail = format!("`search` must have at most {SEARCH_LONGEST} characters");
        return Err(invalid("search", "too-long", detail));
    }
    let mut pattern = String::from("%");
    // No name has a zero character, and Postgres takes none.
    for character in search.replace('\0', "\u{fffd}").chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    Ok(pattern)
}

struct LiveUser {
    store: InlineStore,
    place: InlinePlace,
    id: Uuid,
    deadline: Instant,
}

impl Resource for LiveUser {
    async fn look(&self) -> Result<Seen, Problem> {
        look(&self.store, &self.place, self.id, self.deadline).await
    }
}

async fn look(
    store: &InlineStore,
    place: &InlinePlace,
    id: Uuid,
    deadline: Instant,
) -> Result<Seen, Problem> {
    let found = store.row(place, &id.to_string(), deadline).await?;
    let reflects = place.place.log.at(found.reflects);
    let row = found.row.ok_or_else(|| unknown(&reflects))?;
    Ok(Seen { body: row.body, changed: row.stamp, reflects, parked: None })
}

fn unknown(reflects: &LaneToken) -> Problem {
    not_found("unknown-user", "there is no such user", reflects, None)
}
