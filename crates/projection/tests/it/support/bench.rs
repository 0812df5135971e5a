//! A store of its own for each test.

use std::collections::BTreeMap;
use std::time::Duration;

use kernel::{Lane, TenantId};
use read_store::{
    PostgresReader, PostgresRows, ReadError, ReadRow, RedisReader, RedisRows, RowStore, ViewVersion,
    postgres_for_rows,
};
use sqlx::Row as _;
use test_servers::{TestDatabase, TestRedis};

use super::Rows;

pub(crate) trait Bench: Sync {
    type Store: RowStore;
    async fn new() -> Self;
    fn rows(&self, view: ViewVersion) -> Self::Store;
    /// The same rows, reached through another address.
    fn rows_through(&self, address: &str, view: ViewVersion) -> Self::Store;
    /// For another process to find it.
    fn place(&self) -> Place;
    /// Host and port of the server.
    fn server(&self) -> String;
    /// Every row of a view version, read past the store's own code.
    async fn all_rows(&self, view: &str, version: u32) -> Rows;
    /// As if somebody had emptied the store.
    async fn empty(&self);
    async fn read(&self, view: &str, lane: Lane, tenant: &TenantId, key: &str) -> Result<ReadRow, ReadError>;
}

/// Where a store is.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(crate) enum Place {
    Postgres(String),
    Redis { url: String, prefix: String },
}

pub(crate) struct Postgres {
    database: TestDatabase,
    pool: sqlx::PgPool,
    reader: PostgresReader,
}

impl Postgres {
    /// From now on every write of a row is recorded.
    pub(crate) async fn record_writes(&self, view: &str) {
        let rows = format!("{}_v1.rows", view.replace('-', "_"));
        let sql = format!(
            "CREATE TABLE writes (number bigserial, tenant text, key text, stamp bigint);
             CREATE FUNCTION record_write() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 INSERT INTO public.writes (tenant, key, stamp) VALUES (new.tenant, new.key, new.stamp);
                 RETURN new;
             END $$;
             CREATE TRIGGER record AFTER INSERT OR UPDATE ON {rows} FOR EACH ROW EXECUTE FUNCTION record_write()"
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&self.pool).await.unwrap();
    }

    /// How often rows were written, and how often one was written that did not follow from what it was.
    pub(crate) async fn recorded_writes(&self) -> (i64, i64) {
        let sql = "SELECT count(*), count(*) FILTER (WHERE stamp <= before) FROM (
                       SELECT stamp, lag(stamp) OVER (PARTITION BY tenant, key ORDER BY number) AS before FROM writes
                   ) AS w";
        let row = sqlx::query(sql).fetch_one(&self.pool).await.unwrap();
        (row.get(0), row.get(1))
    }
}

impl Bench for Postgres {
    type Store = PostgresRows;

    async fn new() -> Self {
        let database = TestDatabase::create().await;
        let pool = database.pool().await;
        Self { reader: PostgresReader::new(pool.clone()), database, pool }
    }

    fn rows(&self, view: ViewVersion) -> PostgresRows {
        self.rows_through(&self.server(), view)
    }

    fn rows_through(&self, address: &str, view: ViewVersion) -> PostgresRows {
        let url = self.database.url().replace(&self.server(), address);
        PostgresRows::new(postgres_for_rows(&url, 8).unwrap(), view, "")
    }

    fn place(&self) -> Place {
        Place::Postgres(self.database.url().to_owned())
    }

    fn server(&self) -> String {
        authority(self.database.url())
    }

    async fn all_rows(&self, view: &str, version: u32) -> Rows {
        let table = format!("{}_v{version}.rows", view.replace('-', "_"));
        let sql = format!("SELECT tenant, key, stamp, row::text FROM {table}");
        let Ok(rows) = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(&self.pool).await else {
            return BTreeMap::new();
        };
        let row = |row: &sqlx::postgres::PgRow| {
            let body: String = row.get(3);
            let stamp = row.get::<i64, _>(2).unsigned_abs();
            ((row.get(0), row.get(1)), (stamp, serde_json::from_str(&body).unwrap()))
        };
        rows.iter().map(row).collect()
    }

    async fn empty(&self) {
        let tables: Vec<String> = sqlx::query_scalar(
            "SELECT schemaname || '.' || tablename FROM pg_tables WHERE tablename IN ('rows', 'checkpoints')",
        )
        .fetch_all(&self.pool)
        .await
        .unwrap();
        let sql = format!("TRUNCATE {}", tables.join(", "));
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&self.pool).await.unwrap();
    }

    async fn read(&self, view: &str, lane: Lane, tenant: &TenantId, key: &str) -> Result<ReadRow, ReadError> {
        self.reader.row(view, lane, tenant, key).await
    }
}

pub(crate) struct Redis {
    redis: TestRedis,
    reader: RedisReader,
}

impl Redis {
    async fn keys(&self, pattern: &str) -> (redis::aio::MultiplexedConnection, Vec<String>) {
        let client = redis::Client::open(self.redis.url.as_str()).unwrap();
        // A machine that is busy with other tests takes its time.
        let patient = redis::AsyncConnectionConfig::new().set_response_timeout(Some(Duration::from_secs(30)));
        let connection = client.get_multiplexed_async_connection_with_config(&patient).await;
        let mut connection = connection.unwrap();
        let keys = redis::cmd("KEYS").arg(pattern).query_async(&mut connection).await.unwrap();
        (connection, keys)
    }
}

impl Bench for Redis {
    type Store = RedisRows;

    async fn new() -> Self {
        let redis = test_servers::redis();
        Self { reader: RedisReader::new(&redis.url, &redis.prefix).unwrap(), redis }
    }

    fn rows(&self, view: ViewVersion) -> RedisRows {
        self.rows_through(&self.server(), view)
    }

    fn rows_through(&self, address: &str, view: ViewVersion) -> RedisRows {
        let url = self.redis.url.replace(&self.server(), address);
        RedisRows::new(&url, &self.redis.prefix, view).unwrap()
    }

    fn place(&self) -> Place {
        Place::Redis { url: self.redis.url.clone(), prefix: self.redis.prefix.clone() }
    }

    fn server(&self) -> String {
        authority(&self.redis.url)
    }

    async fn all_rows(&self, view: &str, version: u32) -> Rows {
        let pattern = format!("{{{}:{view}:*:v{version}:row:*", self.redis.prefix);
        let (mut connection, keys) = self.keys(&pattern).await;
        if keys.is_empty() {
            return Rows::new();
        }
        let values: Vec<Option<String>> =
            redis::cmd("MGET").arg(&keys).query_async(&mut connection).await.unwrap();
        let row = |(key, value): (&String, Option<String>)| {
            let (tenant, key) = key.split_once(":row:").unwrap().1.split_once('/').unwrap();
            let value = value?;
            let (stamp, body) = value.split_once(' ').unwrap();
            let content = (stamp.parse().unwrap(), serde_json::from_str(body).unwrap());
            Some(((tenant.to_owned(), key.to_owned()), content))
        };
        keys.iter().zip(values).filter_map(row).collect()
    }

    async fn empty(&self) {
        let (mut connection, keys) = self.keys(&format!("*{}:*", self.redis.prefix)).await;
        let _: i64 = redis::cmd("UNLINK").arg(&keys).query_async(&mut connection).await.unwrap();
    }

    async fn read(&self, view: &str, lane: Lane, tenant: &TenantId, key: &str) -> Result<ReadRow, ReadError> {
        self.reader.row(view, lane, tenant, key).await
    }
}

/// Host and port of a URL.
fn authority(url: &str) -> String {
    let (_, rest) = url.split_once("://").unwrap();
    let authority = rest.split('/').next().unwrap();
    authority.rsplit('@').next().unwrap().to_owned()
}
