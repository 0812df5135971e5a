use std::time::Duration;

use messaging::Headers;

use super::*;

fn inbox() -> Inbox {
    let limits = Limits { waiting_records: 4, waiting_bytes: 1000, batch_records: 3, batch_bytes: 1000 };
    Inbox::new(limits)
}

fn records(offsets: std::ops::Range<i64>) -> Vec<IncomingRecord> {
    offsets
        .map(|offset| IncomingRecord {
            partition: 0,
            offset,
            timestamp_ms: 0,
            key: None,
            headers: Headers::default(),
            value: None,
        })
        .collect()
}

fn offsets(taken: &Taken) -> Vec<i64> {
    taken.records.iter().map(|record| record.offset).collect()
}

#[tokio::test]
async fn a_full_inbox_has_room_when_something_was_taken() {
    let inbox = inbox();
    assert!(!inbox.put(records(0..3)));
    assert!(inbox.put(records(3..4)));
    let room = inbox.room();
    let (taken, ()) = tokio::join!(inbox.take(), room);
    assert_eq!((offsets(&taken), taken.resume), (vec![0, 1, 2], false));
    assert!(!inbox.pause(), "there is room");
}

#[tokio::test]
async fn a_partition_is_paused_once_and_resumed_once() {
    let inbox = inbox();
    assert!(inbox.put(records(0..6)));
    assert!(inbox.pause());
    assert!(!inbox.pause());
    assert!(!inbox.put(records(6..7)), "what was on its way is taken in");
    let first = inbox.take().await;
    assert_eq!((offsets(&first), first.resume), (vec![0, 1, 2], false));
    let second = inbox.take().await;
    assert_eq!((offsets(&second), second.resume), (vec![3, 4, 5], true));
    let third = inbox.take().await;
    assert_eq!((offsets(&third), third.resume), (vec![6], false));
}

#[tokio::test]
async fn records_from_before_a_seek_are_not_taken_for_those_after_it() {
    let inbox = inbox();
    inbox.open_at(5);
    assert!(!inbox.put(records(9..11)), "these were on their way when reading was sought to 5");
    assert!(!inbox.put(records(5..6)));
    assert!(!inbox.put(records(6..7)));
    assert_eq!(offsets(&inbox.take().await), [5, 6]);
}

#[tokio::test]
async fn a_closed_inbox_takes_nothing_in() {
    let inbox = inbox();
    assert!(!inbox.put(records(0..2)));
    inbox.close();
    assert!(!inbox.put(records(2..4)));
    inbox.put_end(4);
    assert!(tokio::time::timeout(Duration::from_millis(1), inbox.take()).await.is_err());
    inbox.open_at(0);
    assert!(!inbox.put(records(0..1)));
    assert_eq!(offsets(&inbox.take().await), [0]);
}

#[tokio::test]
async fn the_end_is_told_behind_the_last_record_only() {
    let inbox = inbox();
    assert!(inbox.put(records(0..4)), "full");
    inbox.put_end(4);
    assert_eq!(inbox.take().await.end, None);
    assert_eq!(inbox.take().await.end, Some(4));
}
