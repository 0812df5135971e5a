//! What each view's table has beyond its row: see `tables/README.md`.

/// View and SQL.
const SHAPES: &[(&str, &str)] = &[
    ("categories", include_str!("tables/categories.sql")),
    ("customer-history", include_str!("tables/customer-history.sql")),
    ("order-list", include_str!("tables/order-list.sql")),
    ("product-details", include_str!("tables/product-details.sql")),
    ("product-search", include_str!("tables/product-search.sql")),
    ("stock", include_str!("tables/stock.sql")),
    ("travel-expenses", include_str!("tables/travel-expenses.sql")),
    ("travel-groups", include_str!("tables/travel-groups.sql")),
    ("travel-itinerary", include_str!("tables/travel-itinerary.sql")),
];

/// The SQL that shapes a view's table; empty for a view that is only asked for by its key.
pub(crate) fn shape(view: &str) -> &'static str {
    SHAPES.iter().find(|(name, _)| *name == view).map_or("", |(_, sql)| sql)
}

#[cfg(test)]
mod tests;
