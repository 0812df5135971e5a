//! The producer: order, bounds, and what it says when it cannot go on.

use bytes::Bytes;
use messaging::{
    Connection, DeliveryFailure, MessagingError, OutgoingRecord, PartitionReader, Producer, ProducerOptions,
    SendError,
};
use test_servers::Proxy;

use crate::support::{Kafka, PATIENCE, acknowledged, number, send_number, until, within};

async fn numbers_of(kafka: &Kafka, topic: &str) -> Vec<u64> {
    let (connection, topic) = (kafka.connection.clone(), topic.to_owned());
    let read = tokio::task::spawn_blocking(move || {
        let reader = PartitionReader::new(&connection, PATIENCE).unwrap();
        let mut numbers = Vec::new();
        let each = |record| {
            numbers.push(number(&record));
            std::ops::ControlFlow::Continue(())
        };
        reader.read(&topic, 0, 0, each).unwrap();
        numbers
    });
    within(read).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn records_arrive_in_the_order_sent_through_a_producer_that_is_full_all_the_time() {
    let kafka = Kafka::new();
    let topic = kafka.topic("order", 1).await;
    let options = ProducerOptions { in_flight_records: 50, ..ProducerOptions::default() };
    let producer = Producer::start(&kafka.connection, &options).unwrap();
    let mut writer = producer.writer(topic.clone(), 0);
    for expected in 1..=5000 {
        assert_eq!(within(send_number(&mut writer, expected)).await, Ok(expected));
        assert!(writer.in_flight() <= 50);
    }
    acknowledged(&writer).await;
    assert_eq!(writer.delivered().located, Some((5000, 4999)));
    assert_eq!(numbers_of(&kafka, &topic).await, (1..=5000).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_producer_without_kafka_takes_its_fill_and_says_that_it_is_full() {
    let options = ProducerOptions { in_flight_records: 10, ..ProducerOptions::default() };
    let producer = Producer::start(&Connection::new("127.0.0.1:1"), &options).unwrap();
    let mut writer = producer.writer("nowhere", 0);
    for _ in 0..10 {
        writer.send(&OutgoingRecord::default()).unwrap();
    }
    assert_eq!(writer.send(&OutgoingRecord::default()), Err(SendError::Full));
    assert_eq!(writer.in_flight(), 10);
    until("the trouble is told", async || producer.trouble().is_some()).await;
    producer.abandon();
    until("what was abandoned is told", async || writer.delivered().failure.is_some()).await;
    within(producer.close()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn key_value_headers_and_time_arrive_as_they_were_sent() {
    let kafka = Kafka::new();
    let topic = kafka.topic("whole", 3).await;
    let producer = kafka.producer();
    let large = vec![7_u8; 3 << 20];
    let headers = [("a", Bytes::from_static(b"1")), ("b", Bytes::new()), ("a", Bytes::from_static(b"\xff"))];
    let full = OutgoingRecord {
        key: Some(b"key"),
        value: Some(b"value"),
        headers: &headers,
        timestamp_ms: Some(1_790_000_000_123),
    };
    let bare = OutgoingRecord::default();
    let empty = OutgoingRecord { key: Some(b""), value: Some(b""), ..bare };
    let big = OutgoingRecord { value: Some(&large), ..bare };
    for (offset, record) in [full, bare, empty, big].iter().enumerate() {
        let placed = within(producer.send(&topic, 2, record)).await.unwrap();
        assert_eq!(placed, Some(i64::try_from(offset).unwrap()));
    }
    let records = within(read_all(&kafka, &topic, 2)).await;
    assert_eq!(records.len(), 4);
    assert_eq!(records[0].key.as_deref(), Some(&b"key"[..]));
    assert_eq!(records[0].value.as_deref(), Some(&b"value"[..]));
    assert_eq!(records[0].timestamp_ms, 1_790_000_000_123);
    let told: Vec<_> = records[0].headers.iter().collect();
    assert_eq!(told, [("a", &b"1"[..]), ("b", b""), ("a", b"\xff")]);
    assert_eq!((records[1].key.as_ref(), records[1].value.as_ref()), (None, None));
    assert!(records[1].headers.is_empty());
    assert_eq!(records[2].key.as_deref(), Some(&b""[..]));
    assert_eq!(records[2].value.as_deref(), Some(&b""[..]));
    assert_eq!(records[3].value.as_deref(), Some(&large[..]));
    assert_eq!(records[3].offset, 3);
}

async fn read_all(kafka: &Kafka, topic: &str, partition: i32) -> Vec<messaging::IncomingRecord> {
    let (connection, topic) = (kafka.connection.clone(), topic.to_owned());
    let read = tokio::task::spawn_blocking(move || {
        let reader = PartitionReader::new(&connection, PATIENCE).unwrap();
        let mut records = Vec::new();
        let each = |record| {
            records.push(record);
            std::ops::ControlFlow::Continue(())
        };
        reader.read(&topic, partition, 0, each).unwrap();
        records
    });
    read.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_cut_again_and_again_lose_repeat_and_reorder_nothing() {
    let mut kafka = Kafka::new();
    let topic = kafka.topic("cut", 1).await;
    let proxy = Proxy::before_kafka(&kafka.connection.brokers).await;
    let direct = std::mem::replace(&mut kafka.connection, Connection::new(proxy.address()));
    let producer = kafka.producer();
    let mut writer = producer.writer(topic.clone(), 0);
    for sent in 1..=4000_u64 {
        within(send_number(&mut writer, sent)).await.unwrap();
        match sent {
            1000 | 2000 => proxy.cut(),
            3000 => {
                proxy.close();
                until("the trouble is told", async || producer.trouble().is_some()).await;
                proxy.open();
            }
            _ => {}
        }
    }
    acknowledged(&writer).await;
    kafka.connection = direct;
    assert_eq!(numbers_of(&kafka, &topic).await, (1..=4000).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_was_deleted_and_made_again_shows_in_where_records_go() {
    let kafka = Kafka::new();
    let topic = kafka.topic("anew", 1).await;
    let before = kafka.topics.describe(&topic).await.unwrap().unwrap();
    kafka.send_numbers(&topic, 0, 1..=10).await;
    kafka.topics.delete(&topic).await.unwrap();
    until("the topic is gone", async || kafka.topics.describe(&topic).await.unwrap().is_none()).await;
    kafka.topic("anew", 1).await;
    let after = kafka.topics.describe(&topic).await.unwrap().unwrap();
    assert!(before.id.is_none() || before.id != after.id, "another topic has another id");

    let producer = kafka.producer();
    let mut writer = producer.writer(topic, 0).behind(Some(9));
    within(send_number(&mut writer, 11)).await.unwrap();
    until("the failure is told", async || writer.delivered().failure.is_some()).await;
    let failure = writer.delivered().failure;
    assert_eq!(failure, Some(DeliveryFailure::WentBack { offset: 0, after: 9 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_kafka_refuses_fails_its_writer_and_nothing_is_sent_past_it() {
    let kafka = Kafka::new();
    let spec = messaging::TopicSpec {
        config: vec![("max.message.bytes".to_owned(), "1000".to_owned())],
        ..kafka.spec("small", 1)
    };
    within(kafka.topics.ensure(&spec)).await.unwrap();
    // Random enough that compression does not make it small.
    let large: Vec<u8> = (0..20_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let producer = kafka.producer();
    let mut writer = producer.writer(spec.name.clone(), 0);
    within(send_number(&mut writer, 1)).await.unwrap();
    acknowledged(&writer).await;
    writer.send(&OutgoingRecord { value: Some(&large), ..OutgoingRecord::default() }).unwrap();
    until("the failure is told", async || writer.delivered().failure.is_some()).await;
    // By now the producer may refuse outright.
    let _ = send_number(&mut writer, 3).await;
    assert_eq!(writer.delivered().through, 1);
    within(producer.close()).await;
    assert_eq!(numbers_of(&kafka, &spec.name).await, [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setting_that_is_wrong_is_named_without_its_value() {
    let mut connection = Connection::new("127.0.0.1:1");
    connection.properties.push(("sasl.no.such".to_owned(), "hunter2".to_owned()));
    let error = Producer::start(&connection, &ProducerOptions::default()).unwrap_err();
    assert!(matches!(&error, MessagingError::Setting { name, .. } if name == "sasl.no.such"), "{error:?}");
    assert!(!format!("{error:?} {error} {connection:?}").contains("hunter2"));
}
