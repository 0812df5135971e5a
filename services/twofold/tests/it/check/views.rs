//! Every view equals the fold of the log, in every store that it lives in.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use kernel::{Command, Context, ContextVisitor, Lane, LogId, LoggedEvent, ReadStore, Registry, View};
use read_store::{PostgresRows, RedisRows, RowAddress, RowStore, ViewVersion, postgres_for_rows};
use redis::AsyncCommands;
use sqlx::AssertSqlSafe;
use tokio::time::Instant;

use super::fold::{Fold, Place};
use super::{CAUGHT_UP, Logs};
use crate::system::{System, pause};

/// Rows that are compared in one go.
const CHUNK: usize = 1_000;

type Check<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Waits until each view has seen everything, then compares it row by row.
pub(super) async fn equal_the_fold_of_the_log(system: &System, logs: &Logs) {
    let mut checks = Checks { system, logs, checks: Vec::new() };
    shipped_contexts::visit(&mut checks);
    assert!(!checks.checks.is_empty(), "there are views to check");
    for check in checks.checks {
        check.await;
    }
}

struct Checks<'a> {
    system: &'a System,
    logs: &'a Logs,
    checks: Vec<Check<'a>>,
}

impl ContextVisitor for Checks<'_> {
    fn context<C: Context>(&mut self) {
        C::register(&mut Views { checks: self, context: C::NAME });
    }
}

struct Views<'v, 'a> {
    checks: &'v mut Checks<'a>,
    context: &'static str,
}

impl Registry for Views<'_, '_> {
    fn command<C: Command>(&mut self) {}

    fn view<V: View>(&mut self) {
        let (system, logs, context) = (self.checks.system, self.checks.logs, self.context);
        self.checks.checks.push(Box::pin(check::<V>(system, logs, context)));
    }
}

async fn check<V: View>(system: &System, logs: &Logs, context: &'static str) {
    let version = ViewVersion::of::<V>(context);
    let mut expected = 0;
    for (log, events) in logs.iter().filter(|(log, _)| *log.context == *context) {
        let fold = Arc::new(Fold::<V>::of(events));
        expected += fold.rows.len();
        for store in V::STORES {
            match store {
                ReadStore::Postgres => {
                    let pool = postgres_for_rows(system.views.url(), 2).unwrap();
                    compare(&PostgresRows::new(pool, version, ""), "Postgres", log, events, &fold).await;
                }
                // Looked at by `twofold verify views`.
                ReadStore::Inline => {}
                ReadStore::Redis => {
                    let rows = RedisRows::new(&system.redis.url, &system.redis.prefix, version).unwrap();
                    compare(&rows, "Redis", log, events, &fold).await;
                    let found = rows_in_redis(system, &version, log.lane).await;
                    assert_eq!(found, fold.rows.len(), "rows of {} in Redis, {log}", V::NAME);
                }
            }
        }
    }
    if V::STORES.contains(&ReadStore::Postgres) {
        let found = rows_in_postgres(system, &version).await;
        assert_eq!(found, expected, "rows of {} in Postgres", V::NAME);
    }
    eprintln!("{} v{}: {expected} rows", V::NAME, V::VERSION);
}

/// Row by row; that there are no others is what counting shows.
async fn compare<V: View, S: RowStore>(
    store: &S,
    name: &str,
    log: &LogId,
    events: &[LoggedEvent],
    fold: &Fold<V>,
) {
    let deadline = Instant::now() + CAUGHT_UP;
    let head = events.last().expect("a log has events");
    loop {
        let checkpoint = store.checkpoint(log.lane).await.unwrap();
        if let Some(checkpoint) = checkpoint
            && checkpoint.sequence == head.sequence
        {
            assert_eq!(checkpoint.chain, head.chain, "{} in {name}, {log}", V::NAME);
            break;
        }
        assert!(
            Instant::now() < deadline,
            "{} in {name}, {log}: {checkpoint:?}, not {}",
            V::NAME,
            head.sequence
        );
        pause().await;
    }
    let places: Vec<&Place> = fold.rows.keys().collect();
    for chunk in places.chunks(CHUNK) {
        let wanted: Vec<_> = chunk
            .iter()
            .map(|(tenant, key)| RowAddress { tenant: tenant.clone(), key: key.clone() })
            .collect();
        let found = store.load(log.lane, &wanted).await.unwrap();
        assert_eq!(found.len(), wanted.len(), "rows of {} are missing in {name}, {log}", V::NAME);
        for stored in found {
            let row: V::Row = serde_json::from_str(&stored.body).unwrap();
            let place = (stored.at.tenant.clone(), stored.at.key.clone());
            assert_eq!(Some(&row), fold.rows.get(&place), "{} in {name}, {place:?}", V::NAME);
            assert!(stored.stamp <= head.sequence, "{} in {name}, {place:?}", V::NAME);
        }
    }
}

async fn rows_in_postgres(system: &System, view: &ViewVersion) -> usize {
    let schema = format!("{}_v{}", view.view.replace('-', "_"), view.version);
    let count = AssertSqlSafe(format!("SELECT count(*) FROM \"{schema}\".rows"));
    let count: i64 = sqlx::query_scalar(count).fetch_one(&system.views.pool().await).await.unwrap();
    usize::try_from(count).unwrap()
}

async fn rows_in_redis(system: &System, view: &ViewVersion, lane: Lane) -> usize {
    let client = redis::Client::open(system.redis.url.as_str()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let ViewVersion { view, version, .. } = view;
    let pattern = format!("{{{}:{view}:{lane}}}:v{version}:row:*", system.redis.prefix);
    let mut keys = connection.scan_match::<_, String>(pattern).await.unwrap();
    let mut count = 0;
    while let Some(key) = keys.next_item().await {
        key.unwrap();
        count += 1;
    }
    count
}
