//! What happened in a log, read from the log itself: neither the topic nor anything of the projectors is between.

use event_log::EventLog;
use kernel::{LogId, LoggedEvent, Sequence};
use projection::{AnyEvent, AnyView, Pages, Told};
use wire::DecodeError;

/// Events read in one go.
const PAGE: usize = 5_000;

/// Reads the events of one log.
pub(crate) struct FromLog<'a> {
    log: &'a EventLog,
    id: &'a LogId,
    view: &'a AnyView,
}

impl<'a> FromLog<'a> {
    /// As `view` takes them in.
    pub(crate) fn new(log: &'a EventLog, id: &'a LogId, view: &'a AnyView) -> Self {
        Self { log, id, view }
    }

    /// The event; none where it does not read.
    async fn decode(&self, logged: &LoggedEvent) -> Result<Option<AnyEvent>, String> {
        let schema = match self.view.decode(logged) {
            Err(DecodeError::UnknownSchema(schema)) => schema,
            decoded => return Ok(decoded.ok()),
        };
        // Written by another release: its schema is kept beside the events.
        let schema = self.log.schema(schema).await.map_err(|error| error.to_string())?;
        let schema =
            schema.ok_or_else(|| format!("the event {}: its schema is not in the log", logged.sequence))?;
        self.view.add_writer_schema(&schema).map_err(|error| error.to_string())?;
        Ok(self.view.decode(logged).ok())
    }
}

impl Pages for FromLog<'_> {
    async fn after(&mut self, after: Sequence) -> Result<Vec<Told>, String> {
        let page = self.log.read_log(self.id, after, PAGE).await.map_err(|error| error.to_string())?;
        let mut told = Vec::with_capacity(page.len());
        for logged in page {
            let event = self.decode(&logged).await?;
            told.push(Told { sequence: logged.sequence, chain: logged.chain, event });
        }
        Ok(told)
    }
}
