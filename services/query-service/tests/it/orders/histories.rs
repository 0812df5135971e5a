use serde_json::json;
use uuid::Uuid;

use super::desk::*;

#[tokio::test]
async fn a_customer_has_a_history_of_their_own_orders_and_what_they_come_to() {
    let mut desk = Desk::open().await;
    desk.places(FIRST, ANN, euro(100)).pays(FIRST, ANN, euro(300)).confirms(FIRST, ANN);
    desk.on(2).places(SECOND, BOB, euro(100)).places(THIRD, ANN, dollar(7)).rejects(THIRD, ANN);
    desk.on(3).refunds(FIRST, ANN, euro(50));
    desk.reaches_the_views().await;
    let client = desk.client("acme");
    let got = client.get(&history(ANN)).await.ok();
    let ids: Vec<_> = got.items().iter().map(|item| item["id"].clone()).collect();
    assert_eq!(ids, [json!(THIRD), json!(FIRST)]);
    assert_eq!(got.body["customer"]["id"], json!(ANN));
    assert_eq!(
        got.body["totals"],
        json!({
            "customer_id": ANN,
            "order_count": 2,
            "pending": 0,
            "confirmed": 1,
            "rejected": 1,
            "cancelled": 0,
            "spent": [{ "captured": { "amount": 300, "currency": "EUR" },
                        "refunded": { "amount": 50, "currency": "EUR" } }],
            "first_order_at": "2026-11-01T12:00:00Z",
            "last_order_at": "2026-11-02T12:00:00Z",
        })
    );
    assert_eq!(got.header("twofold-sequence"), desk.token());
    let bob = client.get(&history(BOB)).await.ok();
    assert_eq!((bob.items().len(), &bob.body["totals"]["spent"]), (1, &json!([])));
}

#[tokio::test]
async fn a_history_names_the_user_and_says_how_far_both_contexts_are() {
    let mut desk = Desk::open().await;
    desk.places(FIRST, ANN, euro(100)).registers(BOB, "Bob").registers(ANN, "Ann").reaches_the_views().await;
    let client = desk.client("acme");
    let got = client.get(&history(ANN)).await.ok();
    assert_eq!(got.body["customer"], json!({ "id": ANN, "name": "Ann" }));
    let told: Vec<_> = got.headers.get_all("twofold-sequence").iter().collect();
    assert_eq!(told, [desk.token().as_str(), desk.accounts_token().as_str()]);
    let nobody = client.get(&history(Uuid::from_u128(9))).await.ok();
    assert_eq!(nobody.body["customer"]["name"], json!(null));

    desk.renames_user(ANN, "Anna");
    let token = desk.accounts_token();
    let path = history(ANN);
    let at_once = [("twofold-after", token.as_str()), ("prefer", "wait=0")];
    client.get_with(&path, &at_once).await.problem(503, "read-model-behind");
    let soon = [("twofold-after", token.as_str()), ("prefer", "wait=20")];
    let (got, ()) = tokio::join!(client.get_with(&path, &soon), desk.reaches_the_views());
    assert_eq!(got.ok().body["customer"]["name"], "Anna");
}

#[tokio::test]
async fn who_ordered_nothing_has_an_empty_history() {
    let mut desk = Desk::open().await;
    desk.places(FIRST, ANN, euro(100)).reaches_the_views().await;
    let got = desk.client("acme").get(&history(BOB)).await.ok();
    assert_eq!((got.items().len(), &got.body["totals"], &got.body["next"]), (0, &json!(null), &json!(null)));
    assert_eq!(got.body["customer"]["id"], json!(BOB));
    desk.client("acme").get("/v1/orders/customers/ann/history").await.invalid("id", "malformed");
}

#[tokio::test]
async fn a_history_comes_in_pages_with_the_totals_on_each() {
    let mut desk = Desk::open().await;
    for number in 1..=5 {
        desk.places(Uuid::from_u128(number), ANN, euro(1)).places(Uuid::from_u128(number + 10), BOB, euro(1));
    }
    desk.reaches_the_views().await;
    let client = desk.client("acme");
    let whole = client.pages(&format!("{}?limit=200", history(ANN))).await;
    assert_eq!(whole.len(), 5);
    for limit in [1, 2, 5] {
        assert_eq!(client.pages(&format!("{}?limit={limit}", history(ANN))).await, whole);
    }
    let first = client.get(&format!("{}?limit=2", history(ANN))).await.ok();
    let after = first.body["next"].as_str().unwrap();
    let second = client.get(&format!("{}?limit=2&after={after}", history(ANN))).await.ok();
    assert_eq!(second.body["totals"], first.body["totals"]);
    client.get(&format!("{}?limit=0", history(ANN))).await.invalid("limit", "out-of-range");
}
