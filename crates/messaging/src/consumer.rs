//! The consumer: what the client library says in callbacks becomes messages to one loop.
//!
//! ```text
//!            ┌────────────── Assigned{positions} ──┐
//!  joining ──┤                                     ▼
//!            └◄─ Revoked{done} ── reading ⇄ held back (receiver slow: nothing fetched, still a member)
//!                                   │
//!                                 stop ─► positions committed for lag tools, group left
//! ```

mod context;
mod handle;
mod polling;
mod rebalance;
mod run;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

pub use handle::ConsumerHandle;

use crate::consumer::context::Context;
use crate::consumer::handle::Requests;
use crate::consumer::run::Run;
use crate::{Connection, IncomingRecord, MessagingError};

/// What a consumer reads, and its bounds.
#[derive(Debug, Clone)]
pub struct ConsumerOptions {
    /// The consumer group: its members share the topic's partitions.
    pub group: String,
    /// The topic.
    pub topic: String,
    /// How long a broker that has nothing may hold a fetch, in milliseconds. Default 250: Apache Kafka answers as soon
    /// as there is something, and is spared idle consumers' questions. A broker that answers a waiting fetch only
    /// when this has passed adds it to every record's way: there, say 10 as the connection's property.
    pub fetch_wait_max_ms: u32,
    /// How much may lie fetched and not yet handed over, in KiB. Default 8192. More makes a rebuild a little
    /// faster and every consumer larger.
    pub queued_kbytes: u32,
    /// How much one fetch brings of one partition, in KiB. Default 1024. A larger record still arrives.
    pub fetch_partition_kbytes: u32,
    /// Most records in one [`ConsumerEvent::Records`]. Default 1000.
    pub batch_records: usize,
    /// Most bytes gathered before a batch is handed over, in KiB. Default 1024.
    pub batch_kbytes: usize,
    /// Most events that wait for the receiver. Default 8.
    pub queued_events: usize,
    /// How long after its last sign of life a member's partitions go to others. Default 10 s; brokers refuse less
    /// than 6 s unless told otherwise.
    pub session_timeout: Duration,
    /// How long a receiver may take to finish with revoked partitions. Default 20 s. After it they go to others
    /// all the same: the store's compare-and-set keeps a late writer out.
    pub revoke_timeout: Duration,
    /// How long the receiver's channel may be full before fetching is paused. Default 1 s.
    pub hold_back_after: Duration,
}

impl ConsumerOptions {
    /// The defaults, for this group and topic.
    pub fn new(group: impl Into<String>, topic: impl Into<String>) -> Self {
        Self {
            group: group.into(),
            topic: topic.into(),
            fetch_wait_max_ms: 250,
            queued_kbytes: 8192,
            fetch_partition_kbytes: 1024,
            batch_records: 1000,
            batch_kbytes: 1024,
            queued_events: 8,
            session_timeout: Duration::from_secs(10),
            revoke_timeout: Duration::from_secs(20),
            hold_back_after: Duration::from_secs(1),
        }
    }
}

/// Where to read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// From this offset. Where the partition no longer has it (or not yet), reading starts at the beginning.
    Offset(i64),
    /// From the first record that the partition holds.
    Beginning,
}

/// What a consumer says, in the order in which it happened.
#[derive(Debug)]
pub enum ConsumerEvent {
    /// These partitions are now this member's, in addition to those it has. Nothing of them is read until
    /// `positions` is answered; a partition that the answer leaves out is read from its beginning.
    Assigned {
        /// The partitions.
        partitions: Vec<i32>,
        /// Where to read each from, as the receiver's own store says.
        positions: oneshot::Sender<Vec<(i32, Position)>>,
    },
    /// These partitions go to another member, once `done` is answered or dropped, or the revoke timeout has
    /// passed. Whatever was handed over before is to be finished or abandoned first; no record of them follows.
    Revoked {
        /// The partitions.
        partitions: Vec<i32>,
        /// To be answered when nothing of these partitions is in work any more.
        done: oneshot::Sender<()>,
    },
    /// Records of one partition, in order, following what was handed over before (or sought).
    Records {
        /// Their partition.
        partition: i32,
        /// The records.
        records: Vec<IncomingRecord>,
    },
    /// Everything that the partition held was handed over; `offset` follows the last record that was, 0 where
    /// there was none since it was assigned from its beginning. Comes again each time the end is reached again.
    EndOfPartition {
        /// The partition.
        partition: i32,
        /// Where its next record is expected.
        offset: i64,
    },
    /// Kafka said no, or nothing. Unless it is [`MessagingError::Fatal`] or not retryable, the consumer goes on
    /// trying by itself and this is for logs and readiness.
    Failed(MessagingError),
}

/// A member of a consumer group, reading one topic.
#[derive(Debug)]
pub struct Consumer;

impl Consumer {
    /// Joins the group, on the current tokio runtime. Kafka need not be up: the consumer waits for it.
    ///
    /// The consumer stops when the handle says so or the receiver is dropped.
    pub fn start(
        connection: &Connection,
        options: ConsumerOptions,
    ) -> Result<(ConsumerHandle, mpsc::Receiver<ConsumerEvent>), MessagingError> {
        let (events, receiver) = mpsc::channel(options.queued_events.max(1));
        let requests = Arc::new(Requests::default());
        let consumer = Context::join(connection, &options)?;
        let run = Run::new(consumer, options, events, Arc::clone(&requests));
        let task = tokio::spawn(run.run());
        Ok((ConsumerHandle::new(requests, task), receiver))
    }
}
