//! From a record to an event that is known to be the next one.

use std::collections::HashMap;

use kernel::{ChainHash, EventSet, LogId, LoggedEvent, Recorded, SchemaFingerprint, Sequence};
use messaging::IncomingRecord;
use read_store::Checkpoint;
use wire::{Codec, DecodeError, Received, RegistryClient, RegistryError, headers};

use crate::stop::{RecordAt, Stop};

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
    /// Where it was found.
    pub(crate) at: RecordAt,
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
        let inapplicable = |why: String| Stop::Inapplicable { at: RecordAt::Offset(record.offset), why };
        let claimed = claimed_sequence(record);
        let claimed =
            claimed.ok_or_else(|| inapplicable("it says no sequence: not a record of ours".to_owned()))?;
        if claimed <= last.sequence && is_of_epoch(record, last) {
            return repeat(record, claimed, last);
        }
        let value = record.value.as_ref().ok_or_else(|| inapplicable("it has no value".to_owned()))?;
        let (id, payload) = wire::unframe(value).map_err(|error| inapplicable(error.to_string()))?;
        let schema = self.schema(record, id).await?;
        let received =
            Received::parse(&self.log, record.key.as_deref(), record.headers.iter(), payload, schema)
                .map_err(|error| inapplicable(error.to_string()))?;
        let at = RecordAt::Offset(record.offset);
        let after = follow(&received, at, record.offset + 1, last)?;
        let event = self.decode(record, &received, id).await?;
        let event = recorded(received.event, event);
        Ok(Admitted::Next(Box::new(Next { event, after, at })))
    }

    pub(crate) fn log(&self) -> &LogId {
        &self.log
    }

    pub(crate) fn codec(&self) -> &Codec<E> {
        &self.codec
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
        let inapplicable = |why: String| Stop::Inapplicable { at: RecordAt::Offset(record.offset), why };
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
    Stop::Inapplicable { at: RecordAt::Offset(record.offset), why: error.to_string() }.into()
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

/// A repeat of the very last event must be that event: one of a history that went another way is not passed over.
fn repeat<E>(record: &IncomingRecord, sequence: Sequence, last: &Checkpoint) -> Result<Admitted<E>, Refused> {
    if sequence == last.sequence {
        let said = record.headers.get(headers::CHAIN).and_then(|chain| std::str::from_utf8(chain).ok());
        if said.and_then(ChainHash::from_hex) != Some(last.chain) {
            return Err(Stop::BrokenChain { sequence, at: RecordAt::Offset(record.offset) }.into());
        }
    }
    Ok(Admitted::Repeat)
}

/// Where the lane is after this record, found `at`, if it is the next one; the topic is then read on from `offset`.
pub(crate) fn follow(
    received: &Received,
    at: RecordAt,
    offset: i64,
    last: &Checkpoint,
) -> Result<Checkpoint, Stop> {
    let sequence = received.event.sequence;
    if let Some(expected) = last.epoch.filter(|epoch| *epoch != received.epoch) {
        let of = if matches!(at, RecordAt::Offset(_)) { "topic" } else { "log" };
        return Err(Stop::OtherEpoch { of, expected, found: received.epoch });
    }
    if sequence != last.sequence.next() {
        return Err(Stop::Hole { expected: last.sequence.next(), found: sequence, offset: offset - 1 });
    }
    if received.event.expected_chain(&last.chain) != received.event.chain {
        return Err(Stop::BrokenChain { sequence, at });
    }
    let epoch = Some(received.epoch);
    Ok(Checkpoint { sequence, offset, epoch, chain: received.event.chain })
}
