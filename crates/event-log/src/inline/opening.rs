//! Which rows are a view's: those that its version and its fold made.

use kernel::{FoldFingerprint, LogId, Sequence};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgConnection, Row, query, query_scalar};

use super::InlineView;
use crate::{EventLog, LogError};

/// See `queries/inline_view.sql`.
const FIND: &str = include_str!("../../queries/inline_view.sql");
/// The longest name of a view, in bytes: its schema's has more to say.
const LONGEST_NAME: usize = 40;

/// What made the rows of a view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InlineCode {
    /// The version that the code says.
    pub version: u32,
    /// The fingerprint of its fold; none where it cannot be told apart from others: then the version alone counts.
    pub fold: Option<FoldFingerprint>,
}

impl InlineCode {
    /// As it is kept.
    fn fold(&self) -> String {
        self.fold.map_or_else(String::new, |fold| fold.to_string())
    }
}

/// What became of opening a view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenedView {
    /// Its rows are there.
    Known(InlineView),
    /// It has none yet of this version, or of this fold; they have to be built from the beginning.
    New(InlineView),
    /// The rows of this version are another fold's, and nothing was changed.
    Changed,
}

struct Found {
    id: i32,
    fold: String,
    place: String,
}

impl Found {
    fn read(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self { id: row.try_get(0)?, fold: row.try_get(1)?, place: row.try_get(2)? })
    }
}

impl EventLog {
    /// Finds the rows of a view that this code made, and makes what they live in where there are none. Where those of
    /// the version are another fold's, they are left alone: new ones are begun if `rebuild`, and nothing is if not.
    /// Rows of which nobody knows the fold are taken to be of the first that comes. `shape` is SQL that adds indexes to
    /// the table `rows`; it is run each time and must be repeatable.
    ///
    /// Several services may do so at once: an advisory lock lets one after the other work. The first time, appends
    /// wait for a moment.
    pub async fn open_inline_view(
        &self,
        context: &str,
        view: &str,
        code: &InlineCode,
        rebuild: bool,
        shape: &str,
    ) -> Result<OpenedView, LogError> {
        let is_a_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        if view.is_empty() || view.len() > LONGEST_NAME || !is_a_name(view) {
            return Err(LogError::Corrupt(format!("{view:?} is not the name of a view")));
        }
        let mut transaction = self.pool.begin().await?;
        query("SELECT pg_advisory_xact_lock(hashtextextended('twofold inline views', 0))")
            .execute(&mut *transaction)
            .await?;
        let (found, is_new) = match find(&mut transaction, view, code).await? {
            Some(found) => (found, false),
            None if !rebuild && is_known(&mut transaction, view, code.version).await? => {
                return Ok(OpenedView::Changed);
            }
            None => (begin(&mut transaction, context, view, code).await?, true),
        };
        if found.fold.is_empty() && code.fold.is_some() {
            query("UPDATE inline_views SET fold = $2 WHERE view_id = $1")
                .bind(found.id)
                .bind(code.fold())
                .execute(&mut *transaction)
                .await?;
        }
        // The schema of its own lets the shape say plainly `rows`; it is made of a name that was checked above.
        let Found { id, place, .. } = found;
        let opened = if is_new { OpenedView::New(InlineView(id)) } else { OpenedView::Known(InlineView(id)) };
        // Made before, by a role that owns the tables: it has the last word on their shape too.
        let is_anothers: bool = query_scalar(
            "SELECT EXISTS (
                 SELECT FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
                 WHERE nspname = $1 AND relname = 'rows' AND NOT pg_has_role(current_user, relowner, 'USAGE')
             )",
        )
        .bind(&place)
        .fetch_one(&mut *transaction)
        .await?;
        if is_anothers {
            transaction.commit().await?;
            return Ok(opened);
        }
        sqlx::raw_sql(AssertSqlSafe(format!(
            "CREATE SCHEMA IF NOT EXISTS {place};
             CREATE TABLE IF NOT EXISTS {place}.rows PARTITION OF inline_rows FOR VALUES IN ({id});
             SET LOCAL search_path = {place}, public;
             {shape}"
        )))
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(opened)
    }

    /// Up to where the rows of a view reflect a log, where it was ever opened and begun; changes nothing.
    pub async fn inline_head(
        &self,
        view: &str,
        code: &InlineCode,
        log: &LogId,
    ) -> Result<Option<(InlineView, Sequence)>, LogError> {
        let found = query(FIND).bind(view).bind(i64::from(code.version)).bind(code.fold());
        let Some(found) = found.fetch_optional(&self.pool).await? else { return Ok(None) };
        let Found { id, .. } = Found::read(&found)?;
        let through: Option<i64> = query_scalar(
            "SELECT inline_heads.through
             FROM logs JOIN inline_heads ON inline_heads.log_id = logs.log_id AND inline_heads.view_id = $1
             WHERE logs.context = $2 AND logs.lane = $3",
        )
        .bind(id)
        .bind(&*log.context)
        .bind(i32::from(log.lane.number()))
        .fetch_optional(&self.pool)
        .await?;
        Ok(through.map(|through| (InlineView(id), Sequence::from_i64(through))))
    }
}

async fn find(
    connection: &mut PgConnection,
    view: &str,
    code: &InlineCode,
) -> Result<Option<Found>, LogError> {
    let found = query(FIND).bind(view).bind(i64::from(code.version)).bind(code.fold());
    let found = found.fetch_optional(connection).await?;
    Ok(found.as_ref().map(Found::read).transpose()?)
}

/// Whether there are rows of this version, whatever fold made them.
async fn is_known(connection: &mut PgConnection, view: &str, version: u32) -> Result<bool, LogError> {
    let known = query_scalar("SELECT EXISTS (SELECT FROM inline_views WHERE view = $1 AND version = $2)");
    Ok(known.bind(view).bind(i64::from(version)).fetch_one(connection).await?)
}

async fn begin(
    connection: &mut PgConnection,
    context: &str,
    view: &str,
    code: &InlineCode,
) -> Result<Found, LogError> {
    let version = code.version;
    let place = format!("inline_{}_v{version}", view.replace('-', "_"));
    // The second of a version has its number besides.
    let row = query(
        "WITH next AS (SELECT nextval(pg_get_serial_sequence('inline_views', 'view_id'))::integer AS id)
         INSERT INTO inline_views (view_id, context, view, version, fold, place) OVERRIDING SYSTEM VALUE
         SELECT next.id, $1, $2, $3, $4,
                $5 || CASE WHEN EXISTS (SELECT FROM inline_views WHERE place = $5) THEN '_' || next.id ELSE '' END
           FROM next
         RETURNING view_id, fold, place",
    )
    .bind(context)
    .bind(view)
    .bind(i64::from(version))
    .bind(code.fold())
    .bind(place)
    .fetch_one(connection)
    .await?;
    Ok(Found::read(&row)?)
}
