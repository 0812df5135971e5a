//! The log as services hold it: tenants, appending, and what comes of it.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use kernel::{Epoch, EventId, Lane, LogId, TenantId};
use sqlx::PgPool;
use sqlx::migrate::Migrator;

use crate::directory::{Directory, Place};
use crate::group_commit::{self, Command, Loss, Outcome, Queue, Refused, Shared};
use crate::{Append, AppendError, LogError, Options, Outbox, Receipt};

/// The log of every context and lane, on one database. Clones share their queues, caches and connections.
#[derive(Debug, Clone)]
pub struct EventLog {
    pub(crate) pool: PgPool,
    pub(crate) options: Arc<Options>,
    pub(crate) directory: Arc<Directory>,
    /// There once something is appended: those who only read pay for no thread.
    shared: Arc<OnceLock<Shared>>,
    queues: Arc<RwLock<HashMap<LogId, Queue>>>,
}

/// Its own table of applied migrations: other crates may keep tables in the same database.
static MIGRATIONS: Migrator =
    Migrator { table_name: std::borrow::Cow::Borrowed("event_log_migrations"), ..sqlx::migrate!() };

impl EventLog {
    /// Makes the tables, or brings them up to date. Several services may do so at once: an advisory lock lets one
    /// work and the others find it done. One that crashes half-way leaves nothing half-done. Where nothing is left to do
    /// it needs no right to do it, and a service of the release before finds what it needs beside what came later.
    pub async fn migrate(pool: &PgPool) -> Result<(), LogError> {
        if is_migrated(pool).await? {
            return Ok(());
        }
        MIGRATIONS.run(pool).await.map_err(|error| LogError::Migration(Arc::new(error)))
    }

    /// The log on the database of `pool`. Appends go over connections of their own, half as many as the pool may
    /// have. Does not connect; must be called within a tokio runtime.
    pub fn new(pool: PgPool, options: Options) -> Self {
        let options = Arc::new(options);
        let directory = Arc::new(Directory::new(pool.clone(), options.lanes, options.tenants_cached_max));
        Self { pool, options, directory, shared: Arc::default(), queues: Arc::default() }
    }

    /// The same log, with another bound for what one reading call answers.
    #[must_use]
    pub fn answering_at_most(&self, bytes: usize) -> Self {
        let options = Options { read_bytes_max: bytes, ..Options::clone(&self.options) };
        Self { options: Arc::new(options), ..self.clone() }
    }

    /// The lane of a tenant, chosen and remembered when it is asked for the first time.
    pub async fn lane_of(&self, tenant: &TenantId) -> Result<Lane, LogError> {
        Ok(self.directory.tenant(tenant).await?.lane)
    }

    /// The lane of a tenant that has one.
    pub async fn known_lane(&self, tenant: &TenantId) -> Result<Option<Lane>, LogError> {
        Ok(self.directory.known_tenant(tenant).await?.map(|place| place.lane))
    }

    /// Records all of `append`, or nothing of it and says why. Commands that come at the same time share a
    /// transaction; each is decided for itself, and the outcome of all is as if they had come one after another.
    /// A caller that goes away does not take its command with it.
    pub async fn append(
        &self,
        context: &str,
        tenant: &TenantId,
        append: Append,
    ) -> Result<Receipt, AppendError> {
        append.check()?;
        let place = self.directory.tenant(tenant).await?;
        let log = LogId::new(context, place.lane);
        let outcome = self.submit(&log, tenant, place, append).await?;
        match outcome {
            Outcome::Won(receipt) => Ok(*receipt),
            Outcome::Lost(append, loss) => self.explain(&log, tenant, &append, loss).await,
        }
    }

    /// The relay's side of the log.
    pub fn outbox(&self) -> Outbox {
        Outbox::new(self.pool.clone(), self.directory.clone())
    }

    async fn submit(
        &self,
        log: &LogId,
        tenant: &TenantId,
        place: Place,
        append: Append,
    ) -> Result<Outcome, AppendError> {
        let (mut command, outcome) = Command::new(append, tenant, place.tenant_id);
        // An appender ends by itself only when it panicked; then its successor takes the command.
        for _ in 0..2 {
            match self.queue(log).await?.push(command) {
                Ok(()) => return outcome.await.unwrap_or(Err(AppendError::Unknown)),
                Err(Refused::Busy) => return Err(AppendError::Busy),
                Err(Refused::Closed(returned)) => command = *returned,
            }
            self.queues.write().unwrap_or_else(PoisonError::into_inner).remove(log);
        }
        Err(AppendError::Busy)
    }

    async fn queue(&self, log: &LogId) -> Result<Queue, LogError> {
        if let Some(queue) = self.queues.read().unwrap_or_else(PoisonError::into_inner).get(log) {
            return Ok(queue.clone());
        }
        let log_id = self.directory.log(log).await?;
        let mut queues = self.queues.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(queue) = queues.get(log) {
            return Ok(queue.clone());
        }
        let shared = match self.shared.get() {
            Some(shared) => shared.clone(),
            None => {
                let shared = Shared::start(&self.pool, &self.options)?;
                // Nobody else is here: the queues are locked.
                self.shared.get_or_init(|| shared).clone()
            }
        };
        let queue = group_commit::start(log.clone(), log_id, shared);
        queues.insert(log.clone(), queue.clone());
        Ok(queue)
    }

    /// Turns a loss into what the caller is told. A command that lost against itself, sent again after its
    /// connection broke, has its receipt.
    async fn explain(
        &self,
        log: &LogId,
        tenant: &TenantId,
        append: &Append,
        loss: Loss,
    ) -> Result<Receipt, AppendError> {
        match loss {
            Loss::Stale(index, actual) => {
                Err(AppendError::Stale { stream: append.guards[index].stream.clone(), actual })
            }
            Loss::ClaimTaken(index) => Err(AppendError::ClaimTaken { index }),
            Loss::RowsMoved => Err(AppendError::RowsMoved),
            Loss::Recorded(first) => {
                let events = append.events.len();
                let found = self.recorded(log, first, events).await?;
                let ids: Vec<EventId> = append.events.iter().map(|event| event.id).collect();
                if found.ids != ids {
                    return Err(AppendError::Malformed(
                        "its first event is recorded with other events after it",
                    ));
                }
                let last = first.plus(events as u64 - 1);
                Ok(group_commit::receipt(log, append, (last, found.epoch, found.recorded_at)))
            }
            Loss::KeyUsed => {
                let key = append.once.as_ref().map(|once| once.key.as_str()).unwrap_or_default();
                // It may have expired this moment; then nothing was recorded, and a repeat will be.
                let answer = self.answer_for(&log.context, tenant, key).await?.ok_or(AppendError::Busy)?;
                let (receipt, body) = answer;
                let first = append.events.first().map(|event| event.id);
                if first.is_some() && first == receipt.events.first().map(|(id, _)| *id) {
                    return Ok(receipt);
                }
                Err(AppendError::AlreadyDone(Box::new(receipt), body))
            }
        }
    }

    /// Begins a new epoch of a log, as must be done after it was restored from a backup: readers that saw the
    /// history that was lost then refuse to go on instead of mixing the two.
    ///
    /// Locks the log's head until it is committed.
    pub async fn begin_epoch(&self, log: &LogId) -> Result<Epoch, LogError> {
        let epoch: Option<uuid::Uuid> = sqlx::query_scalar(
            "UPDATE logs SET epoch = gen_random_uuid() WHERE context = $1 AND lane = $2 RETURNING epoch",
        )
        .bind(&*log.context)
        .bind(i32::from(log.lane.number()))
        .fetch_optional(&self.pool)
        .await?;
        epoch.map(Epoch).ok_or_else(|| LogError::UnknownLog(log.clone()))
    }
}

/// Whether all of this release's migrations were applied, as they are.
async fn is_migrated(pool: &PgPool) -> Result<bool, LogError> {
    let exists: bool =
        sqlx::query_scalar("SELECT to_regclass('event_log_migrations') IS NOT NULL").fetch_one(pool).await?;
    if !exists {
        return Ok(false);
    }
    let applied: Vec<(i64, Vec<u8>)> =
        sqlx::query_as("SELECT version, checksum FROM event_log_migrations WHERE success")
            .fetch_all(pool)
            .await?;
    let is_applied = |wanted: &sqlx::migrate::Migration| {
        applied.iter().any(|(version, sum)| *version == wanted.version && **sum == *wanted.checksum)
    };
    Ok(MIGRATIONS.iter().all(is_applied))
}
