//! What each service serves at `/metrics` while it works.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::time::{Duration, Instant};

use super::declared::declared;
use crate::system::{System, pause};

/// How long a service may take until it has counted: some count what there is every few seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a service cannot be operated without.
const NEEDED: [(&str, &[&str]); 6] = [
    (
        "command-service",
        &[
            "service_info",
            "http_requests_total",
            "http_request_seconds",
            "http_requests_in_flight",
            "http_problems_total",
            "http_tokens_total",
            "twofold_commands_total",
            "twofold_command_duration_seconds",
            "twofold_command_conflicts_total",
            "twofold_command_retries_total",
            "twofold_stream_loads_total",
            "twofold_log_batch_commands",
            "twofold_log_batch_seconds",
            "twofold_log_commands_total",
        ],
    ),
    (
        "relay",
        &[
            "service_info",
            "twofold_relay_backlog_events",
            "twofold_relay_backlog_seconds",
            "twofold_relay_published_through",
            "twofold_relay_published_total",
            "twofold_relay_publish_seconds",
            "twofold_relay_leased",
            "twofold_relay_republished_total",
            "twofold_relay_interruptions_total",
        ],
    ),
    ("projector-postgres", PROJECTION),
    ("projector-redis", PROJECTION),
    (
        "process-manager",
        &[
            "service_info",
            "twofold_projection_lag_events",
            "twofold_process_steps_total",
            "twofold_process_attempts_total",
            "twofold_process_attempt_seconds",
            "twofold_process_instances",
            "twofold_process_stuck",
            "twofold_process_timers",
            "twofold_process_timers_due",
            "twofold_process_commands_open",
            "twofold_process_commands_in_doubt",
        ],
    ),
    (
        "query-service",
        &[
            "service_info",
            "http_requests_total",
            "http_request_seconds",
            "twofold_query_waits_total",
            "twofold_query_wait_seconds",
            "twofold_read_waits_total",
            "twofold_read_wait_polls_total",
        ],
    ),
];

const PROJECTION: &[&str] = &[
    "service_info",
    "twofold_consumer_records_total",
    "twofold_projection_applied_total",
    "twofold_projection_repeats_total",
    "twofold_projection_batch_events",
    "twofold_projection_batch_seconds",
    "twofold_projection_delay_seconds",
    "twofold_projection_lag_events",
    "twofold_projection_lag_seconds",
    "twofold_projection_progress_ratio",
    "twofold_projection_serving",
    "twofold_projection_retries_total",
    "twofold_projection_overtaken_total",
    "twofold_projection_repaired_total",
    "twofold_projection_missing",
    "twofold_projection_stopped",
    "twofold_projection_parked",
    "twofold_projection_parkings_total",
];

#[tokio::test(flavor = "multi_thread")]
async fn every_service_serves_what_it_is_operated_by_and_nothing_undocumented() {
    let system = System::start().await;
    work(&system).await;
    let kinds: BTreeMap<String, String> =
        declared().into_iter().map(|metric| (metric.name, metric.kind.to_lowercase())).collect();
    for (service, needed) in NEEDED {
        let deadline = Instant::now() + PATIENCE;
        let served = loop {
            let served = served(&system, service).await;
            let missing: Vec<_> = needed.iter().filter(|name| !served.contains_key(**name)).collect();
            if missing.is_empty() {
                break served;
            }
            assert!(Instant::now() < deadline, "{service} does not serve {missing:?}");
            pause().await;
        };
        for (name, kind) in served {
            assert_eq!(kinds.get(&name), Some(&kind), "{name} of {service}");
        }
    }
    for name in ["twofold_projection_progress_ratio", "twofold_projection_serving"] {
        every_lane_comes_to_one(&system, name).await;
    }
}

async fn every_lane_comes_to_one(system: &System, name: &str) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let scraped = scrape(system, "projector-redis").await;
        let of = scraped.lines().filter(|line| line.starts_with(&format!("{name}{{")));
        let values: BTreeSet<&str> = of.map(|line| line.rsplit_once(' ').unwrap().1).collect();
        if values == BTreeSet::from(["1"]) {
            return;
        }
        assert!(Instant::now() < deadline, "{name} is {values:?}");
        pause().await;
    }
}

/// A little of everything: a command, one that is refused, a process, a query, one that waits in vain.
async fn work(system: &System) {
    let token = system.token("acme", "catalog:write catalog:read orders:write").await;
    let category = json!({"name": "Books"});
    let created = system.command("/v1/catalog/create-category", &token, &category).send().await.unwrap();
    assert_eq!(created.status(), StatusCode::CREATED);
    let after = created.headers()["twofold-sequence"].to_str().unwrap().to_owned();
    let created: Value = created.json().await.unwrap();
    let refused = system.command("/v1/catalog/create-category", &token, &category).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::CONFLICT);
    let product = json!({
        "sku": "BK-1", "name": "A Book", "category_id": created["id"],
        "price": {"amount": 1999, "currency": "EUR"},
    });
    let product = system.command("/v1/catalog/create-product", &token, &product).send().await.unwrap();
    assert_eq!(product.status(), StatusCode::CREATED);
    let order = json!({
        "customer_id": "01890000-0000-7000-8000-000000000001",
        "payment_method": "card-ok",
        "items": [{
            "product_id": "01890000-0000-7000-8000-000000000002",
            "quantity": 1,
            "unit_price": {"amount": 100, "currency": "EUR"},
        }],
    });
    let placed = system.command("/v1/orders/create-order", &token, &order).send().await.unwrap();
    assert_eq!(placed.status(), StatusCode::CREATED);
    let (log, _) = after.split_once('=').unwrap();
    for (wanted, status) in
        [(after.as_str(), StatusCode::OK), (&format!("{log}=999"), StatusCode::SERVICE_UNAVAILABLE)]
    {
        let query = system.query("/v1/catalog/categories", &token).header("Twofold-After", wanted);
        let wait = if status == StatusCode::OK { "wait=30" } else { "wait=1" };
        assert_eq!(query.header("Prefer", wait).send().await.unwrap().status(), status, "{wanted}");
    }
}

async fn scrape(system: &System, service: &str) -> String {
    let url = format!("{}/metrics", system.url(service));
    system.client.get(url).send().await.unwrap().text().await.unwrap()
}

/// The metrics that it serves, and of which kind each is.
async fn served(system: &System, service: &str) -> BTreeMap<String, String> {
    let text = scrape(system, service).await;
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    types.map(|(name, kind)| (name.to_owned(), kind.to_owned())).collect()
}
