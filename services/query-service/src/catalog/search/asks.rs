//! What a search may ask for.

use std::fmt;
use std::str::FromStr;

use http_api::Problem;
use kernel::Currency;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::facets::Wanted;
use super::{Position, Words};
use crate::listing::{foreign_cursor, invalid, limit, position, unless_empty};

const USUAL_LIMIT: i64 = 20;
const MOST: i64 = 100;
const Q_LONGEST: usize = 200;

/// Which products, and in which order. An empty parameter is an absent one.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asks {
    /// Words to find, at most 200 characters.
    #[serde(default, deserialize_with = "unless_empty")]
    #[schemars(length(max = Q_LONGEST))]
    q: Option<String>,
    /// Only products of this category.
    #[serde(default, deserialize_with = "unless_empty")]
    category: Option<Uuid>,
    /// Only products priced in this currency.
    #[serde(default, deserialize_with = "unless_empty")]
    currency: Option<Currency>,
    /// Only products that cost at least this, in minor units.
    #[serde(default, deserialize_with = "unless_empty")]
    #[schemars(range(min = 0))]
    min_price: Option<i64>,
    /// Only products that cost at most this, in minor units.
    #[serde(default, deserialize_with = "unless_empty")]
    #[schemars(range(min = 0))]
    max_price: Option<i64>,
    /// `true`: only products of which some are available; `false`: only the others.
    #[serde(default, deserialize_with = "unless_empty")]
    in_stock: Option<bool>,
    /// `true`: products that are sold no longer too.
    #[serde(default, deserialize_with = "unless_empty")]
    include_discontinued: Option<bool>,
    /// The order; `relevance` when absent and `q` is given, else `name`.
    #[serde(default, deserialize_with = "unless_empty")]
    sort: Option<Sort>,
    /// Counts to answer as well, separated by commas: `category`, `price`, `in_stock`.
    #[serde(default, deserialize_with = "unless_empty")]
    facets: Option<String>,
    /// How many products, at most 100; 20 when absent.
    #[serde(default, deserialize_with = "unless_empty")]
    #[schemars(range(min = 1, max = MOST))]
    limit: Option<i64>,
    /// The `next` of the page before.
    #[serde(default, deserialize_with = "unless_empty")]
    after: Option<String>,
}

/// What was asked for, in order.
#[derive(Debug)]
pub(super) struct Search {
    pub(super) words: Words,
    pub(super) filters: Filters,
    pub(super) sort: Sort,
    pub(super) facets: Wanted,
    pub(super) after: Option<Position>,
    pub(super) limit: i64,
}

/// What products must be like.
#[derive(Debug)]
pub(super) struct Filters {
    pub(super) category: Option<Uuid>,
    pub(super) currency: Option<Currency>,
    pub(super) min_price: Option<i64>,
    pub(super) max_price: Option<i64>,
    pub(super) in_stock: Option<bool>,
    pub(super) include_discontinued: bool,
}

/// An order of products.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(super) enum Sort {
    /// The best matches first.
    #[serde(rename = "relevance")]
    Relevance,
    /// The cheapest first.
    #[serde(rename = "price")]
    Cheapest,
    /// The dearest first.
    #[serde(rename = "-price")]
    Dearest,
    /// By name.
    #[serde(rename = "name")]
    Name,
    /// The newest first.
    #[serde(rename = "-created")]
    Newest,
}

impl Sort {
    const ALL: [Self; 5] = [Self::Relevance, Self::Cheapest, Self::Dearest, Self::Name, Self::Newest];

    /// As clients and the statement know it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Relevance => "relevance",
            Self::Cheapest => "price",
            Self::Dearest => "-price",
            Self::Name => "name",
            Self::Newest => "-created",
        }
    }
}

/// No order that is known.
#[derive(Debug)]
pub(super) struct UnknownSort;

impl fmt::Display for UnknownSort {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("no such order")
    }
}

impl FromStr for Sort {
    type Err = UnknownSort;

    fn from_str(name: &str) -> Result<Self, UnknownSort> {
        Self::ALL.into_iter().find(|sort| sort.name() == name).ok_or(UnknownSort)
    }
}

impl Asks {
    /// Checks it.
    pub(super) fn search(self) -> Result<Search, Problem> {
        let q = self.q.unwrap_or_default();
        if q.chars().count() > Q_LONGEST {
            return Err(invalid("q", "too-long", format!("`q` may have at most {Q_LONGEST} characters")));
        }
        for (name, price) in [("min_price", self.min_price), ("max_price", self.max_price)] {
            if price.is_some_and(|price| price < 0) {
                return Err(invalid(name, "out-of-range", format!("`{name}` must be at least 0")));
            }
        }
        let words = Words::of(&q);
        // Without words nothing is more relevant than anything else.
        let sort = match self.sort {
            Some(Sort::Relevance) | None if words.is_empty() => Sort::Name,
            Some(sort) => sort,
            None => Sort::Relevance,
        };
        let after: Option<Position> = position(self.after.as_deref())?;
        if after.as_ref().is_some_and(|after| after.sort != sort) {
            return Err(foreign_cursor());
        }
        Ok(Search {
            words,
            filters: Filters {
                category: self.category,
                currency: self.currency,
                min_price: self.min_price,
                max_price: self.max_price,
                in_stock: self.in_stock,
                include_discontinued: self.include_discontinued.unwrap_or(false),
            },
            sort,
            facets: Wanted::of(self.facets.as_deref())?,
            after,
            limit: limit(self.limit, USUAL_LIMIT, MOST)?,
        })
    }
}
