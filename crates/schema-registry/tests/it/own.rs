//! What only ours promises.

use reqwest::Method;
use serde_json::{Value, json};
use test_servers::TestDatabase;

use crate::interface::{Asker, Own};

#[tokio::test]
async fn several_that_start_at_once_on_an_empty_database_become_one_registry() {
    let database = TestDatabase::create().await;
    let registries = futures::future::join_all((0..4).map(|_| Own::on(&database))).await;
    futures::future::join_all(registries.iter().map(Own::ready)).await;
    let asker = Asker::new(&registries[0].url);
    let subject = asker.subject("t-R");
    let ids = futures::future::join_all(registries.iter().enumerate().map(|(n, own)| {
        let asker = Asker::new(&own.url);
        let (subject, schema) =
            (subject.clone(), format!(r#"{{"type":"array","items":"{}"}}"#, ["int", "long"][n % 2]));
        async move {
            asker.put_level(&format!("/config/{subject}"), "NONE").await;
            asker.register(&subject, &schema).await
        }
    }))
    .await;
    assert_eq!((ids[0], ids[1]), (ids[2], ids[3]));
    let mut distinct = [ids[0], ids[1]];
    distinct.sort_unstable();
    assert_eq!(distinct, [1, 2], "ids have no holes");
}

#[tokio::test]
async fn what_was_registered_outlives_the_registry() {
    let database = TestDatabase::create().await;
    let first = Own::on(&database).await;
    first.ready().await;
    let asker = Asker::new(&first.url);
    let (subject, schema) = (asker.subject("t-R"), asker.record(""));
    let id = asker.register(&subject, &schema).await;
    drop(first);
    let second = Own::on(&database).await;
    second.ready().await;
    assert_eq!(Asker::new(&second.url).register(&subject, &schema).await, id);
}

#[tokio::test]
async fn what_is_not_offered_is_refused_in_the_same_form() {
    let own = Own::on(&TestDatabase::create().await).await;
    own.ready().await;
    let asker = Asker::new(&own.url);
    asker.get("/nowhere").await.refused(404, 404);
    asker.get("/schemas/ids/one").await.refused(404, 404);
    asker.ask(Method::DELETE, "/subjects/t-R/versions/1", None).await.refused(405, 405);
    asker.ask(Method::POST, "/subjects/t-R/versions", Some(json!({ "text": 1 }))).await.refused(400, 400);
    let protobuf = json!({ "schemaType": "PROTOBUF", "schema": "message M {}" });
    asker.ask(Method::POST, "/subjects/t-R/versions", Some(protobuf)).await.refused(422, 42201);
    let large = Value::String("x".repeat(2 << 20));
    asker.ask(Method::POST, "/subjects/t-R/versions", Some(large)).await.refused(413, 413);
    asker.get("/config").await.says(&json!({ "compatibilityLevel": "BACKWARD" }));
    asker.get("/mode").await.says(&json!({ "mode": "READWRITE" }));
}

#[tokio::test]
async fn a_database_that_is_away_is_no_reason_to_end() {
    let database = TestDatabase::create().await;
    let own = Own::on(&database).await;
    own.ready().await;
    let asker = Asker::new(&own.url);
    let pool = database.pool().await;
    sqlx::query("ALTER SCHEMA registry RENAME TO gone").execute(&pool).await.unwrap();
    asker.get("/subjects").await.refused(500, 50001);
    sqlx::query("ALTER SCHEMA gone RENAME TO registry").execute(&pool).await.unwrap();
    asker.get("/subjects").await.says(&json!([]));
}
