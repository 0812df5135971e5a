//! `twofold migrate`: tables before services, and a role that only reads.

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, PgPool};
use test_servers::TestDatabase;
use tokio::process::Command;
use uuid::Uuid;

async fn migrate(log: &TestDatabase, views: &TestDatabase, others: &TestDatabase, role: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_twofold"))
        .args(["migrate", "--reader", role, "--log-url", log.url(), "--views-url", views.url()])
        .args(["--processes-url", others.url(), "--registry-database-url", others.url()])
        .output()
        .await
        .unwrap();
    let (said, failed) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}{failed}");
    said
}

/// A connection as another role than the database's owner.
async fn as_role(database: &TestDatabase, role: &str) -> PgPool {
    let options: PgConnectOptions = database.url().parse().unwrap();
    let statement = format!("SET ROLE {role}");
    let pool = PgPoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
    sqlx::query(AssertSqlSafe(statement)).execute(&pool).await.unwrap();
    pool
}

pub(crate) async fn is_refused(pool: &PgPool, statement: &'static str) {
    let error = sqlx::query(statement).execute(pool).await.expect_err(statement);
    let code = error.as_database_error().and_then(|error| error.code()).unwrap_or_default().into_owned();
    assert_eq!(code, "42501", "{statement}: {error}");
}

pub(crate) async fn works(pool: &PgPool, statement: &'static str) {
    sqlx::query(statement).execute(pool).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
}

#[tokio::test]
async fn databases_are_migrated_and_their_reader_can_do_nothing_but_read_what_queries_read() {
    let (log, views, others) =
        tokio::join!(TestDatabase::create(), TestDatabase::create(), TestDatabase::create());
    let role = format!("reader_{}", Uuid::new_v4().simple());
    let owner = views.pool().await;
    sqlx::query(AssertSqlSafe(format!("CREATE ROLE {role}"))).execute(&owner).await.unwrap();

    let said = migrate(&log, &views, &others, &role).await;
    assert_eq!(said, "log: up to date\nviews: up to date\nprocesses: up to date\nregistry: up to date\n");
    assert_eq!(migrate(&log, &views, &others, &role).await, said);

    let reader = as_role(&log, &role).await;
    works(&reader, "SELECT FROM inline_rows JOIN inline_heads ON true JOIN inline_views ON true").await;
    works(&reader, "SELECT FROM tenants JOIN logs ON true").await;
    is_refused(&reader, "SELECT FROM events").await;
    is_refused(&reader, "SELECT FROM passwords").await;
    is_refused(&reader, "SELECT FROM once_keys").await;
    is_refused(&reader, "DELETE FROM inline_rows").await;
    is_refused(&reader, "UPDATE tenants SET lane = 0").await;
    is_refused(&reader, "CREATE TABLE mine (id int)").await;

    // What a projector makes later is read as well.
    works(&owner, "CREATE VIEW serving.a_later_one AS SELECT 1 AS one").await;
    let reader = as_role(&views, &role).await;
    works(&reader, "SELECT FROM serving.a_later_one JOIN serving.checkpoints ON true").await;
    works(&reader, "SELECT FROM serving.parked JOIN tenant_lanes ON true").await;
    is_refused(&reader, "SELECT FROM dead_letters").await;
    is_refused(&reader, "DELETE FROM checkpoints").await;
    is_refused(&reader, "DROP VIEW serving.a_later_one").await;
}

#[tokio::test]
async fn where_no_database_is_named_nothing_is_migrated() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_twofold"));
    for name in ["LOG_URL", "VIEWS_URL", "PROCESSES_URL", "REGISTRY_DATABASE_URL"] {
        command.env_remove(format!("TWOFOLD_{name}"));
    }
    let output = command.arg("migrate").output().await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("TWOFOLD_LOG_URL"), "{said}");
}
