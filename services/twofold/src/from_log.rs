//! What happened in a log, read from the log itself: neither the topic nor anything of the projectors is between.

use event_log::EventLog;
use kernel::{EventSet, LogId, LoggedEvent, Recorded, Sequence};
use projection::{Pages, Told};
use wire::{Codec, DecodeError, SchemaError};

/// Events read in one go.
const PAGE: usize = 5_000;

/// Reads the events of one log.
pub(crate) struct FromLog<'a, E> {
    log: &'a EventLog,
    id: &'a LogId,
    codec: Codec<E>,
}

impl<'a, E: EventSet> FromLog<'a, E> {
    pub(crate) fn new(log: &'a EventLog, id: &'a LogId) -> Result<Self, SchemaError> {
        Ok(Self { log, id, codec: Codec::new()? })
    }

    /// The event; none where it does not read.
    async fn decode(&self, logged: &LoggedEvent) -> Result<Option<E>, String> {
        let event = &logged.event;
        let decode = || self.codec.decode(&event.event_type, event.schema, &event.payload);
        match decode() {
            Err(DecodeError::UnknownSchema(_)) => {}
            decoded => return Ok(decoded.ok()),
        }
        // Written by another release: its schema is kept beside the events.
        let schema = self.log.schema(event.schema).await.map_err(|error| error.to_string())?;
        let schema =
            schema.ok_or_else(|| format!("the event {}: its schema is not in the log", logged.sequence))?;
        self.codec.add_writer_schema(&schema).map_err(|error| error.to_string())?;
        Ok(decode().ok())
    }
}

impl<E: EventSet> Pages<E> for FromLog<'_, E> {
    async fn after(&mut self, after: Sequence) -> Result<Vec<Told<E>>, String> {
        let page = self.log.read_log(self.id, after, PAGE).await.map_err(|error| error.to_string())?;
        let mut told = Vec::with_capacity(page.len());
        for logged in page {
            let (sequence, chain) = (logged.sequence, logged.chain);
            let event = self.decode(&logged).await?.map(|event| recorded(logged, event));
            told.push(Told { sequence, chain, event });
        }
        Ok(told)
    }
}

fn recorded<E>(logged: LoggedEvent, event: E) -> Recorded<E> {
    Recorded {
        id: logged.event.id,
        tenant: logged.tenant,
        lane: logged.log.lane,
        sequence: logged.sequence,
        stream: logged.event.stream,
        version: logged.event.version,
        recorded_at: logged.recorded_at,
        metadata: logged.event.metadata,
        event,
    }
}
