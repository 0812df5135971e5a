//! Topics that lose records, disappear, or tell another story.

use bytes::Bytes;
use kernel::LogId;
use messaging::{IncomingRecord, OutgoingRecord, Producer, ProducerOptions, TopicSpec};
use relay::RelayConfig;
use uuid::Uuid;

use crate::support::{LANES, Place, Running, through, until};

/// Puts these records on a topic that is made anew, as they were.
async fn make_anew_with(place: &Place, log: &LogId, records: &[IncomingRecord]) {
    place.make_topic_anew().await;
    let producer = Producer::start(&place.connection(), &ProducerOptions::default()).unwrap();
    for record in records {
        let headers: Vec<(&str, Bytes)> =
            record.headers.iter().map(|(name, value)| (name, Bytes::copy_from_slice(value))).collect();
        let outgoing = OutgoingRecord {
            key: record.key.as_deref(),
            value: record.value.as_deref(),
            headers: &headers,
            timestamp_ms: Some(record.timestamp_ms),
        };
        producer.send(&place.topic(), i32::from(log.lane.number()), &outgoing).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_lost_its_tail_while_no_relay_ran_gets_it_again() {
    let place = Place::new().await;
    let log = place.append("one", 100).await;
    let relay = place.relay().await;
    place.published(&log, 100).await;
    relay.stop().await;
    let records = place.records(&log).await;
    make_anew_with(&place, &log, &records[..60]).await;
    // The same topic as far as ids can tell: only its end is missing.
    let id = place.topics.describe(&place.topic()).await.unwrap().unwrap().id;
    sqlx::query("UPDATE cursors SET topic_id = $1").bind(id).execute(&place.pool).await.unwrap();
    let relay = place.relay().await;
    place.holds(&log, 100).await;
    assert_eq!(place.sequences(&log).await, through(100));
    place.append("one", 1).await;
    place.published(&log, 101).await;
    assert_eq!(place.sequences(&log).await, through(101));
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_made_anew_while_no_relay_ran_is_filled_from_the_beginning_even_when_it_is_longer() {
    let place = Place::new().await;
    let log = place.append("one", 30).await;
    let relay = place.relay().await;
    place.published(&log, 30).await;
    relay.stop().await;
    let records = place.records(&log).await;
    // What a relay might have sent before it noticed, many times over.
    let late: Vec<_> = records[20..].iter().cycle().take(50).cloned().collect();
    make_anew_with(&place, &log, &late).await;
    let relay = place.relay().await;
    place.holds(&log, 80).await;
    assert_eq!(place.sequences(&log).await[50..], through(30));
    place.published(&log, 30).await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_deleted_under_a_relay_that_has_nothing_to_send_comes_back_whole() {
    let place = Place::new().await;
    let log = place.append("one", 120).await;
    let relay = place.relay().await;
    place.published(&log, 120).await;
    let before = place.topics.describe(&place.topic()).await.unwrap().unwrap();
    place.delete_topic().await;
    let made_anew = async || match place.topics.describe(&place.topic()).await {
        Ok(Some(now)) => now.id != before.id && now.partitions == before.partitions,
        _ => false,
    };
    until("it is made anew", made_anew).await;
    place.holds(&log, 120).await;
    assert_eq!(place.sequences(&log).await, through(120));
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_deleted_while_much_is_being_sent_comes_back_whole() {
    let place = Place::new().await;
    let log = place.append("one", 3000).await;
    let mut config = place.config();
    config.relay = RelayConfig { page_events: 50, in_flight: 50, check_ms: 600_000, ..config.relay };
    let relay = Running::start(config).await;
    until("some of it is sent", async || place.count(&log).await >= 500).await;
    place.delete_topic().await;
    let whole = async || {
        place.append("one", 1).await;
        let head = place.log.head(&log).await.unwrap().sequence.number();
        place.count(&log).await > 3000 && place.cursor(&log).await.published_through.number() + 5 > head
    };
    until("it is whole again", whole).await;
    let head = place.log.head(&log).await.unwrap().sequence.number();
    place.published(&log, head).await;
    let sequences = place.sequences(&log).await;
    assert_eq!(crate::support::applied(&sequences), head);
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_with_fewer_partitions_than_lanes_gets_more() {
    let place = Place::new().await;
    let spec = TopicSpec { name: place.topic(), partitions: 1, replication: 1, config: Vec::new() };
    place.topics.ensure(&spec).await.unwrap();
    let relay = place.relay().await;
    for tenant in ["one", "two", "three", "four", "five", "six"] {
        let log = place.append(tenant, 3).await;
        let head = place.log.head(&log).await.unwrap().sequence.number();
        place.published(&log, head).await;
    }
    let description = place.topics.describe(&spec.name).await.unwrap().unwrap();
    assert_eq!(description.partitions, i32::from(LANES));
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_of_another_history_is_not_added_to_a_topic_until_that_is_deleted() {
    let place = Place::new().await;
    let log = place.append("one", 20).await;
    let relay = place.relay().await;
    place.published(&log, 20).await;
    relay.stop().await;
    // As if restored from a backup, which begins a new epoch.
    sqlx::query("UPDATE logs SET epoch = $1").bind(Uuid::new_v4()).execute(&place.pool).await.unwrap();
    place.append("one", 5).await;
    let relay = place.relay().await;
    let why = relay.misses("topics").await;
    assert!(why.contains("diverged") && why.contains("epoch"), "{why}");
    assert_eq!(place.count(&log).await, 20, "nothing was added");
    place.delete_topic().await;
    place.published(&log, 25).await;
    assert_eq!(place.sequences(&log).await, through(25));
    relay.is_ready().await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_holds_more_than_the_log_is_not_added_to() {
    let place = Place::new().await;
    let log = place.append("one", 20).await;
    let mut relay = place.relay().await;
    place.published(&log, 20).await;
    relay.stop().await;
    // As if restored from an older backup and used on, without a new epoch.
    for change in [
        "ALTER TABLE events DISABLE TRIGGER USER",
        "DELETE FROM events WHERE sequence > 15",
        "UPDATE logs SET sequence = 15, chain = (SELECT chain FROM events WHERE sequence = 15)",
        "UPDATE cursors SET published_through = 10, topic_offset = 9,
                chain = (SELECT chain FROM events WHERE sequence = 10)",
    ] {
        sqlx::query(change).execute(&place.pool).await.unwrap();
    }
    relay = place.relay().await;
    let why = relay.misses("topics").await;
    assert!(why.contains("goes up to sequence 20"), "{why}");
    place.append("one", 10).await;
    let differs = async || relay.misses("topics").await.contains("is not the log's");
    until("the difference is told", differs).await;
    assert_eq!(place.count(&log).await, 20, "nothing was added");
    relay.stop().await;
}
