//! A small history that holds.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::check::{ACTOR, everything};
use crate::history::{About, Answer, CommandCall, Entry, Outcome, QueryCall, Token};
use crate::observed::{Event, Observed, Record};
use crate::verdict::Rule;

pub(super) const PRODUCT: &str = "00000000-0000-0000-0000-0000000000aa";

pub(super) struct Scene {
    pub(super) entries: Vec<Entry>,
    pub(super) observed: Observed,
}

pub(super) fn operation(number: u64) -> Uuid {
    Uuid::from_u64_pair(1, number)
}

pub(super) fn event(sequence: u64, stream: &str, version: u64, event_type: &str, data: Value) -> Event {
    Event {
        sequence,
        tenant: "acme".to_owned(),
        stream: stream.to_owned(),
        version,
        event_type: event_type.to_owned(),
        id: Uuid::from_u64_pair(2, sequence),
        correlation: operation(sequence),
        actor: ACTOR.to_owned(),
        recorded: i64::try_from(sequence).unwrap() * 1_000_000,
        chain: vec![7; 32],
        payload: vec![sequence as u8; 4],
        data,
    }
}

pub(super) fn place(sequence: u64) -> Token {
    Token { context: "catalog".to_owned(), lane: 0, sequence }
}

/// Asked a moment before it was recorded, answered a moment after.
pub(super) fn call(number: u64, command: &str, body: Value, outcome: Outcome) -> Entry {
    let recorded = i64::try_from(number).unwrap() * 1_000_000;
    Entry::Command(CommandCall {
        process: 1,
        operation: operation(number),
        tenant: "acme".to_owned(),
        command: command.to_owned(),
        about: PRODUCT.to_owned(),
        body,
        misuse: false,
        invoked: recorded - 1_000,
        returned: recorded + 1_000,
        outcome,
    })
}

pub(super) fn acknowledged(event: &Event) -> Outcome {
    Outcome::Ok {
        place: place(event.sequence),
        stream: event.stream.clone(),
        version: event.version,
        events: vec![event.id],
    }
}

pub(super) fn query(about: About, after: Option<u64>, answer: Answer) -> Entry {
    Entry::Query(QueryCall {
        process: 1,
        tenant: "acme".to_owned(),
        path: format!("/v1/catalog/stock/{PRODUCT}"),
        about,
        id: PRODUCT.to_owned(),
        after: after.map(place),
        invoked: 5_000_000,
        returned: 5_001_000,
        answer,
    })
}

pub(super) fn stock(reflects: u64, total: i64, reserved: i64, reservations: u32) -> Answer {
    let seen = json!({
        "sku": "s", "total": total, "available": total - reserved, "reserved": reserved,
        "reservations": reservations,
    });
    Answer::Seen { reflects: Some(place(reflects)), parked: None, seen }
}

/// A product, five pieces of it, three of them reserved, and a reservation that is refused.
pub(super) fn scene() -> Scene {
    let part = json!([{"location": "main", "quantity": 3}]);
    let events = vec![
        event(1, "product-aa", 1, "ProductCreated", json!({"product_id": PRODUCT, "sku": "s"})),
        event(2, "stock-aa", 1, "StockReceived", json!({"product_id": PRODUCT, "quantity": 5})),
        event(
            3,
            "stock-aa",
            2,
            "StockReserved",
            json!({"product_id": PRODUCT, "reservation_id": "r", "parts": part}),
        ),
    ];
    let refused = Outcome::Refused { status: 409, code: "insufficient-stock".to_owned() };
    let mut entries: Vec<Entry> =
        ["catalog/create-product", "catalog/receive-stock", "catalog/reserve-stock"]
            .into_iter()
            .zip(&events)
            .map(|(command, event)| {
                call(event.sequence, command, json!({"quantity": 5}), acknowledged(event))
            })
            .collect();
    entries.push(call(4, "catalog/reserve-stock", json!({"quantity": 3}), refused));
    entries.push(query(About::Stock, Some(2), stock(2, 5, 0, 0)));
    entries.push(query(About::Stock, None, stock(3, 5, 3, 1)));
    let record = |event: &Event| {
        let header = |name: &str, value: String| (name.to_owned(), value);
        Record {
            offset: i64::try_from(event.sequence).unwrap(),
            key: format!("acme/{}", event.stream),
            headers: [
                header("sequence", event.sequence.to_string()),
                header("ce_id", event.id.to_string()),
                header("ce_type", event.event_type.clone()),
                header("tenant", "acme".to_owned()),
                header("stream", event.stream.clone()),
                header("version", event.version.to_string()),
                header("chain", hex::encode(&event.chain)),
            ]
            .into(),
            body: event.payload.clone(),
        }
    };
    let log = ("catalog".to_owned(), 0);
    let observed = Observed {
        heads: [(log.clone(), 3)].into(),
        topics: [(log.clone(), events.iter().map(record).collect())].into(),
        logs: [(log, events)].into(),
        verified: vec![("verify views --all".to_owned(), true, "stock v1: 1 rows compared\n".to_owned())],
        parked: Vec::new(),
    };
    Scene { entries, observed }
}

impl Scene {
    pub(super) fn broken(&self) -> Vec<Rule> {
        everything(&self.entries, &self.observed).broken()
    }

    pub(super) fn events(&mut self) -> &mut Vec<Event> {
        self.observed.logs.values_mut().next().unwrap()
    }

    pub(super) fn records(&mut self) -> &mut Vec<Record> {
        self.observed.topics.values_mut().next().unwrap()
    }

    pub(super) fn command(&mut self, number: usize) -> &mut CommandCall {
        match &mut self.entries[number] {
            Entry::Command(call) => call,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn query(&mut self, number: usize) -> &mut QueryCall {
        match &mut self.entries[4 + number] {
            Entry::Query(call) => call,
            other => panic!("{other:?}"),
        }
    }
}
