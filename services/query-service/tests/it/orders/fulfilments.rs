//! What a fulfilment's query makes of what a process-manager says. That real ones say it is tested with the whole system.

use std::net::SocketAddr;

use axum::Json;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http_api::Authenticator;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use uuid::Uuid;

use super::desk::*;
use crate::service::{self, Service};

pub(crate) fn path(order: Uuid) -> String {
    format!("/v1/orders/{order}/fulfilment")
}

/// An instance in the middle of being undone, as a process-manager tells of it to who asks by their own token: `acme`
/// has two orders, and `globex` has one of the same id as the first.
async fn says(
    State(authenticator): State<Authenticator>,
    Path((process, instance)): Path<(String, Uuid)>,
    headers: HeaderMap,
) -> Response {
    let Ok(caller) = authenticator.authenticate(&headers).await else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    let tenant = caller.tenant.as_str();
    if process != "fulfilment"
        || ![("acme", FIRST), ("acme", SECOND), ("globex", FIRST)].contains(&(tenant, instance))
    {
        return StatusCode::NOT_FOUND.into_response();
    }
    let at = "2026-11-01T12:00:00Z";
    Json(json!({
        "process": "fulfilment",
        "tenant": tenant,
        "instance": instance,
        "phase": "compensating",
        "stuck": null,
        "state": { "step": "undoing", "ending": { "is": "cancelled" } },
        "steps": [
            { "step": "reserve-1", "command": "catalog/reserve-stock", "outcome": "done", "doubtful": false,
              "attempts": 1, "compensation": { "command": "catalog/release-stock", "outcome": "no", "attempts": 0 } },
            { "step": "request-payment", "command": "orders/request-payment", "outcome": "done", "doubtful": true,
              "attempts": 2, "compensation": { "command": "orders/reverse-payment", "outcome": "open",
              "attempts": 3, "trouble": "503", "next_at": at } },
            { "step": "confirm-order", "command": "orders/confirm-order", "outcome": "refused",
              "code": "order-cancelled", "doubtful": false, "attempts": 1 },
        ],
        "timers": [{ "name": "authorisation", "at": at }],
        "history": [{ "at": at, "what": format!("{tenant}: {instance}") }],
        "operators": [],
        "correlation_id": instance,
        "begun_at": at,
        "changed_at": at,
    }))
    .into_response()
}

/// A service that asks a process-manager there; or else the one above.
async fn asking(manager: Option<SocketAddr>) -> (Desk, Service) {
    let desk = Desk::open().await;
    let mut config = service::config_of(desk.database.url(), &desk.redis);
    let manager = match manager {
        Some(address) => address,
        None => self::manager(Authenticator::new(&config.auth).unwrap()).await,
    };
    config.processes.url = format!("http://{manager}");
    let service = service::start(config).await;
    (desk, service)
}

async fn manager(authenticator: Authenticator) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router =
        Router::new().route("/v1/processes/{process}/{instance}", get(says)).with_state(authenticator);
    tokio::spawn(async { axum::serve(listener, router).await });
    address
}

#[tokio::test]
async fn a_fulfilment_is_told_by_its_step_its_waits_its_timers_and_its_compensations() {
    let (_desk, service) = asking(None).await;
    let got = service.client_with("acme", "orders:read").get(&path(FIRST)).await.ok();
    let at = "2026-11-01T12:00:00Z";
    let body = &got.body;
    assert_eq!((&body["step"], &body["phase"]), (&json!("undoing"), &json!("compensating")));
    assert_eq!(
        body["waits"],
        json!([{ "step": "request-payment/undo", "command": "orders/reverse-payment", "attempts": 3,
                 "trouble": "503", "next_at": at }])
    );
    assert_eq!(body["timers"], json!([{ "name": "authorisation", "at": at }]));
    assert_eq!(body["steps"][2]["code"], "order-cancelled");
    assert_eq!(
        body["compensations"],
        json!([
            { "step": "reserve-1", "command": "catalog/release-stock", "outcome": "no", "attempts": 0,
              "trouble": null },
            { "step": "request-payment", "command": "orders/reverse-payment", "outcome": "open", "attempts": 3,
              "trouble": "503" },
        ])
    );
    assert_eq!(body["order_id"], json!(FIRST));
}

/// The process-manager is asked with the caller's own token and decides by itself what they may see.
#[tokio::test]
async fn a_fulfilment_is_that_of_ones_own_tenant_and_of_the_order_that_is_asked_for() {
    let (_desk, service) = asking(None).await;
    for (tenant, order) in [("acme", FIRST), ("acme", SECOND), ("globex", FIRST)] {
        let got = service.client_with(tenant, "orders:read").get(&path(order)).await.ok();
        assert_eq!(got.body["order_id"], json!(order));
        assert_eq!(got.body["history"][0]["what"], format!("{tenant}: {order}"));
    }
    for tenant in ["globex", "newcomer"] {
        let client = service.client_with(tenant, "orders:read");
        client.get(&path(SECOND)).await.problem(404, "not-found");
    }
}

#[tokio::test]
async fn an_order_that_nobody_fulfils_is_a_problem() {
    let (_desk, service) = asking(None).await;
    let client = service.client_with("acme", "orders:read");
    assert_eq!(client.get(&path(THIRD)).await.problem(404, "not-found").body["code"], "unknown-order");
    client.get("/v1/orders/first/fulfilment").await.invalid("id", "malformed");
}

#[tokio::test]
async fn nothing_is_told_without_a_token_and_its_scope() {
    let (_desk, service) = asking(None).await;
    service.stranger().get(&path(FIRST)).await.problem(401, "unauthenticated");
    let got =
        service.client_with("acme", "orders:write").get(&path(FIRST)).await.problem(403, "missing-scope");
    assert_eq!(got.body["scope"], Value::from("orders:read"));
}

#[tokio::test]
async fn while_the_process_manager_is_away_it_says_when_to_come_back_and_all_else_is_answered() {
    let frozen = TcpListener::bind("127.0.0.1:0").await.unwrap();
    for address in [SocketAddr::from(([127, 0, 0, 1], 1)), frozen.local_addr().unwrap()] {
        let (mut desk, service) = asking(Some(address)).await;
        desk.places(FIRST, ANN, euro(1)).reaches_the_views().await;
        let client = service.client_with("acme", "orders:read");
        let got = client.get(&path(FIRST)).await.problem(503, "unavailable");
        assert!(got.headers.contains_key("retry-after"));
        client.get(&order(FIRST)).await.ok();
    }
}
