//! Group commit: commands that come at the same time share one transaction and one round trip.
//!
//! Each log has one appender, a task with a bounded queue. One batch is in flight while the next gathers:
//!
//! ```text
//!   idle ──command──► gathering ──what has come and does not collide──► in flight ──answer──► gathering …
//!     ▲                                                                                          │
//!     └───────────────────────────────────── nothing has come ◄──────────────────────────────────┘
//! ```
//!
//! No timer waits for company: a lone command goes at once.
//!
//! **Commands that collide never share a batch.** Two collide when one writes a stream that the other writes or
//! decided on, or when they change the same claim or use the same once-only key. The later one waits for the next
//! batch, and whatever collides with it waits behind it. So the database decides each command of a batch for
//! itself, set by set, a loser cannot influence its neighbours, and the outcome of every command is the one that
//! it would have had if all had come one after another.
//!
//! **Rows of inline views** that commands change count as written like streams. Where another process wrote one
//! since it was read, the database undoes the whole batch and says whose rows they are; the others are sent again.
//!
//! **When the connection is lost while committing** the batch is sent again on another one, for a bounded time.
//! What was committed is recognised by each command's first event id, so callers rarely learn of it.
//!
//! **When the process dies** the batch in flight is either committed whole or not at all; what had only been
//! queued was never acknowledged.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use kernel::LogId;
use sqlx::PgPool;
use sqlx::pool::PoolConnection;
use sqlx::postgres::Postgres;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::timeout;
use tracing::warn;

use crate::announcements::Announcer;
use crate::append_thread::AppendThread;
use crate::{AppendError, LogError, Options, telemetry};

mod batch;
mod command;
mod statement;
mod told;

pub(crate) use command::{Command, Loss, Outcome, receipt};
use statement::{Answer, Failure, Head};

/// How long an appender without work keeps its connection, so that the next command need not fetch one.
const CONNECTION_KEPT_IDLE: Duration = Duration::from_secs(1);
/// Batches after one with a loser in which losers are looked for.
const CAREFUL_AFTER_A_LOSS: u32 = 100;
const FIRST_REPEAT_AFTER: Duration = Duration::from_millis(20);
const LONGEST_REPEAT_PAUSE: Duration = Duration::from_millis(500);

/// The way into one log's queue.
#[derive(Clone)]
pub(crate) struct Queue {
    commands: mpsc::Sender<Command>,
    bytes: Arc<AtomicUsize>,
    bytes_max: usize,
}

impl Queue {
    /// Queues a command, or gives it back: busy when the bounds are reached, `Closed` when the appender is gone.
    pub(crate) fn push(&self, command: Command) -> Result<(), Refused> {
        let weight = command.weight;
        if self.bytes.fetch_add(weight, Ordering::Relaxed) + weight > self.bytes_max
            && weight < self.bytes_max
        {
            self.bytes.fetch_sub(weight, Ordering::Relaxed);
            return Err(Refused::Busy);
        }
        self.commands.try_send(command).map_err(|error| {
            self.bytes.fetch_sub(weight, Ordering::Relaxed);
            match error {
                TrySendError::Full(_) => Refused::Busy,
                TrySendError::Closed(command) => Refused::Closed(Box::new(command)),
            }
        })
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Queue").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

/// Why a queue did not take a command.
pub(crate) enum Refused {
    /// Its bounds are reached.
    Busy,
    /// Its appender has ended.
    Closed(Box<Command>),
}

/// What all appenders share.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    pub(crate) thread: AppendThread,
    pub(crate) options: Arc<Options>,
    pub(crate) announcer: Announcer,
    /// How many appenders may keep a connection between batches; the others fetch one for each, so that a pool
    /// smaller than the number of logs serves all of them.
    pub(crate) kept_connections: Arc<Semaphore>,
}

impl Shared {
    pub(crate) fn start(pool: &PgPool, options: &Arc<Options>) -> Result<Self, LogError> {
        let thread =
            AppendThread::start(pool).map_err(|error| LogError::Unavailable(Arc::new(error.into())))?;
        let kept = usize::try_from(thread.pool.options().get_max_connections() - 1).unwrap_or(0);
        Ok(Self {
            thread,
            options: options.clone(),
            announcer: Announcer::start(pool.clone(), options.clone()),
            kept_connections: Arc::new(Semaphore::new(kept)),
        })
    }
}

/// Starts the appender of a log. It ends, with everything that was queued answered, when its queue is dropped.
pub(crate) fn start(log: LogId, log_id: i32, shared: Shared) -> Queue {
    let (commands, receiver) = mpsc::channel(shared.options.queue_commands_max.max(1));
    let bytes = Arc::new(AtomicUsize::new(0));
    let queue = Queue { commands, bytes: bytes.clone(), bytes_max: shared.options.queue_bytes_max };
    let thread = shared.thread.clone();
    let appender = Appender {
        log,
        log_id,
        shared,
        receiver,
        bytes,
        waiting: VecDeque::new(),
        kept: None,
        head: None,
        careful_for: 0,
    };
    thread.spawn(appender.run());
    queue
}

struct Appender {
    log: LogId,
    log_id: i32,
    shared: Shared,
    receiver: mpsc::Receiver<Command>,
    bytes: Arc<AtomicUsize>,
    /// Taken from the queue and not yet in a batch, in order of arrival.
    waiting: VecDeque<Command>,
    kept: Option<(PoolConnection<Postgres>, OwnedSemaphorePermit)>,
    /// Where the last batch left the log; not known after a failure.
    head: Option<Head>,
    /// For so many batches losers are looked for: where one was, there may be more.
    careful_for: u32,
}

impl Appender {
    async fn run(mut self) {
        let mut done = None;
        while self.gather(&mut done).await {
            let options = &self.shared.options;
            let batch = batch::select(&mut self.waiting, options.batch_commands_max, options.batch_bytes_max);
            let weight = batch.iter().map(|command| command.weight).sum();
            done = self.commit(batch, done).await;
            self.bytes.fetch_sub(weight, Ordering::Relaxed);
        }
    }

    /// Takes whatever has come; where nothing has, the callers of the last batch hear of it now, and a command is
    /// waited for. False when there will be none.
    async fn gather(&mut self, done: &mut Option<Done>) -> bool {
        self.take_what_has_come();
        if self.waiting.is_empty() {
            done.take().into_iter().for_each(Done::tell);
            let Some(first) = self.first().await else { return false };
            self.waiting.push_back(first);
            // Those that come at the same moment get their turn to join it. Only here: whoever waited while a
            // batch was in flight is company enough, and the database shall not be idle for the sake of more.
            tokio::task::yield_now().await;
            self.take_what_has_come();
        }
        true
    }

    fn take_what_has_come(&mut self) {
        while self.waiting.len() < self.shared.options.batch_commands_max.max(1) {
            let Ok(command) = self.receiver.try_recv() else { break };
            self.waiting.push_back(command);
        }
    }

    async fn first(&mut self) -> Option<Command> {
        if self.kept.is_some() {
            if let Ok(first) = timeout(CONNECTION_KEPT_IDLE, self.receiver.recv()).await {
                return first;
            }
            self.kept = None;
        }
        self.receiver.recv().await
    }

    /// Commits a batch. The callers of the one before are answered while the database works on it.
    async fn commit(&mut self, batch: Vec<Command>, done: Option<Done>) -> Option<Done> {
        let tell = async { done.into_iter().for_each(Done::tell) };
        let began = Instant::now();
        match tokio::join!(biased; self.submit(&batch), tell).0 {
            Ok(answer) => return Some(self.committed(batch, answer, began)),
            Err(Failure::Refused(error)) if batch.len() > 1 => {
                // Something in one of the commands trips the database. Alone, it hurts only itself.
                warn!(log = %self.log, %error, commands = batch.len(), "a batch was refused; going on one by one");
                for command in batch {
                    let done = Box::pin(self.commit(vec![command], None)).await;
                    done.into_iter().for_each(Done::tell);
                }
            }
            Err(Failure::RowsMoved(moved)) => {
                // Nothing was recorded. Those whose rows moved fold again, and the others go without them.
                let mut rest = Vec::with_capacity(batch.len());
                for (index, command) in batch.into_iter().enumerate() {
                    if moved.contains(&index) {
                        command.lost(Loss::RowsMoved);
                    } else {
                        rest.push(command);
                    }
                }
                if !rest.is_empty() {
                    return Box::pin(self.commit(rest, None)).await;
                }
            }
            Err(failure) => {
                let error = AppendError::from(failure);
                telemetry::failed(batch.len());
                told::failed(&self.log, &batch, began, &error);
                for command in batch {
                    command.answer(Err(error.clone()));
                }
            }
        }
        None
    }

    fn committed(&self, batch: Vec<Command>, answer: Answer, began: Instant) -> Done {
        telemetry::committed(batch.len(), answer.lost.len());
        if answer.lost.len() < batch.len() {
            self.shared.announcer.announce(&self.log);
        }
        Done { log: self.log.clone(), batch, answer, began, ended: Instant::now() }
    }

    /// Sends a batch until its outcome is known, for a bounded time.
    async fn submit(&mut self, batch: &[Command]) -> Result<Answer, Failure> {
        let started = Instant::now();
        let mut pause = FIRST_REPEAT_AFTER;
        let mut outcome = self.attempt(batch).await;
        let give_up = Instant::now() + self.shared.options.repeat_time_max;
        while let Err(Failure::Unknown(error)) = &outcome {
            if Instant::now() >= give_up {
                break;
            }
            warn!(log = %self.log, %error, "lost the connection while committing; repeating the batch");
            telemetry::repeated();
            tokio::time::sleep(pause.mul_f32(0.5 + fastrand::f32() / 2.0)).await;
            pause = (pause * 2).min(LONGEST_REPEAT_PAUSE);
            outcome = match self.attempt(batch).await {
                // Now it is the first attempt that nothing is known of.
                Err(Failure::Unavailable(error)) => Err(Failure::Unknown(error)),
                outcome => outcome,
            };
        }
        telemetry::submitted(started.elapsed());
        outcome
    }

    /// One round trip, and another where the first has found out that there are losers.
    async fn attempt(&mut self, batch: &[Command]) -> Result<Answer, Failure> {
        match self.attempt_once(batch).await {
            Err(Failure::Collided(_)) => {
                self.careful_for = CAREFUL_AFTER_A_LOSS;
                match self.attempt_once(batch).await {
                    // What loses is looked for now: it is something else.
                    Err(Failure::Collided(error)) => Err(Failure::Refused(error)),
                    outcome => outcome,
                }
            }
            outcome => outcome,
        }
    }

    /// The bug: the batch is answered, and committed a moment later.
    #[cfg(feature = "seeded-bugs")]
    async fn acknowledge_early(
        &mut self,
        mut connection: PoolConnection<Postgres>,
        batch: &[Command],
    ) -> Result<Answer, Failure> {
        sqlx::query("BEGIN").execute(&mut *connection).await?;
        let options = self.shared.options.clone();
        let answer = statement::append_batch(&mut connection, self.log_id, batch, None, true, &options).await;
        self.shared.thread.spawn(async move {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let _ = sqlx::query("COMMIT").execute(&mut *connection).await;
        });
        answer
    }

    /// A connection is kept only when nothing went wrong with it.
    async fn attempt_once(&mut self, batch: &[Command]) -> Result<Answer, Failure> {
        let options = self.shared.options.clone();
        let (mut connection, permit) = match self.kept.take() {
            Some((connection, permit)) => (connection, Some(permit)),
            None => {
                let acquired = timeout(options.head_wait_max, self.shared.thread.pool.acquire()).await;
                let connection = acquired
                    .unwrap_or(Err(sqlx::Error::PoolTimedOut))
                    .map_err(|error| Failure::Unavailable(Arc::new(error)))?;
                (connection, self.shared.kept_connections.clone().try_acquire_owned().ok())
            }
        };
        #[cfg(feature = "seeded-bugs")]
        if crate::seeded_bugs::has("acknowledge-before-commit") {
            return self.acknowledge_early(connection, batch).await;
        }
        let head = self.head.take();
        let careful = head.is_none() || self.careful_for > 0;
        let call =
            statement::append_batch(&mut connection, self.log_id, batch, head.as_ref(), careful, &options);
        match timeout(options.batch_time_max, call).await {
            Ok(Ok(answer)) => {
                self.head = Some(answer.head);
                self.careful_for = match answer.lost.as_slice() {
                    [] => self.careful_for.saturating_sub(1),
                    _ => CAREFUL_AFTER_A_LOSS,
                };
                self.kept = permit.map(|permit| (connection, permit));
                Ok(answer)
            }
            // The database said no, and nothing is wrong with the connection.
            Ok(Err(failure @ (Failure::Collided(_) | Failure::RowsMoved(_) | Failure::ViewsBehind))) => {
                self.kept = permit.map(|permit| (connection, permit));
                Err(failure)
            }
            Ok(Err(failure)) => {
                drop(connection.detach());
                Err(failure)
            }
            Err(_) => {
                drop(connection.detach());
                Err(Failure::Unknown(Arc::new(sqlx::Error::PoolTimedOut)))
            }
        }
    }
}

/// A batch that is durable and whose callers do not know it yet.
struct Done {
    log: LogId,
    batch: Vec<Command>,
    answer: Answer,
    began: Instant,
    ended: Instant,
}

impl Done {
    fn tell(self) {
        told::committed(&self);
        let Self { log, batch, answer, .. } = self;
        let mut sequence = answer.base;
        let mut lost = answer.lost.iter().copied().peekable();
        for (index, command) in batch.into_iter().enumerate() {
            match lost.next_if(|(loser, _)| *loser == index) {
                Some((_, loss)) => command.lost(loss),
                None => {
                    sequence = sequence.plus(command.append.events.len() as u64);
                    command.won(&log, &answer, sequence);
                }
            }
        }
    }
}
