//! The topic holds the log, in the log's order.

use std::ops::ControlFlow;
use std::time::Duration;

use kernel::LoggedEvent;
use messaging::{Connection, IncomingRecord, PartitionReader};

use super::Logs;
use crate::system::System;

const READ: Duration = Duration::from_secs(60);

/// Repeats are allowed, since delivery is at least once: a repeat says a sequence that was there before. First
/// appearances are the log, event by event, byte by byte.
pub(super) fn holds_the_log_in_its_order(system: &System, logs: &Logs) {
    let connection = Connection::new(&system.kafka.brokers);
    let reader = PartitionReader::new(&connection, READ).unwrap();
    for (log, events) in logs {
        let topic = wire::topic(&system.kafka.prefix, &log.context);
        let partition = i32::from(log.lane.number());
        let (mut last, mut repeats) = (0, 0_u64);
        reader
            .read(&topic, partition, 0, |record| {
                let sequence = sequence(&record);
                if sequence <= last {
                    repeats += 1;
                } else {
                    assert_eq!(sequence, last + 1, "{topic}/{partition} has a hole");
                    let index = usize::try_from(last).unwrap();
                    is_the_event(&record, events.get(index).expect("the topic has more than the log"));
                    last = sequence;
                }
                ControlFlow::Continue(())
            })
            .unwrap();
        assert_eq!(last, events.len() as u64, "{topic}/{partition} ends before the log");
        eprintln!("{topic}/{partition}: {last} events, {repeats} repeats");
    }
}

fn text<'a>(record: &'a IncomingRecord, name: &str) -> &'a str {
    let value = record.headers.get(name).unwrap_or_else(|| panic!("a record without the header {name}"));
    std::str::from_utf8(value).unwrap()
}

fn sequence(record: &IncomingRecord) -> u64 {
    text(record, "sequence").parse().unwrap()
}

fn is_the_event(record: &IncomingRecord, logged: &LoggedEvent) {
    assert_eq!(text(record, "ce_id"), logged.event.id.to_string());
    assert_eq!(text(record, "chain"), logged.chain.to_string());
    assert_eq!(text(record, "tenant"), logged.tenant.as_str());
    assert_eq!(text(record, "stream"), logged.event.stream.as_str());
    assert_eq!(text(record, "version"), logged.event.version.to_string());
    let key = record.key.as_deref().expect("a record has a key");
    assert_eq!(key, wire::record_key(&logged.tenant, &logged.event.stream).as_bytes());
    let (_, payload) = wire::unframe(record.value.as_ref().expect("a record has a value")).unwrap();
    assert_eq!(payload, logged.event.payload);
}
