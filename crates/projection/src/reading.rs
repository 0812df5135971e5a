//! Reading records without knowing what came before them: any number at once, on any thread.

use std::collections::HashMap;
use std::sync::Arc;

use kernel::{ChainHash, Epoch, EventDigest, LogId, SchemaFingerprint};
use messaging::IncomingRecord;
use read_store::Checkpoint;
use wire::Received;

use crate::view::{AnyEvent, AnyView};

/// Reads the records of one lane.
pub(crate) struct Reader {
    pub(crate) log: LogId,
    pub(crate) view: AnyView,
    pub(crate) schemas: Arc<HashMap<u32, SchemaFingerprint>>,
}

/// A record that was read as far as that goes without asking anybody.
pub(crate) struct Readied {
    pub(crate) record: IncomingRecord,
    /// None where it is not a plain event: to be admitted by itself.
    event: Option<Event>,
}

struct Event {
    event: AnyEvent,
    epoch: Epoch,
    chain: ChainHash,
    digest: EventDigest,
}

/// What a record is to a lane.
pub(crate) enum Follows<'a> {
    /// Its effect is in the rows already.
    Repeat,
    /// It is the next event, and the lane is there once it was applied.
    Next(&'a AnyEvent, Checkpoint),
    /// That has to be looked at more closely.
    Unclear,
}

impl Reader {
    pub(crate) fn read_all(&self, records: Vec<IncomingRecord>) -> Vec<Readied> {
        records.into_iter().map(|record| Readied { event: self.read(&record), record }).collect()
    }

    fn read(&self, record: &IncomingRecord) -> Option<Event> {
        let (id, payload) = wire::unframe(record.value.as_ref()?).ok()?;
        let schema = *self.schemas.get(&id)?;
        let headers = record.headers.iter();
        let received = Received::parse(&self.log, record.key.as_deref(), headers, payload, schema).ok()?;
        let Received { epoch, event: logged } = received;
        let digest = EventDigest::of(&logged.tenant, &logged.event);
        let chain = logged.chain;
        Some(Event { event: self.view.decode(&logged).ok()?, epoch, chain, digest })
    }
}

impl Readied {
    /// Whether it is the one after `last`, by sequence, epoch and chain.
    pub(crate) fn follows(&self, last: &Checkpoint) -> Follows<'_> {
        let Some(Event { event, epoch, chain, digest }) = &self.event else { return Follows::Unclear };
        if last.epoch.is_some_and(|expected| expected != *epoch) {
            return Follows::Unclear;
        }
        if event.sequence() < last.sequence || (event.sequence() == last.sequence && *chain == last.chain) {
            return Follows::Repeat;
        }
        let follows = event.sequence() == last.sequence.next()
            && last.chain.extend(digest, event.sequence(), event.recorded_at()) == *chain;
        if !follows {
            return Follows::Unclear;
        }
        let offset = self.record.offset + 1;
        Follows::Next(
            event,
            Checkpoint { sequence: event.sequence(), offset, epoch: Some(*epoch), chain: *chain },
        )
    }
}
