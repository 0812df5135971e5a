//! The loop: takes from the client library, hands to the receiver, one thing at a time.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use tokio::sync::mpsc;

use crate::consumer::context::Context;
use crate::consumer::handle::Requests;
use crate::consumer::rebalance::Pending;
use crate::consumer::{ConsumerEvent, ConsumerOptions};
use crate::telemetry;

/// How often the client library is looked at without a reason, so that the group never takes us for stuck.
const TICK: Duration = Duration::from_millis(250);
/// How often positions are committed for lag tools.
const COMMIT_EVERY: Duration = Duration::from_secs(5);

pub(super) struct Run {
    pub(super) consumer: Arc<BaseConsumer<Context>>,
    pub(super) options: ConsumerOptions,
    /// Said, and not yet taken by the receiver. Filled by one round of polling at a time.
    pub(super) outbox: VecDeque<ConsumerEvent>,
    /// The assigned partitions, each with the offset after the last record taken from the client.
    pub(super) next: HashMap<i32, Option<i64>>,
    /// The rebalance that is under way.
    pub(super) pending: Option<Pending>,
    pub(super) requests: Arc<Requests>,
    events: mpsc::Sender<ConsumerEvent>,
    paused: HashSet<i32>,
    held_back: bool,
    committed: HashMap<i32, i64>,
}

impl Run {
    pub(super) fn new(
        consumer: BaseConsumer<Context>,
        options: ConsumerOptions,
        events: mpsc::Sender<ConsumerEvent>,
        requests: Arc<Requests>,
    ) -> Self {
        Self {
            consumer: Arc::new(consumer),
            options,
            outbox: VecDeque::new(),
            next: HashMap::new(),
            pending: None,
            requests,
            events,
            paused: HashSet::new(),
            held_back: false,
            committed: HashMap::new(),
        }
    }

    pub(super) async fn run(mut self) {
        let wake = Arc::clone(&self.consumer.context().wake);
        let requests = Arc::clone(&self.requests);
        let events = self.events.clone();
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut commit = tokio::time::interval(COMMIT_EVERY);
        let mut more = true;
        // When the receiver last took something, or had nothing to take.
        let mut flowing = Instant::now();
        loop {
            if self.outbox.is_empty() {
                flowing = Instant::now();
                self.release();
            }
            if self.wants_more() && more {
                more = self.poll();
            }
            self.begin_rebalance();
            if self.wants_more() && more {
                // Lets others on this thread run between two full rounds.
                tokio::task::yield_now().await;
                if !requests.stop.is_cancelled() && self.pending.is_none() {
                    continue;
                }
            }
            tokio::select! {
                biased;
                () = requests.stop.cancelled() => break,
                () = events.closed() => break,
                () = requests.changed.notified() => self.steer(),
                permit = events.reserve(), if !self.outbox.is_empty() => {
                    let Ok(permit) = permit else { break };
                    if let Some(event) = self.outbox.pop_front() {
                        permit.send(event);
                    }
                    flowing = Instant::now();
                }
                answer = Pending::answered(&mut self.pending), if self.pending.is_some() => {
                    self.finish_rebalance(answer);
                    more = true;
                }
                () = wake.notified() => more = true,
                _ = tick.tick() => {
                    more = true;
                    if flowing.elapsed() >= self.options.hold_back_after {
                        self.hold_back();
                    }
                    if self.held_back {
                        self.poll();
                    }
                }
                _ = commit.tick() => self.commit(CommitMode::Async),
            }
        }
        self.leave().await;
    }

    /// Whether another round of polling may add to the outbox.
    fn wants_more(&self) -> bool {
        self.outbox.is_empty() && !matches!(self.pending, Some(Pending::Revoke { .. }))
    }

    /// The receiver is slow: fetch nothing, stay a member. What the client had fetched and not yet given out it
    /// fetches again later; nothing is skipped.
    fn hold_back(&mut self) {
        if self.held_back || self.next.is_empty() {
            return;
        }
        self.held_back = true;
        self.requests.held_back.store(true, Ordering::Relaxed);
        metrics::counter!(telemetry::CONSUMER_HELD_BACK, "topic" => self.options.topic.clone()).increment(1);
        tracing::debug!(topic = %self.options.topic, "the receiver is slow, fetching is paused");
        self.set_paused(self.next.keys().copied(), true);
    }

    fn release(&mut self) {
        if self.held_back {
            self.held_back = false;
            self.requests.held_back.store(false, Ordering::Relaxed);
            let resumed: Vec<i32> =
                self.next.keys().copied().filter(|partition| !self.paused.contains(partition)).collect();
            self.set_paused(resumed, false);
        }
    }

    fn set_paused(&self, partitions: impl IntoIterator<Item = i32>, paused: bool) {
        let list = self.list(partitions.into_iter().map(|partition| (partition, Offset::Invalid)));
        let outcome = if paused { self.consumer.pause(&list) } else { self.consumer.resume(&list) };
        if let Err(error) = outcome {
            tracing::warn!(%error, paused, "could not change what is fetched");
        }
    }

    fn steer(&mut self) {
        let (seeks, pauses) = self.requests.take_steering();
        for (partition, offset) in seeks {
            let Some(next) = self.next.get_mut(&partition) else { continue };
            *next = Some(offset);
            self.outbox.retain(|event| !concerns(event, partition));
            let to = Offset::Offset(offset);
            if let Err(error) = self.consumer.seek(&self.options.topic, partition, to, Duration::ZERO) {
                tracing::warn!(%error, partition, offset, "could not seek");
            }
        }
        for (partition, paused) in pauses {
            if !self.next.contains_key(&partition) {
                continue;
            }
            let changed = if paused { self.paused.insert(partition) } else { self.paused.remove(&partition) };
            if changed && !self.held_back {
                self.set_paused([partition], paused);
            }
        }
    }

    /// Forgets a partition that is no longer ours, and what was not yet handed over of it.
    pub(super) fn forget(&mut self, partitions: &[i32]) {
        for partition in partitions {
            self.next.remove(partition);
            self.paused.remove(partition);
            self.outbox.retain(|event| !concerns(event, *partition));
        }
    }

    pub(super) fn hold_back_new(&self, partitions: &[i32]) {
        if self.held_back {
            self.set_paused(partitions.iter().copied(), true);
        }
    }

    pub(super) fn list(&self, places: impl IntoIterator<Item = (i32, Offset)>) -> TopicPartitionList {
        let mut list = TopicPartitionList::new();
        for (partition, offset) in places {
            if let Err(error) = list.add_partition_offset(&self.options.topic, partition, offset) {
                tracing::warn!(%error, partition, "not an offset");
            }
        }
        list
    }

    /// For lag tools only, so a failure is of no consequence.
    pub(super) fn commit(&mut self, mode: CommitMode) {
        let applied: Vec<(i32, i64)> = {
            let wishes = self.requests.wishes();
            let ours = wishes.applied.iter().filter(|(partition, _)| self.next.contains_key(partition));
            ours.map(|(partition, next)| (*partition, *next))
                .filter(|(partition, next)| self.committed.get(partition) != Some(next))
                .collect()
        };
        if applied.is_empty() {
            return;
        }
        let list = self.list(applied.iter().map(|(partition, next)| (*partition, Offset::Offset(*next))));
        match self.consumer.commit(&list, mode) {
            Ok(()) => self.committed.extend(applied),
            Err(error) => tracing::debug!(%error, "positions were not committed"),
        }
    }

    /// Leaving talks to the group's coordinator and may wait for it, so it happens off the runtime's threads.
    async fn leave(mut self) {
        let left = tokio::task::spawn_blocking(move || {
            self.consumer.context().close();
            self.commit(CommitMode::Async);
            drop(self);
        });
        if let Err(error) = left.await {
            tracing::error!(%error, "leaving the consumer group failed");
        }
    }
}

/// Also when it did not leave but was dropped, with its runtime or by a panic: a consumer ends only once its last
/// rebalance is granted, and nobody is left to grant it.
impl Drop for Run {
    fn drop(&mut self) {
        self.consumer.context().close();
        drop(self.pending.take());
    }
}

fn concerns(event: &ConsumerEvent, partition: i32) -> bool {
    match event {
        ConsumerEvent::Records { partition: of, .. }
        | ConsumerEvent::EndOfPartition { partition: of, .. } => *of == partition,
        ConsumerEvent::Assigned { .. } | ConsumerEvent::Revoked { .. } | ConsumerEvent::Failed(_) => false,
    }
}
