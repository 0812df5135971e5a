use serde_json::json;

use super::{Asker, dollar, euro};
use crate::harness::{new_id, product};

#[tokio::test]
async fn every_rule_of_the_catalog_refuses_with_its_code() {
    let mut asker = Asker::of("catalog").await;
    let category = asker.does("create-category", json!({"name": "Books"})).await;
    let other = asker.does("create-category", json!({"name": "Tools"})).await;
    let id = asker.does("create-product", product("sku-1", &category)).await;
    let gone = asker.does("create-product", product("sku-2", &category)).await;
    asker.does("discontinue-product", json!({"product_id": gone, "reason": "sold out"})).await;
    asker.does("receive-stock", json!({"product_id": id, "location": "A", "quantity": 10})).await;
    asker.does("receive-stock", json!({"product_id": gone, "location": "A", "quantity": 10})).await;
    let reservation = new_id();
    let reserve = json!({"product_id": id, "quantity": 4, "location": "A", "reservation_id": reservation});
    asker.does("reserve-stock", reserve).await;
    let closed = new_id();
    let close = json!({"product_id": id, "reservation_id": closed, "even_if_unknown": true});
    asker.does("release-stock", close).await;

    let nobody = new_id();
    let stock = |product: &str, quantity: i64, reservation: &str| json!({"product_id": product, "quantity": quantity, "reservation_id": reservation});
    let mut again = product("sku-9", &category);
    again["product_id"] = json!(id);
    for (name, body, code) in [
        ("create-category", json!({"name": "books"}), "category-name-taken"),
        ("create-category", json!({"category_id": category, "name": "x"}), "category-exists"),
        ("rename-category", json!({"category_id": nobody, "name": "x"}), "unknown-category"),
        ("rename-category", json!({"category_id": other, "name": " BOOKS"}), "category-name-taken"),
        ("create-product", product("sku-1", &category), "sku-taken"),
        ("create-product", product("sku-2", &category), "sku-taken"),
        ("create-product", again, "product-exists"),
        ("create-product", product("sku-3", &nobody), "unknown-category"),
        ("describe-product", json!({"product_id": nobody, "name": "x"}), "unknown-product"),
        ("describe-product", json!({"product_id": gone, "name": "x"}), "discontinued"),
        ("change-price", json!({"product_id": id, "price": dollar(1)}), "currency-mismatch"),
        ("change-price", json!({"product_id": nobody, "price": euro(1)}), "unknown-product"),
        ("change-price", json!({"product_id": gone, "price": euro(1)}), "discontinued"),
        ("recategorise-product", json!({"product_id": id, "category_id": nobody}), "unknown-category"),
        ("recategorise-product", json!({"product_id": nobody, "category_id": other}), "unknown-product"),
        ("recategorise-product", json!({"product_id": gone, "category_id": other}), "discontinued"),
        ("discontinue-product", json!({"product_id": gone, "reason": "again"}), "discontinued"),
        ("discontinue-product", json!({"product_id": nobody, "reason": "again"}), "unknown-product"),
        ("receive-stock", json!({"product_id": nobody, "location": "A", "quantity": 1}), "unknown-product"),
        ("reserve-stock", stock(&id, 7, &nobody), "insufficient-stock"),
        ("reserve-stock", stock(&nobody, 1, &nobody), "unknown-product"),
        ("reserve-stock", stock(&gone, 1, &nobody), "discontinued"),
        ("reserve-stock", stock(&id, 1, &closed), "reservation-closed"),
        ("release-stock", json!({"product_id": id, "reservation_id": nobody}), "unknown-reservation"),
        ("ship-stock", json!({"product_id": id, "reservation_id": nobody}), "unknown-reservation"),
        (
            "adjust-stock",
            json!({"product_id": id, "location": "A", "counted": 3, "reason": "count"}),
            "below-reserved",
        ),
        (
            "transfer-stock",
            json!({"product_id": id, "from": "A", "to": "B", "quantity": 7}),
            "insufficient-stock",
        ),
    ] {
        asker.is_refused(name, body, code).await;
    }
    let price = json!({"product_id": id, "price": euro(0)});
    asker.is_invalid("change-price", price, &[("price.amount", "not-positive")]).await;
    let mut free = product("sku-4", &category);
    free["price"] = euro(0);
    asker.is_invalid("create-product", free, &[("price.amount", "not-positive")]).await;
    let nothing = json!({"product_id": id, "location": "A", "quantity": 0});
    asker.is_invalid("receive-stock", nothing, &[("quantity", "not-positive")]).await;
    asker.has_seen_every_rule_but(&["too-many-locations"]).await;
}
