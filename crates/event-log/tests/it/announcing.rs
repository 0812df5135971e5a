//! Waking whoever reads.

use event_log::{Announced, Announcements};

use crate::support::{Fixture, recording, some_stream, soon, tenant};

#[tokio::test]
async fn a_listener_hears_of_what_was_committed_and_can_read_it() {
    let fixture = Fixture::new().await;
    let acme = tenant("acme");
    let mut announcements = Announcements::listen(fixture.pool.clone());
    assert_eq!(soon("it listens", announcements.next()).await, Announced::Every);
    for count in 1..=3 {
        let receipt = fixture.append(&acme, recording(&some_stream("product"), 0, 1)).await.unwrap();
        assert_eq!(soon("it hears", announcements.next()).await, Announced::Log(receipt.log.clone()));
        assert_eq!(fixture.events(&receipt.log).await.len(), count);
    }
}

#[tokio::test]
async fn a_listener_that_was_cut_off_listens_again_and_says_that_it_may_have_missed_something() {
    let fixture = Fixture::new().await;
    let acme = tenant("acme");
    let mut announcements = Announcements::listen(fixture.another_pool(2));
    assert_eq!(soon("it listens", announcements.next()).await, Announced::Every);
    let killed: i64 = sqlx::query_scalar(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
         WHERE datname = current_database() AND query LIKE 'LISTEN%'",
    )
    .fetch_one(&fixture.pool)
    .await
    .unwrap();
    assert_eq!(killed, 1);
    assert_eq!(soon("it listens again", announcements.next()).await, Announced::Every);
    let receipt = fixture.append(&acme, recording(&some_stream("product"), 0, 1)).await.unwrap();
    assert_eq!(soon("it hears", announcements.next()).await, Announced::Log(receipt.log));
}
