//! The outbox: what is not published yet, and who may publish it.

use std::time::Duration;

use event_log::{Cursor, LogError};
use kernel::{ChainHash, LogId, Sequence};
use uuid::Uuid;

use crate::support::{CONTEXT, Fixture, neighbours, recording, some_stream, tenant};

const LONG: Duration = Duration::from_secs(3600);

async fn begun() -> (Fixture, LogId) {
    let fixture = Fixture::new().await;
    let receipt = fixture.append(&tenant("acme"), recording(&some_stream("product"), 0, 3)).await.unwrap();
    (fixture, receipt.log)
}

fn at(sequence: u64) -> Cursor {
    Cursor {
        published_through: Sequence::new(sequence),
        chain: ChainHash::from_bytes(&[9; 32]),
        topic_id: Some(Uuid::from_u128(5)),
        offset: Some(17),
    }
}

#[tokio::test]
async fn one_holder_at_a_time_has_the_lease() {
    let (fixture, log) = begun().await;
    let outbox = fixture.log.outbox();
    let (me, you) = (Uuid::now_v7(), Uuid::now_v7());
    let mine = outbox.lease(&log, me, LONG).await.unwrap().unwrap();
    assert_eq!(outbox.lease(&log, you, LONG).await.unwrap(), None);
    assert!(outbox.renew(&mine, LONG).await.unwrap());
    outbox.release(&mine).await.unwrap();
    let yours = outbox.lease(&log, you, LONG).await.unwrap().unwrap();
    assert!(yours.fence() > mine.fence());
    assert!(!outbox.renew(&mine, LONG).await.unwrap());
    outbox.release(&mine).await.unwrap();
    assert!(outbox.renew(&yours, LONG).await.unwrap(), "a lost lease cannot give back the new one");
}

#[tokio::test]
async fn of_many_that_want_the_lease_at_once_one_gets_it() {
    let (fixture, log) = begun().await;
    let outbox = fixture.log.outbox();
    let wishes = (0..8).map(|_| outbox.lease(&log, Uuid::now_v7(), LONG));
    let got = futures::future::join_all(wishes).await;
    assert_eq!(got.into_iter().filter_map(Result::unwrap).count(), 1);
}

#[tokio::test]
async fn a_holder_whose_lease_ran_out_cannot_move_the_cursor_once_another_took_over() {
    let (fixture, log) = begun().await;
    let outbox = fixture.log.outbox();
    assert_eq!(outbox.cursor(&log).await.unwrap(), Cursor::default());
    let late = outbox.lease(&log, Uuid::now_v7(), Duration::ZERO).await.unwrap().unwrap();
    outbox.advance(&late, at(1)).await.unwrap();
    let next = outbox.lease(&log, Uuid::now_v7(), LONG).await.unwrap().unwrap();
    outbox.advance(&next, at(2)).await.unwrap();
    let lost = outbox.advance(&late, at(3)).await;
    assert!(matches!(lost, Err(LogError::LeaseLost(of)) if of == log));
    assert!(!outbox.renew(&late, LONG).await.unwrap());
    assert_eq!(outbox.cursor(&log).await.unwrap(), at(2));
    outbox.advance(&next, at(1)).await.unwrap();
    assert_eq!(outbox.cursor(&log).await.unwrap(), at(1), "back, where the topic lost its tail");
    outbox.release(&next).await.unwrap();
    assert!(outbox.advance(&next, at(3)).await.is_err(), "what was given back is no longer mine");
}

#[tokio::test]
async fn what_is_not_published_yet_is_what_lies_after_the_cursor() {
    let (fixture, log) = begun().await;
    let outbox = fixture.log.outbox();
    let (_, theirs) = neighbours();
    let orders = fixture.log.append("orders", &theirs, recording(&some_stream("order"), 0, 1)).await.unwrap();
    let lease = outbox.lease(&log, Uuid::now_v7(), LONG).await.unwrap().unwrap();
    assert_eq!(outbox.backlog(&log).await.unwrap(), 3);
    outbox.advance(&lease, at(2)).await.unwrap();
    assert_eq!(outbox.backlog(&log).await.unwrap(), 1);
    assert_eq!(outbox.backlog(&orders.log).await.unwrap(), 1);
    assert_eq!(fixture.log.head(&log).await.unwrap().published_through, Sequence::new(2));
    let shown: Vec<(String, i64, String)> =
        sqlx::query_as("SELECT context, sequence, tenant FROM outbox ORDER BY context, sequence")
            .fetch_all(&fixture.pool)
            .await
            .unwrap();
    let acme = (CONTEXT.to_owned(), 3, "acme".to_owned());
    assert_eq!(shown, [acme, ("orders".to_owned(), 1, theirs.to_string())]);
}
