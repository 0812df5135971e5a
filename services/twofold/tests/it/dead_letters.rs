//! Dead letters as an operator sees them, over HTTP and on the command line.

use std::time::Duration;

use kernel::{Context, ContextVisitor, ReadStore, Registry, View};
use messaging::{Connection, OutgoingRecord, Producer, ProducerOptions};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::system::{System, pause};

/// Each view of the catalog in each store that a projector keeps it in.
fn stores() -> usize {
    struct Stores(usize);
    impl ContextVisitor for Stores {
        fn context<C: Context>(&mut self) {
            if C::NAME == "catalog" {
                C::register(self);
            }
        }
    }
    impl Registry for Stores {
        fn command<C: kernel::Command>(&mut self) {}

        fn view<V: View>(&mut self) {
            self.0 += V::STORES.iter().filter(|store| **store != ReadStore::Inline).count();
        }
    }
    let mut stores = Stores(0);
    shipped_contexts::visit(&mut stores);
    stores.0
}

async fn listed(system: &System) -> Vec<Value> {
    let told = system.twofold(&["dead-letters", "list", "--json"]).await;
    told.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn until_listed(system: &System, count: usize) -> Vec<Value> {
    tokio::time::timeout(Duration::from_secs(60), async {
        loop {
            let letters = listed(system).await;
            if letters.len() == count {
                return letters;
            }
            pause().await;
        }
    })
    .await
    .unwrap()
}

async fn publish_garbage(system: &System) {
    let producer =
        Producer::start(&Connection::new(&system.kafka.brokers), &ProducerOptions::default()).unwrap();
    let topic = format!("{}.catalog.events", system.kafka.prefix);
    let garbage = OutgoingRecord { key: Some(b"who"), value: Some(b"what"), ..OutgoingRecord::default() };
    producer.send(&topic, 0, &garbage).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_are_listed_shown_retried_and_discarded() {
    let system = System::start().await;
    assert_eq!(system.twofold(&["dead-letters", "list"]).await, "nothing is parked\n");
    publish_garbage(&system).await;
    let letters = until_listed(&system, stores()).await;
    assert!(letters.iter().all(|letter| letter["reason"] == "foreign" && letter["lane"] == 0), "{letters:?}");
    assert!(letters.iter().all(|letter| letter["record"].is_null()), "{letters:?}");

    let id = letters.iter().find(|letter| letter["view"] == "stock").unwrap()["id"].as_str().unwrap();
    let shown: Value = serde_json::from_str(&system.twofold(&["dead-letters", "show", id]).await).unwrap();
    assert_eq!(shown["record"]["value"], "d2hhdA==");
    assert!(system.twofold(&["projections"]).await.contains("1 letters parked"));

    // The views go on.
    let token = system.token("acme", "catalog:write catalog:read").await;
    let created = system.command("/v1/catalog/create-category", &token, &json!({"name": "Books"}));
    let created = created.send().await.unwrap();
    let after = created.headers()["twofold-sequence"].to_str().unwrap().to_owned();
    let query = system.query("/v1/catalog/categories", &token).header("Twofold-After", &after);
    assert_eq!(query.header("Prefer", "wait=30").send().await.unwrap().status(), StatusCode::OK);

    let told = system.twofold(&["dead-letters", "discard", "--reason", "a test", id]).await;
    assert!(told.contains("1 rows, streams or records are being discarded"), "{told}");
    until_listed(&system, stores() - 1).await;
    let reason: String = sqlx::query_scalar("SELECT discarded_by || ': ' || reason FROM discarded_letters")
        .fetch_one(&system.views.pool().await)
        .await
        .unwrap();
    assert!(reason.ends_with(": a test"), "{reason}");
    system.twofold(&["dead-letters", "retry", "--all"]).await;
    until_listed(&system, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_operators_may_ask_and_must_say_why_they_discard() {
    let system = System::start().await;
    let reader = system.token("acme", "catalog:read").await;
    let operator = system.token("acme", "ops").await;
    let url = format!("{}/v1/ops/dead-letters", system.url("projector-redis"));
    let ask = |token: &str, path: &str, body: Value| {
        system.client.post(format!("{url}{path}")).bearer_auth(token).json(&body).send()
    };
    assert_eq!(system.client.get(&url).send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    let got = system.client.get(&url).bearer_auth(&reader).send().await.unwrap();
    assert_eq!(got.status(), StatusCode::FORBIDDEN);
    let got = system.client.get(&url).bearer_auth(&operator).send().await.unwrap();
    assert_eq!(got.json::<Value>().await.unwrap(), json!({"items": [], "next": null}));
    let got = system.client.get(format!("{url}/nothing.0.x")).bearer_auth(&operator).send().await.unwrap();
    assert_eq!(got.status(), StatusCode::NOT_FOUND);
    let refused = ask(&reader, "/retry", json!({"all": true})).await.unwrap();
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    let got = ask(&operator, "/discard", json!({"all": true})).await.unwrap();
    assert_eq!(got.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let got = ask(&operator, "/retry", json!({})).await.unwrap();
    assert_eq!(got.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let got = ask(&operator, "/retry", json!({"all": true})).await.unwrap();
    assert_eq!(
        (got.status(), got.json::<Value>().await.unwrap()),
        (StatusCode::ACCEPTED, json!({"asked": 0}))
    );
}
