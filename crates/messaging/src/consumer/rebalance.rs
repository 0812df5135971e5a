//! Rebalances: the group waits until the receiver has answered.

use std::time::Duration;

use rdkafka::consumer::{Consumer as _, RebalanceProtocol};
use rdkafka::error::KafkaResult;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::consumer::context::Rebalance;
use crate::consumer::run::Run;
use crate::consumer::{ConsumerEvent, Position};

/// A rebalance that the receiver has been told of and has not answered.
pub(super) enum Pending {
    Assign { partitions: Vec<i32>, answer: oneshot::Receiver<Vec<(i32, Position)>> },
    Revoke { partitions: Vec<i32>, answer: oneshot::Receiver<()>, deadline: Instant },
}

/// What the receiver answered.
pub(super) enum Answer {
    Positions(Vec<(i32, Position)>),
    /// The receiver is gone; so is the reason to read.
    Nobody,
    Done,
    TooLate,
}

impl Pending {
    pub(super) async fn answered(pending: &mut Option<Self>) -> Answer {
        match pending {
            Some(Self::Assign { answer, .. }) => match answer.await {
                Ok(positions) => Answer::Positions(positions),
                Err(_) => Answer::Nobody,
            },
            // Dropping the sender is an answer too.
            Some(Self::Revoke { answer, deadline, .. }) => {
                match tokio::time::timeout_at(*deadline, answer).await {
                    Ok(_) => Answer::Done,
                    Err(_) => Answer::TooLate,
                }
            }
            None => std::future::pending().await,
        }
    }
}

impl Run {
    /// Tells the receiver of the next rebalance, after everything that was handed over before it.
    pub(super) fn begin_rebalance(&mut self) {
        while self.pending.is_none() {
            let Some(rebalance) = self.consumer.context().next_rebalance() else { return };
            match rebalance {
                // The group still waits for the answer.
                Rebalance::Assign(partitions) if partitions.is_empty() => self.assign(&[], &[]),
                Rebalance::Revoke(partitions) if partitions.is_empty() => self.unassign(&[]),
                Rebalance::Assign(partitions) => {
                    let (positions, answer) = oneshot::channel();
                    self.outbox
                        .push_back(ConsumerEvent::Assigned { partitions: partitions.clone(), positions });
                    self.pending = Some(Pending::Assign { partitions, answer });
                }
                Rebalance::Revoke(partitions) => {
                    // What the receiver has not been given yet, the next owner reads.
                    self.forget(&partitions);
                    let (done, answer) = oneshot::channel();
                    self.outbox.push_back(ConsumerEvent::Revoked { partitions: partitions.clone(), done });
                    let deadline = Instant::now() + self.options.revoke_timeout;
                    self.pending = Some(Pending::Revoke { partitions, answer, deadline });
                }
            }
        }
    }

    pub(super) fn finish_rebalance(&mut self, answer: Answer) {
        match (self.pending.take(), answer) {
            (Some(Pending::Assign { partitions, .. }), Answer::Positions(positions)) => {
                self.assign(&partitions, &positions);
            }
            (Some(Pending::Assign { .. }), _) => self.assign(&[], &[]),
            (Some(Pending::Revoke { partitions, .. }), answer) => {
                if matches!(answer, Answer::TooLate) {
                    let after: Duration = self.options.revoke_timeout;
                    tracing::warn!(
                        ?partitions,
                        ?after,
                        "the receiver did not finish with revoked partitions"
                    );
                }
                self.unassign(&partitions);
            }
            (None, _) => {}
        }
    }

    fn assign(&mut self, partitions: &[i32], positions: &[(i32, Position)]) {
        let mut places = Vec::with_capacity(partitions.len());
        for &partition in partitions {
            let position = positions.iter().find(|(of, _)| *of == partition).map(|(_, position)| *position);
            let (offset, next) = match position {
                Some(Position::Offset(offset)) => (Offset::Offset(offset), Some(offset)),
                Some(Position::Beginning) | None => (Offset::Beginning, None),
            };
            places.push((partition, offset));
            self.next.insert(partition, next);
        }
        let list = self.list(places);
        self.report("take partitions", self.apply(&list, true));
        self.hold_back_new(partitions);
    }

    fn unassign(&mut self, partitions: &[i32]) {
        self.forget(partitions);
        let list = self.list(partitions.iter().map(|partition| (*partition, Offset::Invalid)));
        self.report("give partitions back", self.apply(&list, false));
    }

    fn apply(&self, list: &TopicPartitionList, assign: bool) -> KafkaResult<()> {
        match (self.consumer.rebalance_protocol(), assign) {
            (RebalanceProtocol::Cooperative, true) => self.consumer.incremental_assign(list),
            (RebalanceProtocol::Cooperative, false) => self.consumer.incremental_unassign(list),
            (_, true) => self.consumer.assign(list),
            (_, false) => self.consumer.unassign(),
        }
    }

    fn report(&self, what: &'static str, outcome: KafkaResult<()>) {
        if let Err(error) = outcome {
            tracing::error!(%error, what, topic = %self.options.topic, "a rebalance went wrong");
        }
    }
}
