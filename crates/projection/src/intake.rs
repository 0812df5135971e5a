//! From a record to an event that is known to be the next one.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use kernel::{ChainHash, LogId, LoggedEvent, SchemaFingerprint, Sequence, StreamName, TenantId};
use messaging::IncomingRecord;
use read_store::Checkpoint;
use wire::{BadRecord, DecodeError, Received, RegistryClient, RegistryError, headers};

use crate::reading::Reader;
use crate::stop::{RecordAt, Stop};
use crate::view::{AnyEvent, AnyView};

/// Checks and decodes the records of one lane.
pub(crate) struct Intake {
    log: LogId,
    view: AnyView,
    registry: RegistryClient,
    /// What the schema ids that were met stand for. As large as the topic has schemas.
    schemas: Arc<HashMap<u32, SchemaFingerprint>>,
}

/// What a record is to a lane.
#[derive(Debug)]
pub(crate) enum Admitted {
    /// Its effect is in the rows already.
    Repeat,
    /// It is the next event.
    Next(Box<Next>),
}

/// An event and where its lane is once it was applied.
#[derive(Debug, Clone)]
pub(crate) struct Next {
    pub(crate) event: AnyEvent,
    pub(crate) after: Checkpoint,
    /// Where it was found.
    pub(crate) at: RecordAt,
    /// As it came, for where the event does not get into a row.
    pub(crate) record: IncomingRecord,
}

/// Why a record was not admitted.
#[derive(Debug)]
pub(crate) enum Refused {
    /// It has to be asked for what is needed to read it, and the registry is away: try again.
    RegistryAway(String),
    /// The lane stops.
    Stop(Stop),
    /// It is the next, but its value does not read: which rows it touches is not known.
    Unreadable(Box<Unreadable>),
    /// It does not say what it is: foreign, or damaged. Whatever it stands for, the next sequence is still to come.
    Foreign(String),
}

/// A record that says what it is, and whose value does not read.
#[derive(Debug)]
pub(crate) struct Unreadable {
    pub(crate) tenant: TenantId,
    pub(crate) stream: StreamName,
    /// As the record says: the chain is only checked with the next one, which must follow from it.
    pub(crate) after: Checkpoint,
    pub(crate) why: String,
}

impl From<Unreadable> for Refused {
    fn from(unreadable: Unreadable) -> Self {
        Self::Unreadable(Box::new(unreadable))
    }
}

impl From<Stop> for Refused {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

impl Intake {
    pub(crate) fn new(log: LogId, view: AnyView, registry: RegistryClient) -> Self {
        Self { log, view, registry, schemas: Arc::default() }
    }

    /// Whether the record is the one after `last`.
    ///
    /// Completeness is checked on every record: a gap in the sequence, another epoch or a chain that does not
    /// follow is never passed over.
    pub(crate) async fn admit(
        &mut self,
        record: &IncomingRecord,
        last: &Checkpoint,
    ) -> Result<Admitted, Refused> {
        let claimed = claimed_sequence(record)
            .ok_or_else(|| Refused::Foreign("it says no sequence: not a record of ours".to_owned()))?;
        if claimed <= last.sequence && is_of_epoch(record, last) {
            return repeat(record, claimed, last);
        }
        let (id, received) = match self.read(record).await? {
            Ok(read) => read,
            Err(why) => return Err(self.unreadable(record, last, why)?),
        };
        let at = RecordAt::Offset(record.offset);
        let after = follow(&received, at, record.offset + 1, last)?;
        let logged = received.event;
        let event = match self.decode(&logged, id).await? {
            Ok(event) => event,
            Err(why) => {
                let (tenant, stream) = (logged.tenant, logged.event.stream);
                return Err(Unreadable { tenant, stream, after, why }.into());
            }
        };
        Ok(Admitted::Next(Box::new(Next { event, after, at, record: record.clone() })))
    }

    /// Asks for what is needed to read these records, as far as the registry answers.
    pub(crate) async fn learn(&mut self, records: &[IncomingRecord]) {
        for record in records {
            let framed = record.value.as_deref().and_then(|value| value.first_chunk::<5>());
            let Some([_, id @ ..]) = framed else { continue };
            let id = u32::from_be_bytes(*id);
            if self.schemas.contains_key(&id) {
                continue;
            }
            // What fails here fails again where a record is admitted by itself, and is told there.
            let Ok(found) = self.registry.schema_by_id(id).await else { continue };
            if self.view.add_writer_schema(&found.json).is_ok() {
                Arc::make_mut(&mut self.schemas).insert(id, found.fingerprint);
            }
        }
    }

    /// Reads records by what is known now.
    pub(crate) fn reader(&self) -> Reader {
        Reader { log: self.log.clone(), view: self.view.clone(), schemas: Arc::clone(&self.schemas) }
    }

    pub(crate) fn log(&self) -> &LogId {
        &self.log
    }

    pub(crate) fn view(&self) -> &AnyView {
        &self.view
    }

    /// What the record says, with its body and that body's schema; or why its value does not read.
    async fn read(&mut self, record: &IncomingRecord) -> Result<Result<(u32, Received), String>, Refused> {
        let Some(value) = &record.value else { return Ok(Err("it has no value".to_owned())) };
        let (id, payload) = match wire::unframe(value) {
            Ok(unframed) => unframed,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let schema = match self.schema(id).await {
            Ok(schema) => schema,
            Err(error) if error.is_retryable() => return Err(Refused::RegistryAway(error.to_string())),
            Err(error) => return Ok(Err(error.to_string())),
        };
        Ok(Ok((id, self.parse(record, payload, schema)?)))
    }

    fn parse(
        &self,
        record: &IncomingRecord,
        payload: Bytes,
        schema: SchemaFingerprint,
    ) -> Result<Received, Refused> {
        let headers = record.headers.iter();
        Received::parse(&self.log, record.key.as_deref(), headers, payload, schema).map_err(|error| {
            match error {
                BadRecord::WrongLog { .. } => {
                    Stop::Inapplicable { at: RecordAt::Offset(record.offset), why: error.to_string() }.into()
                }
                error => Refused::Foreign(error.to_string()),
            }
        })
    }

    /// Of a record whose headers are whole.
    fn unreadable(
        &self,
        record: &IncomingRecord,
        last: &Checkpoint,
        why: String,
    ) -> Result<Refused, Refused> {
        // Neither body nor schema are known; the headers say the rest.
        let received = self.parse(record, Bytes::new(), SchemaFingerprint(0))?;
        let at = RecordAt::Offset(record.offset);
        let after = place_after(&received, at, record.offset + 1, last)?;
        let (tenant, stream) = (received.event.tenant, received.event.event.stream);
        Ok(Unreadable { tenant, stream, after, why }.into())
    }

    async fn schema(&mut self, id: u32) -> Result<SchemaFingerprint, RegistryError> {
        if let Some(known) = self.schemas.get(&id) {
            return Ok(*known);
        }
        let found = self.registry.schema_by_id(id).await?;
        Arc::make_mut(&mut self.schemas).insert(id, found.fingerprint);
        Ok(found.fingerprint)
    }

    /// The event, or why the body is none.
    async fn decode(&self, logged: &LoggedEvent, id: u32) -> Result<Result<AnyEvent, String>, Refused> {
        let decoded = match self.view.decode(logged) {
            Err(DecodeError::UnknownSchema(_)) => {
                // Written with another version of the schema than this program has: learn it once.
                let writer = match self.registry.schema_by_id(id).await {
                    Ok(writer) => writer,
                    Err(error) if error.is_retryable() => {
                        return Err(Refused::RegistryAway(error.to_string()));
                    }
                    Err(error) => return Ok(Err(error.to_string())),
                };
                if let Err(error) = self.view.add_writer_schema(&writer.json) {
                    return Ok(Err(error.to_string()));
                }
                self.view.decode(logged)
            }
            decoded => decoded,
        };
        Ok(decoded.map_err(|error| error.to_string()))
    }
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
fn repeat(record: &IncomingRecord, sequence: Sequence, last: &Checkpoint) -> Result<Admitted, Refused> {
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
    let after = place_after(received, at, offset, last)?;
    #[cfg(feature = "seeded-bugs")]
    if after.sequence != last.sequence.next() {
        return Ok(after);
    }
    if received.event.expected_chain(&last.chain) != received.event.chain {
        return Err(Stop::BrokenChain { sequence: after.sequence, at });
    }
    Ok(after)
}

/// As the record's headers say.
fn place_after(
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
    #[cfg(feature = "seeded-bugs")]
    let last = &Checkpoint {
        sequence: if crate::seeded_bugs::has("skip-a-hole") && sequence > last.sequence {
            Sequence::new(sequence.number() - 1)
        } else {
            last.sequence
        },
        ..*last
    };
    if sequence != last.sequence.next() {
        return Err(Stop::Hole { expected: last.sequence.next(), found: sequence, offset: offset - 1 });
    }
    let epoch = Some(received.epoch);
    Ok(Checkpoint { sequence, offset, epoch, chain: received.event.chain })
}
