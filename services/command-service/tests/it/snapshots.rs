//! A long stream is read from its snapshot, and stands where all of its events put it.

use catalog::{Stock, StockEvent, StockState};
use kernel::{Decider, StreamName, StreamVersion, TenantId};
use serde_json::{Value, json};
use test_servers::TestDatabase;
use wire::Codec;

use crate::harness::{Service, TENANT, new_id, reply, until};

/// More than a page of events, and several snapshots' worth.
const EVENTS: u64 = 650;

async fn grow(service: &Service, id: &str) {
    let receive =
        |index: u64| json!({"product_id": id, "location": format!("L{}", index % 7), "quantity": 1});
    for index in 0..EVENTS {
        service.done("receive-stock", &receive(index)).await;
    }
}

async fn snapshot(service: &Service, id: &str) -> Option<event_log::Snapshot> {
    let (tenant, stream) = (TenantId::new(TENANT).unwrap(), StreamName::of("stock", id.parse().unwrap()));
    service.log.snapshot("catalog", &tenant, &stream, Stock::STATE_VERSION).await.unwrap()
}

/// Which fold made it, and the state.
fn parts(snapshot: &event_log::Snapshot) -> (String, Value) {
    let text = std::str::from_utf8(&snapshot.state).unwrap();
    let (fold, state) = text.split_once(' ').unwrap();
    (fold.to_owned(), serde_json::from_str(state).unwrap())
}

/// A state by which there is nothing to reserve.
fn lie(state: &Value) -> Value {
    let mut lie = state.clone();
    lie["levels"] = serde_json::to_value(StockState::default()).unwrap()["levels"].clone();
    lie["reservations"] = json!({});
    lie
}

async fn replace(database: &TestDatabase, fold: &str, state: &Value) {
    let changed = sqlx::query("UPDATE snapshots SET state = $1").bind(format!("{fold} {state}").into_bytes());
    changed.execute(&database.pool().await).await.unwrap();
}

async fn folded(service: &Service, id: &str, through: StreamVersion) -> StockState {
    let codec = Codec::<StockEvent>::new().unwrap();
    let events = service.events("stock", id).await;
    let decoded: Vec<StockEvent> = events
        .iter()
        .filter(|logged| logged.event.version <= through)
        .map(|logged| {
            let event = &logged.event;
            codec.decode(&event.event_type, event.schema, &event.payload).unwrap()
        })
        .collect();
    Stock::fold(&decoded)
}

#[tokio::test]
async fn a_snapshot_is_the_fold_of_what_it_covers_and_is_used() {
    let database = TestDatabase::create().await;
    let service = Service::start_on(&database).await;
    let id = service.product("sku-1").await;
    grow(&service, &id).await;
    until("a snapshot beyond the first page is kept", async || {
        snapshot(&service, &id).await.is_some_and(|snapshot| snapshot.version.number() > 500)
    })
    .await;
    let kept = snapshot(&service, &id).await.unwrap();
    let (fold, state) = parts(&kept);
    assert_eq!(
        serde_json::from_value::<StockState>(state.clone()).unwrap(),
        folded(&service, &id, kept.version).await
    );

    // A service that knows nothing decides as one that knows everything.
    let fresh = Service::start_on(&database).await;
    let reserve = |quantity: u64| json!({"product_id": id, "quantity": quantity, "reservation_id": new_id()});
    fresh.send("reserve-stock", &reserve(EVENTS + 1)).await.is_refused("insufficient-stock");
    let done = fresh.done("reserve-stock", &reserve(EVENTS)).await;
    assert_eq!(done.body["version"], EVENTS + 1);

    // That it reads the snapshot shows when the snapshot lies.
    replace(&database, &fold, &lie(&state)).await;
    let misled = Service::start_on(&database).await;
    let command = misled.command("reserve-stock", &reserve(1));
    reply(command).await.is_refused("insufficient-stock");
}

#[tokio::test]
async fn a_snapshot_of_another_fold_is_done_without_though_its_version_is_the_same() {
    let database = TestDatabase::create().await;
    let service = Service::start_on(&database).await;
    let id = service.product("sku-1").await;
    grow(&service, &id).await;
    until("a snapshot is kept", async || snapshot(&service, &id).await.is_some()).await;
    let (fold, state) = parts(&snapshot(&service, &id).await.unwrap());
    assert_ne!(fold, "0123456789abcdef");
    replace(&database, "0123456789abcdef", &lie(&state)).await;
    let fresh = Service::start_on(&database).await;
    let reserve = json!({"product_id": id, "quantity": EVENTS, "reservation_id": new_id()});
    fresh.done("reserve-stock", &reserve).await;
}

#[tokio::test]
async fn a_snapshot_that_cannot_be_read_is_done_without() {
    let database = TestDatabase::create().await;
    let service = Service::start_on(&database).await;
    let id = service.product("sku-1").await;
    grow(&service, &id).await;
    until("a snapshot is kept", async || snapshot(&service, &id).await.is_some()).await;
    let broken = sqlx::query("UPDATE snapshots SET state = 'garbage'");
    broken.execute(&database.pool().await).await.unwrap();
    let fresh = Service::start_on(&database).await;
    let reserve = json!({"product_id": id, "quantity": EVENTS, "reservation_id": new_id()});
    fresh.done("reserve-stock", &reserve).await;
}
