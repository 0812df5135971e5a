//! Commands that services send for processes.

use std::time::Duration;

use http_api::PROCESS;
use serde_json::json;
use sqlx::Row as _;
use test_servers::TestDatabase;

use crate::harness::{Service, TENANT, new_id, reply, token};

const CAUSE: &str = "0197a3c2-6d0e-7b54-9f6e-2a1c7d3b5e90";

/// Creates a category with this scope, key and cause.
async fn create(service: &Service, scope: &str, key: &str) -> String {
    let id = new_id();
    let request = service
        .client
        .post(service.url("/v1/catalog/create-category"))
        .bearer_auth(token(TENANT, scope, Duration::from_secs(60)))
        .header("idempotency-key", key)
        .header("x-causation-id", CAUSE)
        .json(&json!({ "category_id": id, "name": format!("named by {key}") }));
    assert_eq!(reply(request).await.status.as_u16(), 201);
    id
}

#[tokio::test]
async fn only_for_a_process_a_key_is_kept_for_ever_and_a_cause_is_taken() {
    let database = TestDatabase::create().await;
    let service = Service::start_on(&database).await;
    let ours = create(&service, PROCESS, "by-process").await;
    let theirs = create(&service, "catalog:write", "by-client").await;
    let keys = sqlx::query("SELECT key, expires_at IS NULL FROM once_keys ORDER BY key")
        .fetch_all(&database.pool().await)
        .await
        .unwrap();
    let keys: Vec<(String, bool)> = keys.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(keys, [("by-client".to_owned(), false), ("by-process".to_owned(), true)]);
    let cause = async |id: &str| service.events("category", id).await[0].event.metadata.causation_id;
    assert_eq!(cause(&ours).await, Some(CAUSE.parse().unwrap()));
    assert_eq!(cause(&theirs).await, None);
}

#[tokio::test]
async fn the_scope_of_processes_opens_commands_and_nothing_else() {
    let service = Service::start().await;
    let ask = service.client.get(service.url("/v1/ops/logs"));
    let ask = ask.bearer_auth(token(TENANT, PROCESS, Duration::from_secs(60)));
    reply(ask).await.is_problem(403, "missing-scope");
    let malformed = service
        .client
        .post(service.url("/v1/catalog/create-category"))
        .bearer_auth(token(TENANT, PROCESS, Duration::from_secs(60)))
        .header("x-causation-id", "not a uuid")
        .json(&json!({ "name": "Books" }));
    reply(malformed).await.is_problem(400, "invalid-header");
}
