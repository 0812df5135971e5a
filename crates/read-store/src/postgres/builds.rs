//! Builds side by side, and the switch from one to another.

use std::num::{NonZeroU16, NonZeroU32};
use std::time::Duration;

use kernel::{FoldFingerprint, Lane};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Row as _};
use tokio::time::Instant;

use super::failure::{corrupt, store_error};
use super::prepare::{ONE_AT_A_TIME, enter_in_tracker, migrate, one, point_serving, run};
use super::{PostgresRows, in_time, statements};
use crate::{BuildOptions, BuildState, Builds, Code, Entered, StoreError, Tracked, TrackedLane, ViewVersion};

/// How long the build that is read is held where it is, for another to come to where it is. Shorter than the time that
/// its projector waits for a lock.
const HELD: Duration = Duration::from_secs(5);

impl Builds for PostgresRows {
    fn of_build(&self, build: u32) -> Self {
        let inner = &self.0;
        let view = ViewVersion { version: build, ..inner.view };
        Self::folded_by(inner.code, inner.pool.clone(), view, inner.shape)
    }

    fn with_fold(self, fold: Option<FoldFingerprint>) -> Self {
        let inner = &self.0;
        let code = Code { fold, ..inner.code };
        Self::folded_by(code, inner.pool.clone(), inner.view, inner.shape)
    }

    async fn tracked(&self, lanes: &[Lane]) -> Result<Vec<Tracked>, StoreError> {
        in_time(tracked(&self.0.pool, &self.0.view, lanes)).await
    }

    async fn enter(&self, beside_changed: bool) -> Result<Entered, StoreError> {
        migrate(&self.0.pool).await?;
        let mut transaction = self.0.pool.begin().await.map_err(store_error)?;
        let connection = &mut *transaction;
        sqlx::query(ONE_AT_A_TIME).execute(&mut *connection).await.map_err(store_error)?;
        let (view, code) = (self.0.view, self.0.code);
        let entered = match known_folds(connection, &view, code).await? {
            Known::Ours => Entered::Known,
            Known::Another(fold) if !beside_changed => Entered::Changed(fold),
            Known::Another(_) | Known::None => {
                let next: Option<i32> = next_build(connection, &view, code).await?;
                let version = next.map_or(code.version, i32::cast_unsigned);
                enter_in_tracker(connection, &ViewVersion { version, ..view }, code).await?;
                Entered::New(version)
            }
        };
        transaction.commit().await.map_err(store_error)?;
        Ok(entered)
    }

    async fn begin_build(&self, _: &[Lane], options: BuildOptions) -> Result<u32, StoreError> {
        in_time(async {
            let (view, code) = (self.0.view, self.0.code);
            let mut transaction = self.0.pool.begin().await.map_err(store_error)?;
            let connection = &mut *transaction;
            sqlx::query(statements::LOCK_SERVING)
                .bind(view.view)
                .execute(&mut *connection)
                .await
                .map_err(store_error)?;
            let build = next_build(connection, &view, code).await?;
            let build = build.ok_or_else(|| StoreError::Emptied("the tracker knows no build".to_owned()))?;
            sqlx::query(statements::BEGIN_BUILD)
                .bind(view.view)
                .bind(build)
                .bind(code.version.cast_signed())
                .bind(options.throttle.map(|throttle| throttle.get().cast_signed()))
                .bind(options.parallel.map(|lanes| i32::from(lanes.get())))
                .bind(code.fold.map(|fold| fold.to_string()))
                .execute(&mut *connection)
                .await
                .map_err(store_error)?;
            transaction.commit().await.map_err(store_error)?;
            Ok(build.cast_unsigned())
        })
        .await
    }

    async fn fail(&self, why: &str) -> Result<(), StoreError> {
        let view = self.0.view;
        let failed = sqlx::query(statements::FAIL).bind(view.view).bind(view.version.cast_signed()).bind(why);
        in_time(async { failed.execute(&self.0.pool).await.map_err(store_error) }).await?;
        Ok(())
    }

    async fn serve_again(&self, _: &[Lane]) -> Result<bool, StoreError> {
        in_time(serve_again(&self.0.pool, &self.0.view)).await
    }

    async fn erase(&self, _: &[Lane]) -> Result<(), StoreError> {
        let (view, version) = (self.0.view, self.0.view.version.cast_signed());
        in_time(async {
            let mut transaction = self.0.pool.begin().await.map_err(store_error)?;
            let connection = &mut *transaction;
            sqlx::query(ONE_AT_A_TIME).execute(&mut *connection).await.map_err(store_error)?;
            let forgotten = sqlx::query(statements::FORGET).bind(view.view).bind(version);
            if one::<i64>(forgotten, connection).await? == 0 {
                return Ok(());
            }
            let gone = sqlx::query(statements::FORGET_BUILD).bind(view.view).bind(version);
            gone.execute(&mut *connection).await.map_err(store_error)?;
            let rows = format!("DROP SCHEMA IF EXISTS {} CASCADE", statements::schema(&view));
            sqlx::raw_sql(AssertSqlSafe(rows)).execute(&mut *connection).await.map_err(store_error)?;
            transaction.commit().await.map_err(store_error)
        })
        .await
    }
}

/// None where the view has no build at all.
async fn next_build(
    connection: &mut PgConnection,
    view: &ViewVersion,
    code: Code,
) -> Result<Option<i32>, StoreError> {
    let next = sqlx::query(statements::NEXT_BUILD).bind(view.view).bind(code.version.cast_signed());
    one(next.bind(code.fold.map(|fold| fold.to_string())), connection).await
}

/// Whose builds of our version there are.
enum Known {
    None,
    Ours,
    Another(FoldFingerprint),
}

/// Those that do not say are ours from here on.
async fn known_folds(
    connection: &mut PgConnection,
    view: &ViewVersion,
    code: Code,
) -> Result<Known, StoreError> {
    let version = code.version.cast_signed();
    let claimed = sqlx::query(statements::CLAIM_BUILDS).bind(view.view).bind(version);
    let claimed = claimed.bind(code.fold.map(|fold| fold.to_string()));
    claimed.execute(&mut *connection).await.map_err(store_error)?;
    let folds = sqlx::query(statements::FOLDS).bind(view.view).bind(version);
    let mut known = Known::None;
    for row in folds.fetch_all(connection).await.map_err(store_error)? {
        let fold = fold_of(&row, 0)?;
        match fold {
            Some(other) if code.fold.is_some_and(|ours| ours != other) => known = Known::Another(other),
            _ => return Ok(Known::Ours),
        }
    }
    Ok(known)
}

fn fold_of(row: &PgRow, column: usize) -> Result<Option<FoldFingerprint>, StoreError> {
    let fold: Option<&str> = row.try_get(column).map_err(corrupt)?;
    let parsed = fold.map(str::parse).transpose();
    parsed.map_err(|_| StoreError::Corrupt("the fingerprint of a build's fold".to_owned()))
}

async fn tracked(pool: &PgPool, view: &ViewVersion, lanes: &[Lane]) -> Result<Vec<Tracked>, StoreError> {
    let rows = sqlx::query(statements::TRACKED).bind(view.view).fetch_all(pool).await.map_err(store_error)?;
    let mut all: Vec<Tracked> = Vec::new();
    for row in &rows {
        let build = row.try_get::<i32, _>(4).map_err(corrupt)?.cast_unsigned();
        if all.last().is_none_or(|last| last.build != build) {
            all.push(tracked_build(build, row)?);
        }
        let Some(lane) = row.try_get::<Option<i32>, _>(10).map_err(corrupt)? else { continue };
        let lane = u16::try_from(lane).map_err(|_| StoreError::Corrupt("a lane's number".to_owned()))?;
        let lane = Lane::new(lane);
        if let Some(last) = all.last_mut().filter(|_| lanes.contains(&lane)) {
            last.lanes.push(TrackedLane { lane, checkpoint: super::checkpoint(row)? });
        }
    }
    Ok(all)
}

fn tracked_build(build: u32, row: &PgRow) -> Result<Tracked, StoreError> {
    let state: &str = row.try_get(6).map_err(corrupt)?;
    let state = BuildState::parse(state).ok_or_else(|| StoreError::Corrupt("a build's state".to_owned()))?;
    let since: i64 = row.try_get(7).map_err(corrupt)?;
    let throttle: Option<i32> = row.try_get(8).map_err(corrupt)?;
    let parallel: Option<i32> = row.try_get(11).map_err(corrupt)?;
    Ok(Tracked {
        build,
        code: Code {
            version: row.try_get::<i32, _>(5).map_err(corrupt)?.cast_unsigned(),
            fold: fold_of(row, 12)?,
        },
        state,
        since: Duration::from_secs(u64::try_from(since).unwrap_or(0)),
        options: BuildOptions {
            throttle: throttle.map(i32::cast_unsigned).and_then(NonZeroU32::new),
            parallel: parallel.and_then(|lanes| NonZeroU16::new(u16::try_from(lanes).ok()?)),
        },
        trouble: row.try_get(9).map_err(corrupt)?,
        lanes: Vec::new(),
    })
}

/// What became of a lane's having caught up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Switch {
    /// Queries read the build.
    Serves,
    /// They read another.
    NotYet,
    /// They could, once it was finished.
    Unfinished,
}

/// Whether the build serves; makes it serve where it was finished and it is being built and each of its lanes has caught up and has reached
/// the serving build's.
///
/// A query that runs meanwhile reads either build. Rows of the new one reflect at least what the old one did
/// when it was looked at, so a client that waits for its own write still finds it.
pub(super) async fn switch_where_caught_up(
    pool: &PgPool,
    view: &ViewVersion,
    lane: Lane,
    is_finished: bool,
) -> Result<Switch, StoreError> {
    let version = view.version.cast_signed();
    let mut transaction = pool.begin().await.map_err(store_error)?;
    let connection = &mut *transaction;
    let marked = sqlx::query(statements::MARK_CAUGHT_UP).bind(view.view).bind(version);
    let marked = marked.bind(i32::from(lane.number()));
    marked.execute(&mut *connection).await.map_err(store_error)?;
    let serving: i32 = one(sqlx::query(statements::LOCK_SERVING).bind(view.view), connection).await?;
    let is_ready = serving < version
        && state(connection, view).await? == Some(BuildState::Building)
        && !is_behind(connection, view, serving, false).await?
        && is_level(connection, view, serving).await?;
    let switched = is_ready && is_finished;
    if switched {
        point_to(connection, view).await?;
    }
    transaction.commit().await.map_err(store_error)?;
    if switched {
        tracing::info!(view = view.view, build = version, before = serving, "queries now read another build");
    }
    Ok(match (is_ready, switched || serving == version) {
        (_, true) => Switch::Serves,
        (true, false) => Switch::Unfinished,
        (false, false) => Switch::NotYet,
    })
}

async fn serve_again(pool: &PgPool, view: &ViewVersion) -> Result<bool, StoreError> {
    let mut transaction = pool.begin().await.map_err(store_error)?;
    let connection = &mut *transaction;
    let serving: i32 = one(sqlx::query(statements::LOCK_SERVING).bind(view.view), connection).await?;
    if serving == view.version.cast_signed() {
        return Ok(true);
    }
    if state(connection, view).await? != Some(BuildState::Retained) {
        return Ok(false);
    }
    // The one that is read stays where it is, while this one goes on to there.
    run(connection, "SET LOCAL idle_in_transaction_session_timeout = '30s'").await?;
    one::<i64>(sqlx::query(statements::HOLD_LANES).bind(view.view).bind(serving), connection).await?;
    let deadline = Instant::now() + HELD;
    while is_behind(connection, view, serving, true).await? {
        if Instant::now() >= deadline {
            return Ok(false);
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    point_to(connection, view).await?;
    transaction.commit().await.map_err(store_error)?;
    let (view, build) = (view.view, view.version);
    tracing::info!(view, build, before = serving, "queries read an earlier build again");
    Ok(true)
}

pub(super) async fn state(
    connection: &mut PgConnection,
    view: &ViewVersion,
) -> Result<Option<BuildState>, StoreError> {
    let state = "SELECT state FROM projection_versions WHERE view = $1 AND version = $2";
    let state: Option<String> = sqlx::query_scalar(state)
        .bind(view.view)
        .bind(view.version.cast_signed())
        .fetch_optional(connection)
        .await
        .map_err(store_error)?;
    Ok(state.as_deref().and_then(BuildState::parse))
}

/// Whether the lanes have come to where the build that is read is, which stays there until the transaction ends: else it
/// could go on between the look and the switch, and who has read it would be answered from before.
async fn is_level(
    connection: &mut PgConnection,
    view: &ViewVersion,
    serving: i32,
) -> Result<bool, StoreError> {
    one::<i64>(sqlx::query(statements::HOLD_LANES).bind(view.view).bind(serving), connection).await?;
    Ok(!is_behind(connection, view, serving, false).await?)
}

async fn is_behind(
    connection: &mut PgConnection,
    view: &ViewVersion,
    serving: i32,
    was_read: bool,
) -> Result<bool, StoreError> {
    let version = view.version.cast_signed();
    let behind = sqlx::query(statements::LANES_BEHIND);
    let behind = behind.bind(view.view).bind(version).bind(serving).bind(was_read);
    Ok(one::<i64>(behind, connection).await? > 0)
}

async fn point_to(connection: &mut PgConnection, view: &ViewVersion) -> Result<(), StoreError> {
    for statement in [statements::MOVE_SERVING, statements::MARK_SERVING] {
        let moved = sqlx::query(statement).bind(view.view).bind(view.version.cast_signed());
        moved.execute(&mut *connection).await.map_err(store_error)?;
    }
    point_serving(connection, view).await
}
