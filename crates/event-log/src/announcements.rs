//! Waking whoever reads a log.
//!
//! The announcement is a NOTIFY in a transaction of its own, after the commit of what it announces: within the
//! appending transaction it would take an instance-wide lock at commit. It is a hint: one that is lost costs a
//! reader its polling interval, nothing else.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use kernel::LogId;
use sqlx::PgPool;
use sqlx::postgres::{PgConnection, PgListener};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tracing::debug;

use crate::Options;

const CHANNEL: &str = "twofold_appended";
/// Announcements that wait to be sent, or to be heard. Beyond it they are dropped: as many are waiting already.
const WAITING_MAX: usize = 1024;
const CONNECTION_KEPT_IDLE: Duration = Duration::from_secs(1);
const FIRST_RECONNECT_AFTER: Duration = Duration::from_millis(50);
const LONGEST_RECONNECT_PAUSE: Duration = Duration::from_secs(5);

/// What was announced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Announced {
    /// This log has new events.
    Log(LogId),
    /// Announcements may have been missed (at the start, and after a reconnect): look at every log.
    Every,
}

/// New events of all logs, announced shortly after their commit. A hint only: whoever needs to be sure polls too.
#[derive(Debug)]
pub struct Announcements {
    heard: mpsc::Receiver<Announced>,
}

impl Announcements {
    /// Begins to listen, with one connection of its own. Reconnects by itself. The first answer is `Every`, once
    /// it listens. Ends when it is dropped.
    pub fn listen(pool: PgPool) -> Self {
        let (heard_by, heard) = mpsc::channel(WAITING_MAX);
        tokio::spawn(listen(pool, heard_by));
        Self { heard }
    }

    /// The next one. May be cancelled and called again without losing any.
    pub async fn next(&mut self) -> Announced {
        match self.heard.recv().await {
            Some(announced) => announced,
            None => std::future::pending().await,
        }
    }
}

/// Connected: hands on what it hears. Cut off: connects again, less and less often. Ends with its receiver.
async fn listen(pool: PgPool, heard_by: mpsc::Sender<Announced>) {
    let mut pause = FIRST_RECONNECT_AFTER;
    while !heard_by.is_closed() {
        let heard = tokio::select! {
            heard = hear(&pool, &heard_by) => heard,
            () = heard_by.closed() => return,
        };
        match heard {
            Ok(()) => pause = FIRST_RECONNECT_AFTER,
            Err(error) => {
                debug!(%error, "cannot listen for announcements");
                sleep(pause.mul_f32(0.5 + fastrand::f32() / 2.0)).await;
                pause = (pause * 2).min(LONGEST_RECONNECT_PAUSE);
            }
        }
    }
}

/// Listens on one connection until it is cut off.
async fn hear(pool: &PgPool, heard_by: &mpsc::Sender<Announced>) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.eager_reconnect(false);
    listener.listen(CHANNEL).await?;
    let mut missed = heard_by.try_send(Announced::Every).is_err();
    while let Some(notification) = listener.try_recv().await? {
        let Ok(log) = notification.payload().parse() else { continue };
        let announced = if missed { Announced::Every } else { Announced::Log(log) };
        missed = heard_by.try_send(announced).is_err();
    }
    Ok(())
}

/// The sending side, shared by all appenders.
#[derive(Debug, Clone)]
pub(crate) struct Announcer {
    dirty: mpsc::Sender<LogId>,
}

impl Announcer {
    /// Starts it. It ends when the last appender has.
    pub(crate) fn start(pool: PgPool, options: Arc<Options>) -> Self {
        let (dirty, receiver) = mpsc::channel(WAITING_MAX);
        tokio::spawn(announce(pool, options, receiver));
        Self { dirty }
    }

    /// Says that a log has new events. Never waits; when too many wait already, they speak for this one.
    pub(crate) fn announce(&self, log: &LogId) {
        let _ = self.dirty.try_send(log.clone());
    }
}

/// The first announcement after a pause goes at once; those that follow within the interval go together.
async fn announce(pool: PgPool, options: Arc<Options>, mut dirty: mpsc::Receiver<LogId>) {
    // The only connection of a pool is for everybody.
    let may_keep = pool.options().get_max_connections() > 1;
    let mut kept = None;
    loop {
        let first = if kept.is_some() {
            match timeout(CONNECTION_KEPT_IDLE, dirty.recv()).await {
                Ok(first) => first,
                Err(_) => {
                    kept = None;
                    continue;
                }
            }
        } else {
            dirty.recv().await
        };
        let Some(first) = first else { return };
        let mut logs = BTreeSet::from([first.to_string()]);
        while let Ok(log) = dirty.try_recv() {
            logs.insert(log.to_string());
        }
        let logs: Vec<String> = logs.into_iter().collect();
        let sent = async {
            let mut connection = match kept.take() {
                Some(connection) => connection,
                None => pool.acquire().await?,
            };
            notify(&mut connection, &logs).await?;
            Ok::<_, sqlx::Error>(connection)
        };
        match sent.await {
            Ok(connection) => kept = may_keep.then_some(connection),
            Err(error) => debug!(%error, "cannot announce new events"),
        }
        sleep(options.announce_interval).await;
    }
}

/// Wakes the listeners for each of these logs. Takes the instance-wide notification lock for the length of its
/// commit, which is short because it does not wait for the disk: a lost announcement does no harm.
async fn notify(connection: &mut PgConnection, logs: &[String]) -> Result<(), sqlx::Error> {
    sqlx::query(
        "SELECT set_config('synchronous_commit', 'off', true), count(pg_notify($1, log))
         FROM unnest($2::text[]) AS log",
    )
    .bind(CHANNEL)
    .bind(logs)
    .execute(connection)
    .await?;
    Ok(())
}
