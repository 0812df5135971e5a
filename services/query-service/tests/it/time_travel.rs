//! Resources as they were.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::trip::*;

const CHAIR: Uuid = Uuid::from_u128(0xc1);
const TABLE: Uuid = Uuid::from_u128(0xc2);
const FURNITURE: Uuid = Uuid::from_u128(0xf1);
const ORDER: Uuid = Uuid::from_u128(0x01);
const PAYMENT: Uuid = Uuid::from_u128(0x02);

fn as_of(path: &str, moment: &str) -> String {
    format!("{path}?as_of={moment}")
}

fn euro(amount: i64) -> Value {
    json!({"amount": amount, "currency": "EUR"})
}

#[tokio::test]
async fn a_group_is_answered_as_it_was_at_each_step_of_its_way() {
    let mut trip = Trip::begin().await;
    let mut then: Vec<(String, Value)> = Vec::new();
    trip.sets_out(&trip.rival, "rome").await;
    trip.sets_out(&trip.acme, "lisbon").await;
    let commands = [
        ("fund-wallet", json!({"group_id": GROUP, "user_id": BOB, "amount": euro(500)})),
        (
            "submit-expense",
            json!({
                "group_id": GROUP, "expense_id": DINNER, "paid_by": ANN, "amount": euro(301), "category": "food"
            }),
        ),
        ("approve-expense", json!({"group_id": GROUP, "expense_id": DINNER, "by": BOB})),
        (
            "update-group-trip-window",
            json!({
                "group_id": GROUP, "trip_window": {"from": "2126-07-01", "to": "2126-07-20"}
            }),
        ),
        ("liquidate-group-with-wallets", json!({"group_id": GROUP})),
        ("withdraw-from-wallet", json!({"group_id": GROUP, "user_id": ANN, "amount": euro(100)})),
    ];
    for (name, body) in commands {
        let place = trip.does(&trip.acme, &format!("travel/{name}"), body.clone()).await;
        // The rival does the same, with other money: none of it may show.
        if name == "fund-wallet" {
            let fund = json!({"group_id": GROUP, "user_id": BOB, "amount": euro(77)});
            trip.does(&trip.rival, "travel/fund-wallet", fund).await;
        }
        trip.reaches_the_views().await;
        let now = trip.ann_of(&trip.acme).get(&group()).await.ok().body;
        then.push((place, now));
    }
    let ann = trip.ann_of(&trip.acme);
    for (place, was) in &then {
        let sequence = place.split_once('=').unwrap().1;
        for moment in [place.as_str(), sequence] {
            let got = ann.get(&as_of(&group(), moment)).await.ok();
            assert_eq!((&got.body, got.header("twofold-sequence")), (was, place.as_str()));
        }
        let balances = ann.get(&as_of(&format!("{}/balances", group()), place)).await.ok();
        assert_eq!(balances.body["items"], was["members"]);
    }
    let created = then[0].1["created_at"].as_str().unwrap();
    let got = ann.get(&as_of(&group(), created)).await.ok();
    assert_eq!(got.body["name"], "lisbon");
    let closed = then[4].1["closed_at"].as_str().unwrap();
    assert_eq!(ann.get(&as_of(&group(), closed)).await.ok().body["status"], "closed");
    let got = ann.get(&as_of(&group(), "2000-01-01T00:00:00Z")).await.problem(404, "not-found");
    assert_eq!(got.body["code"], "unknown-group");
    assert_eq!(ann.get(&as_of(&group(), "2100-01-01T00:00:00Z")).await.ok().body, then[5].1);
    assert_eq!(ann.get(&as_of(&group(), "")).await.ok().body, then[5].1);
}

#[tokio::test]
async fn the_past_is_ones_own_tenants_only() {
    let mut trip = Trip::begin().await;
    let place = trip.sets_out(&trip.rival, "rome").await;
    trip.reaches_the_views().await;
    trip.ann_of(&trip.acme).get(&as_of(&group(), &place)).await.problem(404, "not-found");
    let place = trip.sets_out(&trip.acme, "lisbon").await;
    trip.reaches_the_views().await;
    for (tenant, name) in [(&trip.acme, "lisbon"), (&trip.rival, "rome")] {
        assert_eq!(trip.ann_of(tenant).get(&as_of(&group(), &place)).await.ok().body["name"], name);
    }
    let path = as_of(&group(), &place);
    trip.service.stranger().get(&path).await.problem(401, "unauthenticated");
    trip.client(&trip.acme, "ann", "catalog:read").get(&path).await.problem(403, "missing-scope");
}

/// A shop in which a chair and a table are sold, ordered once each.
async fn sells(trip: &Trip, tenant: &str, label: &str, amount: i64) -> (String, String) {
    let (mut sold, mut ordered) = (String::new(), String::new());
    for (number, product) in [CHAIR, TABLE].into_iter().enumerate() {
        let category = Uuid::from_u128(FURNITURE.as_u128() + number as u128);
        let name = format!("{label} {number}");
        trip.does(tenant, "catalog/create-category", json!({"category_id": category, "name": name})).await;
        let body = json!({
            "product_id": product, "sku": name, "name": name, "category_id": category, "price": euro(amount)
        });
        trip.does(tenant, "catalog/create-product", body).await;
        let body = json!({"product_id": product, "location": name, "quantity": amount});
        trip.does(tenant, "catalog/receive-stock", body).await;
        let reserved = json!({"product_id": product, "quantity": 1, "reservation_id": ORDER});
        sold = trip.does(tenant, "catalog/reserve-stock", reserved).await;
        let order = Uuid::from_u128(ORDER.as_u128() + 0x10 * number as u128);
        let items = json!([{"product_id": product, "quantity": 1, "unit_price": euro(amount)}]);
        let body =
            json!({"order_id": order, "customer_id": ANN, "items": items, "payment_method": "card-ok"});
        trip.does(tenant, "orders/create-order", body).await;
        let payment = Uuid::from_u128(PAYMENT.as_u128() + 0x10 * number as u128);
        let body = json!({"payment_id": payment, "order_id": order});
        ordered = trip.does(tenant, "orders/request-payment", body).await;
    }
    (sold, ordered)
}

#[tokio::test]
async fn the_past_is_of_what_was_asked_for_only() {
    let mut trip = Trip::begin().await;
    trip.travels(&trip.rival, "rome", 777).await;
    sells(&trip, &trip.rival, "rome", 777).await;
    trip.travels(&trip.acme, "lisbon", 1000).await;
    trip.goes_on(&ANOTHER, &trip.acme, "porto", 555).await;
    let travelled = trip.token_of_travel().await;
    let (sold, ordered) = sells(&trip, &trip.acme, "lisbon", 1000).await;
    trip.reaches_the_views().await;
    let asks = trip.client(&trip.acme, &ANN.to_string(), "travel:read catalog:read orders:read");
    let paths = [
        (group(), &travelled),
        (format!("{}/balances", group()), &travelled),
        (format!("/v1/travel/bookings/{STAY}"), &travelled),
        (format!("/v1/catalog/products/{CHAIR}"), &sold),
        (format!("/v1/catalog/stock/{CHAIR}"), &sold),
        (format!("/v1/orders/{ORDER}"), &ordered),
    ];
    let others = ["rome", ":777,", ":777}", "porto", ":555,", "lisbon 1", &TABLE.to_string()];
    for (path, place) in paths {
        let (now, then) = (asks.get(&path).await.ok().body, asks.get(&as_of(&path, place)).await.ok().body);
        assert_eq!(then, now, "{path}");
        let text = then.to_string();
        assert!(text.contains("lisbon") || text.contains(":1000,"), "{path}: {text}");
        for other in others {
            assert!(!text.contains(other), "{path} shows {other}: {text}");
        }
    }
}

#[tokio::test]
async fn a_booking_is_answered_as_it_was() {
    let mut trip = Trip::begin().await;
    trip.travels(&trip.rival, "rome", 777).await;
    trip.travels(&trip.acme, "lisbon", 1000).await;
    let place = trip.token_of_travel().await;
    trip.does(&trip.acme, "travel/cancel-booking", json!({"group_id": GROUP, "booking_id": STAY})).await;
    trip.reaches_the_views().await;
    let (ann, path) = (trip.ann_of(&trip.acme), format!("/v1/travel/bookings/{STAY}"));
    assert_eq!(ann.get(&path).await.ok().body["status"], "cancelled");
    let was = ann.get(&as_of(&path, &place)).await.ok().body;
    assert_eq!(was["status"], "booked");
    assert!(!was.to_string().contains(":777,"), "{was}");
    ann.get(&as_of(&path, "1")).await.problem(404, "not-found");
}

#[tokio::test]
async fn a_product_is_answered_as_it_was_under_its_categorys_name_of_then() {
    let mut trip = Trip::begin().await;
    for (tenant, name) in [(&trip.acme, "Furniture"), (&trip.rival, "Rival furniture")] {
        trip.does(tenant, "catalog/create-category", json!({"category_id": FURNITURE, "name": name})).await;
    }
    let chair = json!({
        "product_id": CHAIR, "sku": "chair", "name": "Chair", "category_id": FURNITURE, "price": euro(1999)
    });
    let mut of_the_rival = chair.clone();
    of_the_rival["name"] = json!("Rival chair");
    trip.does(&trip.rival, "catalog/create-product", of_the_rival).await;
    let created = trip.does(&trip.acme, "catalog/create-product", chair).await;
    let received = json!({"product_id": CHAIR, "location": "Berlin", "quantity": 3});
    let received = trip.does(&trip.acme, "catalog/receive-stock", received).await;
    trip.reaches_the_views().await;
    let (ann, path) = (trip.ann_of(&trip.acme), format!("/v1/catalog/products/{CHAIR}"));
    let was = ann.get(&path).await.ok().body;
    let renamed = json!({"category_id": FURNITURE, "name": "Seats"});
    let renamed = trip.does(&trip.acme, "catalog/rename-category", renamed).await;
    trip.does(&trip.acme, "catalog/change-price", json!({"product_id": CHAIR, "price": euro(5)})).await;
    trip.reaches_the_views().await;
    assert_eq!(ann.get(&as_of(&path, &received)).await.ok().body, was);
    let got = ann.get(&as_of(&path, &created)).await.ok();
    assert_eq!(
        (&got.body["category"]["name"], &got.body["stock"]["total"]),
        (&json!("Furniture"), &json!(0))
    );
    let got = ann.get(&as_of(&path, &renamed)).await.ok();
    assert_eq!((&got.body["category"]["name"], &got.body["price"]), (&json!("Seats"), &euro(1999)));
}

#[tokio::test]
async fn stock_is_answered_as_it_was_with_its_reservations_of_then() {
    let mut trip = Trip::begin().await;
    for tenant in [&trip.acme, &trip.rival] {
        let furniture = json!({"category_id": FURNITURE, "name": "Furniture"});
        trip.does(tenant, "catalog/create-category", furniture).await;
    }
    let chair = json!({
        "product_id": CHAIR, "sku": "chair", "name": "Chair", "category_id": FURNITURE, "price": euro(1999)
    });
    let reserved =
        |id: u128| json!({"product_id": CHAIR, "quantity": 2, "reservation_id": Uuid::from_u128(id)});
    let ended = |id: u128| json!({"product_id": CHAIR, "reservation_id": Uuid::from_u128(id)});
    let commands = |pieces: i64| {
        [
            ("create-product", chair.clone()),
            ("receive-stock", json!({"product_id": CHAIR, "location": "Berlin", "quantity": pieces})),
            ("reserve-stock", reserved(1)),
            ("reserve-stock", reserved(2)),
            ("describe-product", json!({"product_id": CHAIR, "name": "Armchair"})),
            ("ship-stock", ended(1)),
            ("release-stock", ended(2)),
        ]
    };
    let mut then: Vec<(String, Value)> = Vec::new();
    let path = format!("/v1/catalog/stock/{CHAIR}");
    for ((name, body), (_, of_the_rival)) in commands(9).into_iter().zip(commands(70)) {
        trip.does(&trip.rival, &format!("catalog/{name}"), of_the_rival).await;
        let place = trip.does(&trip.acme, &format!("catalog/{name}"), body).await;
        trip.reaches_the_views().await;
        then.push((place, trip.ann_of(&trip.acme).get(&path).await.ok().body));
    }
    let counts: Vec<_> = then.iter().map(|(_, was)| was["reservation_count"].as_i64().unwrap()).collect();
    assert_eq!(counts, [0, 0, 1, 2, 2, 1, 0]);
    let ann = trip.ann_of(&trip.acme);
    for (place, was) in &then {
        let got = ann.get(&as_of(&path, place)).await.ok();
        assert_eq!((&got.body, got.header("twofold-sequence")), (was, place.as_str()));
    }
    let got = ann.get(&as_of(&path, "0")).await.problem(404, "not-found");
    assert_eq!(got.body["code"], "unknown-product");
    let of_the_rival = trip.ann_of(&trip.rival).get(&as_of(&path, &then[1].0)).await.ok();
    assert_eq!(of_the_rival.body["total"], 70);
}

#[tokio::test]
async fn an_order_is_answered_as_it_was_with_its_payment_of_then() {
    let mut trip = Trip::begin().await;
    let commands = |amount: i64| {
        let items = json!([{"product_id": CHAIR, "quantity": 2, "unit_price": euro(amount)}]);
        [
            (
                "create-order",
                json!({"order_id": ORDER, "customer_id": ANN, "items": items, "payment_method": "card-ok"}),
            ),
            ("request-payment", json!({"payment_id": PAYMENT, "order_id": ORDER})),
            ("capture-payment", json!({"payment_id": PAYMENT})),
            ("cancel-order", json!({"order_id": ORDER, "reason": "too late"})),
        ]
    };
    let mut then: Vec<(String, Value)> = Vec::new();
    let path = format!("/v1/orders/{ORDER}");
    let reads = |trip: &Trip| trip.client(&trip.acme, "ann", "orders:read");
    for ((name, body), (_, of_the_rival)) in commands(500).into_iter().zip(commands(7)) {
        trip.does(&trip.rival, &format!("orders/{name}"), of_the_rival).await;
        let place = trip.does(&trip.acme, &format!("orders/{name}"), body).await;
        trip.reaches_the_views().await;
        then.push((place, reads(&trip).get(&path).await.ok().body));
    }
    let statuses: Vec<_> = then.iter().map(|(_, was)| &was["payment"]["status"]).collect();
    assert_eq!(statuses[..3], [&Value::Null, &json!("authorised"), &json!("captured")]);
    for (place, was) in &then {
        let got = reads(&trip).get(&as_of(&path, place)).await.ok();
        assert_eq!(&got.body, was);
        assert!(got.header("twofold-sequence").starts_with(place.as_str()), "{place}");
    }
    reads(&trip).get(&as_of(&path, "0")).await.problem(404, "not-found");
}

#[tokio::test]
async fn a_moment_that_is_none_is_a_problem_of_the_parameter() {
    let mut trip = Trip::begin().await;
    trip.sets_out(&trip.acme, "lisbon").await;
    trip.reaches_the_views().await;
    let ann = trip.ann_of(&trip.acme);
    ann.get(&as_of(&group(), "yesterday")).await.invalid("as_of", "malformed");
    ann.get(&as_of(&group(), "999")).await.invalid("as_of", "in-the-future");
    ann.get(&as_of(&group(), "catalog/0=1")).await.invalid("as_of", "other-log");
}

#[tokio::test]
async fn without_the_log_the_present_is_answered_and_the_past_is_not() {
    let mut trip = Trip::begin().await;
    let place = trip.sets_out(&trip.acme, "lisbon").await;
    trip.reaches_the_views().await;
    trip.loses_the_log();
    let ann = trip.ann_of(&trip.acme);
    ann.get(&group()).await.ok();
    let gone = crate::client::until(&ann, &as_of(&group(), &place), |got| got.status == 503).await;
    gone.problem(503, "unavailable");
}
