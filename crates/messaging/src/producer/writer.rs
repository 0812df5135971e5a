//! One partition's writer: what it sent, and how far that is acknowledged.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::producer::context::Ticket;
use crate::{MessagingError, OutgoingRecord, Producer, SendError};

/// How far a writer's records are acknowledged.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Delivered {
    /// The ticket of the last record that is acknowledged, and with it all before; 0 is none.
    pub through: u64,
    /// The last record whose place in the partition Kafka told: ticket and offset. Kafka does not always tell
    /// it for a record that it had already got.
    pub located: Option<(u64, i64)>,
    /// Why nothing further will be acknowledged. The first failure; what was sent after it may or may not have
    /// arrived.
    pub failure: Option<DeliveryFailure>,
}

/// Why a writer cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryFailure {
    /// A record was not acknowledged.
    #[error(transparent)]
    NotAcknowledged(#[from] MessagingError),
    /// Kafka put a record at or before the place of an earlier one: the partition is not the one it was.
    #[error("a record went to offset {offset}, after an earlier one at {after}: the partition lost its end")]
    WentBack {
        /// Where it went.
        offset: i64,
        /// Where the one before is.
        after: i64,
    },
    /// An acknowledgement came out of turn.
    #[error("acknowledgements came out of turn")]
    OutOfTurn,
}

impl From<DeliveryFailure> for MessagingError {
    fn from(failure: DeliveryFailure) -> Self {
        match failure {
            DeliveryFailure::NotAcknowledged(error) => error,
            DeliveryFailure::WentBack { .. } | DeliveryFailure::OutOfTurn => Self::Fatal(failure.to_string()),
        }
    }
}

/// Where reports of one writer's records arrive.
#[derive(Debug, Default)]
pub(super) struct Route {
    delivered: Mutex<Delivered>,
    changed: Notify,
}

impl Route {
    fn delivered(&self) -> MutexGuard<'_, Delivered> {
        self.delivered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn report(&self, number: u64, outcome: Result<i64, MessagingError>) {
        let mut delivered = self.delivered();
        if delivered.failure.is_none() {
            delivered.note(number, outcome);
            drop(delivered);
            self.changed.notify_one();
        }
    }
}

impl Delivered {
    fn note(&mut self, number: u64, outcome: Result<i64, MessagingError>) {
        let after = self.located.map(|(_, offset)| offset);
        match outcome {
            Err(error) => self.failure = Some(DeliveryFailure::NotAcknowledged(error)),
            Ok(_) if number != self.through + 1 => self.failure = Some(DeliveryFailure::OutOfTurn),
            Ok(offset) if offset < 0 => self.through = number,
            Ok(offset) => match after {
                Some(after) if offset <= after => {
                    self.failure = Some(DeliveryFailure::WentBack { offset, after });
                }
                Some(_) | None => {
                    self.through = number;
                    self.located = Some((number, offset));
                }
            },
        }
    }
}

/// Sends records to one partition, in order.
#[derive(Debug)]
pub struct PartitionWriter {
    producer: Producer,
    topic: Arc<str>,
    partition: i32,
    number: u32,
    route: Arc<Route>,
    sent: u64,
}

impl PartitionWriter {
    pub(super) fn new(producer: Producer, topic: Arc<str>, partition: i32) -> Self {
        let route = Arc::new(Route::default());
        let number = producer.context().open(Arc::clone(&route));
        Self { producer, topic, partition, number, route, sent: 0 }
    }

    /// The writer goes on behind a record that the partition is known to hold at `offset`: a record that goes to
    /// a place before it is a failure from the first one on.
    #[must_use]
    pub fn behind(self, offset: Option<i64>) -> Self {
        self.route.delivered().located = offset.map(|offset| (0, offset));
        self
    }

    /// Takes a record to be sent and answers its ticket: 1 for the first, rising by one. Does not wait.
    pub fn send(&mut self, record: &OutgoingRecord<'_>) -> Result<u64, SendError> {
        let ticket = Ticket { route: self.number, number: self.sent + 1 };
        self.producer.take(&self.topic, self.partition, record, ticket)?;
        self.sent += 1;
        Ok(self.sent)
    }

    /// Takes a record as soon as there is room for it.
    pub async fn send_when_room(&mut self, record: &OutgoingRecord<'_>) -> Result<u64, MessagingError> {
        loop {
            match self.send(record) {
                Ok(ticket) => return Ok(ticket),
                Err(SendError::Full) => self.producer.room().await,
                Err(SendError::Failed(error)) => return Err(error),
            }
        }
    }

    /// How far its records are acknowledged.
    pub fn delivered(&self) -> Delivered {
        self.route.delivered().clone()
    }

    /// News of this writer for another part of the program.
    pub fn deliveries(&self) -> Deliveries {
        Deliveries(Arc::clone(&self.route))
    }

    /// How many of its records are taken and not yet acknowledged.
    pub fn in_flight(&self) -> u64 {
        self.sent - self.route.delivered().through
    }

    /// The ticket of the last record that was taken; 0 is none.
    pub fn sent(&self) -> u64 {
        self.sent
    }
}

/// How far a writer's records are acknowledged, seen from beside it.
#[derive(Debug, Clone)]
pub struct Deliveries(Arc<Route>);

impl Deliveries {
    /// Waits for news, and answers how far it is. Many acknowledgements may be one piece of news; one waiter
    /// hears each. May be cancelled and called again without missing any.
    pub async fn changed(&self) -> Delivered {
        self.0.changed.notified().await;
        self.0.delivered().clone()
    }
}

impl Drop for PartitionWriter {
    fn drop(&mut self) {
        self.producer.context().shut(self.number);
    }
}

#[cfg(test)]
mod tests;
