//! Relays that die, compete, and lose their lease.

use std::time::Duration;

use relay::RelayConfig;
use uuid::Uuid;

use crate::support::{Place, Running, applied, through, until, without_holes};

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_killed_between_sending_and_noting_leaves_neither_a_hole_nor_a_repeat() {
    let place = Place::new().await;
    let log = place.append("one", 250).await;
    let mut config = place.config();
    config.relay = RelayConfig { cursor_ms: 60_000, ..config.relay };
    let first = Running::start(config).await;
    place.holds(&log, 250).await;
    first.kill().await;
    assert_eq!(place.cursor(&log).await.published_through.number(), 0, "nothing was noted");
    place.append("one", 50).await;
    let second = place.relay().await;
    place.published(&log, 300).await;
    assert_eq!(place.sequences(&log).await, through(300));
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn relays_killed_again_and_again_in_the_middle_of_it_leave_no_hole() {
    let place = Place::new().await;
    let log = place.append("one", 2000).await;
    let mut config = place.config();
    config.relay = RelayConfig { page_events: 50, in_flight: 100, lease_ms: 200, ..config.relay };
    for killed_at in [200, 700, 1300] {
        let relay = Running::start(config.clone()).await;
        until("some of it is sent", async || place.count(&log).await >= killed_at).await;
        relay.kill().await;
    }
    let last = place.relay().await;
    place.published(&log, 2000).await;
    let sequences = place.sequences(&log).await;
    assert!(without_holes(&sequences), "{sequences:?}");
    assert_eq!(applied(&sequences), 2000);
    last.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_relays_publish_each_event_once_and_the_one_that_is_left_takes_over() {
    let place = Place::new().await;
    let mut logs = Vec::new();
    for tenant in ["one", "two", "three", "four", "five", "six"] {
        logs.push((tenant, place.append(tenant, 100).await));
    }
    let (first, second) = (place.relay().await, place.relay().await);
    for _ in 0..5 {
        for (tenant, _) in &logs {
            place.append(tenant, 100).await;
        }
    }
    for (_, log) in &logs {
        let head = place.log.head(log).await.unwrap().sequence.number();
        place.published(log, head).await;
        assert_eq!(place.sequences(log).await, through(head));
    }
    first.kill().await;
    for (tenant, _) in &logs {
        place.append(tenant, 10).await;
    }
    for (_, log) in &logs {
        let head = place.log.head(log).await.unwrap().sequence.number();
        place.published(log, head).await;
        assert_eq!(place.sequences(log).await, through(head));
    }
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_stops_notes_everything_and_gives_its_leases_back() {
    let place = Place::new().await;
    let log = place.append("one", 500).await;
    let mut config = place.config();
    config.relay = RelayConfig { cursor_ms: 60_000, lease_ms: 600_000, ..config.relay };
    let relay = Running::start(config).await;
    place.holds(&log, 500).await;
    relay.stop().await;
    assert_eq!(place.cursor(&log).await.published_through.number(), 500);
    let lease = place.log.outbox().lease(&log, Uuid::new_v4(), Duration::from_secs(1)).await.unwrap();
    assert!(lease.is_some(), "another may have it at once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_whose_lease_was_taken_stops_and_cannot_move_the_cursor() {
    let place = Place::new().await;
    let log = place.append("one", 10).await;
    let relay = place.relay().await;
    place.published(&log, 10).await;
    // The lease ran out while nobody looked, and another has it.
    sqlx::query(
        "UPDATE cursors SET leased_until = clock_timestamp() - interval '1 second', fence = fence + 1",
    )
    .execute(&place.pool)
    .await
    .unwrap();
    let outbox = place.log.outbox();
    let thief =
        outbox.lease(&log, Uuid::new_v4(), Duration::from_secs(600)).await.unwrap().expect("it ran out");
    let before = place.cursor(&log).await;
    let taken_notice = async || {
        let (_, metrics) = (0, place.append("one", 1).await);
        let head = place.log.head(&metrics).await.unwrap().sequence.number();
        // Whatever it had in hand may still arrive; sooner or later nothing does.
        place.count(&log).await + 20 < i64::try_from(head).unwrap()
    };
    until("the old relay has stopped", taken_notice).await;
    assert_eq!(place.cursor(&log).await, before, "the cursor is the new holder's");
    outbox.release(&thief).await.unwrap();
    let head = place.log.head(&log).await.unwrap().sequence.number();
    place.published(&log, head).await;
    let sequences = place.sequences(&log).await;
    assert!(without_holes(&sequences), "{sequences:?}");
    assert_eq!(applied(&sequences), head);
    relay.stop().await;
}
