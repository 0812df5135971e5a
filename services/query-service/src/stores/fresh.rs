//! Reading a row that is as new as the client needs it, from either store.

use std::future::Future;
use std::time::Duration;

use http_api::{Problem, ProblemType};
use kernel::{Lane, Sequence, TenantId};
use read_store::{PostgresReader, ReadError, ReadRow, RedisReader};
use tokio::time::{Instant, timeout};

use super::{Place, problem};
use crate::telemetry;

/// How often a row is read again that was behind although its lane had been waited for: a version may switch.
const TRIES: usize = 3;

/// Where a row can be read.
pub(super) trait Rows {
    /// A store that takes longer is too slow for there to be another.
    const PATIENCE: Duration;

    fn row(
        &self,
        view: &str,
        lane: Lane,
        tenant: &TenantId,
        key: &str,
    ) -> impl Future<Output = Result<ReadRow, ReadError>> + Send;

    fn wait_until(
        &self,
        view: &str,
        lane: Lane,
        sequence: Sequence,
        deadline: Instant,
    ) -> impl Future<Output = Result<bool, ReadError>> + Send;
}

/// Why there is no row.
#[derive(Debug)]
pub(super) enum Failed {
    /// The store has not come so far in time.
    Behind { reflects: Sequence },
    /// The store did not answer in time.
    Slow,
    /// The store cannot answer.
    Read(ReadError),
}

impl Failed {
    pub(super) fn into_problem(self, place: &Place) -> Problem {
        match self {
            Self::Behind { reflects } => behind(place, reflects),
            Self::Slow => problem(ReadError::Away("no answer in time".to_owned())),
            Self::Read(error) => problem(error),
        }
    }
}

/// A row that reflects at least what it must; it waits for that until the deadline.
pub(super) async fn row<R: Rows>(
    rows: &R,
    view: &'static str,
    place: &Place,
    tenant: &TenantId,
    key: &str,
    deadline: Instant,
) -> Result<ReadRow, Failed> {
    let lane = place.log.lane;
    let mut reflects = Sequence::ZERO;
    for _ in 0..TRIES {
        let found = timeout(R::PATIENCE, rows.row(view, lane, tenant, key))
            .await
            .map_err(|_| Failed::Slow)?
            .map_err(Failed::Read)?;
        if found.reflects >= place.least {
            return Ok(found);
        }
        reflects = found.reflects;
        let began = Instant::now();
        let reached = rows.wait_until(view, lane, place.least, deadline).await.map_err(Failed::Read)?;
        waited(view, reached, began);
        if !reached {
            break;
        }
    }
    Err(Failed::Behind { reflects })
}

/// Waits until a view's rows in Postgres have come as far as they must.
pub(super) async fn catch_up(
    postgres: &PostgresReader,
    view: &'static str,
    place: &Place,
    deadline: Instant,
) -> Result<(), Problem> {
    if place.least == Sequence::ZERO {
        return Ok(());
    }
    let reflects = postgres.reflects(view, place.log.lane).await.map_err(problem)?;
    if reflects >= place.least {
        return Ok(());
    }
    let began = Instant::now();
    let reached = postgres.wait_until(view, place.log.lane, place.least, deadline).await.map_err(problem)?;
    waited(view, reached, began);
    if reached { Ok(()) } else { Err(behind(place, reflects)) }
}

fn waited(view: &'static str, reached: bool, began: Instant) {
    let outcome = if reached { "reached" } else { "behind" };
    metrics::counter!(telemetry::WAITS, "view" => view, "outcome" => outcome).increment(1);
    metrics::histogram!(telemetry::WAIT_SECONDS, "view" => view).record(began.elapsed());
}

pub(super) fn behind(place: &Place, reflects: Sequence) -> Problem {
    let wanted = place.log.at(place.least);
    Problem::new(ProblemType::ReadModelBehind)
        .detail(format!("the read model does not reflect {wanted} yet; repeat in a moment"))
        .with("reflects", place.log.at(reflects).to_string())
}

impl Rows for PostgresReader {
    /// Beyond the statement's own timeout: the last store to ask is given all its time.
    const PATIENCE: Duration = Duration::from_secs(20);

    async fn row(&self, view: &str, lane: Lane, tenant: &TenantId, key: &str) -> Result<ReadRow, ReadError> {
        self.row(view, lane, tenant, key).await
    }

    async fn wait_until(
        &self,
        view: &str,
        lane: Lane,
        sequence: Sequence,
        deadline: Instant,
    ) -> Result<bool, ReadError> {
        self.wait_until(view, lane, sequence, deadline).await
    }
}

impl Rows for RedisReader {
    /// Ages for Redis.
    const PATIENCE: Duration = Duration::from_millis(500);

    async fn row(&self, view: &str, lane: Lane, tenant: &TenantId, key: &str) -> Result<ReadRow, ReadError> {
        self.row(view, lane, tenant, key).await
    }

    async fn wait_until(
        &self,
        view: &str,
        lane: Lane,
        sequence: Sequence,
        deadline: Instant,
    ) -> Result<bool, ReadError> {
        self.wait_until(view, lane, sequence, deadline).await
    }
}
