//! What can go wrong, and whether trying again can help.

use std::sync::Arc;

use kernel::{LogId, Sequence, StreamName, StreamVersion};

use crate::Receipt;

/// Reading the log, or a small write beside it, failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LogError {
    /// The database is away, too busy, or refused for now.
    #[error("the log's database is not available")]
    Unavailable(#[source] Arc<sqlx::Error>),
    /// Nothing was ever recorded in this log.
    #[error("there is no log {0}")]
    UnknownLog(LogId),
    /// The lease was taken over by another holder: what it guards must be left alone.
    #[error("the lease on the log {0} is lost")]
    LeaseLost(LogId),
    /// What the database holds is not what was written.
    #[error("the log is damaged: {0}")]
    Corrupt(String),
    /// The tables could not be made or brought up to date.
    #[error("the log's tables could not be brought up to date")]
    Migration(#[source] Arc<sqlx::migrate::MigrateError>),
}

impl LogError {
    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unavailable(_) => true,
            Self::UnknownLog(_) | Self::LeaseLost(_) | Self::Corrupt(_) | Self::Migration(_) => false,
        }
    }
}

impl From<sqlx::Error> for LogError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::ColumnNotFound(_) => {
                Self::Corrupt(error.to_string())
            }
            error => Self::Unavailable(Arc::new(error)),
        }
    }
}

/// An append recorded nothing, or it is not known whether it did.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AppendError {
    /// A stream that was decided on has moved: decide again on its fresh state.
    #[error("{stream} is at version {actual} by now")]
    Stale {
        /// The first of the guards that does not hold.
        stream: StreamName,
        /// Its version now.
        actual: StreamVersion,
    },
    /// Another stream of the tenant holds a value that this one wanted to take.
    #[error("the claim number {index} is held by another stream")]
    ClaimTaken {
        /// Index into [`Append::claims`](crate::Append::claims) of the first one that is taken.
        index: usize,
    },
    /// The once-only key was used before: what came of it, and the hash of the body that it came with.
    #[error("the once-only key was used before")]
    AlreadyDone(Box<Receipt>, [u8; 32]),
    /// Rows of inline views were written by somebody else since they were read: fold into them again.
    #[error("rows that the events change have moved")]
    RowsMoved,
    /// An inline view does not reflect the whole log: a service that does not know it has appended. Catch up first.
    #[error("an inline view does not reflect the log")]
    ViewsBehind,
    /// The log's queue is full: nothing was recorded.
    #[error("the log's queue is full")]
    Busy,
    /// The database is away, or another client keeps the head locked: nothing was recorded.
    #[error("the log's database is not available")]
    Unavailable(#[source] Arc<sqlx::Error>),
    /// The connection was lost while committing, and for so long that it is not known whether the events were
    /// recorded. A repeat with the same event ids records them once: one that was in fact committed is
    /// recognised by its first event's id and answers with its receipt.
    #[error("the connection was lost while committing")]
    Unknown,
    /// The append itself makes no sense: versions that do not follow, a text with a NUL in it, a name beyond its
    /// longest length. A mistake of the caller.
    #[error("the append is malformed: {0}")]
    Malformed(&'static str),
    /// What the database holds is not what was written.
    #[error("the log is damaged: {0}")]
    Corrupt(String),
}

impl AppendError {
    /// Whether the same append may succeed later: unchanged where the log was away, decided again where it is
    /// stale.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Stale { .. }
            | Self::RowsMoved
            | Self::ViewsBehind
            | Self::Busy
            | Self::Unavailable(_)
            | Self::Unknown => true,
            Self::ClaimTaken { .. } | Self::AlreadyDone(..) | Self::Malformed(_) | Self::Corrupt(_) => false,
        }
    }
}

impl From<LogError> for AppendError {
    fn from(error: LogError) -> Self {
        match error {
            LogError::Unavailable(source) => Self::Unavailable(source),
            LogError::UnknownLog(_)
            | LogError::LeaseLost(_)
            | LogError::Corrupt(_)
            | LogError::Migration(_) => Self::Corrupt(error.to_string()),
        }
    }
}

/// A log that is not what was recorded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the log is broken at {sequence}: {what}")]
pub struct Broken {
    /// The first event at which it shows.
    pub sequence: Sequence,
    /// How it shows.
    pub what: BrokenHow,
}

/// How a damaged log shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BrokenHow {
    /// There is no event with the next sequence.
    #[error("the event is missing")]
    Missing,
    /// The event or one before it was changed, moved or replaced.
    #[error("the chain does not follow")]
    Chain,
    /// It was recorded before the event before it.
    #[error("its time runs backwards")]
    Time,
    /// The version before it in its stream is missing or was recorded later.
    #[error("its stream has a hole before it")]
    Stream,
    /// The head says something else than the last event.
    #[error("the head does not agree with it")]
    Head,
}

/// Verification found damage, or could not be done.
#[derive(Debug, Clone, thiserror::Error)]
pub enum VerifyError {
    /// The log is not what was recorded.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// The log could not be read.
    #[error(transparent)]
    Log(#[from] LogError),
}
