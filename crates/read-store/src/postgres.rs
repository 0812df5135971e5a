//! Rows in Postgres.

mod builds;
mod failure;
mod letters;
mod many;
mod prepare;
mod reader;
mod reader_role;
mod statements;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kernel::{ChainHash, Epoch, Lane, RowKey, Sequence, TenantId};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgRow};
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Row as _};

use self::builds::Switch;
use self::failure::{corrupt, store_error};
use self::statements::Statements;
pub use reader::PostgresReader;
pub use reader_role::{close_postgres_to_others, let_read_postgres, migrate_postgres};

use crate::row::StoredRow;
use crate::{
    Advance, Changes, Checkpoint, Code, FoldPage, Letter, Lookup, Many, PageStart, RowAddress, RowChange,
    RowStore, StoreError, ViewVersion,
};

/// Rows that a page of [`RowStore::write_linked`] has at most.
const PAGE: i64 = 500;
/// How long a call waits for a connection: a database that is away shows in readiness after this.
const CONNECTION_WAIT: Duration = Duration::from_secs(3);
/// Prepared statements that a connection keeps: each view of each context has a few.
const STATEMENTS: usize = 1000;
/// How long a call may take before the database counts as away. Above every timeout set on the connection.
const CALL_TIMEOUT: Duration = Duration::from_secs(45);

/// A pool for [`PostgresRows`]; connects when it is first used.
///
/// Its connections do not wait for the disk at commit: rows and checkpoint are lost together or not at all, and
/// are derived. They look rows up by key whatever the statistics say, by plans that are made once: a table that grew
/// from empty since the plan was made would otherwise be read whole.
pub fn postgres_for_rows(url: &str, connections: u32) -> Result<PgPool, StoreError> {
    let refused = || StoreError::Misconfigured("the url of the views' database was not accepted".to_owned());
    let is_postgres = url.starts_with("postgres://") || url.starts_with("postgresql://");
    let options: PgConnectOptions = url.parse().ok().filter(|_| is_postgres).ok_or_else(refused)?;
    let pool = PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(CONNECTION_WAIT)
        .after_connect(|connection, _| {
            Box::pin(async move {
                sqlx::raw_sql(
                    "SET client_min_messages = warning; SET synchronous_commit = off; SET jit = off;
                     SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_hashjoin = off;
                     SET enable_mergejoin = off; SET enable_incremental_sort = off;
                     SET statement_timeout = '30s'; SET lock_timeout = '10s';
                     SET idle_in_transaction_session_timeout = '30s'",
                )
                .execute(connection)
                .await?;
                Ok(())
            })
        })
        .connect_lazy_with(options.application_name("twofold-projector").statement_cache_capacity(STATEMENTS));
    Ok(pool)
}

/// The rows of one view version in Postgres: table `rows` in the schema `<view>_v<version>`.
#[derive(Debug, Clone)]
pub struct PostgresRows(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    pool: PgPool,
    view: ViewVersion,
    /// What folds the rows.
    code: Code,
    shape: &'static str,
    /// Whether what is made once a build is complete was made by this program.
    is_finished: AtomicBool,
    statements: Statements,
}

impl PostgresRows {
    /// Rows of `view` in the pool's database. `shape` is SQL that adds generated columns and indexes to the
    /// table `rows`; see `services/projector-postgres/src/tables/README.md`.
    pub fn new(pool: PgPool, view: ViewVersion, shape: &'static str) -> Self {
        Self::folded_by(Code { version: view.version, fold: None }, pool, view, shape)
    }

    fn folded_by(code: Code, pool: PgPool, view: ViewVersion, shape: &'static str) -> Self {
        let statements = Statements::of(&view);
        Self(Arc::new(Inner { pool, view, code, shape, is_finished: AtomicBool::new(false), statements }))
    }

    async fn advance(
        &self,
        connection: &mut PgConnection,
        lane: Lane,
        advance: &Advance,
        changes: &[RowChange],
    ) -> Result<(), StoreError> {
        let inner = &*self.0;
        let moved = if changes.is_empty() {
            bind_advance(
                sqlx::query(AssertSqlSafe(inner.statements.advance.clone())),
                inner.view,
                lane,
                advance,
            )
            .execute(connection)
            .await
            .map_err(store_error)?
            .rows_affected()
        } else {
            let columns = Columns::of(changes);
            let query = sqlx::query(AssertSqlSafe(inner.statements.write.clone()));
            let query = columns.bind(bind_advance(query, inner.view, lane, advance));
            let moved: i64 =
                query.fetch_one(connection).await.and_then(|row| row.try_get(0)).map_err(store_error)?;
            moved.unsigned_abs()
        };
        if moved == 1 { Ok(()) } else { Err(StoreError::Moved) }
    }

    async fn fold_pages(
        &self,
        connection: &mut PgConnection,
        lane: Lane,
        lookup: &Lookup,
        mut fold: impl FoldPage,
    ) -> Result<(), StoreError> {
        let statements = &self.0.statements;
        sqlx::query(AssertSqlSafe(statements.open_linked.clone()))
            .bind(lookup.tenant.as_str())
            .bind(lookup.link.as_str())
            .execute(&mut *connection)
            .await
            .map_err(store_error)?;
        loop {
            let page = sqlx::query(AssertSqlSafe(statements.fetch_linked.clone()))
                .fetch_all(&mut *connection)
                .await
                .map_err(store_error)?;
            if page.is_empty() {
                return Ok(());
            }
            let page = page.iter().map(stored_row).collect::<Result<Vec<_>, _>>()?;
            let folded = fold(page)?;
            if !folded.letters.is_empty() {
                self.keep(connection, lane, &folded.letters).await?;
            }
            if folded.changes.is_empty() {
                continue;
            }
            Columns::of(&folded.changes)
                .bind(sqlx::query(AssertSqlSafe(statements.write_page.clone())))
                .execute(&mut *connection)
                .await
                .map_err(store_error)?;
        }
    }
}

impl RowStore for PostgresRows {
    const NAME: &'static str = "postgres";
    const LOOK_EVERY: Duration = Duration::from_secs(5);
    const GATHER: Duration = Duration::from_millis(10);
    const WRITES_MANY_AT_ONCE: bool = true;

    fn view(&self) -> ViewVersion {
        self.0.view
    }

    async fn prepare(&self) -> Result<(), StoreError> {
        prepare::prepare(&self.0.pool, &self.0.view, self.0.code, self.0.shape).await
    }

    async fn begin(&self, lane: Lane) -> Result<(Checkpoint, bool), StoreError> {
        in_time(async {
            let serving = sqlx::query(statements::BEGIN_LANE)
                .bind(self.0.view.view)
                .bind(version(self.0.view))
                .bind(i32::from(lane.number()))
                .fetch_one(&self.0.pool)
                .await
                .and_then(|row| row.try_get::<bool, _>(0))
                .map_err(store_error)?;
            let emptied = || StoreError::Emptied("a checkpoint is gone that was just begun".to_owned());
            Ok((self.checkpoint(lane).await?.ok_or_else(emptied)?, serving))
        })
        .await
    }

    async fn checkpoint(&self, lane: Lane) -> Result<Option<Checkpoint>, StoreError> {
        in_time(async {
            let found = sqlx::query(statements::CHECKPOINT)
                .bind(self.0.view.view)
                .bind(version(self.0.view))
                .bind(i32::from(lane.number()))
                .fetch_optional(&self.0.pool)
                .await
                .map_err(store_error)?;
            found.as_ref().map(checkpoint).transpose()
        })
        .await
    }

    async fn load(&self, _: Lane, wanted: &[RowAddress]) -> Result<Vec<StoredRow>, StoreError> {
        let tenants: Vec<&str> = wanted.iter().map(|at| at.tenant.as_str()).collect();
        let keys: Vec<&str> = wanted.iter().map(|at| at.key.as_str()).collect();
        in_time(async {
            let found = sqlx::query(AssertSqlSafe(self.0.statements.load.clone()))
                .bind(tenants)
                .bind(keys)
                .fetch_all(&self.0.pool)
                .await
                .map_err(store_error)?;
            found.iter().map(stored_row).collect()
        })
        .await
    }

    async fn linked(
        &self,
        _: Lane,
        wanted: &[Lookup],
        most: usize,
    ) -> Result<Vec<Vec<StoredRow>>, StoreError> {
        let tenants: Vec<&str> = wanted.iter().map(|lookup| lookup.tenant.as_str()).collect();
        let links: Vec<&str> = wanted.iter().map(|lookup| lookup.link.as_str()).collect();
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        in_time(async {
            let found = sqlx::query(AssertSqlSafe(self.0.statements.linked.clone()))
                .bind(tenants)
                .bind(links)
                .bind(most)
                .fetch_all(&self.0.pool)
                .await
                .map_err(store_error)?;
            let mut rows = vec![Vec::new(); wanted.len()];
            for row in &found {
                let of: i64 = row.try_get(4).map_err(corrupt)?;
                let of = usize::try_from(of - 1).ok().and_then(|of| rows.get_mut(of));
                of.ok_or_else(|| StoreError::Corrupt("a row of no lookup".to_owned()))?
                    .push(stored_row(row)?);
            }
            Ok(rows)
        })
        .await
    }

    async fn addresses(
        &self,
        lane: Lane,
        from: Option<PageStart>,
    ) -> Result<(Vec<RowAddress>, Option<PageStart>), StoreError> {
        let from = from.unwrap_or_else(|| PageStart("/".to_owned()));
        let (tenant, key) = from.0.split_once('/').unwrap_or_default();
        in_time(async {
            let found = sqlx::query(AssertSqlSafe(self.0.statements.addresses.clone()))
                .bind(tenant)
                .bind(key)
                .bind(i32::from(lane.number()))
                .fetch_all(&self.0.pool)
                .await
                .map_err(store_error)?;
            let page = found.iter().map(address).collect::<Result<Vec<_>, _>>()?;
            let next = page.last().filter(|_| page.len() >= statements::ADDRESSES);
            let next = next.map(|at| PageStart(format!("{}/{}", at.tenant, at.key.as_str())));
            Ok((page, next))
        })
        .await
    }

    async fn write(
        &self,
        lane: Lane,
        advance: &Advance,
        changes: &[RowChange],
        letters: &[Letter],
    ) -> Result<(), StoreError> {
        in_time(async {
            if letters.is_empty() {
                let mut connection = self.0.pool.acquire().await.map_err(store_error)?;
                return self.advance(&mut connection, lane, advance, changes).await;
            }
            let mut transaction = self.0.pool.begin().await.map_err(store_error)?;
            self.advance(&mut transaction, lane, advance, changes).await?;
            self.keep(&mut transaction, lane, letters).await?;
            transaction.commit().await.map_err(store_error)
        })
        .await
    }

    async fn write_many(
        &self,
        lane: Lane,
        advance: &Advance,
        rows: Many<impl Changes, impl Changes>,
        letters: &[Letter],
    ) -> Result<(), StoreError> {
        self.write_all(lane, advance, rows, letters).await
    }

    async fn write_linked(
        &self,
        lane: Lane,
        advance: &Advance,
        lookup: &Lookup,
        fold: impl FoldPage,
    ) -> Result<(), StoreError> {
        let mut transaction = self.0.pool.begin().await.map_err(store_error)?;
        // First, so that the row lock keeps every other writer of the lane out until the end.
        self.advance(&mut transaction, lane, advance, &[]).await?;
        self.fold_pages(&mut transaction, lane, lookup, fold).await?;
        transaction.commit().await.map_err(store_error)
    }

    async fn settle(&self, lane: Lane, tenants: &[TenantId]) -> Result<(), StoreError> {
        // One order for all projectors, so that two that settle the same tenants cannot wait for each other.
        let mut tenants: Vec<&str> = tenants.iter().map(TenantId::as_str).collect();
        tenants.sort_unstable();
        in_time(async {
            sqlx::query(statements::SETTLE)
                .bind(tenants)
                .bind(i32::from(lane.number()))
                .execute(&self.0.pool)
                .await
                .map_err(store_error)?;
            Ok(())
        })
        .await
    }

    async fn caught_up(&self, lane: Lane, _: &Checkpoint) -> Result<bool, StoreError> {
        let Inner { pool, view, shape, is_finished, .. } = &*self.0;
        let switch = async || {
            let is_finished = is_finished.load(Ordering::Relaxed);
            in_time(builds::switch_where_caught_up(pool, view, lane, is_finished)).await
        };
        let mut switched = switch().await?;
        if switched == Switch::Unfinished {
            prepare::finish(pool, view, shape).await?;
            is_finished.store(true, Ordering::Relaxed);
            switched = switch().await?;
        }
        Ok(switched == Switch::Serves)
    }
}

async fn in_time<T>(call: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    tokio::time::timeout(CALL_TIMEOUT, call)
        .await
        .unwrap_or_else(|_| Err(StoreError::Unavailable("no answer in time".to_owned())))
}

type Query<'q> = sqlx::query::Query<'q, sqlx::Postgres, sqlx::postgres::PgArguments>;

fn version(view: ViewVersion) -> i32 {
    view.version.cast_signed()
}

fn bind_advance<'q>(query: Query<'q>, view: ViewVersion, lane: Lane, advance: &Advance) -> Query<'q> {
    let Advance { from, to } = advance;
    let query = query.bind(view.view).bind(version(view)).bind(i32::from(lane.number()));
    [to, from].into_iter().fold(query, |query, checkpoint| {
        query
            .bind(checkpoint.sequence.to_i64())
            .bind(checkpoint.offset)
            .bind(checkpoint.epoch.map(|epoch| epoch.0))
            .bind(checkpoint.chain.as_bytes().to_vec())
    })
}

/// Changes as arrays, one per column: what is deleted, then what is kept.
#[derive(Default)]
struct Columns<'a> {
    gone_tenants: Vec<&'a str>,
    gone_keys: Vec<&'a str>,
    tenants: Vec<&'a str>,
    keys: Vec<&'a str>,
    stamps: Vec<i64>,
    bodies: Vec<&'a str>,
    links: Vec<Option<String>>,
}

impl<'a> Columns<'a> {
    fn of(changes: &'a [RowChange]) -> Self {
        let mut columns = Self::default();
        for change in changes {
            let (tenant, key) = (change.at.tenant.as_str(), change.at.key.as_str());
            match &change.body {
                None => {
                    columns.gone_tenants.push(tenant);
                    columns.gone_keys.push(key);
                }
                Some(body) => {
                    columns.tenants.push(tenant);
                    columns.keys.push(key);
                    columns.stamps.push(change.stamp.to_i64());
                    columns.bodies.push(body);
                    columns.links.push(array_literal(change));
                }
            }
        }
        columns
    }

    fn bind<'q>(self, query: Query<'q>) -> Query<'q>
    where
        'a: 'q,
    {
        query
            .bind(self.gone_tenants)
            .bind(self.gone_keys)
            .bind(self.tenants)
            .bind(self.keys)
            .bind(self.stamps)
            .bind(self.bodies)
            .bind(self.links)
    }
}

/// The links as the text of a Postgres array: arrays of arrays of different lengths cannot be bound.
fn array_literal(change: &RowChange) -> Option<String> {
    if change.links.is_empty() {
        return None;
    }
    let mut literal = String::from("{");
    for (index, link) in change.links.iter().enumerate() {
        literal.push_str(if index == 0 { "\"" } else { ",\"" });
        for character in link.as_str().chars() {
            if matches!(character, '"' | '\\') {
                literal.push('\\');
            }
            literal.push(character);
        }
        literal.push('"');
    }
    literal.push('}');
    Some(literal)
}

/// Columns: tenant, key.
fn address(row: &PgRow) -> Result<RowAddress, StoreError> {
    let tenant: &str = row.try_get(0).map_err(corrupt)?;
    let key: &str = row.try_get(1).map_err(corrupt)?;
    let tenant = TenantId::new(tenant).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    Ok(RowAddress { tenant, key: RowKey::new(key) })
}

/// Columns: tenant, key, stamp, body.
fn stored_row(row: &PgRow) -> Result<StoredRow, StoreError> {
    Ok(StoredRow {
        at: address(row)?,
        stamp: Sequence::from_i64(row.try_get(2).map_err(corrupt)?),
        body: row.try_get(3).map_err(corrupt)?,
    })
}

/// Columns: sequence, offset, epoch, chain.
fn checkpoint(row: &PgRow) -> Result<Checkpoint, StoreError> {
    let chain: &[u8] = row.try_get(3).map_err(corrupt)?;
    Ok(Checkpoint {
        sequence: Sequence::from_i64(row.try_get(0).map_err(corrupt)?),
        offset: row.try_get(1).map_err(corrupt)?,
        epoch: row.try_get::<Option<_>, _>(2).map_err(corrupt)?.map(Epoch),
        chain: ChainHash::from_bytes(chain).ok_or_else(|| StoreError::Corrupt("a chain".to_owned()))?,
    })
}
