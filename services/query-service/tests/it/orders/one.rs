use kernel::{RowKey, TenantId};
use read_store::{RowAddress, Subject};
use serde_json::{Value, json};

use super::desk::*;
use crate::live::watch;
use crate::service;

/// An order of a chair and a table; then the chair is renamed.
async fn desk_with_an_order() -> Desk {
    let mut desk = Desk::open().await;
    desk.creates_product(CHAIR, "Chair").creates_product(TABLE, "Table");
    desk.on(2).places(FIRST, ANN, euro(100)).pays(FIRST, ANN, euro(300)).confirms(FIRST, ANN);
    desk.on(3).renames_product(CHAIR, "Armchair").ships(FIRST, ANN);
    desk
}

#[tokio::test]
async fn an_order_is_answered_with_its_lines_its_payment_and_what_happened_to_it() {
    let mut desk = desk_with_an_order().await;
    desk.reaches_the_views().await;
    let got = desk.client("acme").get(&order(FIRST)).await.ok();
    let money = |amount: i64| json!({ "amount": amount, "currency": "EUR" });
    let (second, third) = ("2026-11-02T12:00:00Z", "2026-11-03T12:00:00Z");
    let happened = |at: &str, what: &str, amount: Value| json!({ "at": at, "what": what, "amount": amount, "reason": null });
    assert_eq!(
        got.body,
        json!({
            "id": FIRST,
            "customer_id": ANN,
            "status": "shipped",
            "reason": null,
            "lines": [
                { "product_id": CHAIR, "quantity": 2, "unit_price": money(100), "total": money(200),
                  "product_name": "Chair", "product_name_now": "Armchair" },
                { "product_id": TABLE, "quantity": 1, "unit_price": money(100), "total": money(100),
                  "product_name": "Table", "product_name_now": "Table" },
            ],
            "total": money(300),
            "payment_method": "card-ok",
            "payment": { "id": payment_of(FIRST), "status": "captured", "captured": money(300),
                         "refunded": money(0) },
            "carrier": "Post",
            "tracking_code": null,
            "timeline": [
                happened(second, "placed", money(300)),
                happened(second, "payment-authorised", money(300)),
                happened(second, "payment-captured", money(300)),
                happened(second, "confirmed", Value::Null),
                happened(third, "shipped", Value::Null),
            ],
            "placed_at": second,
            "updated_at": third,
        })
    );
}

#[tokio::test]
async fn an_order_says_of_both_contexts_how_far_its_answer_is() {
    let mut desk = desk_with_an_order().await;
    desk.reaches_the_views().await;
    let got = desk.client("acme").get(&order(FIRST)).await.ok();
    let told: Vec<_> = got.headers.get_all("twofold-sequence").iter().collect();
    assert_eq!(told, [desk.token().as_str(), desk.catalog_token().as_str()]);
    assert_eq!(got.headers.get("twofold-parked"), None);
}

/// In whatever order the events of two contexts arrive, the answer in the end is the same, and so is what it says it
/// reflects.
#[tokio::test]
async fn an_order_and_its_products_converge_however_their_contexts_arrive() {
    let mut answers = Vec::new();
    let arrivals: [&[(usize, usize)]; 6] = [
        &[(9, 9)],
        &[(0, 9), (9, 9)],
        &[(9, 0), (9, 9)],
        &[(1, 0), (1, 1), (2, 1), (3, 2), (4, 2), (5, 3)],
        &[(0, 1), (1, 1), (1, 2), (5, 2), (5, 3)],
        &[(5, 0), (5, 1), (5, 2), (5, 3)],
    ];
    for arrival in arrivals {
        let mut desk = desk_with_an_order().await;
        for (orders, catalog) in arrival {
            desk.reaches(*orders, *catalog).await;
            let got = desk.client("acme").get(&order(FIRST)).await;
            assert_eq!(got.status, if *orders == 0 { 404 } else { 200 }, "{arrival:?}");
        }
        let got = desk.client("acme").get(&order(FIRST)).await.ok();
        let told: Vec<_> = got.headers.get_all("twofold-sequence").iter().cloned().collect();
        answers.push((got.body, told, got.headers["etag"].clone()));
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:#?}");
}

#[tokio::test]
async fn a_product_that_the_catalog_does_not_tell_of_has_no_name() {
    let mut desk = desk_with_an_order().await;
    desk.reaches(9, 1).await;
    let got = desk.client("acme").get(&order(FIRST)).await.ok();
    assert_eq!(got.body["lines"][0]["product_name_now"], "Chair");
    assert_eq!(
        (&got.body["lines"][1]["product_name"], &got.body["lines"][1]["product_name_now"]),
        (&json!(null), &json!(null))
    );
}

#[tokio::test]
async fn an_order_waits_for_what_the_client_names_of_either_context() {
    let mut desk = desk_with_an_order().await;
    desk.reaches(9, 2).await;
    let client = desk.client("acme");
    let token = desk.catalog_token();
    let at_once = [("twofold-after", token.as_str()), ("prefer", "wait=0")];
    let got = client.get_with(&order(FIRST), &at_once).await.problem(503, "read-model-behind");
    assert_eq!(got.body["reflects"], "catalog/3=2");
    let soon = [("twofold-after", token.as_str()), ("prefer", "wait=20")];
    let path = order(FIRST);
    let (got, ()) = tokio::join!(client.get_with(&path, &soon), desk.reaches(9, 9));
    assert_eq!(got.ok().body["lines"][0]["product_name_now"], "Armchair");
}

#[tokio::test]
async fn names_that_lack_events_are_told() {
    let mut desk = desk_with_an_order().await;
    desk.reaches_the_views().await;
    let acme = TenantId::new("acme").unwrap();
    desk.names_are_parked(&Subject::Row(RowAddress { tenant: acme, key: RowKey::from(CHAIR) })).await;
    let client = desk.client("acme");
    let got = client.get(&order(FIRST)).await.ok();
    assert_eq!(got.header("twofold-parked"), "catalog/3=3");
    let token = desk.catalog_token();
    let got = client.get_with(&order(FIRST), &[("twofold-after", token.as_str())]).await;
    assert_eq!(got.problem(503, "view-parked").body["parked"], "catalog/3=3");
}

#[tokio::test]
async fn who_has_the_answer_already_is_told_so_until_a_product_is_renamed() {
    let mut desk = desk_with_an_order().await;
    desk.reaches_the_views().await;
    let client = desk.client("acme");
    let tag = client.get(&order(FIRST)).await.ok().header("etag").to_owned();
    let got = client.get_with(&order(FIRST), &[("if-none-match", &tag)]).await;
    assert_eq!(got.status, 304);
    assert_eq!(got.headers.get_all("twofold-sequence").iter().count(), 2);
    desk.renames_product(TABLE, "Desk").reaches_the_views().await;
    let got = client.get_with(&order(FIRST), &[("if-none-match", &tag)]).await.ok();
    assert_eq!(got.body["lines"][1]["product_name_now"], "Desk");
}

#[tokio::test]
async fn an_order_is_answered_while_redis_cannot_be_reached() {
    let mut desk = desk_with_an_order().await;
    desk.reaches_the_views().await;
    let whole = desk.client("acme").get(&order(FIRST)).await.ok();
    let mut config = service::config_of(desk.database.url(), &desk.redis);
    config.redis.url = "redis://127.0.0.1:1".into();
    let service = service::start(config).await;
    let got = service.client_with("acme", "orders:read").get(&order(FIRST)).await.ok();
    assert_eq!(got.body, whole.body);
}

#[tokio::test]
async fn an_order_that_is_not_there_is_a_problem_that_says_as_of_when() {
    let mut desk = desk_with_an_order().await;
    desk.reaches_the_views().await;
    let got = desk.client("acme").get(&order(SECOND)).await.problem(404, "not-found");
    assert_eq!((&got.body["code"], got.header("twofold-sequence")), (&json!("unknown-order"), "orders/3=5"));
    desk.client("acme").get("/v1/orders/first").await.invalid("id", "malformed");
}

/// What streams changes.
pub(crate) fn every_stream() -> Vec<String> {
    vec![format!("{}/live", order(FIRST))]
}

#[tokio::test]
async fn an_order_can_be_watched_with_the_names_of_its_products_by_its_own_tenant() {
    let mut desk = desk_with_an_order().await;
    desk.of("globex").places(FIRST, ANN, dollar(7)).of("acme").reaches_the_views().await;
    let client = desk.client("acme");
    client.get(&format!("{}/live", order(THIRD))).await.problem(404, "not-found");
    desk.service.stranger().get(&format!("{}/live", order(FIRST))).await.problem(401, "unauthenticated");
    let mut stream = watch(&client, &order(FIRST), &[]).await;
    let first = stream.next().await.unwrap();
    assert_eq!((first.name.as_str(), &first.data), ("changed", &client.get(&order(FIRST)).await.ok().body));
    assert_eq!(first.data["lines"][0]["product_name_now"], "Armchair");

    desk.of("globex").cancels(FIRST, ANN, "globex says no");
    desk.of("acme").refunds(FIRST, ANN, euro(1));
    let token = desk.token();
    desk.places(SECOND, BOB, euro(1)).reaches_the_views().await;
    let second = stream.next().await.unwrap();
    assert_eq!((second.id, &second.data), (token.clone(), &client.get(&order(FIRST)).await.ok().body));

    let resume = [("last-event-id", token.as_str())];
    let mut nothing_new = watch(&client, &order(FIRST), &resume).await;
    desk.refunds(FIRST, ANN, euro(2)).reaches_the_views().await;
    assert_eq!(nothing_new.next().await.unwrap().id, desk.token());
}
