//! Who asked for what, when, from where, and what became of it.

use std::time::Duration;

use command_service::AuditConfig;
use http_api::{Claims, mint};
use kernel::TenantId;
use serde_json::{Value, json};
use service_runtime::config::SecretString;
use test_servers::TestDatabase;

use crate::harness::{Reply, SECRET, Service, new_id, product, reply, until};

fn token_of(tenant: &str, subject: &str, scope: &str) -> String {
    let tenant = TenantId::new(tenant).unwrap();
    mint(&SecretString::from(SECRET), &Claims::new(&tenant, subject, scope, Duration::from_secs(600)))
        .unwrap()
}

async fn sends(service: &Service, (tenant, subject): (&str, &str), command: &str, body: &Value) -> Reply {
    let request = service.client.post(service.url(&format!("/v1/catalog/{command}")));
    reply(request.bearer_auth(token_of(tenant, subject, "catalog:write")).json(body)).await
}

async fn page(service: &Service, query: &str) -> Reply {
    let operator = token_of("operators", "olga", "ops");
    reply(service.client.get(service.url(&format!("/v1/ops/audit?{query}"))).bearer_auth(operator)).await
}

/// All pages of it.
async fn audited(service: &Service, query: &str) -> Vec<Value> {
    let (mut items, mut after) = (Vec::new(), String::new());
    loop {
        let page = page(service, &format!("{query}{after}")).await;
        assert_eq!(page.status.as_u16(), 200, "{page:?}");
        items.extend(page.body["items"].as_array().unwrap().clone());
        match page.body["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return items,
        }
    }
}

/// So many entries beside the log are there.
async fn are_written(service: &Service, count: u64) {
    until("the audit is written", async || service.log.audit_head().await.unwrap().number >= count).await;
    assert_eq!(service.log.audit_head().await.unwrap().number, count);
}

/// `actor outcome code-or-event` of each.
fn told(items: &[Value]) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let what = |item: &Value| if item["code"].is_null() { text(&item["event"]) } else { text(&item["code"]) };
    items
        .iter()
        .map(|item| format!("{} {} {}", text(&item["actor"]), text(&item["outcome"]), what(item)))
        .collect()
}

const ANN: (&str, &str) = ("acme", "ann");
const BOB: (&str, &str) = ("acme", "bob");
const EVE: (&str, &str) = ("globex", "ann");

/// Two tenants, who are refused things in several ways. Five entries, and five commands in the log.
async fn two_tenants_at_work(service: &Service) -> String {
    let category = sends(service, ANN, "create-category", &json!({"name": "Books"})).await.id();
    let id = sends(service, ANN, "create-product", &product("sku-1", &category)).await.id();
    sends(service, BOB, "create-category", &json!({"name": "Books"})).await.is_refused("category-name-taken");
    let reserve = json!({"product_id": id, "quantity": 1, "reservation_id": new_id()});
    sends(service, BOB, "reserve-stock", &reserve).await.is_refused("insufficient-stock");
    sends(service, EVE, "create-category", &json!({"name": "Tools"})).await;
    sends(service, EVE, "create-category", &json!({"name": "Tools"})).await.is_refused("category-name-taken");
    sends(service, ANN, "create-category", &json!({"name": 7})).await.is_problem(400, "malformed-body");
    let receive = json!({"product_id": id, "location": "A", "quantity": 5});
    let path = service.url("/v1/catalog/receive-stock");
    let reader = token_of("acme", "bob", "catalog:read");
    let refused = reply(service.client.post(path).bearer_auth(reader).json(&receive)).await;
    refused.is_problem(403, "missing-scope");
    sends(service, BOB, "receive-stock", &receive).await;
    sends(
        service,
        ANN,
        "change-price",
        &json!({"product_id": id, "price": {"amount": 5, "currency": "EUR"}}),
    )
    .await;
    are_written(service, 5).await;
    id
}

#[tokio::test]
async fn what_was_carried_out_and_what_was_refused_is_told_in_the_order_of_time() {
    let service = Service::start().await;
    two_tenants_at_work(&service).await;
    let all = audited(&service, "").await;
    assert_eq!(
        told(&all),
        [
            "ann accepted CategoryCreated",
            "ann accepted ProductCreated",
            "bob refused category-name-taken",
            "bob refused insufficient-stock",
            "ann accepted CategoryCreated",
            "ann refused category-name-taken",
            "ann refused malformed-body",
            "bob forbidden missing-scope",
            "bob accepted StockReceived",
            "ann accepted PriceChanged",
        ]
    );
    for limit in [1, 3, 4] {
        assert_eq!(audited(&service, &format!("limit={limit}")).await, all, "in pages of {limit}");
    }
    let refused = &all[3];
    assert_eq!(refused["tenant"], "acme");
    assert_eq!(refused["address"], "127.0.0.1");
    assert_eq!(refused["command"], "catalog/reserve-stock");
    assert!(refused["correlation_id"].is_string() && refused["number"] == 2);
    assert!(all[0]["place"].as_str().unwrap().starts_with("catalog/"));
}

#[tokio::test]
async fn what_is_told_can_be_narrowed_to_tenant_actor_stream_outcome_and_time() {
    let service = Service::start().await;
    let id = two_tenants_at_work(&service).await;
    let of = async |query: &str| told(&audited(&service, query).await);
    assert_eq!(
        of("tenant=globex&limit=1").await,
        ["ann accepted CategoryCreated", "ann refused category-name-taken"]
    );
    assert_eq!(
        of("tenant=acme&actor=bob").await,
        [
            "bob refused category-name-taken",
            "bob refused insufficient-stock",
            "bob forbidden missing-scope",
            "bob accepted StockReceived"
        ]
    );
    let of_stock = ["bob refused insufficient-stock", "bob accepted StockReceived"];
    assert_eq!(of(&format!("tenant=acme&stream=stock-{id}")).await, of_stock);
    assert_eq!(of(&format!("stream=stock-{id}&limit=1")).await, of_stock);
    assert_eq!(of(&format!("tenant=globex&stream=stock-{id}")).await, [""; 0]);
    assert_eq!(of("outcome=forbidden").await, ["bob forbidden missing-scope"]);
    assert_eq!(of("outcome=accepted&tenant=acme&actor=bob").await, ["bob accepted StockReceived"]);

    let all = audited(&service, "").await;
    let (from, to) = (all[2]["at"].as_str().unwrap(), all[5]["at"].as_str().unwrap());
    assert_eq!(audited(&service, &format!("from={from}&to={to}&limit=2")).await, all[2..=5]);
    assert_eq!(audited(&service, "to=2000-01-01T00:00:00Z").await, [Value::Null; 0]);
    for wrong in ["from=yesterday", "limit=0", "tenant=a%20b", "stream=nothing", "whom=ann"] {
        page(&service, wrong).await.is_problem(400, "invalid-parameter");
    }
    page(&service, "after=here").await.is_problem(400, "invalid-cursor");
}

#[tokio::test]
async fn only_operators_are_told() {
    let service = Service::start().await;
    let ask = |token: String| reply(service.client.get(service.url("/v1/ops/audit")).bearer_auth(token));
    ask(token_of("acme", "ann", "catalog:write catalog:read")).await.is_problem(403, "missing-scope");
    reply(service.client.get(service.url("/v1/ops/audit"))).await.is_problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_body_leaves_no_trace_and_neither_does_a_forged_token_or_a_dry_run_that_would_be_done() {
    let database = TestDatabase::create().await;
    let service = Service::start_on(&database).await;
    let secret = "hunter2-and-more-of-it";
    let user = json!({"email": "no address", "name": secret, "password": secret});
    let path = service.url("/v1/accounts/register-user");
    let writer = token_of("acme", "ann", "accounts:write");
    reply(service.client.post(&path).bearer_auth(writer).json(&user)).await.is_problem(422, "invalid-body");
    let forged = crate::harness::forged_token();
    reply(service.client.post(&path).bearer_auth(forged).json(&user)).await.is_problem(401, "invalid-token");
    let dry = service.command("create-category?dry_run=true", &json!({"name": "Books"}));
    assert_eq!(reply(dry).await.status.as_u16(), 200);
    are_written(&service, 1).await;
    let kept: String = sqlx::query_scalar("SELECT string_agg(audit::text, ' ') FROM audit")
        .fetch_one(&database.pool().await)
        .await
        .unwrap();
    assert!(kept.contains("accounts/register-user") && !kept.contains("hunter2"), "{kept}");
}

#[tokio::test]
async fn where_accepted_commands_came_from_is_kept_where_that_is_wanted_and_once() {
    let database = TestDatabase::create().await;
    let audit = AuditConfig { audit_accepted: true, ..AuditConfig::default() };
    let service = Service::start_with(&database, |config| config.audit = audit).await;
    let create =
        || service.command("create-category", &json!({"name": "Books"})).header("idempotency-key", "k");
    assert_eq!(reply(create()).await.status.as_u16(), 201);
    assert_eq!(reply(create()).await.header("idempotency-replayed"), Some("true"));
    are_written(&service, 1).await;
    let all = audited(&service, "").await;
    assert_eq!(told(&all), ["tester accepted CategoryCreated"]);
    assert_eq!(
        (&all[0]["address"], &all[0]["command"]),
        (&json!("127.0.0.1"), &json!("catalog/create-category"))
    );
    let verified = service.log.verify_audit(None).await.unwrap();
    assert_eq!((verified.count, verified.anchors), (1, 1));
}

#[tokio::test]
async fn what_waits_to_be_written_is_written_when_the_service_ends() {
    let database = TestDatabase::create().await;
    let service = Service::start_on(&database).await;
    let category = service.category("Books").await;
    for _ in 0..20 {
        service.send("create-category", &json!({"name": "Books"})).await.is_refused("category-name-taken");
    }
    let log = service.log.clone();
    service.stop().await;
    assert_eq!(log.audit_head().await.unwrap().number, 20, "{category}");
}

#[tokio::test]
async fn commands_are_answered_while_the_audit_cannot_be_written_and_its_entries_wait() {
    let database = TestDatabase::create().await;
    let service = Service::start_on(&database).await;
    service.category("Books").await;
    let pool = database.pool().await;
    let mut holding = pool.begin().await.unwrap();
    sqlx::query("SELECT FROM audit_head FOR UPDATE").execute(&mut *holding).await.unwrap();
    for _ in 0..50 {
        service.send("create-category", &json!({"name": "Books"})).await.is_refused("category-name-taken");
    }
    service.category("Tools").await;
    drop(holding);
    are_written(&service, 50).await;
    service.log.verify_audit(None).await.unwrap();
}
