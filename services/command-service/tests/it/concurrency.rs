//! Many at once: somebody wins, and everybody is told.

use serde_json::{Value, json};
use test_servers::TestDatabase;

use crate::harness::{Reply, Service, new_id, product, together};

fn count(replies: &[Reply], status: u16) -> usize {
    replies.iter().filter(|reply| reply.status.as_u16() == status).count()
}

#[tokio::test]
async fn of_64_that_create_one_sku_one_does() {
    let database = TestDatabase::create().await;
    let (one, other) = (Service::start_on(&database).await, Service::start_on(&database).await);
    let category = one.category("Books").await;
    let body = product("sku-1", &category);
    let replies = together((0..64).map(|index| {
        let service = if index % 2 == 0 { &one } else { &other };
        service.send("create-product", &body)
    }))
    .await;
    assert_eq!((count(&replies, 201), count(&replies, 409)), (1, 63));
    for reply in replies.iter().filter(|reply| reply.status.as_u16() == 409) {
        reply.is_refused("sku-taken");
    }
    assert_eq!(one.head().await.number(), 2);
}

async fn reserve_at_once(services: &[&Service], id: &str) -> Vec<Reply> {
    let reserve = || json!({"product_id": id, "quantity": 1, "reservation_id": new_id()});
    let bodies: Vec<Value> = (0..64).map(|_| reserve()).collect();
    together(
        bodies
            .iter()
            .enumerate()
            .map(|(index, body)| services[index % services.len()].send("reserve-stock", body)),
    )
    .await
}

#[tokio::test]
async fn of_64_that_reserve_40_pieces_40_do() {
    let service = Service::start().await;
    let id = service.product("sku-1").await;
    service.done("receive-stock", &json!({"product_id": id, "location": "A", "quantity": 40})).await;
    let replies = reserve_at_once(&[&service], &id).await;
    assert_eq!((count(&replies, 200), count(&replies, 409)), (40, 24));
    for reply in replies.iter().filter(|reply| reply.status.as_u16() == 409) {
        reply.is_refused("insufficient-stock");
    }
    assert_eq!(service.events("stock", &id).await.len(), 41);
}

#[tokio::test]
async fn two_services_never_oversell_between_them() {
    let database = TestDatabase::create().await;
    let (one, other) = (Service::start_on(&database).await, Service::start_on(&database).await);
    let id = one.product("sku-1").await;
    one.done("receive-stock", &json!({"product_id": id, "location": "A", "quantity": 40})).await;
    let replies = reserve_at_once(&[&one, &other], &id).await;
    assert_eq!((count(&replies, 200), count(&replies, 409)), (40, 24), "{replies:?}");
    for reply in replies.iter().filter(|reply| reply.status.as_u16() == 409) {
        reply.is_refused("insufficient-stock");
    }
    let events = one.events("stock", &id).await;
    assert_eq!(events.len(), 41);
    let versions: Vec<u64> = events.iter().map(|event| event.event.version.number()).collect();
    assert_eq!(versions, (1..=41).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_fact_that_moves_meanwhile_is_decided_on_anew() {
    let database = TestDatabase::create().await;
    let (one, other) = (Service::start_on(&database).await, Service::start_on(&database).await);
    let category = one.category("Books").await;
    // Products are created on one service while the other renames their category, again and again.
    let bodies: Vec<Value> = (0..32).map(|index| product(&format!("sku-{index}"), &category)).collect();
    let names: Vec<Value> =
        (0..16).map(|index| json!({"category_id": category, "name": format!("Books {index}")})).collect();
    let (created, renamed) = futures::join!(
        together(bodies.iter().map(|body| one.send("create-product", body))),
        together(names.iter().map(|body| other.send("rename-category", body))),
    );
    assert_eq!((count(&created, 201), count(&renamed, 200)), (32, 16), "{created:?} {renamed:?}");
}

#[tokio::test]
async fn nothing_is_reserved_of_a_product_from_when_it_is_discontinued() {
    let database = TestDatabase::create().await;
    let (one, other) = (Service::start_on(&database).await, Service::start_on(&database).await);
    let id = one.product("sku-1").await;
    one.done("receive-stock", &json!({"product_id": id, "location": "A", "quantity": 100})).await;
    let discontinue = json!({"product_id": id, "reason": "moths"});
    let services = [&one, &other];
    let (reserved, discontinued) =
        futures::join!(reserve_at_once(&services, &id), other.send("discontinue-product", &discontinue),);
    let (ended, done) = (discontinued.body["sequence"].as_u64().unwrap(), count(&reserved, 200));
    for reply in &reserved {
        match reply.status.as_u16() {
            200 => assert!(reply.body["sequence"].as_u64().unwrap() < ended, "{reply:?} after {ended}"),
            _ => reply.is_refused("discontinued"),
        }
    }
    assert_eq!(one.events("stock", &id).await.len(), done + 1);
    let late = json!({"product_id": id, "quantity": 1, "reservation_id": new_id()});
    one.send("reserve-stock", &late).await.is_refused("discontinued");
}

#[tokio::test]
async fn of_64_that_match_one_version_one_does() {
    let service = Service::start().await;
    let id = service.category("Books").await;
    let bodies: Vec<Value> =
        (0..64).map(|index| json!({"category_id": id, "name": format!("Books {index}")})).collect();
    let replies = together(bodies.iter().map(|body| {
        crate::harness::reply(service.command("rename-category", body).header("if-match", "\"1\""))
    }))
    .await;
    assert_eq!((count(&replies, 200), count(&replies, 412)), (1, 63));
}
