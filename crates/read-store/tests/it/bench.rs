//! A place of its own for each test, in either store.

use kernel::{ChainHash, Epoch, Lane, Link, RowKey, Sequence, TenantId};
use read_store::{
    Advance, Checkpoint, Lookup, PostgresReader, PostgresRows, ReadError, ReadRow, RedisReader, RedisRows,
    RowAddress, RowChange, RowStore, ViewVersion, postgres_for_rows,
};
use sqlx::PgPool;
use test_servers::{TestDatabase, TestRedis};
use uuid::Uuid;

pub(crate) const LANE: Lane = Lane::new(3);

pub(crate) fn version(version: u32) -> ViewVersion {
    ViewVersion { context: "catalog", view: "some-things", version }
}

/// A store under test.
pub(crate) trait Bench: Sized {
    type Store: RowStore;
    async fn new() -> Self;
    /// Rows of this version; each call is another process's.
    fn rows(&self, view: ViewVersion) -> Self::Store;
    /// As if somebody had emptied the store.
    async fn empty(&self);
    async fn read(&self, tenant: &TenantId, key: &str) -> Result<ReadRow, ReadError>;
    async fn lane_of(&self, tenant: &TenantId) -> Option<Lane>;
    async fn wait_until(&self, sequence: u64, seconds: u64) -> Result<bool, ReadError>;

    async fn prepared(&self) -> Self::Store {
        let rows = self.rows(version(1));
        rows.prepare().await.unwrap();
        rows.begin(LANE).await.unwrap();
        rows
    }
}

pub(crate) struct Postgres {
    pub(crate) pool: PgPool,
    pub(crate) reader: PostgresReader,
}

impl Bench for Postgres {
    type Store = PostgresRows;

    async fn new() -> Self {
        let database = TestDatabase::create().await;
        let pool = postgres_for_rows(database.url(), 8).unwrap();
        Self { pool, reader: PostgresReader::new(database.pool().await) }
    }

    fn rows(&self, view: ViewVersion) -> PostgresRows {
        PostgresRows::new(self.pool.clone(), view, "")
    }

    async fn empty(&self) {
        sqlx::raw_sql("TRUNCATE checkpoints; TRUNCATE some_things_v1.rows")
            .execute(&self.pool)
            .await
            .unwrap();
    }

    async fn read(&self, tenant: &TenantId, key: &str) -> Result<ReadRow, ReadError> {
        self.reader.row("some-things", LANE, tenant, key).await
    }

    async fn lane_of(&self, tenant: &TenantId) -> Option<Lane> {
        self.reader.lane_of(tenant).await.unwrap()
    }

    async fn wait_until(&self, sequence: u64, seconds: u64) -> Result<bool, ReadError> {
        self.reader.wait_until("some-things", LANE, Sequence::new(sequence), within(seconds)).await
    }
}

pub(crate) struct Redis {
    pub(crate) server: TestRedis,
    pub(crate) reader: RedisReader,
}

impl Redis {
    pub(crate) async fn command<T: ::redis::FromRedisValue>(&self, parts: &[&str]) -> T {
        let client = ::redis::Client::open(self.server.url.as_str()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let mut command = ::redis::Cmd::new();
        for part in parts {
            command.arg(part);
        }
        command.query_async(&mut connection).await.unwrap()
    }
}

impl Bench for Redis {
    type Store = RedisRows;

    async fn new() -> Self {
        let server = test_servers::redis();
        let reader = RedisReader::new(&server.url, &server.prefix).unwrap();
        Self { server, reader }
    }

    fn rows(&self, view: ViewVersion) -> RedisRows {
        RedisRows::new(&self.server.url, &self.server.prefix, view).unwrap()
    }

    async fn empty(&self) {
        let keys: Vec<String> = self.command(&["KEYS", &format!("*{}*", self.server.prefix)]).await;
        let mut unlink = vec!["UNLINK"];
        unlink.extend(keys.iter().map(String::as_str));
        let _: i64 = self.command(&unlink).await;
    }

    async fn read(&self, tenant: &TenantId, key: &str) -> Result<ReadRow, ReadError> {
        self.reader.row("some-things", LANE, tenant, key).await
    }

    async fn lane_of(&self, tenant: &TenantId) -> Option<Lane> {
        self.reader.lane_of(tenant).await.unwrap()
    }

    async fn wait_until(&self, sequence: u64, seconds: u64) -> Result<bool, ReadError> {
        self.reader.wait_until("some-things", LANE, Sequence::new(sequence), within(seconds)).await
    }
}

fn within(seconds: u64) -> tokio::time::Instant {
    tokio::time::Instant::now() + std::time::Duration::from_secs(seconds)
}

pub(crate) fn acme() -> TenantId {
    TenantId::new("acme").unwrap()
}

pub(crate) fn other() -> TenantId {
    TenantId::new("other.acme").unwrap()
}

/// The checkpoint after `sequence` events of some history.
pub(crate) fn at(sequence: u64) -> Checkpoint {
    if sequence == 0 {
        return Checkpoint::ZERO;
    }
    Checkpoint {
        sequence: Sequence::new(sequence),
        offset: i64::try_from(sequence).unwrap() + 5,
        epoch: Some(Epoch(Uuid::from_u128(9))),
        chain: ChainHash::from_bytes(&[u8::try_from(sequence % 256).unwrap(); 32]).unwrap(),
    }
}

pub(crate) fn step(from: u64, to: u64) -> Advance {
    Advance { from: at(from), to: at(to) }
}

pub(crate) fn address(tenant: &TenantId, key: &str) -> RowAddress {
    RowAddress { tenant: tenant.clone(), key: RowKey::new(key) }
}

/// A row as it is written for the first time.
pub(crate) fn row(tenant: &TenantId, key: &str, stamp: u64, body: &str, links: &[&str]) -> RowChange {
    RowChange {
        at: address(tenant, key),
        stamp: Sequence::new(stamp),
        body: Some(body.to_owned()),
        links: links.iter().map(|link| Link::new(*link)).collect(),
        links_before: Vec::new(),
    }
}

pub(crate) fn gone(tenant: &TenantId, key: &str, stamp: u64, links_before: &[&str]) -> RowChange {
    let links_before = links_before.iter().map(|link| Link::new(*link)).collect();
    RowChange {
        at: address(tenant, key),
        stamp: Sequence::new(stamp),
        body: None,
        links: Vec::new(),
        links_before,
    }
}

pub(crate) fn lookup(tenant: &TenantId, link: &str) -> Lookup {
    Lookup { tenant: tenant.clone(), link: Link::new(link) }
}

/// The keys of a link's rows, in order.
pub(crate) async fn found<S: RowStore>(store: &S, tenant: &TenantId, link: &str) -> Vec<String> {
    let mut pages = store.linked(LANE, &[lookup(tenant, link)], 10_000).await.unwrap();
    let mut keys: Vec<String> =
        pages.remove(0).into_iter().map(|row| row.at.key.as_str().to_owned()).collect();
    keys.sort();
    keys
}

/// What a row says, spaces apart: stores may format JSON in their own way.
pub(crate) async fn body<S: RowStore>(store: &S, tenant: &TenantId, key: &str) -> Option<(u64, String)> {
    let mut rows = store.load(LANE, &[address(tenant, key)]).await.unwrap();
    rows.pop().map(|row| (row.stamp.number(), row.body.replace(": ", ":").replace(", ", ",")))
}
