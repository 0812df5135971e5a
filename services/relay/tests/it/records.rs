//! What the relay puts on the topic.

use bytes::Bytes;
use kernel::{Epoch, LogId, LoggedEvent};
use messaging::IncomingRecord;
use relay::RelayConfig;
use wire::Received;

use crate::support::{CONTEXT, LANES, Place, Running, fingerprint, header, through, until};

fn check(log: &LogId, epoch: Epoch, event: &LoggedEvent, record: &IncomingRecord) {
    let stream = event.event.stream.as_str();
    assert_eq!(record.partition, i32::from(log.lane.number()));
    let key = format!("{}/{stream}", event.tenant);
    assert_eq!(record.key.as_deref(), Some(key.as_bytes()));
    assert_eq!(record.timestamp_ms, event.recorded_at.micros() / 1000);
    let value = record.value.clone().unwrap();
    assert_eq!(value[..5], [0, 0, 0, 0, 101]);
    assert_eq!(value[5..], event.event.payload[..]);

    let metadata = &event.event.metadata;
    let mut expected = vec![
        ("ce_specversion", "1.0".to_owned()),
        ("ce_id", event.event.id.to_string()),
        ("ce_source", format!("/twofold/{CONTEXT}/{}", log.lane)),
        ("ce_type", "ThingHappened".to_owned()),
        ("ce_time", event.recorded_at.to_string()),
        ("ce_subject", stream.to_owned()),
        ("content-type", "application/avro".to_owned()),
        ("sequence", event.sequence.to_string()),
        ("epoch", epoch.to_string()),
        ("chain", event.chain.to_string()),
        ("tenant", event.tenant.to_string()),
        ("stream", stream.to_owned()),
        ("version", event.event.version.to_string()),
        ("correlationid", metadata.correlation_id.to_string()),
    ];
    expected.extend(metadata.causation_id.map(|id| ("causationid", id.to_string())));
    expected.push(("commandid", metadata.command_id.to_string()));
    expected.push(("actor", metadata.actor.as_str().to_owned()));
    expected.extend(metadata.traceparent.as_ref().map(|trace| ("traceparent", trace.to_string())));
    let found: Vec<_> = record.headers.iter().map(|(name, _)| (name, header(record, name))).collect();
    assert_eq!(found, expected);

    let (id, payload) = wire::unframe(&value).unwrap();
    assert_eq!(id, 101);
    let received =
        Received::parse(log, record.key.as_deref(), record.headers.iter(), payload, fingerprint()).unwrap();
    assert_eq!((received.epoch, &received.event), (epoch, event));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_is_on_its_lanes_partition_once_in_order_as_the_log_has_it() {
    let place = Place::new().await;
    let one = place.append("one", 7).await;
    let relay = place.relay().await;
    place.published(&one, 7).await;
    let mut logs = vec![one];
    for tenant in ["two", "three", "four", "five", "six"] {
        logs.push(place.append(tenant, 5).await);
    }
    logs.sort();
    logs.dedup();
    assert!(logs.len() > 1, "tenants live in several lanes");
    for log in logs {
        let (events, head) = (place.events(&log).await, place.log.head(&log).await.unwrap());
        place.published(&log, head.sequence.number()).await;
        let records = place.records(&log).await;
        assert_eq!(records.len(), events.len());
        for (event, record) in events.iter().zip(&records) {
            check(&log, head.epoch, event, record);
        }
        let (cursor, last) = (place.cursor(&log).await, records.last().unwrap());
        assert_eq!((cursor.chain, cursor.offset), (Some(head.chain), Some(last.offset)));
        assert_eq!(cursor.topic_id, place.topics.describe(&place.topic()).await.unwrap().unwrap().id);
    }
    let subject = format!("{}-twofold.things.ThingHappened", place.topic());
    let registered = place.registry.registered();
    assert_eq!(registered.iter().map(|(subject, _)| subject.as_str()).collect::<Vec<_>>(), [subject]);
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn order_holds_across_pages_and_a_producer_that_is_full() {
    let place = Place::new().await;
    let mut config = place.config();
    config.relay = RelayConfig { page_events: 37, in_flight: 50, ..config.relay };
    let log = place.append("one", 1500).await;
    let relay = Running::start(config).await;
    let appended = place.append("one", 1500).await;
    assert_eq!(appended, log);
    place.published(&log, 3000).await;
    assert_eq!(place.sequences(&log).await, through(3000));
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_announced_event_does_not_wait_for_the_polling() {
    let place = Place::new().await;
    let mut config = place.config();
    config.relay = RelayConfig { poll_ms: 600_000, ..config.relay };
    let relay = Running::start(config).await;
    relay.is_ready().await;
    let log = place.append("one", 1).await;
    place.published(&log, 1).await;
    for already in 1..20 {
        place.append("one", 1).await;
        place.published(&log, already + 1).await;
    }
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_as_large_as_a_command_may_be_is_published() {
    let place = Place::new().await;
    let tenant = kernel::TenantId::new("one").unwrap();
    let stream = kernel::StreamName::of("thing", uuid::Uuid::new_v4());
    // Nothing that compression could make small.
    let noise = (0..1_500_000_u64).map(|n| (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8);
    let payload: Bytes = noise.collect();
    let event = kernel::NewEvent {
        id: kernel::EventId(uuid::Uuid::new_v4()),
        event_type: "ThingHappened".into(),
        stream: stream.clone(),
        version: kernel::StreamVersion::new(1),
        schema: fingerprint(),
        payload: payload.clone(),
        metadata: kernel::EventMetadata {
            correlation_id: uuid::Uuid::new_v4(),
            causation_id: None,
            command_id: uuid::Uuid::new_v4(),
            actor: kernel::Actor::new("somebody"),
            traceparent: None,
        },
    };
    let append = event_log::Append {
        guards: vec![event_log::Guard { stream: stream.clone(), version: kernel::StreamVersion::ZERO }],
        stream,
        events: vec![event],
        claims: Vec::new(),
        once: None,
        beside: event_log::Beside::nothing(),
    };
    place.log.append(CONTEXT, &tenant, append).await.unwrap();
    let log = place.append("one", 3).await;
    let relay = place.relay().await;
    place.published(&log, 4).await;
    let records = place.records(&log).await;
    assert_eq!(records[0].value.as_ref().unwrap()[5..], payload[..]);
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_are_there_before_the_first_event_with_a_partition_per_lane_and_forget_nothing() {
    let place = Place::new().await;
    let relay = place.relay().await;
    let shipped = wire::topic(&place.kafka.prefix, "catalog");
    let made = async || place.topics.describe(&shipped).await.unwrap().is_some();
    until("the topic is made", made).await;
    let description = place.topics.describe(&shipped).await.unwrap().unwrap();
    assert_eq!(description.partitions, i32::from(LANES));
    for (name, value) in [("retention.ms", "-1"), ("retention.bytes", "-1"), ("cleanup.policy", "delete")] {
        assert_eq!(place.topics.setting(&shipped, name).await.unwrap().as_deref(), Some(value), "{name}");
    }
    relay.stop().await;
}
