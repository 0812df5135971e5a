//! Why Kafka cannot be had, in the client library's own words: a call that waited in vain knows only that it did.

use std::sync::{Arc, Mutex, PoisonError};

use rdkafka::error::KafkaError;

use crate::MessagingError;

/// What the library calls the lines in which it tells how a connection failed.
const FAILED: &str = "FAIL";

/// Where a connection stood that was closed before the broker's first word.
const HUNG_UP: &str = "in state APIVERSION_QUERY";

/// The last failure of a client's connections. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trouble(Arc<Mutex<Option<String>>>);

impl Trouble {
    /// Hears a line of the library.
    pub(crate) fn hear(&self, facility: &str, line: &str) {
        if facility == FAILED {
            // Before it stands which of the library's threads says so.
            let said = line.split_once("]: ").map_or(line, |(_, said)| said);
            // A broker hangs up without a word on whoever speaks plainly where it speaks TLS.
            let hint = if said.contains(HUNG_UP) { "; does it speak TLS? see security.protocol" } else { "" };
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(format!("{said}{hint}"));
        }
    }

    /// What a call gave, with the reason where it gave none of its own; an answer ends all trouble.
    pub(crate) fn explain<T>(&self, outcome: Result<T, MessagingError>) -> Result<T, MessagingError> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Err(MessagingError::Unavailable(said)) => {
                let why = last.as_ref().map(|last| format!("{said}: {last}"));
                Err(MessagingError::Unavailable(why.unwrap_or(said)))
            }
            Ok(answer) => {
                *last = None;
                Ok(answer)
            }
            refused => refused,
        }
    }
}

/// An error that a client reports by itself, with the reason that comes with it.
pub(crate) fn reported(error: KafkaError, reason: &str) -> MessagingError {
    match MessagingError::from(error) {
        MessagingError::Unavailable(_) if !reason.is_empty() => {
            MessagingError::Unavailable(reason.to_owned())
        }
        error => error,
    }
}
