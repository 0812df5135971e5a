//! What an event is on its topic, and what a record on a topic says of its place in the log.

use bytes::Bytes;
use kernel::{ChainHash, Epoch, LoggedEvent, Sequence};
use messaging::{IncomingRecord, OutgoingRecord};
use wire::headers;

/// A record about to be sent.
pub(crate) struct Record {
    key: String,
    value: Bytes,
    headers: Vec<(&'static str, Bytes)>,
    timestamp_ms: i64,
}

impl Record {
    /// The bytes that the log has, behind the frame with the schema's id.
    pub(crate) fn of(event: &LoggedEvent, epoch: &Epoch, schema_id: u32) -> Self {
        Self {
            key: wire::record_key(&event.tenant, &event.event.stream),
            value: wire::frame(schema_id, &event.event.payload),
            headers: headers::encode(event, epoch),
            timestamp_ms: event.recorded_at.micros().div_euclid(1000),
        }
    }

    pub(crate) fn outgoing(&self) -> OutgoingRecord<'_> {
        OutgoingRecord {
            key: Some(self.key.as_bytes()),
            value: Some(&self.value),
            headers: &self.headers,
            timestamp_ms: Some(self.timestamp_ms),
        }
    }

    /// About what it takes in a request.
    pub(crate) fn size(&self) -> usize {
        let headers: usize = self.headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
        self.key.len() + self.value.len() + headers + 128
    }
}

/// What a record on a topic says of its place in a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Placed {
    pub(crate) offset: i64,
    pub(crate) epoch: Epoch,
    pub(crate) sequence: Sequence,
    pub(crate) chain: ChainHash,
}

impl Placed {
    /// None where the record is not one of a log.
    pub(crate) fn read(record: &IncomingRecord) -> Option<Self> {
        let text = |name| std::str::from_utf8(record.headers.get(name)?).ok();
        Some(Self {
            offset: record.offset,
            epoch: Epoch(text(headers::EPOCH)?.parse().ok()?),
            sequence: Sequence::new(text(headers::SEQUENCE)?.parse().ok()?),
            chain: ChainHash::from_hex(text(headers::CHAIN)?)?,
        })
    }
}
