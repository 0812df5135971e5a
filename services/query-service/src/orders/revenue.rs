//! What was taken and given back.

use std::fmt;
use std::str::FromStr;

use ::orders::views::Revenue;
use axum::extract::State;
use axum::response::Response;
use http_api::{Problem, Query};
use kernel::{Money, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::Row as _;

use super::{Asked, Orders};
use crate::answer::Answer;
use crate::api::App;
use crate::listing::{Found, limit, position, unless_empty};
use crate::stores::statement_problem;

/// See `queries/orders/revenue.sql`.
const REVENUE: &str = include_str!("../../queries/orders/revenue.sql");
const USUAL_LIMIT: i64 = 100;
const MOST: i64 = 1_000;

/// Of which days. An empty parameter is an absent one.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Asks {
    /// The first day, like `2026-01-31`, or a time on it; the first of all when absent.
    #[serde(default, deserialize_with = "unless_empty")]
    from: Option<Day>,
    /// The last day, included, or a time on it; the last of all when absent.
    #[serde(default, deserialize_with = "unless_empty")]
    to: Option<Day>,
    /// What a period is; `day` when absent.
    #[serde(default, deserialize_with = "unless_empty")]
    by: Option<By>,
    /// How many periods, each currency counted, at most 1000; 100 when absent.
    #[serde(default, deserialize_with = "unless_empty")]
    #[schemars(range(min = 1, max = MOST))]
    limit: Option<i64>,
    /// The `next` of the page before.
    #[serde(default, deserialize_with = "unless_empty")]
    after: Option<String>,
}

/// A day in UTC.
#[derive(Debug, JsonSchema)]
struct Day(String);

impl FromStr for Day {
    type Err = kernel::InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let time: Timestamp = format!("{text}T00:00:00Z").parse().or_else(|_| text.parse())?;
        Ok(Self(time.day()))
    }
}

/// What a period is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum By {
    /// A day.
    Day,
    /// A month.
    Month,
}

impl By {
    /// How many letters of a day make a period.
    const fn letters(self) -> i32 {
        match self {
            Self::Day => 10,
            Self::Month => 7,
        }
    }
}

/// No period that is known.
#[derive(Debug)]
struct UnknownPeriod;

impl fmt::Display for UnknownPeriod {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("expected day or month")
    }
}

impl FromStr for By {
    type Err = UnknownPeriod;

    fn from_str(name: &str) -> Result<Self, UnknownPeriod> {
        match name {
            "day" => Ok(Self::Day),
            "month" => Ok(Self::Month),
            _ => Err(UnknownPeriod),
        }
    }
}

/// The revenue of a period in one currency. The form is made by the statement; this is its description.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Period {
    /// The day, `2026-01-31`, or the month, `2026-01`.
    period: String,
    /// What was taken less what was given back.
    revenue: Money,
    /// What was taken.
    captured: Money,
    /// In how many payments.
    captures: i64,
    /// What was given back, whenever it had been taken.
    refunded: Money,
    /// In how many parts.
    refunds: i64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Position {
    by: By,
    period: String,
    currency: String,
}

pub(super) async fn list(
    State(app): State<App>,
    Query(asks): Query<Asks>,
    asked: Asked,
) -> Result<Response, Problem> {
    let limit = limit(asks.limit, USUAL_LIMIT, MOST)?;
    let by = asks.by.unwrap_or(By::Day);
    let after: Option<Position> = position(asks.after.as_deref())?;
    if after.as_ref().is_some_and(|after| after.by != by) {
        return Err(crate::listing::foreign_cursor());
    }
    let place = app.stores.place::<Orders, Revenue>(&asked).await?;
    app.stores.catch_up::<Revenue>(&place, asked.deadline).await?;
    let rows = sqlx::query(REVENUE)
        .bind(asked.tenant.as_str())
        .bind(place.lane())
        .bind(asks.from.map(|day| day.0))
        .bind(asks.to.map(|day| day.0))
        .bind(by.letters())
        .bind(after.as_ref().map(|after| after.period.as_str()))
        .bind(after.as_ref().map(|after| after.currency.as_str()))
        .bind(limit + 1)
        .fetch_all(app.stores.pool())
        .await
        .map_err(statement_problem)?;
    let (mut reflects, mut parked) = (0, None);
    let mut items = Vec::with_capacity(rows.len());
    for row in rows {
        reflects = row.try_get("reflects").map_err(statement_problem)?;
        parked = place.parked_in(&row)?;
        let Some(item) = row.try_get("item").map_err(statement_problem)? else { continue };
        let period = row.try_get("period").map_err(statement_problem)?;
        let currency = row.try_get("currency").map_err(statement_problem)?;
        items.push((item, Position { by, period, currency }));
    }
    let body = Found::of(items, limit).into_body(&[])?;
    Ok(Answer { body, reflects: place.at(reflects), parked }.to(&asked))
}
