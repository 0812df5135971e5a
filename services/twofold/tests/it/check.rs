//! The checker: reads the log, the topic and the views, and holds each against the others and against what
//! clients were told.

use std::collections::HashMap;
use std::time::Duration;

use event_log::{EventLog, Options};
use kernel::{ChainHash, LogId, LoggedEvent, Sequence};
use tokio::time::Instant;
use uuid::Uuid;

use crate::load::Acknowledged;
use crate::system::{System, pause};

mod fold;
mod topic;
mod views;

/// Events that are read in one go.
const PAGE: usize = 5_000;
/// How long the relay and the projectors may need after the last acknowledgement.
const CAUGHT_UP: Duration = Duration::from_secs(300);

/// Every log, whole.
pub(crate) type Logs = HashMap<LogId, Vec<LoggedEvent>>;

/// Panics at the first thing that does not hold.
pub(crate) async fn everything(system: &System, acknowledged: &[Acknowledged]) {
    let log = EventLog::new(system.log.pool().await, Options::default());
    let logs = read(&log).await;
    dense_and_chained(&log, &logs).await;
    each_acknowledged_event_once(&logs, acknowledged);
    published(&log, &logs).await;
    topic::holds_the_log_in_its_order(system, &logs);
    views::equal_the_fold_of_the_log(system, &logs).await;
}

async fn read(log: &EventLog) -> Logs {
    let mut logs = Logs::new();
    for id in log.logs().await.unwrap() {
        let mut events: Vec<LoggedEvent> = Vec::new();
        loop {
            let after = events.last().map_or(Sequence::ZERO, |event| event.sequence);
            let page = log.read_log(&id, after, PAGE).await.unwrap();
            if page.is_empty() {
                break;
            }
            events.extend(page);
        }
        logs.insert(id, events);
    }
    logs
}

/// Waits until the relay says so of everything.
async fn published(log: &EventLog, logs: &Logs) {
    let deadline = Instant::now() + CAUGHT_UP;
    for id in logs.keys() {
        loop {
            let head = log.head(id).await.unwrap();
            if head.published_through == head.sequence {
                break;
            }
            assert!(Instant::now() < deadline, "{id} is published up to {}", head.published_through);
            pause().await;
        }
    }
}

/// By the log's own verification, and once more by hand: the checker shall not rest on what it checks.
async fn dense_and_chained(log: &EventLog, logs: &Logs) {
    for (id, events) in logs {
        let verified = log.verify(id, |_| {}).await.unwrap();
        assert_eq!(verified.count, events.len() as u64, "{id}");
        let mut chain = ChainHash::GENESIS;
        let mut versions = HashMap::new();
        for (index, event) in events.iter().enumerate() {
            assert_eq!(event.sequence.number(), index as u64 + 1, "{id} is dense");
            assert_eq!(event.chain, event.expected_chain(&chain), "{id} at {}", event.sequence);
            chain = event.chain;
            let version = versions.entry((event.tenant.clone(), event.event.stream.clone())).or_insert(0);
            *version += 1;
            assert_eq!(event.event.version.number(), *version, "{id}: {}", event.event.stream);
        }
    }
}

/// What was acknowledged is there, where it was said to be, once; and nothing else is there.
fn each_acknowledged_event_once(logs: &Logs, acknowledged: &[Acknowledged]) {
    let mut found: HashMap<Uuid, &LoggedEvent> = HashMap::new();
    for event in logs.values().flatten() {
        assert!(
            found.insert(event.event.id.0, event).is_none(),
            "the event {} is there twice",
            event.event.id
        );
    }
    for answer in acknowledged {
        for id in &answer.events {
            let event = found.remove(id).unwrap_or_else(|| panic!("the acknowledged event {id} is lost"));
            assert_eq!(event.tenant.as_str(), answer.tenant);
            assert_eq!(event.event.stream.as_str(), answer.stream);
            assert_eq!(event.log, answer.last.log);
            assert!(event.sequence <= answer.last.sequence);
        }
    }
    assert!(found.is_empty(), "events that no acknowledged command recorded: {found:?}");
}
