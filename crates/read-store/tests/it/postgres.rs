//! What Postgres has of its own.

use kernel::Sequence;
use read_store::{PostgresReader, PostgresRows, ReadError, RowChange, RowStore, postgres_for_rows};
use sqlx::Row as _;
use test_servers::TestDatabase;

use crate::bench::*;

const SHAPE: &str = "
    CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA public;
    ALTER TABLE rows ADD COLUMN IF NOT EXISTS price bigint GENERATED ALWAYS AS ((row ->> 'price')::bigint) STORED;
    CREATE INDEX IF NOT EXISTS rows_by_price ON rows (tenant, price);";

#[tokio::test]
async fn a_view_is_read_under_its_name_with_its_own_columns() {
    let bench = Postgres::new().await;
    let rows = PostgresRows::new(bench.pool.clone(), version(1), SHAPE);
    rows.prepare().await.unwrap();
    rows.begin(LANE).await.unwrap();
    let changes = [row(&acme(), "a", 1, r#"{"price":5}"#, &[]), row(&other(), "b", 2, r#"{"price":7}"#, &[])];
    rows.write(LANE, &step(0, 2), &changes, &[]).await.unwrap();
    // Both versions may be shaped alike: names of indexes are each schema's own.
    let later = PostgresRows::new(bench.pool.clone(), version(2), SHAPE);
    later.prepare().await.unwrap();
    let found = sqlx::query(
        "SELECT r.key, c.sequence FROM serving.some_things AS r
           JOIN serving.checkpoints AS c ON c.view = 'some-things' AND c.lane = 3
          WHERE r.tenant = $1 AND r.price > 1",
    )
    .bind("acme")
    .fetch_all(bench.reader.pool())
    .await
    .unwrap();
    let found: Vec<(String, i64)> = found.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(found, [("a".to_owned(), 2)]);
}

#[tokio::test]
async fn a_row_is_looked_up_by_its_key_though_the_plan_was_made_on_an_empty_table() {
    let database = TestDatabase::create().await;
    // One connection: what it planned on the empty table is what it goes on with.
    let pool = postgres_for_rows(database.url(), 1).unwrap();
    let tempting = "CREATE INDEX IF NOT EXISTS rows_by_stamp ON rows (tenant, stamp, key);
                    CREATE INDEX IF NOT EXISTS rows_by_sum ON rows (tenant, (stamp + 1));";
    let rows = PostgresRows::new(pool.clone(), version(1), tempting);
    rows.prepare().await.unwrap();
    rows.begin(LANE).await.unwrap();
    let step_with = async |from: u64, to: u64, changes: &[RowChange]| {
        rows.write(LANE, &step(from, to), changes, &[]).await.unwrap();
        body(&rows, &acme(), "5").await
    };
    assert_eq!(step_with(0, 1, &[gone(&acme(), "5", 1, &[])]).await, None);
    let many: Vec<RowChange> = (0..2_000).map(|key| row(&acme(), &key.to_string(), 2, "{}", &[])).collect();
    assert_eq!(step_with(1, 2, &many).await, Some((2, "{}".to_owned())));
    assert_eq!(step_with(2, 3, &[gone(&acme(), "5", 3, &[])]).await, None);
    sqlx::query("SELECT pg_stat_force_next_flush()").execute(&pool).await.unwrap();
    let reads = "SELECT indexrelname, idx_tup_read FROM pg_stat_user_indexes
                  WHERE relname = 'rows' AND idx_tup_read > 0";
    let reads: Vec<(String, i64)> = sqlx::query_as(reads).fetch_all(&pool).await.unwrap();
    assert!(matches!(&reads[..], [(index, read)] if index == "rows_pkey" && *read < 10), "{reads:?}");
}

#[tokio::test]
async fn a_shape_that_grew_shows_under_the_same_name() {
    let bench = Postgres::new().await;
    bench.prepared().await;
    PostgresRows::new(bench.pool.clone(), version(1), SHAPE).prepare().await.unwrap();
    let columns = "SELECT count(*) FROM information_schema.columns
                    WHERE table_schema = 'serving' AND table_name = 'some_things' AND column_name = 'price'";
    let columns: i64 = sqlx::query_scalar(columns).fetch_one(&bench.pool).await.unwrap();
    assert_eq!(columns, 1);
}

#[tokio::test]
async fn a_query_before_the_first_projector_is_told_that_the_store_is_away() {
    let database = TestDatabase::create().await;
    let reader = PostgresReader::new(database.pool().await);
    assert!(matches!(reader.row("some-things", LANE, &acme(), "a").await, Err(ReadError::Away(_))));
    assert!(matches!(reader.lane_of(&acme()).await, Err(ReadError::Away(_))));
}

#[tokio::test]
async fn a_first_version_is_read_at_once() {
    let bench = Postgres::new().await;
    bench.rows(version(1)).prepare().await.unwrap();
    let read = bench.read(&acme(), "a").await.unwrap();
    assert_eq!((read.row, read.reflects), (None, Sequence::ZERO));
}

#[tokio::test]
async fn the_tracker_says_which_version_is_what() {
    let bench = Postgres::new().await;
    let old = bench.prepared().await;
    old.write(LANE, &step(0, 3), &[], &[]).await.unwrap();
    let new = bench.rows(version(2));
    new.prepare().await.unwrap();
    new.begin(LANE).await.unwrap();
    let states = || async {
        let states = sqlx::query("SELECT version, state FROM projection_versions ORDER BY version");
        let states = states.fetch_all(&bench.pool).await.unwrap();
        states.iter().map(|row| (row.get::<i32, _>(0), row.get::<String, _>(1))).collect::<Vec<_>>()
    };
    assert_eq!(states().await, [(1, "serving".to_owned()), (2, "building".to_owned())]);
    new.write(LANE, &step(0, 3), &[], &[]).await.unwrap();
    assert!(new.caught_up(LANE, &at(3)).await.unwrap());
    assert_eq!(states().await, [(1, "retained".to_owned()), (2, "serving".to_owned())]);
    old.prepare().await.unwrap();
    assert_eq!(states().await, [(1, "retained".to_owned()), (2, "serving".to_owned())]);
}

#[tokio::test]
async fn a_version_switches_only_when_each_of_its_lanes_has_caught_up() {
    let bench = Postgres::new().await;
    let (old, new) = (bench.prepared().await, bench.rows(version(2)));
    new.prepare().await.unwrap();
    let elsewhere = kernel::Lane::new(9);
    for lane in [LANE, elsewhere] {
        old.begin(lane).await.unwrap();
        old.write(lane, &step(0, 3), &[], &[]).await.unwrap();
    }
    new.begin(LANE).await.unwrap();
    new.write(LANE, &step(0, 5), &[], &[]).await.unwrap();
    assert!(!new.caught_up(LANE, &at(5)).await.unwrap(), "lane 9 has not begun");
    new.begin(elsewhere).await.unwrap();
    new.write(elsewhere, &step(0, 3), &[], &[]).await.unwrap();
    assert!(new.caught_up(elsewhere, &at(3)).await.unwrap());
}

#[tokio::test]
async fn content_that_postgres_refuses_is_told_apart_from_its_being_away() {
    let bench = Postgres::new().await;
    let rows = bench.prepared().await;
    // A NUL, escaped, is JSON and no jsonb.
    let refused = rows.write(LANE, &step(0, 1), &[row(&acme(), "a", 1, r#"{"n":"\u0000"}"#, &[])], &[]).await;
    match refused.unwrap_err() {
        read_store::StoreError::Refused(why) => assert!(why.contains("22P05"), "{why}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(rows.checkpoint(LANE).await.unwrap(), Some(at(0)));
}

#[tokio::test]
async fn look_ups_by_key_do_not_read_the_table_whole() {
    let bench = Postgres::new().await;
    let rows = bench.prepared().await;
    rows.write(LANE, &step(0, 1), &[row(&acme(), "a", 1, "{}", &["l"])], &[]).await.unwrap();
    let plan: Vec<String> = sqlx::query_scalar(
        "EXPLAIN SELECT found.* FROM unnest($1::text[], $2::text[]) AS wanted (tenant, key)
         CROSS JOIN LATERAL (SELECT r.row FROM some_things_v1.rows r
                              WHERE r.tenant = wanted.tenant AND r.key = wanted.key OFFSET 0) AS found",
    )
    .bind(vec!["acme"])
    .bind(vec!["a"])
    .fetch_all(&bench.pool)
    .await
    .unwrap();
    let plan = plan.join("\n");
    assert!(plan.contains("rows_pkey") && !plan.contains("Seq Scan"), "{plan}");
}
