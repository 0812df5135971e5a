//! A stretch of a log, published once more.

use kernel::Sequence;
use relay::{Replay, ReplayError};

use crate::support::{Place, through};

fn replay(place: &Place) -> Replay {
    let config = place.config();
    Replay::new(place.log.clone(), &config.kafka, &config.registry, &config.trust).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stretch_is_published_again_beside_the_relay_that_runs() {
    let place = Place::new().await;
    let log = place.append("one", 300).await;
    let relay = place.relay().await;
    place.published(&log, 300).await;
    let mut heard = Vec::new();
    let replay = replay(&place);
    let done = replay.run(&log, Sequence::new(100), Sequence::new(200), |last| heard.push(last)).await;
    assert_eq!(done.unwrap(), 101);
    assert_eq!(heard.last(), Some(&Sequence::new(200)));
    let stretch: Vec<u64> = (100..=200).collect();
    assert_eq!(place.sequences(&log).await, [through(300), stretch.clone()].concat());
    // Records of it are, byte for byte, those that were there.
    let records = place.records(&log).await;
    for (again, first) in records[300..].iter().zip(&records[99..200]) {
        assert_eq!((&again.key, &again.value, &again.headers), (&first.key, &first.value, &first.headers));
    }
    // The relay goes on where it was, and so does its successor.
    place.append("one", 5).await;
    place.published(&log, 305).await;
    relay.stop().await;
    let relay = place.relay().await;
    relay.is_ready().await;
    place.append("one", 5).await;
    place.published(&log, 310).await;
    assert_eq!(place.sequences(&log).await, [through(300), stretch, (301..=310).collect()].concat());
    relay.stop().await;
    replay.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_topic_is_filled_while_no_relay_runs_and_the_relay_finds_it_full() {
    let place = Place::new().await;
    let (log, other) = (place.append("one", 120).await, place.append("two", 10).await);
    assert_ne!(log, other);
    let relay = place.relay().await;
    place.published(&log, 120).await;
    place.published(&other, 10).await;
    relay.stop().await;
    place.make_topic_anew().await;
    let replay = replay(&place);
    let done = replay.run(&log, Sequence::new(1), Sequence::new(1000), |_| {}).await.unwrap();
    assert_eq!(done, 120, "the log ends before what was asked for");
    assert_eq!(place.sequences(&log).await, through(120));
    assert_eq!(place.count(&other).await, 0);
    let relay = place.relay().await;
    place.append("one", 1).await;
    place.published(&log, 121).await;
    place.holds(&other, 10).await;
    assert_eq!(place.sequences(&log).await, through(121));
    relay.stop().await;
    replay.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_leave_a_hole_is_refused() {
    let place = Place::new().await;
    let log = place.append("one", 50).await;
    let replay = replay(&place);
    let missing = replay.run(&log, Sequence::new(1), Sequence::new(50), |_| {}).await.unwrap_err();
    assert!(matches!(missing, ReplayError::NoTopic(_)), "{missing:?}");
    let relay = place.relay().await;
    place.published(&log, 50).await;
    relay.stop().await;
    place.make_topic_anew().await;
    replay.run(&log, Sequence::new(1), Sequence::new(20), |_| {}).await.unwrap();
    let refused = replay.run(&log, Sequence::new(22), Sequence::new(50), |_| {}).await.unwrap_err();
    assert!(refused.to_string().contains("Begin at 21 or before"), "{refused}");
    assert_eq!(place.sequences(&log).await, through(20));
    replay.run(&log, Sequence::new(21), Sequence::new(50), |_| {}).await.unwrap();
    assert_eq!(place.sequences(&log).await, through(50));
    replay.close().await;
}
