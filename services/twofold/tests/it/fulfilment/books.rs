//! The checker: reads the log, and adds up what became of every order, every piece of stock and every cent.

use std::collections::{BTreeMap, HashMap};

use catalog::{CatalogEvent, StockEvent, StockPart};
use event_log::{EventLog, Options};
use kernel::{EventSet, LoggedEvent, ProcessFacts, Sequence, TenantId, Timestamp};
use orders::{OrderEvent, OrdersEvent, PaymentEvent};
use uuid::Uuid;
use wire::Codec;

use super::shop::{Method, Ordered, Shop};
use crate::system::System;

/// Events that are read in one go.
const PAGE: usize = 5_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Ending {
    Confirmed,
    Rejected,
    Cancelled,
}

/// What the log says.
#[derive(Default)]
pub(super) struct Books {
    placed: HashMap<Uuid, u32>,
    endings: HashMap<Uuid, Ending>,
    reasons: HashMap<Uuid, String>,
    /// Money taken and given back, and how often it was taken.
    taken: HashMap<Uuid, (i64, u32)>,
    returned: HashMap<Uuid, i64>,
    received: BTreeMap<Uuid, i64>,
    /// By reservation: the product and how many pieces are set aside.
    held: HashMap<Uuid, (Uuid, i64)>,
    reserved_ever: HashMap<Uuid, u32>,
}

impl Books {
    pub(super) async fn read(system: &System) -> Self {
        let log = EventLog::new(system.log.pool().await, Options::default());
        let (catalog, orders) = (Codec::<CatalogEvent>::new().unwrap(), Codec::<OrdersEvent>::new().unwrap());
        let mut books = Self::default();
        for id in log.logs().await.unwrap() {
            let mut after = Sequence::ZERO;
            loop {
                let page = log.read_log(&id, after, PAGE).await.unwrap();
                let Some(last) = page.last() else { break };
                after = last.sequence;
                for logged in &page {
                    match id.context.as_ref() {
                        "catalog" => books.stock(&decoded(&catalog, logged)),
                        "orders" => books.order(&decoded(&orders, logged)),
                        _ => {}
                    }
                }
            }
        }
        books
    }

    /// How an order ended.
    pub(super) fn ending(&self, order: Uuid) -> Ending {
        *self.endings.get(&order).unwrap_or_else(|| panic!("the order {order} has no end"))
    }

    /// Panics at the first thing that does not add up.
    pub(super) fn hold(&self, shop: &Shop) {
        let mut sold: BTreeMap<Uuid, i64> = BTreeMap::new();
        let mut endings: HashMap<(Method, Ending), u32> = HashMap::new();
        for order in shop.orders.iter() {
            let ending = self.ending(order.id);
            *endings.entry((order.method, ending)).or_default() += 1;
            self.money_of(order, ending);
            self.stock_of(order, ending);
            let reason = self.reasons.get(&order.id).map(String::as_str);
            match (order.method, ending) {
                (Method::Ok, Ending::Confirmed) => *sold.entry(order.product).or_default() += order.quantity,
                (_, Ending::Confirmed) => panic!("{order:?} was confirmed"),
                (Method::Declined, Ending::Rejected) => {
                    assert!(matches!(reason, Some("payment-declined" | "insufficient-stock")), "{reason:?}");
                }
                (_, Ending::Rejected) => assert_eq!(reason, Some("insufficient-stock"), "{order:?}"),
                (_, Ending::Cancelled) => assert_eq!(reason, Some("authorisation-timeout"), "{order:?}"),
            }
        }
        assert_eq!(self.placed.len(), shop.orders.len());
        assert!(self.placed.values().all(|count| *count == 1), "an order was placed twice");
        assert_eq!(self.taken.values().filter(|(_, times)| *times > 1).count(), 0, "charged twice");
        for (product, received) in shop.stock.iter() {
            assert_eq!(self.received.get(product).copied().unwrap_or_default(), *received);
            let held: i64 = self.held.values().filter(|(of, _)| of == product).map(|(_, count)| count).sum();
            assert_eq!(held, sold.get(product).copied().unwrap_or_default(), "set aside of {product}");
            assert!(held <= *received, "{product} was oversold");
        }
        let count = |method, ending| endings.get(&(method, ending)).copied().unwrap_or_default();
        println!("of {} orders: {endings:?}", shop.orders.len());
        assert!(count(Method::Ok, Ending::Confirmed) > 0, "{endings:?}");
        assert!(count(Method::Silent, Ending::Cancelled) > 0, "{endings:?}");
        assert!(count(Method::Declined, Ending::Rejected) > 0, "{endings:?}");
    }

    fn money_of(&self, order: &Ordered, ending: Ending) {
        let (taken, _) = self.taken.get(&order.id).copied().unwrap_or_default();
        let returned = self.returned.get(&order.id).copied().unwrap_or_default();
        match ending {
            Ending::Confirmed => assert_eq!((taken, returned), (order.total(), 0), "{order:?}"),
            Ending::Rejected | Ending::Cancelled => assert_eq!(taken, returned, "{order:?}"),
        }
    }

    fn stock_of(&self, order: &Ordered, ending: Ending) {
        let tenant = TenantId::new(order.tenant).unwrap();
        let facts =
            ProcessFacts { instance: order.id, tenant: &tenant, now: Timestamp::default(), settings: &() };
        let reservation = facts.id_of("reservation-1");
        let held = self.held.get(&reservation).map(|(_, count)| *count).unwrap_or_default();
        let wanted = if ending == Ending::Confirmed { order.quantity } else { 0 };
        assert_eq!(held, wanted, "set aside for {order:?}, which was {ending:?}");
        assert!(self.reserved_ever.get(&reservation).copied().unwrap_or_default() <= 1, "{order:?}");
    }

    fn order(&mut self, event: &OrdersEvent) {
        match event {
            OrdersEvent::Order(OrderEvent::OrderPlaced(placed)) => {
                *self.placed.entry(placed.order_id).or_default() += 1;
            }
            OrdersEvent::Order(OrderEvent::OrderConfirmed(event)) => {
                self.ended(event.order_id, Ending::Confirmed)
            }
            OrdersEvent::Order(OrderEvent::OrderRejected(event)) => {
                self.ended(event.order_id, Ending::Rejected);
                self.reasons.insert(event.order_id, event.reason.clone());
            }
            OrdersEvent::Order(OrderEvent::OrderCancelled(event)) => {
                self.ended(event.order_id, Ending::Cancelled);
                self.reasons.insert(event.order_id, event.reason.clone());
            }
            OrdersEvent::Payment(PaymentEvent::PaymentCaptured(event)) => {
                let taken = self.taken.entry(event.order_id).or_default();
                *taken = (taken.0 + event.amount.amount, taken.1 + 1);
            }
            OrdersEvent::Payment(PaymentEvent::PaymentRefunded(event)) => {
                *self.returned.entry(event.order_id).or_default() += event.amount.amount;
            }
            _ => {}
        }
    }

    /// Nobody cancels a confirmed order here: each ends once.
    fn ended(&mut self, order: Uuid, ending: Ending) {
        let before = self.endings.insert(order, ending);
        assert_eq!(before, None, "{order} ended twice, the second time {ending:?}");
    }

    fn stock(&mut self, event: &CatalogEvent) {
        let CatalogEvent::Stock(event) = event else { return };
        let pieces = |parts: &[StockPart]| parts.iter().map(|part| part.quantity).sum::<i64>();
        match event {
            StockEvent::StockReceived(event) => {
                *self.received.entry(event.product_id).or_default() += event.quantity;
            }
            StockEvent::StockReserved(event) => {
                let held = (event.product_id, pieces(&event.parts));
                assert_eq!(self.held.insert(event.reservation_id, held), None, "reserved twice");
                *self.reserved_ever.entry(event.reservation_id).or_default() += 1;
            }
            StockEvent::StockReleased(event) => {
                let released = self.held.remove(&event.reservation_id).map(|(_, count)| count);
                assert_eq!(released.unwrap_or_default(), pieces(&event.parts));
            }
            other => panic!("nobody did {other:?}"),
        }
    }
}

fn decoded<E: EventSet>(codec: &Codec<E>, logged: &LoggedEvent) -> E {
    let event = &logged.event;
    codec.decode(&event.event_type, event.schema, &event.payload).unwrap()
}
