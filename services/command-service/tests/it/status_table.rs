//! Each row of the status table: the exact problem, and nothing recorded.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use serde_json::json;

use crate::harness::{Reply, Service, TENANT, expired_token, forged_token, new_id, reply, token};

/// Sends something wrong and sees that nothing was recorded by it.
macro_rules! recording_nothing {
    ($service:expr, $request:expr) => {{
        let before = $service.head().await;
        let reply = reply($request).await;
        assert_eq!($service.head().await, before, "something was recorded by {reply:?}");
        reply
    }};
}

async fn refused_token(service: &Service, token: Option<&str>) -> Reply {
    let mut request =
        service.client.post(service.url("/v1/catalog/create-category")).json(&json!({"name": "x"}));
    if let Some(token) = token {
        request = request.header(AUTHORIZATION, token);
    }
    recording_nothing!(service, request)
}

#[tokio::test]
async fn a_command_that_begins_a_stream_is_created_and_the_next_is_ok() {
    let service = Service::start().await;
    let id = new_id();
    let created = service.done("create-category", &json!({"category_id": id, "name": "Books"})).await;
    assert_eq!(created.status.as_u16(), 201);
    assert_eq!(created.header("etag"), Some("\"1\""));
    assert_eq!(created.header("content-type"), Some("application/json"));
    let lane = created.body["lane"].as_u64().unwrap();
    assert_eq!(created.header("twofold-sequence"), Some(format!("catalog/{lane}=1").as_str()));
    let event = created.body["events"][0]["id"].clone();
    assert_eq!(
        created.body,
        json!({
            "stream": format!("category-{id}"), "id": id, "version": 1, "lane": lane, "sequence": 1,
            "events": [{"id": event, "type": "CategoryCreated"}],
        })
    );

    let renamed = service.done("rename-category", &json!({"category_id": id, "name": "Printed"})).await;
    assert_eq!(renamed.status.as_u16(), 200);
    assert_eq!(renamed.header("etag"), Some("\"2\""));
    assert_eq!(renamed.body["version"], 2);
    assert_eq!(renamed.header("idempotency-replayed"), None);
    service.stop().await;
}

#[tokio::test]
async fn a_command_that_changes_nothing_answers_where_the_stream_is() {
    let service = Service::start().await;
    let id = service.product("nothing").await;
    service.done("receive-stock", &json!({"product_id": id, "location": "A", "quantity": 5})).await;
    let reserve = json!({"product_id": id, "quantity": 1, "reservation_id": new_id()});
    let first = service.done("reserve-stock", &reserve).await;
    let again = service.done("reserve-stock", &reserve).await;
    assert_eq!(again.status.as_u16(), 200);
    assert_eq!(again.body["events"], json!([]));
    assert_eq!(again.body["version"], first.body["version"]);
    assert_eq!(again.body["sequence"], first.body["sequence"]);
}

#[tokio::test]
async fn a_request_without_a_good_token_is_not_let_in() {
    let service = Service::start().await;
    refused_token(&service, None).await.is_problem(401, "unauthenticated");
    refused_token(&service, Some("Basic abc")).await.is_problem(401, "unauthenticated");
    for bad in [expired_token(), forged_token(), "garbage".to_owned()] {
        let reply = refused_token(&service, Some(&format!("Bearer {bad}"))).await;
        reply.is_problem(401, "invalid-token");
        assert!(reply.header("www-authenticate").unwrap().starts_with("Bearer"));
    }
    // Nobody learns more about the body than that there is a door.
    let request = service.client.post(service.url("/v1/catalog/create-category")).body("garbage");
    recording_nothing!(service, request).is_problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_token_without_the_scope_may_not() {
    let service = Service::start().await;
    for scope in ["", "catalog:read", "orders:write", "ops"] {
        let request = service
            .client
            .post(service.url("/v1/catalog/create-category"))
            .bearer_auth(token(TENANT, scope, Duration::from_secs(60)))
            .json(&json!({"name": "x"}));
        let reply = recording_nothing!(service, request);
        reply.is_problem(403, "missing-scope");
        assert_eq!(reply.body["scope"], "catalog:write");
    }
}

#[tokio::test]
async fn malformed_and_mistyped_bodies_are_bad_requests() {
    let service = Service::start().await;
    let post = |body: &str| {
        let request = service.request(Method::POST, "/v1/catalog/create-category");
        request.header(CONTENT_TYPE, "application/json").body(body.to_owned())
    };
    for body in ["", "{", "{\"name\":}", "nonsense", "{\"name\":\"x\"} trailing", "\u{feff}{}"] {
        recording_nothing!(service, post(body)).is_problem(400, "malformed-body");
    }
    let deep = "[".repeat(100_000);
    recording_nothing!(service, post(&deep)).is_problem(400, "malformed-body");
    for (body, field) in [
        ("{\"name\":1}", "name"),
        ("{\"name\":null}", "name"),
        ("[]", ""),
        ("\"x\"", ""),
        ("{\"name\":[]}", "name"),
    ] {
        let reply = recording_nothing!(service, post(body));
        reply.is_problem(400, "malformed-body").has_errors(&[(field, "wrong-type")]);
    }
}

#[tokio::test]
async fn a_body_that_makes_no_sense_is_explained_all_at_once() {
    let service = Service::start().await;
    let body = json!({
        "product_id": "no uuid",
        "sku": "",
        "name": "x".repeat(10_000),
        "price": {"amount": 0, "currency": "XYZ"},
        "colour": "red",
    });
    let reply = recording_nothing!(service, service.command("create-product", &body));
    reply.is_problem(422, "invalid-body").has_errors(&[
        ("category_id", "missing"),
        ("colour", "unknown-field"),
        ("name", "too-long"),
        ("price.amount", "not-positive"),
        ("price.currency", "unknown-currency"),
        ("product_id", "not-a-uuid"),
        ("sku", "empty"),
    ]);
}

#[tokio::test]
async fn an_oversized_body_is_too_large() {
    let service = Service::start().await;
    let body = json!({"name": "x".repeat(1 << 20)});
    let reply = recording_nothing!(service, service.command("create-category", &body));
    reply.is_problem(413, "too-large");
    // Just below the limit it is only too long a name.
    let body = json!({"name": "x".repeat((1 << 20) - 100)});
    recording_nothing!(service, service.command("create-category", &body)).is_problem(422, "invalid-body");
}

#[tokio::test]
async fn what_is_not_json_by_its_type_is_not_taken() {
    let service = Service::start().await;
    for media in [None, Some("text/plain"), Some("application/x-www-form-urlencoded")] {
        let mut request =
            service.request(Method::POST, "/v1/catalog/create-category").body("{\"name\":\"x\"}");
        if let Some(media) = media {
            request = request.header(CONTENT_TYPE, media);
        }
        recording_nothing!(service, request).is_problem(415, "unsupported-media-type");
    }
}

#[tokio::test]
async fn unknown_paths_and_wrong_methods_are_problems() {
    let service = Service::start().await;
    let body = json!({});
    recording_nothing!(service, service.command("fly", &body)).is_problem(404, "no-such-path");
    let reply = recording_nothing!(service, service.request(Method::POST, "/v1/nothing/here").json(&body));
    reply.is_problem(404, "no-such-path");
    let reply = recording_nothing!(service, service.request(Method::GET, "/v1/catalog/create-category"));
    reply.is_problem(405, "method-not-allowed");
    assert_eq!(reply.header("allow"), Some("POST"));
}

#[tokio::test]
async fn wrong_headers_and_parameters_are_bad_requests() {
    let service = Service::start().await;
    let body = json!({"name": "x"});
    let command = || service.command("create-category", &body);
    for (header, value) in [
        ("idempotency-key", "with blanks in it"),
        ("idempotency-key", ""),
        ("if-match", "1"),
        ("x-correlation-id", "no uuid"),
    ] {
        let reply = recording_nothing!(service, command().header(header, value));
        reply.is_problem(400, "invalid-header").has_errors(&[(header, "malformed")]);
    }
    let long = "x".repeat(256);
    let reply = recording_nothing!(service, command().header("idempotency-key", long));
    reply.is_problem(400, "invalid-header");
    for (query, code) in [("dry_run=maybe", "malformed"), ("dryrun=true", "unknown-parameter")] {
        let path = format!("/v1/catalog/create-category?{query}");
        let reply = recording_nothing!(service, service.request(Method::POST, &path).json(&body));
        reply.is_problem(400, "invalid-parameter");
        assert_eq!(reply.errors()[0].1, code);
    }
}

#[tokio::test]
async fn a_stale_version_fails_its_precondition() {
    let service = Service::start().await;
    let id = service.category("Books").await;
    let rename = |version: &str| {
        let body = json!({"category_id": id, "name": format!("at {}", version.replace('"', ""))});
        service.command("rename-category", &body).header("if-match", version)
    };
    for version in ["\"2\"", "\"0\"", "\"7\", \"8\"", "\"abc\"", "W/\"1\""] {
        let reply = recording_nothing!(service, rename(version));
        reply.is_problem(412, "stale-version");
        assert_eq!(reply.body["version"], 1);
        assert_eq!(reply.header("etag"), Some("\"1\""));
    }
    for (version, after) in [("\"1\"", 2), ("*", 3), ("\"1\", \"3\"", 4)] {
        let reply = reply(rename(version)).await;
        assert_eq!((reply.status.as_u16(), &reply.body["version"]), (200, &json!(after)));
    }
    // A stream that has not begun has no version to match; and `"0"` says that it must not have begun.
    let create = |id: &str, version: &str| {
        let body = json!({"category_id": id, "name": id});
        service.command("create-category", &body).header("if-match", version)
    };
    let fresh = new_id();
    recording_nothing!(service, create(&fresh, "*")).is_problem(412, "stale-version");
    assert_eq!(reply(create(&fresh, "\"0\"")).await.status.as_u16(), 201);
    recording_nothing!(service, create(&fresh, "\"0\"")).is_problem(412, "stale-version");
}

#[tokio::test]
async fn correlation_and_trace_are_kept_with_the_events() {
    let service = Service::start().await;
    let correlation = new_id();
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let body = json!({"name": "Books"});
    let request = service.command("create-category", &body);
    let created = reply(request.header("x-correlation-id", &correlation).header("traceparent", trace)).await;
    let events = service.events("category", &created.id()).await;
    let metadata = &events[0].event.metadata;
    assert_eq!(metadata.correlation_id.to_string(), correlation);
    assert_eq!(metadata.traceparent.as_deref(), Some(trace));
    assert_eq!(metadata.actor.as_str(), "tester");

    let ignored =
        service.command("create-category", &json!({"name": "Tools"})).header("traceparent", "rubbish");
    let id = reply(ignored).await.id();
    assert_eq!(service.events("category", &id).await[0].event.metadata.traceparent, None);
}
