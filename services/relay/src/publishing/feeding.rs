//! From the log into the producer.

use event_log::LogError;
use kernel::{LoggedEvent, Sequence};
use messaging::PartitionWriter;
use tokio::sync::mpsc;

use super::{Sent, Session, Traced};
use crate::error::{Blame, Stop};
use crate::looking::Start;
use crate::records::Record;
use crate::schemas::Schemas;
use crate::topics::Topic;

impl Session<'_> {
    /// Reads page after page; where there is none, waits for the bell, and looks now and then without it.
    pub(super) async fn read(
        &self,
        from: Sequence,
        pages: mpsc::Sender<Vec<LoggedEvent>>,
    ) -> Result<(), Stop> {
        let (mut after, config) = (from, &self.shared.config);
        let limit = usize::try_from(config.page_events).unwrap_or(usize::MAX);
        while !self.token.is_cancelled() {
            let page = self.shared.log.read_log(self.log, after, limit).await?;
            self.shared.readiness.fine(Blame::Log, Some(self.log));
            let Some(last) = page.last() else {
                tokio::select! {
                    () = self.token.cancelled() => {}
                    () = self.bell.notified() => {}
                    () = tokio::time::sleep(config.poll()) => {}
                }
                continue;
            };
            after = self.checked(after, &page, last.sequence)?;
            if self.token.run_until_cancelled(pages.send(page)).await.is_none_or(|sent| sent.is_err()) {
                break;
            }
        }
        Ok(())
    }

    /// The log promises no gaps. What is published depends on it so much that it is checked here too.
    fn checked(&self, after: Sequence, page: &[LoggedEvent], last: Sequence) -> Result<Sequence, Stop> {
        let dense = page.first().is_some_and(|first| first.sequence == after.next())
            && last.since(after) == page.len() as u64;
        if !dense {
            let what = format!("the log {} has a gap after {after}", self.log);
            return Err(LogError::Corrupt(what).into());
        }
        Ok(last)
    }

    pub(super) async fn send(
        &self,
        start: &Start,
        writer: &mut PartitionWriter,
        mut pages: mpsc::Receiver<Vec<LoggedEvent>>,
    ) -> Result<(), Stop> {
        let shared = self.shared;
        let mut schemas = Schemas::new(shared.log.clone(), shared.registry.clone(), start.topic.name.clone());
        while let Some(Some(page)) = self.token.run_until_cancelled(pages.recv()).await {
            #[cfg(feature = "seeded-bugs")]
            let page = out_of_order(page);
            for event in page {
                let schema_id = match schemas.known(event.event.schema) {
                    Some(id) => id,
                    None => {
                        let id = schemas.learn(&event).await?;
                        shared.readiness.fine(Blame::Registry, Some(self.log));
                        id
                    }
                };
                let record = Record::of(&event, &start.epoch, schema_id);
                check_size(&start.topic, &event, &record)?;
                let taken = self.token.run_until_cancelled(writer.send_when_room(&record.outgoing())).await;
                let Some(taken) = taken else { return Ok(()) };
                taken?;
                self.sent().push_back(Sent {
                    sequence: event.sequence,
                    chain: event.chain,
                    recorded_at: event.recorded_at,
                    traced: Traced::of(&event),
                });
            }
        }
        Ok(())
    }
}

/// The bug: of every seventh page that has two, the last two change places.
#[cfg(feature = "seeded-bugs")]
fn out_of_order(mut page: Vec<LoggedEvent>) -> Vec<LoggedEvent> {
    let count = page.len();
    let is_chosen = page.last().is_some_and(|last| last.sequence.number() % 7 == 0);
    if crate::seeded_bugs::has("publish-out-of-order") && count > 1 && is_chosen {
        page.swap(count - 2, count - 1);
    }
    page
}

/// Before Kafka says it: a record that Kafka refuses ends the producer, for every log.
pub(crate) fn check_size(topic: &Topic, event: &LoggedEvent, record: &Record) -> Result<(), Stop> {
    match (record.size(), topic.limit) {
        (size, Some(limit)) if size > limit => Err(Stop::TooLarge { sequence: event.sequence, size, limit }),
        _ => Ok(()),
    }
}
