//! A lane's events read from its topic once more, apart from the consumer that feeds the rows.

use std::sync::Arc;

use kernel::{LogId, Sequence};
use messaging::{IncomingRecord, MessagingError, PartitionReader};
use read_store::Checkpoint;

use crate::compare::{Pages, Told};
use crate::intake::{Admitted, Intake, Refused, follow};
use crate::log_source::{LOG_PAGE_MOST, LogRecord, LogSource};
use crate::projector::Source;
use crate::stop::{RecordAt, Stop};
use crate::view::AnyView;

/// Records read in one go.
const PAGE: usize = 5_000;
/// How long Kafka may be silent.
const SILENCE: std::time::Duration = std::time::Duration::from_secs(30);

/// Reads a partition from its beginning, checking each record like the projector does.
pub(crate) struct FromTopic {
    reader: Arc<PartitionReader>,
    topic: Arc<str>,
    partition: i32,
    intake: Intake,
    /// What has the events that the topic lacks.
    log: LogSource,
    /// Behind the last record that was read.
    last: Checkpoint,
    /// The page that was read last.
    page: Vec<Told>,
}

impl FromTopic {
    pub(crate) fn new(
        source: &Source,
        topic: &str,
        log: &LogId,
        view: &AnyView,
    ) -> Result<Self, MessagingError> {
        Ok(Self {
            reader: Arc::new(PartitionReader::new(&source.connection, SILENCE)?),
            topic: topic.into(),
            partition: i32::from(log.lane.number()),
            intake: Intake::new(log.clone(), view.clone(), source.registry.clone()),
            log: source.log.clone(),
            last: Checkpoint::ZERO,
            page: Vec::new(),
        })
    }

    /// Begins behind what is known already.
    pub(crate) fn start_behind(&mut self, place: Checkpoint) {
        self.last = place;
    }

    async fn read(&self) -> Result<Vec<IncomingRecord>, String> {
        let (reader, topic) = (Arc::clone(&self.reader), Arc::clone(&self.topic));
        let (partition, from) = (self.partition, self.last.offset);
        let read = move || {
            let mut records = Vec::new();
            reader.read(&topic, partition, from, |record| {
                records.push(record);
                if records.len() < PAGE {
                    std::ops::ControlFlow::Continue(())
                } else {
                    std::ops::ControlFlow::Break(())
                }
            })?;
            Ok::<_, MessagingError>(records)
        };
        let read = tokio::task::spawn_blocking(read).await.map_err(|error| error.to_string())?;
        read.map_err(|error| error.to_string())
    }

    /// What the topic lacks, up to before `found`.
    async fn read_log(&mut self, found: Sequence) -> Result<(), String> {
        while self.last.sequence.next() < found {
            let missing = usize::try_from(found.since(self.last.sequence) - 1).unwrap_or(usize::MAX);
            let (log, after) = (self.intake.log().clone(), self.last.sequence);
            let page = self.log.records(&log, after, missing.min(LOG_PAGE_MOST), self.intake.view()).await;
            let page = page.map_err(|error| error.to_string())?;
            if page.is_empty() {
                return Err(format!("neither topic nor log have the event {}", after.next()));
            }
            for LogRecord { received, event } in page {
                let at = RecordAt::Sequence(received.event.sequence);
                self.last =
                    follow(&received, at, self.last.offset, &self.last).map_err(|stop| stop.to_string())?;
                let Checkpoint { sequence, chain, .. } = self.last;
                self.page.push(Told { sequence, chain, event: event.ok() });
            }
        }
        Ok(())
    }

    /// Those of the page after a sequence, where the page has all of them.
    fn again(&self, after: Sequence) -> Option<Vec<Told>> {
        let from = self.page.iter().position(|told| told.sequence == after.next())?;
        Some(self.page[from..].to_vec())
    }
}

impl Pages for FromTopic {
    async fn after(&mut self, after: Sequence) -> Result<Vec<Told>, String> {
        if after < self.last.sequence {
            if let Some(page) = self.again(after) {
                return Ok(page);
            }
            self.last = Checkpoint::ZERO;
        }
        loop {
            let records = self.read().await?;
            if records.is_empty() {
                return Ok(Vec::new());
            }
            self.page.clear();
            for record in &records {
                let mut admitted = self.intake.admit(record, &self.last).await;
                if let Err(Refused::Stop(Stop::Hole { found, .. })) = admitted {
                    self.read_log(found).await?;
                    admitted = self.intake.admit(record, &self.last).await;
                }
                match admitted {
                    Ok(Admitted::Repeat) => self.last.offset = record.offset + 1,
                    Ok(Admitted::Next(next)) => {
                        self.last = next.after;
                        self.page.push(Told {
                            sequence: next.after.sequence,
                            chain: next.after.chain,
                            event: Some(next.event),
                        });
                    }
                    // The lane has letters for these, or has what they stand for from the log.
                    Err(Refused::Foreign(_)) => self.last.offset = record.offset + 1,
                    Err(Refused::Unreadable(unreadable)) => {
                        self.last = unreadable.after;
                        let Checkpoint { sequence, chain, .. } = self.last;
                        self.page.push(Told { sequence, chain, event: None });
                    }
                    Err(Refused::RegistryAway(why)) => return Err(why),
                    Err(Refused::Stop(stop)) => return Err(stop.to_string()),
                }
            }
            if self.page.last().is_some_and(|told| told.sequence > after) {
                return Ok(self.page.iter().filter(|told| told.sequence > after).cloned().collect());
            }
        }
    }
}
