//! Making the tables.

use event_log::{EventLog, Options};
use futures::future::join_all;
use test_servers::TestDatabase;

use crate::support::{CONTEXT, recording, some_stream, tenant};

#[tokio::test]
async fn several_services_that_start_at_once_make_the_tables_once() {
    let database = TestDatabase::create().await;
    let pools: Vec<_> = (0..6).map(|_| event_log::pool(database.url().parse().unwrap(), 2)).collect();
    for outcome in join_all(pools.iter().map(EventLog::migrate)).await {
        outcome.unwrap();
    }
    let applied: i64 = sqlx::query_scalar("SELECT count(*) FROM event_log_migrations WHERE success")
        .fetch_one(&pools[0])
        .await
        .unwrap();
    assert!(applied >= 2);
    let log = EventLog::new(pools[0].clone(), Options::default());
    log.append(CONTEXT, &tenant("acme"), recording(&some_stream("product"), 0, 1)).await.unwrap();
    EventLog::migrate(&pools[1]).await.unwrap();
}

#[tokio::test]
async fn other_tables_and_their_migrations_may_live_in_the_same_database() {
    let database = TestDatabase::create().await;
    let pool = event_log::pool(database.url().parse().unwrap(), 2);
    let foreign = "CREATE TABLE _sqlx_migrations (
                       version bigint PRIMARY KEY, description text NOT NULL,
                       installed_on timestamptz NOT NULL DEFAULT now(), success boolean NOT NULL,
                       checksum bytea NOT NULL, execution_time bigint NOT NULL);
                   INSERT INTO _sqlx_migrations VALUES (1, 'theirs', now(), true, '\\x00', 0)";
    sqlx::raw_sql(foreign).execute(&pool).await.unwrap();
    EventLog::migrate(&pool).await.unwrap();
}
