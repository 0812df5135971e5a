//! Why publishing a log stops, and whose trouble that is.

use event_log::LogError;
use kernel::{LogId, SchemaFingerprint, Sequence};
use messaging::{DeliveryFailure, MessagingError};
use wire::RegistryError;

/// Why a log is not being published. Texts are shown by `/readyz`: no secrets.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Stop {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Kafka(#[from] MessagingError),
    #[error(transparent)]
    NotAcknowledged(#[from] DeliveryFailure),
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// Another topic under the same name, or one that lost its end: look again.
    #[error("the topic is not what it was: {0}")]
    TopicChanged(&'static str),
    /// The partition and the log tell different stories; a person has to decide which one is right.
    #[error(
        "the topic {topic} and the log {log} have diverged: {what}. Nothing is published from this log until \
         either the topic is deleted (it is then made anew and published from the beginning) or the log that \
         belongs to it is restored"
    )]
    Diverged { topic: String, log: LogId, what: String },
    #[error("the log has no schema {:016x}, which the event at {sequence} was written with", schema.0)]
    NoSchema { schema: SchemaFingerprint, sequence: Sequence },
    #[error("{0}")]
    Schema(String),
    #[error("the event at {sequence} makes a record of {size} bytes, and the topic takes at most {limit}")]
    TooLarge { sequence: Sequence, size: usize, limit: usize },
}

/// What a stop is put down to, by the name under which `/readyz` shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blame {
    Log,
    Kafka,
    Registry,
    Topics,
}

impl Stop {
    pub(crate) fn blame(&self) -> Blame {
        match self {
            Self::Log(_) | Self::NoSchema { .. } | Self::Schema(_) => Blame::Log,
            Self::Kafka(_) | Self::NotAcknowledged(_) => Blame::Kafka,
            Self::Registry(_) => Blame::Registry,
            Self::TopicChanged(_) | Self::Diverged { .. } | Self::TooLarge { .. } => Blame::Topics,
        }
    }

    /// Whether it is a step on the way and not a trouble: looking again is all that is needed.
    pub(crate) fn is_routine(&self) -> bool {
        match self {
            Self::TopicChanged(_) | Self::NotAcknowledged(DeliveryFailure::WentBack { .. }) => true,
            Self::Log(_)
            | Self::Kafka(_)
            | Self::NotAcknowledged(DeliveryFailure::NotAcknowledged(_) | DeliveryFailure::OutOfTurn)
            | Self::Registry(_)
            | Self::Diverged { .. }
            | Self::NoSchema { .. }
            | Self::Schema(_)
            | Self::TooLarge { .. } => false,
        }
    }
}
