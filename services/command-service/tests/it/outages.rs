//! The log goes away and comes back.

use serde_json::json;
use test_servers::{Proxy, TestDatabase};

use crate::harness::{Service, product, reply, together, until};

/// The database behind a door.
async fn behind_a_door() -> (TestDatabase, Proxy, String) {
    let database = TestDatabase::create().await;
    let url = database.url().to_owned();
    let (_, rest) = url.split_once("://").unwrap();
    let (server, _) = rest.split_once('/').unwrap();
    let server = server.rsplit_once('@').map_or(server, |(_, server)| server).to_owned();
    let proxy = Proxy::before(&server).await;
    let url = url.replace(&server, &proxy.address());
    (database, proxy, url)
}

#[tokio::test]
async fn a_service_starts_without_its_log_and_says_so() {
    let (database, proxy, url) = behind_a_door().await;
    proxy.close();
    let service = Service::start_at(&url, &database).await;
    let ready = reply(service.client.get(service.url("/readyz"))).await;
    assert_eq!((ready.status.as_u16(), &ready.body["dependencies"][0]["name"]), (503, &json!("log")));
    let refused = service.send("create-category", &json!({"name": "Books"})).await;
    refused.is_problem(503, "unavailable");
    assert!(refused.header("retry-after").is_some());
    assert_eq!(reply(service.client.get(service.url("/healthz"))).await.status.as_u16(), 200);
    proxy.open();
    service.until_ready().await;
    service.done("create-category", &json!({"name": "Books"})).await;
    service.stop().await;
}

#[tokio::test]
async fn commands_that_were_cut_off_from_the_log_are_recorded_once_or_not_at_all() {
    let (database, proxy, url) = behind_a_door().await;
    let service = Service::start_at(&url, &database).await;
    service.until_ready().await;
    let category = service.category("Books").await;
    let bodies: Vec<_> = (0..200).map(|index| product(&format!("sku-{index}"), &category)).collect();
    let sending = together(bodies.iter().enumerate().map(|(index, body)| {
        reply(service.command("create-product", body).header("idempotency-key", format!("key-{index}")))
    }));
    let cutting = async {
        for _ in 0..12 {
            let answered = proxy.answered();
            until("the log has answered something", async || proxy.answered() > answered).await;
            proxy.cut();
        }
        std::future::pending().await
    };
    let replies = tokio::select! {
        replies = sending => replies,
        () = cutting => Vec::new(),
    };
    assert_eq!(replies.len(), bodies.len());
    for (index, first) in replies.iter().enumerate() {
        assert!(matches!(first.status.as_u16(), 201 | 503), "a command was answered neither way: {first:?}");
        // Whatever became of it, its repeat settles it.
        let key = format!("key-{index}");
        let again =
            reply(service.command("create-product", &bodies[index]).header("idempotency-key", key)).await;
        assert_eq!(again.status.as_u16(), 201, "{again:?}");
        if first.status.as_u16() == 201 {
            assert_eq!(first.body, again.body);
        }
    }
    assert_eq!(service.head().await.number(), 201);
}

#[tokio::test]
async fn a_log_that_goes_away_shows_and_its_return_is_noticed() {
    let (database, proxy, url) = behind_a_door().await;
    let service = Service::start_at(&url, &database).await;
    service.until_ready().await;
    service.category("Books").await;
    proxy.close();
    until("the service is not ready any more", async || {
        reply(service.client.get(service.url("/readyz"))).await.status.as_u16() == 503
    })
    .await;
    service.send("create-category", &json!({"name": "Tools"})).await.is_problem(503, "unavailable");
    proxy.open();
    service.until_ready().await;
    service.done("create-category", &json!({"name": "Tools"})).await;
    assert_eq!(service.head().await.number(), 2);
}
