//! Delivery reports find their writer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{NoCustomPartitioner, ProducerContext};
use rdkafka::{ClientContext, Message};
use tokio::sync::Notify;

use crate::error::MessagingError;
use crate::producer::writer::Route;
use crate::trouble::reported;

#[derive(Default)]
pub(super) struct Context {
    routes: RwLock<Routes>,
    trouble: Mutex<Option<MessagingError>>,
    pub(super) room: Notify,
}

#[derive(Default)]
struct Routes {
    latest: u32,
    open: HashMap<u32, Arc<Route>>,
}

/// Which record of which writer: what travels with a record through the client and comes back in its report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticket {
    pub(super) route: u32,
    pub(super) number: u64,
}

const NUMBER_BITS: u32 = 40;
const ROUTES: u32 = 1 << (usize::BITS - NUMBER_BITS);

impl Ticket {
    /// A writer would have to send for weeks at a million a second to come near the end of its numbers.
    pub(super) fn pack(self) -> usize {
        ((self.route as usize) << NUMBER_BITS) | (self.number & ((1 << NUMBER_BITS) - 1)) as usize
    }

    fn unpack(packed: usize) -> Self {
        let number = (packed & ((1 << NUMBER_BITS) - 1)) as u64;
        Self { route: u32::try_from(packed >> NUMBER_BITS).unwrap_or(0), number }
    }
}

impl Context {
    /// Numbers are not used again while anything of the writer before could still be reported.
    pub(super) fn open(&self, route: Arc<Route>) -> u32 {
        let mut routes = self.routes.write().unwrap_or_else(PoisonError::into_inner);
        loop {
            routes.latest = (routes.latest + 1) % ROUTES;
            let number = routes.latest;
            if let std::collections::hash_map::Entry::Vacant(place) = routes.open.entry(number) {
                place.insert(route);
                return number;
            }
        }
    }

    pub(super) fn shut(&self, route: u32) {
        self.routes.write().unwrap_or_else(PoisonError::into_inner).open.remove(&route);
    }

    pub(super) fn take_trouble(&self) -> Option<MessagingError> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        crate::telemetry::client_log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(reported(error, reason));
    }
}

impl ProducerContext<NoCustomPartitioner> for Context {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, ticket: usize) {
        let ticket = Ticket::unpack(ticket);
        let outcome = match result {
            Ok(message) => Ok(message.offset()),
            Err((error, _)) => Err(MessagingError::from(error.clone())),
        };
        {
            let routes = self.routes.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(route) = routes.open.get(&ticket.route) {
                route.report(ticket.number, outcome);
            }
        }
        self.room.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_comes_back_as_it_went() {
        for ticket in [
            Ticket { route: 1, number: 1 },
            Ticket { route: ROUTES - 1, number: (1 << NUMBER_BITS) - 1 },
            Ticket { route: 0, number: 0 },
        ] {
            assert_eq!(Ticket::unpack(ticket.pack()), ticket);
        }
    }
}
