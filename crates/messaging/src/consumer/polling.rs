//! One round of polling: what the client library has becomes events, in order.

use std::time::Duration;

use rdkafka::Message;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaError;
use rdkafka::message::BorrowedMessage;

use crate::consumer::ConsumerEvent;
use crate::consumer::run::Run;
use crate::{IncomingRecord, MessagingError, telemetry};

/// Room for the ends of every partition of a large topic; records are bounded by the batch.
const MOST_EVENTS: usize = 256;

/// What a round has gathered: records by partition, each in order.
#[derive(Default)]
struct Round {
    records: Vec<(i32, Vec<IncomingRecord>)>,
    taken: usize,
    bytes: usize,
}

impl Run {
    /// Takes what there is, up to the bounds of a batch; says whether there may be more.
    pub(super) fn poll(&mut self) -> bool {
        let consumer = std::sync::Arc::clone(&self.consumer);
        let mut round = Round::default();
        let more = loop {
            match consumer.poll(Duration::ZERO) {
                Some(Ok(message)) => self.take(&message, &mut round),
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    self.hand_over(&mut round, |of| of == partition);
                    if let Some(next) = self.next.get(&partition) {
                        let offset = next.unwrap_or(0);
                        self.outbox.push_back(ConsumerEvent::EndOfPartition { partition, offset });
                    }
                }
                Some(Err(error)) => self.fail(error.into()),
                None => break consumer.context().has_rebalance(),
            }
            let full = round.taken >= self.options.batch_records
                || round.bytes >= self.options.batch_kbytes * 1024
                || self.outbox.len() > MOST_EVENTS;
            if full {
                break true;
            }
        };
        self.hand_over(&mut round, |_| true);
        while let Some(error) = consumer.context().next_error() {
            self.fail(error);
        }
        more
    }

    fn take(&mut self, message: &BorrowedMessage<'_>, round: &mut Round) {
        let (partition, offset) = (message.partition(), message.offset());
        // Not ours any more. (What lies fetched from before a seek or a pause, the client drops itself.)
        let Some(next) = self.next.get_mut(&partition) else { return };
        *next = Some(offset + 1);
        let record = IncomingRecord::copy_of(message);
        round.taken += 1;
        round.bytes += record.size();
        match round.records.iter_mut().find(|(of, _)| *of == partition) {
            Some((_, records)) => records.push(record),
            None => round.records.push((partition, vec![record])),
        }
    }

    fn hand_over(&mut self, round: &mut Round, which: impl Fn(i32) -> bool) {
        let (chosen, kept) = std::mem::take(&mut round.records).into_iter().partition(|(of, _)| which(*of));
        round.records = kept;
        let chosen: Vec<(i32, Vec<IncomingRecord>)> = chosen;
        for (partition, records) in chosen {
            metrics::counter!(telemetry::CONSUMER_RECORDS, "topic" => self.options.topic.clone())
                .increment(records.len() as u64);
            self.outbox.push_back(ConsumerEvent::Records { partition, records });
        }
    }

    /// The same trouble twice in a row is one piece of news.
    fn fail(&mut self, error: MessagingError) {
        let repeated = matches!(self.outbox.back(), Some(ConsumerEvent::Failed(before)) if *before == error);
        if !repeated {
            self.outbox.push_back(ConsumerEvent::Failed(error));
        }
    }
}
