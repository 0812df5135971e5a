use axum::Router;
use axum::body::{Body, to_bytes};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Value, json};
use tower::ServiceExt;
use uuid::Uuid;

use super::*;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Filter {
    limit: Option<u16>,
    sort: Sort,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Sort {
    Name,
    Price,
}

#[derive(Deserialize)]
struct Order {
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    quantity: u32,
}

fn router() -> Router {
    let total = |Json(order): Json<Order>| async move {
        order.items.iter().map(|item| item.quantity).sum::<u32>().to_string()
    };
    let filter = |Query(filter): Query<Filter>| async move {
        let sort = match filter.sort {
            Sort::Name => "name",
            Sort::Price => "price",
        };
        format!("{sort} {}", filter.limit.unwrap_or(20))
    };
    Router::new()
        .route("/orders", post(total))
        .route("/filter", get(filter))
        .route(
            "/things/{id}/{number}",
            get(|Path((id, number)): Path<(Uuid, u8)>| async move { format!("{id} {number}") }),
        )
        .route("/maybe", get(|query: Option<Query<Filter>>| async move { query.is_some().to_string() }))
}

async fn ask(request: Request) -> (u16, Value) {
    let response = router().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::from(text)))
}

async fn read(path: &str) -> (u16, Value) {
    ask(Request::get(path).body(Body::empty()).unwrap()).await
}

async fn send(content_type: &str, body: &str) -> (u16, Value) {
    let request = Request::post("/orders").header(header::CONTENT_TYPE, content_type);
    ask(request.body(Body::from(body.to_owned())).unwrap()).await
}

#[tokio::test]
async fn json_of_any_json_media_type_is_taken() {
    for content_type in [
        "application/json",
        "Application/JSON; charset=utf-8",
        "application/vnd.twofold+json",
        "application/x+JSON",
    ] {
        assert_eq!(send(content_type, r#"{"items":[{"quantity":2},{"quantity":3}]}"#).await, (200, json!(5)));
    }
}

#[tokio::test]
async fn another_media_type_is_a_problem() {
    for content_type in
        ["text/plain", "application/x-www-form-urlencoded", "json", "text/json", "application/+json", ""]
    {
        let (status, problem) = send(content_type, "{}").await;
        assert_eq!(
            (status, &problem["type"]),
            (415, &json!("/problems/unsupported-media-type")),
            "{content_type}"
        );
    }
}

#[tokio::test]
async fn malformed_json_is_shown_where_it_breaks() {
    for (body, detail) in [
        ("{\n  \"items\": nope}", "the body is not JSON, at line 2 column 13"),
        ("{\"items\":[", "the JSON ends too early, at line 1 column 10"),
        ("", "the JSON ends too early, at line 1 column 0"),
        ("{\"items\":[]} x", "the body is not JSON, at line 1 column 14"),
    ] {
        let (status, problem) = send("application/json", body).await;
        assert_eq!((status, &problem["type"]), (400, &json!("/problems/malformed-body")), "{body}");
        assert_eq!(problem["detail"], detail);
    }
}

#[tokio::test]
async fn a_value_of_the_wrong_type_is_named() {
    let (status, problem) =
        send("application/json", r#"{"items":[{"quantity":1},{"quantity":"two"}]}"#).await;
    assert_eq!(status, 400);
    assert_eq!(problem["errors"], json!([{ "field": "items[1].quantity", "code": "unexpected" }]));
    assert!(!problem.to_string().contains("two"), "the value is not echoed: {problem}");
}

#[tokio::test]
async fn a_query_string_is_read_whole() {
    assert_eq!(read("/filter?sort=price&limit=5").await, (200, json!("price 5")));
    assert_eq!(read("/filter?sort=n%61me").await, (200, json!("name 20")));
    assert_eq!(read("/maybe").await, (200, json!(false)));
    assert_eq!(read("/maybe?sort=name").await, (200, json!(true)));
}

#[tokio::test]
async fn what_is_wrong_with_a_query_string_is_named() {
    for (query, field, code) in [
        ("sort=price&limit=many", "limit", "malformed"),
        ("sort=price&limit=70000", "limit", "malformed"),
        ("sort=colour", "sort", "malformed"),
        ("limit=5", "sort", "missing"),
        ("", "sort", "missing"),
        ("sort=name&sort=price", "sort", "repeated"),
        ("sort=name&limt=5", "limt", "unknown-parameter"),
    ] {
        let (status, problem) = read(&format!("/filter?{query}")).await;
        assert_eq!((status, &problem["type"]), (400, &json!("/problems/invalid-parameter")), "{query}");
        assert_eq!(problem["errors"], json!([{ "field": field, "code": code }]), "{query}");
    }
}

#[tokio::test]
async fn a_path_that_does_not_parse_is_a_problem() {
    let id = Uuid::nil();
    assert_eq!(read(&format!("/things/{id}/7")).await, (200, json!(format!("{id} 7"))));
    for path in ["/things/nonsense/7", &format!("/things/{id}/300"), "/things/%ff/7"] {
        let (status, problem) = read(path).await;
        assert_eq!((status, &problem["type"]), (400, &json!("/problems/invalid-parameter")), "{path}");
        assert_eq!(problem["errors"][0]["code"], "malformed", "{path}");
    }
}
