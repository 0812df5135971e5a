//! Topics.

use messaging::{MessagingError, OffsetRange};

use crate::support::{Kafka, until, within};

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_is_made_once_however_many_ask() {
    let kafka = Kafka::new();
    let spec = kafka.spec("once", 4);
    let asked = futures::future::join_all((0..5).map(|_| kafka.topics.ensure(&spec)));
    let answers: Vec<_> = within(asked).await.into_iter().map(Result::unwrap).collect();
    assert!(answers.iter().all(|answer| *answer == answers[0] && answer.partitions == 4), "{answers:?}");
    let settings = kafka.topics.setting(&spec.name, "max.message.bytes").await.unwrap();
    assert_eq!(settings.as_deref(), Some("8388608"));
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_are_added_where_there_are_too_few_and_the_topic_stays_the_same() {
    let kafka = Kafka::new();
    let few = within(kafka.topics.ensure(&kafka.spec("grow", 2))).await.unwrap();
    kafka.send_numbers(&kafka.name("grow"), 1, 1..=3).await;
    let more = within(kafka.topics.ensure(&kafka.spec("grow", 5))).await.unwrap();
    assert_eq!((more.partitions, more.id), (5, few.id));
    let fewer_wanted = within(kafka.topics.ensure(&kafka.spec("grow", 1))).await.unwrap();
    assert_eq!(fewer_wanted.partitions, 5);
    // A partition that was just made has no leader for a moment.
    let expected = [OffsetRange { start: 0, end: 3 }, OffsetRange { start: 0, end: 0 }];
    let offsets = async || kafka.topics.offsets(&kafka.name("grow"), vec![1, 4]).await;
    until("the partitions are led", async || offsets().await.is_ok_and(|found| found == expected)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_not_there_is_none_and_can_be_deleted() {
    let kafka = Kafka::new();
    let name = kafka.name("absent");
    assert_eq!(within(kafka.topics.describe(&name)).await, Ok(None));
    within(kafka.topics.delete(&name)).await.unwrap();
    assert_eq!(within(kafka.topics.describe(&name)).await, Ok(None), "asking does not make it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_asked_for_before_it_is_made_is_found_once_it_is() {
    let (asking, making) = (Kafka::new(), Kafka::new());
    let other = asking.topic("other", 1).await;
    within(asking.topics.offsets(&other, vec![0])).await.unwrap();
    let name = making.name("later");
    for _ in 0..20 {
        assert_eq!(within(asking.topics.offsets(&name, vec![0])).await, Err(MessagingError::UnknownTopic));
    }
    making.topic("later", 1).await;
    until("it is found", async || asking.topics.offsets(&name, vec![0]).await.is_ok()).await;
}
