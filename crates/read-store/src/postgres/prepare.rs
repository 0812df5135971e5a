//! What must be there before rows are written.

use sqlx::migrate::Migrator;
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Row as _};

use super::builds;
use super::failure::store_error;
use super::statements::{self, is_a_name, schema, snake};
use crate::{BuildState, Code, StoreError, ViewVersion};

/// Under a table name of its own: the database may be shared with others that migrate theirs.
static MIGRATOR: Migrator = Migrator {
    table_name: std::borrow::Cow::Borrowed("read_store_migrations"),
    ..sqlx::migrate!("./migrations")
};

/// One at a time prepares or switches, over all projectors of the database.
pub(super) const ONE_AT_A_TIME: &str = "SELECT pg_advisory_xact_lock(hashtextextended('twofold views', 0))";

/// Makes the tracker, the version's table and, where it is the view's first version, the view that queries read. What
/// queries filter by comes later where rows come in in bulk first.
/// Everything is made only where it is not there; repeating it changes nothing.
pub(super) async fn prepare(
    pool: &PgPool,
    view: &ViewVersion,
    code: Code,
    shape: &'static str,
) -> Result<(), StoreError> {
    if !is_a_name(view.view) || i32::try_from(view.version).is_ok_and(|version| version < 1) {
        return Err(StoreError::Misconfigured(format!("{:?} cannot be the name of a view", view.view)));
    }
    migrate(pool).await?;
    let mut transaction = pool.begin().await.map_err(store_error)?;
    let connection = &mut *transaction;
    run(connection, "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '60s'").await?;
    sqlx::query(ONE_AT_A_TIME).execute(&mut *connection).await.map_err(store_error)?;
    make_table(connection, view).await?;
    let serving = enter_in_tracker(connection, view, code).await?;
    if builds::state(connection, view).await? != Some(BuildState::Building) {
        give_shape(connection, view, shape).await?;
    }
    if serving == view.version.cast_signed() {
        point_serving(connection, view).await?;
    }
    transaction.commit().await.map_err(store_error)
}

/// On a connection that is closed afterwards, however this ends: the migrator's lock belongs to the session, and
/// one that failed or was dropped half-way would otherwise keep it for as long as the pool lives.
pub(super) async fn migrate(pool: &PgPool) -> Result<(), StoreError> {
    let mut connection = pool.acquire().await.map_err(store_error)?;
    connection.close_on_drop();
    // What `run` does with a connection that it acquired itself; `run` cannot be given one in a future that is sent.
    MIGRATOR.run_direct(None, &mut *connection, false).await.map_err(|error| store_error(error.into()))
}

async fn make_table(connection: &mut PgConnection, view: &ViewVersion) -> Result<(), StoreError> {
    let schema = schema(view);
    let table = format!(
        "CREATE SCHEMA IF NOT EXISTS {schema};
         SET LOCAL search_path = {schema}, public;
         CREATE TABLE IF NOT EXISTS rows (
             tenant text COLLATE \"C\" NOT NULL,
             key    text COLLATE \"C\" NOT NULL,
             stamp  bigint NOT NULL,
             row    jsonb NOT NULL,
             links  text[],
             CONSTRAINT rows_pkey PRIMARY KEY (tenant, key)
         );
         CREATE INDEX IF NOT EXISTS rows_links ON rows USING gin (links) WHERE links IS NOT NULL"
    );
    sqlx::raw_sql(AssertSqlSafe(table)).execute(&mut *connection).await.map_err(store_error)?;
    run(connection, "SET LOCAL search_path = public").await
}

/// What queries filter and sort by.
async fn give_shape(
    connection: &mut PgConnection,
    view: &ViewVersion,
    shape: &'static str,
) -> Result<(), StoreError> {
    let path = format!("SET LOCAL search_path = {}, public", schema(view));
    sqlx::raw_sql(AssertSqlSafe(path)).execute(&mut *connection).await.map_err(store_error)?;
    run(connection, shape).await?;
    run(connection, "SET LOCAL search_path = public").await
}

/// Gives a build that is complete what queries need: its columns and indexes are made once, over rows that are there,
/// which is much faster than keeping them while rows come in. Whoever writes rows meanwhile waits.
pub(super) async fn finish(pool: &PgPool, view: &ViewVersion, shape: &'static str) -> Result<(), StoreError> {
    let mut transaction = pool.begin().await.map_err(store_error)?;
    let connection = &mut *transaction;
    run(connection, "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '60s'").await?;
    run(connection, "SET LOCAL maintenance_work_mem = '256MB'").await?;
    // One of the lanes' projectors does it; the others find it done.
    let one_at_a_time = "SELECT pg_advisory_xact_lock(hashtextextended('twofold build ' || $1, 0))";
    let locked = sqlx::query(one_at_a_time).bind(schema(view));
    locked.execute(&mut *connection).await.map_err(store_error)?;
    give_shape(connection, view, shape).await?;
    let analyse = format!("ANALYZE {}.rows", schema(view));
    sqlx::raw_sql(AssertSqlSafe(analyse)).execute(&mut *connection).await.map_err(store_error)?;
    transaction.commit().await.map_err(store_error)
}

/// Enters view and version where they are new, and answers which version serves. The first serves at once.
pub(super) async fn enter_in_tracker(
    connection: &mut PgConnection,
    view: &ViewVersion,
    code: Code,
) -> Result<i32, StoreError> {
    let version = view.version.cast_signed();
    let entered =
        "INSERT INTO projections (view, context, serving) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    let entered = sqlx::query(entered).bind(view.view).bind(view.context).bind(version);
    entered.execute(&mut *connection).await.map_err(store_error)?;
    let entered = "
        INSERT INTO projection_versions (view, version, code, fold, state)
        SELECT view, $2, $3, $4, CASE WHEN serving = $2 THEN 'serving' ELSE 'building' END
          FROM projections WHERE view = $1
        ON CONFLICT DO NOTHING";
    let entered = sqlx::query(entered).bind(view.view).bind(version);
    let entered = entered.bind(code.version.cast_signed()).bind(code.fold.map(|fold| fold.to_string()));
    entered.execute(&mut *connection).await.map_err(store_error)?;
    one(sqlx::query(statements::LOCK_SERVING).bind(view.view), connection).await
}

/// Points `serving.<view>` to the version's table, unless it shows just that already.
pub(super) async fn point_serving(
    connection: &mut PgConnection,
    view: &ViewVersion,
) -> Result<(), StoreError> {
    let (schema, serving) = (schema(view), format!("serving.{}", snake(view.view)));
    // A view's columns are settled when it is made, and what it reads is in the catalogue: compare both.
    let same = "
        SELECT to_regclass($1) IS NOT NULL
           AND ARRAY(SELECT attname FROM pg_attribute
                      WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum)
             = ARRAY(SELECT attname FROM pg_attribute
                      WHERE attrelid = to_regclass($2) AND attnum > 0 AND NOT attisdropped ORDER BY attnum)
           AND EXISTS (SELECT 1 FROM pg_rewrite JOIN pg_depend ON pg_depend.objid = pg_rewrite.oid
                        WHERE pg_rewrite.ev_class = to_regclass($1)
                          AND pg_depend.refobjid = to_regclass($2)::oid)";
    let same = sqlx::query(same).bind(&serving).bind(format!("{schema}.rows"));
    if one(same, connection).await? {
        return Ok(());
    }
    let pointed =
        format!("DROP VIEW IF EXISTS {serving}; CREATE VIEW {serving} AS SELECT * FROM {schema}.rows");
    sqlx::raw_sql(AssertSqlSafe(pointed)).execute(connection).await.map_err(store_error)?;
    Ok(())
}

pub(super) async fn run(connection: &mut PgConnection, sql: &'static str) -> Result<(), StoreError> {
    sqlx::raw_sql(sql).execute(connection).await.map_err(store_error)?;
    Ok(())
}

pub(super) async fn one<T>(query: super::Query<'_>, connection: &mut PgConnection) -> Result<T, StoreError>
where
    T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    query.fetch_one(connection).await.and_then(|row| row.try_get(0)).map_err(store_error)
}
