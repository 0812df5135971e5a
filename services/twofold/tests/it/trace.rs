//! One command's way through the whole system, as one trace.

mod collector;

use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::time::{Duration, Instant};

use crate::system::{System, pause};
use collector::{Collector, Seen};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CLIENT: &str = "b7ad6b7169203331";
/// How long the spans of a service may take to arrive, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Spans of the trace, by who sends them and what they are called.
const SPANS: [(&str, &str); 14] = [
    ("command-service", "POST /v1/orders/create-order"),
    ("command-service", "append"),
    ("relay", "publish"),
    ("projector-postgres", "project order-list"),
    ("projector-redis", "project order-details"),
    ("process-manager", "project fulfilment"),
    ("process-manager", "step fulfilment"),
    ("process-manager", "send catalog/reserve-stock"),
    ("command-service", "POST /v1/catalog/reserve-stock"),
    ("process-manager", "send orders/reject-order"),
    ("command-service", "POST /v1/orders/reject-order"),
    ("query-service", "GET /v1/orders/{id}"),
    ("query-service", "GET /v1/orders/{id}/fulfilment"),
    ("process-manager", "GET /v1/processes/{process}/{instance}"),
];

/// An order for a product that there is not is rejected by its fulfilment: a command whose events make a process send
/// further commands.
#[tokio::test(flavor = "multi_thread")]
async fn a_command_and_everything_that_comes_of_it_is_one_trace_across_all_services() {
    let (collector, url) = Collector::start().await;
    let told = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str()),
        ("OTEL_TRACES_SAMPLER", "parentbased_always_off"),
        ("OTEL_BSP_SCHEDULE_DELAY", "100"),
    ];
    let system = System::start_told(&told).await;
    let token = system.token("acme", "orders:write orders:read catalog:write").await;
    let traceparent = format!("00-{TRACE}-{CLIENT}-01");
    let order = json!({
        "customer_id": "01890000-0000-7000-8000-000000000001",
        "payment_method": "card-ok",
        "items": [{
            "product_id": "01890000-0000-7000-8000-000000000002",
            "quantity": 1,
            "unit_price": {"amount": 100, "currency": "EUR"},
        }],
    });
    let placed = system.command("/v1/orders/create-order", &token, &order);
    let placed = placed.header("traceparent", &traceparent).send().await.unwrap();
    assert_eq!(placed.status(), StatusCode::CREATED);
    let after = placed.headers()["twofold-sequence"].to_str().unwrap().to_owned();
    let placed: Value = placed.json().await.unwrap();
    let id = placed["id"].as_str().unwrap();

    // Not in the trace, and not sampled: nothing is told of it.
    let other = json!({"name": "Books"});
    let untold = system.command("/v1/catalog/create-category", &token, &other);
    assert_eq!(untold.send().await.unwrap().status(), StatusCode::CREATED);

    let deadline = Instant::now() + PATIENCE;
    loop {
        let request = system.query(&format!("/v1/orders/{id}"), &token).header("traceparent", &traceparent);
        let request = request.header("Twofold-After", &after).header("Prefer", "wait=30");
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        if answer["status"] == "rejected" {
            break;
        }
        assert!(Instant::now() < deadline, "the order should be rejected: {answer}");
        pause().await;
    }
    let asked = system.query(&format!("/v1/orders/{id}/fulfilment"), &token);
    let asked = asked.header("traceparent", &traceparent).send().await.unwrap();
    assert_eq!(asked.status(), StatusCode::OK);

    let spans = everything(&collector).await;
    let one = |service: &str, name: &str| -> &Seen {
        spans.iter().find(|seen| seen.service == service && seen.name == name).unwrap()
    };
    let command = one("command-service", "POST /v1/orders/create-order");
    assert_eq!(command.parent, CLIENT);
    assert_eq!(command.said["http.response.status_code"], "201");
    // What is done with the command's events is the command's child, whoever does it: Kafka has carried its context.
    for (service, name) in &SPANS[1..8] {
        assert!(
            spans
                .iter()
                .any(|seen| seen.service == *service && seen.name == *name && seen.parent == command.span),
            "no {name} of {service} is a child of the command: {spans:#?}"
        );
    }
    let sequence = after.rsplit_once('=').unwrap().1;
    for name in ["append", "publish", "project order-list", "project order-details", "project fulfilment"] {
        let seen = spans.iter().find(|seen| seen.name == name && seen.parent == command.span).unwrap();
        assert_eq!(seen.said["twofold.sequence"], sequence, "{name}");
        assert_eq!(seen.said["twofold.stream"], format!("order-{id}"), "{name}");
        // Batching does not lose the link: it leads to the batch's own span and back.
        let [(batch_trace, batch_span)] = seen.links.as_slice() else { panic!("{seen:?}") };
        let batch = collector.span(batch_trace, batch_span).unwrap_or_else(|| panic!("no batch of {seen:?}"));
        assert!(batch.links.contains(&(seen.trace.clone(), seen.span.clone())), "{batch:?} of {seen:?}");
        assert_eq!((batch.service.as_str(), batch.parent.as_str()), (seen.service.as_str(), ""));
    }
    // A process's command goes on in the trace of the event that it was sent for, and so do its own events.
    for command in ["catalog/reserve-stock", "orders/reject-order"] {
        let sent = one("process-manager", &format!("send {command}"));
        assert_eq!(one("command-service", &format!("POST /v1/{command}")).parent, sent.span, "{command}");
        assert_eq!(sent.said["twofold.instance"], id, "{command}");
    }
    let rejected = one("command-service", "POST /v1/orders/reject-order");
    for name in ["append", "publish", "project order-details"] {
        assert!(spans.iter().any(|seen| seen.name == name && seen.parent == rejected.span), "{name}");
    }
    let asked = one("query-service", "GET /v1/orders/{id}/fulfilment");
    assert_eq!(one("process-manager", "GET /v1/processes/{process}/{instance}").parent, asked.span);
    let untold = |seen: &Seen| seen.name.ends_with("create-category");
    assert!(!spans.iter().any(untold), "what is not sampled is not told");
}

/// The spans of the trace, once each of [`SPANS`] has come in, and those of the last event in each view.
async fn everything(collector: &Collector) -> Vec<Seen> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let spans = collector.of(TRACE);
        let has = |service: &str, name: &str, times: usize| {
            spans.iter().filter(|seen| seen.service == service && seen.name == name).count() >= times
        };
        let missing: Vec<_> = SPANS.iter().filter(|(service, name)| !has(service, name, 1)).collect();
        let twice = has("command-service", "append", 2)
            && has("relay", "publish", 2)
            && has("projector-redis", "project order-details", 2);
        if missing.is_empty() && twice {
            return spans;
        }
        assert!(Instant::now() < deadline, "missing {missing:?} of {spans:#?}");
        pause().await;
    }
}
