//! Pages of lists.

use std::fmt::Display;
use std::str::FromStr;

use axum::response::Response;
use http_api::{Cursor, Problem, ProblemType};
use kernel::{LaneToken, Sequence};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use sqlx::Row as _;
use sqlx::postgres::PgRow;

use crate::answer::Answer;
use crate::asked::Asked;
use crate::stores::{Place, statement_problem};

/// A page as it stands in a body.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Page<T> {
    /// The items, in the list's order.
    pub(crate) items: Vec<T>,
    /// What to send as `after` for the next page; null on the last one.
    pub(crate) next: Option<String>,
}

/// A page while it is made: items as JSON texts, and the position of the last.
#[derive(Debug)]
pub(crate) struct Found<P> {
    pub(crate) items: Vec<String>,
    pub(crate) last: Option<P>,
}

impl<P: Serialize> Found<P> {
    /// Of one row more than the page has: with it, there is a next page.
    pub(crate) fn of(rows: impl IntoIterator<Item = (String, P)>, limit: i64) -> Self {
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        let (mut items, mut last, mut more) = (Vec::new(), None, false);
        for (item, position) in rows {
            if items.len() == most {
                more = true;
                break;
            }
            items.push(item);
            last = Some(position);
        }
        Self { items, last: last.filter(|_| more) }
    }

    /// The page's JSON, with further members beside `items` and `next`.
    pub(crate) fn into_body(self, further: &[(&str, String)]) -> Result<String, Problem> {
        let mut body = String::from("{\"items\":[");
        for (number, item) in self.items.iter().enumerate() {
            if number > 0 {
                body.push(',');
            }
            body.push_str(item);
        }
        body.push_str("],\"next\":");
        match &self.last {
            // Letters, digits, `-` and `_`: nothing to escape.
            Some(position) => {
                body.push('"');
                body.push_str(&Cursor::encode(position)?);
                body.push('"');
            }
            None => body.push_str("null"),
        }
        for (name, value) in further {
            body.push_str(",\"");
            body.push_str(name);
            body.push_str("\":");
            body.push_str(value);
        }
        body.push('}');
        Ok(body)
    }
}

/// What the statement of a list found: rows with the columns `reflects`, `parked` and `item`. There is always one,
/// whose item is null where the list is empty.
#[derive(Debug)]
pub(crate) struct Gathered<P> {
    pub(crate) reflects: LaneToken,
    pub(crate) parked: Option<Sequence>,
    pub(crate) items: Vec<(String, P)>,
}

impl<P: Serialize> Gathered<P> {
    /// Takes the rows apart; `position` says where in the list an item stands.
    pub(crate) fn of(
        place: &Place,
        rows: &[PgRow],
        position: impl Fn(&PgRow) -> Result<P, sqlx::Error>,
    ) -> Result<Self, Problem> {
        let (mut reflects, mut parked) = (0, None);
        let mut items = Vec::with_capacity(rows.len());
        for row in rows {
            reflects = row.try_get("reflects").map_err(statement_problem)?;
            parked = place.parked_in(row)?;
            let Some(item) = row.try_get("item").map_err(statement_problem)? else { continue };
            items.push((item, position(row).map_err(statement_problem)?));
        }
        Ok(Self { reflects: place.at(reflects), parked, items })
    }

    /// The column `known`: whether there is what the list is of.
    pub(crate) fn known(&self, rows: &[PgRow]) -> Result<bool, Problem> {
        let known = rows.first().map(|row| row.try_get("known")).transpose().map_err(statement_problem)?;
        Ok(known.unwrap_or(false))
    }

    /// A page of it.
    pub(crate) fn answer<C>(self, limit: i64, asked: &Asked<C>) -> Result<Response, Problem> {
        let Self { reflects, parked, items } = self;
        let body = Found::of(items, limit).into_body(&[])?;
        Ok(Answer { body, reflects, parked }.to(asked))
    }
}

/// The position that a client sends back as `after`.
pub(crate) fn position<P: DeserializeOwned + Serialize>(after: Option<&str>) -> Result<Option<P>, Problem> {
    let Some(after) = after else { return Ok(None) };
    // No position holds a zero character, which Postgres would not take.
    let json: serde_json::Value = Cursor::decode(after)?;
    if json.to_string().contains("\\u0000") {
        return Err(foreign_cursor());
    }
    Cursor::decode(after).map(Some)
}

/// A cursor of another list, or of this one sorted otherwise.
pub(crate) fn foreign_cursor() -> Problem {
    Problem::new(ProblemType::InvalidCursor)
        .detail("`after` must be the `next` of an earlier page of the same list")
}

/// How many items a page has.
pub(crate) fn limit(asked: Option<i64>, usual: i64, most: i64) -> Result<i64, Problem> {
    let limit = asked.unwrap_or(usual);
    if (1..=most).contains(&limit) {
        return Ok(limit);
    }
    Err(invalid("limit", "out-of-range", format!("`limit` must be from 1 to {most}")))
}

/// A parameter that makes no sense.
pub(crate) fn invalid(name: &'static str, code: &'static str, detail: String) -> Problem {
    Problem::new(ProblemType::InvalidParameter).detail(detail).error(name, code)
}

/// For parameters that forms send empty: `category=` is no category.
pub(crate) fn unless_empty<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: Display>,
{
    let text = String::deserialize(deserializer)?;
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests;
