//! The one producer that all logs share, and its successor when it cannot go on.

use std::sync::{Mutex, PoisonError};

use messaging::{Connection, MessagingError, Producer, ProducerOptions};

/// Keeps a producer that can go on.
pub(crate) struct Producers {
    connection: Connection,
    options: ProducerOptions,
    current: Mutex<Current>,
}

struct Current {
    producer: Producer,
    generation: u64,
}

impl Producers {
    pub(crate) fn new(connection: Connection, options: ProducerOptions) -> Result<Self, MessagingError> {
        let producer = Producer::start(&connection, &options)?;
        Ok(Self { connection, options, current: Mutex::new(Current { producer, generation: 0 }) })
    }

    /// The producer, and which one it is.
    pub(crate) fn current(&self) -> (Producer, u64) {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        (current.producer.clone(), current.generation)
    }

    /// Puts a new producer in the place of this one, if it cannot go on and nobody has done so yet. What the old
    /// one had in flight is given up, and every log that used it looks at what really arrived.
    pub(crate) fn replace_if_finished(&self, generation: u64) -> Result<(), MessagingError> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(why) = current.producer.fatal_error() else { return Ok(()) };
        if current.generation != generation {
            return Ok(());
        }
        tracing::warn!(%why, "the producer cannot go on, taking a new one");
        let next = Producer::start(&self.connection, &self.options)?;
        let old = std::mem::replace(&mut current.producer, next);
        current.generation += 1;
        drop(current);
        old.abandon();
        tokio::spawn(old.close());
        Ok(())
    }

    /// Ends the producer; what is in flight is given up.
    pub(crate) async fn close(self) {
        let current = self.current.into_inner().unwrap_or_else(PoisonError::into_inner);
        current.producer.close().await;
    }
}
