//! What a partition really holds.

use messaging::{read_at, read_last};

use crate::support::{Kafka, number, within};

#[tokio::test(flavor = "multi_thread")]
async fn the_last_record_and_the_record_at_a_place_are_found() {
    let kafka = Kafka::new();
    let topic = kafka.topic("last", 2).await;
    assert_eq!(within(read_last(&kafka.connection, &topic, 0)).await, Ok(None));
    assert_eq!(within(read_at(&kafka.connection, &topic, 0, 0)).await, Ok(None));
    kafka.send_numbers(&topic, 0, 1..=100).await;
    let last = within(read_last(&kafka.connection, &topic, 0)).await.unwrap().unwrap();
    assert_eq!((last.offset, number(&last)), (99, 100));
    let middle = within(read_at(&kafka.connection, &topic, 0, 41)).await.unwrap().unwrap();
    assert_eq!((middle.offset, number(&middle)), (41, 42));
    assert_eq!(within(read_at(&kafka.connection, &topic, 0, 100)).await, Ok(None));
    assert_eq!(within(read_last(&kafka.connection, &topic, 1)).await, Ok(None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_not_there_is_an_error_not_an_empty_one() {
    let kafka = Kafka::new();
    let outcome = within(read_last(&kafka.connection, &kafka.name("absent"), 0)).await;
    assert!(outcome.is_err(), "{outcome:?}");
}
