//! An event as bytes: what the log keeps, the relay moves and a record carries. No business type in sight.

use std::sync::Arc;

use bytes::Bytes;
use uuid::Uuid;

use crate::{
    Actor, ChainHash, EventDigest, EventId, LogId, Sequence, StreamName, StreamVersion, TenantId, Timestamp,
};

/// The Rabin fingerprint (CRC-64-AVRO) of the schema that a payload was written with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SchemaFingerprint(pub i64);

/// Who and what caused an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventMetadata {
    /// Ties everything together that began with one request from outside.
    pub correlation_id: Uuid,
    /// The event or command that caused the command, where it was caused.
    pub causation_id: Option<Uuid>,
    /// The command that recorded the event.
    pub command_id: Uuid,
    /// Who sent the command.
    pub actor: Actor,
    /// The W3C trace context of the command.
    pub traceparent: Option<Arc<str>>,
}

impl EventMetadata {
    /// Of a command that came from outside and not because of anything here.
    pub fn from_outside(command_id: Uuid, actor: Actor) -> Self {
        Self { correlation_id: command_id, causation_id: None, command_id, actor, traceparent: None }
    }
}

/// An event about to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// Its id, made with the command.
    pub id: EventId,
    /// The record name of its schema: `ProductCreated`.
    pub event_type: Arc<str>,
    /// The stream it goes to.
    pub stream: StreamName,
    /// Its place in that stream.
    pub version: StreamVersion,
    /// The schema that `payload` was written with.
    pub schema: SchemaFingerprint,
    /// The bare Avro body.
    pub payload: Bytes,
    /// Who and what caused it.
    pub metadata: EventMetadata,
}

/// An event that the log has: its place and its link in the chain are settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedEvent {
    /// The log that holds it.
    pub log: LogId,
    /// Its place in the log.
    pub sequence: Sequence,
    /// When it was recorded; never runs backwards within a log.
    pub recorded_at: Timestamp,
    /// The chain up to and with this event.
    pub chain: ChainHash,
    /// Whose it is.
    pub tenant: TenantId,
    /// What was recorded.
    pub event: NewEvent,
}

impl LoggedEvent {
    /// The chain value that follows from `previous`; equal to `self.chain` in an untouched history.
    pub fn expected_chain(&self, previous: &ChainHash) -> ChainHash {
        previous.extend(&EventDigest::of(&self.tenant, &self.event), self.sequence, self.recorded_at)
    }
}
