//! The registry's statements.

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{PgConnection, PgPool};

static MIGRATIONS: Migrator = sqlx::migrate!();

/// Makes the tables, or brings them up to date. Several registries may do so at once: the first holds the
/// database's migration lock, the others wait for it and find the work done.
pub(crate) async fn migrate(pool: PgPool) -> Result<(), MigrateError> {
    let mut migrator = Migrator::with_migrations(MIGRATIONS.iter().cloned().collect());
    // A table of its own: others keep their migrations in the same database.
    migrator.create_schema("registry");
    migrator.dangerous_set_table_name("registry.migrations");
    let mut connection = pool.acquire().await?;
    migrator.run_direct(None, &mut *connection, false).await
}

/// A version of a subject with its schema.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Version {
    pub(crate) version: i32,
    pub(crate) schema_id: i32,
    pub(crate) text: String,
}

/// Lets one registration through at a time, over all processes on the database, until the transaction ends. Lookups
/// do not wait for it.
pub(crate) async fn lock_registrations(transaction: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended('twofold.schema-registry', 0))")
        .execute(transaction)
        .await
        .map(drop)
}

/// The id of the schema with this hash. Locks nothing.
pub(crate) async fn id_of(connection: &mut PgConnection, hash: &[u8; 32]) -> sqlx::Result<Option<i32>> {
    sqlx::query_scalar("SELECT id FROM registry.schemas WHERE hash = $1")
        .bind(&hash[..])
        .fetch_optional(connection)
        .await
}

/// Adds a schema under the next id. Only under the registration lock: two at once would choose the same.
pub(crate) async fn insert_schema(
    transaction: &mut PgConnection,
    hash: &[u8; 32],
    text: &str,
) -> sqlx::Result<i32> {
    sqlx::query_scalar(
        "INSERT INTO registry.schemas (id, hash, text)
         SELECT coalesce(max(id), 0) + 1, $1, $2 FROM registry.schemas
         RETURNING id",
    )
    .bind(&hash[..])
    .bind(text)
    .fetch_one(transaction)
    .await
}

/// Adds the next version to a subject. Only under the registration lock.
pub(crate) async fn insert_version(
    transaction: &mut PgConnection,
    subject: &str,
    schema_id: i32,
) -> sqlx::Result<i32> {
    sqlx::query_scalar(
        "INSERT INTO registry.versions (subject, version, schema_id)
         SELECT $1, coalesce(max(version), 0) + 1, $2 FROM registry.versions WHERE subject = $1
         RETURNING version",
    )
    .bind(subject)
    .bind(schema_id)
    .fetch_one(transaction)
    .await
}

/// The text of the schema with this id.
pub(crate) async fn text_of(connection: &mut PgConnection, id: i32) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar("SELECT text FROM registry.schemas WHERE id = $1")
        .bind(id)
        .fetch_optional(connection)
        .await
}

/// The subjects and versions of the schema with this id.
pub(crate) async fn uses_of(connection: &mut PgConnection, id: i32) -> sqlx::Result<Vec<(String, i32)>> {
    sqlx::query_as(
        "SELECT subject, version FROM registry.versions WHERE schema_id = $1 ORDER BY subject, version",
    )
    .bind(id)
    .fetch_all(connection)
    .await
}

/// All subjects that begin with `prefix`.
pub(crate) async fn subjects(connection: &mut PgConnection, prefix: &str) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar(
        "SELECT DISTINCT subject FROM registry.versions WHERE starts_with(subject, $1) ORDER BY subject",
    )
    .bind(prefix)
    .fetch_all(connection)
    .await
}

/// The versions of a subject, oldest first; none where there is no such subject.
pub(crate) async fn versions(connection: &mut PgConnection, subject: &str) -> sqlx::Result<Vec<Version>> {
    sqlx::query_as(
        "SELECT version, schema_id, text
         FROM registry.versions JOIN registry.schemas ON schemas.id = versions.schema_id
         WHERE subject = $1 ORDER BY version",
    )
    .bind(subject)
    .fetch_all(connection)
    .await
}

/// The level set for exactly this subject; the empty one stands for all others.
pub(crate) async fn level_of(connection: &mut PgConnection, subject: &str) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar("SELECT level FROM registry.levels WHERE subject = $1")
        .bind(subject)
        .fetch_optional(connection)
        .await
}

/// Sets a level.
pub(crate) async fn set_level(connection: &mut PgConnection, subject: &str, level: &str) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO registry.levels (subject, level) VALUES ($1, $2)
         ON CONFLICT ON CONSTRAINT levels_pk DO UPDATE SET level = excluded.level",
    )
    .bind(subject)
    .bind(level)
    .execute(connection)
    .await
    .map(drop)
}

/// Takes a level back; what it was.
pub(crate) async fn clear_level(
    connection: &mut PgConnection,
    subject: &str,
) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar("DELETE FROM registry.levels WHERE subject = $1 RETURNING level")
        .bind(subject)
        .fetch_optional(connection)
        .await
}
