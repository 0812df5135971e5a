//! The order of the log: dense, in commit order, and never back in time.

use event_log::Options;
use futures::future::join_all;
use kernel::{EventDigest, Sequence, Timestamp};
use sqlx::PgConnection;

use crate::support::{CONTEXT, Fixture, assert_dense, new_event, recording, some_stream, tenant};

/// Appends one event within a transaction that is left open.
async fn append_and_wait(connection: &mut PgConnection, tenant: &kernel::TenantId) {
    let stream = some_stream("product");
    let event = new_event(&stream, 1);
    let digest = EventDigest::of(tenant, &event);
    sqlx::query("BEGIN").execute(&mut *connection).await.unwrap();
    sqlx::query(
        "SELECT append_batch(
             (SELECT log_id FROM logs), '1s', 0, false,
             ARRAY[(SELECT tenant_id FROM tenants WHERE tenant = $1)], ARRAY[$2], ARRAY[0::bigint], ARRAY[1], ARRAY[$3],
             '{}', '{}', '{}', '{}', '{}', '{}',
             '{}', '{}', '{}', '{}', '{}',
             '{}', '{}', '{}', '{}',
             ARRAY[1], ARRAY[1::bigint], ARRAY[$3], ARRAY['ProductCreated'], ARRAY[$4], ARRAY[$5],
             ARRAY[$6], ARRAY[$7], ARRAY[$8], ARRAY['jo@acme'], ARRAY[NULL::text], ARRAY[$9],
             NULL, NULL, '{}')",
    )
    .bind(tenant.as_str())
    .bind(stream.as_str())
    .bind(event.id.0)
    .bind(event.schema.0)
    .bind(&event.payload[..])
    .bind(event.metadata.correlation_id)
    .bind(event.metadata.causation_id)
    .bind(event.metadata.command_id)
    .bind(&digest.as_bytes()[..])
    .execute(&mut *connection)
    .await
    .unwrap();
}

#[tokio::test]
async fn a_reader_never_passes_an_event_whose_writer_may_still_commit() {
    let fixture = Fixture::new().await;
    let acme = tenant("acme");
    let log = fixture.append(&acme, recording(&some_stream("product"), 0, 1)).await.unwrap().log;
    let mut slow = fixture.stranger().await;
    append_and_wait(&mut slow, &acme).await;

    // Another writer comes later and would be done earlier, if it did not have to wait.
    let mut quick = Box::pin(fixture.append(&acme, recording(&some_stream("product"), 0, 1)));
    assert!(futures::poll!(&mut quick).is_pending());
    crate::support::eventually("a batch waits for the head", || fixture.waiting_for_the_head()).await;
    assert_eq!(fixture.events(&log).await.len(), 1, "nothing is to be seen beyond what may still commit");

    sqlx::query("COMMIT").execute(&mut slow).await.unwrap();
    assert_eq!(quick.await.unwrap().sequence, Sequence::new(3));
    assert_dense(&fixture.events(&log).await);
    fixture.log.verify(&log, |_| {}).await.unwrap();
}

#[tokio::test]
async fn a_batch_that_is_rolled_back_leaves_no_hole() {
    let fixture = Fixture::new().await;
    let acme = tenant("acme");
    let log = fixture.append(&acme, recording(&some_stream("product"), 0, 1)).await.unwrap().log;
    let mut unlucky = fixture.stranger().await;
    append_and_wait(&mut unlucky, &acme).await;
    sqlx::query("ROLLBACK").execute(&mut unlucky).await.unwrap();

    let next = fixture.append(&acme, recording(&some_stream("product"), 0, 1)).await.unwrap();
    assert_eq!(next.sequence, Sequence::new(2));
    assert_dense(&fixture.events(&log).await);
    fixture.log.verify(&log, |_| {}).await.unwrap();
}

#[tokio::test]
async fn two_command_services_on_one_log_make_one_dense_order() {
    let fixture = Fixture::new().await;
    let other = fixture.another(Options::default());
    let acme = tenant("acme");
    let shared = some_stream("product");
    let mut sequences = Vec::new();
    for round in 0..20 {
        let appends = (0..10).map(|index| {
            let log = if index % 2 == 0 { &fixture.log } else { &other };
            let append = if index < 8 {
                recording(&some_stream("product"), 0, 2)
            } else {
                recording(&shared, round, 1)
            };
            log.append(CONTEXT, &acme, append)
        });
        let outcomes = join_all(appends).await;
        let won: Vec<_> = outcomes.into_iter().filter_map(Result::ok).collect();
        assert_eq!(won.len(), 9, "one of the two that want the same version wins");
        sequences.extend(won.iter().flat_map(|receipt| {
            let last = receipt.sequence.number();
            last + 1 - receipt.events.len() as u64..=last
        }));
    }
    sequences.sort_unstable();
    assert_eq!(sequences, (1..=20 * 17).collect::<Vec<_>>(), "each place was given to one event");
    let log = fixture.log_of(&acme).await;
    let events = fixture.events(&log).await;
    assert_dense(&events);
    let versions: Vec<_> = events
        .iter()
        .filter(|event| event.event.stream == shared)
        .map(|e| e.event.version.number())
        .collect();
    assert_eq!(versions, (1..=20).collect::<Vec<_>>());
    fixture.log.verify(&log, |_| {}).await.unwrap();
}

#[tokio::test]
async fn recorded_at_does_not_go_back_when_the_clock_does() {
    let fixture = Fixture::new().await;
    let acme = tenant("acme");
    let stream = some_stream("product");
    let first = fixture.append(&acme, recording(&stream, 0, 1)).await.unwrap();
    // The clock was an hour ahead when the last event was recorded, and was then put right.
    let ahead = Timestamp::from_micros(first.recorded_at.micros() + 3_600_000_000);
    sqlx::query("UPDATE logs SET recorded_at = $1")
        .bind(ahead.micros())
        .execute(&fixture.pool)
        .await
        .unwrap();

    let second = fixture.append(&acme, recording(&stream, 1, 1)).await.unwrap();
    assert_eq!(second.recorded_at, ahead);
    let third = fixture.append(&acme, recording(&stream, 2, 1)).await.unwrap();
    assert_eq!(third.recorded_at, ahead);
    fixture.log.verify(&first.log, |_| {}).await.unwrap();

    // And without such a step it follows the clock.
    sqlx::query("UPDATE logs SET recorded_at = 0").execute(&fixture.pool).await.unwrap();
    let fourth = fixture.append(&acme, recording(&stream, 3, 1)).await.unwrap();
    assert!(fourth.recorded_at > first.recorded_at && fourth.recorded_at < ahead);
}
