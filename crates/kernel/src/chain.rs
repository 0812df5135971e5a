//! The hash chain: history cannot be edited, cut or reordered unnoticed.
//!
//! `chain = sha256(previous chain ‖ sha256(digest ‖ sequence ‖ recorded_at))`, where the digest covers every
//! byte of the event and its metadata and the two numbers are big-endian 64-bit (time in microseconds). The
//! digest is made by whoever appends; the rest by the database under the lock of the log's head, where the
//! sequence and the time are settled. Anyone who holds a record and the chain before it can check both.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::{NewEvent, Sequence, TenantId, Timestamp};

/// The chain up to and with one event.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChainHash([u8; 32]);

impl ChainHash {
    /// The chain before the first event of a log.
    pub const GENESIS: Self = Self([0; 32]);

    /// From the bytes that a store kept.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// From lower- or upper-case hexadecimal.
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The chain with one more event.
    #[must_use]
    pub fn extend(&self, event: &EventDigest, sequence: Sequence, recorded_at: Timestamp) -> Self {
        let settled = Sha256::new()
            .chain_update(event.0)
            .chain_update(sequence.to_i64().to_be_bytes())
            .chain_update(recorded_at.micros().to_be_bytes())
            .finalize();
        Self(Sha256::new().chain_update(self.0).chain_update(settled).finalize().into())
    }
}

impl fmt::Display for ChainHash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for ChainHash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "ChainHash({self})")
    }
}

/// The digest of all of an event's bytes and metadata, apart from what the log adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventDigest([u8; 32]);

impl EventDigest {
    /// Every field goes in with its length before it, so that no two events share their bytes.
    pub fn of(tenant: &TenantId, event: &NewEvent) -> Self {
        let metadata = &event.metadata;
        let causation = metadata.causation_id.map(|id| *id.as_bytes());
        let fields: [&[u8]; 12] = [
            event.id.0.as_bytes(),
            event.event_type.as_bytes(),
            tenant.as_str().as_bytes(),
            event.stream.as_str().as_bytes(),
            &event.version.number().to_be_bytes(),
            &event.schema.0.to_be_bytes(),
            &event.payload,
            metadata.correlation_id.as_bytes(),
            causation.as_ref().map_or(&[], |id| id.as_slice()),
            metadata.command_id.as_bytes(),
            metadata.actor.as_str().as_bytes(),
            metadata.traceparent.as_deref().unwrap_or_default().as_bytes(),
        ];
        let mut digest = Sha256::new();
        for field in fields {
            digest.update((field.len() as u64).to_be_bytes());
            digest.update(field);
        }
        Self(digest.finalize().into())
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

#[cfg(test)]
mod tests;
