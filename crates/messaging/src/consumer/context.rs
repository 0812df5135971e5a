//! The client library's callbacks: each only notes what happened and returns.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rdkafka::ClientContext;
use rdkafka::config::{FromClientConfigAndContext, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::{RDKafkaErrorCode, RDKafkaRespErr};
use tokio::sync::Notify;

use crate::connection::Connection;
use crate::consumer::ConsumerOptions;
use crate::error::MessagingError;
use crate::trouble::reported;

/// A rebalance that the group is waiting for this member to carry out.
#[derive(Debug)]
pub(super) enum Rebalance {
    Assign(Vec<i32>),
    Revoke(Vec<i32>),
}

#[derive(Debug, Default)]
pub(super) struct Context {
    rebalances: Mutex<VecDeque<Rebalance>>,
    errors: Mutex<VecDeque<MessagingError>>,
    closing: AtomicBool,
    pub(super) wake: Arc<Notify>,
}

/// More than the kinds of trouble there are; the rest of a storm says nothing new.
const ERRORS_KEPT: usize = 16;

impl Context {
    pub(super) fn join(
        connection: &Connection,
        options: &ConsumerOptions,
    ) -> Result<BaseConsumer<Self>, MessagingError> {
        let heartbeat = options.session_timeout / 3;
        let fetch_bytes = (u64::from(options.fetch_partition_kbytes) * 1024).to_string();
        let config = connection.client_config(
            &[
                ("fetch.wait.max.ms", &options.fetch_wait_max_ms.to_string()),
                ("fetch.error.backoff.ms", "100"),
                ("queued.max.messages.kbytes", &options.queued_kbytes.to_string()),
                ("fetch.message.max.bytes", &fetch_bytes),
                ("session.timeout.ms", &options.session_timeout.as_millis().to_string()),
                ("heartbeat.interval.ms", &heartbeat.as_millis().to_string()),
                // How soon a topic that is made after the consumer has started is found.
                ("topic.metadata.refresh.interval.ms", "2000"),
                ("partition.assignment.strategy", "cooperative-sticky"),
            ],
            &[
                ("group.id", &options.group),
                ("enable.partition.eof", "true"),
                // The store's checkpoint is the truth. What is committed is what `applied` notes, nothing else.
                ("enable.auto.commit", "false"),
                ("enable.auto.offset.store", "false"),
                // A position that the partition does not have: read all of it again, repeats are recognised.
                ("auto.offset.reset", "earliest"),
                ("allow.auto.create.topics", "false"),
            ],
        );
        let context = Self::default();
        let wake = Arc::clone(&context.wake);
        let mut consumer = BaseConsumer::from_config_and_context(&config, context)?;
        consumer.set_nonempty_callback(move || wake.notify_one());
        consumer.subscribe(&[&options.topic])?;
        Ok(consumer)
    }

    pub(super) fn next_rebalance(&self) -> Option<Rebalance> {
        lock(&self.rebalances).pop_front()
    }

    pub(super) fn has_rebalance(&self) -> bool {
        !lock(&self.rebalances).is_empty()
    }

    pub(super) fn next_error(&self) -> Option<MessagingError> {
        lock(&self.errors).pop_front()
    }

    /// From now on every rebalance is granted at once: there is no loop left to ask.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Release);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        crate::telemetry::client_log(level, facility, message);
    }

    /// The end of a partition comes here as well as out of `poll`, and is no trouble.
    fn error(&self, error: KafkaError, reason: &str) {
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::PartitionEOF) {
            return;
        }
        let mut errors = lock(&self.errors);
        if errors.len() < ERRORS_KEPT {
            errors.push_back(reported(error, reason));
        }
    }
}

impl ConsumerContext for Context {
    /// Runs inside `poll`. The group waits until the loop has answered with `assign` or `unassign`; that the
    /// answer is not given from inside the callback is what lets a receiver finish its work first.
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        error: RDKafkaRespErr,
        partitions: &mut TopicPartitionList,
    ) {
        let numbers = partitions.elements().iter().map(|element| element.partition()).collect();
        let assigned = error == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        if self.closing.load(Ordering::Acquire) {
            if let Err(error) = consumer.unassign() {
                tracing::debug!(%error, "could not give partitions back while leaving the group");
            }
            return;
        }
        let rebalance = if assigned { Rebalance::Assign(numbers) } else { Rebalance::Revoke(numbers) };
        lock(&self.rebalances).push_back(rebalance);
        self.wake.notify_one();
    }
}
