//! What the catalog can be asked.

mod categories;
mod products;
mod search;
mod stock;

use ::catalog::views::{CategoryRow, ProductRow, ProductStock};
use http_api::{Operation, ProblemType};
use kernel::Context;
use uuid::Uuid;

use crate::api::Api;
use crate::listing::Page;
use crate::past;

type Catalog = ::catalog::Catalog;
type Asked = crate::asked::Asked<Catalog>;

const TAG: &str = "catalog";

/// Adds the catalog's queries.
pub(crate) fn add_to(api: &mut Api) {
    api.tag(TAG, "Products, categories and stock.");
    add_products(api);
    add_stock(api);
    api.get(
        "/v1/catalog/categories",
        categories::list,
        query("listCategories", "The categories by name, with how many products each has")
            .query_parameters::<categories::Asks>()
            .answer::<Page<CategoryRow>>(200, "A page of categories.")
            .problem(ProblemType::InvalidCursor),
    );
}

fn add_products(api: &mut Api) {
    api.get(
        "/v1/catalog/products",
        search::list,
        query("listProducts", "Products by words, filters and sort, with counts for further filters")
            .description(search::DESCRIPTION)
            .query_parameters::<search::Asks>()
            .answer::<search::FoundProducts>(200, "A page of products.")
            .problem(ProblemType::InvalidCursor),
    );
    api.get(
        "/v1/catalog/products/{id}",
        products::by_id,
        query("getProduct", "A product with its category's name and its stock by location")
            .query_parameters::<past::Asks>()
            .problem(ProblemType::Unavailable)
            .path_parameter::<Uuid>("id", "The product.")
            .answer::<ProductRow>(200, "The product.")
            .problem(ProblemType::NotFound),
    );
    api.get(
        "/v1/catalog/products/{id}/live",
        products::live,
        live("watchProduct", "A product each time that anything about it changes")
            .path_parameter::<Uuid>("id", "The product.")
            .answer_events::<ProductRow>(200, "Events `changed`, each with the whole product."),
    );
    api.get(
        "/v1/catalog/products/by-sku/{sku}",
        products::by_sku,
        query("getProductBySku", "The product with a SKU")
            .path_parameter::<String>("sku", "The SKU, to the letter; `/` in it is written `%2F`.")
            .answer::<ProductRow>(200, "The product.")
            .problem(ProblemType::NotFound),
    );
}

fn add_stock(api: &mut Api) {
    api.get(
        "/v1/catalog/stock/low",
        stock::low,
        query("listLowStock", "Products to be ordered again, the scarcest first")
            .description("Products that are sold and of which fewer than `below` are available.")
            .query_parameters::<stock::Asks>()
            .answer::<Page<ProductStock>>(200, "A page of products.")
            .problem(ProblemType::InvalidCursor),
    );
    api.get(
        "/v1/catalog/stock/{product_id}",
        stock::of_product,
        query("getStock", "A product's stock by location, with its reservations")
            .query_parameters::<past::Asks>()
            .problem(ProblemType::Unavailable)
            .path_parameter::<Uuid>("product_id", "The product.")
            .answer::<stock::StockWithReservations>(200, "The stock.")
            .problem(ProblemType::NotFound),
    );
    api.get(
        "/v1/catalog/stock/{product_id}/live",
        stock::live,
        live("watchStock", "A product's stock each time that it changes")
            .path_parameter::<Uuid>("product_id", "The product.")
            .answer_events::<stock::StockWithReservations>(
                200,
                "Events `changed`, each with the whole stock.",
            ),
    );
}

fn query(id: &str, summary: &str) -> Operation {
    Operation::new(id, summary).tag(TAG).scope(format!("{}:read", Catalog::NAME)).reads()
}

fn live(id: &str, summary: &str) -> Operation {
    crate::live::operation(id, summary).tag(TAG).scope(format!("{}:read", Catalog::NAME))
}
