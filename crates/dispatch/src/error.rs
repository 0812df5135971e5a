//! Why a command was not carried out, and whether sending it again can help.

use std::error::Error;

use event_log::LogError;
use kernel::StreamVersion;

use crate::body::BodyError;
use crate::command::Refusal;
use crate::kind::FoldError;
use crate::streams::LoadError;
use crate::telemetry::Outcome;

/// Why a command was not carried out. In every case but [`CommandError::Unknown`] nothing was recorded.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The body is no such command.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// A rule of the business says no, on the state that the log had after the command came.
    #[error("a rule refused the command: {0}")]
    Refused(#[from] Refusal),
    /// The client decided on another version of the stream.
    #[error("the stream is at version {actual}")]
    Stale {
        /// Its version now.
        actual: StreamVersion,
    },
    /// The once-only key came before with another body.
    #[error("the once-only key belongs to another body")]
    KeyReused,
    /// Streams that it decides on moved each time before it could be recorded.
    #[error("the streams kept moving")]
    Contended,
    /// More commands wait than may.
    #[error("too many commands wait")]
    Busy,
    /// The log is away.
    #[error("the log is not available")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// The connection to the log was lost in the wrong moment: it may or may not have been recorded. Sending it
    /// again with the same once-only key settles it.
    #[error("it is not known whether the command was recorded")]
    Unknown,
    /// A mistake of ours, or a damaged log.
    #[error("the command could not be decided")]
    Failed(#[source] Box<dyn Error + Send + Sync>),
}

impl CommandError {
    /// Whether the same command may be carried out when it is sent again.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Contended | Self::Busy | Self::Unavailable(_) | Self::Unknown => true,
            Self::Body(_) | Self::Refused(_) | Self::Stale { .. } | Self::KeyReused | Self::Failed(_) => {
                false
            }
        }
    }

    pub(crate) fn outcome(&self) -> Outcome {
        match self {
            Self::Body(_) => Outcome::Invalid,
            Self::Refused(_) => Outcome::Refused,
            Self::Stale { .. } => Outcome::Stale,
            Self::KeyReused => Outcome::KeyReused,
            Self::Contended => Outcome::Contended,
            Self::Busy | Self::Unavailable(_) => Outcome::Unavailable,
            Self::Unknown => Outcome::Unknown,
            Self::Failed(_) => Outcome::Failed,
        }
    }
}

impl From<LogError> for CommandError {
    fn from(error: LogError) -> Self {
        if error.is_retryable() { Self::Unavailable(error.into()) } else { Self::Failed(error.into()) }
    }
}

impl From<FoldError> for CommandError {
    fn from(error: FoldError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<LoadError> for CommandError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Log(error) => error.into(),
            error @ (LoadError::Fold(_) | LoadError::Hole { .. } | LoadError::TooMany { .. }) => {
                Self::Failed(error.into())
            }
        }
    }
}
