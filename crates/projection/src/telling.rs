//! Dead letters on their topic, `<prefix>.<view>.dead-letters`, for other tools.
//!
//! A letter is sent after it was kept, and marked as told after Kafka has it: it is there at least once. A record is
//! the one that could not be applied, on the partition of its lane, with headers of its own that say why.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use kernel::Lane;
use messaging::{Connection, MessagingError, OutgoingRecord, Producer, ProducerOptions, TopicSpec, Topics};
use read_store::{Letter, ViewVersion};

use crate::projector::Source;

/// Tells letters of one view in one store. Nothing is made before there is something to tell.
pub(crate) struct Telling {
    connection: Connection,
    topics: Topics,
    prefix: String,
    replication: i16,
    view: ViewVersion,
    store: &'static str,
    producer: Mutex<Option<Producer>>,
}

impl Telling {
    pub(crate) fn new(source: &Source, view: ViewVersion, store: &'static str) -> Self {
        Self {
            connection: source.connection.clone(),
            topics: source.topics.clone(),
            prefix: source.prefix.clone(),
            replication: source.replication,
            view,
            store,
            producer: Mutex::default(),
        }
    }

    fn topic(&self) -> String {
        format!("{}.{}.dead-letters", self.prefix, self.view.view)
    }

    /// Returns when Kafka has them all.
    pub(crate) async fn tell(&self, lane: Lane, letters: &[Letter]) -> Result<(), MessagingError> {
        let producer = self.producer().await?;
        let topic = self.topic();
        for letter in letters {
            let said = self.said(letter);
            let own = letter.record.headers.iter();
            let headers = own.map(|(name, value)| (name.as_str(), Bytes::from(value.0.clone())));
            let headers: Vec<(&str, Bytes)> = headers.chain(said).collect();
            let record = OutgoingRecord {
                key: letter.record.key.as_deref(),
                value: letter.record.value.as_deref(),
                headers: &headers,
                timestamp_ms: None,
            };
            producer.send(&topic, i32::from(lane.number()), &record).await?;
        }
        Ok(())
    }

    fn said(&self, letter: &Letter) -> [(&'static str, Bytes); 9] {
        let text = |text: String| Bytes::from(text);
        [
            ("deadletter_id", text(format!("{}.{}", self.view.view, letter.id()))),
            ("deadletter_store", Bytes::from_static(self.store.as_bytes())),
            ("deadletter_version", text(self.view.version.to_string())),
            ("deadletter_subject", text(letter.subject.to_string())),
            ("deadletter_sequence", text(letter.sequence.to_string())),
            ("deadletter_offset", text(letter.record.offset.to_string())),
            ("deadletter_reason", Bytes::from_static(letter.reason.as_str().as_bytes())),
            ("deadletter_why", text(letter.why.clone())),
            ("deadletter_parked_at", text(letter.parked_at.to_string())),
        ]
    }

    /// One that cannot go on is replaced.
    async fn producer(&self) -> Result<Producer, MessagingError> {
        let known = self.producer.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = known.filter(|known| known.fatal_error().is_none()) {
            return Ok(known);
        }
        self.make_topic().await?;
        let made = Producer::start(&self.connection, &ProducerOptions::default())?;
        *self.producer.lock().unwrap_or_else(PoisonError::into_inner) = Some(made.clone());
        Ok(made)
    }

    /// With a partition for each of the events'.
    async fn make_topic(&self) -> Result<(), MessagingError> {
        let events = self.topics.describe(&wire::topic(&self.prefix, self.view.context)).await?;
        let partitions = events.map_or(1, |events| events.partitions);
        let replication = i32::from(self.replication);
        let spec = TopicSpec { name: self.topic(), partitions, replication, config: Vec::new() };
        self.topics.ensure(&spec).await?;
        Ok(())
    }
}
