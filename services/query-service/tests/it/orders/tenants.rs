//! Nobody reads orders across tenants, before they are there, or without a token.

use kernel::{RowKey, TenantId};
use read_store::{RowAddress, Subject};
use serde_json::{Value, json};

use super::desk::*;

/// Two tenants of one lane with orders, customers and products of the same ids; `globex` has one more order.
async fn two_tenants() -> Desk {
    let mut desk = Desk::open().await;
    for (name, price) in [("acme", euro(100)), ("globex", dollar(777_000))] {
        desk.of(name).creates_product(CHAIR, &format!("{name} chair")).registers(ANN, &format!("{name} Ann"));
        desk.places(FIRST, ANN, price).pays(FIRST, ANN, price).cancels(
            FIRST,
            ANN,
            &format!("{name} says no"),
        );
    }
    desk.of("globex").places(SECOND, BOB, dollar(777_000)).pays(SECOND, BOB, dollar(777_000));
    desk.of("acme").places(THIRD, BOB, euro(1)).reaches_the_views().await;
    desk
}

/// Each kind of query.
pub(crate) fn every_query() -> Vec<String> {
    let from = "placed_from=2026-01-01T00:00:00Z";
    vec![
        order(FIRST),
        "/v1/orders".into(),
        format!("/v1/orders?customer_id={ANN}&status=cancelled&{from}"),
        format!("/v1/orders?customer_id={BOB}"),
        history(ANN),
        history(BOB),
        "/v1/orders/revenue".into(),
        "/v1/orders/revenue?by=month".into(),
        order(SECOND),
    ]
}

#[tokio::test]
async fn every_query_answers_of_its_own_tenant_and_owner_only() {
    let desk = two_tenants().await;
    for (own, others) in [("acme", ["globex", "usd"]), ("globex", ["acme", "eur"])] {
        for path in every_query() {
            let body = desk.client(own).get(&path).await.body.to_string().to_lowercase();
            for other in others {
                assert!(!body.contains(other), "{own} sees {other} in {path}: {body}");
            }
        }
    }
    let client = desk.client("acme");
    for (customer, other, count) in [(ANN, BOB, 1), (BOB, ANN, 1)] {
        for path in [history(customer), format!("/v1/orders?customer_id={customer}")] {
            let got = client.get(&path).await.ok();
            assert_eq!(got.items().len(), count, "{path}");
            assert!(!got.body.to_string().contains(&other.to_string()), "{path}: {}", got.body);
        }
    }
    for (id, customer, other) in [(FIRST, ANN, BOB), (THIRD, BOB, ANN)] {
        let body = client.get(&order(id)).await.ok().body;
        assert_eq!((&body["id"], &body["customer_id"]), (&json!(id), &json!(customer)));
        assert!(!body.to_string().contains(&other.to_string()), "{body}");
    }
    assert_eq!(client.get("/v1/orders").await.items().len(), 2);
    assert_eq!(client.get("/v1/orders/revenue").await.items().len(), 1);
    client.get(&order(SECOND)).await.problem(404, "not-found");
}

#[tokio::test]
async fn another_tenants_cursor_moves_ones_own_list_only() {
    let mut desk = two_tenants().await;
    desk.of("globex")
        .on(2)
        .places(THIRD, ANN, dollar(777_000))
        .pays(THIRD, ANN, euro(5))
        .reaches_the_views()
        .await;
    for path in ["/v1/orders?limit=1", "/v1/orders/revenue?limit=1", &format!("{}?limit=1", history(ANN))] {
        let theirs = desk.client("globex").get(path).await.ok();
        let after = theirs.body["next"].as_str().unwrap();
        let got = desk.client("acme").get(&format!("{path}&after={after}")).await.ok();
        assert!(!got.body["items"].to_string().contains("USD"), "{path}: {}", got.body);
    }
}

#[tokio::test]
async fn another_tenants_tag_is_no_tag_of_ones_own() {
    let desk = two_tenants().await;
    for path in every_query() {
        let theirs = desk.client("globex").get(&path).await;
        let Some(tag) = theirs.headers.get("etag").and_then(|tag| tag.to_str().ok()) else { continue };
        let got = desk.client("acme").get_with(&path, &[("if-none-match", tag)]).await;
        assert_ne!(got.status, 304, "{path}");
    }
}

#[tokio::test]
async fn nothing_is_answered_without_a_token_and_its_scope() {
    let desk = two_tenants().await;
    for path in every_query() {
        let got = desk.service.stranger().get(&path).await.problem(401, "unauthenticated");
        assert_eq!(got.header("www-authenticate"), "Bearer");
        for scope in ["", "orders:write", "catalog:read", "orders:fulfil"] {
            let got = desk.service.client_with("acme", scope).get(&path).await.problem(403, "missing-scope");
            assert_eq!(got.body["scope"], Value::from("orders:read"));
        }
    }
}

#[tokio::test]
async fn an_answer_reflects_what_the_client_names_once_it_is_there() {
    let mut desk = two_tenants().await;
    let client = desk.client("acme");
    for path in &every_query()[..8] {
        desk.of("acme").refunds(FIRST, ANN, euro(1));
        let token = desk.token();
        let at_once = [("twofold-after", token.as_str()), ("prefer", "wait=0")];
        let got = client.get_with(path, &at_once).await.problem(503, "read-model-behind");
        assert_eq!(got.header("retry-after"), "1", "{path}");
        let soon = [("twofold-after", token.as_str()), ("prefer", "wait=20")];
        let (got, ()) = tokio::join!(client.get_with(path, &soon), desk.reaches_the_views());
        assert_eq!(got.ok().header("twofold-sequence"), token, "{path}");
        client.get_with(path, &at_once).await.ok();
    }
}

#[tokio::test]
async fn a_tenant_that_was_just_born_is_not_told_that_it_has_nothing() {
    let mut desk = two_tenants().await;
    desk.of("faraway").places(FIRST, ANN, euro(1));
    let (client, token) = (desk.client("faraway"), desk.token());
    for path in every_query() {
        let headers = [("twofold-after", token.as_str()), ("prefer", "wait=0")];
        client.get_with(&path, &headers).await.problem(503, "read-model-behind");
    }
    let soon = [("twofold-after", token.as_str()), ("prefer", "wait=20")];
    let path = order(FIRST);
    let (got, ()) = tokio::join!(client.get_with(&path, &soon), desk.reaches_the_views());
    assert_eq!(got.ok().header("twofold-sequence"), "orders/5=1");
}

#[tokio::test]
async fn a_tenant_to_whom_nothing_has_happened_gets_empty_answers_that_reflect_nothing() {
    let desk = two_tenants().await;
    for path in every_query() {
        let got = desk.client("newcomer").get(&path).await;
        assert_eq!(got.header("twofold-sequence"), "orders/0=0", "{path}");
        match got.status {
            200 => assert_eq!(got.items().len(), 0, "{path}"),
            _ => drop(got.problem(404, "not-found")),
        }
    }
}

#[tokio::test]
async fn a_parked_row_is_told_or_refused_where_the_client_named_what_it_lacks() {
    let mut desk = two_tenants().await;
    let acme = TenantId::new("acme").unwrap();
    desk.of("acme").is_parked(&Subject::Row(RowAddress { tenant: acme, key: RowKey::from(FIRST) })).await;
    let (client, token) = (desk.client("acme"), desk.token());
    for path in &every_query()[..8] {
        let got = client.get(path).await.ok();
        assert!(desk.token().ends_with(&format!("={}", got.header("twofold-parked"))), "{path}");
        let got = client.get_with(path, &[("twofold-after", token.as_str())]).await;
        assert_eq!(got.problem(503, "view-parked").body["parked"], token, "{path}");
    }
}
