//! The consumer: assignment, order, hand-over, a slow receiver, a broker that goes away.

use std::time::Duration;

use messaging::{
    Connection, Consumer, ConsumerEvent, ConsumerOptions, MessagingError, OutgoingRecord, Position, Producer,
    ProducerOptions,
};
use test_servers::Proxy;

use crate::support::{Kafka, Member, Store, number, until, within};

fn options(kafka: &Kafka, topic: &str) -> ConsumerOptions {
    ConsumerOptions::new(kafka.name("group"), topic)
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_of_every_partition_arrives_in_order_and_the_end_is_told() {
    let kafka = Kafka::new();
    let topic = kafka.topic("read", 3).await;
    kafka.send_numbers(&topic, 0, 1..=2500).await;
    kafka.send_numbers(&topic, 2, 1..=10).await;
    let mut member = Member::join(&kafka, options(&kafka, &topic), &Store::default());
    let seen = member.sees("all ends", |seen| seen.ends.len() == 3 && seen.ends[&0] == 2500).await;
    assert_eq!(seen.numbers(0), (1..=2500).collect::<Vec<_>>());
    assert_eq!(seen.numbers(2), (1..=10).collect::<Vec<_>>());
    assert_eq!(seen.ends, [(0, 2500), (1, 0), (2, 10)].into());
    kafka.send_numbers(&topic, 1, 1..=1).await;
    let seen = member.sees("the end again", |seen| seen.ends[&1] == 1).await;
    assert_eq!(seen.numbers(1), [1]);
    assert_eq!(seen.failures, [], "an end is no failure");
    member.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_goes_on_from_where_the_store_says_not_from_what_was_committed() {
    let kafka = Kafka::new();
    let topic = kafka.topic("store", 1).await;
    kafka.send_numbers(&topic, 0, 1..=100).await;
    let store = Store::default();
    let mut member = Member::join(&kafka, options(&kafka, &topic), &store);
    member.sees("the end", |seen| seen.ends.contains_key(&0)).await;
    member.handle.applied(0, 100);
    member.leave().await;
    store.keep(0, 90);
    let mut member = Member::join(&kafka, options(&kafka, &topic), &store);
    let seen = member.sees("the end", |seen| seen.ends.contains_key(&0)).await;
    assert_eq!(seen.numbers(0), (91..=100).collect::<Vec<_>>());
    member.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_members_hand_over_without_loss_and_without_repeats() {
    let kafka = Kafka::new();
    let topic = kafka.topic("hand-over", 4).await;
    let store = Store::default();
    for partition in 0..4 {
        kafka.send_numbers(&topic, partition, 1..=500).await;
    }
    let mut first = Member::join(&kafka, options(&kafka, &topic), &store);
    first.sees("all of the first half", |seen| seen.count() == 2000).await;
    let mut second = Member::join(&kafka, options(&kafka, &topic), &store);
    second.sees("a share", |seen| seen.assigned.len() == 2).await;
    let revoked = first.sees("the share given", |seen| seen.revoked.len() == 2).await.revoked;
    for partition in 0..4 {
        kafka.send_numbers(&topic, partition, 501..=1000).await;
    }
    let taken = second.sees("its half", |seen| seen.count() == 1000).await;
    first.sees("its half", |seen| seen.count() == 3000).await;
    let mut shares = (taken.assigned.clone(), revoked);
    shares.0.sort_unstable();
    shares.1.sort_unstable();
    assert_eq!(shares.0, shares.1);
    second.leave().await;
    let mut back =
        first.sees("everything again", |seen| seen.assigned.len() == 6).await.assigned.split_off(4);
    back.sort_unstable();
    assert_eq!(back, shares.0);
    for partition in 0..4 {
        kafka.send_numbers(&topic, partition, 1001..=1010).await;
    }
    let seen = first.sees("the rest", |seen| seen.count() == 3040).await;
    for partition in 0..4 {
        let (mut all, given) = (seen.numbers(partition), taken.numbers(partition));
        all.splice(all.len() - 10..all.len() - 10, given);
        assert_eq!(all, (1..=1010).collect::<Vec<_>>(), "partition {partition}");
    }
    first.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_is_not_given_on_before_its_receiver_is_done() {
    let kafka = Kafka::new();
    let topic = kafka.topic("barrier", 2).await;
    let (first, mut events) = Consumer::start(&kafka.connection, options(&kafka, &topic)).unwrap();
    let positions = loop {
        match within(events.recv()).await.unwrap() {
            ConsumerEvent::Assigned { positions, .. } => break positions,
            ConsumerEvent::Failed(_) => {}
            other => panic!("{other:?}"),
        }
    };
    positions.send(vec![(0, Position::Beginning), (1, Position::Beginning)]).unwrap();
    let mut second = Member::join(&kafka, options(&kafka, &topic), &Store::default());
    let done = loop {
        if let ConsumerEvent::Revoked { done, .. } = within(events.recv()).await.unwrap() {
            break done;
        }
    };
    // The first member has not answered: whatever happens in the meantime, nobody else may have the partition.
    kafka.send_numbers(&topic, 0, 1..=1).await;
    kafka.send_numbers(&topic, 1, 1..=1).await;
    assert_eq!(second.seen().assigned, [] as [i32; 0]);
    done.send(()).unwrap();
    second.sees("its share", |seen| seen.assigned.len() == 1 && seen.count() == 1).await;
    within(first.stop()).await;
    second.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_goes_down_with_its_runtime_does_not_hold_it_up() {
    let kafka = Kafka::new();
    let topic = kafka.topic("dropped", 1).await;
    let (connection, options) = (kafka.connection.clone(), options(&kafka, &topic));
    let end = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let started = runtime.block_on(async {
            let (handle, mut events) = Consumer::start(&connection, options).unwrap();
            loop {
                match within(events.recv()).await.unwrap() {
                    ConsumerEvent::Assigned { positions, .. } => {
                        positions.send(vec![(0, Position::Beginning)]).unwrap();
                    }
                    // It reads, so it holds the partition.
                    ConsumerEvent::EndOfPartition { .. } => break (handle, events),
                    ConsumerEvent::Failed(_) => {}
                    other => panic!("{other:?}"),
                }
            }
        });
        drop(runtime);
        drop(started);
    });
    until("the runtime has ended", async || end.is_finished()).await;
    end.join().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_receiver_is_waited_for_and_gets_everything_once_in_order() {
    let kafka = Kafka::new();
    let topic = kafka.topic("slow", 2).await;
    for partition in 0..2 {
        kafka.send_numbers(&topic, partition, 1..=3000).await;
    }
    let options = ConsumerOptions {
        batch_records: 100,
        queued_events: 1,
        hold_back_after: Duration::ZERO,
        session_timeout: Duration::from_secs(6),
        ..options(&kafka, &topic)
    };
    let (handle, mut events) = Consumer::start(&kafka.connection, options).unwrap();
    let mut numbers = [Vec::new(), Vec::new()];
    let mut taken = 0;
    while numbers.iter().map(Vec::len).sum::<usize>() < 6000 {
        match within(events.recv()).await.unwrap() {
            ConsumerEvent::Assigned { positions, .. } => {
                positions.send(vec![(0, Position::Beginning), (1, Position::Beginning)]).unwrap();
            }
            ConsumerEvent::Records { partition, records } => {
                assert!(records.len() <= 100);
                numbers[usize::try_from(partition).unwrap()].extend(records.iter().map(number));
                taken += 1;
                if taken % 20 == 10 {
                    until("it holds back", async || handle.is_held_back()).await;
                }
            }
            ConsumerEvent::EndOfPartition { .. } | ConsumerEvent::Failed(_) => {}
            ConsumerEvent::Revoked { .. } => panic!("it was taken for dead"),
        }
    }
    for numbers in numbers {
        assert_eq!(numbers, (1..=3000).collect::<Vec<_>>());
    }
    within(handle.stop()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_partition_waits_and_the_others_flow() {
    let kafka = Kafka::new();
    let topic = kafka.topic("pause", 2).await;
    let mut member = Member::join(&kafka, options(&kafka, &topic), &Store::default());
    member.sees("both ends", |seen| seen.ends.len() == 2).await;
    member.handle.pause(0);
    // A record that passes through the other partition afterwards shows that the wish was heard.
    kafka.send_numbers(&topic, 1, 1..=1).await;
    member.sees("the other", |seen| seen.count() == 1).await;
    kafka.send_numbers(&topic, 0, 1..=5).await;
    kafka.send_numbers(&topic, 1, 2..=2).await;
    let seen = member.sees("the other again", |seen| seen.numbers(1).len() == 2).await;
    assert_eq!(seen.numbers(0), [] as [u64; 0]);
    member.handle.resume(0);
    let seen = member.sees("what waited", |seen| seen.numbers(0).len() == 5).await;
    assert_eq!(seen.numbers(0), [1, 2, 3, 4, 5]);
    member.handle.seek(0, 2);
    let seen = member.sees("what was sought", |seen| seen.numbers(0).len() == 8).await;
    assert_eq!(seen.numbers(0), [1, 2, 3, 4, 5, 3, 4, 5]);
    member.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_position_that_the_partition_does_not_have_reads_all_of_it() {
    let kafka = Kafka::new();
    let topic = kafka.topic("range", 1).await;
    kafka.send_numbers(&topic, 0, 1..=5).await;
    let store = Store::default();
    store.keep(0, 500);
    let mut member = Member::join(&kafka, options(&kafka, &topic), &store);
    let seen = member.sees("all of it", |seen| seen.numbers(0).len() == 5).await;
    assert_eq!(seen.numbers(0), [1, 2, 3, 4, 5]);
    member.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_was_deleted_and_made_again_is_read_from_its_beginning() {
    let kafka = Kafka::new();
    let topic = kafka.topic("anew", 1).await;
    kafka.send_numbers(&topic, 0, 1..=100).await;
    let mut member = Member::join(&kafka, options(&kafka, &topic), &Store::default());
    member.sees("the end", |seen| seen.ends.get(&0) == Some(&100)).await;
    kafka.topics.delete(&topic).await.unwrap();
    until("the topic is gone", async || kafka.topics.describe(&topic).await.unwrap().is_none()).await;
    kafka.topic("anew", 1).await;
    kafka.send_numbers(&topic, 0, 1..=20).await;
    let seen = member.sees("the new ones", |seen| seen.numbers(0).len() == 120).await;
    assert_eq!(seen.numbers(0)[100..], (1..=20).collect::<Vec<_>>());
    member.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_made_after_its_consumer_started_is_read() {
    let kafka = Kafka::new();
    let mut member = Member::join(&kafka, options(&kafka, &kafka.name("later")), &Store::default());
    member.sees("that there is no topic", |seen| seen.failures.contains(&MessagingError::UnknownTopic)).await;
    let topic = kafka.topic("later", 1).await;
    kafka.send_numbers(&topic, 0, 1..=3).await;
    member.sees("its records", |seen| seen.numbers(0) == [1, 2, 3]).await;
    member.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kafka_may_be_away_at_the_start_and_go_away_midway() {
    let mut kafka = Kafka::new();
    let topic = kafka.topic("away", 1).await;
    let proxy = Proxy::before_kafka(&kafka.connection.brokers).await;
    let direct = kafka.connection.clone();
    proxy.close();
    kafka.connection = Connection::new(proxy.address());
    let mut member = Member::join(&kafka, options(&kafka, &topic), &Store::default());
    member.sees("that it is away", |seen| seen.failures.iter().any(MessagingError::is_retryable)).await;
    proxy.open();
    kafka.connection = direct;
    kafka.send_numbers(&topic, 0, 1..=10).await;
    member.sees("what there is", |seen| seen.count() == 10).await;
    proxy.close();
    kafka.send_numbers(&topic, 0, 11..=20).await;
    proxy.open();
    let seen = member.sees("what came meanwhile", |seen| seen.count() >= 20).await;
    let mut numbers = seen.numbers(0);
    numbers.dedup();
    assert_eq!(numbers, (1..=20).collect::<Vec<_>>());
    member.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn records_larger_than_a_fetch_arrive() {
    let kafka = Kafka::new();
    let topic = kafka.topic("big", 1).await;
    let producer = Producer::start(&kafka.connection, &ProducerOptions::default()).unwrap();
    let value = vec![3_u8; 3 << 20];
    for _ in 0..4 {
        let record = OutgoingRecord { value: Some(&value), ..OutgoingRecord::default() };
        within(producer.send(&topic, 0, &record)).await.unwrap();
    }
    let options =
        ConsumerOptions { queued_kbytes: 1024, fetch_partition_kbytes: 64, ..options(&kafka, &topic) };
    let mut member = Member::join(&kafka, options, &Store::default());
    let seen = member.sees("all", |seen| seen.count() == 4).await;
    assert!(seen.records[&0].iter().all(|record| record.value.as_deref() == Some(&value[..])));
    member.leave().await;
}
