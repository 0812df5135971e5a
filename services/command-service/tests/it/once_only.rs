//! A command repeated with its key has one effect and one answer.

use serde_json::{Value, json};
use test_servers::TestDatabase;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::harness::{Reply, Service, TENANT, new_id, product, reply, together, token, until};

async fn keyed(service: &Service, name: &str, key: &str, body: &Value) -> Reply {
    reply(service.command(name, body).header("idempotency-key", key)).await
}

#[track_caller]
fn assert_replayed(first: &Reply, again: &Reply) {
    assert_eq!(again.header("idempotency-replayed"), Some("true"), "{again:?}");
    assert_eq!((first.status, &first.body), (again.status, &again.body));
    assert_eq!(first.header("etag"), again.header("etag"));
    assert_eq!(first.header("twofold-sequence"), again.header("twofold-sequence"));
}

#[tokio::test]
async fn the_same_key_and_body_answer_the_stored_receipt() {
    let service = Service::start().await;
    let first = keyed(&service, "create-category", "key-1", &json!({"name": "Books"})).await;
    assert_eq!((first.status.as_u16(), first.header("idempotency-replayed")), (201, None));
    let head = service.head().await;
    // Written otherwise, it is the same body.
    let request = service.request(reqwest::Method::POST, "/v1/catalog/create-category");
    let spaced = request
        .header("content-type", "application/json")
        .header("idempotency-key", "key-1")
        .body("{ \"name\" : \"\\u0042ooks\" }");
    let again = reply(spaced).await;
    assert_replayed(&first, &again);
    assert_eq!(service.head().await, head);
}

#[tokio::test]
async fn another_body_or_another_command_under_the_key_is_refused() {
    let service = Service::start().await;
    let first = keyed(&service, "create-category", "key-1", &json!({"name": "Books"})).await;
    let head = service.head().await;
    let other = keyed(&service, "create-category", "key-1", &json!({"name": "Tools"})).await;
    other.is_problem(422, "key-reused");
    let rename = json!({"category_id": first.id(), "name": "Books"});
    keyed(&service, "rename-category", "key-1", &rename).await.is_problem(422, "key-reused");
    assert_eq!(service.head().await, head);
}

#[tokio::test]
async fn a_repeat_answers_its_receipt_although_it_would_be_refused_by_now() {
    let database = TestDatabase::create().await;
    let (one, other) = (Service::start_on(&database).await, Service::start_on(&database).await);
    let category = one.category("Books").await;
    let mut body = product("sku-1", &category);
    body["product_id"] = json!(new_id());
    let created = keyed(&one, "create-product", "create", &body).await;
    let id = created.id();
    let price = json!({"product_id": id, "price": {"amount": 5, "currency": "EUR"}});
    let priced = keyed(&one, "change-price", "price", &price).await;
    one.done("discontinue-product", &json!({"product_id": id, "reason": "gone"})).await;
    let head = one.head().await;
    for service in [&one, &other] {
        // The SKU is taken, by itself; the product exists, since it was created; and it is discontinued.
        assert_replayed(&created, &keyed(service, "create-product", "create", &body).await);
        assert_replayed(&priced, &keyed(service, "change-price", "price", &price).await);
    }
    assert_eq!(one.head().await, head);
}

#[tokio::test]
async fn a_repeat_with_the_version_that_it_was_sent_for_answers_its_receipt() {
    let service = Service::start().await;
    let id = service.category("Books").await;
    let rename = || {
        let body = json!({"category_id": id, "name": "Printed"});
        service.command("rename-category", &body).header("if-match", "\"1\"").header("idempotency-key", "k")
    };
    let first = reply(rename()).await;
    assert_eq!(first.status.as_u16(), 200);
    assert_replayed(&first, &reply(rename()).await);
}

#[tokio::test]
async fn a_refused_command_leaves_its_key_free() {
    let service = Service::start().await;
    let id = service.product("sku-1").await;
    let reserve = json!({"product_id": id, "quantity": 3, "reservation_id": new_id()});
    keyed(&service, "reserve-stock", "key", &reserve).await.is_refused("insufficient-stock");
    service.done("receive-stock", &json!({"product_id": id, "location": "A", "quantity": 3})).await;
    let reserved = keyed(&service, "reserve-stock", "key", &reserve).await;
    assert_eq!((reserved.status.as_u16(), reserved.header("idempotency-replayed")), (200, None));
}

#[tokio::test]
async fn a_command_that_changed_nothing_keeps_its_key_too() {
    let service = Service::start().await;
    let id = service.product("sku-1").await;
    service.done("receive-stock", &json!({"product_id": id, "location": "A", "quantity": 3})).await;
    let reserve = json!({"product_id": id, "quantity": 3, "reservation_id": new_id()});
    service.done("reserve-stock", &reserve).await;
    let nothing = keyed(&service, "reserve-stock", "key", &reserve).await;
    assert_eq!(nothing.body["events"], json!([]));
    assert_replayed(&nothing, &keyed(&service, "reserve-stock", "key", &reserve).await);
}

#[tokio::test]
async fn a_key_raced_by_itself_has_one_effect_and_one_answer() {
    let database = TestDatabase::create().await;
    let (one, other) = (Service::start_on(&database).await, Service::start_on(&database).await);
    let category = one.category("Books").await;
    let body = product("sku-1", &category);
    let replies = together((0..32).map(|index| {
        let service = if index % 2 == 0 { &one } else { &other };
        keyed(service, "create-product", "key", &body)
    }))
    .await;
    let first = replies.iter().find(|reply| reply.header("idempotency-replayed").is_none()).unwrap();
    assert_eq!(first.status.as_u16(), 201);
    for reply in &replies {
        assert_eq!((reply.status, &reply.body), (first.status, &first.body));
    }
    let fresh = replies.iter().filter(|reply| reply.header("idempotency-replayed").is_none()).count();
    assert_eq!(fresh, 1);
}

#[tokio::test]
async fn after_a_lost_answer_the_repeat_has_it() {
    let database = TestDatabase::create().await;
    let service = Service::start_on(&database).await;
    let body = json!({"name": "Books"}).to_string();
    let token = token(TENANT, "catalog:write", std::time::Duration::from_secs(60));
    // A client that sends its command and hangs up without waiting for the answer.
    let mut connection = TcpStream::connect(service.address).await.unwrap();
    let request = format!(
        "POST /v1/catalog/create-category HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\nidempotency-key: lost\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    connection.write_all(request.as_bytes()).await.unwrap();
    until("the command is recorded", async || service.head().await.number() == 1).await;
    drop(connection);
    // Its repeat comes to another service: the first was killed.
    service.kill();
    let other = Service::start_on(&database).await;
    let again = keyed(&other, "create-category", "lost", &json!({"name": "Books"})).await;
    assert_eq!((again.status.as_u16(), again.header("idempotency-replayed")), (201, Some("true")));
    assert_eq!(other.head().await.number(), 1);
}
