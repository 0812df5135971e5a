//! From a record to an event that is known to be the next one.

use std::collections::HashMap;

use kernel::{EventSet, LogId, LoggedEvent, Recorded, SchemaFingerprint, Sequence};
use messaging::IncomingRecord;
use read_store::Checkpoint;
use wire::{Codec, DecodeError, Received, RegistryClient, RegistryError, headers};

use crate::stop::Stop;

/// Checks and decodes the records of one lane.
pub(crate) struct Intake<E> {
    log: LogId,
    codec: Codec<E>,
    registry: RegistryClient,
    /// What the schema ids that were met stand for. As large as the topic has schemas.
    schemas: HashMap<u32, SchemaFingerprint>,
}

/// What a record is to a lane.
#[derive(Debug)]
pub(crate) enum Admitted<E> {
    /// Its effect is in the rows already.
    Repeat,
    /// It is the next event.
    Next(Box<Next<E>>),
}

/// An event and where its lane is once it was applied.
#[derive(Debug, Clone)]
pub(crate) struct Next<E> {
    pub(crate) event: Recorded<E>,
    pub(crate) after: Checkpoint,
}

/// Why a record was not admitted.
#[derive(Debug)]
pub(crate) enum Refused {
    /// It has to be asked for what is needed to read it, and the registry is away: try again.
    RegistryAway(String),
    /// The lane stops.
    Stop(Stop),
}

impl From<Stop> for Refused {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

impl<E: EventSet> Intake<E> {
    pub(crate) fn new(log: LogId, codec: Codec<E>, registry: RegistryClient) -> Self {
        Self { log, codec, registry, schemas: HashMap::new() }
    }

    /// Whether the record is the one after `last`.
    ///
    /// Completeness is checked on every record: a gap in the sequence, another epoch or a chain that does not
    /// follow is never passed over.
    pub(crate) async fn admit(
        &mut self,
        record: &IncomingRecord,
        last: &Checkpoint,
    ) -> Result<Admitted<E>, Refused> {
        let inapplicable = |why: String| Stop::Inapplicable { offset: record.offset, why };
        let claimed = claimed_sequence(record);
        let claimed =
            claimed.ok_or_else(|| inapplicable("it says no sequence: not a record of ours".to_owned()))?;
        if claimed <= last.sequence && is_of_epoch(record, last) {
            return Ok(Admitted::Repeat);
        }
        let value = record.value.as_ref().ok_or_else(|| inapplicable("it has no value".to_owned()))?;
        let (id, payload) = wire::unframe(value).map_err(|error| inapplicable(error.to_string()))?;
        let schema = self.schema(record, id).await?;
        let received =
            Received::parse(&self.log, record.key.as_deref(), record.headers.iter(), payload, schema)
                .map_err(|error| inapplicable(error.to_string()))?;
        let after = follow(record, &received, last)?;
        let event = self.decode(record, &received, id).await?;
        let event = recorded(received.event, event);
        Ok(Admitted::Next(Box::new(Next { event, after })))
    }

    async fn schema(&mut self, record: &IncomingRecord, id: u32) -> Result<SchemaFingerprint, Refused> {
        if let Some(known) = self.schemas.get(&id) {
            return Ok(*known);
        }
        let found = self.registry.schema_by_id(id).await.map_err(|error| registry_refused(record, &error))?;
        self.schemas.insert(id, found.fingerprint);
        Ok(found.fingerprint)
    }

    async fn decode(&self, record: &IncomingRecord, received: &Received, id: u32) -> Result<E, Refused> {
        let inapplicable = |why: String| Stop::Inapplicable { offset: record.offset, why };
        let event = &received.event.event;
        let decode = || self.codec.decode(&event.event_type, event.schema, &event.payload);
        let decoded = match decode() {
            Err(DecodeError::UnknownSchema(_)) => {
                // Written with another version of the schema than this program has: learn it once.
                let writer = self.registry.schema_by_id(id).await;
                let writer = writer.map_err(|error| registry_refused(record, &error))?;
                self.codec
                    .add_writer_schema(&writer.json)
                    .map_err(|error| inapplicable(error.to_string()))?;
                decode()
            }
            decoded => decoded,
        };
        Ok(decoded.map_err(|error| inapplicable(error.to_string()))?)
    }
}

/// The event as a fold takes it.
pub(crate) fn recorded<E>(logged: LoggedEvent, event: E) -> Recorded<E> {
    Recorded {
        id: logged.event.id,
        tenant: logged.tenant,
        lane: logged.log.lane,
        sequence: logged.sequence,
        stream: logged.event.stream,
        version: logged.event.version,
        recorded_at: logged.recorded_at,
        event,
    }
}

fn registry_refused(record: &IncomingRecord, error: &RegistryError) -> Refused {
    if error.is_retryable() {
        return Refused::RegistryAway(error.to_string());
    }
    Stop::Inapplicable { offset: record.offset, why: error.to_string() }.into()
}

fn claimed_sequence(record: &IncomingRecord) -> Option<Sequence> {
    let text = std::str::from_utf8(record.headers.get(headers::SEQUENCE)?).ok()?;
    text.parse().ok().map(Sequence::new)
}

/// A repeat of another epoch is none: the log was replaced, and its early events are news.
fn is_of_epoch(record: &IncomingRecord, last: &Checkpoint) -> bool {
    let said = record.headers.get(headers::EPOCH).and_then(|epoch| std::str::from_utf8(epoch).ok());
    said.and_then(|epoch| epoch.parse().ok()) == last.epoch.map(|epoch| epoch.0)
}

/// Where the lane is after this record, if it is the next one.
fn follow(record: &IncomingRecord, received: &Received, last: &Checkpoint) -> Result<Checkpoint, Stop> {
    let (sequence, offset) = (received.event.sequence, record.offset);
    if let Some(expected) = last.epoch.filter(|epoch| *epoch != received.epoch) {
        return Err(Stop::OtherEpoch { expected, found: received.epoch });
    }
    if sequence != last.sequence.next() {
        return Err(Stop::Hole { expected: last.sequence.next(), found: sequence, offset });
    }
    if received.event.expected_chain(&last.chain) != received.event.chain {
        return Err(Stop::BrokenChain { sequence, offset });
    }
    let epoch = Some(received.epoch);
    Ok(Checkpoint { sequence, offset: offset + 1, epoch, chain: received.event.chain })
}
