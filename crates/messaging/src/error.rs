//! What can go wrong with Kafka, sorted by what a caller can do about it.

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

/// Why something with Kafka failed. Never holds a setting's value: it may be a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MessagingError {
    /// A setting is wrong; trying again does not help.
    #[error("the kafka setting {name} was not accepted: {why}")]
    Setting {
        /// The setting's name.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// Kafka cannot be reached or does not answer in time.
    #[error("kafka is not available: {0}")]
    Unavailable(String),
    /// The topic or the partition does not exist.
    #[error("kafka has no such topic or partition")]
    UnknownTopic,
    /// Kafka answered, and refused.
    #[error("kafka refused: {0}")]
    Refused(String),
    /// The client instance cannot go on and has to be made anew.
    #[error("the kafka client has to be made anew: {0}")]
    Fatal(String),
}

impl MessagingError {
    /// Whether the same call can succeed later without anybody changing anything.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unavailable(_) | Self::UnknownTopic | Self::Fatal(_) => true,
            Self::Setting { .. } | Self::Refused(_) => false,
        }
    }

    pub(crate) fn from_code(code: RDKafkaErrorCode) -> Self {
        use RDKafkaErrorCode as Code;
        match code {
            Code::UnknownTopic
            | Code::UnknownPartition
            | Code::UnknownTopicOrPartition
            | Code::UnknownTopicId => Self::UnknownTopic,
            Code::Fatal | Code::Fenced | Code::InvalidProducerEpoch | Code::OutOfOrderSequenceNumber => {
                Self::Fatal(code.to_string())
            }
            // Another password or authority, here or there, mends the last three.
            Code::BrokerTransportFailure
            | Code::AllBrokersDown
            | Code::OperationTimedOut
            | Code::RequestTimedOut
            | Code::MessageTimedOut
            | Code::Resolve
            | Code::LeaderNotAvailable
            | Code::NotLeaderForPartition
            | Code::CoordinatorNotAvailable
            | Code::CoordinatorLoadInProgress
            | Code::NotCoordinator
            | Code::NotController
            | Code::NetworkException
            | Code::BrokerNotAvailable
            | Code::ReplicaNotAvailable
            | Code::NotEnoughReplicas
            | Code::NotEnoughReplicasAfterAppend
            | Code::RebalanceInProgress
            | Code::UnknownMemberId
            | Code::IllegalGeneration
            | Code::MemberIdRequired
            | Code::PollExceeded
            | Code::KafkaStorageError
            | Code::OffsetNotAvailable
            | Code::UnstableOffsetCommit
            | Code::AutoOffsetReset
            | Code::QueueFull
            | Code::Retry
            | Code::PurgeQueue
            | Code::PurgeInflight
            | Code::Authentication
            | Code::SaslAuthenticationFailed
            | Code::SSL => Self::Unavailable(code.to_string()),
            _ => Self::Refused(code.to_string()),
        }
    }
}

impl From<KafkaError> for MessagingError {
    fn from(error: KafkaError) -> Self {
        match error {
            KafkaError::ClientConfig(_, why, name, _) => Self::Setting { name, why },
            KafkaError::ClientCreation(why) | KafkaError::AdminOpCreation(why) => {
                Self::Setting { name: "(client)".to_owned(), why }
            }
            KafkaError::MessageConsumptionFatal(code) => Self::Fatal(code.to_string()),
            KafkaError::Canceled | KafkaError::NoMessageReceived => Self::Unavailable(error.to_string()),
            other => match other.rdkafka_error_code() {
                Some(code) => Self::from_code(code),
                None => Self::Refused(other.to_string()),
            },
        }
    }
}
